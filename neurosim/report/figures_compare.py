"""Accuracy against what it costs, and what the formula would have said: figures of a comparison."""

from __future__ import annotations

from math import log10
from pathlib import Path
from typing import Any

from neurosim.report.figure_style import SIZE, SMALL_SIZE, digits, new_figure, plain, save, unit_for
from neurosim.report.figures import PALETTE
from neurosim.report.label_points import label_points
from neurosim.study.compare import Comparison
from neurosim.study.proxy import PROXY, WIDTH_AWARE, savings
from neurosim.study.table import QUANTITIES, caption, plain_rows

AXES = {
    "energy": "energy a sample",
    "footprint": "memory used on the chip",
    "latency": "latency a sample",
}  # fmt: skip
# Yellow is too light for a point, and black is the twins'.
POINT_COLOURS = tuple(colour for colour in PALETTE if colour not in ("#F0E442", "#000000"))
TWIN_COLOUR = "#000000"
_LOG_FROM = 6.0


def points_of(comparison: Comparison, quantity: str) -> list[dict[str, Any]]:
    """Rows of the table that have both an accuracy and the quantity."""
    key = QUANTITIES[quantity]
    return [row for row in plain_rows(comparison) if row["accuracy"] is not None and row[key] is not None]


def accuracy_against(comparison: Comparison, quantity: str, path: Path) -> Path | None:
    """Accuracy against ``energy``, ``footprint`` or ``latency`` with the Pareto front; None without labels."""
    rows = points_of(comparison, quantity)
    if not rows:
        return None
    key = QUANTITIES[quantity]
    scale, unit = unit_for([row[key] for row in rows], quantity)
    said = ["Vertical bars: 95 % interval of the accuracy (Wilson)."]
    if quantity == "energy":
        said.append("Horizontal bars: all constants at the low or at the high end of their bands.")
    said.append("Ringed, with a line: Pareto front of the spiking networks. One colour: the same populations.")
    if comparison.twins and quantity == "footprint":
        said.append("The ANN twins' memory is not worked out here, so they are not drawn.")
    elif comparison.twins:
        said.append("Diamonds: ANN twins.")
    title = f"Accuracy against {quantity}, {comparison.chip.name}"
    figure, axes = new_figure(3.9, title, [*said, *caption(comparison)])
    colours = _colours(comparison, rows)
    for row, colour in zip(rows, colours, strict=True):
        _point(axes, row, key, scale, colour, row[f"on_{quantity}_front"])
    ringed = [row for row in rows if row[f"on_{quantity}_front"]]
    for task in sorted({row["labels_sha256"] for row in ringed}):
        _front(axes, [row for row in ringed if row["labels_sha256"] == task], key, scale)
    _limits(axes, rows, key, scale)
    axes.set_xlabel(f"{AXES[quantity]} ({unit})", fontsize=SIZE)
    axes.set_ylabel("accuracy (%)", fontsize=SIZE)
    axes.grid(alpha=0.25, linewidth=0.5)
    where = [(row[key] / scale, 100 * row["accuracy"]) for row in rows]
    label_points(axes, where, [row["name"] for row in rows])
    return save(figure, path)


def _colours(comparison: Comparison, rows: list[dict[str, Any]]) -> list[str]:
    """One colour for all networks with the same populations; the twins black."""
    family = {r.workload: tuple(r.neurons.items()) for r in comparison.results}
    order = list(dict.fromkeys(family.values()))
    return [
        TWIN_COLOUR if row["kind"] == "ann" else POINT_COLOURS[order.index(family[row["name"]]) % len(POINT_COLOURS)]
        for row in rows
    ]


def _point(axes, row: dict[str, Any], key: str, scale: float, colour: str, ringed: bool) -> None:
    x, y = row[key] / scale, 100 * row["accuracy"]
    low, high = row["energy_low_pj_per_sample"], row["energy_high_pj_per_sample"]
    band = key == QUANTITIES["energy"] and low is not None
    # A band that lies on one side of the value leaves nothing on the other.
    xerr = [[max(0.0, x - low / scale)], [max(0.0, high / scale - x)]] if band else None
    yerr = [[y - 100 * row["accuracy_low_95"]], [100 * row["accuracy_high_95"] - y]]
    axes.errorbar(x, y, xerr=xerr, yerr=yerr, fmt="none", ecolor=colour, elinewidth=0.7, alpha=0.3, zorder=2)
    twin = row["kind"] == "ann"
    style = {"marker": "D", "fillstyle": "none"} if twin else {"marker": "o", "markeredgewidth": 1.2}
    axes.plot(x, y, color=colour, markeredgecolor="black" if ringed else colour, markersize=5.5, zorder=4, **style)


