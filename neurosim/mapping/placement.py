"""Blocks onto cores so that traffic is short: a snake over the tiles from the host, then improving moves and swaps.

Traffic is counted as routes x hops under uniform activity, so a placement never depends on the stimulus. Everything is
deterministic, and the work is bounded by a count of trials, never by the clock.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from neurosim.arch import Chip
from neurosim.mapping.mapping import Routes

_MAX_SWEEPS = 8
_MAX_TRIALS = 200_000_000


@dataclass(frozen=True, eq=False)
class Traffic:
    """Routes between blocks, both ways added up, as CSR rows without the diagonal: ``ptr`` (n_blocks + 1,) int64,
    ``other`` and ``routes`` (n_pairs,) int64; and ``host`` (n_blocks,) int64, routes from and to the host."""

    ptr: np.ndarray
    other: np.ndarray
    routes: np.ndarray
    host: np.ndarray

    @classmethod
    def between(cls, source: np.ndarray, target: np.ndarray, routes: np.ndarray, host: np.ndarray) -> Traffic:
        """From one-way counts: ``routes[i]`` routes from block ``source[i]`` to block ``target[i]``."""
        n = host.size
        apart = source != target
        key = np.concatenate([(source * n + target)[apart], (target * n + source)[apart]])
        pairs, inverse = np.unique(key, return_inverse=True)
        total = np.zeros(pairs.size, np.int64)
        np.add.at(total, inverse, np.concatenate([routes[apart]] * 2))
        ptr = np.concatenate([[0], np.cumsum(np.bincount(pairs // n, minlength=n))])
        return cls(ptr.astype(np.int64), pairs % n, total, host)


def _snake(chip: Chip) -> np.ndarray:
    """Tiles row by row, every other row backwards, starting at the row and column of the host."""
    width, height = chip.mesh.width, chip.mesh.height
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    rows = np.abs(y - chip.io.tile[1]) * 2 + (y < chip.io.tile[1])
    columns = np.abs(x - chip.io.tile[0])
    columns = np.where(rows % 4 >= 2, width - 1 - columns, columns)
    return np.lexsort((columns.ravel(), rows.ravel()))


def host_tile(chip: Chip) -> int:
    """Number of the tile at which the host is attached."""
    return chip.io.tile[0] + chip.mesh.width * chip.io.tile[1]


def route_hops(routes: Routes, endpoint: np.ndarray, chip: Chip) -> int:
    """Hops between tiles summed over all routes: the traffic if every neuron spiked once."""
    ends = np.append(np.arange(chip.n_cores) // chip.mesh.cores_per_tile, host_tile(chip))
    source = ends[np.repeat(endpoint, np.diff(routes.ptr))]
    target = ends[routes.endpoint]
    width = chip.mesh.width
    return int((np.abs(source % width - target % width) + np.abs(source // width - target // width)).sum())


def place(traffic: Traffic, chip: Chip) -> tuple[np.ndarray, int]:
    """Core of each block, (n_blocks,) int32, and the traffic in routes x hops before the improvement."""
    n = traffic.host.size
    per_tile = chip.mesh.cores_per_tile
    slots = (_snake(chip)[:, None] * per_tile + np.arange(per_tile)).ravel()
    width = chip.mesh.width
    core = slots[:n].copy()
    before = _cost(core // per_tile, traffic, width, host_tile(chip))
    # Room to move for every block; the far corner of a large and nearly empty chip is not tried.
    candidates = slots[: max(2 * n, n + 64)]
    shape = (width, chip.mesh.height, per_tile, host_tile(chip), chip.n_cores)
    sweeps = min(_MAX_SWEEPS, _MAX_TRIALS // max(1, n * candidates.size))
    if sweeps and chip.mesh.n_tiles > 1:
        _improve(core, candidates, traffic.ptr, traffic.other, traffic.routes, traffic.host, shape, sweeps)
    return core.astype(np.int32), before


def _cost(tile: np.ndarray, traffic: Traffic, width: int, host: int) -> int:
    mine = np.repeat(tile, np.diff(traffic.ptr))
    other = tile[traffic.other]
    pairs = (np.abs(mine % width - other % width) + np.abs(mine // width - other // width)) * traffic.routes
    outside = (np.abs(tile % width - host % width) + np.abs(tile // width - host // width)) * traffic.host
    return int(pairs.sum()) // 2 + int(outside.sum())


@njit(cache=True, nogil=True)
def _improve(core, candidates, ptr, other, routes, from_host, shape, sweeps):
    """Give each block in turn the core (free, or swapped with its holder) that helps most, until a sweep helps none.

    at_x[b, x] + at_y[b, y] is the cost of all routes of block b if it sat at (x, y) and no other block moved: hops
    along the two axes add up, so every trial takes the same few look-ups. Ties go to the first candidate.
    """
    width, height, per_tile, host, n_cores = shape
    n = core.size
    at_x, at_y = np.zeros((n, width), np.int64), np.zeros((n, height), np.int64)
    holder = np.full(n_cores, -1, np.int64)
    between = np.zeros(n, np.int64)  # routes between the block in turn and every other
    for b in range(n):
        holder[core[b]] = b
        _add(at_x[b], from_host[b], host % width)
        _add(at_y[b], from_host[b], host // width)
        for e in range(ptr[b], ptr[b + 1]):
            tile = core[other[e]] // per_tile
            _add(at_x[b], routes[e], tile % width)
            _add(at_y[b], routes[e], tile // width)
    for _ in range(sweeps):
        moved = False
        for b in range(n):
            here = core[b] // per_tile
            x, y = here % width, here // width
            for e in range(ptr[b], ptr[b + 1]):
                between[other[e]] = routes[e]
            best, best_change = -1, 0
            for i in range(candidates.size):
                there = candidates[i] // per_tile
                to_x, to_y = there % width, there // width
                change = at_x[b, to_x] + at_y[b, to_y] - at_x[b, x] - at_y[b, y]
                o = holder[candidates[i]]
                if o >= 0:
                    change += at_x[o, x] + at_y[o, y] - at_x[o, to_x] - at_y[o, to_y]
                    # The pair's own distance does not change in a swap, but both sums lost it.
                    change += 2 * between[o] * (abs(x - to_x) + abs(y - to_y))
                if there != here and change < best_change:
                    best, best_change = candidates[i], change
            for e in range(ptr[b], ptr[b + 1]):
                between[other[e]] = 0
            if best < 0:
                continue
            moved = True
            o, old = holder[best], core[b]
            core[b], holder[best], holder[old] = best, b, o
            _moved(b, old // per_tile, best // per_tile, ptr, other, routes, at_x, at_y, width)
            if o >= 0:
                core[o] = old
                _moved(o, best // per_tile, old // per_tile, ptr, other, routes, at_x, at_y, width)
        if not moved:
            return


@njit(cache=True, nogil=True)
def _add(line, weight, position):
    for i in range(line.size):
        line[i] += weight * abs(i - position)


@njit(cache=True, nogil=True)
def _moved(b, old, new, ptr, other, routes, at_x, at_y, width):
    """Block b went from tile to tile: bring the sums of its neighbours up to date."""
    for e in range(ptr[b], ptr[b + 1]):
        o, weight = other[e], routes[e]
        _add(at_x[o], -weight, old % width)
        _add(at_x[o], weight, new % width)
        _add(at_y[o], -weight, old // width)
        _add(at_y[o], weight, new // width)
