"""A mesh router: input queues per virtual channel, credits, one round of request, grant and accept a quantum.

The pipeline is one number a direction: a flit that wins allocation in quantum t is available at the next router, or
at the endpoint, at t + latency. With the numbers of `p3` in docs/model.md this is BookSim's three-stage router,
packet for packet.

Left out: adaptive routing, priorities of packets, dropping, multicast inside the network; links never fail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import simpy

from neurosim.engine.plan import RouterPlan
from neurosim.engine.reference.clock import ROUTER, Alarm, arrive


@dataclass(eq=False)
class Packet:
    """One spike on its way to one endpoint. Times are quanta of the round, -1 until they happen."""

    route: int
    destination: int
    inject: int = -1
    arrive: int = -1


@dataclass(frozen=True, eq=False)
class Flit:
    """One link transfer of a packet. The head opens the way, the tail closes it; a lone flit is both."""

    packet: Packet
    head: bool
    tail: bool


@dataclass(eq=False)
class Input:
    """An input port. ``queues[vc]`` hold flits, ``output_vc[vc]`` the channel held by the packet passing through."""

    queues: list[deque[Flit]]
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
    """Ports 0..3 = +x, -x, +y, -y, then the local ports. Input port k is fed by the neighbour in direction k."""

    def __init__(self, env: simpy.Environment, plan: RouterPlan, tile: int, endpoint_port: list[tuple[int, int]]):
        self.env = env
        self.vcs = plan.virtual_channels
        self.n_ports = 5 + plan.cores_per_tile
        self.x, self.y = tile % plan.width, tile // plan.width
        self.width = plan.width
        self.endpoint_port = endpoint_port
        self.order = None if plan.priority is None else [plan.input_order(port) for port in range(self.n_ports)]
        self.inputs = [Input([deque() for _ in range(self.vcs)], [-1] * self.vcs) for _ in range(self.n_ports)]
        directions = [min(port, 4) for port in range(self.n_ports)]
        self.outputs = [
            Output(plan.latency_cycles[d], plan.interval_cycles[d], [0] * self.vcs, [False] * self.vcs)
            for d in directions
        ]
        self.bell = Alarm(env, ROUTER)
        env.process(self.run())

    def run(self):
        """Allocate in every quantum in which something changed: an arrival, a credit, a grant, a port free again."""
        while True:
            yield self.bell.wait()
            self.allocate()

    def receive(self, port: int, vc: int, flit: Flit) -> None:
        self.inputs[port].queues[vc].append(flit)
        self.bell.ring()

    def take_credit(self, port: int, vc: int) -> None:
        self.outputs[port].credits[vc] += 1
        self.bell.ring()

    def direction(self, packet: Packet) -> int:
        """Dimension order: along x first, then along y, then out of the destination's local port."""
        tile, port = self.endpoint_port[packet.destination]
        x, y = tile % self.width, tile // self.width
        if x != self.x:
            return 0 if x > self.x else 1
        if y != self.y:
            return 2 if y > self.y else 3
        return port

    def allocate(self) -> None:
        asked = self.requests()
        granted: dict[int, list[int]] = {}
        for port, candidates in asked.items():
            winner = self.grant(port, candidates)
            granted.setdefault(winner, []).append(port)
        for port, offers in granted.items():
            accepted = first_at_or_after(self.inputs[port].accept_pointer, offers, self.n_ports)
            self.move(port, asked[accepted][port], accepted)

    def grant(self, port: int, candidates: Iterable[int]) -> int:
        """The input that output ``port`` grants: the next in turn, or the first in the chip's fixed order."""
        if self.order is not None:
            return min(candidates, key=self.order[port].index)
        return first_at_or_after(self.outputs[port].grant_pointer, candidates, self.n_ports)

    def requests(self) -> dict[int, dict[int, int]]:
        """{output: {input: vc}}: for each pair of ports at most one vc asks, body before head, then by pointer."""
        asked: dict[int, dict[int, int]] = {}
        for port, source in enumerate(self.inputs):
            if source.free_at > self.env.now:
                continue
            order = [(source.request_pointer + k) % self.vcs for k in range(self.vcs)]
            waiting = [vc for vc in order if source.queues[vc]]
            for vc in sorted(waiting, key=lambda vc: source.queues[vc][0].head):  # stable: bodies first
                flit = source.queues[vc][0]
                target = self.direction(flit.packet)
                if self.can_ask(flit, source.output_vc[vc], self.outputs[target]):
                    asked.setdefault(target, {}).setdefault(port, vc)
        return asked

    def can_ask(self, flit: Flit, output_vc: int, output: Output) -> bool:
        if output.free_at > self.env.now:
            return False
        if flit.head:
            return any(output.usable(vc) for vc in range(self.vcs))
        return output.credits[output_vc] > 0

    def move(self, port: int, vc: int, target: int) -> None:
        """An accepted flit leaves its queue; only now do pointers move."""
        source, output = self.inputs[port], self.outputs[target]
        flit = source.queues[vc].popleft()
        if flit.head:
            usable = [k for k in range(self.vcs) if output.usable(k)]
            source.output_vc[vc] = first_at_or_after(output.vc_pointer, usable, self.vcs)
            output.vc_pointer = (source.output_vc[vc] + 1) % self.vcs
        output_vc = source.output_vc[vc]
        output.held[output_vc] = not flit.tail
        output.credits[output_vc] -= 1
        output.flits += 1
        output.slices.append((flit.packet.route, self.env.now, self.env.now + output.interval))
        output.grant_pointer = (port + 1) % self.n_ports
        source.accept_pointer = (target + 1) % self.n_ports
        source.request_pointer = (vc + 1) % self.vcs
        source.free_at = output.free_at = self.env.now + output.interval
        arrive(self.env, output.latency, lambda: output.deliver(output_vc, flit))
        arrive(self.env, source.credit_cycles, lambda: source.return_credit(vc))
        self.bell.ring(1)
        self.bell.ring(output.interval)
