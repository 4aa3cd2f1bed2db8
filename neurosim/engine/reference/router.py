"""A router: input queues per virtual channel, credits, one round of request, grant and accept a quantum.

The pipeline is one number a link: a flit that wins allocation in quantum t is available at the next router, or at the
endpoint, at t + latency. With the numbers of `p3` in docs/model.md this is BookSim's three-stage router, packet for
packet. A multicast flit stays at the head of its queue until a copy has gone each of its ways.

Left out: adaptive routing, priorities of packets, dropping; links never fail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import simpy

from neurosim.engine.plan import RouterPlan
from neurosim.engine.reference.clock import ROUTER, Alarm, arrive
from neurosim.engine.reference.ways import Place, channels, way


@dataclass(eq=False)
class Packet:
    """One spike on its way from endpoint ``source``. ``stops``: (route, endpoint), one of them unless multicast.

    Times are quanta of the round; ``arrived[route]`` is when its tail became available at the endpoint of that route.
    """

    source: int
    stops: tuple[tuple[int, int], ...]
    inject: int = -1
    arrived: dict[int, int] = field(default_factory=dict)

    @property
    def route(self) -> int:
        return self.stops[0][0]


@dataclass(frozen=True, eq=False)
class Flit:
    """One link transfer of a packet. The head opens the way, the tail closes it; a lone flit is both.

    ``stops`` are those of the packet's destinations that this copy goes to.
    """

    packet: Packet
    head: bool
    tail: bool
    stops: tuple[tuple[int, int], ...]


@dataclass(eq=False)
class Waiting:
    """A flit in a queue and its ways out that no copy has taken yet: {output: stops}."""

    flit: Flit
    ways: dict[int, tuple[tuple[int, int], ...]]


@dataclass(eq=False)
class Input:
    """An input port. ``queues[vc]`` hold flits, ``output_vc[vc]`` the channel held by the packet passing through."""

    queues: list[deque[Waiting]]
    output_vc: list[int]
    return_credit: Callable[[int], None] | None = None
    credit_cycles: int = 1
    request_pointer: int = 0
    accept_pointer: int = 0
    free_at: int = 0


@dataclass(eq=False)
class Output:
    """An output port and what it knows of the queues downstream: ``credits[vc]`` free places there."""

    latency: int
    interval: int
    credits: list[int]
    held: list[bool]
    deliver: Callable[[int, Flit], None] | None = None
    grant_pointer: int = 0
    vc_pointer: int = field(init=False)
    free_at: int = 0
    flits: int = 0
    slices: list[tuple[int, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.vc_pointer = len(self.credits) - 1

    def usable(self, vc: int) -> bool:
        return self.credits[vc] > 0 and not self.held[vc]


def first_at_or_after(pointer: int, candidates: Iterable[int], size: int) -> int:
    """The cyclic tie-break used everywhere: the candidate met first when counting up from ``pointer`` modulo size."""
    return min(candidates, key=lambda k: (k - pointer) % size)


class Router:
    """``places[endpoint]``: its router and local port. Port numbers are those of `RouterPlan`."""

    def __init__(self, env: simpy.Environment, plan: RouterPlan, number: int, places: list[Place]):
        self.env, self.plan, self.number, self.places = env, plan, number, places
        self.vcs = plan.virtual_channels
        self.n_ports = plan.n_ports
        self.order = None if plan.priority is None else [plan.input_order(port) for port in range(self.n_ports)]
        self.inputs = [Input([deque() for _ in range(self.vcs)], [-1] * self.vcs) for _ in range(self.n_ports)]
        # Links have their own times (`Round._link`); these are those of the local ports.
        local = plan.latency_cycles[4], plan.interval_cycles[4]
        self.outputs = [Output(*local, [0] * self.vcs, [False] * self.vcs) for _ in range(self.n_ports)]
        self.bus_pointer = self.bus_free_at = 0
        self.bell = Alarm(env, ROUTER)
        env.process(self.run())

    def run(self):
        """Allocate in every quantum in which something changed: an arrival, a credit, a grant, a port free again."""
        while True:
            yield self.bell.wait()
            self.allocate()

    def receive(self, port: int, vc: int, flit: Flit) -> None:
        ways: dict[int, tuple[tuple[int, int], ...]] = {}
        for stop in flit.stops:
            out = way(self.plan, self.number, self.places[stop[1]])
            ways[out] = (*ways.get(out, ()), stop)
        self.inputs[port].queues[vc].append(Waiting(flit, ways))
        self.bell.ring()

    def take_credit(self, port: int, vc: int) -> None:
        self.outputs[port].credits[vc] += 1
        self.bell.ring()

    def allocate(self) -> None:
        asked = self.requests()
        if self.plan.topology == "bus":
            self.allocate_bus(asked)
            return
        granted: dict[int, list[int]] = {}
        for port, candidates in asked.items():
            winner = self.grant(port, candidates)
            granted.setdefault(winner, []).append(port)
        for port, offers in granted.items():
            accepted = first_at_or_after(self.inputs[port].accept_pointer, offers, self.n_ports)
            vc = asked[accepted][port]
            # With the one accepted go the granted outputs of the same flit: a crossbar can copy.
            self.move(port, vc, accepted, [o for o in offers if asked[o][port] == vc])

    def allocate_bus(self, asked: dict[int, dict[int, int]]) -> None:
        """One input has the bus: the first that asks at or after the pointer. All outputs it can reach hear it."""
        inputs = {port for candidates in asked.values() for port in candidates}
        if not inputs:
            return
        port = first_at_or_after(self.bus_pointer, inputs, self.n_ports)
        offers = [o for o, candidates in asked.items() if port in candidates]
        accepted = first_at_or_after(self.inputs[port].accept_pointer, offers, self.n_ports)
        vc = asked[accepted][port]
        self.bus_pointer = (port + 1) % self.n_ports
        self.move(port, vc, accepted, [o for o in offers if asked[o][port] == vc])

    def grant(self, port: int, candidates: Iterable[int]) -> int:
        """The input that output ``port`` grants: the next in turn, or the first in the chip's fixed order."""
        if self.order is not None:
            return min(candidates, key=self.order[port].index)
        return first_at_or_after(self.outputs[port].grant_pointer, candidates, self.n_ports)

    def requests(self) -> dict[int, dict[int, int]]:
        """{output: {input: vc}}: for each pair of ports at most one vc asks, body before head, then by pointer."""
        asked: dict[int, dict[int, int]] = {}
        if self.bus_free_at > self.env.now:
            return asked
        for port, source in enumerate(self.inputs):
            if source.free_at > self.env.now:
                continue
            order = [(source.request_pointer + k) % self.vcs for k in range(self.vcs)]
            waiting = [vc for vc in order if source.queues[vc]]
            for vc in sorted(waiting, key=lambda vc: source.queues[vc][0].flit.head):  # stable: bodies first
                first = source.queues[vc][0]
                for target in first.ways:
                    if self.can_ask(port, vc, first, target):
                        asked.setdefault(target, {}).setdefault(port, vc)
        return asked

    def usable(self, port: int, vc: int, waiting: Waiting, target: int) -> list[int]:
        """Channels that a head flit at the front of an input's queue could take behind output ``target``."""
        places = [self.places[endpoint] for _, endpoint in waiting.ways[target]]
        allowed = channels(self.plan, self.number, target, places, port, vc)
        return [out_vc for out_vc in allowed if self.outputs[target].usable(out_vc)]

    def can_ask(self, port: int, vc: int, waiting: Waiting, target: int) -> bool:
        output = self.outputs[target]
        if output.free_at > self.env.now:
            return False
        if waiting.flit.head:
            return bool(self.usable(port, vc, waiting, target))
        return output.credits[self.inputs[port].output_vc[vc]] > 0

    def move(self, port: int, vc: int, accepted: int, targets: list[int]) -> None:
        """Copies of the flit go to ``targets``, one of which is ``accepted``; only now do pointers move."""
        source = self.inputs[port]
        first = source.queues[vc][0]
        interval = max(self.outputs[target].interval for target in targets)
        for target in targets:
            self.send(port, vc, first, target)
            self.outputs[target].grant_pointer = (port + 1) % self.n_ports
        source.accept_pointer = (accepted + 1) % self.n_ports
        source.request_pointer = (vc + 1) % self.vcs
        source.free_at = self.env.now + interval
        if self.plan.topology == "bus":
            self.bus_free_at = source.free_at
        if not first.ways:
            source.queues[vc].popleft()
            arrive(self.env, source.credit_cycles, lambda: source.return_credit(vc))
        self.bell.ring(1)
        self.bell.ring(interval)

    def send(self, port: int, vc: int, waiting: Waiting, target: int) -> None:
        source, output, flit = self.inputs[port], self.outputs[target], waiting.flit
        if flit.head:
            source.output_vc[vc] = first_at_or_after(
                output.vc_pointer, self.usable(port, vc, waiting, target), self.vcs
            )
            output.vc_pointer = (source.output_vc[vc] + 1) % self.vcs
        output_vc = source.output_vc[vc]
        copy = Flit(flit.packet, flit.head, flit.tail, waiting.ways.pop(target))
        output.held[output_vc] = not flit.tail
        output.credits[output_vc] -= 1
        output.flits += 1
        output.slices.append((copy.stops[0][0], self.env.now, self.env.now + output.interval))
        output.free_at = self.env.now + output.interval
        if output.interval > 1:
            self.bell.ring(output.interval)
        arrive(self.env, output.latency, lambda: output.deliver(output_vc, copy))
