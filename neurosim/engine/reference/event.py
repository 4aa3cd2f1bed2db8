"""The controller of an event chip as one SimPy process: idle, choose, serve, release. See docs/events.md.

Every method that takes time is entered in the first cycle of its state and left in the last one, unless it says
otherwise; ``_next`` goes on to the following cycle.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simpy

from neurosim.engine import event_plan as e
from neurosim.engine.event_plan import Environment, EventPlan, EventProgram, EventResult, EventStream
from neurosim.engine.reference.event_neurons import Neurons
from neurosim.engine.reference.event_ports import Entry, InputPort, OutputPort, Queue

SERVE_HEAD = -1
Wait = Iterator[simpy.Event]


class Controller:
    """One core. ``log_states`` keeps the neurons' state after every operation."""

    def __init__(
        self, plan: EventPlan, program: EventProgram, events: EventStream, outside: Environment, log_states: bool,
        max_cycles: int,
    ) -> None:  # fmt: skip
        self.env = simpy.Environment()
        self.plan = plan
        self.program = program
        self.input = InputPort(self.env, plan, events, outside)
        self.output = OutputPort(self.env, plan, outside)
        self.queue = Queue(self.env, plan)
        self.neurons = Neurons(plan, program)
        self.log_states = log_states
        self.max_cycles = max_cycles
        self.remaining = events.n_events
        self.counts = dict.fromkeys(e.COUNTS, 0)
        self.states: list[tuple[int, int]] = []
        self.spikes: list[tuple[int, int, int]] = []
        self.operations: list[tuple[int, int, int]] = []
        self.snapshots: list[tuple[np.ndarray, ...]] = []

    def run(self) -> Wait:
        """Until nothing is left to do. Returns in the first cycle in which that is so, None if it never came."""
        while True:
            choice = yield from self._idle()
            if choice is None:
                return
            if choice == SERVE_HEAD:
                yield from self._serve(self.queue.entries[0], queued=True)
                continue
            entry = self.input.entry(choice)
            if self.plan.op_queued[entry.operation]:
                yield from self._accept(entry)
            else:
                yield from self._serve(entry, queued=False)
            yield from self._release()

    def _next(self, cycles: int = 1) -> simpy.Event:
        return self.env.timeout(cycles)

    def _enter(self, state: int) -> None:
        if not self.states or self.states[-1][1] != state:
            self.states.append((self.env.now, state))

    def _idle(self) -> Iterator[simpy.Event]:
        """The choice, in the cycle after it was made; None when all is done."""
        self._enter(e.IDLE)
        may_choose = self.env.now + self.plan.idle - 1
        while self.env.now <= self.max_cycles:
            if not self.output.busy.now:
                if not self.remaining and not self.queue.level.now:
                    return None
                choice = self._choose() if self.env.now >= may_choose else None
                if choice is not None:
                    yield self._next()
                    return choice
            yield self._next()
        return None

    def _choose(self) -> int | None:
        number = self.input.seen()
        background = number is not None and self.plan.op_background[int(self.input.events.operation[number])]
        for rule in self.plan.order:
            if rule == e.QUEUE_FULL and self.queue.full:
                return SERVE_HEAD
            if rule == e.QUEUE and self.queue.level.now:
                return SERVE_HEAD
            if number is not None and rule == (e.BACKGROUND if background else e.INPUT):
                return number
        return None

    def _accept(self, entry: Entry) -> Wait:
        self._enter(e.ACCEPT)
        yield self._next(self.plan.accept - 1)
        self.queue.push(entry)
        yield self._next()

    def _release(self) -> Wait:
        """Acknowledge, wait for the request to fall, and be in the cycle after."""
        self._enter(e.RELEASE)
        self.input.acknowledge()
        while self.input.seen() is not None:
            yield self._next()
        yield self._next()
        self.input.acknowledge()
        self.remaining -= 1

    def _serve(self, entry: Entry, queued: bool) -> Wait:
        """One operation from its first cycle to the cycle after its last."""
        plan, operation = self.plan, entry.operation
        self._enter(e.FIRST_OPERATION + 2 * operation)
        if queued and not plan.release_at_end:
            self.queue.release()
        if plan.op_fixed[operation]:
            yield self._next(plan.op_fixed[operation])
        if plan.op_does[operation] == e.CONSOLIDATE:
            yield from self._scan_words(entry)
        else:
            yield from self._scan_neurons(entry)
        if plan.op_closing[operation]:
            yield self._next()
            self._enter(e.FIRST_OPERATION + 2 * operation + 1)
            yield self._next(plan.op_closing[operation] - 1)
            yield from self._port_free()
        if queued and plan.release_at_end:
            self.queue.release()
        yield self._next()
        self._log(operation)

    def _port_free(self) -> Wait:
        while self.output.busy.now:
            yield self._next()

    def _phases(self) -> Wait:
        """Read and write of one thing. The read cannot complete while the output port is taken."""
        yield self._next(self.plan.read - 1)
        yield from self._port_free()
        yield self._next(self.plan.write)

    def _scan_words(self, entry: Entry) -> Wait:
        plan = self.plan
        n, width = plan.neurons, plan.synapses_per_word
        rows = [entry.neuron] if plan.op_over[entry.operation] == e.ROW_WORDS else range(n)
        words = [(pre, range(first, min(first + width, n))) for pre in rows for first in range(0, n, width)]
        for number, (pre, posts) in enumerate(words):
            if number:
                yield self._next()
            begin = self.env.now
            yield from self._phases()
            self._count("synapse", begin, write=True)
            self.neurons.consolidate(pre, posts)

    def _scan_neurons(self, entry: Entry) -> Wait:
        plan = self.plan
        does, whole = plan.op_does[entry.operation], plan.op_over[entry.operation] == e.ACTIVE
        target = entry.post if does == e.ADD_SYNAPSE else entry.neuron
        word: list[int] = []
        for neuron in range(self.program.active) if whole else [target]:
            if neuron and whole:
                yield self._next()
            begin = self.env.now
            yield from self._phases()
            self._count("neuron", begin, write=True)
            slot = neuron % plan.synapses_per_word
            if does == e.ADD_ROW and not slot:
                # The word is read for its first neuron, with the weights from before it learns.
                posts = range(neuron, min(neuron + plan.synapses_per_word, plan.neurons))
                word = [self.neurons.effective(entry.neuron, post) for post in posts]
                self._count("synapse", begin, write=plan.learns)
                if plan.learns:
                    self.neurons.learn(entry.neuron, posts)
            self._update(entry, neuron, word[slot] if does == e.ADD_ROW else 0)
        if does == e.ADD_SYNAPSE:
            self._count("synapse", begin, write=plan.learns)
        if does == e.ADD_ROW and self.program.controller_output and plan.output_at_closing:
            self.output.send(entry.neuron)

    def _update(self, entry: Entry, neuron: int, weight: int) -> None:
        """The last cycle of a write phase."""
        does, neurons = self.plan.op_does[entry.operation], self.neurons
        if does == e.LEAK or (does == e.ADD_OPERAND and entry.leak):
            fires = neurons.leak(neuron)
        elif does == e.ADD_SYNAPSE:
            weight = neurons.effective(entry.neuron, neuron)
            if self.plan.learns and self.program.learning.learn_on_synapse:
                neurons.learn(entry.neuron, range(neuron, neuron + 1))
            fires = neurons.add(neuron, weight)
        else:
            fires = neurons.add(neuron, weight if does == e.ADD_ROW else entry.weight)
        if fires and not self.program.disabled[neuron]:
            self._spike(neuron)
        at_neuron = self.program.controller_output and not self.plan.output_at_closing
        if at_neuron and does == e.ADD_ROW and neuron == self.program.monitored:
            self.output.send(entry.neuron)

    def _spike(self, neuron: int) -> None:
        queued = self.program.closed_loop and self.queue.push(Entry(self.plan.spike_operation, neuron))
        self.spikes.append((self.env.now, neuron, int(queued)))
        if not self.program.controller_output:
            self.output.send(neuron)

    def _count(self, memory: str, begin: int, write: bool) -> None:
        self.counts[f"{memory}_accesses"] += self.env.now + 1 - begin
        self.counts[f"{memory}_writes"] += self.plan.write if write else 0

    def _log(self, operation: int) -> None:
        self.operations.append((operation, self.env.now, self.neurons.weight_sum))
        if self.log_states:
            n = self.neurons
            learning = () if n.learning is None else (n.calcium.copy(), n.calcium_count.copy())
            self.snapshots.append((n.membrane.copy(), *learning))

    def result(self, cycles: int) -> EventResult:
        n, columns = self.plan.neurons, len(self.snapshots[0]) if self.snapshots else 0
        starts = [cycle for cycle, _ in self.states] + [cycles]
        states = [(at, s, end - at) for (at, s), end in zip(self.states, starts[1:], strict=True)]
        logs = [_rows([shot[k] for shot in self.snapshots], n) if k < columns else _rows([], n) for k in range(3)]
        peak = max(level for _, level in self.queue.level.changes)
        ends = {"output_busy": self.output.busy_cycles, "dropped": self.queue.dropped, "queue_peak": peak}
        return EventResult(
            cycles, _rows(states, 3), _rows(self.input.rows, 4), _rows(self.spikes, 3), _rows(self.output.rows, 4),
            _rows(self.queue.full_changes(), 2), _rows(self.operations, 3), *logs, self.neurons.membrane,
            self.neurons.weights, {**self.counts, **ends},
        )  # fmt: skip


def _rows(rows: list, width: int) -> np.ndarray:
    return np.array(rows, np.int64).reshape(-1, width)


def run(
    plan: EventPlan, program: EventProgram, events: EventStream, outside: Environment, log_states: bool,
    max_cycles: int,
) -> EventResult | None:  # fmt: skip
    """The whole stream; None if it is not over after ``max_cycles``."""
    controller = Controller(plan, program, events, outside, log_states, max_cycles)
    controller.env.run(controller.env.process(controller.run()))
    cycles = controller.env.now
    return None if cycles > max_cycles else controller.result(cycles)
