"""``kind: explore``: which fields may vary, what is to become small or large, and how long to look."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.study.base import Name
from neurosim.study.sweep.file import PointsStudy, Range

OBJECTIVES = {
    "accuracy": ("accuracy", "maximize"),
    "energy": ("energy_pj", "minimize"),
    "latency": ("latency_s", "minimize"),
    "area": ("memory_area_mm2", "minimize"),
    "footprint": ("footprint_bits", "minimize"),
}
"""Name in a study file to (column of a sweep's rows, direction)."""
FIXED = (
    "workload", "chip", "samples", "timesteps", "seed", "engine", "timing", "capacity", "synapse_unit", "mapping",
    "encoder", "quantize",
)  # fmt: skip


class ExploreStudy(PointsStudy):
    """``kind: explore`` (docs/explore.md).

    ``axes`` and ``constraints`` are those of a sweep; a linear or log range has no ``points``. ``trials`` points are
    looked at, ``batch`` at a time; ``sampler`` is nsga2 (evolution), tpe (a model of good and bad points) or random.
    """

    kind: Literal["explore"]
    samples: Annotated[int, Field(ge=1, le=1_000_000)] = 50
    axes: Annotated[dict[Name, Range], Field(min_length=1, max_length=64)]
    objectives: Annotated[
        list[Literal["accuracy", "energy", "latency", "area", "footprint"]], Field(min_length=1, max_length=5)
    ]
    trials: Annotated[int, Field(ge=1, le=100_000)]
    batch: Annotated[int, Field(ge=1, le=1000)] = 16
    sampler: Literal["nsga2", "tpe", "random"] = "nsga2"
    search_seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    @model_validator(mode="after")
    def _searchable(self) -> ExploreStudy:
        if len(set(self.objectives)) < len(self.objectives):
            raise ValueError("objectives: one is named twice; each of them counts once")
        for name, given in self.axes.items():
            if given.points is not None:
                raise ValueError(f"axes.{name}.points: expected none; a search takes any value of the range")
            if given.values is not None and not given.values:
                raise ValueError(f"axes.{name}: empty range, it has 0 values; give at least one")
            ends = given.linear or given.log
            if ends is not None and not (ends[0] < ends[1] and (given.log is None or ends[0] > 0)):
                raise ValueError(f"axes.{name}: got {ends}, expected two numbers, the smaller first, above 0 for log")
        return self
