"""The layer chip: one array that runs a layer for a window of timesteps, then the next layer.

Within a window the timesteps become rows of one matrix product a layer; the update then scans them in order. Times are
quanta of ``clock.quantum_ps``. What every field means to the quantum is docs/layer.md.
"""

from __future__ import annotations

import difflib
import hashlib
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from neurosim.arch.actions import ACTIONS, layer_actions
from neurosim.arch.calibration import Calibration
from neurosim.arch.front_end import FrontEnd
from neurosim.arch.origins import check_origins
from neurosim.arch.part import Natural, Part, Positive, Source
from neurosim.arch.prices import LeakageSpec, PriceSpec, check_included
from neurosim.arch.schema import Arithmetic, Clock, Technology
from neurosim.arch.standing import Standing

Word = Annotated[int, Field(ge=1, le=1 << 16)]
Banks = Annotated[int, Field(ge=1, le=256)]
MAX_WINDOW = 65536
FEATURES = frozenset({"reuse", "history", "ternary_spikes", "front_end"})
"""What a layer chip may have besides; it may price the actions of what it leaves out."""
MAX_COLUMNS = 64
"""A pass keeps the spikes of one row in one machine word."""


class WeightMemory(Part):
    """All weights, tile after tile in the order in which they are fetched; kernels are stored once a weight tile."""

    capacity_bits: Positive
    word_bits: Word
    banks: Banks = 1
    read_cycles: Positive = 1
    index_bits: Annotated[int, Field(ge=1, le=32)] | None = None

    @property
    def shared_kernels(self) -> bool:
        return True


class Buffer(Part):
    """A memory next to the array; ``banks`` words a read or write."""

    capacity_bits: Positive
    word_bits: Word
    banks: Banks = 1
    read_cycles: Positive = 1
    write_cycles: Positive = 1


class WeightBuffer(Buffer):
    """Weights of the tile at work. ``load`` hidden: half of it is filled while the array works from the other half."""

    load: Literal["exposed", "hidden"]


class SumBuffer(Buffer):
    """Sums of a tile, ``sum_bits`` a neuron and timestep, from the end of its accumulation to the end of its update."""

    sum_bits: Annotated[int, Field(ge=2, le=64)]


class StateMemory(Part):
    """Neuron state between two windows, and parameters that each neuron has for itself."""

    capacity_bits: Positive
    word_bits: Word
    banks: Banks = 1

    @property
    def accumulator_bits(self) -> int:
        """Inputs are summed in the array and wait in the partial-sum buffer, never here."""
        return 0


class SlotCycles(Part):
    """Quanta of one slot of the array, by the kind of connection."""

    dense: Positive
    sparse: Positive
    conv: Positive
    pool: Positive
    mac: Positive


class Array(Part):
    """Processing elements: ``rows`` output neurons times ``columns`` timesteps. A slot brings one row of the spike
    matrix to all of them; ``fill_cycles`` are lost at the start of every pass."""

    rows: Annotated[int, Field(ge=1, le=4096)]
    columns: Annotated[int, Field(ge=1, le=MAX_COLUMNS)]
    cycles_per_slot: SlotCycles
    fill_cycles: Natural = 0


class ScanUnit(Part):
    """Neuron update after a tile: ``lanes`` neurons at a time, ``state_cycles`` and then ``step_cycles`` a timestep."""

    lanes: Annotated[int, Field(ge=1, le=4096)]
    state_cycles: Natural
    step_cycles: Positive
    when: Literal["exposed", "hidden"]


