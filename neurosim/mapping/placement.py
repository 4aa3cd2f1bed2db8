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
    """Number of the tile at which the host is attached; in a tree it is at the root, as far from every tile."""
    return chip.io.tile[0] + chip.mesh.width * chip.io.tile[1]


def _axes(chip: Chip) -> tuple[np.ndarray, np.ndarray]:
    """Links between columns (width, width) and between rows (height, height), int32: hops of the two axes add up."""
    columns = np.arange(chip.mesh.width)
    rows = np.arange(chip.mesh.height) * chip.mesh.width
    return tuple(chip.mesh.distance(line[:, None], line[None, :]).astype(np.int32) for line in (columns, rows))


def route_hops(routes: Routes, endpoint: np.ndarray, chip: Chip) -> int:
    """Hops between tiles summed over all routes: the traffic if every neuron spiked once."""
    ends = np.append(np.arange(chip.n_cores) // chip.mesh.cores_per_tile, host_tile(chip))
    n = chip.n_cores + 1
    # Routes are counted by pair of endpoints first, which are far fewer.
    pairs = np.repeat(endpoint.astype(np.int32), np.diff(routes.ptr)) * np.int64(n) + routes.endpoint
    pair, count = np.unique(pairs, return_counts=True) if n > 4096 else _counted(np.bincount(pairs, minlength=1))
    source, target = np.divmod(pair, n)
    hops = chip.mesh.distance(ends[source], ends[target])
    if chip.mesh.topology == "tree":
        with_host = (source == chip.n_cores) != (target == chip.n_cores)
        hops = np.where(with_host, chip.mesh.levels, hops)
    return int((hops * count).sum())


def _counted(counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    (found,) = np.nonzero(counts)
    return found, counts[found]


def place(traffic: Traffic, chip: Chip) -> tuple[np.ndarray, int]:
    """Core of each block, (n_blocks,) int32, and the traffic in routes x hops before the improvement."""
    n = traffic.host.size
    per_tile = chip.mesh.cores_per_tile
    slots = (_snake(chip)[:, None] * per_tile + np.arange(per_tile)).ravel()
    columns, rows = _axes(chip)
    # A tree's host is as far from every tile, whatever the placement.
    from_host = np.zeros_like(traffic.host) if chip.mesh.topology == "tree" else traffic.host
    constant = int(traffic.host.sum()) * chip.mesh.levels if chip.mesh.topology == "tree" else 0
    core = slots[:n].copy()
    before = constant + _cost(core // per_tile, traffic, from_host, columns, rows, host_tile(chip))
    # Room to move for every block; the far corner of a large and nearly empty chip is not tried.
    candidates = slots[: max(2 * n, n + 64)]
    shape = (per_tile, host_tile(chip), chip.n_cores)
    sweeps = min(_MAX_SWEEPS, _MAX_TRIALS // max(1, n * candidates.size))
    if sweeps and chip.mesh.n_tiles > 1:
        _improve(core, candidates, traffic.ptr, traffic.other, traffic.routes, from_host, columns, rows, shape, sweeps)
    return core.astype(np.int32), before


def _cost(tile, traffic: Traffic, from_host, columns, rows, host: int) -> int:
    width = columns.shape[0]

    def hops(a: np.ndarray, b: np.ndarray | int) -> np.ndarray:
        return columns[a % width, b % width].astype(np.int64) + rows[a // width, b // width]

    pairs = hops(np.repeat(tile, np.diff(traffic.ptr)), tile[traffic.other]) * traffic.routes
    return int(pairs.sum()) // 2 + int((hops(tile, host) * from_host).sum())


@njit(cache=True, nogil=True)
def _improve(core, candidates, ptr, other, routes, from_host, columns, rows, shape, sweeps):
    """Give each block in turn the core (free, or swapped with its holder) that helps most, until a sweep helps none.

    at_x[b, x] + at_y[b, y] is the cost of all routes of block b if it sat at (x, y) and no other block moved: hops
    along the two axes add up, so every trial takes the same few look-ups. Ties go to the first candidate.
    """
    per_tile, host, n_cores = shape
    width, height = columns.shape[0], rows.shape[0]
    n = core.size
    at_x, at_y = np.zeros((n, width), np.int64), np.zeros((n, height), np.int64)
    holder = np.full(n_cores, -1, np.int64)
    between = np.zeros(n, np.int64)  # routes between the block in turn and every other
    for b in range(n):
        holder[core[b]] = b
        _add(at_x[b], from_host[b], columns[host % width])
        _add(at_y[b], from_host[b], rows[host // width])
        for e in range(ptr[b], ptr[b + 1]):
            tile = core[other[e]] // per_tile
            _add(at_x[b], routes[e], columns[tile % width])
            _add(at_y[b], routes[e], rows[tile // width])
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
                    change += 2 * between[o] * (columns[x, to_x] + rows[y, to_y])
                if there != here and change < best_change:
                    best, best_change = candidates[i], change
            for e in range(ptr[b], ptr[b + 1]):
                between[other[e]] = 0
            if best < 0:
                continue
            moved = True
            o, old = holder[best], core[b]
            core[b], holder[best], holder[old] = best, b, o
            _moved(b, old // per_tile, best // per_tile, ptr, other, routes, at_x, at_y, columns, rows)
            if o >= 0:
                core[o] = old
                _moved(o, best // per_tile, old // per_tile, ptr, other, routes, at_x, at_y, columns, rows)
        if not moved:
            return


@njit(cache=True, nogil=True)
def _add(line, weight, hops):
    for i in range(line.size):
        line[i] += weight * hops[i]


@njit(cache=True, nogil=True)
def _moved(b, old, new, ptr, other, routes, at_x, at_y, columns, rows):
    """Block b went from tile to tile: bring the sums of its neighbours up to date."""
    width = columns.shape[0]
    for e in range(ptr[b], ptr[b + 1]):
        o, weight = other[e], routes[e]
        _add(at_x[o], -weight, columns[old % width])
        _add(at_x[o], weight, columns[new % width])
        _add(at_y[o], -weight, rows[old // width])
        _add(at_y[o], weight, rows[new // width])
