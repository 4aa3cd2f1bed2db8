"""How a front grew while a search went on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.report.figure_style import SIZE, SMALL_SIZE, house_axes, paper_figure, save
from neurosim.report.figure_sweep import good, name_of, on_front, scale_of

if TYPE_CHECKING:
    import pandas as pd

STAGES = (0.1, 0.25, 0.5, 1.0)


def growing_front(
    frame: pd.DataFrame, first: str, second: str, path: Path, *, large: Sequence[str] = (), title: str = "",
    caption: Sequence[str] = (),
) -> Path | None:  # fmt: skip
    """The front of two objectives after a tenth, a quarter, half and all of the trials, light to dark, over all points.

    Objectives in ``large`` are to become large, the others small. None where no trial has figures.
    """
    rows = good(frame).dropna(subset=[first, second])
    if rows.empty:
        return None
    (x_scale, x_label), (y_scale, y_label) = scale_of(rows, first), scale_of(rows, second)
    small = [c for c in (first, second) if c not in large]
    wanted = [c for c in (first, second) if c in large]
    said = ["Fronts after a tenth, a quarter, half and all of the trials, light to dark. Points: all trials."]
    figure = paper_figure(
        3.0,
        title or f"{name_of(frame, second)} against {name_of(frame, first)}: the front as it grew",
        [*said, *caption],
    )
    axes = house_axes(figure.subplots())
    xs, ys = rows[first].to_numpy(float) / x_scale, rows[second].to_numpy(float) / y_scale
    axes.plot(xs, ys, ".", color="#999999", markersize=3)
    for i, share in enumerate(STAGES):
        n = max(1, round(share * len(rows)))
        best = np.flatnonzero(on_front(rows.iloc[:n], small, wanted))
        at = sorted(zip(xs[best], ys[best], strict=True))
        colour = ("#C6DBEF", "#6BAED6", "#2171B5", "#08306B")[i]
        axes.step(*zip(*at, strict=True), where="post", color=colour, linewidth=1.3, marker="o", markersize=3)
        axes.plot([], [], color=colour, label=f"{n} trials", marker="o", markersize=3)
    axes.set_xlabel(x_label, fontsize=SIZE)
    axes.set_ylabel(y_label, fontsize=SIZE)
    axes.grid(alpha=0.25, linewidth=0.5)
    figure.legend(fontsize=SMALL_SIZE, frameon=False, loc="outside right upper")
    return save(figure, path)
