"""Which router output leads to which input, and what that link takes: the static part that both engines share.

The way a packet goes is not here; each engine decides it on its own.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from neurosim.engine.plan import RouterPlan

OPPOSITE = (1, 0, 3, 2)


class Link(NamedTuple):
    """From output ``port`` of ``router`` to input ``entry`` of ``neighbour``."""

    router: int
    port: int
    neighbour: int
    entry: int
    latency: int
    interval: int
    off_chip: bool


def endpoint_ports(router: RouterPlan, n_cores: int) -> list[tuple[int, int]]:
    """(router, port) of every endpoint; the host, last, has the last port of its router."""
    per_tile, first = router.cores_per_tile, router.first_local
    ports = [(router.first_tile + core // per_tile, first + core % per_tile) for core in range(n_cores)]
    return [*ports, (router.host_router, first + per_tile)]


@lru_cache(8)
def links(router: RouterPlan) -> tuple[Link, ...]:
    """Every link of the network, by router and port."""
    if router.topology == "bus":
        return ()
    return tuple(_tree_links(router) if router.topology == "tree" else _grid_links(router))


def _grid_links(plan: RouterPlan) -> list[Link]:
    found = []
    for tile in range(plan.n_tiles):
        x, y = tile % plan.width, tile // plan.width
        for port, (dx, dy) in enumerate(((1, 0), (-1, 0), (0, 1), (0, -1))):
            i, j = x + dx, y + dy
            if plan.topology == "torus":
                i, j = i % plan.width, j % plan.height
            if (i, j) == (x, y) or not (0 <= i < plan.width and 0 <= j < plan.height):
                continue  # the edge of a mesh, or a ring of one
            off = plan.chip_width > 0 and (
                x // plan.chip_width != i // plan.chip_width or y // plan.chip_height != j // plan.chip_height
            )
            latency = plan.off_chip_latency_cycles if off else plan.latency_cycles[port]
            interval = plan.off_chip_interval_cycles if off else plan.interval_cycles[port]
            found.append(Link(tile, port, i + plan.width * j, OPPOSITE[port], latency, interval, off))
    return found


def _tree_links(plan: RouterPlan) -> list[Link]:
    """Router r has children arity * r + 1 .. arity * r + arity; a child's port 0 leads up."""
    found = []
    for router in range(plan.n_routers):
        if router > 0:
            parent, place = divmod(router - 1, plan.arity)
            found.append(Link(router, 0, parent, 1 + place, plan.latency_cycles[0], plan.interval_cycles[0], False))
        for k in range(plan.arity if router < plan.first_tile else 0):
            child = plan.arity * router + 1 + k
            found.append(Link(router, 1 + k, child, 0, plan.latency_cycles[1], plan.interval_cycles[1], False))
    return found
