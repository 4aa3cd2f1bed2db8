"""The end of a round: a constant after the last work, or the last release message of a barrier made of messages."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.wheel import INLINE
from neurosim.engine.plan import TimingPlan


class Barrier(NamedTuple):
    """As `BarrierPlan`; without messages ``endpoint`` is empty and ``root`` -2."""

    constant: int
    endpoint: np.ndarray
    gather: np.ndarray
    arrival: np.ndarray  # scratch
    root: int
    interval: int
    release: int


def build_barrier(plan: TimingPlan) -> Barrier:
    b = plan.barrier
    if b is None:
        none = np.zeros(0, np.int64)
        return Barrier(int(plan.barrier_cycles), none, none, none, -2, 0, 0)
    endpoint, gather = (np.ascontiguousarray(a, np.int64) for a in (b.endpoint, b.gather))
    return Barrier(0, endpoint, gather, np.zeros_like(gather), int(b.root), int(b.interval), int(b.release))


@njit(**INLINE)
def end_of(chip, dims, e):
    u = dims.ends + e * c.ENDPOINT_ROW
    return max(chip[u + c.UPDATE_END], chip[u + c.EGRESS_END], chip[u + c.SYNAPSE_END])


@njit(cache=True, nogil=True)
def round_length(start, finish, chip, dims, barrier):
    """Quanta of a round that began at ``start`` and whose last work ended at ``finish``, barrier included."""
    if barrier.root == -2:
        return finish - start + barrier.constant
    n = barrier.endpoint.size
    for k in range(n):
        barrier.arrival[k] = end_of(chip, dims, barrier.endpoint[k]) + barrier.gather[k]
    barrier.arrival.sort()
    heard = end_of(chip, dims, barrier.root) if barrier.root >= 0 else start
    for k in range(n):
        # Whatever came k-th, those after it need an interval each at the root's port.
        heard = max(heard, barrier.arrival[k] + (n - 1 - k) * barrier.interval)
    return heard + barrier.release - start
