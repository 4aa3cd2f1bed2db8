"""The crossover map drawn: a column a codebook size, additions above and energy below."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.files import replacing
from neurosim.report.figure_style import DPI, SIZE, SMALL_SIZE, save

ROWS = (("additions", "additions"), ("pj", "energy"))
OCTAVES = 2.5
LINE, POINT = "#000000", "#FFD92F"


def crossover_figure(found: dict[str, Any], path: Path) -> Path:
    """Writes a PNG. Colour is decode over reuse; the solid line is where it is 1, the dashed one the formula."""
    from matplotlib.colors import TwoSlopeNorm
    from matplotlib.figure import Figure

    panels = found["panels"]
    figure = Figure(figsize=(2.6 * len(panels) + 1.6, 6.2), layout="constrained", dpi=DPI)
    axes = figure.subplots(2, len(panels), sharex=True, sharey=True, squeeze=False)
    norm, mesh = TwoSlopeNorm(0, -OCTAVES, OCTAVES), None
    for k, panel in enumerate(panels):
        for row, (quantity, title) in enumerate(ROWS):
            axis = axes[row, k]
            mesh = _panel(axis, found, panel, quantity, norm)
            axis.set_title(f"{title}, {panel['codewords']} codewords", fontsize=SIZE, loc="left")
            axis.tick_params(labelsize=SMALL_SIZE)
    for axis in axes[-1]:
        axis.set_xlabel("firing rate, %", fontsize=SIZE)
    for axis in axes[:, 0]:
        axis.set_ylabel("output channels", fontsize=SIZE)
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, ticks=[-2, -1, 0, 1, 2])
    bar.ax.set_yticklabels(["1/4", "1/2", "1", "2", "4"], fontsize=SMALL_SIZE)
    bar.set_label("decode / reuse (above 1: reuse needs less)", fontsize=SIZE)
    figure.suptitle(
        f"Decode or reuse codewords, 3 x 3 kernels on {found['chip']}; random spike maps (synthetic)",
        x=0.01, ha="left", fontsize=SIZE + 1,
    )  # fmt: skip
    figure.legend(handles=_legend(bool(found["points"])), fontsize=SMALL_SIZE, ncols=3, loc="outside lower center",
                  frameon=False)  # fmt: skip
    return save(figure, Path(path))


def _panel(axis, found: dict[str, Any], panel: dict[str, Any], quantity: str, norm):
    x, y = np.log10(np.array(found["rates"]) * 100), np.log2(found["widths"])
    decode, reuse = (np.array(panel[engine][quantity]) for engine in ("decode", "reuse"))
    ratio = np.clip(np.log2(decode / reuse), -OCTAVES, OCTAVES)
    levels = np.linspace(-OCTAVES, OCTAVES, 21)
    if min(ratio.shape) > 1:
        mesh = axis.contourf(x, y, ratio, levels=levels, cmap="RdBu_r", norm=norm)
        _contour(axis, x, y, ratio, "-", 1.8)
        _contour(axis, x, y, np.log2(panel["formula"]), "--", 1.1)
    else:
        mesh = axis.pcolormesh(x, y, ratio, cmap="RdBu_r", norm=norm, shading="nearest")
    for point in found["points"]:
        if point["codewords"] == panel["codewords"]:
            _mark(axis, point, quantity)
    axis.set_xticks(x, [f"{100 * r:g}" for r in found["rates"]])
    axis.set_yticks(y, [str(width) for width in found["widths"]])
    return mesh


def _contour(axis, x, y, values, style: str, width: float) -> None:
    if values.min() < 0 < values.max():
        axis.contour(x, y, values, levels=[0], colors=LINE, linestyles=style, linewidths=width)


def _mark(axis, point: dict[str, Any], quantity: str) -> None:
    place = np.log10(point["rate"] * 100), np.log2(point["width"])
    there = point["decode"][quantity] / point["reuse"][quantity]
    axis.plot(*place, "o", color=POINT, markeredgecolor="black", markersize=6, zorder=5)
    axis.annotate(
        f"{point['workload']}\n{there:.2f}", place, xytext=(0, -6), textcoords="offset points",
        fontsize=SMALL_SIZE - 0.5, ha="center", va="top", zorder=6,
        bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.85, "linewidth": 0},
    )  # fmt: skip


def _legend(points: bool) -> list:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=LINE, linewidth=1.8, label="equal, from simulated counts"),
        Line2D([], [], color=LINE, linewidth=1.1, linestyle="--",
               label="equal additions by 9Cr = 9Kr + C(1-(1-r)$^9$)"),
    ]  # fmt: skip
    if points:
        look = {"marker": "o", "color": POINT, "markeredgecolor": "black", "linestyle": ""}
        handles.append(Line2D([], [], **look, label="trained layer, its own spikes"))
    return handles


def crossover_csv(found: dict[str, Any], path: Path) -> Path:
    """A line a value of the map and a trained layer (``spikes``: synthetic or the workload), everything a sample."""
    quantities = [f"{engine}_{q}" for engine in ("decode", "reuse") for q in ("additions", "pj", "quanta")]
    with replacing(Path(path)) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        out = csv.writer(stream)
        out.writerow(["spikes", "codewords", "output_channels", "rate", *quantities, "formula_additions_ratio"])
        for panel in found["panels"]:
            for w, width in enumerate(found["widths"]):
                for r, rate in enumerate(found["rates"]):
                    values = [panel[engine][q][w][r] for engine in ("decode", "reuse") for q in panel[engine]]
                    out.writerow(["synthetic", panel["codewords"], width, rate, *values, panel["formula"][w][r]])
        for p in found["points"]:
            values = [p[engine][q] for engine in ("decode", "reuse") for q in p[engine]]
            out.writerow([p["workload"], p["codewords"], p["width"], p["rate"], *values, p["formula"]])
    return Path(path)
