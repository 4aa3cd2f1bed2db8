"""What the two event engines are given and what they return: plain numbers and flat arrays. Meaning: docs/events.md.

All times are cycles; cycle c is the clock period that begins at the c-th rising edge. n = neurons of the core.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

ADD_ROW, ADD_OPERAND, ADD_SYNAPSE, LEAK, CONSOLIDATE = range(5)
ACTIVE, ONE, ROW_WORDS, ALL_WORDS = range(4)
QUEUE_FULL, INPUT, QUEUE, BACKGROUND = range(4)
IDLE, ACCEPT, RELEASE, FIRST_OPERATION = range(4)
"""Controller states; operation k is served in FIRST_OPERATION + 2 k and closes in FIRST_OPERATION + 2 k + 1."""


@dataclass(frozen=True)
class EventPlan:
    """The chip as numbers. Tuples ``op_*`` have one entry an operation, in the order of the chip file."""

    neurons: int
    read: int
    write: int
    synapses_per_word: int
    stages: int
    idle: int
    order: tuple[int, ...]
    depth: int
    accept: int
    release_at_end: bool
    output_at_closing: bool
    state_min: int
    state_max: int
    weight_min: int
    weight_max: int
    sign_by_row: bool
    calcium_max: int
    learns: bool
    middle: int
    spike_operation: int
    op_names: tuple[str, ...]
    op_queued: tuple[bool, ...]
    op_does: tuple[int, ...]
    op_over: tuple[int, ...]
    op_fixed: tuple[int, ...]
    op_closing: tuple[int, ...]
    op_background: tuple[bool, ...]
    op_last_neuron: tuple[int, ...]
    op_empty_means: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class EventProgram:
    """What is loaded into the chip before a run; arrays are copied, never changed.

    ``active``: neurons scanned, 0 .. active-1. ``closed_loop``: its own spikes enter the queue. ``controller_output``:
    the port carries the address of each row served in place of the spikes; ``monitored`` is the neuron at which, where
    the chip says so. ``weights`` (n, n) [source, target]; all others (n,): ``threshold``, ``leak``, ``membrane``
    start values, ``disabled`` 1 spikes in silence, ``inhibitory`` 1 subtracts the whole row where signs belong to rows.
    """

    active: int
    closed_loop: bool
    controller_output: bool
    weights: np.ndarray
    threshold: np.ndarray
    leak: np.ndarray
    membrane: np.ndarray
    disabled: np.ndarray
    inhibitory: np.ndarray | None = None
    monitored: int = 0
    learning: Learning | None = None


@dataclass(frozen=True, eq=False)
class Learning:
    """Calcium and plasticity. (n,) unless said; flags and counts at the start of the run.

    ``mapping`` (n, n) 0/1; ``calcium_theta`` (3, n): plasticity moves up from [0] to below [2], down from [0] to
    below [1]; ``calcium_leak`` k: every k-th leak lowers the calcium, 0 never.
    """

    mapping: np.ndarray
    leak_enabled: np.ndarray
    calcium_enabled: np.ndarray
    membrane_theta: np.ndarray
    calcium_theta: np.ndarray
    calcium_leak: np.ndarray
    calcium: np.ndarray
    calcium_count: np.ndarray
    up: np.ndarray
    down: np.ndarray
    update_unmapped: bool
    propagate_unmapped: bool
    learn_on_synapse: bool


@dataclass(frozen=True)
class Environment:
    """Who talks to the chip. Input: request falls ``release_delay`` after its acknowledge rose, the next one rises
    ``gap`` after that fell. Output: acknowledge follows the request by ``ack_delay`` up, ``ack_release_delay`` down."""

    release_delay: int = 1
    gap: int = 1
    ack_delay: int = 1
    ack_release_delay: int = 1


@dataclass(frozen=True, eq=False)
class EventStream:
    """Input events in order, (n_events,) int64 each.

    ``operation`` number in the plan; ``neuron``: source row or target; ``post``: target of a single synapse;
    ``weight``, ``negative``, ``leak``: operand; ``not_before``: earliest cycle of its request.
    """

    operation: np.ndarray
    neuron: np.ndarray
    post: np.ndarray
    weight: np.ndarray
    negative: np.ndarray
    leak: np.ndarray
    not_before: np.ndarray

    @property
    def n_events(self) -> int:
        return self.operation.size


@dataclass(frozen=True, eq=False)
class EventResult:
    """What happened. Both engines: equal in every field. All int64.

    cycles : from this cycle on the controller idles, the queue is empty, the port free and all lines low.
    states : (k, 3) first cycle, state, length, without gaps from 0 to ``cycles``; the last is idle and may be empty.
    requests : (n_events, 4) cycle of request rise, acknowledge rise, request fall, acknowledge fall.
    spikes : (k, 3) cycle of the write phase, neuron, 1 if it entered the queue.
    output : (k, 4) request rise, acknowledge rise, acknowledge fall, address.
    full : (k, 2) cycle, 1 from when the queue is full, 0 from when it is not.
    operations : (k, 3) operation, first cycle after it, sum of all weights then.
    membranes, calcium, calcium_counts : (k, n) state after each of them; (0, n) unless asked for.
    counts : by name; accesses are cycles with the memory selected, writes a subset.
    """

    cycles: int
    states: np.ndarray
    requests: np.ndarray
    spikes: np.ndarray
    output: np.ndarray
    full: np.ndarray
    operations: np.ndarray
    membranes: np.ndarray
    calcium: np.ndarray
    calcium_counts: np.ndarray
    final_membrane: np.ndarray
    final_weights: np.ndarray
    counts: dict[str, int]

    def differences(self, other: EventResult) -> list[str]:
        """Names of the fields that differ."""
        pairs = ((f.name, getattr(self, f.name), getattr(other, f.name)) for f in fields(self))
        return [name for name, a, b in pairs if not (np.array_equal(a, b) if isinstance(a, np.ndarray) else a == b)]


COUNTS = (
    "neuron_accesses", "neuron_writes", "synapse_accesses", "synapse_writes", "output_busy", "dropped", "queue_peak",
)  # fmt: skip
