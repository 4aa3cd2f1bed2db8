"""A result as a notebook shows it: the summary and its tables, no network access, nothing executed."""

from __future__ import annotations

from html import escape

from neurosim import units
from neurosim.svg import bars


def html_table(rows: list[tuple[str, ...]], header: tuple[str, ...]) -> str:
    """Every cell escaped."""
    head = "".join(f"<th style='text-align:left'>{escape(name)}</th>" for name in header)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def result_html(r) -> str:
    """One HTML fragment for Jupyter's rich display of a `Result`."""
    accuracy = "no labels" if r.accuracy is None else units.percent(r.accuracy)
    summary = [
        ("accuracy", accuracy),
        ("latency a sample", units.time(r.latency_s)),
        ("energy a sample", units.energy(r.energy_pj / r.samples)),
        ("synaptic events a sample", units.count(r.synaptic_events["effective"] / r.samples)),
        ("cores used", str(r.fit.get("cores_used", ""))),
    ]
    energy = [(name, units.energy(pj), units.percent(pj / r.energy_pj)) for name, pj in r.energy.by_component().items()]
    spikes = [(name, units.count(n)) for name, n in r.spikes.items()]
    title = escape(f"{r.workload} on {r.chip}: {r.samples} samples x {r.timesteps} timesteps")
    drawn = [(name.replace("_", " "), pj / r.samples, units.energy(pj / r.samples)) for name, pj in
             r.energy.by_component().items() if pj]  # fmt: skip
    parts = (
        html_table(summary, ("quantity", "value")),
        bars(drawn),
        html_table(energy, ("component", "energy", "share")),
        html_table(spikes, ("layer", "spikes")),
    )
    return f"<div><h4>{title}</h4>{''.join(parts)}</div>"
