"""The chip description: one template, parameterised widely. Plain data that knows nothing of running.

Times are whole quanta of ``clock.quantum_ps`` unless a name says otherwise; sizes are bits. An unknown key, a wrong
unit or an impossible value is an error that names the field.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from neurosim.arch.actions import ACTIONS

Positive = Annotated[int, Field(ge=1, le=1 << 40)]
Natural = Annotated[int, Field(ge=0, le=1 << 40)]
PositiveFloat = Annotated[float, Field(gt=0, allow_inf_nan=False)]
NaturalFloat = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Source = Annotated[str, Field(min_length=1)]


class Part(BaseModel):
    """Base of every part: frozen, and no key that the schema does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Clock(Part):
    """The quantum of time: the clock period of a synchronous chip, a fine step for an asynchronous one."""

    quantum_ps: PositiveFloat
    synchronous: bool


class Technology(Part):
    """Process node and supply; device type and what the memory compiler optimised for, as in the SRAM table."""

    node_nm: PositiveFloat
    voltage_v: PositiveFloat
    device: Literal["hp", "lstp", "lop"] = "lstp"
    objective: Literal["ED^2", "ED"] = "ED^2"


class Mesh(Part):
    """Tiles in rows and columns; tile number = x + width * y, x grows to the east and y to the north."""

    topology: Literal["mesh"]
    width: Annotated[int, Field(ge=1, le=1024)]
    height: Annotated[int, Field(ge=1, le=1024)]
    cores_per_tile: Annotated[int, Field(ge=1, le=64)]

    @property
    def n_tiles(self) -> int:
        return self.width * self.height


class Directions(Part):
    """One value for each way out of a router."""

    east: Positive
    west: Positive
    north: Positive
    south: Positive
    local: Positive


class Credits(Part):
    """How long a freed queue slot takes to be known at the sender: core, neighbouring router, router before a core."""

    injection: Positive
    link: Positive
    local: Positive


class Router(Part):
    """Dimension-order router (X first) with credits; see docs/model.md for its exact timing."""

    virtual_channels: Annotated[int, Field(ge=1, le=16)] = 1
    queue_depth_flits: Annotated[int, Field(ge=1, le=4096)]
    flits_per_packet: Annotated[int, Field(ge=1, le=64)] = 1
    packet_bits: Annotated[int, Field(ge=1, le=4096)]
    injection_cycles: Positive
    latency_cycles: Directions
    interval_cycles: Directions
    credit_cycles: Credits


class HostPort(Part):
    """Where input spikes enter and answers leave: the router of one tile."""

    tile: tuple[Natural, Natural]
    input_interval_cycles: Positive
    payload_bits: Annotated[int, Field(ge=0, le=32)] = 0


class Barrier(Part):
    """Quanta of one barrier by tiles in use: the entry at or below (``step``), or lines between (``linear``)."""

    cycles: dict[Annotated[int, Field(ge=1)], Natural] = Field(min_length=1)
    rule: Literal["step", "linear"] = "step"

    def cycles_for(self, tiles: int) -> int:
        """Cost of a barrier over ``tiles`` tiles; outside the table its nearest entry holds."""
        known = sorted(self.cycles)
        below = [t for t in known if t <= tiles]
        above = [t for t in known if t > tiles]
        if not below or not above or self.rule == "step":
            return self.cycles[below[-1] if below else known[0]]
        low, high = below[-1], above[0]
        span = self.cycles[high] - self.cycles[low]
        return self.cycles[low] + round(span * (tiles - low) / (high - low))


class SynapticMemory(Part):
    """Weights, indices and codebooks of one core. A fetch yields floor(word / weight width) weights."""

    capacity_bits: Positive
    word_bits: Annotated[int, Field(ge=1, le=4096)]
    banks: Annotated[int, Field(ge=1, le=256)] = 1
    read_cycles: Positive
    shared_kernels: bool
    index_bits: Annotated[int, Field(ge=1, le=32)] | None = None


class MembraneMemory(Part):
    """Neuron state of one core; ``capacity_bits`` null is not limited by a published figure."""

    capacity_bits: Positive | None
    word_bits: Annotated[int, Field(ge=1, le=4096)]
    read_cycles: Positive = 1
    write_cycles: Positive = 1
    banks: Annotated[int, Field(ge=1, le=256)] = 1
    accumulator_bits: Annotated[int, Field(ge=0, le=64)] = 0


class Table(Part):
    """A look-up memory of one core (axons in, or routes out)."""

    capacity_bits: Positive | None = None
    word_bits: Annotated[int, Field(ge=1, le=4096)]
    read_cycles: Positive = 1


class EventCycles(Part):
    """Quanta for one group of lanes, by the kind of connection."""

    dense: Positive
    sparse: Positive
    conv: Positive


class SynapseUnit(Part):
    """Axon lookup, then fetch and accumulate for one packet at a time."""

    axon_lookup_cycles: Natural
    lanes: Annotated[int, Field(ge=1, le=4096)]
    cycles_per_group: EventCycles
    mac_cycles_per_group: Positive
    pool_cycles_per_group: Positive
    overlap: Literal["pipelined", "serial"] = "pipelined"


class UpdateUnit(Part):
    """Walks a core's neurons: ``access`` for each, ``active`` and ``spike`` added where they apply."""

    lanes: Annotated[int, Field(ge=1, le=4096)]
    access_cycles: Natural
    active_cycles: Natural
    spike_cycles: Natural


class Egress(Part):
    """Makes packets from spikes."""

    cycles_per_packet: Positive