class LayerCore(Part):
    """The one array of a layer chip with its memories."""

    execution: Literal["layer"]
    time_window: int | Literal["all"]
    weight_reuse_over_time: bool
    spike_packing: Literal["none", "drop_empty_rows", "pack"]
    layer_cycles: Natural = 0
    array: Array
    update: ScanUnit
    synaptic_memory: WeightMemory
    weight_buffer: WeightBuffer
    spike_buffer: Buffer
    partial_sum_buffer: SumBuffer
    membrane_memory: StateMemory
    codebook: Literal["decode", "reuse", "auto"] = "decode"
    partial_map_buffer: Buffer | None = None
    membranes: Literal["stored", "from_history"] = "stored"

    @model_validator(mode="after")
    def _parts_of_the_options(self) -> LayerCore:
        if self.codebook != "decode" and self.partial_map_buffer is None:
            raise ValueError(
                f"codebook: got {self.codebook!r}, which needs partial_map_buffer for the partial sums of codewords; "
                "add it or write codebook: decode"
            )
        if self.membranes == "from_history" and self.time_window != 1:
            raise ValueError(
                f"membranes: 'from_history' computes one timestep at a time; got time_window {self.time_window}, "
                "expected 1 (a longer window keeps membranes in their lanes and needs no history)"
            )
        return self

    @field_validator("time_window", mode="plain")
    @classmethod
    def _whole_or_all(cls, value: Any) -> int | str:
        if value == "all" or (type(value) is int and 1 <= value <= MAX_WINDOW):
            return value
        raise ValueError(f"expected a number of timesteps, 1 to {MAX_WINDOW}, or all")

    def window(self, timesteps: int) -> int:
        """Timesteps of a full window in a run of ``timesteps``."""
        return timesteps if self.time_window == "all" else min(self.time_window, timesteps)

    def batch(self, timesteps: int) -> int:
        """Timesteps that share one fetch of a weight tile."""
        return self.window(timesteps) if self.weight_reuse_over_time else 1


class LayerPort(Part):
    """The host writes input spikes into the spike buffer and reads the answer's, a buffer word at a time."""

    cycles_per_word: Natural
    payload_bits: Annotated[int, Field(ge=0, le=32)] = 0


class LayerChip(Part):
    """A whole chip file with ``core.execution: layer``."""

    format: Literal["neurosim-chip/1"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    title: str
    description: str = ""
    sources: dict[str, Source]
    origins: dict[str, Source] = Field(default_factory=dict)
    assumptions: dict[str, str] = Field(default_factory=dict)
    clock: Clock
    technology: Technology
    io: LayerPort
    core: LayerCore
    arithmetic: Arithmetic
    front_end: FrontEnd | None = None
    energy: dict[str, PriceSpec]
    leakage: tuple[LeakageSpec, ...] = Field(min_length=1)
    standing: Standing | None = None
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _complete(self) -> LayerChip:
        known = layer_actions(FEATURES)
        for name in self.energy:
            if name in known:
                continue
            close = difflib.get_close_matches(name, known, n=1)
            what = "an action that a layer chip cannot do" if name in ACTIONS else "unknown action"
            hint = f"did you mean {close[0]!r}?" if close else f"actions are {', '.join(known)}"
            raise ValueError(f"energy.{name}: {what}; {hint}")
        missing = [name for name in layer_actions(self.features) if name not in self.energy]
        if missing:
            raise ValueError(f"energy: no price for {', '.join(missing)}; give pj, derive or included_in for each")
        check_included(self.energy)
        if self.arithmetic.delay_max:
            raise ValueError(
                f"arithmetic.delay_max: got {self.arithmetic.delay_max}, expected 0; a window of a layer is over "
                "before the next layer starts, so no spike can wait"
            )
        for i, spec in enumerate(self.leakage):
            if spec.per == "tile":
                raise ValueError(f"leakage.{i}.per: got 'tile', expected chip or core; a layer chip has no tiles")
        named = [(f"energy.{name}", spec.source) for name, spec in self.energy.items()]
        named += [(f"leakage.{i}", spec.source) for i, spec in enumerate(self.leakage)]
        for place, name in named:
            if name is not None and name not in self.sources:
                raise ValueError(f"{place}.source: got {name!r}, which sources does not list; add it with its citation")
        if self.standing is not None:
            if self.standing.power_gating is not None:
                raise ValueError("standing.power_gating: a layer chip has one array and no cores to gate; leave it out")
            self.standing.check(self.sources, self.clock.synchronous, ("chip", "core"))
        if self.calibration is not None:
            self.calibration.check(self.sources)
        check_origins(self, self.origins, self.sources)
        return self

    @property
    def n_cores(self) -> int:
        return 1

    @property
    def features(self) -> frozenset[str]:
        """What it can do beyond other layer chips: ``reuse`` of codewords, membranes from ``history``, spikes of +1 and
        -1, an encoder in front of its port."""
        has = {
            "reuse": self.core.partial_map_buffer is not None, "history": self.core.membranes == "from_history",
            "ternary_spikes": self.arithmetic.ternary_spikes, "front_end": self.front_end is not None,
        }  # fmt: skip
        return frozenset(name for name, yes in has.items() if yes)

    def content_hash(self) -> str:
        """SHA-256 of the description."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
