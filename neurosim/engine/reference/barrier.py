"""When a barrier made of messages is over, message by message."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim.engine.plan import BarrierPlan


def all_done(plan: BarrierPlan, ends: Sequence[int]) -> int:
    """The quantum in which the root has heard from everybody. ``ends`` (n_cores + 1,): end of each endpoint's work.

    The root's port takes one message every ``interval`` quanta; messages combined on their way arrive as one.
    """
    arrivals = sorted(ends[e] + g for e, g in zip(plan.endpoint.tolist(), plan.gather.tolist(), strict=True))
    heard = ends[plan.root] if plan.root >= 0 else 0
    port_free = 0
    for arrival in arrivals:
        taken = max(arrival, port_free)
        port_free = taken + plan.interval
        heard = max(heard, taken)
    return heard