class Core(Part):
    """One core; the chip has ``mesh.n_tiles * mesh.cores_per_tile`` of them."""

    execution: Literal["barrier"]
    update_policy: Literal["all", "touched"] = "all"
    neurons: Positive
    axons_in: Positive | None = None
    axons_out: Positive | None = None
    ingress_depth: Annotated[int, Field(ge=1, le=65536)]
    egress_depth: Annotated[int, Field(ge=1, le=65536)]
    synaptic_memory: SynapticMemory
    membrane_memory: MembraneMemory
    axon_table: Table
    routing_table: Table
    synapse: SynapseUnit
    update: UpdateUnit
    egress: Egress


class Arithmetic(Part):
    """What the chip can compute. A network that asks for anything else is refused with the field named."""

    int_bits: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(le=24)]] | None
    odd_int: bool = False
    ternary: bool = False
    binary: bool = False
    codebook: bool = False
    float32: bool = False
    membrane_bits_max: Annotated[int, Field(ge=2, le=32)]
    leaks: tuple[Literal["none", "multiply", "shift", "subtract"], ...]
    resets: tuple[Literal["hard", "subtract", "none"], ...]
    overflows: tuple[Literal["saturate", "wrap"], ...]
    compares: tuple[Literal[">", ">="], ...]
    decay_input: bool = False
    reset_delay: bool = False
    refractory: bool = False
    delay_max: Annotated[int, Field(ge=0, le=65535)]
    spike_payload_bits: Annotated[int, Field(ge=0, le=32)] = 0


class Term(Part):
    """One addend of a derived price or leakage; exactly one of the fields but ``count``, ``access`` and ``length_mm``.

    sram names a memory of the core. The others are widths in bits: an adder, a comparator, a row of AND gates, a
    multiplexer, a shifter, a register, a multiplier (two widths), float32 units, a router flit, a link.
    """

    count: PositiveFloat = 1
    sram: Literal["synaptic_memory", "membrane_memory", "axon_table", "routing_table"] | None = None
    access: Literal["read", "write"] = "read"
    adder: Positive | None = None
    comparator: Positive | None = None
    and_row: Positive | None = None
    mux: Positive | None = None
    shifter: Positive | None = None
    register_: Annotated[Positive | None, Field(alias="register")] = None
    multiplier: tuple[Positive, Positive] | None = None
    float_add: Literal[32] | None = None
    float_multiply: Literal[32] | None = None
    router_flit: Positive | None = None
    link: Positive | None = None
    length_mm: PositiveFloat = 1

    @model_validator(mode="after")
    def _one(self) -> Term:
        if len(self.kinds) != 1:
            raise ValueError(f"a term needs exactly one kind, got {list(self.kinds) or 'none'}")
        return self

    @property
    def kinds(self) -> dict[str, object]:
        """The field that is set, by name."""
        skip = ("count", "access", "length_mm")
        return {k: v for k, v in vars(self).items() if k not in skip and v is not None}


class PriceSpec(Part):
    """The energy of one action: a number with its source, a sum of technology terms, or where it is included."""

    pj: NaturalFloat | None = None
    low_pj: NaturalFloat | None = None
    high_pj: NaturalFloat | None = None
    source: Source | None = None
    derive: tuple[Term, ...] | None = None
    included_in: Source | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _one(self) -> PriceSpec:
        given = [n for n in ("pj", "derive", "included_in") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of pj, derive or included_in, got {given or 'none'}")
        if self.pj is not None and self.source is None:
            raise ValueError("a price in pj needs a source")
        return self


class LeakageSpec(Part):
    """A power drawn for the whole simulated time: a number with its source, or a sum of technology terms."""

    component: Source
    per: Literal["chip", "core", "tile"]
    power_mw: NaturalFloat | None = None
    source: Source | None = None
    derive: tuple[Term, ...] | None = None

    @model_validator(mode="after")
    def _one(self) -> LeakageSpec:
        if (self.power_mw is None) == (self.derive is None):
            raise ValueError("give exactly one of power_mw and derive")
        if self.power_mw is not None and self.source is None:
            raise ValueError("a power in mW needs a source")
        return self


class Chip(Part):
    """A whole chip file."""

    format: Literal["neurosim-chip/1"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    title: str
    description: str = ""
    sources: dict[str, str]
    assumptions: dict[str, str] = Field(default_factory=dict)
    clock: Clock
    technology: Technology
    mesh: Mesh
    router: Router
    io: HostPort
    barrier: Barrier
    delivery: Literal["same_step", "next_step"]
    core: Core
    arithmetic: Arithmetic
    energy: dict[str, PriceSpec]
    leakage: tuple[LeakageSpec, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _complete(self) -> Chip:
        unknown = sorted(set(self.energy) - set(ACTIONS))
        if unknown:
            raise ValueError(f"energy: {', '.join(unknown)} not registered; actions are {', '.join(ACTIONS)}")
        missing = [name for name in ACTIONS if name not in self.energy]
        if missing:
            raise ValueError(f"energy: no price for {', '.join(missing)}; give pj, derive or included_in for each")
        if self.io.tile[0] >= self.mesh.width or self.io.tile[1] >= self.mesh.height:
            raise ValueError(f"io.tile: {self.io.tile} is outside the {self.mesh.width} x {self.mesh.height} mesh")
        named = {s.source for s in [*self.energy.values(), *self.leakage] if s.source is not None}
        strangers = sorted(named - set(self.sources))
        if strangers:
            raise ValueError(f"sources: {', '.join(strangers)} used but not listed; add each with its citation")
        return self

    @property
    def n_cores(self) -> int:
        return self.mesh.n_tiles * self.mesh.cores_per_tile

    def content_hash(self) -> str:
        """SHA-256 of the description."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
