"""Blocks onto cores so that traffic is short: a snake over the tiles from the host, then improving swaps.

Traffic is counted as routes x hops under uniform activity, so a placement never depends on the stimulus. Everything is
deterministic; large chips skip the swaps beyond a fixed budget.
"""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip

_MAX_SWAP_CORES = 512
_MAX_SWEEPS = 6


def _snake(chip: Chip) -> np.ndarray:
    """Tiles row by row, every other row backwards, starting at the row and column of the host."""
    width, height = chip.mesh.width, chip.mesh.height
    x, y = np.meshgrid(np.arange(width), np.arange(height))
    rows = np.abs(y - chip.io.tile[1]) * 2 + (y < chip.io.tile[1])
    columns = np.abs(x - chip.io.tile[0])
    columns = np.where(rows % 4 >= 2, width - 1 - columns, columns)
    return np.lexsort((columns.ravel(), rows.ravel()))


def _distances(chip: Chip) -> np.ndarray:
    """Hops between tiles, (n_tiles, n_tiles)."""
    tile = np.arange(chip.mesh.n_tiles)
    x, y = tile % chip.mesh.width, tile // chip.mesh.width
    return np.abs(x[:, None] - x[None]) + np.abs(y[:, None] - y[None])


def place(traffic: np.ndarray, from_host: np.ndarray, chip: Chip) -> tuple[np.ndarray, int, int]:
    """Core of each block, and the traffic as first placed and at the end.

    traffic (n_blocks, n_blocks): routes from block to block; from_host (n_blocks,): routes from the host.
    """
    n = len(from_host)
    per_tile = chip.mesh.cores_per_tile
    slots = (np.repeat(_snake(chip), per_tile) * per_tile + np.tile(np.arange(per_tile), chip.mesh.n_tiles))[
        : chip.n_cores
    ]
    distance = _distances(chip)
    host = chip.io.tile[0] + chip.mesh.width * chip.io.tile[1]
    both = traffic + traffic.T
    core = slots[:n].copy()

    def cost() -> int:
        tile = core // per_tile
        return int((traffic * distance[np.ix_(tile, tile)]).sum() + (from_host * distance[host, tile]).sum())

    before = cost()
    if n <= _MAX_SWAP_CORES and distance.any():
        _improve(core, slots, both, from_host, distance, host, per_tile)
    return core.astype(np.int32), before, cost()


def _improve(core, slots, both, from_host, distance, host, per_tile) -> None:
    """Move each block in turn to the core (free or swapped) that helps most, until a sweep finds nothing."""
    n = len(core)
    candidates = slots[: min(len(slots), max(2 * n, n + 64))]
    there = candidates // per_tile
    for _ in range(_MAX_SWEEPS):
        moved = False
        for block in range(n):
            tile = core // per_tile
            here = tile[block]
            holder = np.full(int(slots.max()) + 1, -1)
            holder[core] = np.arange(n)
            other = holder[candidates]
            held = other >= 0
            # Cost of this block at every tile, against where the others are now.
            at_tile = distance[:, tile] @ both[block] + from_host[block] * distance[:, host]
            change = at_tile[there] - at_tile[here]
            o, t = other[held], there[held]
            own = (distance[t][:, tile] * both[o]).sum(axis=1)
            change[held] += both[o] @ distance[here, tile] - own
            change[held] += from_host[o] * (distance[here, host] - distance[t, host])
            # The pair's own distance does not change in a swap, but both sums counted it.
            change[held] += 2 * both[block, o] * distance[here, t]
            change[there == here] = 0
            best = int(np.argmin(change))
            if change[best] < 0:
                if other[best] >= 0:
                    core[other[best]] = core[block]
                core[block] = candidates[best]
                moved = True
        if not moved:
            return
