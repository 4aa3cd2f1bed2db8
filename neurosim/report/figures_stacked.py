"""Where the energy and the bits go, and the way from one network to another: stacked bars and waterfalls."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.energy.table import LEAKAGE
from neurosim.report.figure_style import SIZE, SMALL_SIZE, digits, new_figure, plain, save, unit_for
from neurosim.report.figures import LEAKAGE_COLOUR, OTHER_COLOUR, PALETTE, component_bars
from neurosim.study.bits import GROUPS, WHAT, grouped_bits
from neurosim.study.compare import Comparison
from neurosim.study.table import caption, energy_band
from neurosim.study.waterfall import FIRING, Waterfall
from neurosim.study.waterfall import WHAT as STEP

Part = tuple[str, str, list[float]]
LESS, MORE = "#009E73", "#D55E00"


def stacked(
    labels: Sequence[str],
    parts: Sequence[Part],
    bands: Sequence[tuple[float, float] | None],
    quantity: str,
    axis: str,
    title: str,
    said: Sequence[str],
    path: Path,
) -> Path:
    """Horizontal stacked bars, the first on top; ``parts`` are (name, colour, a value a bar), ``bands`` whiskers."""
    totals = [sum(values) for values in zip(*(v for _, _, v in parts), strict=True)]
    scale, unit = unit_for(totals, quantity)
    figure, axes = new_figure(1.25 + 0.27 * len(labels), title, said)
    left = [0.0] * len(labels)
    places = range(len(labels))
    for name, colour, values in parts:
        widths = [v / scale for v in values]
        hatch = "////" if colour == "white" else None
        edge = "#666666" if colour == "white" else "white"
        axes.barh(places, widths, left=left, color=colour, label=name, height=0.66, hatch=hatch, edgecolor=edge, lw=0.3)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    ends = list(left)
    for row, band in enumerate(bands):
        if band is not None:
            low, high = (end / scale for end in band)
            whisker = [[max(0.0, left[row] - low)], [max(0.0, high - left[row])]]
            axes.errorbar(left[row], row, xerr=whisker, fmt="none", ecolor="#333333", elinewidth=0.8, capsize=2)
            ends[row] = max(high, left[row])
    for row, total in enumerate(left):
        axes.text(ends[row], row, f"  {digits(total)} {unit}", va="center", fontsize=SMALL_SIZE)
    axes.set_xlim(0, max(ends) * 1.15)
    axes.set_yticks(places, [plain(label) for label in labels], fontsize=SMALL_SIZE)
    axes.set_xlabel(f"{axis} ({unit})", fontsize=SIZE)
    axes.invert_yaxis()
    figure.legend(fontsize=SMALL_SIZE, ncols=1, loc="outside right upper", frameon=False)
    return save(figure, path)


def energy_stacked(comparison: Comparison, path: Path) -> Path:
    """Energy a sample by component, leakage apart, with the band of the constants; ANN twins hatched."""
    results, twins = comparison.results, comparison.twins
    parts: list[Part] = []
    for name, members, colour in component_bars(results):
        shares = [sum(pj for part, pj in r.energy.by_component().items() if part in members) for r in results]
        values = [pj / r.samples for pj, r in zip(shares, results, strict=True)] + [0.0] * len(twins)
        if any(values) or name == LEAKAGE:
            parts.append((name.replace("_", " "), colour, values))
    if twins:
        parts.append(("ANN twin, all of it", "white", [0.0] * len(results) + [t.energy_pj for t in twins]))
    bands = [energy_band(r) for r in results] + [t.band_pj for t in twins]
    said = ["Whiskers: all constants at the low or at the high end of their bands, corners and not a likelihood."]
    labels = [r.workload for r in results] + [t.name for t in twins]
    title = f"Energy by component, {comparison.chip.name}"
    return stacked(
        labels, parts, bands, "energy", "energy a sample", title, [*said, *caption(comparison)], path
    )  # fmt: skip


def bits_stacked(comparison: Comparison, path: Path) -> Path:
    """Used bits by what they are for."""
    results = comparison.results
    found = [grouped_bits(r.footprint_lines) for r in results]
    colours = dict(zip(GROUPS, (*PALETTE[:3], LEAKAGE_COLOUR, *PALETTE[3:5], OTHER_COLOUR), strict=True))
    used = [group for group in GROUPS if any(bits[group] for bits in found)]
    parts = [(group, colours[group], [float(bits[group]) for bits in found]) for group in used]
    said = [f"{group}: {WHAT[group]};" for group in used]
    said[-1] = f"{said[-1][:-1]}. Bits in use, of all cores; what the chip provides besides is not drawn."
    title = f"Memory by what it holds, {comparison.chip.name}"
    said += caption(comparison)[:1]
    return stacked(
        [r.workload for r in results], parts, [None] * len(results), "footprint", "memory used", title, said, path
    )  # fmt: skip


def waterfall_figure(comparison: Comparison, fall: Waterfall, path: Path) -> Path | None:
    """Energy of one network, what each change adds or takes, energy of the other; None where it has no steps."""
    if not fall.steps:
        return None
    scale, unit = unit_for([fall.start_pj, fall.end_pj], "energy")
    said = [f"{name}: {STEP[name]};" for name, _ in fall.steps]
    said.append("one change after the other in this order; another order shares the difference out otherwise.")
    title = f"From {fall.start} to {fall.end} on {comparison.chip.name}"
    figure, axes = new_figure(3.2, title, [*said, *caption(comparison, twins=False)])
    level = fall.start_pj / scale
    top = max(fall.start_pj, fall.end_pj) / scale
    for x, pj in enumerate([None, *(pj for _, pj in fall.steps), None]):
        if pj is None:
            height = (fall.start_pj if x == 0 else fall.end_pj) / scale
            axes.bar(x, height, width=0.6, color="#999999")
            axes.text(x, height, f"{digits(height)} {unit}", ha="center", va="bottom", fontsize=SMALL_SIZE)
            continue
        step = pj / scale
        axes.bar(x, step, bottom=level, width=0.6, color=MORE if step > 0 else LESS)
        text = f"{'+' if pj > 0 else ''}{digits(step)} {unit}\n{100 * pj / fall.start_pj:+.1f} %" if pj else "no change"
        axes.text(x, max(level, level + step), text, ha="center", va="bottom", fontsize=SMALL_SIZE)
        axes.plot([x - 1 + 0.3, x + 0.3], [level, level], color="#555555", linewidth=0.6)
        level += step
        top = max(top, level)
    last = len(fall.steps)
    axes.plot([last - 0.3, last + 1.3], [level, level], color="#555555", linewidth=0.6)
    names = [plain(fall.start), *(_step_label(name) for name, _ in fall.steps), plain(fall.end)]
    axes.set_xticks(range(len(names)), names, fontsize=SMALL_SIZE)
    axes.set_ylim(0, top * 1.18)
    axes.set_ylabel(f"energy a sample ({unit})", fontsize=SIZE)
    return save(figure, path)


def _step_label(name: str) -> str:
    return "firing\nchange" if name == FIRING else name
