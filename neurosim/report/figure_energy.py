"""Where one result's energy goes: by component, by layer, by memory; and which constant moves it most."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum
from pathlib import Path

from neurosim.energy.loading import COMPONENT as LOADING
from neurosim.energy.table import LEAKAGE, Leaf
from neurosim.report.figure_style import SIZE, SMALL_SIZE, digits, house_axes, paper_figure, plain, save, unit_for
from neurosim.report.figures import LEAKAGE_COLOUR, OTHER_COLOUR, PALETTE, component_bars
from neurosim.result import Result
from neurosim.study.sources import named_sources

MAX_PARTS = 14
MAX_CONSTANTS = 14
ROW_INCHES = 0.17
LOW, HIGH = PALETTE[0], PALETTE[5]
_READS, _WRITES = PALETTE[0], PALETTE[1]


def result_caption(result: Result, constants: bool = True) -> list[str]:
    """Network, chip, samples, and whose constants."""
    n = "1 sample" if result.samples == 1 else f"mean of {result.samples} samples"
    said = [f"{result.workload} on {result.chip}, {n} of {result.timesteps} timesteps."]
    named = named_sources([result.energy]) if constants else []
    return [*said, f"Constants: {', '.join(named)}."] if named else said


def _is_memory(component: str) -> bool:
    return component.endswith(("memory", "table", "buffer"))


def _shown(name: str) -> str:
    return plain(name.replace("_", " "))


def energy_breakdown(result: Result, path: Path, bars: Sequence[tuple[str, set[str], str]] | None = None) -> Path:
    """Energy a sample by component, by layer (coloured by component) and by memory (reads, writes, standing).

    ``bars``: `component_bars` of all results that share a page, so that a component has one colour everywhere.
    """
    bars = component_bars([result]) if bars is None else bars
    colours = {part: colour for _, members, colour in bars for part in members}
    parts = _by_layer(result)
    memories = [m for m, pj in result.energy.by("component").items() if _is_memory(m[0]) and pj]
    components = [(name, pj) for name, pj in result.energy.by_component().items() if pj]
    rows = [len(components), len(parts), len(memories)]
    scale, unit = unit_for([result.energy_pj / result.samples], "energy")
    said = [
        "Top: components, leakage apart. Middle: the same by layer or connection, in the components' colours. "
        "Bottom: memories of all cores.",
        *result_caption(result),
    ]
    title = f"Where the energy goes: {result.workload} on {result.chip}"
    figure = paper_figure(1.1 + ROW_INCHES * sum(rows), title, said)
    panels = figure.subplots(3 if memories else 2, 1, sharex=True, height_ratios=[max(2, n) for n in rows if n])
    per = scale * result.samples
    _bars(panels[0], [(n, [(pj / per, colours.get(n, OTHER_COLOUR))]) for n, pj in components], "component")
    _bars(
        panels[1],
        [(name, [(pj / per, colours.get(c, OTHER_COLOUR)) for c, pj in row.items()]) for name, row in parts],
        "layer, connection",
    )
    if memories:
        lines = [(name, _accesses(result, name, per)) for (name,) in memories]
        _bars(panels[2], lines, "memory")
        _access_legend(panels[2])
    widest = max(line.get_xlim()[1] for line in panels)
    panels[-1].set_xlim(0, widest * 1.1)
    panels[-1].set_xlabel(f"energy a sample ({unit})", fontsize=SIZE)
    return save(figure, path)


def _by_layer(result: Result) -> list[tuple[str, dict[str, float]]]:
    """(part, energy by component), largest first; what stands for the whole chip is one line, so are the small ones."""
    rows: dict[str, dict[str, list[float]]] = {}
    for leaf in result.energy.leaves:
        standing = leaf.place == "chip" and leaf.part == leaf.component
        # Loading names memories as its parts, which are no layers.
        name = "loading of weights" if leaf.component == LOADING else "whole chip, standing" if standing else leaf.part
        component = LEAKAGE if leaf.action == LEAKAGE else leaf.component
        rows.setdefault(name, {}).setdefault(component, []).append(leaf.energy_pj)
    sums = {name: {c: fsum(v) for c, v in row.items()} for name, row in rows.items()}
    ranked = sorted(sums.items(), key=lambda item: (-fsum(item[1].values()), item[0]))
    ranked = [(name, row) for name, row in ranked if any(row.values())]
    if len(ranked) <= MAX_PARTS:
        return ranked
    rest: dict[str, float] = {}
    for _, row in ranked[MAX_PARTS - 1 :]:
        for component, pj in row.items():
            rest[component] = rest.get(component, 0.0) + pj
    return [*ranked[: MAX_PARTS - 1], (f"{len(ranked) - MAX_PARTS + 1} smaller ones", rest)]


def _accesses(result: Result, component: str, per: float) -> list[tuple[float, str]]:
    """Reads, writes and what the memory draws anyway."""
    sums = {_READS: [], _WRITES: [], LEAKAGE_COLOUR: []}
    for leaf in result.energy.leaves:
        if leaf.component == component:
            sums[_access(leaf)].append(leaf.energy_pj)
    return [(fsum(values) / per, colour) for colour, values in sums.items()]


def _access(leaf: Leaf) -> str:
    if leaf.place == "chip" and leaf.part == leaf.component:
        return LEAKAGE_COLOUR
    return _WRITES if "write" in leaf.action else _READS


def _access_legend(axes) -> None:
    from matplotlib.patches import Patch

    named = ((_READS, "reads"), (_WRITES, "writes"), (LEAKAGE_COLOUR, "standing"))
    handles = [Patch(color=colour, label=label) for colour, label in named]
    axes.legend(handles=handles, fontsize=SMALL_SIZE, frameon=False, loc="lower right")


def _bars(axes, rows: Sequence[tuple[str, Sequence[tuple[float, str]]]], what: str) -> None:
    house_axes(axes)
    for i, (_, parts) in enumerate(rows):
        left = 0.0
        for width, colour in parts:
            axes.barh(i, width, left=left, height=0.72, color=colour, edgecolor="white", linewidth=0.3)
            left += width
        axes.text(left, i, f" {digits(left)}", va="center", fontsize=SMALL_SIZE)
    axes.set_yticks(range(len(rows)), [_shown(name) for name, _ in rows], fontsize=SMALL_SIZE)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(f"by {what}", loc="left", fontsize=SMALL_SIZE, pad=2)


def constants_of(result: Result) -> list[dict]:
    """Every constant that costs something, with what its band makes of the energy: component, action, price_pj, low
    and high price, count and energies a sample in pJ (energy, at low, at high), source; the widest reach first."""
    groups: dict[tuple, list[Leaf]] = {}
    for leaf in result.energy.leaves:
        key = (leaf.component, leaf.action, leaf.price_pj, leaf.low_price_pj, leaf.high_price_pj, leaf.source)
        groups.setdefault(key, []).append(leaf)
    rows = []
    for (component, action, price, low, high, source), leaves in groups.items():
        count = fsum(leaf.count for leaf in leaves) / result.samples
        if not count * price:
            continue
        ends = [fsum(leaf.band_pj[k] for leaf in leaves) / result.samples for k in (0, 1)]
        rows.append({
            "component": component, "action": action, "count": count, "price_pj": price, "low_price_pj": low,
            "high_price_pj": high, "energy_pj": count * price, "low_pj": ends[0], "high_pj": ends[1], "source": source,
        })  # fmt: skip
    return sorted(rows, key=lambda r: (r["low_pj"] - r["high_pj"], -r["energy_pj"], r["component"], r["action"]))


def tornado(result: Result, path: Path) -> Path | None:
    """How far the band of each constant alone moves the total; None where no constant has a band."""
    rows = [r for r in constants_of(result) if r["high_pj"] > r["low_pj"]][:MAX_CONSTANTS]
    if not rows:
        return None
    total = result.energy_pj / result.samples
    scale, unit = unit_for([total], "energy")
    without = 100 * (1 - result.energy.banded_share())
    said = [
        "Each bar: the total with one constant at the low and at the high end of the band its source gives, all others "
        "as they are.",
        f"{without:.1f} % of the energy has constants without a band." if without >= 0.05 else "",
        *result_caption(result),
    ]
    title = f"What each constant could change: {result.workload} on {result.chip}"
    figure = paper_figure(0.75 + 1.25 * ROW_INCHES * len(rows), title, [line for line in said if line])
    axes = house_axes(figure.subplots())
    for i, row in enumerate(rows):
        for end, colour in (("low", LOW), ("high", HIGH)):
            width = (row[f"{end}_pj"] - row["energy_pj"]) / scale
            axes.barh(i, width, left=total / scale, height=0.66, color=colour)
            # 1 % of the total is what a reader can still see.
            if abs(width) >= 0.01 * total / scale:
                share = f" {100 * width * scale / total:+.0f} % "
                side = "right" if width < 0 else "left"
                axes.text(total / scale + width, i, share, va="center", ha=side, fontsize=SMALL_SIZE)
    axes.axvline(total / scale, color="black", linewidth=0.8)
    labels = [f"{_shown(r['component'])}: {_shown(r['action'])}" for r in rows]
    axes.set_yticks(range(len(rows)), labels, fontsize=SMALL_SIZE)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.margins(x=0.12)
    axes.set_xlabel(f"energy a sample ({unit}); the line is {digits(total / scale)} {unit}", fontsize=SIZE)
    from matplotlib.patches import Patch

    ends = [Patch(color=LOW, label="low end"), Patch(color=HIGH, label="high end")]
    axes.legend(handles=ends, fontsize=SMALL_SIZE, frameon=False, loc="lower right")
    return save(figure, path)
