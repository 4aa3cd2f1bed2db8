"""A comparison as a terminal shows it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.report.text import new_table
from neurosim.study.compare import Comparison
from neurosim.study.proxy import MAC_AC, PROXY, WIDTH_AWARE, Saving, extremes, savings
from neurosim.study.table import caption, plain_rows
from neurosim.study.waterfall import Waterfall


def shown(name: str) -> Text:
    """A name without markup and control characters."""
    return Text("".join(c if c.isprintable() else "?" for c in name))


def compare_text(comparison: Comparison) -> RenderableType:
    """The table, the savings beside the formulas, the waterfalls, what did not run, and the caption."""
    rows = plain_rows(comparison)
    parts: list[RenderableType] = [_table([row for row in rows if row["reason"] is None])]
    found = savings(comparison.results)
    if found:
        parts += [Text(), _savings(found), *(shown(line) for line in saving_lines(found))]
    for fall in comparison.waterfalls:
        parts += [Text(), _waterfall(fall)]
    missing = [row for row in rows if row["reason"] is not None]
    if missing:
        parts.append(Text())
    parts += [Text.assemble(("not run  ", "yellow"), shown(f"{row['name']}: {row['reason']}")) for row in missing]
    return Group(*parts, Text(), *(Text(shown(line).plain, style="dim") for line in caption(comparison)))


def _table(rows: list[dict[str, Any]]):
    table = new_table(
        "A sample; * no other is at least as accurate and as good in this column", ("workload", "left"),
        ("accuracy", "right"), ("bits a weight", "right"), ("energy", "right"), ("low to high", "right"),
        ("latency", "right"), ("memory", "right"),
    )  # fmt: skip
    for row in rows:
        low, high = row["energy_low_pj_per_sample"], row["energy_high_pj_per_sample"]
        energy, memory, latency = ("" if not row[f"on_{q}_front"] else " *" for q in ("energy", "footprint", "latency"))
        table.add_row(
            shown(row["name"]),
            "" if row["accuracy"] is None else units.percent(row["accuracy"]),
            "" if row["weight_bits_mean"] is None else f"{row['weight_bits_mean']:.3g}",
            units.energy(row["energy_pj_per_sample"]) + energy,
            "no band" if low is None else f"{units.energy(low)} to {units.energy(high)}",
            units.time(row["latency_s_per_sample"]) + latency,
            "" if row["footprint_bits"] is None else units.bits(row["footprint_bits"]) + memory,
        )
    return table


def ratio(value: float | None) -> str:
    """How many times, with two decimals below ten; nothing for None."""
    if value is None:
        return ""
    return f"{value:.2f}" if value < 10 else f"{value:.3g}"


def _savings(found: list[Saving]):
    table = new_table(
        "Energy of the widest of the same populations / energy of this one", ("workload", "left"), ("widest", "left"),
        ("chip", "right"), ("proxy, 0.9 pJ AC", "right"), ("proxy, MAC then AC", "right"), ("NS-ACE", "right"),
    )  # fmt: skip
    for s in found:
        claimed = (s.claimed.get(name) for name in (PROXY, MAC_AC, WIDTH_AWARE))
        table.add_row(shown(s.name), shown(s.reference), ratio(s.chip), *(ratio(value) for value in claimed))
    return table


def saving_lines(found: list[Saving]) -> list[str]:
    """One line a family: its widest against its narrowest network, chip beside proxy."""
    lines = []
    for s in extremes(found):
        if s.reference_bits == s.weight_bits:
            continue
        wide = "float" if s.reference_bits == 32 else f"{s.reference_bits:.3g}-bit"
        narrow = f"{s.weight_bits:.3g} bit{'' if s.weight_bits == 1 else 's'}"
        proxy = s.claimed.get(PROXY, s.claimed.get(MAC_AC))
        said = "the proxy formula cannot be given" if proxy is None else f"{ratio(proxy)} by the proxy formula"
        lines.append(
            f"{wide} to {narrow}, energy of {s.reference} / energy of {s.name}: {ratio(s.chip)} on the chip, {said}"
        )
    return lines


def _waterfall(fall: Waterfall) -> RenderableType:
    if fall.reason is not None:
        return shown(f"no waterfall from {fall.start} to {fall.end}: {fall.reason}")
    table = new_table(f"From {fall.start} to {fall.end}, a sample", ("change", "left"), ("energy", "right"),
                      ("of the first", "right"), ("most of it in", "left"))  # fmt: skip
    table.title = shown(f"From {fall.start} to {fall.end}, a sample")
    table.title.stylize("bold")
    table.add_row(shown(fall.start), units.energy(fall.start_pj), "", "")
    for (name, pj), (_, parts) in zip(fall.steps, fall.by_component, strict=True):
        most = [f"{part} {units.energy(change)}" for part, change in list(parts.items())[:2] if change]
        table.add_row(name, units.energy(pj), f"{100 * pj / fall.start_pj:+.1f} %", ", ".join(most))
    table.add_row(shown(fall.end), units.energy(fall.end_pj), f"{100 * fall.end_pj / fall.start_pj:.1f} %", "")
    return table
