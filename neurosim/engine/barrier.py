"""A barrier made of messages: who sends one, how long its way is, and what that costs; docs/model.md, section 7.

Every way to one root is a tree, since a router sends what is for the root always to the same output. So the time of a
message is known before the run, and a round only adds when each endpoint had done its work.
"""

from __future__ import annotations

import numpy as np

from neurosim.arch.schema import Barrier
from neurosim.engine.plan import BarrierPlan, RouterPlan
from neurosim.engine.reference.ways import way
from neurosim.engine.wiring import Link, endpoint_ports, links


def barrier_plan(barrier: Barrier, router: RouterPlan, n_cores: int, takes_part: np.ndarray) -> BarrierPlan:
    """``takes_part`` (n_cores + 1,) bool: endpoints that send a message and are told to go on; the host is the last."""
    ports = endpoint_ports(router, n_cores)
    root_router, root = ports[-1][0], n_cores
    if barrier.root != "host":
        root_router, root = router.first_tile + barrier.root[0] + router.width * barrier.root[1], -1
    senders = [int(e) for e in np.flatnonzero(takes_part) if e != root]
    ways = {e: _way_to(router, ports[e][0], root_router) for e in senders}
    back = {(link.router, link.port): link for link in links(router)}
    local, inject = router.latency_cycles[4], router.injection_cycles
    each = barrier.combine_cycles if barrier.combine else 0
    gather = [inject + sum(x.latency for x in ways[e]) + each * (len(ways[e]) + 1) + local for e in senders]
    release = [inject + sum(back[x.neighbour, x.entry].latency for x in ways[e]) + local for e in senders]
    tree = len({(link.router, link.port) for e in senders for link in ways[e]})
    up = tree + 1 if barrier.combine else sum(len(ways[e]) + 1 for e in senders)
    return BarrierPlan(
        endpoint=np.array(senders, np.int64),
        gather=np.array(gather, np.int64),
        root=root if root >= 0 and takes_part[root] else -1,
        interval=0 if barrier.combine else router.interval_cycles[4],
        release=barrier.root_cycles + max(release) if senders else 0,
        hops=up + tree + len(senders) if senders else 0,
    )


def _way_to(router: RouterPlan, start: int, root: int) -> list[Link]:
    """Links from one router to the root's."""
    to = {(link.router, link.port): link for link in links(router)}
    found = []
    while start != root:
        # The port at the root does not matter on the way there.
        found.append(to[start, way(router, start, (root, -1))])
        start = found[-1].neighbour
    return found


def endpoints_of_barrier(endpoint: np.ndarray, route_endpoint: np.ndarray, n_cores: int) -> np.ndarray:
    """(n_cores + 1,) bool: those that hold neurons or receive packets; the host with its inputs and answers."""
    takes_part = np.zeros(n_cores + 1, bool)
    takes_part[endpoint] = True
    takes_part[route_endpoint] = True
    return takes_part
