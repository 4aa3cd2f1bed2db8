"""Event execution: a chip with ``core.execution: event``, its program and a stream of events, to the cycle."""

from __future__ import annotations

import numpy as np

from neurosim.arch.event import EventChip
from neurosim.engine.event_plan import (
    Environment,
    EventPlan,
    EventProgram,
    EventResult,
    EventStream,
)
from neurosim.errors import NeurosimError

_DOES = ("add_row", "add_operand", "add_synapse", "leak", "consolidate")
_OVER = ("active_neurons", "one_neuron", "row_words", "all_words")
_ORDER = ("queue_full", "input", "queue", "background_input")
MAX_CYCLES = 1 << 40


def plan_events(chip: EventChip) -> EventPlan:
    """The chip file as numbers."""
    event, neuron, n = chip.core.event, chip.core.event.neuron, chip.core.neurons
    names = tuple(event.operations)
    ops = event.operations.values()
    return EventPlan(
        neurons=n,
        read=event.update.read_cycles,
        write=event.update.write_cycles,
        synapses_per_word=event.synapses_per_word,
        stages=event.synchroniser_stages,
        idle=event.arbiter.idle_cycles,
        order=tuple(_ORDER.index(rule) for rule in event.arbiter.order),
        depth=event.queue.depth,
        accept=event.queue.accept_cycles,
        release_at_end=event.queue.release == "end_of_service",
        output_at_closing=event.output.controller_source == "closing",
        state_min=neuron.state_min,
        state_max=neuron.state_max,
        weight_min=neuron.weight_min,
        weight_max=neuron.weight_max,
        sign_by_row=neuron.sign == "row",
        calcium_max=neuron.calcium_max or 0,
        learns=event.plasticity is not None,
        middle=0 if event.plasticity is None else event.plasticity.middle,
        spike_operation=names.index(event.spike_enters_as),
        op_names=names,
        op_queued=tuple(op.enters == "queue" for op in ops),
        op_does=tuple(_DOES.index(op.does) for op in ops),
        op_over=tuple(_OVER.index(op.over) for op in ops),
        op_fixed=tuple(op.fixed_cycles for op in ops),
        op_closing=tuple(op.closing_cycles for op in ops),
        op_background=tuple(op.background for op in ops),
        op_last_neuron=tuple(n - 1 if op.last_neuron is None else op.last_neuron for op in ops),
        op_empty_means=tuple(
            -1 if op.empty_operand_means is None else names.index(op.empty_operand_means) for op in ops
        ),
    )


def run_events(
    plan: EventPlan,
    program: EventProgram,
    events: EventStream,
    environment: Environment,
    engine: str = "fast",
    *,
    log_states: bool = True,
    max_cycles: int = MAX_CYCLES,
) -> EventResult:
    """Run the stream to the end. ``log_states`` keeps the neurons' state after every operation, (operations, n).

    Raises NeurosimError for values the chip cannot hold, and when the run is not over after ``max_cycles``: spikes
    that keep each other alive in a closed loop never end.
    """
    check(plan, program, events, environment)
    if engine == "reference":
        from neurosim.engine.reference.event import run
    elif engine == "fast":
        from neurosim.engine.fast.event import run
    else:
        raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
    result = run(plan, program, events, environment, log_states, max_cycles)
    if result is None:
        raise NeurosimError(f"events: not over after {max_cycles} cycles; does a closed loop keep itself alive?")
    return result


def check(plan: EventPlan, program: EventProgram, events: EventStream, environment: Environment) -> None:
    """Raises NeurosimError naming the first thing that does not fit the chip."""
    n, learning = plan.neurons, program.learning
    _within("program.active", program.active, 1, n)
    _within("program.monitored", program.monitored, 0, n - 1)
    weights_min = 0 if plan.sign_by_row else plan.weight_min
    _array("program.weights", program.weights, (n, n), weights_min, plan.weight_max)
    _array("program.membrane", program.membrane, (n,), plan.state_min, plan.state_max)
    _array("program.threshold", program.threshold, (n,), 0, 1 << 30)
    _array("program.leak", program.leak, (n,), 0, 1 << 30)
    _array("program.disabled", program.disabled, (n,), 0, 1)
    if plan.sign_by_row:
        _array("program.inhibitory", program.inhibitory, (n,), 0, 1)
    if (learning is not None) != (plan.calcium_max > 0):
        raise NeurosimError("program.learning: expected exactly for a chip whose neurons have calcium")
    if learning is not None:
        for name, shape, high in (
            ("mapping", (n, n), 1), ("leak_enabled", (n,), 1), ("calcium_enabled", (n,), 1), ("up", (n,), 1),
            ("down", (n,), 1), ("membrane_theta", (n,), 1 << 30), ("calcium_theta", (3, n), 1 << 30),
            ("calcium_leak", (n,), 1 << 30), ("calcium", (n,), plan.calcium_max), ("calcium_count", (n,), 1 << 30),
        ):  # fmt: skip
            _array(f"program.learning.{name}", getattr(learning, name), shape, 0, high)
    for name in ("release_delay", "gap", "ack_delay", "ack_release_delay"):
        _within(f"environment.{name}", getattr(environment, name), 1, 1 << 20)
    k = (events.n_events,)
    _array("events.operation", events.operation, k, 0, len(plan.op_names) - 1)
    _array("events.neuron", events.neuron, k, 0, n - 1)
    _array("events.post", events.post, k, 0, n - 1)
    _array("events.weight", events.weight, k, weights_min, plan.weight_max)
    _array("events.negative", events.negative, k, 0, int(plan.sign_by_row))
    _array("events.leak", events.leak, k, 0, int(plan.sign_by_row))
    _array("events.not_before", events.not_before, k, 0, MAX_CYCLES)
    beyond = np.flatnonzero(events.neuron > np.array(plan.op_last_neuron)[events.operation])
    if beyond.size:
        at = int(beyond[0])
        name, last = plan.op_names[events.operation[at]], plan.op_last_neuron[events.operation[at]]
        raise NeurosimError(f"events.neuron: event {at} is {name} at {events.neuron[at]}, expected at most {last}")


def _within(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise NeurosimError(f"{name}: got {value}, expected {low} to {high}")


def _array(name: str, values: np.ndarray | None, shape: tuple[int, ...], low: int, high: int) -> None:
    if values is None or np.shape(values) != shape or not np.issubdtype(values.dtype, np.integer):
        got = "nothing" if values is None else f"{values.dtype} {np.shape(values)}"
        raise NeurosimError(f"{name}: got {got}, expected integers {shape}")
    if values.size and not low <= int(values.min()) <= int(values.max()) <= high:
        raise NeurosimError(f"{name}: {values.min()} to {values.max()}, expected {low} to {high}")
