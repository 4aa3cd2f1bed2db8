"""The learning engine: a YAML file that says what the operations or the events of a learner cost, and why."""

from __future__ import annotations

import difflib
from functools import cached_property
from math import fsum
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, ValidationError, model_validator

from neurosim.arch.part import NaturalFloat, Part, Positive, PositiveFloat
from neurosim.arch.prices import Term
from neurosim.arch.technology.arithmetic import unit_leakage
from neurosim.arch.technology.band import leakage_band, term_band
from neurosim.arch.technology.resolve import logic_term, sum_of_terms
from neurosim.arch.technology.sram import sram_figures
from neurosim.arch.yaml_file import YamlError, read_yaml
from neurosim.data_files import data_root
from neurosim.energy.table import LeakagePower, Price
from neurosim.errors import NeurosimError
from neurosim.learning.counters import DEFINITIONS

MEMORIES = ("weight", "state", "gradient", "history")
OPERATIONS = (
    "add", "multiply", "compare", "reciprocal",
    *(f"{memory}_{access}" for memory in MEMORIES for access in ("read", "write")),
)  # fmt: skip


class Memory(Part):
    """One single-port memory of the engine, in words of its own ``word_bits`` or the engine's."""

    capacity_bits: Positive
    word_bits: Annotated[int, Field(ge=8, le=4096)] | None = None


class Traces(Part):
    """What the chip stores to learn, beside weights and membranes: ``bits`` for each of ``count`` neurons."""

    count: Positive
    bits: Positive


class Power(Part):
    """A power that the chip takes while it works, with its source."""

    component: str
    mw: PositiveFloat
    source: str


class Limits(Part):
    """What the chip has: input lines and neurons of a hidden layer; left out, as many as asked for."""

    inputs: Positive | None = None
    hidden: Positive | None = None


class Technology(Part):
    """Node, supply and device of the tables that prices are derived from."""

    node_nm: PositiveFloat
    voltage_v: PositiveFloat
    device: Literal["hp", "lstp", "lop"] = "lstp"


