"""How points are cut into blocks: the same cut for any number of processes, points that share a stage side by side."""

from __future__ import annotations

import numpy as np

from neurosim.study.sweep.design import Design
from neurosim.study.sweep.fields import CONSTANT, ENERGY, stage_of

MAX_BLOCKS = 1024
MAX_BLOCK_POINTS = 2500
CHIP_POINTS = 64
"""How many points that differ in energy constants alone cost as much as one that needs another chip."""


def cut_blocks(design: Design) -> tuple[list[np.ndarray], int]:
    """Point numbers of each block, in running order, and how many different timings all of them need at most.

    Points are sorted by what the first stages read, then by the rest. A block ends where what timing reads changes, or
    after several such changes where there would be more than `MAX_BLOCKS` otherwise, or after `MAX_BLOCK_POINTS`.
    """
    rank = [min(stage_of(name) for name in axis.fields) for axis in design.axes]
    order = sorted(range(len(rank)), key=lambda i: (rank[i], i))
    running = np.lexsort([design.choice[:, i] for i in reversed(order)])
    choice = design.choice[running]
    group = np.cumsum(_changes(choice[:, [i for i in order if rank[i] < ENERGY]])) - 1
    n_groups = int(group[-1]) + 1
    cuts = np.flatnonzero(np.diff(group // -(-n_groups // MAX_BLOCKS))) + 1
    # Points that differ in technology share a timing, but each chip has to be built and priced.
    weight = np.where(_changes(choice[:, [i for i in order if rank[i] < CONSTANT]]), CHIP_POINTS, 1)
    blocks = []
    for part in np.split(np.arange(len(running)), cuts):
        load = np.cumsum(weight[part]) // MAX_BLOCK_POINTS
        blocks += [running[piece] for piece in np.split(part, np.flatnonzero(np.diff(load)) + 1)]
    return blocks, n_groups


def _changes(choice: np.ndarray) -> np.ndarray:
    """(n,) bool: a row differs from the one before it; the first row does."""
    changed = np.zeros(len(choice), bool)
    changed[0] = True
    if choice.shape[1]:
        changed[1:] = (choice[1:] != choice[:-1]).any(axis=1)
    return changed
