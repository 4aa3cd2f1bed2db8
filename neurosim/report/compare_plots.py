"""All figures of a comparison into one folder, under names made from nothing but safe characters."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from neurosim.report.figures_compare import accuracy_against, savings_figure
from neurosim.report.figures_stacked import bits_stacked, energy_stacked, waterfall_figure
from neurosim.study.compare import Comparison
from neurosim.study.table import QUANTITIES

MAX_STEM = 60


@dataclass(frozen=True)
class Drawn:
    """A PNG and what it shows."""

    path: Path
    title: str


def safe_stem(text: str) -> str:
    """A file name's stem from any text: letters, digits, dots, dashes and underscores, not too long."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:MAX_STEM] or "unnamed"


def draw_comparison(comparison: Comparison, folder: Path, prefix: str = "compare") -> list[Drawn]:
    """Every figure that the comparison has data for, in reading order. Raises NeurosimError if it cannot write."""
    stem = f"{safe_stem(prefix)}_{safe_stem(comparison.chip.name)}"

    def to(name: str) -> Path:
        return Path(folder) / f"{stem}_{name}.png"

    drawn = [
        (accuracy_against(comparison, quantity, to(f"accuracy_{quantity}")), f"Accuracy against {quantity}")
        for quantity in QUANTITIES
    ]
    drawn += [
        (energy_stacked(comparison, to("energy")), "Energy by component"),
        (bits_stacked(comparison, to("bits")), "Memory by what it holds"),
        (savings_figure(comparison, to("savings")), "What narrower weights save, and what formulas say"),
    ]
    drawn += [
        (waterfall_figure(comparison, fall, to(f"waterfall_{i + 1}")), f"From {fall.start} to {fall.end}")
        for i, fall in enumerate(comparison.waterfalls)
    ]
    return [Drawn(path, title) for path, title in drawn if path is not None]
