"""One round: routers and units wired together, started empty, run until nothing moves; the barrier ends it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import simpy

from neurosim.engine.plan import TimingPlan
from neurosim.engine.reference.barrier import all_done
from neurosim.engine.reference.clock import arrive
from neurosim.engine.reference.core import EgressQueue, EgressUnit, Group, Port, SynapseUnit, UpdateUnit
from neurosim.engine.reference.router import Flit, Packet, Router
from neurosim.engine.wiring import Link, endpoint_ports, links


class Round:
    """``groups[core]`` is what each update unit does; ``host_spikes`` wait at the host when the round begins."""

    def __init__(self, plan: TimingPlan, groups: Sequence[Sequence[Group]], host_spikes: Sequence[int]) -> None:
        self.plan = plan
        self.env = simpy.Environment()
        self.packets: list[Packet] = []
        self.ports = endpoint_ports(plan.router, plan.n_cores)
        self.routers = [Router(self.env, plan.router, r, self.ports) for r in range(plan.router.n_routers)]
        for link in links(plan.router):
            self._join(link)
        host = plan.n_cores
        self.queues = [EgressQueue(self.env, plan.egress_depth) for _ in range(host)]
        self.queues.append(EgressQueue(self.env, None, host_spikes))
        # The host has no update unit to share a port with.
        self.membranes = [Port() if plan.shared_port and core < host else None for core in range(host + 1)]
        self.update = [
            UpdateUnit(self.env, groups[core], self.queues[core], self.membranes[core], plan.serial_egress)
            for core in range(host)
        ]
        self.egress = [self._egress_unit(endpoint) for endpoint in range(host + 1)]
        self.synapse = [self._synapse_unit(endpoint) for endpoint in range(host + 1)]

    def _join(self, link: Link) -> None:
        """Connect an output to the input that it leads to."""
        router, plan = self.routers[link.router], self.plan.router
        output, entry = router.outputs[link.port], self.routers[link.neighbour].inputs[link.entry]
        output.latency, output.interval = link.latency, link.interval
        output.deliver = partial(self.routers[link.neighbour].receive, link.entry)
        output.credits = [plan.queue_depth] * plan.virtual_channels
        entry.return_credit = partial(router.take_credit, link.port)
        entry.credit_cycles = plan.credit_link_cycles

    def _egress_unit(self, endpoint: int) -> EgressUnit:
        tile, port = self.ports[endpoint]
        router, plan = self.routers[tile], self.plan.router

        def inject(vc: int, flit: Flit) -> None:
            arrive(self.env, plan.injection_cycles, lambda: router.receive(port, vc, flit))

        is_host = endpoint == self.plan.n_cores
        cycles = self.plan.host_cycles if is_host else self.plan.egress_cycles
        credits = [plan.queue_depth] * plan.virtual_channels
        flits = plan.flits_per_packet
        unit = EgressUnit(self.env, self.queues[endpoint], self._packets_of, cycles, flits, credits, inject)
        router.inputs[port].return_credit = unit.take_credit
        router.inputs[port].credit_cycles = plan.credit_injection_cycles
        return unit

    def _synapse_unit(self, endpoint: int) -> SynapseUnit:
        tile, port = self.ports[endpoint]
        router, plan = self.routers[tile], self.plan.router
        give_back = partial(router.take_credit, port)
        is_host = endpoint == self.plan.n_cores
        unit = SynapseUnit(
            self.env, plan.virtual_channels, self._work, plan.credit_local_cycles, give_back,
            lookup=self.plan.lookup_cycles if self.plan.overlap_lookup and not is_host else None,
            fill=0 if is_host else self.plan.fill_cycles, port=self.membranes[endpoint],
        )  # fmt: skip
        router.outputs[port].deliver = unit.receive
        router.outputs[port].credits = [self.plan.ingress_depth] * plan.virtual_channels
        return unit

    def _packets_of(self, neuron: int) -> list[Packet]:
        routes = range(self.plan.route_ptr[neuron], self.plan.route_ptr[neuron + 1])
        stops = [(route, int(self.plan.route_endpoint[route])) for route in routes]
        groups = [tuple(stops)] if self.plan.router.multicast else [(stop,) for stop in stops]
        source = int(self.plan.endpoint[neuron])
        packets = [Packet(source, group) for group in groups]
        self.packets.extend(packets)
        return packets

    def _work(self, route: int) -> int:
        return int(self.plan.route_busy[route])

    def conflict(self, delivered: Sequence[int]) -> int:
        """Quanta of the work on packets of these routes that went to banks with several accesses."""
        static = self.plan.route_conflict
        return 0 if static is None else sum(int(static[route]) for route in delivered)

    def run(self) -> int:
        """Quanta from the start of the round to the moment the last unit has finished; barrier not included."""
        self.env.run()
        delivered = sum(len(unit.delivered) for unit in self.synapse)
        expected = sum(len(packet.stops) for packet in self.packets)
        if delivered != expected:
            raise RuntimeError(f"round ended with {delivered} of {expected} packets delivered")
        return max(self.ends())

    def ends(self) -> list[int]:
        """The end of each endpoint's work, the host's last. Only after `run`."""
        host = self.plan.n_cores
        ends = [max(self.egress[e].finished, self.synapse[e].finished) for e in range(host + 1)]
        return [max(ends[e], self.update[e].finished) if e < host else ends[e] for e in range(host + 1)]

    def length(self) -> int:
        """Quanta of the round, barrier included. Only after `run`."""
        barrier, ends = self.plan.barrier, self.ends()
        if barrier is None:
            return max(ends) + self.plan.barrier_cycles
        return all_done(barrier, ends) + barrier.release
