"""The one factor between a chip's measured silicon and the constants of its file, stated and, on request, applied."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import StringConstraints, model_validator

from neurosim.arch.part import Part, PositiveFloat, Source

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=300)]


class Calibration(Part):
    """Measured over modelled, ``low`` to ``high`` by the spread of what was measured.

    ``of`` is what the factor belongs to: ``dynamic`` energy alone (clocks included), or ``all`` with leakage. With
    ``applied`` every price (and power) of the chip is multiplied by it, and says so in its source; otherwise a report
    gives the calibrated figure beside its own and mixes the two nowhere.
    """

    factor: PositiveFloat
    low: PositiveFloat
    high: PositiveFloat
    of: Literal["dynamic", "all"]
    quantity: Text
    source: Source
    applied: bool = False

    @model_validator(mode="after")
    def _ordered(self) -> Calibration:
        if not self.low <= self.factor <= self.high:
            raise ValueError(
                f"calibration: got low {self.low:g}, factor {self.factor:g}, high {self.high:g}; order them"
            )
        return self

    def check(self, sources: Mapping[str, str]) -> None:
        """Raises ValueError for a source that is not listed."""
        if self.source not in sources:
            raise ValueError(f"calibration.source: got {self.source!r}, which sources does not list; add it there")

    def scale(self, leak: bool) -> float:
        """What prices and clocks (``leak``: leakage) are multiplied by."""
        return self.factor if self.applied and (self.of == "all" or not leak) else 1.0
