"""An estimate of the quanta of a run: links and units as reservations, packets one after another.

Every link and every unit keeps the quantum from which it is free. The packets of a round are taken in the order in
which their heads leave their sources (ties: source endpoint, then order there), and each reserves its whole way at
once. Queues have no limit and there are no credits, no round robin, no virtual channels: nothing ever holds back what
feeds it. So all counts are those of the cycle engines, and only quanta are estimates: too short where queues fill,
and in another order where packets meet. docs/estimate.md says by how much.

Not modelled besides: `shared_port` and `serial_egress`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from neurosim.engine.plan import TimingPlan, TimingResult
from neurosim.engine.reference.barrier import all_done
from neurosim.engine.reference.timing import empty_result
from neurosim.engine.reference.walk import RoundView, UpdateCounts, groups_of_core, routed
from neurosim.engine.reference.ways import way
from neurosim.engine.wiring import endpoint_ports, links
from neurosim.snn.trace import SpikeTrace


class EstimateRound:
    """One round. ``groups[core]`` is what each update unit does; ``host_spikes`` wait at the host from the start."""

    def __init__(self, plan: TimingPlan, groups, host_spikes, result: TimingResult, number: int) -> None:
        self.plan, self.result, self.number = plan, result, number
        self.places = endpoint_ports(plan.router, plan.n_cores)
        self.links = {(link.router, link.port): link for link in links(plan.router)}
        self.free: dict[object, int] = defaultdict(int)
        self.ends = np.zeros((plan.n_cores + 1, 3), np.int64)  # update, egress, synapse
        packets = [p for core, mine in enumerate(groups) for p in self.sources(core, mine)]
        packets += self.packets(plan.n_cores, [(0, n) for n in host_spikes])
        for head, source, stops in sorted(packets, key=lambda p: p[:1]):  # stable: sources ascend, then their order
            result.injected[source] += 1
            for route in stops:
                result.sent[route] += 1
            self.follow(self.places[source][0], stops, head + plan.router.injection_cycles)

    def sources(self, core: int, groups) -> list[tuple[int, int, list[int]]]:
        now, spikes = 0, []
        for group in groups:
            now += group.cycles
            spikes += [(now, neuron) for neuron in group.spikes]
        self.ends[core, 0] = now
        self.result.update_busy[self.number, core] += now
        return self.packets(core, spikes)

    def packets(self, source: int, spikes: list[tuple[int, int]]) -> list[tuple[int, int, list[int]]]:
        """(quantum in which the head leaves, source, routes) of each packet of spikes pushed at given quanta."""
        plan, made, free = self.plan, [], 0
        cycles = max(1, plan.host_cycles if source == plan.n_cores else plan.egress_cycles)
        for pushed, neuron in spikes:
            free = max(free, pushed)
            routes = list(range(plan.route_ptr[neuron], plan.route_ptr[neuron + 1]))
            for stops in [routes] if plan.router.multicast else [[route] for route in routes]:
                made.append((free + cycles, source, stops))
                free += cycles + plan.router.flits_per_packet - 1
                self.ends[source, 1] = free
        return made

    def follow(self, router: int, stops: list[int], now: int) -> None:
        """Reserve the ways of a packet from a router on, outputs ascending."""
        ways: dict[int, list[int]] = defaultdict(list)
        for route in stops:
            ways[way(self.plan.router, router, self.places[self.plan.route_endpoint[route]])].append(route)
        for port in sorted(ways):
            link = self.links.get((router, port))
            there = self.cross(router, port, link, now)
            if link is None:
                self.receive(ways[port][0], there)
            else:
                self.follow(link.neighbour, ways[port], there)

    def cross(self, router: int, port: int, link, now: int) -> int:
        """Reserve one output; returns when the head is at its other end."""
        plan = self.plan.router
        latency, interval = (
            (plan.latency_cycles[4], plan.interval_cycles[4]) if link is None else (link.latency, link.interval)
        )
        medium = "bus" if plan.topology == "bus" else (router, port)
        begin = max(now, self.free[medium])
        self.free[medium] = begin + interval * plan.flits_per_packet
        self.result.link_flits[router, port] += plan.flits_per_packet
        return begin + latency

    def receive(self, route: int, head: int) -> None:
        plan, endpoint = self.plan, int(self.plan.route_endpoint[route])
        is_core, bodies = endpoint < plan.n_cores, plan.router.flits_per_packet - 1
        ready = head + bodies + (max(1, plan.lookup_cycles) if plan.overlap_lookup and is_core else 0)
        busy = int(plan.route_busy[route])
        self.free["unit", endpoint] = max(ready, self.free["unit", endpoint]) + busy
        self.ends[endpoint, 2] = self.free["unit", endpoint] + (plan.fill_cycles if is_core else 0)
        self.result.delivered[route] += 1
        if is_core:
            self.result.synapse_busy[self.number, endpoint] += busy + bodies
        if plan.route_conflict is not None:
            self.result.waits[self.number, endpoint, 0] += plan.route_conflict[route]


def reference_estimate(
    plan: TimingPlan, trace: SpikeTrace, *, progress: Callable[[int], None] | None = None
) -> TimingResult:
    """Estimated quanta and exact counts of ``trace`` on ``plan``."""
    result = empty_result(plan, trace.n_samples)
    counts = UpdateCounts(result.accessed, result.active, result.spiked)
    for sample in range(trace.n_samples):
        for number in range(plan.n_rounds):
            view = RoundView(plan, trace, sample, number)
            groups = [groups_of_core(plan, view, core, counts) for core in range(plan.n_cores)]
            host = view.host_spikes()
            counts.spiked[host] += 1
            ends = EstimateRound(plan, groups, routed(plan, host), result, number).ends
            done = ends.max(axis=1).tolist()
            length = max(done) + plan.barrier_cycles
            if plan.barrier is not None:
                length = all_done(plan.barrier, done) + plan.barrier.release
            result.round_cycles[sample, number] = length
            result.barrier_cycles[sample, number] = length - max(done)
        if progress is not None:
            progress(sample + 1)
    return result
