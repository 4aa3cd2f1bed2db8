"""Figures of results. Units on every axis, a colour-blind-safe palette, and what the bars add up to in the caption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.files import replacing
from neurosim.result import Result

# Okabe and Ito's palette, readable with the common colour-vision deficiencies; leakage is always grey.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
LEAKAGE_COLOUR = "#BBBBBB"


def energy_by_component(results: Sequence[Result], path: Path, title: str) -> Path:
    """Stacked bars of energy a sample, nanojoules, one bar a result; writes a PNG to ``path``."""
    from matplotlib.figure import Figure

    totals: dict[str, float] = {}
    for result in results:
        for name, pj in result.energy.by_component().items():
            totals[name] = totals.get(name, 0.0) + pj / result.energy_pj
    leakage = "leakage"
    components = [name for name in sorted(totals, key=totals.get, reverse=True) if name != leakage and totals[name]]
    figure = Figure(figsize=(8.0, 0.9 + 0.62 * len(results)), layout="constrained", dpi=144)
    axes = figure.subplots()
    labels = [f"{r.workload}\n{r.chip}" for r in results]
    left = [0.0] * len(results)
    for i, name in enumerate([*components, leakage]):
        widths = [r.energy.by_component().get(name, 0.0) / r.samples / 1e3 for r in results]
        colour = LEAKAGE_COLOUR if name == leakage else PALETTE[i % len(PALETTE)]
        axes.barh(labels, widths, left=left, color=colour, label=name.replace("_", " "), height=0.66)
        left = [a + b for a, b in zip(left, widths, strict=True)]
    for row, total in enumerate(left):
        axes.text(total, row, f" {total:,.0f} nJ", va="center", fontsize=9)
    axes.set_xlim(0, max(left) * 1.14)
    axes.set_xlabel("energy a sample (nJ)")
    axes.set_title(title, loc="left", fontsize=10)
    axes.invert_yaxis()
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(
        fontsize=8, ncols=3, loc="upper center", bbox_to_anchor=(0.42, -0.32 / (0.45 * len(results))), frameon=False
    )
    with replacing(Path(path)) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    return Path(path)
