"""The footprint as stacked bars: layers, cores beside how full their memories are, and weights in each layout."""

from __future__ import annotations

from pathlib import Path

from neurosim.files import replacing
from neurosim.mapping.footprint import KINDS, Footprint, kind_of
from neurosim.mapping.mapping import MemoryUse
from neurosim.mapping.where import FITS, Trial
from neurosim.report.figures import PALETTE

COLOURS = dict(zip(KINDS, (*PALETTE[:6], "#8C6D31", PALETTE[6], "#000000", "#D9D9D9"), strict=True))
KIB = 8 * 1024


def draw_footprint(f: Footprint, tried: list[Trial], path: Path) -> Path:
    """Writes a PNG to ``path``: bits by layer, bits by core, what is used of what is there, weights by layout."""
    from matplotlib.figure import Figure

    layers, cores = f.table("layer"), f.table("core")
    layouts = [t for t in tried if t.chip == f.chip.name and t.weight_bits is None and t.synaptic_bits]
    heights = [0.42 * len(layers) + 0.7, 2.3] + ([0.42 * len(layouts) + 0.7] if len(layouts) > 1 else [])
    figure = Figure(figsize=(9.0, sum(heights) + 1.5), layout="constrained", dpi=144)
    rows = ["ll", "cm", "ww"][: len(heights)]
    panels = figure.subplot_mosaic("\n".join(rows), height_ratios=heights, width_ratios=[3, 2])
    _across(panels["l"], list(layers), list(layers.values()), [""] * len(layers))
    panels["l"].set_title("by layer", loc="left", fontsize=10)
    _cores(panels["c"], cores)
    _memories(panels["m"], f)
    if len(layouts) > 1:
        bits = [by_kind(t.synaptic_bits) for t in layouts]
        notes = [
            f", {t.cores} core{'s' * (t.cores != 1)}" + ("" if t.verdict == FITS else ": too many") for t in layouts
        ]
        _across(panels["w"], [t.layout.replace("_", " ") for t in layouts], bits, notes)
        panels["w"].set_title("synaptic memory of all cores, by layout", loc="left", fontsize=10)
    used = {kind for row in (*layers.values(), *map(dict, (by_kind(t.synaptic_bits) for t in layouts))) for kind in row}
    figure.legend(
        handles=[_patch(kind) for kind in KINDS if kind in used], fontsize=8, ncols=5, loc="outside lower center",
        frameon=False,
    )  # fmt: skip
    figure.suptitle(f"{f.network.name} on {f.chip.name}: what is stored", x=0.01, ha="left", fontsize=11)
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return Path(path)


def by_kind(contents: dict[str, int]) -> dict[str, int]:
    """Bits by kind, from bits by content of a synaptic memory."""
    row: dict[str, int] = {}
    for content, bits in contents.items():
        kind = kind_of(MemoryUse(-1, "synaptic_memory", content, "", bits))
        row[kind] = row.get(kind, 0) + bits
    return row


def _across(axes, names: list[str], rows: list[dict[str, int]], notes: list[str]) -> None:
    """Horizontal stacked bars, the total behind each."""
    left = [0.0] * len(rows)
    for kind in KINDS:
        widths = [row.get(kind, 0) / KIB for row in rows]
        if any(widths):
            axes.barh(names, widths, left=left, height=0.68, **_style(kind))
            left = [a + b for a, b in zip(left, widths, strict=True)]
    for i, (total, note) in enumerate(zip(left, notes, strict=True)):
        axes.text(total, i, f" {_kib(total)} KiB{note}", va="center", fontsize=8)
    axes.set_xlim(0, (max(left, default=0) or 1) * 1.22)
    axes.invert_yaxis()
    axes.set_xlabel("KiB", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _cores(axes, cores: dict) -> None:
    """Upright stacked bars, one a core in use."""
    numbers = [core for core in cores if core != -1]
    places = list(range(len(numbers)))
    bottom = [0.0] * len(numbers)
    for kind in KINDS:
        heights = [cores[core].get(kind, 0) / KIB for core in numbers]
        if any(heights):
            axes.bar(places, heights, bottom=bottom, width=0.72, **_style(kind))
            bottom = [a + b for a, b in zip(bottom, heights, strict=True)]
    most = max(bottom, default=0) or 1
    for place, total in zip(places, bottom, strict=True):
        if len(places) <= 12:
            axes.text(place, total + 0.015 * most, _kib(total), ha="center", va="bottom", fontsize=8)
    axes.set_title("by core", loc="left", fontsize=10)
    step = max(1, -(-len(places) // 16))
    axes.set_xticks(places[::step], [str(numbers[i]) for i in places[::step]])
    axes.set_ylim(0, most * 1.12)
    axes.set_xlim(-0.6, max(len(places), 3) - 0.4)
    axes.set_xlabel("core", fontsize=8)
    axes.set_ylabel("KiB", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _memories(axes, f: Footprint) -> None:
    """How full the memories with a limit are: the fullest core, and all cores of the chip together (a tick)."""
    rows = []
    for name, sizes in f.by_memory.items():
        if f.provisioned.get(name) and sizes["provisioned_bits"]:
            fullest = 100 * f.fit["fullest_core_bits"].get(name, 0) / f.provisioned[name]
            rows.append((name.replace("_", " "), fullest, 100 * sizes["used_bits"] / sizes["provisioned_bits"]))
    axes.set_title("used of provisioned", loc="left", fontsize=10)
    axes.axvline(100, color="#777777", linewidth=0.8, linestyle=":")
    for i, (_, fullest, chip) in enumerate(rows):
        axes.barh(i, fullest, height=0.6, color="#D55E00" if fullest > 100 else "#777777")
        axes.plot([chip, chip], [i - 0.42, i + 0.42], color="black", linewidth=1.6)
        axes.text(max(fullest, chip), i, f" {fullest:.3g} %", va="center", fontsize=8)
    axes.set_yticks(range(len(rows)), [name for name, _, _ in rows])
    axes.set_xlim(0, 1.25 * max(100.0, *(max(row[1:]) for row in rows)))
    axes.invert_yaxis()
    axes.set_xlabel("%, bar: fullest core, tick: whole chip", fontsize=8)
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)


def _kib(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _style(kind: str) -> dict:
    waste = {"hatch": "////", "edgecolor": "#888888", "linewidth": 0.0} if kind == "padding" else {}
    return {"color": COLOURS[kind], **waste} if not waste else {"facecolor": COLOURS[kind], **waste}


def _patch(kind: str):
    from matplotlib.patches import Patch

    return Patch(label="waste (words not filled)" if kind == "padding" else kind, **_style(kind))
