"""The units of an endpoint: update (neurons), egress (spikes out), synapse (spikes in). The host has the last two.

A core's membranes and accumulators are double-buffered: updates read what earlier rounds accumulated, the synapse
unit writes what later rounds will read. So the two wait for each other only where they share a memory port.
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


@dataclass
class Port:
    """The port of a core's membrane memory: until when each unit holds it. Update acts first within a quantum."""

    update_until: int = 0
    synapse_until: int = 0


class EgressQueue:
    """Spikes waiting to be sent, ``depth`` places (None: no limit). Room freed in a quantum is usable in the next."""

    def __init__(self, env: simpy.Environment, depth: int | None, spikes: Sequence[int] = ()) -> None:
        self.env = env
        self.depth = depth
        self.spikes = deque(spikes)
        self.depths: list[tuple[int, int]] = [(0, len(self.spikes))]
        self.room = Alarm(env, UPDATE)
        self.pushed = Alarm(env, EGRESS)
        self.drained = Alarm(env, UPDATE)
        self.sending = False

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
    """Group after group: work, then push its spikes; the next group starts when the last of them is in the queue.

    With ``in_turn`` it starts when the last of them is sent. ``port`` is shared with the synapse unit, or None.
    """

    def __init__(
        self,
        env: simpy.Environment,
        groups: Sequence[Group],
        queue: EgressQueue,
        port: Port | None = None,
        in_turn: bool = False,
    ) -> None:
        self.env, self.queue, self.port, self.in_turn = env, queue, port, in_turn
        self.groups = [group for group in groups if group.cycles or group.spikes]
        self.busy = self.stall = self.port_wait = self.injection_wait = self.finished = 0
        self.slices: list[tuple[str, int, int]] = []
        env.process(self.run())

    def run(self):
        for group in self.groups:
            yield from self.wait_to_start(group)
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

    def wait_to_start(self, group: Group):
        ready = self.env.now
        while self.in_turn and (self.queue.spikes or self.queue.sending):
            yield self.queue.drained.wait()
        sent = self.env.now
        if self.port is not None and group.cycles:
            if self.port.synapse_until > sent:
                yield Moment(self.env, self.port.synapse_until - sent, UPDATE)
            self.port.update_until = self.env.now + group.cycles
        self.injection_wait += sent - ready
        self.port_wait += self.env.now - sent
        self.slices.append(("waiting: spikes being sent", ready, sent))
        self.slices.append(("waiting: memory port", sent, self.env.now))


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
        self.finished = self.network_wait = 0
        self.slices: list[tuple[int, int, int, int]] = []
        env.process(self.run())

    def run(self):
        while True:
            while not self.queue.spikes:
                self.queue.sending = False
                self.queue.drained.ring(1)
                yield self.queue.pushed.wait()
            self.queue.sending = True
            for packet in self.packets(self.queue.pop()):
                started, waited = self.env.now, self.network_wait
                yield Moment(self.env, self.cycles, EGRESS)
                yield from self.send(packet)
                self.slices.append((packet.route, started, self.env.now, self.network_wait - waited))

    def send(self, packet: Packet):
        vcs = range(len(self.credits))
        ready = self.env.now
        while not any(self.credits):
            yield self.credit.wait()
        vc = first_at_or_after(self.vc_pointer, [k for k in vcs if self.credits[k]], len(vcs))
        self.vc_pointer = (vc + 1) % len(vcs)
        packet.inject = self.env.now
        for k in range(self.flits):
            if k > 0:
                yield Moment(self.env, 1, EGRESS)
                ready = self.env.now
            while self.credits[vc] == 0:
                yield self.credit.wait()
            self.network_wait += self.env.now - ready
            self.credits[vc] -= 1
            self.inject(vc, Flit(packet, head=k == 0, tail=k == self.flits - 1, stops=packet.stops))
        self.finished = self.env.now

    def take_credit(self, vc: int) -> None:
        self.credits[vc] += 1
        self.credit.ring()


class SynapseUnit:
    """Empties the ingress queues, one flit at a time; a packet's work begins when its tail is popped.

    With ``lookup`` (quanta) the tail is looked up first, while the packet before it may still be worked on. ``fill``:
    quanta from the end of the work until the last result is written. ``port`` is shared with the update unit, or None.

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
        lookup: int | None = None,
        fill: int = 0,
        port: Port | None = None,
    ) -> None:
        self.lookup, self.fill, self.port = lookup, fill, port
        self.free_at = self.port_wait = 0
        self.env, self.work, self.return_credit = env, work, return_credit
        self.credit_cycles = credit_cycles
        self.queues: list[deque[Flit]] = [deque() for _ in range(vcs)]
        self.pointer = 0
        self.arrival = Alarm(env, SYNAPSE)
        self.busy = self.finished = 0
        self.delivered: list[int] = []
        self.waits: list[tuple[int, int]] = []
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
            if self.lookup is None:
                yield from self.wait_for_port()
            filled = [vc for vc, queue in enumerate(self.queues) if queue]
            vc = first_at_or_after(self.pointer, filled, len(self.queues))
            self.pointer = (vc + 1) % len(self.queues)
            flit = self.queues[vc].popleft()
            self.depths.append((self.env.now, sum(map(len, self.queues))))
            arrive(self.env, self.credit_cycles, lambda vc=vc: self.return_credit(vc))
            route = flit.stops[0][0]
            if not flit.tail:
                self.occupy(route, 1, 0)
                yield Moment(self.env, 1, SYNAPSE)
                continue
            self.delivered.append(route)
            if self.lookup is not None:
                yield Moment(self.env, max(1, self.lookup), SYNAPSE)
                if self.free_at > self.env.now:
                    yield Moment(self.env, self.free_at - self.env.now, SYNAPSE)
                yield from self.wait_for_port()
            cycles = self.work(route)
            self.occupy(route, cycles, self.fill)
            self.free_at = self.env.now + cycles
            if self.port is not None:
                self.port.synapse_until = self.free_at
            if self.lookup is None:
                yield Moment(self.env, cycles, SYNAPSE)

    def occupy(self, route: int, cycles: int, fill: int) -> None:
        now = self.env.now
        self.slices.append((route, now, now + cycles))
        self.busy += cycles
        self.finished = max(self.finished, now + cycles + fill)

    def wait_for_port(self):
        """Until no update group is in progress; one that starts in the quantum in which another ends goes first."""
        since = self.env.now
        while self.port is not None and self.port.update_until > self.env.now:
            yield Moment(self.env, self.port.update_until - self.env.now, SYNAPSE)
        self.port_wait += self.env.now - since
        if self.env.now > since:
            self.waits.append((since, self.env.now))
