"""The break-even map drawn: a panel a weight width, colour for the ratio, a contour a rival, trained networks on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurosim.files import replacing

CONTOURS = ("#000000", "#7B3294", "#006837")
"""By rival; dashed where the closed form puts the same contour."""
OCTAVES = 6
CLAIMS = ((1.72, "1.72"), (1.38, "1.38"), (0.15, "0.15"))
"""Spikes a connection and inference that papers name: Davidson and Furber; Dampfhoffer et al., both ends."""


def break_even_figure(found: dict[str, Any], path: Path) -> Path:
    """Writes a PNG. Colour is log2 of SNN over ANN at batch 1 (the first rival), white where they cost the same."""
    from matplotlib.colors import TwoSlopeNorm
    from matplotlib.figure import Figure

    panels = found["panels"]
    columns = min(2, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(5.0 * columns + 1.2, 3.9 * rows + 1.5), layout="constrained", dpi=110)
    axes = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    norm = TwoSlopeNorm(0, -OCTAVES, OCTAVES)
    mesh = None
    for axis, panel in zip(axes.flat, panels, strict=False):
        mesh = _panel(axis, found, panel, norm)
    for axis in axes.flat[len(panels) :]:
        axis.axis("off")
    for axis in axes[-1]:
        axis.set_xlabel("timesteps T")
    for axis in axes[:, 0]:
        axis.set_ylabel("firing rate (spikes a neuron and timestep, %)")
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8)
    bar.set_label(f"energy of SNN / {found['rivals'][0]['title']} ANN (log2)")
    figure.suptitle(
        f"The shape of {found['workload']}: SNN on {found['chip']} against its ANN twin, weights on chip on both sides",
        x=0.01, ha="left", fontsize=10,
    )  # fmt: skip
    figure.legend(handles=_legend(found), fontsize=7.5, ncols=4, loc="outside lower center", frameon=False)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return Path(path)


def _panel(axis, found: dict[str, Any], panel: dict[str, Any], norm):
    x, y = np.log2(found["timesteps"]), np.log10(np.array(found["rates"]) * 100)
    snn = np.array(panel["snn_pj"]).T
    mesh = None
    for rival, colour in zip(found["rivals"], CONTOURS, strict=True):
        ratio = np.log2(snn / [cost["pj"] for cost in panel["ann"][rival["name"]]])
        if mesh is None:
            levels = np.linspace(-OCTAVES, OCTAVES, 4 * OCTAVES + 1)
            mesh = axis.contourf(x, y, ratio, levels=levels, cmap="RdBu_r", norm=norm, extend="both")
        if ratio.min() < 0 < ratio.max() and min(ratio.shape) > 1:
            axis.contour(x, y, ratio, levels=[0], colors=colour, linewidths=2.0)
        closed = np.array(panel["closed_form"][rival["name"]], float)
        # What is below the map, or never, is drawn below its edge, so that lines leave the map where they should.
        shown = np.log10(np.clip(closed, 1e-6, 1) * 100)
        axis.plot(np.log2(found["closed_form_timesteps"]), shown, "--", color=colour, linewidth=1.1)
    for claim, label in CLAIMS:
        line = np.log10(np.array([claim / t for t in found["timesteps"]]) * 100)
        axis.plot(x, line, ":", color="#555555", linewidth=0.8)
        if y[0] < line[-1] < y[-1]:
            axis.text(x[-1], line[-1], f" {label}", fontsize=6.5, va="center", color="#555555", clip_on=False)
    for point in found["points"]:
        if point["weight_bits"] == panel["weight_bits"]:
            place = np.log2(point["timesteps"]), np.log10(point["rate"] * 100)
            axis.plot(*place, "o", color="#FFD92F", markeredgecolor="black", markersize=7, zorder=5)
            ratios = ", ".join(f"{point['ratio'][r['name']]:.2g}" for r in found["rivals"])
            axis.annotate(
                f"{point['workload']}\n{ratios}", place, xytext=(7, -4), textcoords="offset points", fontsize=7,
                va="top", bbox={"boxstyle": "round,pad=0.2", "facecolor": "white", "alpha": 0.75, "linewidth": 0},
            )  # fmt: skip
    axis.set_xlim(x[0], x[-1])
    axis.set_ylim(y[0], y[-1])
    axis.set_xticks(x, [str(t) for t in found["timesteps"]])
    axis.set_yticks(y, [f"{100 * r:g}" for r in found["rates"]])
    axis.set_title(f"{panel['weight_bits']}-bit weights", fontsize=9, loc="left")
    return mesh


def _legend(found: dict[str, Any]) -> list:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], color=colour, linewidth=2.0, label=f"equal to {rival['title']}")
        for rival, colour in zip(found["rivals"], CONTOURS, strict=True)
    ]
    return [
        *handles,
        Line2D([], [], color="#555555", linewidth=1.1, linestyle="--", label="the same, closed form"),
        Line2D([], [], color="#555555", linewidth=0.8, linestyle=":", label="spikes a connection in papers"),
        Line2D([], [], marker="o", color="#FFD92F", markeredgecolor="black", linestyle="",
               label="trained network, SNN / each rival"),
    ]  # fmt: skip
