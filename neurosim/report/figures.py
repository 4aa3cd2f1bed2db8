"""Figures of results. Units on every axis, a colour-blind-safe palette, and what the bars add up to in the caption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.energy.table import LEAKAGE
from neurosim.files import replacing
from neurosim.result import Result
from neurosim.svg import COLOURS as PALETTE

# Okabe and Ito's palette, readable with the common colour-vision deficiencies; leakage is always grey.
LEAKAGE_COLOUR = "#BBBBBB"
OTHER_COLOUR = "#666666"
UNUSED_COLOUR = "#E4E4E4"
SMALL = 0.02


def component_bars(results: Sequence[Result]) -> list[tuple[str, set[str], str]]:
    """(name, components, colour) of each part of an energy bar, the largest anywhere first; then the small ones
    together, then leakage."""
    shares: dict[str, float] = {}
    for result in results:
        for name, pj in result.energy.by_component().items():
            shares[name] = max(shares.get(name, 0.0), pj / result.energy_pj)
    ranked = sorted((n for n in shares if n != LEAKAGE), key=lambda n: (-shares[n], n))
    named = [n for n in ranked if shares[n] >= SMALL][: len(PALETTE)]
    bars = [(n, {n}, PALETTE[i]) for i, n in enumerate(named)]
    return [*bars, ("other", set(ranked) - set(named), OTHER_COLOUR), (LEAKAGE, {LEAKAGE}, LEAKAGE_COLOUR)]


def energy_by_component(results: Sequence[Result], path: Path, title: str) -> Path:
    """Stacked bars of energy a sample, nanojoules, one bar a result; writes a PNG to ``path``."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8.0, 1.7 + 0.5 * len(results)), layout="constrained", dpi=144)
    axes = figure.subplots()
    labels = [f"{r.workload}\n{r.chip}" for r in results]
    left = [0.0] * len(results)
    for name, parts, colour in component_bars(results):
        widths = [
            sum(pj for part, pj in r.energy.by_component().items() if part in parts) / r.samples / 1e3 for r in results
        ]
        axes.barh(labels, widths, left=left, color=colour, label=name.replace("_", " "), height=0.66)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    for row, total in enumerate(left):
        axes.text(total, row, f" {total:,.0f} nJ", va="center", fontsize=9)
    axes.set_xlim(0, max(left) * 1.14)
    axes.set_xlabel("energy a sample (nJ)")
    figure.suptitle(title, x=0.01, ha="left", fontsize=10)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    figure.legend(fontsize=8, ncols=4, loc="outside lower center", frameon=False)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return Path(path)


def link_load(result: Result, path: Path, title: str) -> Path:
    """Heat map of the links of a mesh, torus or tree: how much of the time each was taken; writes a PNG to ``path``.

    Tiles of a grid are squares with an arrow for each way out; a tree is drawn level by level with both ways side by
    side. Raises ValueError for a result without `Result.network`.
    """
    from matplotlib.figure import Figure

    if result.network is None:
        raise ValueError("the result has no network metrics; run it with network_samples=1")
    net = result.network
    at = tree_places(net["links"]) if net["topology"] == "tree" else grid_places(net["width"], net["height"])
    xs, ys = [x for x, _ in at.values()], [y for _, y in at.values()]
    wide, high = max(xs) - min(xs) + 1, max(ys) - min(ys) + 1
    figure = Figure(figsize=(max(4.5, 2.2 + wide), max(3.2, 1.6 + high)), layout="constrained", dpi=144)
    axes = figure.subplots()
    colours = figure.colorbar(_load_scale(net["links"]), ax=axes, label="link taken (% of the time)", shrink=0.85)
    for name, (x, y) in at.items():
        axes.text(x, y, name.removeprefix("tile ").replace("router ", "r"), ha="center", va="center", fontsize=7)
        axes.add_patch(_box(x, y))
    for link in net["links"]:
        (x, y), (to_x, to_y) = at[link["from"]], at[link["to"]]
        if net["topology"] == "torus":
            to_x, to_y = next_to(x, to_x), next_to(y, to_y)
        colour = colours.mappable.to_rgba(100 * link["load"]) if link["flits"] else UNUSED_COLOUR
        axes.add_patch(link_arrow((x, y), (to_x, to_y), colour))
    axes.set_xlim(min(xs) - 0.9, max(xs) + 0.9)
    axes.set_ylim(min(ys) - 0.9, max(ys) + 0.9)
    axes.set_aspect("equal")
    axes.axis("off")
    busiest = max(net["links"], key=lambda link: link["load"])
    figure.suptitle(f"{title}: link load", x=0.01, ha="left", fontsize=10)
    axes.set_title(
        f"busiest: {busiest['from']} {busiest['direction']}, {100 * busiest['load']:.2g} % of the time",
        fontsize=8, loc="left",
    )  # fmt: skip
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return Path(path)


def next_to(here: float, there: float) -> float:
    """A ring's edge leaves the picture on one side: one step away from ``there`` instead of all the way across."""
    step = there - here
    return here + step if abs(step) <= 1 else here - step / abs(step)


def grid_places(width: int, height: int) -> dict[str, tuple[float, float]]:
    return {f"tile {x + width * y}": (float(x), float(y)) for y in range(height) for x in range(width)}


def tree_places(links: Sequence[dict]) -> dict[str, tuple[float, float]]:
    """Root on top; parents in the middle of their children, tiles side by side."""
    children: dict[str, list[str]] = {}
    for link in links:
        if link["direction"] == "down":
            children.setdefault(link["from"], []).append(link["to"])
    (root,) = set(children) - {child for row in children.values() for child in row}
    at: dict[str, tuple[float, float]] = {}
    taken = 0

    def place(name: str, level: int) -> float:
        nonlocal taken
        below = [place(child, level + 1) for child in children.get(name, [])]
        if not below:
            below = [float(taken)]
            taken += 1
        at[name] = (sum(below) / len(below), -1.4 * level)
        return at[name][0]

    place(root, 0)
    return at


def _load_scale(links: Sequence[dict]):
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    most = max((100 * link["load"] for link in links), default=0.0)
    return ScalarMappable(Normalize(0, most or 1.0), cmap="viridis_r")


def _box(x: float, y: float):
    from matplotlib.patches import Rectangle

    return Rectangle((x - 0.24, y - 0.24), 0.48, 0.48, fill=False, edgecolor="#888888", linewidth=0.8)


def link_arrow(start: tuple[float, float], end: tuple[float, float], colour):
    """From box to box, moved to its right, so that the two ways of a link lie side by side."""
    from matplotlib.patches import FancyArrowPatch

    dx, dy = end[0] - start[0], end[1] - start[1]
    length = (dx * dx + dy * dy) ** 0.5
    dx, dy = dx / length, dy / length
    side_x, side_y = 0.09 * dy, -0.09 * dx
    begin = (start[0] + 0.27 * dx + side_x, start[1] + 0.27 * dy + side_y)
    finish = (end[0] - 0.27 * dx + side_x, end[1] - 0.27 * dy + side_y)
    return FancyArrowPatch(begin, finish, arrowstyle="-|>", mutation_scale=9, linewidth=2.4, color=colour)
