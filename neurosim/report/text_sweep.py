"""A sweep as a terminal shows it: how far each figure goes, and at which point it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.report.text import new_table
from neurosim.report.text_compare import shown

if TYPE_CHECKING:
    import pandas as pd

_FIGURES: tuple[tuple[str, str, Callable[[float], str]], ...] = (
    ("accuracy", "accuracy", units.percent),
    ("energy_pj_per_sample", "energy a sample", units.energy),
    ("latency_s", "latency", units.time),
    ("footprint_bits", "memory", lambda n: units.bits(int(n))),
    ("memory_area_mm2", "memory area", lambda a: f"{a:.4g} mm2"),
)


def sweep_text(frame: pd.DataFrame) -> RenderableType:
    """One line for the least and one for the most of each figure, with the axes of the first point that has it."""
    axes = frame.attrs["axes"]
    ran = frame[frame["error"].isna()]
    title = shown(f"{frame.attrs['title']}: {len(ran)} of {len(frame)} points ran").plain
    table = new_table("", ("figure", "left"), ("least", "right"), ("most", "right"))
    where: list[Text] = []
    for column, name, show in _FIGURES:
        values = ran[column].dropna() if column in ran else []
        if len(values) == 0:
            continue
        ends = (values.idxmin(), values.idxmax())
        table.add_row(name, *(show(float(values[i])) for i in ends))
        if values[ends[0]] != values[ends[1]]:
            for end, i in zip(("least", "most"), ends, strict=True):
                at = ", ".join(f"{axis} {_value(ran.loc[i, axis])}" for axis in axes)
                where.append(Text.assemble((f"{end} {name}: ", "dim"), shown(at)))
    return Group(Text(title, style="bold"), table, Text(), *where)


def _value(value: Any) -> str:
    return f"{value:.5g}" if isinstance(value, float) else str(value)
