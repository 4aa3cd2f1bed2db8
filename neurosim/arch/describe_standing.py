"""`neurosim show chip`: area of the memories, clocks that run all the time, gating and loading."""

from __future__ import annotations

from collections.abc import Callable
from math import fsum
from typing import TYPE_CHECKING

from neurosim.arch.layer import LayerChip
from neurosim.arch.schema import Chip
from neurosim.arch.technology.area import CORES, memory_areas
from neurosim.arch.technology.resolve import resolve_idle_clock

if TYPE_CHECKING:
    from rich.table import Table


def standing_parts(chip: Chip | LayerChip, table: Callable[..., Table]) -> list[Table | None]:
    """Tables of what the file has of it; ``table`` makes one from a title and columns."""
    return [_area(chip, table), _clock(chip, table), _options(chip, table), _calibration(chip, table)]


def _area(chip: Chip | LayerChip, table: Callable[..., Table]) -> Table | None:
    areas = memory_areas(chip)
    if not areas:
        return None
    made = table(
        "Area of the memories, and with logic and wires by measured cores", ("component", "left"),
        ("mm2 each", "right"), ("instances", "right"), ("mm2 in all", "right"),
    )  # fmt: skip
    for x in areas:
        made.add_row(x.component, f"{x.mm2:.3g}", str(x.instances), f"{x.total_mm2:.3g}")
    memories = fsum(x.total_mm2 for x in areas)
    made.add_row("total", "", "", f"{memories:.3g}", style="bold")
    for core in CORES:
        ratio = core.whole_over_memories
        made.add_row(f"  x {ratio:.3g}, as {core.name}'s core over its memories", "", "", f"{memories * ratio:.3g}")
    return made


def _clock(chip: Chip | LayerChip, table: Callable[..., Table]) -> Table | None:
    clocks = resolve_idle_clock(chip)
    if not clocks:
        return None
    made = table("Clocks that run all the time", ("component", "left"), ("mW each", "right"), ("instances", "right"),
                 ("source", "left"))  # fmt: skip
    for x in clocks:
        made.add_row(x.component, f"{x.power_mw:.4g}", str(x.instances), x.source)
    return made


def _options(chip: Chip | LayerChip, table: Callable[..., Table]) -> Table | None:
    if chip.standing is None:
        return None
    made = table("Gating and loading", ("", "left"), ("", "left"))
    gating = chip.standing.power_gating
    if gating is not None:
        made.add_row("cores without neurons", f"leak {gating.unused_share:g} of what others do ({gating.source})")
    made.add_row("loading the network", chip.standing.loading.replace("_", " "))
    return made


def _calibration(chip: Chip | LayerChip, table: Callable[..., Table]) -> Table | None:
    c = chip.calibration
    if c is None:
        return None
    made = table("Measured over modelled", ("factor", "left"), ("of", "left"), ("applied", "left"), ("from", "left"))
    what = "dynamic energy" if c.of == "dynamic" else "all energy"
    source = f"{c.quantity} ({c.source}: {chip.sources[c.source]})"
    made.add_row(f"{c.factor:g}, {c.low:g} to {c.high:g}", what, "yes" if c.applied else "no", source)
    return made
