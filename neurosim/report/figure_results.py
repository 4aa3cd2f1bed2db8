"""Several results side by side: energy and memory as stacked bars; one result's memory by what it holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.energy.table import LEAKAGE
from neurosim.report.figure_energy import ROW_INCHES, result_caption
from neurosim.report.figure_style import SIZE, SMALL_SIZE, digits, house_axes, paper_figure, plain, save, unit_for
from neurosim.report.figures import LEAKAGE_COLOUR, OTHER_COLOUR, PALETTE, component_bars
from neurosim.report.figures_stacked import Part, stacked
from neurosim.result import Result
from neurosim.study.bits import GROUPS, WHAT, group_of, grouped_bits
from neurosim.study.sources import named_sources
from neurosim.study.table import energy_band

GROUP_COLOURS = dict(zip(GROUPS, (*PALETTE[:3], LEAKAGE_COLOUR, *PALETTE[3:5], OTHER_COLOUR), strict=True))
MAX_ROWS = 16


def labels_of(results: Sequence[Result]) -> list[str]:
    """A name for each: the network, with the chip where chips differ, with a number where that is not enough."""
    chips = len({r.chip for r in results}) > 1
    names = [f"{r.workload}, {r.chip}" if chips else r.workload for r in results]
    return [f"{name} ({i + 1})" if names.count(name) > 1 else name for i, name in enumerate(names)]


def energies(results: Sequence[Result], path: Path) -> Path:
    """Energy a sample by component, a bar a result, with the band of the constants."""
    parts: list[Part] = []
    for name, members, colour in component_bars(results):
        values = [
            sum(pj for part, pj in r.energy.by_component().items() if part in members) / r.samples for r in results
        ]
        if any(values) or name == LEAKAGE:
            parts.append((name.replace("_", " "), colour, values))
    said = [
        "Whiskers: all constants at the low or at the high end of their bands, corners and not a likelihood.",
        f"Constants: {', '.join(named_sources(r.energy for r in results))}.",
        *_samples(results),
    ]
    return stacked(
        labels_of(results), parts, [energy_band(r) for r in results], "energy", "energy a sample",
        "Energy by component", said, path,
    )  # fmt: skip


def memories(results: Sequence[Result], path: Path) -> Path:
    """Used bits by what they are for, a bar a result."""
    found = [grouped_bits(r.footprint_lines) for r in results]
    used = [group for group in GROUPS if any(bits[group] for bits in found)]
    parts = [(group, GROUP_COLOURS[group], [float(bits[group]) for bits in found]) for group in used]
    said = [f"{group}: {WHAT[group]};" for group in used]
    said[-1] = f"{said[-1][:-1]}. Bits in use, of all cores."
    return stacked(
        labels_of(results), parts, [None] * len(results), "footprint", "memory used", "Memory by what it holds", said,
        path,
    )  # fmt: skip


def _samples(results: Sequence[Result]) -> list[str]:
    counts = sorted({(r.samples, r.timesteps) for r in results})
    if len(counts) == 1:
        return [f"Means of {counts[0][0]} samples of {counts[0][1]} timesteps."]
    return ["The runs had different numbers of samples or timesteps (the table says which)."]


def footprint_figure(result: Result, path: Path) -> Path:
    """Used bits by memory, with what the chip provides, and by layer or connection; stacked by what they are for."""
    by_memory: dict[str, dict[str, int]] = {}
    by_part: dict[str, dict[str, int]] = {}
    for line in result.footprint_lines:
        group = group_of(line)
        for rows, key in ((by_memory, line["memory"]), (by_part, line["part"] or "(shared)")):
            row = rows.setdefault(key, {})
            row[group] = row.get(group, 0) + int(line["used_bits"])
    layers = sorted(by_part.items(), key=lambda item: (-sum(item[1].values()), item[0]))[:MAX_ROWS]
    scale, unit = unit_for([float(max(sum(row.values()) for row in by_memory.values()))], "footprint")
    used = {group for row in by_memory.values() for group in row}
    said = [f"{group}: {WHAT[group]};" for group in GROUPS if group in used]
    said[-1] = f"{said[-1][:-1]}."
    if len(by_part) > len(layers):
        said.append(f"{len(by_part) - len(layers)} smaller parts are not drawn.")
    title = f"What is stored: {result.workload} on {result.chip}"
    said += ["Percent: of what all cores provide.", *result_caption(result, constants=False)]
    figure = paper_figure(1.15 + 1.1 * ROW_INCHES * (len(by_memory) + len(layers)), title, said)
    top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=[max(2, len(by_memory)), max(2, len(layers))])
    memories_sorted = sorted(by_memory.items(), key=lambda item: (-sum(item[1].values()), item[0]))
    _rows(top, [(name, row, _of_all(result, name)) for name, row in memories_sorted], scale, "memory")
    _rows(bottom, [(name, row, "") for name, row in layers], scale, "layer, connection")
    bottom.set_xlabel(f"memory used ({unit})", fontsize=SIZE)
    bottom.set_xlim(0, max(sum(row.values()) for row in by_memory.values()) / scale * 1.25)
    from matplotlib.patches import Patch

    handles = [Patch(color=GROUP_COLOURS[g], label=g) for g in GROUPS if g in used]
    figure.legend(handles=handles, fontsize=SMALL_SIZE, frameon=False, loc="outside right upper")
    return save(figure, path)


def _of_all(result: Result, memory: str) -> str:
    """Share of the memory that the chip has."""
    sizes = result.footprint.get(memory, {})
    provided = sizes.get("provisioned_bits")
    return f" ({100 * sizes['used_bits'] / provided:.2g} %)" if provided else ""


def _rows(axes, rows: Sequence[tuple[str, dict[str, int], str]], scale: float, what: str) -> None:
    house_axes(axes)
    for i, (_, row, note) in enumerate(rows):
        left = 0.0
        for group in GROUPS:
            width = row.get(group, 0) / scale
            axes.barh(i, width, left=left, height=0.7, color=GROUP_COLOURS[group], edgecolor="white", linewidth=0.3)
            left += width
        axes.text(left, i, f" {digits(left)}{note}", va="center", fontsize=SMALL_SIZE)
    axes.set_yticks(range(len(rows)), [plain(name.replace("_", " ")) for name, _, _ in rows], fontsize=SMALL_SIZE)
    axes.set_ylim(len(rows) - 0.4, -0.6)
    axes.set_title(f"by {what}", loc="left", fontsize=SMALL_SIZE, pad=2)
