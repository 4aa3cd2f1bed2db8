"""Panels of the learning study: a row a baseline, a column a price table; one colour and marker a rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.report.figure_style import (
    CAPTION_LINE_INCHES,
    CAPTION_SIZE,
    DPI,
    SIZE,
    SMALL_SIZE,
    WIDTH_INCHES,
    _wrapped,
    plain,
)  # fmt: skip
from neurosim.report.figures import PALETTE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TITLE, _LEGEND_LINE = 0.24, 0.155
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@dataclass(frozen=True)
class Legend:
    """What the legend above the panels shows, in so many columns."""

    handles: Sequence[Any]
    columns: int = 3


def panels(
    height: float, title: str, caption: Sequence[str], rows: int, columns: int, legend: Legend, **shared
) -> tuple[Figure, list]:
    """An empty figure of ``rows`` x ``columns`` axes, ``height`` inches for them; title, legend and caption add to it.
    ``shared`` goes to ``subplots``. Gives the axes as a list of rows."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, height), layout="constrained", dpi=DPI)
    text = _wrapped(figure, " ".join(caption))
    lines = -(-len(legend.handles) // legend.columns)
    above = _TITLE + _LEGEND_LINE * lines
    whole = height + above + CAPTION_LINE_INCHES * (text.count("\n") + 1) + 0.08
    figure.set_size_inches(WIDTH_INCHES, whole)
    figure.get_layout_engine().set(rect=(0, 0, 1, 1 - above / whole))
    figure.suptitle(plain(title, 110), x=0.01, y=1 - 0.04 / whole, ha="left", fontsize=SIZE + 1).set_in_layout(False)
    figure.supxlabel(text, x=0.01, ha="left", fontsize=CAPTION_SIZE, color="#444444", linespacing=1.25)
    figure.legend(
        handles=legend.handles, fontsize=SMALL_SIZE, ncols=legend.columns, loc="upper left", frameon=False,
        bbox_to_anchor=(0.0, 1 - _TITLE / whole), borderaxespad=0, labelspacing=0.3, columnspacing=1.4,
    ).set_in_layout(False)  # fmt: skip
    axes = figure.subplots(rows, columns, squeeze=False, **shared)
    for axis in axes.flat:
        axis.spines[["top", "right"]].set_visible(False)
        axis.tick_params(labelsize=SMALL_SIZE)
    return figure, axes.tolist()


def looks(rules: Sequence[str]) -> dict[str, tuple[str, str]]:
    """Colour and marker by rule, in the order of the study."""
    return {rule: (PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]) for i, rule in enumerate(dict.fromkeys(rules))}


def span(values: Sequence[float]) -> str:
    """The ends of an accuracy gap: '-3.1 to +0.8 points'."""
    low, high = min(values), max(values)
    return f"{low:+.1f} points" if round(low, 1) == round(high, 1) else f"{low:+.1f} to {high:+.1f} points"
