"""``kind: sweep``: what stays as it is, which fields vary, how, and under which constraints."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from neurosim.study.base import Name, Study

COMBINE = Literal["grid", "zip", "random", "latin_hypercube"]
MAX_LISTED = 100_000


class Range(BaseModel):
    """Values of one axis: ``values``, or ``linear`` or ``log`` from the first to the last of two numbers.

    ``points`` is how many values a linear or log range has in a grid or a zip; draws (random, latin_hypercube) fall
    anywhere in it. ``integer`` rounds, and drops what comes twice. ``sets`` is the field that the axis sets where its
    name is not that field; several fields get the same value, or one each where the value is a list of as many.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)
    values: Annotated[list[Any], Field(max_length=MAX_LISTED)] | None = None
    linear: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    log: Annotated[list[float], Field(min_length=2, max_length=2)] | None = None
    points: Annotated[int, Field(ge=1)] | None = None
    integer: bool = False
    sets: Name | Annotated[list[Name], Field(min_length=1, max_length=16)] | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Range:
        given = [name for name in ("values", "linear", "log") if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(f"give exactly one of values, linear and log, got {given or 'none'}")
        if self.values is not None and (self.points is not None or self.integer):
            raise ValueError("points and integer are for linear and log ranges; values are taken as they are")
        return self


class PointsStudy(Study):
    """What every study of many points says: what is run, what varies (``axes``, named ranges), what is left out.

    An axis sets the field of its own name unless it says otherwise. ``constraints`` are expressions over axis names; a
    point that breaks one is left out.
    """

    workload: Name
    chip: Name = "edge-28nm"
    samples: Annotated[int, Field(ge=1, le=1_000_000)] | None = 200
    timesteps: Annotated[int, Field(ge=1, le=100_000)] | None = None
    seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
    engine: Literal["fast", "reference"] = "fast"
    timing: Literal["cycle", "estimate"] = "cycle"
    capacity: Literal["refuse", "report"] = "refuse"
    synapse_unit: Literal["dense", "sparse", "conv"] | None = None
    mapping: Name | None = None
    encoder: Name | None = None
    quantize: dict[Name, Any] | None = None
    axes: Annotated[dict[Name, Range], Field(max_length=64)] = Field(default_factory=dict)
    constraints: Annotated[list[Annotated[str, Field(min_length=1, max_length=500)]], Field(max_length=64)] = Field(
        default_factory=list
    )

    @field_validator("axes", mode="before")
    @classmethod
    def _plain_lists(cls, axes: Any) -> Any:
        if not isinstance(axes, dict):
            return axes
        return {name: {"values": given} if isinstance(given, list) else given for name, given in axes.items()}


class SweepStudy(PointsStudy):
    """``kind: sweep`` (docs/sweep.md).

    ``list`` are points written out (axis to value), one more dimension beside the axes. ``together`` are groups of axes
    that step with each other in a grid. ``draws`` and ``draw_seed`` are for random and latin_hypercube. ``repeats``
    runs every point with so many seeds. ``network_samples`` samples have every packet noted, which gives the
    ``network`` columns.
    """

    kind: Literal["sweep"]
    network_samples: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    list_: Annotated[list[dict[Name, Any]] | None, Field(max_length=MAX_LISTED)] = Field(None, alias="list")
    combine: COMBINE = "grid"
    together: Annotated[list[Annotated[list[Name], Field(min_length=2)]], Field(max_length=32)] = Field(
        default_factory=list
    )
    draws: Annotated[int, Field(ge=1)] | None = None
    draw_seed: Annotated[int, Field(ge=0, lt=2**62)] = 0
    repeats: Annotated[int, Field(ge=1, le=10_000)] = 1

    @model_validator(mode="after")
    def _complete(self) -> SweepStudy:
        if not self.axes and not self.list_:
            raise ValueError("axes: missing; give at least one axis, or points in 'list'")
        drawn = self.combine in ("random", "latin_hypercube")
        if drawn != (self.draws is not None):
            raise ValueError(f"draws: expected {'a number' if drawn else 'none'} with combine: {self.combine}")
        if drawn and self.list_ is not None:
            raise ValueError(f"list: written points cannot be combined with combine: {self.combine}")
        if self.together and self.combine != "grid":
            raise ValueError("together: expected only with combine: grid")
        return self
