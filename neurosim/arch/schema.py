"""The chip description: one template, parameterised widely. Plain data that knows nothing of running.

Times are whole quanta of ``clock.quantum_ps`` unless a name says otherwise; sizes are bits. An unknown key, a wrong
unit or an impossible value is an error that names the field.
"""

from __future__ import annotations

import difflib
import hashlib
from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.actions import ACTIONS, actions_of
from neurosim.arch.calibration import Calibration
from neurosim.arch.core import Core
from neurosim.arch.front_end import FrontEnd
from neurosim.arch.origins import check_origins
from neurosim.arch.part import Natural, Part, Positive, PositiveFloat, Source
from neurosim.arch.prices import LeakageSpec, PriceSpec, check_included
from neurosim.arch.router import MULTICAST_PORTS, WAYS, Router
from neurosim.arch.standing import Standing
from neurosim.arch.topology import Topology

TERNARY_BITS = 2
"""Payload of a ternary spike, as in `neurosim.snn.neuron`."""


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


class HostPort(Part):
    """Where input spikes enter and answers leave: the router of one tile."""

    tile: tuple[Natural, Natural]
    input_interval_cycles: Positive
    payload_bits: Annotated[int, Field(ge=0, le=32)] = 0


class Barrier(Part):
    """What ends a round: ``constant`` quanta, or ``messages`` to a root and back.

    ``cycles``: quanta by tiles in use, the entry at or below (``rule`` step), or lines between (linear).
    ``root``: the host or a tile. ``combine``: a router waits for all its cores and branches and sends one message on,
    ``combine_cycles`` later; else each core's message travels alone. ``root_cycles``: from the last one to the release.
    """

    kind: Literal["constant", "messages"] = "constant"
    cycles: Annotated[dict[Annotated[int, Field(ge=1)], Natural], Field(min_length=1)] | None = None
    rule: Literal["step", "linear"] = "step"
    root: Literal["host"] | tuple[Natural, Natural] = "host"
    combine: bool = False
    combine_cycles: Natural = 1
    root_cycles: Natural = 1

    @model_validator(mode="after")
    def _one_kind(self) -> Barrier:
        if self.kind == "constant" and self.cycles is None:
            raise ValueError("cycles: expected with kind: constant; give the quanta by tiles in use")
        if self.kind == "messages" and self.cycles is not None:
            raise ValueError("cycles: expected only with kind: constant; messages take the time of their ways")
        return self

    def cycles_for(self, tiles: int) -> int:
        """Cost of a barrier over ``tiles`` tiles; outside the table its nearest entry holds. Messages: 0."""
        if self.cycles is None:
            return 0
        known = sorted(self.cycles)
        below = [t for t in known if t <= tiles]
        above = [t for t in known if t > tiles]
        if not below or not above or self.rule == "step":
            return self.cycles[below[-1] if below else known[0]]
        low, high = below[-1], above[0]
        span = self.cycles[high] - self.cycles[low]
        return self.cycles[low] + round(span * (tiles - low) / (high - low))


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
    synaptic_current: bool = False
    membrane_floor: bool = False
    multi_spike: bool = False
    ternary_spikes: bool = False
    delay_max: Annotated[int, Field(ge=0, le=65535)]
    spike_payload_bits: Annotated[int, Field(ge=0, le=32)] = 0

    @model_validator(mode="after")
    def _ordered(self) -> Arithmetic:
        if self.int_bits is not None and self.int_bits[0] > self.int_bits[1]:
            raise ValueError(f"int_bits: got {list(self.int_bits)}, expected [fewest, most]")
        if self.ternary_spikes and self.spike_payload_bits < TERNARY_BITS:
            raise ValueError(
                f"ternary_spikes: true, but spike_payload_bits is {self.spike_payload_bits}; a spike of +1 or -1 "
                f"carries {TERNARY_BITS} bits"
            )
        return self


