"""The event-driven chip: one controller that carries every event to its end before it looks at the next.

There is no timestep and no barrier: the order of events is part of what such a chip computes. Times are cycles of
``clock.quantum_ps``. What every field means to the cycle is docs/events.md.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.chip_file import ChipFile
from neurosim.arch.part import Natural, Part, Source
from neurosim.arch.schema import Technology

Stages = Annotated[int, Field(ge=1, le=16)]
Cycles = Annotated[int, Field(ge=1, le=1 << 16)]
Extra = Annotated[int, Field(ge=0, le=1 << 24)]
Whole = Annotated[int, Field(ge=-(1 << 31), le=(1 << 31) - 1)]


class UpdateUnit(Part):
    """One neuron at a time: a read phase, which waits for the output port, and a write phase, which may spike."""

    read_cycles: Cycles
    write_cycles: Cycles


class Operation(Part):
    """One kind of event.

    ``enters``: through the queue, or served straight from the input port while its request is up. ``does``: what it
    does to each thing it visits; ``over``: what it visits. Duration without stalls: ``fixed_cycles``, then the update
    unit's read and write phase for each, then ``closing_cycles``. ``background`` gives it the arbiter's last place.
    """

    enters: Literal["queue", "input"]
    does: Literal["add_row", "add_operand", "add_synapse", "leak", "consolidate"]
    over: Literal["active_neurons", "one_neuron", "row_words", "all_words"]
    fixed_cycles: Extra = 0
    closing_cycles: Extra = 0
    background: bool = False
    last_neuron: Natural | None = None
    empty_operand_means: str | None = None

    @model_validator(mode="after")
    def _possible(self) -> Operation:
        allowed = {
            "add_row": ("active_neurons",),
            "add_operand": ("one_neuron",),
            "add_synapse": ("one_neuron",),
            "leak": ("active_neurons", "one_neuron"),
            "consolidate": ("row_words", "all_words"),
        }[self.does]
        if self.over not in allowed:
            raise ValueError(f"over: got {self.over!r}, expected {' or '.join(allowed)} where does is {self.does!r}")
        if self.background and self.enters == "queue":
            raise ValueError("background: only an operation that enters at the input can wait for an empty queue")
        if self.empty_operand_means is not None and self.does != "add_operand":
            raise ValueError(f"empty_operand_means: {self.does!r} has no operand that could be empty")
        return self


class Arbiter(Part):
    """Chooses the next operation in an idle cycle, first match of ``order``; at least ``idle_cycles`` between two."""

    idle_cycles: Cycles = 1
    order: Annotated[tuple[Literal["queue_full", "input", "queue", "background_input"], ...], Field(min_length=2)]

    @model_validator(mode="after")
    def _order(self) -> Arbiter:
        if len(set(self.order)) < len(self.order) or not {"input", "queue"} <= set(self.order):
            raise ValueError(f"order: got {list(self.order)}, expected input and queue, and nothing twice")
        return self


class EventQueue(Part):
    """Events waiting for service. An entry keeps its place until ``release``; what finds no place is lost."""

    depth: Annotated[int, Field(ge=1, le=1 << 20)]
    accept_cycles: Cycles
    release: Literal["end_of_service", "start_of_service"]
    when_full: Literal["drop_newest"]


class OutputPort(Part):
    """Room for one spike on its way out; while it is taken, no read phase, closing or choice completes."""

    entries: Literal[1]
    controller_source: Literal["closing", "monitored_neuron"]


class EventNeuron(Part):
    """Integer neurons: saturating add, leak toward zero, spike and reset to zero at or above threshold."""

    state_min: Annotated[int, Field(ge=-(1 << 30), le=0)]
    state_max: Annotated[int, Field(ge=1, le=1 << 30)]
    weight_min: Whole
    weight_max: Whole
    sign: Literal["weight", "row"] = "weight"
    calcium_max: Annotated[int, Field(ge=1, le=1 << 16)] | None = None

    @model_validator(mode="after")
    def _range(self) -> EventNeuron:
        if self.weight_min > min(self.weight_max, 0) or (self.sign == "row" and self.weight_min < 0):
            raise ValueError(f"weight_min: got {self.weight_min}, expected 0 for sign 'row', else at most 0")
        return self


class Sdsp(Part):
    """Spike-driven plasticity on every row read, and its drift to either end away from ``middle``."""

    kind: Literal["sdsp"]
    middle: Whole


class EventSection(Part):
    """Controller, queue, ports and neurons of an event core."""

    update: UpdateUnit
    synapses_per_word: Annotated[int, Field(ge=1, le=4096)]
    synchroniser_stages: Stages
    arbiter: Arbiter
    queue: EventQueue
    output: OutputPort
    operations: Annotated[dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], Operation], Field(min_length=1)]
    spike_enters_as: str
    neuron: EventNeuron
    plasticity: Sdsp | None = None

    @model_validator(mode="after")
    def _consistent(self) -> EventSection:
        known = self.operations
        referred = [("spike_enters_as", self.spike_enters_as)]
        referred += [
            (f"operations.{name}.empty_operand_means", op.empty_operand_means)
            for name, op in known.items()
            if op.empty_operand_means is not None
        ]
        for place, name in referred:
            if name not in known or known[name].does != "add_row" or known[name].enters != "queue":
                raise ValueError(f"{place}: got {name!r}, expected an operation that enters the queue and adds a row")
        background = any(op.background for op in known.values())
        if background != ("background_input" in self.arbiter.order):
            raise ValueError("arbiter.order: background_input belongs there exactly if an operation is background")
        if self.plasticity is None and any(op.does == "consolidate" for op in known.values()):
            raise ValueError("plasticity: missing; an operation consolidates weights")
        if self.plasticity is not None and self.neuron.calcium_max is None:
            raise ValueError("neuron.calcium_max: missing; plasticity follows the calcium")
        return self


class EventCore(Part):
    """The core of an event chip."""

    execution: Literal["event"]
    neurons: Annotated[int, Field(ge=1, le=1 << 16)]
    event: EventSection

    @model_validator(mode="after")
    def _addresses(self) -> EventCore:
        for name, op in self.event.operations.items():
            if op.last_neuron is not None and op.last_neuron >= self.neurons:
                at = f"event.operations.{name}.last_neuron"
                raise ValueError(f"{at}: got {op.last_neuron}, expected at most {self.neurons - 1}")
        return self


class EventChip(ChipFile):
    """A whole chip file with ``core.execution: event``. It has times and counts; ``without_energy`` says why no pJ."""

    technology: Technology | None = None
    core: EventCore
    without_energy: Source

    @property
    def n_cores(self) -> int:
        return 1
