"""Between the event engine's kernel and the rest: plan and program into its tuples, its log into a result."""

from __future__ import annotations

import numpy as np

from neurosim.engine.event_plan import COUNTS, Environment, EventPlan, EventProgram, EventResult, EventStream
from neurosim.engine.fast import event_neurons as k
from neurosim.engine.fast.event_neurons import Chip, Program

_COLUMNS = ("operation", "neuron", "post", "weight", "negative", "leak", "not_before")
_SWITCHES = ("update_unmapped", "propagate_unmapped", "learn_on_synapse")
_NUMBERS = (
    k.NEURON_READS, k.NEURON_WRITES, k.SYNAPSE_READS, k.SYNAPSE_WRITES, k.BUSY, k.DROPPED, k.PEAK,
)  # fmt: skip


def columns_of(events: EventStream) -> np.ndarray:
    """(n_events, 7) int64."""
    return np.column_stack([getattr(events, name).astype(np.int64) for name in _COLUMNS])


def lower(plan: EventPlan, program: EventProgram, outside: Environment) -> tuple[Chip, Program, np.ndarray, np.ndarray]:
    """Chip and program for the kernel, running numbers (13,) and empty queue (depth, 5), int64."""
    ops = (plan.op_queued, plan.op_does, plan.op_over, plan.op_fixed, plan.op_closing, plan.op_background)
    chip = Chip(
        plan.neurons, plan.read, plan.write, plan.synapses_per_word, plan.stages, plan.idle, plan.depth, plan.accept,
        plan.release_at_end, plan.output_at_closing, plan.state_min, plan.state_max, plan.weight_min, plan.weight_max,
        plan.sign_by_row, plan.calcium_max, plan.learns, plan.middle, plan.spike_operation,
        np.array(plan.order, np.int64), np.array([*ops, plan.op_empty_means], np.int64).T.copy(),
        outside.release_delay, outside.gap, outside.ack_delay, outside.ack_release_delay,
    )  # fmt: skip
    loaded = _program(plan, program)
    numbers = np.zeros(k.N_NUMBERS, np.int64)
    numbers[k.WEIGHT_SUM] = loaded.weights.sum()
    numbers[k.PUSHED] = -1
    return chip, loaded, numbers, np.zeros((plan.depth, 5), np.int64)


def _program(plan: EventPlan, program: EventProgram) -> Program:
    n, learning = plan.neurons, program.learning

    def own(array: np.ndarray | None, fill: int = 0, shape: tuple[int, ...] = (n,)) -> np.ndarray:
        return np.full(shape, fill, np.int64) if array is None else np.array(array, np.int64)

    def part(name: str, fill: int = 0, shape: tuple[int, ...] = (n,)) -> np.ndarray:
        return own(None if learning is None else getattr(learning, name), fill, shape)

    return Program(
        int(program.active), bool(program.closed_loop), bool(program.controller_output), int(program.monitored),
        *(bool(getattr(learning, name, False)) for name in _SWITCHES),
        own(program.weights), part("mapping", 1, (n, n)), own(program.threshold), own(program.leak),
        own(program.membrane), own(program.disabled), own(program.inhibitory), part("leak_enabled", 1),
        part("calcium_enabled"), part("membrane_theta"), part("calcium_theta", 0, (3, n)), part("calcium_leak"),
        part("calcium"), part("calcium_count"), part("up") - part("down"),
    )  # fmt: skip


def result_of(
    cycles: int, log: np.ndarray, requests: np.ndarray, shots: np.ndarray, numbers: np.ndarray, loaded: Program,
    learning: bool,
) -> EventResult:  # fmt: skip
    """The log (rows, 5) taken apart by kind."""
    kinds = {kind: log[log[:, 0] == kind, 1:] for kind in range(5)}
    states = kinds[k.STATE]
    lengths = np.diff(states[:, 0], append=cycles)
    n = shots.shape[2]
    nothing = np.zeros((0, n), np.int64)
    return EventResult(
        cycles=cycles,
        states=np.column_stack([states[:, :2], lengths]),
        requests=requests,
        spikes=kinds[k.SPIKE][:, :3],
        output=kinds[k.OUTPUT],
        full=_settled(kinds[k.FULL][:, :2]),
        operations=kinds[k.DONE][:, :3],
        membranes=shots[:, 0],
        calcium=shots[:, 1] if learning else nothing,
        calcium_counts=shots[:, 2] if learning else nothing,
        final_membrane=loaded.membrane,
        final_weights=loaded.weights,
        counts=dict(zip(COUNTS, numbers[list(_NUMBERS)].tolist(), strict=True)),
    )


def _settled(full: np.ndarray) -> np.ndarray:
    """Changes (k, 2) without those that another one of the same cycle undoes."""
    keep = np.ones(len(full), bool)
    for row in np.flatnonzero(np.diff(full[:, 0]) == 0):
        keep[row : row + 2] = False
    return full[keep]
