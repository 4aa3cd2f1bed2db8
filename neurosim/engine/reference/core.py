"""The units of an endpoint: update (neurons), egress (spikes out), synapse (spikes in). The host has the last two.

A core's membranes and accumulators are double-buffered: updates read what earlier rounds accumulated, the synapse
unit writes what later rounds will read, so the two never wait for each other.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import simpy

from neurosim.engine.reference.clock import EGRESS, SYNAPSE, UPDATE, Alarm, Moment, arrive
from neurosim.engine.reference.router import Flit, Packet, first_at_or_after


@dataclass(frozen=True)
class Group:
    """Slots updated side by side: quanta they take together, and the neurons among them that send a spike."""

    cycles: int
    spikes: Sequence[int] = ()


class EgressQueue:
    """Spikes waiting to be sent, ``depth`` places (None: no limit). Room freed in a quantum is usable in the next."""

    def __init__(self, env: simpy.Environment, depth: int | None, spikes: Sequence[int] = ()) -> None:
        self.env = env
        self.depth = depth
        self.spikes = deque(spikes)
        self.depths: list[tuple[int, int]] = [(0, len(self.spikes))]
        self.room = Alarm(env, UPDATE)
        self.pushed = Alarm(env, EGRESS)

    def full(self) -> bool:
        return self.depth is not None and len(self.spikes) >= self.depth

    def push(self, neuron: int) -> None:
        self.spikes.append(neuron)
        self.depths.append((self.env.now, len(self.spikes)))
        self.pushed.ring()

    def pop(self) -> int:
        self.room.ring(1)
        neuron = self.spikes.popleft()
        self.depths.append((self.env.now, len(self.spikes)))
        return neuron


class UpdateUnit:
    """Group after group: work, then push its spikes; the next group starts when the last of them is in the queue."""

    def __init__(self, env: simpy.Environment, groups: Sequence[Group], queue: EgressQueue) -> None:
        self.env, self.groups, self.queue = env, groups, queue
        self.busy = self.stall = self.finished = 0
        self.slices: list[tuple[str, int, int]] = []
        env.process(self.run())

    def run(self):
        for group in self.groups:
            self.slices.append(("update", self.env.now, self.env.now + group.cycles))
            yield Moment(self.env, group.cycles, UPDATE)
            ready = self.env.now
            for neuron in group.spikes:
                while self.queue.full():
                    yield self.queue.room.wait()
                self.queue.push(neuron)
            self.busy += group.cycles
            self.stall += self.env.now - ready
            self.slices.append(("stalled: egress queue full", ready, self.env.now))
            self.finished = self.env.now


class EgressUnit:
    """Takes the oldest spike and sends its packets one after another, flit by flit, as credits allow.

    ``packets(neuron)`` makes the packets of a spike in sending order; ``inject(vc, flit)`` hands a flit to the router,
    which has ``credits[vc]`` free places for it.
    """

    def __init__(
        self,
        env: simpy.Environment,
        queue: EgressQueue,
        packets: Callable[[int], list[Packet]],
        cycles: int,
        flits: int,
        credits: list[int],
        inject: Callable[[int, Flit], None],
    ) -> None:
        self.env, self.queue, self.packets, self.inject = env, queue, packets, inject
        self.cycles = max(1, cycles)
        self.flits = flits
        self.credits = credits
        self.vc_pointer = 0
        self.credit = Alarm(env, EGRESS)
        self.finished = 0
        self.slices: list[tuple[int, int, int]] = []
        env.process(self.run())

    def run(self):
        while True:
            while not self.queue.spikes:
                yield self.queue.pushed.wait()
            for packet in self.packets(self.queue.pop()):
                started = self.env.now
                yield Moment(self.env, self.cycles, EGRESS)
                yield from self.send(packet)
                self.slices.append((packet.route, started, self.env.now))

    def send(self, packet: Packet):
        vcs = range(len(self.credits))
        while not any(self.credits):
            yield self.credit.wait()
        vc = first_at_or_after(self.vc_pointer, [k for k in vcs if self.credits[k]], len(vcs))
        self.vc_pointer = (vc + 1) % len(vcs)
        packet.inject = self.env.now
        for k in range(self.flits):
            if k > 0:
                yield Moment(self.env, 1, EGRESS)
            while self.credits[vc] == 0:
                yield self.credit.wait()
            self.credits[vc] -= 1
            self.inject(vc, Flit(packet, head=k == 0, tail=k == self.flits - 1, stops=packet.stops))
        self.finished = self.env.now

    def take_credit(self, vc: int) -> None:
        self.credits[vc] += 1
        self.credit.ring()


class SynapseUnit:
    """Empties the ingress queues, one flit at a time; a packet's work begins when its tail is popped.

    ``work(route)`` quanta a packet of that route; ``return_credit(vc)`` is told of the free place ``credit_cycles``
    after the pop.
    """

    def __init__(
        self,
        env: simpy.Environment,
        vcs: int,
        work: Callable[[int], int],
        credit_cycles: int,
        return_credit: Callable[[int], None],
    ) -> None:
        self.env, self.work, self.return_credit = env, work, return_credit
        self.credit_cycles = credit_cycles
        self.queues: list[deque[Flit]] = [deque() for _ in range(vcs)]
        self.pointer = 0
        self.arrival = Alarm(env, SYNAPSE)
        self.busy = self.finished = 0
        self.delivered: list[int] = []
        self.slices: list[tuple[int, int, int]] = []
        self.depths: list[tuple[int, int]] = [(0, 0)]
        env.process(self.run())

    def receive(self, vc: int, flit: Flit) -> None:
        if flit.tail:
            flit.packet.arrived[flit.stops[0][0]] = self.env.now
        self.queues[vc].append(flit)
        self.depths.append((self.env.now, sum(map(len, self.queues))))
        self.arrival.ring()

    def run(self):
        while True:
            while not any(self.queues):
                yield self.arrival.wait()
            filled = [vc for vc, queue in enumerate(self.queues) if queue]
            vc = first_at_or_after(self.pointer, filled, len(self.queues))
            self.pointer = (vc + 1) % len(self.queues)
            flit = self.queues[vc].popleft()
            self.depths.append((self.env.now, sum(map(len, self.queues))))
            cycles = self.consume(flit)
            self.slices.append((flit.stops[0][0], self.env.now, self.env.now + cycles))
            arrive(self.env, self.credit_cycles, lambda vc=vc: self.return_credit(vc))
            self.busy += cycles
            self.finished = self.env.now + cycles
            yield Moment(self.env, cycles, SYNAPSE)

    def consume(self, flit: Flit) -> int:
        if not flit.tail:
            return 1
        route = flit.stops[0][0]
        self.delivered.append(route)
        return self.work(route)
