"""The chip at work: how busy cores and links are, drawn where they lie, and how near its limits it comes."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurosim.report.figure_energy import result_caption
from neurosim.report.figure_style import (
    COLUMN_INCHES,
    SIZE,
    SMALL_SIZE,
    WIDTH_INCHES,
    house_axes,
    paper_figure,
    plain,
    save,
)  # fmt: skip
from neurosim.report.figures import PALETTE, UNUSED_COLOUR, grid_places, link_arrow, next_to, tree_places
from neurosim.result import Result

MAX_TILES_NAMED = 100
CORE_MAP, LINK_MAP = "Blues", "Oranges"
_SIZE = 0.56


def utilisation_figure(result: Result, path: Path) -> Path:
    """Synapse units of all cores as coloured squares on their tiles, links between them as coloured arrows; where no
    links were measured, bars by core and unit."""
    net = result.network
    if net is None or not net.get("links") or "synapse" not in result.utilisation:
        return _busy_bars(result, path)
    tree = net["topology"] == "tree"
    at = tree_places(net["links"]) if tree else grid_places(net["width"], net["height"])
    tiles = [name for name in at if name.startswith("tile ")]
    busy = np.array(result.utilisation["synapse"]) * 100
    cores = max(1, busy.size // max(1, len(tiles)))
    flits = max(net["links"], key=lambda link: link["load"])
    said = [
        f"Squares: share of the time that a core's synapse unit worked ({cores} a tile). Arrows: share of the time "
        f"that a link was taken, both ways apart; grey: never. Busiest link: {flits['from']} {flits['direction']}, "
        f"{100 * flits['load']:.2g} %; busiest core: {int(busy.argmax())}, {busy.max():.2g} %.",
        *result_caption(result, constants=False),
    ]
    xs, ys = [x for x, _ in at.values()], [y for _, y in at.values()]
    wide, high = max(xs) - min(xs) + 1.4, max(ys) - min(ys) + 1.4
    body = min(7.5, max(2.2, 0.82 * WIDTH_INCHES * high / wide if wide > 1.6 * high else 4.2))
    figure = paper_figure(body, f"Cores and links: {result.workload} on {result.chip}", said)
    axes = figure.subplots()
    loads = _scale(figure, axes, LINK_MAP, [100 * link["load"] for link in net["links"]], "link taken (%)")
    works = _scale(figure, axes, CORE_MAP, busy, "synapse unit busy (%)")
    for name, (x, y) in at.items():
        if name in tiles:
            number = int(name.removeprefix("tile "))
            _tile(axes, x, y, number, busy[number * cores : (number + 1) * cores], works, len(tiles))
        else:
            axes.text(x, y, name.replace("router ", "r"), ha="center", va="center", fontsize=SMALL_SIZE - 1)
    for link in net["links"]:
        (x, y), (to_x, to_y) = at[link["from"]], at[link["to"]]
        if net["topology"] == "torus":
            to_x, to_y = next_to(x, to_x), next_to(y, to_y)
        colour = loads.to_rgba(100 * link["load"]) if link["flits"] else UNUSED_COLOUR
        axes.add_patch(link_arrow((x, y), (to_x, to_y), colour))
    axes.set_xlim(min(xs) - 0.7, max(xs) + 0.7)
    axes.set_ylim(min(ys) - 0.7, max(ys) + 0.7)
    axes.set_aspect("equal")
    axes.axis("off")
    return save(figure, path)


def _scale(figure, axes, name: str, values: Sequence[float], label: str):
    import matplotlib
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import LinearSegmentedColormap, Normalize

    # From a colour that is not white, so that little is told from nothing.
    colours = LinearSegmentedColormap.from_list(name, matplotlib.colormaps[name](np.linspace(0.2, 1.0, 64)))
    made = ScalarMappable(Normalize(0, max(values, default=0.0) or 1.0), cmap=colours)
    bar = figure.colorbar(made, ax=axes, shrink=0.8, pad=0.01, aspect=25)
    bar.set_label(label, fontsize=SMALL_SIZE)
    bar.ax.tick_params(labelsize=SMALL_SIZE)
    return made


def _tile(axes, x: float, y: float, number: int, busy: np.ndarray, colours, tiles: int) -> None:
    """The cores of a tile in a square grid, core 0 at the bottom left."""
    from matplotlib.patches import Rectangle

    side = max(1, int(np.ceil(busy.size**0.5)))
    cell = _SIZE / side
    for k, value in enumerate(busy):
        row, column = divmod(k, side)
        colour = colours.to_rgba(value) if value else "white"
        corner = (x - _SIZE / 2 + column * cell, y - _SIZE / 2 + row * cell)
        axes.add_patch(Rectangle(corner, cell, cell, facecolor=colour, edgecolor="#888888", linewidth=0.5))
    if tiles <= MAX_TILES_NAMED:
        left, top = x - _SIZE / 2, y + _SIZE / 2
        axes.text(left, top, str(number), ha="left", va="bottom", fontsize=SMALL_SIZE - 1.5, color="#333333")


def _busy_bars(result: Result, path: Path) -> Path:
    """Share of the time that each unit worked, core by core."""
    units = list(result.utilisation.items())
    cores = max(len(values) for _, values in units)
    used = [k for k in range(cores) if any(values[k] for _, values in units)]
    said = ["Share of the time that each unit worked.", *result_caption(result, constants=False)]
    if result.network is None and cores > 1:
        said.insert(1, "No links: the run noted no packets (network_samples).")
    title = f"How busy: {result.workload} on {result.chip}"
    figure = paper_figure(2.0, title, said, WIDTH_INCHES if cores > 8 else COLUMN_INCHES)
    axes = house_axes(figure.subplots())
    width = 0.8 / len(units)
    for i, (name, values) in enumerate(units):
        places = [k + (i - (len(units) - 1) / 2) * width for k in range(len(used))]
        heights = [100 * values[k] for k in used]
        axes.bar(places, heights, width=width, color=PALETTE[i], label=f"{plain(name)} unit")
    step = max(1, -(-len(used) // 24))
    axes.set_xticks(range(0, len(used), step), [str(used[i]) for i in range(0, len(used), step)])
    axes.set_xlabel("core", fontsize=SIZE)
    axes.set_ylabel("time at work (%)", fontsize=SIZE)
    axes.legend(fontsize=SMALL_SIZE, frameon=False)
    return save(figure, path)


def work_done(result: Result) -> dict[str, float]:
    """Synaptic events (pooling apart) and weight words that were fetched, over all samples."""
    totals = result.activity.totals()
    events = sum(n for action, n in totals.items() if action.startswith(("accumulate_", "multiply_accumulate")))
    return {"events": float(events), "words": float(totals.get("synapse_read_word", 0))}


def roofline(results: Sequence[Result], path: Path) -> Path | None:
    """Synaptic events a second against synaptic events a fetched word, with the limits of the chip (`roof`).

    Results of one chip in one figure. None where the chip has no such limits or no word was fetched.
    """
    shown = [(r, work_done(r)) for r in results if r.roof and work_done(r)["words"] and work_done(r)["events"]]
    if not shown:
        return None
    first = shown[0][0]
    roof, used = first.roof, int(first.fit.get("cores_used", first.roof["cores"]))
    points = [(w["events"] / w["words"], w["events"] / r.seconds) for r, w in shown]
    said = [
        "Lines: lanes and memory ports of all cores working all the time",
        f"(dashed: of the {used} cores in use)." if used < roof["cores"] else "(all cores are in use).",
        "Points: what the run reached, over its whole time, updates, network and barriers included.",
        f"Percent: of the limit above a point. A word is {roof['word_bits']} bits.",
        *(result_caption(first, constants=False) if len(shown) == 1 else [f"Chip {first.chip}."]),
    ]
    title = f"Roofline of {first.chip}"
    figure = paper_figure(2.5, title, said, COLUMN_INCHES)
    axes = house_axes(figure.subplots())
    ridge = roof["events_per_s"] / roof["words_per_s"]
    ends = [min(ridge, *(x for x, _ in points)) / 4, max(ridge, *(x for x, _ in points)) * 4]
    xs = np.geomspace(ends[0], ends[1], 200)
    for share, style in ((1.0, "-"), (used / roof["cores"], "--"))[: 2 if used < roof["cores"] else 1]:
        ys = np.minimum(xs * roof["words_per_s"], roof["events_per_s"]) * share
        axes.plot(xs, ys, color="#444444", linewidth=1.1, linestyle=style)
    for i, ((r, _), (x, y)) in enumerate(zip(shown, points, strict=True)):
        axes.plot(x, y, "o", color=PALETTE[i % 6], markersize=5, label=plain(r.workload, 28))
        axes.annotate(
            f"{100 * y / min(x * roof['words_per_s'], roof['events_per_s']):.2g} %", (x, y), (5, -2),
            textcoords="offset points", fontsize=SMALL_SIZE, va="top",
        )  # fmt: skip
    from matplotlib.ticker import LogLocator, NullFormatter

    for axis, set_scale in ((axes.xaxis, axes.set_xscale), (axes.yaxis, axes.set_yscale)):
        set_scale("log")
        axis.set_major_locator(LogLocator(base=10, numticks=8))
        axis.set_minor_formatter(NullFormatter())
    axes.set_ylim(min(roof["events_per_s"], *(y for _, y in points)) / 20, 8 * roof["events_per_s"])
    axes.set_xlabel("synaptic events a word fetched", fontsize=SIZE)
    axes.set_ylabel("synaptic events a second", fontsize=SIZE)
    axes.grid(alpha=0.25, linewidth=0.5)
    axes.legend(fontsize=SMALL_SIZE - 0.5, frameon=False, loc="upper left")
    return save(figure, path)
