"""The two four-phase handshakes and the queue: everything around the controller of an event chip."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import simpy

from neurosim.engine.event_plan import Environment, EventPlan, EventStream
from neurosim.engine.reference.event_signal import Register


@dataclass(frozen=True)
class Entry:
    """One event on its way: ``weight`` is already signed."""

    operation: int
    neuron: int
    post: int = 0
    weight: int = 0
    leak: bool = False


class InputPort:
    """The sender outside and its request line: event k shows as k + 1, silence as 0."""

    def __init__(self, env: simpy.Environment, plan: EventPlan, events: EventStream, outside: Environment) -> None:
        self.env = env
        self.plan = plan
        self.events = events
        self.outside = outside
        self.request = Register(env)
        self.rows: list[list[int]] = []
        self._edge = env.event()
        env.process(self._sender())

    def _sender(self) -> Iterator[simpy.Event]:
        fallen = -self.outside.gap
        for number in range(self.events.n_events):
            start = max(int(self.events.not_before[number]), fallen + self.outside.gap)
            yield self.env.timeout(start - self.env.now)
            self.request.drive(number + 1)
            row = [self.env.now]
            self.rows.append(row)
            yield self._edge  # acknowledge up
            row.append(self.env.now)
            yield self.env.timeout(self.outside.release_delay)
            self.request.drive(0)
            row.append(self.env.now)
            yield self._edge  # acknowledge down
            fallen = self.env.now
            row.append(fallen)

    def seen(self) -> int | None:
        """The event whose request has come through the synchroniser, if any."""
        shown = self.request.at(self.env.now - self.plan.stages)
        return shown - 1 if shown else None

    def acknowledge(self) -> None:
        """The acknowledge line changes in this cycle."""
        edge, self._edge = self._edge, self.env.event()
        edge.succeed()

    def entry(self, number: int) -> Entry:
        events, plan = self.events, self.plan
        operation = int(events.operation[number])
        weight, negative, leak = int(events.weight[number]), int(events.negative[number]), int(events.leak[number])
        empty = plan.op_empty_means[operation]
        if empty >= 0 and weight == negative == leak == 0:
            # In the queue an operand of nothing looks like a plain spike of that address.
            return Entry(empty, int(events.neuron[number]))
        signed = -weight if negative else weight
        return Entry(operation, int(events.neuron[number]), int(events.post[number]), signed, bool(leak))


class OutputPort:
    """Room for one address; taken from the cycle after `send` until the acknowledge has come down and through."""

    def __init__(self, env: simpy.Environment, plan: EventPlan, outside: Environment) -> None:
        self.env = env
        self.stages = plan.stages
        self.outside = outside
        self.busy = Register(env)
        self.rows: list[list[int]] = []
        self.busy_cycles = 0

    def send(self, address: int) -> None:
        if self.busy.now:
            raise RuntimeError(f"cycle {self.env.now}: output port overrun")
        self.busy.set(1)
        self.env.process(self._exchange(address))

    def _exchange(self, address: int) -> Iterator[simpy.Event]:
        yield self.env.timeout(1)
        rise = self.env.now
        yield self.env.timeout(self.outside.ack_delay)
        ack_rise = self.env.now
        yield self.env.timeout(self.stages + 1)  # the request falls
        yield self.env.timeout(self.outside.ack_release_delay)
        self.rows.append([rise, ack_rise, self.env.now, address])
        yield self.env.timeout(self.stages)
        self.busy.set(0)
        self.busy_cycles += self.env.now + 1 - rise


class Queue:
    """First in, first out; the level is a register, so a push and a release in one cycle do not see each other."""

    def __init__(self, env: simpy.Environment, plan: EventPlan) -> None:
        self.depth = plan.depth
        self.entries: deque[Entry] = deque()
        self.level = Register(env)
        self.dropped = 0

    def push(self, entry: Entry) -> bool:
        """Whether there was room."""
        if self.level.now >= self.depth:
            self.dropped += 1
            return False
        self.entries.append(entry)
        self.level.add(1)
        return True

    def release(self) -> None:
        self.entries.popleft()
        self.level.add(-1)

    @property
    def full(self) -> bool:
        return self.level.now >= self.depth

    def full_changes(self) -> list[tuple[int, int]]:
        """(cycle, 1 or 0) whenever it becomes full or stops being so."""
        changes, before = [], 0
        for cycle, level in self.level.changes:
            if (level >= self.depth) != before:
                before = int(level >= self.depth)
                changes.append((cycle, before))
        return changes