class Chip(Part):
    """A whole chip file.

    ``origins`` says which source a field (and all below it) was taken from; ``assumptions`` why a field has the value
    it has where no source gives one. Prices and leakages name their sources themselves; ``without_energy`` says why a
    chip has none.
    """

    format: Literal["neurosim-chip/1"]
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
    title: str
    description: str = ""
    sources: dict[str, Source]
    origins: dict[str, Source] = Field(default_factory=dict)
    assumptions: dict[str, str] = Field(default_factory=dict)
    clock: Clock
    technology: Technology | None = None
    mesh: Topology
    router: Router
    io: HostPort
    barrier: Barrier
    delivery: Literal["same_step", "next_step"]
    core: Core
    arithmetic: Arithmetic
    front_end: FrontEnd | None = None
    energy: dict[str, PriceSpec] = Field(default_factory=dict)
    leakage: tuple[LeakageSpec, ...] = Field((), min_length=1)
    without_energy: Source | None = None
    standing: Standing | None = None
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _complete(self) -> Chip:
        self._check_ways()
        if self.without_energy is None:
            self._check_prices()
        elif self.energy or self.leakage or self.standing or self.calibration or self.front_end:
            raise ValueError(
                "without_energy: the file gives energy or leakage, standing, calibration or front_end; "
                "keep the one or the others"
            )
        if self.standing is not None:
            self.standing.check(self.sources, self.clock.synchronous, ("chip", "core", "tile"))
        if self.calibration is not None:
            self.calibration.check(self.sources)
        scan = self.core.update.scan
        if scan is not None and scan.every_neuron and (self.delivery, self.core.update_policy) != ("next_step", "all"):
            raise ValueError(
                "core.update.scan.every_neuron: expected only with delivery next_step and update_policy all"
            )
        if self.io.tile[0] >= self.mesh.width or self.io.tile[1] >= self.mesh.height:
            raise ValueError(
                f"io.tile: got {list(self.io.tile)}, expected at most [{self.mesh.width - 1}, {self.mesh.height - 1}] "
                f"on {self.mesh.title()}"
            )
        root = self.barrier.root
        if root != "host" and (root[0] >= self.mesh.width or root[1] >= self.mesh.height):
            raise ValueError(
                f"barrier.root: got {list(root)}, expected host or at most [{self.mesh.width - 1}, "
                f"{self.mesh.height - 1}] on {self.mesh.title()}"
            )
        check_origins(self, self.origins, self.sources)
        return self

    def _check_prices(self) -> None:
        """Every action priced, every source listed."""
        for name in ("technology", "energy", "leakage"):
            if not getattr(self, name):
                raise ValueError(f"{name}: missing; add it, or say in without_energy why there is none")
        unknown = sorted(set(self.energy) - set(ACTIONS))
        if unknown:
            close = difflib.get_close_matches(unknown[0], ACTIONS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"actions are {', '.join(ACTIONS)}"
            raise ValueError(f"energy.{unknown[0]}: unknown action; {hint}")
        missing = [name for name in actions_of(self.features) if name not in self.energy]
        if missing:
            raise ValueError(f"energy: no price for {', '.join(missing)}; give pj, derive or included_in for each")
        check_included(self.energy)
        named = [(f"energy.{name}", spec.source) for name, spec in self.energy.items()]
        named += [(f"leakage.{i}", spec.source) for i, spec in enumerate(self.leakage)]
        strangers = [(place, name) for place, name in named if name is not None and name not in self.sources]
        if strangers:
            place, name = strangers[0]
            raise ValueError(f"{place}.source: got {name!r}, which sources does not list; add it with its citation")

    def _check_ways(self) -> None:
        kind = self.mesh.topology
        for name in ("latency_cycles", "interval_cycles"):
            if type(getattr(self.router, name)) is not WAYS[kind]:
                ways = ", ".join(WAYS[kind].model_fields)
                raise ValueError(f"router.{name}: expected {ways} for mesh.topology {kind}")
        if kind == "torus" and self.router.virtual_channels % 2:
            raise ValueError(
                f"router.virtual_channels: got {self.router.virtual_channels}, expected an even number on a torus; "
                "half of the channels are for packets that still have to pass the edge"
            )
        for name, asked in (("priority", self.router.priority), ("address", self.router.address_bits)):
            if asked and "grid" not in self.features:
                raise ValueError(f"router.{name}: expected only on a mesh or torus, got mesh.topology {kind}")
        if self.router.delivery == "multicast" and self.mesh.router_ports > MULTICAST_PORTS:
            raise ValueError(
                f"router.delivery: multicast, with {self.mesh.router_ports} ports a router; "
                f"expected at most {MULTICAST_PORTS}"
            )

    @property
    def features(self) -> frozenset[str]:
        """What this chip has beyond the common template, in the words of the action registry's ``only_for``."""
        grid = self.mesh.topology in ("mesh", "torus")
        return frozenset(
            name
            for name, has in (
                ("grid", grid),
                ("tree", self.mesh.topology == "tree"),
                ("off_chip", getattr(self.mesh, "chips", None) is not None),
                ("key_table", self.router.key_table is not None),
                ("barrier_messages", self.barrier.kind == "messages"),
                ("ternary_spikes", self.arithmetic.ternary_spikes),
                ("front_end", self.front_end is not None),
                ("products", self.core.products is not None),
            )
            if has
        )

    @property
    def n_cores(self) -> int:
        return self.mesh.n_tiles * self.mesh.cores_per_tile

    def content_hash(self) -> str:
        """SHA-256 of the description."""
        return hashlib.sha256(self.model_dump_json(by_alias=True).encode()).hexdigest()