def _front(axes, rows: list[dict[str, Any]], key: str, scale: float) -> None:
    at = sorted((row[key] / scale, 100 * row["accuracy"]) for row in rows)
    if at:
        axes.step([x for x, _ in at], [y for _, y in at], where="post", color="#555555", linewidth=1.1, zorder=3)


def _limits(axes, rows: list[dict[str, Any]], key: str, scale: float) -> None:
    """Log scale where the values are far apart, and room for names; both axes follow points and bars."""
    xs = [row[key] / scale for row in rows]
    if key == QUANTITIES["energy"]:
        ends = [row[f"energy_{end}_pj_per_sample"] for row in rows for end in ("low", "high")]
        xs += [end / scale for end in ends if end is not None]
    if min(xs) > 0 and max(xs) / min(xs) >= _LOG_FROM:
        axes.set_xscale("log")
        from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

        few = log10(max(xs) / min(xs)) < 2.5
        axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0) if few else (1.0,)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:,.6g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.set_xlim(min(xs) / 1.25, max(xs) * 1.6)
    else:
        room = (max(xs) - min(xs)) or max(xs) or 1.0
        axes.set_xlim(max(0.0, min(xs) - 0.12 * room), max(xs) + 0.2 * room)
    lows, highs = ([100 * row[f"accuracy_{end}_95"] for row in rows] for end in ("low", "high"))
    axes.set_ylim(min(lows) - 0.8, min(100.6, max(highs) + 1.2))


def savings_figure(comparison: Comparison, path: Path) -> Path | None:
    """How many times less energy each network takes than the widest of its family: chip, proxy, a width-aware count.

    None where no two networks share their populations.
    """
    found = savings(comparison.results)
    if not found:
        return None
    said = [
        "Energy of the family's widest network / energy of this one: 1 is no saving. Proxy: 0.9 pJ x synaptic events "
        f"({PROXY}). NS-ACE: bit operations at the firing rate, no memory ({WIDTH_AWARE}, Shen et al. 2024).",
        "Proxy and NS-ACE see no memory, router, clock or leakage.",
    ]
    title = f"What narrower weights save on {comparison.chip.name}, and what the formulas say"
    figure, axes = new_figure(1.1 + 0.42 * len(found), title, [*said, *caption(comparison, twins=False)])
    kinds = [
        ("chip", PALETTE[0], lambda s: s.chip),
        ("proxy 0.9 pJ x events", PALETTE[1], lambda s: s.claimed.get(PROXY)),
        ("NS-ACE bit operations", PALETTE[2], lambda s: s.claimed.get(WIDTH_AWARE)),
    ]
    for k, (label, colour, value) in enumerate(kinds):
        rows = [(i, v) for i, s in enumerate(found) if (v := value(s))]
        places = [i + (k - 1) * 0.26 for i, _ in rows]
        # From 1, which is no saving: a bar to the left of the line costs more than the widest.
        axes.barh(places, [v - 1 for _, v in rows], left=1.0, height=0.24, color=colour, label=label)
        for place, (_, v) in zip(places, rows, strict=True):
            axes.text(
                max(v, 1.0) * 1.02, place, f"{v:.2f}" if v < 10 else digits(v), va="center", fontsize=SMALL_SIZE - 1
            )
    labels = [f"{plain(s.name)}\nfrom {plain(s.reference)}" for s in found]
    every = [v for s in found for _, _, value in kinds if (v := value(s))]
    axes.set_xlim(min(0.93, 0.9 * min(every)), 1.3 * max(every))
    axes.set_yticks(range(len(found)), labels, fontsize=SMALL_SIZE)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.axvline(1.0, color="#555555", linewidth=0.8)
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    axes.xaxis.set_major_locator(LogLocator(base=10, subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: f"{x:g}"))
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.set_xlabel("times less energy than the widest (1 = the same)", fontsize=SIZE)
    figure.legend(fontsize=SMALL_SIZE, ncols=1, loc="outside right upper", frameon=False)
    return save(figure, path)
