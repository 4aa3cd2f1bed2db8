"""The crossover map as a terminal shows it: the rates from which reuse needs less, and the trained layers."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.report.text import new_table


def crossover_text(found: dict[str, Any]) -> RenderableType:
    """Ratios of decode over reuse by codewords, width and rate; then a line a trained layer."""
    head = Text(f"Decode or reuse the codewords of a 3 x 3 codebook convolution on {found['chip']}", style="bold")
    note = (
        f"Decode over reuse: above 1, reuse needs less. Cells: additions, energy. Spikes {found['spikes']}; "
        f"{found['in_channels']} input channels, {found['pixels']} x {found['pixels']} output pixels, "
        f"{found['timesteps']} timesteps."
    )
    return Group(head, Text(note, style="dim"), Text(), *_panels(found), *_points(found))


def _panels(found: dict[str, Any]) -> list[RenderableType]:
    tables = []
    for panel in found["panels"]:
        columns = [("output channels", "right"), *((f"{100 * r:g} %", "right") for r in found["rates"])]
        table = new_table(f"{panel['codewords']} codewords, by firing rate", *columns)
        for w, width in enumerate(found["widths"]):
            cells = []
            for r in range(len(found["rates"])):
                both = [panel["decode"][q][w][r] / panel["reuse"][q][w][r] for q in ("additions", "pj")]
                cells.append(" ".join(f"{value:.2f}" for value in both))
            table.add_row(str(width), *cells)
        tables += [table, Text()]
    return tables


def _points(found: dict[str, Any]) -> list[RenderableType]:
    if not found["points"]:
        return []
    columns = [("workload", "left"), ("layer", "left")]
    names = (
        "codewords",
        "channels",
        "rate",
        "windows hit",
        "if independent",
        "additions",
        "formula",
        "energy",
        "cycles",
    )
    columns += [(name, "right") for name in names]
    table = new_table("Trained layers, on their own spikes: windows hit by a spike, and decode over reuse", *columns)
    for p in found["points"]:
        shares = (units.percent(p[name]) for name in ("rate", "windows", "windows_independent"))
        additions, energy, cycles = (f"{p['decode'][q] / p['reuse'][q]:.2f}" for q in ("additions", "pj", "quanta"))
        name = p["workload"].removeprefix("mnist-conv-")
        table.add_row(
            name, p["layer"], str(p["codewords"]), str(p["width"]), *shares, additions, f"{p['formula']:.2f}", energy,
            cycles,
        )  # fmt: skip
    return [table]
