"""What a chip draws besides its actions and its leakage, and what is done about leakage: all of it optional.

A chip file without ``standing`` gates nothing, has no clock of its own and counts no loading. Times the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.part import NaturalFloat, Part, Source
from neurosim.arch.prices import Term


class PowerGating(Part):
    """Cores that hold no neurons draw ``unused_share`` of their leakage (0 to 1); ``source`` says why so much."""

    unused_share: Annotated[float, Field(ge=0, le=1)]
    source: Source


class IdleClock(Part):
    """Energy a cycle and instance, whether anything happens or not: a number with its source, or technology terms.

    ``cores`` used: cores that hold no neurons have their clock off from the start, which costs nothing.
    """

    component: Source
    per: Literal["chip", "core", "tile"]
    cores: Literal["all", "used"] = "all"
    pj_per_cycle: NaturalFloat | None = None
    source: Source | None = None
    derive: Annotated[tuple[Term, ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _one(self) -> IdleClock:
        if (self.pj_per_cycle is None) == (self.derive is None):
            given = "none" if self.derive is None else "both"
            raise ValueError(f"{self.component}: give exactly one of pj_per_cycle and derive, got {given}")
        if self.pj_per_cycle is not None and self.source is None:
            raise ValueError(f"{self.pj_per_cycle:g} pJ a cycle has no source; add source: with a key of the sources")
        if self.cores == "used" and self.per != "core":
            raise ValueError(f"{self.component}: got cores: used with per: {self.per}, expected per: core")
        return self


class Standing(Part):
    """``loading`` each_run: writing the network into the memories is in every run's total, once."""

    power_gating: PowerGating | None = None
    idle_clock: tuple[IdleClock, ...] = ()
    loading: Literal["never", "each_run"] = "never"

    def check(self, sources: Mapping[str, str], synchronous: bool, pers: tuple[str, ...]) -> None:
        """Raises ValueError for a source that is not listed, a clock of an asynchronous chip, or a part it lacks."""
        named = [("power_gating", self.power_gating.source)] if self.power_gating else []
        named += [(f"idle_clock.{i}", spec.source) for i, spec in enumerate(self.idle_clock) if spec.source]
        for place, name in named:
            if name not in sources:
                raise ValueError(f"standing.{place}.source: got {name!r}, which sources does not list; add it there")
        if self.idle_clock and not synchronous:
            raise ValueError("standing.idle_clock: clock.synchronous is false, so there is no clock; leave it out")
        for i, spec in enumerate(self.idle_clock):
            if spec.per not in pers:
                raise ValueError(f"standing.idle_clock.{i}.per: got {spec.per!r}, expected one of {', '.join(pers)}")
