"""The learning study against the firing rate: the ratio by how few pairs meet (P1), and the map of rate and T (P3)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurosim.learning.ratio import UNTRAINED, times
from neurosim.report.figure_style import SIZE, SMALL_SIZE, save
from neurosim.report.learn_panels import Legend, looks, panels, span
from neurosim.study.learn.points import RatePoint
from neurosim.study.learn.runs import BASELINES, DENSE, HELD, SKIPPING, Runs

CLAIM = 30.0
OCTAVES, OCTAVES_LOST = 6.0, 3.0
GRAY = "#666666"


def rate_figure(runs: Runs, points: Sequence[RatePoint], lines: Sequence[RatePoint], path: Path) -> Path:
    """P1: markers are trained runs, lines random networks, dotted what gradient sums alone would give."""
    prices = [learner.name for learner in runs.learners]
    style = looks(runs.study.rules)
    said = [
        f"One marker a run on {runs.study.data}, batch 1, {runs.study.sweep.epochs} epochs, no sample passed over.",
        "Across: gradient sums of the dense learner over those of the rule, counted, layers below the readout;",
        "this is 1 / (share of inputs that spike in a step x share of neurons that still fire after an input spike).",
        f"Line: {runs.study.map.rule} on random networks of the same sizes, T = {runs.study.timesteps}, by rate.",
        "Dotted: learning energy in proportion to gradient sums. Below 1: the rule takes more than the baseline.",
        "Accuracy gap: rule minus baseline at the same input, as the legend says; the table has it for every marker.",
        *_unpriced(runs),
    ]
    figure, axes = panels(
        1.9 * len(BASELINES) + 0.4, "Learning energy, baseline / rule, against how few pairs meet", said,
        len(BASELINES), len(prices), _rate_legend(points, style, runs.study.map.rule), sharex=True, sharey="row",
    )  # fmt: skip
    ends = [min(p.inverse for p in points), max(p.inverse for p in points)]
    for row, baseline in zip(axes, BASELINES, strict=True):
        for axis, name in zip(row, prices, strict=True):
            here = [p for p in points if (p.ratio.baseline, p.ratio.prices) == (baseline, name)]
            for rule, (colour, marker) in style.items():
                own = [p for p in here if p.ratio.rule == rule]
                axis.scatter(
                    [p.inverse for p in own], [p.ratio.number for p in own], s=15, color=colour, marker=marker,
                    linewidths=0.4, edgecolors="white", zorder=3,
                )  # fmt: skip
            line = sorted(
                (p.inverse, p.ratio.number)
                for p in lines
                if (p.ratio.baseline, p.ratio.prices) == (baseline, name) and ends[0] / 4 <= p.inverse <= ends[1] * 3
            )
            axis.plot(*zip(*line, strict=True), color=GRAY, lw=1, zorder=2)
            if baseline == BASELINES[0]:
                axis.plot(ends, ends, ":", color=GRAY, lw=1, zorder=1)
                axis.set_title(f"prices {name}", fontsize=SIZE)
            if baseline != SKIPPING:
                axis.axhline(CLAIM, color="#D55E00", lw=0.6, zorder=1)
                axis.text(1, CLAIM, "30x ", transform=axis.get_yaxis_transform(), color="#D55E00", ha="right",
                          va="bottom", fontsize=SMALL_SIZE)  # fmt: skip
            axis.axhline(1, color="black", lw=0.6, zorder=1)
            axis.set(xscale="log", yscale="log")
        _plain_ticks(row[0])
        row[0].set_ylabel(f"{baseline} / rule, batch 1", fontsize=SIZE)
    for axis in axes[-1]:
        axis.set_xlabel("1 / (rho_pre x phi_post)", fontsize=SIZE)
    return save(figure, path)


def _rate_legend(points: Sequence[RatePoint], style: dict, line: str) -> Legend:
    from matplotlib.lines import Line2D

    handles = []
    for rule, (colour, marker) in style.items():
        gaps = [p.ratio.gap_points for p in points if p.ratio.rule == rule]
        label = f"{rule}, accuracy {span(gaps)}"
        handles.append(Line2D([], [], ls="", marker=marker, ms=4, color=colour, label=label))
    handles.append(Line2D([], [], color=GRAY, lw=1, label=f"{line}, {UNTRAINED}"))
    handles.append(Line2D([], [], color=GRAY, lw=1, ls=":", label="by gradient sums alone"))
    return Legend(handles)


def _unpriced(runs: Runs) -> list[str]:
    """What tables that price events leave out."""
    names = [learner.name for learner in runs.learners if learner.events]
    return [f"{' and '.join(names)}: no price of a memory, so {HELD} takes what {DENSE} takes."] if names else []


def _plain_ticks(axis) -> None:
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    for line in (axis.xaxis, axis.yaxis):
        low, high = line.get_view_interval()
        line.set_major_locator(LogLocator(subs=(1.0,) if high / low > 60 else (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)))
        line.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        line.set_minor_formatter(NullFormatter())


def map_figure(runs: Runs, cells: Sequence[tuple[float, RatePoint]], path: Path) -> Path:
    """P3: colour and contours of the ratio over firing rate and timesteps; hatched where the rule loses."""
    from matplotlib.colors import TwoSlopeNorm

    asked, prices = runs.study.map, [learner.name for learner in runs.learners]
    sizes = "-".join(map(str, asked.sizes))
    said = [
        f"Every cell is executed: {asked.samples} samples through a random network, {sizes}, whose inputs and hidden",
        "neurons fire at the rate on the left; weights, spikes and errors are drawn, nothing is learned, there is no",
        "accuracy. Batch 1, no sample passed over. Numbers: baseline / rule.",
        "Red: the rule takes less; blue and hatched: it takes more.",
        "White: no input spike met a neuron that fired later.",
        *_unpriced(runs),
    ]
    figure, axes = panels(
        2.2 * len(BASELINES) + 0.3, f"Learning energy, baseline / {asked.rule}, batch 1: {UNTRAINED}", said,
        len(BASELINES), len(prices), _map_legend(), sharex=True, sharey=True,
    )  # fmt: skip
    norm = TwoSlopeNorm(0, -OCTAVES_LOST, OCTAVES)
    x, y = np.arange(len(asked.timesteps)), np.log10(100 * np.array(asked.rates))
    mesh = None
    for row, baseline in zip(axes, BASELINES, strict=True):
        for axis, name in zip(row, prices, strict=True):
            grid = np.full((len(y), len(x)), np.nan)
            for rate, cell in cells:
                if (cell.ratio.baseline, cell.ratio.prices) == (baseline, name):
                    place = asked.rates.index(rate), asked.timesteps.index(cell.timesteps)
                    grid[place] = np.log2(cell.ratio.number)
            mesh = axis.pcolormesh(x, y, grid, cmap="RdBu_r", norm=norm, shading="nearest", rasterized=True)
            _contours(axis, x, y, np.ma.masked_invalid(grid))
            _numbers(axis, x, y, grid)
            if baseline == BASELINES[0]:
                axis.set_title(f"prices {name}", fontsize=SIZE)
            ticks = [0.1, 0.3, 1, 3, 10, 30]
            inside = [tick for tick in ticks if y[0] - 0.05 <= np.log10(tick) <= y[-1] + 0.05]
            axis.set_yticks(np.log10(inside), [f"{tick:g}" for tick in inside])
            axis.set_xticks(x, [str(steps) for steps in asked.timesteps])
        row[0].set_ylabel(f"{baseline} / {asked.rule}\nfiring rate (% of neurons a step)", fontsize=SMALL_SIZE)
    for axis in axes[-1]:
        axis.set_xlabel("timesteps T", fontsize=SIZE)
    bar = figure.colorbar(mesh, ax=[axis for row in axes for axis in row], shrink=0.7, pad=0.01)
    ticks = [-3, -2, -1, 0, 2, 4, 6]
    bar.set_ticks(ticks, labels=[times(2.0**tick) for tick in ticks])
    bar.ax.tick_params(labelsize=SMALL_SIZE)
    return save(figure, path)


def _numbers(axis, x, y, grid) -> None:
    """The ratio in every cell, where there is room for it."""
    from matplotlib.patheffects import withStroke

    if grid.size > 90:
        return
    for i, j in zip(*np.nonzero(np.isfinite(grid)), strict=True):
        dark = grid[i, j] > 0.6 * OCTAVES
        effects = [] if dark else [withStroke(linewidth=1.3, foreground="white", alpha=0.8)]
        axis.text(
            x[j], y[i], times(2 ** grid[i, j])[:-1], ha="center", va="center", fontsize=4.8, path_effects=effects,
            color="white" if dark else "#222222", zorder=5,
        )  # fmt: skip


def _map_legend() -> Legend:
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    return Legend([
        Line2D([], [], color="black", lw=1.4, label="1x"),
        Line2D([], [], color="black", lw=1, ls="--", label="30x"),
        Patch(facecolor="none", hatch="//////", edgecolor="#333333", lw=0, label="the rule takes more"),
    ])  # fmt: skip


def _contours(axis, x, y, grid) -> None:
    """The lines of 1x and 30x, and hatching below 1x, where the grid reaches them."""
    if min(grid.shape) < 2:
        return
    for level, style, width in ((0.0, "solid", 1.4), (np.log2(CLAIM), "dashed", 1.0)):
        if grid.min() < level < grid.max():
            axis.contour(x, y, grid, levels=[level], colors="black", linestyles=style, linewidths=width)
    if grid.min() < 0:
        lost = axis.contourf(x, y, grid, levels=[float(grid.min()) - 1, 0.0], colors="none", hatches=["////"])
        lost.set(edgecolor="#777777", linewidth=0)
