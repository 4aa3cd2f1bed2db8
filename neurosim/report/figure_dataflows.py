"""Membrane energy and all energy over the number of timesteps, a line a dataflow."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from neurosim.files import replacing
from neurosim.report.figure_style import DPI, SIZE, SMALL_SIZE, save
from neurosim.report.text_dataflows import title

COLOURS = {"step_outer": "#B2182B", "t_inner": "#2166AC", "history": "#1B7837"}
OTHERS = ("#E08214", "#C51B7D", "#8073AC", "#8C510A", "#35978F")
MARKERS = ("s", "^", "v", "D", "x")
PANELS = (("membranes_pj", "membrane memory"), ("total_pj", "the whole chip"))


def dataflows_figure(found: dict[str, Any], path: Path) -> Path:
    """Writes a PNG: energy a sample of the membrane memory (left; leakage included) and of the chip (right)."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator

    figure = Figure(figsize=(7.4, 3.5), layout="constrained", dpi=DPI)
    axes = figure.subplots(1, 2)
    lines: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in found["rows"]:
        lines.setdefault((row["dataflow"], row["network"]), []).append(row)
    others = iter(list(zip(OTHERS, MARKERS, strict=True)) * len(lines))
    for (flow, network), rows in lines.items():
        own = network == found["workload"]
        colour, marker = (COLOURS[flow], "o") if own else next(others)
        label = title(rows[0], found["workload"])
        style = {"color": colour, "marker": marker, "markersize": 4, "linewidth": 1.8 if own else 1.2,
                 "linestyle": "-" if own else "--"}  # fmt: skip
        for axis, (field, _) in zip(axes, PANELS, strict=True):
            axis.plot([r["timesteps"] for r in rows], [r[field] / 1000 for r in rows], label=label, **style)
    for axis, (_, heading) in zip(axes, PANELS, strict=True):
        axis.set_xscale("log", base=2)
        axis.set_yscale("log")
        axis.set_xticks(found["timesteps"], [str(t) for t in found["timesteps"]])
        axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.minorticks_off()
        axis.set_title(heading, fontsize=SIZE, loc="left")
        axis.set_xlabel("timesteps", fontsize=SIZE)
        axis.tick_params(labelsize=SMALL_SIZE)
        axis.grid(alpha=0.25, linewidth=0.5)
        axis.spines[["top", "right"]].set_visible(False)
        axis.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes[0].set_ylabel("energy a sample, nJ", fontsize=SIZE)
    figure.suptitle(f"What remembering costs on {found['chip']}", x=0.01, ha="left", fontsize=SIZE + 1)
    figure.legend(*axes[1].get_legend_handles_labels(), fontsize=SMALL_SIZE, ncols=3, loc="outside lower center",
                  frameon=False)  # fmt: skip
    return save(figure, Path(path))


def dataflows_csv(found: dict[str, Any], path: Path) -> Path:
    """The rows as they are, a column a field."""
    fields = [name for name in found["rows"][0] if name != "stored_because"]
    with replacing(Path(path)) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        out = csv.DictWriter(stream, fields, extrasaction="ignore")
        out.writeheader()
        out.writerows(found["rows"])
    return Path(path)