class Cost(Part):
    """A number with its source, a sum of technology terms, or an access to a memory.

    For events also ``made_of`` operations, so many of each, and ``cycles``.
    """

    value: NaturalFloat | None = None
    source: str | None = None
    derive: Annotated[tuple[Term, ...], Field(min_length=1)] | None = None
    memory: Literal["weight", "state", "gradient", "history"] | None = None
    access: Literal["read", "write"] = "read"
    made_of: Annotated[dict[str, Positive], Field(min_length=1)] | None = None
    cycles: Positive = 1

    @model_validator(mode="after")
    def _one(self) -> Cost:
        given = [name for name in ("value", "derive", "memory", "made_of") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of value, derive, memory and made_of, got {given or 'none'}")
        if self.value is not None and not self.source:
            raise ValueError(f"value {self.value:g} has no source")
        if any(term.sram for term in self.derive or ()):
            raise ValueError("derive: a term names a memory of a chip's core; give memory: and access: instead")
        return self


class Learner(Part):
    """A learning engine. It prices all ``operations``, or the ``events`` (counters) that its source has a price for,
    which may be made of operations it lists. ``powers``: measured ones, in place of the tables' leakage. ``rules``: it
    has only these. ``cycles_of``: the shipped chip whose cycles they take (`chip_cycles`).

    Widths of what is stored, in bits: a weight, a membrane (``state_bits``), a gradient, the value kept with an entry
    of the history and a trace; the last two are as wide as a membrane where a file does not say.
    """

    format: Literal["neurosim-learner/1"]
    name: str
    title: str
    description: str = ""
    unit: str
    lanes: Positive
    word_bits: Annotated[int, Field(ge=8, le=4096)]
    weight_bits: Annotated[int, Field(ge=2, le=24)]
    state_bits: Annotated[int, Field(ge=2, le=64)]
    gradient_bits: Annotated[int, Field(ge=2, le=64)]
    history_value_bits: Annotated[int, Field(ge=1, le=64)] | None = None
    trace_bits: Annotated[int, Field(ge=1, le=64)] | None = None
    quantum_ps: PositiveFloat
    technology: Technology | None = None
    memories: dict[Literal["weight", "state", "gradient", "history"], Memory] = Field(default_factory=dict)
    operations: dict[str, Cost] = Field(default_factory=dict)
    events: dict[str, Cost] = Field(default_factory=dict)
    rules: tuple[str, ...] = ()
    limits: Limits = Field(default_factory=Limits)
    traces: Traces | None = None
    powers: tuple[Power, ...] = ()
    cycles_of: Literal["odin", "reckon"] | None = None
    assumptions: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _complete(self) -> Learner:
        made = [name for cost in self.events.values() for name in cost.made_of or ()]
        if (not self.events and not self.operations) or (self.events and self.operations and not made):
            raise ValueError("give prices of operations or of events, one of the two")
        if unlisted := sorted(set(made) - set(self.operations)):
            raise ValueError(f"events: made of {', '.join(unlisted)}, which operations does not list")
        for given, known, place in ((self.operations, OPERATIONS, "operations"), (self.events, DEFINITIONS, "events")):
            for name in given:
                if name not in known:
                    close = difflib.get_close_matches(name, known, n=1)
                    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
                    raise ValueError(f"{place}.{name}: not known; {hint}")
        missing = [name for name in OPERATIONS if self.operations and not self.events and name not in self.operations]
        if missing:
            raise ValueError(f"operations: no price for {', '.join(missing)}")
        if self.cycles_of and self.rules != (own := {"odin": ("sdsp",), "reckon": ("e-prop",)}[self.cycles_of]):
            raise ValueError(f"rules: got {list(self.rules)}, but cycles_of {self.cycles_of} is for {list(own)}")
        derived = [c for c in (*self.operations.values(), *self.events.values()) if c.derive or c.memory]
        if derived and self.technology is None:
            raise ValueError("technology: missing, but prices are derived from it")
        if any(cost.memory not in self.memories for cost in derived if cost.memory):
            raise ValueError("memories: a price names a memory that is not listed")
        return self

    @property
    def history_width(self) -> int:
        return self.history_value_bits or self.state_bits

    @property
    def trace_width(self) -> int:
        return self.trace_bits or self.state_bits

    @property
    def group(self) -> int:
        """Weights that lie in a word."""
        return max(1, self.word_bits // self.weight_bits)

    def storing(self, weight_bits: int | None) -> Learner:
        """The same engine with weights of that width; None: float32."""
        bits = weight_bits or 32
        return self if bits == self.weight_bits else self.model_copy(update={"weight_bits": bits})

    @cached_property
    def prices(self) -> dict[str, Price]:
        """Price of every operation or event, with the band of its tables."""
        return {name: self._price(name, cost) for name, cost in (self.events or self.operations).items()}

    @property
    def trace_share(self) -> float | None:
        """Share of the chip's memory that its traces take."""
        if self.traces is None:
            return None
        traces = self.traces.count * self.traces.bits
        return traces / (sum(memory.capacity_bits for memory in self.memories.values()) - traces)

    def check_rule(self, rule: str) -> None:
        """Raises NeurosimError for a rule that this chip has not."""
        if self.rules and rule not in self.rules:
            raise NeurosimError(f"{self.name}: has the rule {', '.join(self.rules)} alone, not {rule}")

    def _price(self, name: str, cost: Cost) -> Price:
        if cost.value is not None:
            return Price(_component(name), cost.value, cost.source)
        if cost.made_of is not None:
            parts = [(self._price(part, self.operations[part]), times) for part, times in cost.made_of.items()]
            low, high = (
                fsum(
                    times * (part.pj if bound is None else bound)
                    for part, times in parts
                    for bound in [getattr(part, side)]
                )
                for side in ("low_pj", "high_pj")
            )
            source = " + ".join(f"{times} x ({part.source})" for part, times in parts)
            return Price(_component(name), fsum(part.pj * times for part, times in parts), source, low, high)
        if cost.memory is not None:
            figures = self._figures(cost.memory)
            pj = figures.read_pj if cost.access == "read" else figures.write_pj
            low, high = term_band("sram")
            return Price(_component(name), pj, f"{cost.memory} {cost.access}: {figures.source}", pj * low, pj * high)
        t = self.technology
        pj, low, high, source = sum_of_terms(cost.derive, [logic_term(x, t.node_nm, t.voltage_v) for x in cost.derive])
        return Price(_component(name), pj, source, low, high)

    def _figures(self, memory: str):
        t = self.technology
        given = self.memories[memory]
        figures = sram_figures(given.capacity_bits, given.word_bits or self.word_bits, t.node_nm, t.device)
        return figures.at_voltage(t.voltage_v)

    @cached_property
    def leakage(self) -> tuple[LeakagePower, ...]:
        """Measured powers, or leakage of the memories and of a lane's adder and multiplier; none without either."""
        if self.powers:
            return tuple(LeakagePower(p.component, p.mw, 1, p.source, p.mw, p.mw) for p in self.powers)
        if self.technology is None:
            return ()
        found = []
        low, high = leakage_band("sram", self.technology.device)
        for memory in self.memories:
            figures = self._figures(memory)
            mw = figures.leakage_mw
            found.append(LeakagePower(f"{memory}_memory", mw, 1, figures.source, mw * low, mw * high))
        powers = [unit_leakage("adder", (32,)), unit_leakage("multiplier", (16, 16))]
        low, high = leakage_band("logic", self.technology.device)
        mw = fsum(power for power, _ in powers)
        source = " + ".join(source for _, source in powers)
        found.append(LeakagePower("lanes", mw, self.lanes, source, mw * low, mw * high))
        return tuple(found)


def _component(name: str) -> str:
    memory = name.split("_")[0]
    return f"{memory}_memory" if memory in MEMORIES and name in OPERATIONS else "lanes"


def list_learners() -> list[str]:
    """Names of the shipped learning engines, sorted."""
    return sorted(path.stem for path in (data_root("arch") / "learners").glob("*.yaml"))


def load_learner(name: str) -> Learner:
    """A shipped learning engine by name, or a file by path. Raises NeurosimError naming file, field and limit."""
    shipped = list_learners()
    path = data_root("arch") / "learners" / f"{name}.yaml" if name in shipped else Path(name)
    try:
        return Learner.model_validate(read_yaml(path))
    except OSError:
        close = difflib.get_close_matches(name, shipped, n=1)
        hint = f"did you mean {close[0]!r}? " if close else ""
        raise NeurosimError(
            f"learning chip {name[:80]!r}: no shipped engine or file of that name; {hint}shipped: {', '.join(shipped)}"
        ) from None
    except YamlError as error:
        raise NeurosimError(f"{path}: {error}") from None
    except ValidationError as error:
        first = min(error.errors(), key=lambda problem: problem["type"] != "extra_forbidden")
        where = ".".join(str(part) for part in first["loc"])
        message = first["msg"].removeprefix("Value error, ")
        raise NeurosimError(f"{path}: {where + ': ' if where else ''}{message}") from None
