"""How a chip file states a price or a leakage: a number with its source, a sum of technology terms, or a reference."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from math import inf
from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.actions import ACTIONS
from neurosim.arch.part import NaturalFloat, Part, Positive, PositiveFloat, Source

Memory = Literal[
    "synaptic_memory", "membrane_memory", "axon_table", "routing_table", "weight_buffer", "spike_buffer",
    "partial_sum_buffer", "partial_map_buffer",
]  # fmt: skip


class Term(Part):
    """One addend of a derived price or leakage; exactly one of the fields but ``count``, ``access`` and ``length_mm``.

    sram names a memory of the core. The others are widths in bits: an adder, a comparator, a row of AND gates, a
    multiplexer, a shifter, a register, a multiplier (two widths), float32 units, a router flit, a cycle of a router's
    clock, a link.
    """

    count: PositiveFloat = 1
    sram: Memory | None = None
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
    router_clock: Positive | None = None
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
    """The energy of one action: a number with its source, a sum of technology terms, or where it is included.

    ``included_in`` names actions that carry the energy ("hop_east, hop_west and hop_local"), or says "nothing (why)"
    where the action cannot occur or no source gives its energy.
    """

    pj: NaturalFloat | None = None
    low_pj: NaturalFloat | None = None
    high_pj: NaturalFloat | None = None
    source: Source | None = None
    derive: Annotated[tuple[Term, ...], Field(min_length=1)] | None = None
    included_in: Source | None = None
    note: str | None = None

    @model_validator(mode="after")
    def _one(self) -> PriceSpec:
        given = [n for n in ("pj", "derive", "included_in") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of pj, derive or included_in, got {given or 'none'}")
        if self.pj is not None and self.source is None:
            raise ValueError(f"{self.pj:g} pJ has no source; add source: with a key of the chip's sources")
        low, high = self.low_pj or 0.0, inf if self.high_pj is None else self.high_pj
        if self.pj is not None and not low <= self.pj <= high:
            raise ValueError(f"{self.pj:g} pJ lies outside its band, low_pj {low:g} to high_pj {high:g}")
        return self


def check_included(energy: Mapping[str, PriceSpec]) -> None:
    """Refuse an ``included_in`` that leads nowhere: a misspelt action would otherwise cost nothing, unseen."""
    for action, spec in energy.items():
        text = spec.included_in
        if text is None or re.fullmatch(r"nothing \(.*\S.*\)", text, re.DOTALL):
            continue
        place = f"energy.{action}.included_in"
        for name in re.split(r",\s*|\s+and\s+", text):
            if name == "nothing":
                raise ValueError(f"{place}: got 'nothing' without a reason; write nothing (why)")
            if name not in ACTIONS:
                close = difflib.get_close_matches(name, ACTIONS, n=1)
                hint = f"did you mean {close[0]!r}?" if close else "name actions that carry it, or write nothing (why)"
                raise ValueError(f"{place}: got {name[:60]!r}, not an action; {hint}")
            if name in energy and energy[name].included_in is not None:
                raise ValueError(f"{place}: {name!r} has no price of its own; name the action that carries the energy")


class LeakageSpec(Part):
    """A power drawn for the whole simulated time: a number with its source, or a sum of technology terms."""

    component: Source
    per: Literal["chip", "core", "tile"]
    power_mw: NaturalFloat | None = None
    source: Source | None = None
    derive: Annotated[tuple[Term, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> LeakageSpec:
        if (self.power_mw is None) == (self.derive is None):
            given = "none" if self.derive is None else "both"
            raise ValueError(f"{self.component}: give exactly one of power_mw and derive, got {given}")
        if self.power_mw is not None and self.source is None:
            raise ValueError(f"{self.power_mw:g} mW has no source; add source: with a key of the chip's sources")
        return self
