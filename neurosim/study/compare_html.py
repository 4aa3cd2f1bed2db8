"""A comparison as a notebook shows it: the table, accuracy against energy, energy as bars, the savings."""

from __future__ import annotations

from html import escape

from neurosim import units
from neurosim.result_html import html_table
from neurosim.study.proxy import PROXY, savings
from neurosim.study.table import caption, plain_rows
from neurosim.svg import bars, scatter


def comparison_html(made) -> str:
    """One HTML fragment for Jupyter's rich display of a `Comparison`; numbers in the picture are rows of the table."""
    rows = plain_rows(made)
    ran = [row for row in rows if row["reason"] is None]
    table = [
        (
            str(i + 1), row["name"], "" if row["accuracy"] is None else units.percent(row["accuracy"]),
            units.energy(row["energy_pj_per_sample"]), _band(row),
            units.time(row["latency_s_per_sample"]),
            "" if row["footprint_bits"] is None else units.bits(row["footprint_bits"]),
        )
        for i, row in enumerate(ran)
    ]  # fmt: skip
    header = ("", "workload", "accuracy", "energy a sample", "low to high", "latency", "memory")
    points = [(row["energy_pj_per_sample"] / 1e3, 100 * (row["accuracy"] or 0.0), row["name"]) for row in ran]
    labelled = all(row["accuracy"] is not None for row in ran)
    energies = [(r["name"], r["energy_pj_per_sample"], units.energy(r["energy_pj_per_sample"])) for r in ran]
    parts = [
        html_table(table, header),
        scatter(points, "energy a sample (nJ)", "accuracy (%)") if labelled else "",
        bars(energies),
    ]
    found = savings(made.results)
    if found:
        lines = [(s.name, s.reference, _ratio(s.chip), _ratio(s.claimed.get(PROXY))) for s in found]
        parts.append(html_table(lines, ("workload", "widest", "times less energy", "by 0.9 pJ a synaptic event")))
    parts += [f"<p>not run: {escape(row['name'])}: {escape(row['reason'])}</p>" for row in rows if row["reason"]]
    parts += [f"<p style='color:#555'>{escape(line)}</p>" for line in caption(made)]
    return f"<div><h4>{escape(made.chip.name)}: {escape(made.chip.title)}</h4>{''.join(parts)}</div>"


def _band(row: dict) -> str:
    low, high = row["energy_low_pj_per_sample"], row["energy_high_pj_per_sample"]
    return "no band" if low is None else f"{units.energy(low)} to {units.energy(high)}"


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
