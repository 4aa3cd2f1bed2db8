"""Where a packet goes next: the output port at a router, and the virtual channels that it may use there."""

from __future__ import annotations

from collections.abc import Iterable

from neurosim.engine.plan import RouterPlan

Place = tuple[int, int]
"""Router and local port of an endpoint."""


def way(plan: RouterPlan, router: int, place: Place) -> int:
    """The output port at ``router`` for a packet to ``place``: x first, then y; in a tree up, then down."""
    target, port = place
    if target == router:
        return port
    if plan.topology == "tree":
        return _tree_way(plan, router, target)
    x, y = router % plan.width, router // plan.width
    to_x, to_y = target % plan.width, target // plan.width
    if to_x != x:
        return 0 if _ahead(plan, to_x - x, plan.width) else 1
    return 2 if _ahead(plan, to_y - y, plan.height) else 3


def _ahead(plan: RouterPlan, offset: int, size: int) -> bool:
    """Whether to go up along an axis; a ring's shorter side, and up when both are as long."""
    return 2 * (offset % size) <= size if plan.topology == "torus" else offset > 0


def _tree_way(plan: RouterPlan, router: int, target: int) -> int:
    """Down towards the child whose branch holds ``target``, else up."""
    while target > router:
        parent, place = divmod(target - 1, plan.arity)
        if parent == router:
            return 1 + place
        target = parent
    return 0


def passes_edge(plan: RouterPlan, router: int, port: int, places: Iterable[Place]) -> bool:
    """Whether a packet leaving a torus router by ``port`` for ``places`` has yet to pass the edge of that ring."""
    for target, _ in places:
        here, there = (r % plan.width if port < 2 else r // plan.width for r in (router, target))
        if there < here if port in (0, 2) else there > here:
            return True
    return False


def channels(plan: RouterPlan, router: int, port: int, places: Iterable[Place], entry: int, vc: int) -> range:
    """Virtual channels behind ``port`` for a packet to ``places`` that came by input ``entry`` in channel ``vc``.

    On a torus a packet that enters a ring takes the upper half if it will pass the ring's edge, else the lower half,
    and keeps to it. Without this a ring of full queues could wait for itself for ever.
    """
    vcs = plan.virtual_channels
    if plan.topology != "torus" or port > 3:
        return range(vcs)
    upper = vc >= vcs // 2 if entry == port ^ 1 else passes_edge(plan, router, port, places)
    return range(vcs // 2, vcs) if upper else range(vcs // 2)
