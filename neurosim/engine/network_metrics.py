"""What the network did to the packets: latencies, drain time, link load, and spikes that overtake each other.

From a packet log (`PacketLog`) and the flits counted on links. Latency is from the head leaving its source to the tail
being at the destination's queue, in quanta. Drain time is when the last packet of a round arrives.

Spike disorder: of two spikes for one destination, the one sent first should arrive first; a delivery is out of order if
a packet sent later arrived earlier. (The metric is that of interconnect studies of spiking networks, where it is a
sum over inter-spike intervals; here it is the share of deliveries, which needs no unit.)
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.engine.activity import router_name
from neurosim.engine.plan import PacketLog, RouterPlan, TimingPlan
from neurosim.engine.wiring import links

GRID_PORTS = ("east", "west", "north", "south")


def network_metrics(plan: TimingPlan, log: PacketLog, link_flits: np.ndarray, cycles: int) -> dict[str, Any]:
    """Plain data: latency_cycles {mean, p99, max}, drain_cycles {mean, max}, disorder, deliveries, links.

    ``link_flits`` (n_routers, n_ports) flits counted over ``cycles`` quanta, which may cover more samples than ``log``.
    p99 is the smallest latency that at least 99 % of the deliveries do not exceed.
    """
    latency = log.arrive - log.inject
    ordered = np.sort(latency)
    n = latency.size
    rounds = log.sample.astype(np.int64) * plan.n_rounds + log.round
    drain = np.zeros(0, np.int64)
    if n:
        starts = np.flatnonzero(np.diff(rounds, prepend=-1))
        drain = np.maximum.reduceat(log.arrive, starts)
    return {
        "deliveries": n,
        "latency_cycles": {
            "mean": float(latency.mean()) if n else 0.0,
            "p99": int(ordered[-(-99 * n // 100) - 1]) if n else 0,
            "max": int(ordered[-1]) if n else 0,
        },
        "drain_cycles": {"mean": float(drain.mean()) if n else 0.0, "max": int(drain.max()) if n else 0},
        "disorder": spike_disorder(rounds, plan.route_endpoint[log.route], log.inject, log.arrive),
        "topology": plan.router.topology,
        "width": plan.router.width,
        "height": plan.router.height,
        "links": link_rows(plan.router, link_flits, cycles),
    }


def spike_disorder(rounds: np.ndarray, destination: np.ndarray, inject: np.ndarray, arrive: np.ndarray) -> float:
    """Share of deliveries before which a packet sent later had arrived at the same destination in the same round."""
    if inject.size == 0:
        return 0.0
    order = np.lexsort((inject, arrive, destination, rounds))
    group = np.flatnonzero(np.diff(rounds[order], prepend=-1) | np.diff(destination[order], prepend=-1))
    sent, came = inject[order], arrive[order]
    of = np.repeat(np.arange(group.size), np.diff(np.append(group, sent.size)))
    # Latest sending so far within the group: lift every group above the one before, then one running maximum.
    lift = of * (int(sent.max()) + 1)
    latest = np.maximum.accumulate(sent + lift) - lift
    # Only what arrived strictly earlier counts: look at the entry before the first with this arrival.
    same = np.flatnonzero((np.diff(came, prepend=-1) != 0) | (np.diff(of, prepend=-1) != 0))
    first = np.repeat(same, np.diff(np.append(same, sent.size)))
    starts = np.zeros(sent.size, bool)
    starts[group] = True
    before = np.where(starts[first], -1, latest[np.maximum(first - 1, 0)])
    return float((before > sent).mean())


def link_rows(router: RouterPlan, link_flits: np.ndarray, cycles: int) -> list[dict[str, Any]]:
    """One row a link between routers: from, to, direction, flits, and the share of the time it was taken.

    A flit takes its link for the link's interval. The last flit of a round may arrive, and end the round, before its
    interval is over; what lies beyond the round is not taken off, so a busy slow link is limited to 1.
    """
    rows = []
    for link in links(router):
        flits = int(link_flits[link.router, link.port])
        up = "up" if link.port == 0 else "down"
        rows.append({
            "from": router_name(router, link.router),
            "to": router_name(router, link.neighbour),
            "direction": up if router.topology == "tree" else GRID_PORTS[link.port],
            "off_chip": link.off_chip,
            "flits": flits,
            "load": min(1.0, flits * link.interval / cycles) if cycles else 0.0,
        })  # fmt: skip
    return rows
