"""Figures of results. Units on every axis, a colour-blind-safe palette, and what the bars add up to in the caption."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.energy.table import LEAKAGE
from neurosim.files import replacing
from neurosim.result import Result

# Okabe and Ito's palette, readable with the common colour-vision deficiencies; leakage is always grey.
PALETTE = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
LEAKAGE_COLOUR = "#BBBBBB"
OTHER_COLOUR = "#666666"
SMALL = 0.02


def energy_by_component(results: Sequence[Result], path: Path, title: str) -> Path:
    """Stacked bars of energy a sample, nanojoules, one bar a result; writes a PNG to ``path``."""
    from matplotlib.figure import Figure

    shares: dict[str, float] = {}
    for result in results:
        for name, pj in result.energy.by_component().items():
            shares[name] = max(shares.get(name, 0.0), pj / result.energy_pj)
    ranked = sorted((n for n in shares if n != LEAKAGE), key=lambda n: (-shares[n], n))
    named = [n for n in ranked if shares[n] >= SMALL][: len(PALETTE)]
    figure = Figure(figsize=(8.0, 1.7 + 0.5 * len(results)), layout="constrained", dpi=144)
    axes = figure.subplots()
    labels = [f"{r.workload}\n{r.chip}" for r in results]
    bars = [(n, {n}, PALETTE[i]) for i, n in enumerate(named)]
    bars += [("other", set(ranked) - set(named), OTHER_COLOUR), (LEAKAGE, {LEAKAGE}, LEAKAGE_COLOUR)]
    left = [0.0] * len(results)
    for name, parts, colour in bars:
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
