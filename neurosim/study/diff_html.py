"""A difference of two results as a notebook shows it."""

from __future__ import annotations

from html import escape

from neurosim import units
from neurosim.result_html import html_table
from neurosim.svg import bars

_SHOWN = 20


def diff_html(d) -> str:
    """One HTML fragment: the totals, the largest terms, what was measured otherwise, what was given otherwise."""
    sides = [escape(f"{r.workload} on {r.chip}") for r in (d.a, d.b)]
    terms = [
        (
            *term.key, f"{term.a_count:,.4g}", f"{term.b_count:,.4g}", signed(term.difference_pj),
            signed(term.count_pj), signed(term.constant_pj), units.percent(d.share(term)),
        )
        for term in d.terms[:_SHOWN]
    ]  # fmt: skip
    header = (*d.by, "count A", "count B", "B - A", "of counts", "of constants", "share")
    moved = [t for t in d.terms if t.difference_pj][:10]
    picture = bars([(", ".join(t.key), abs(t.difference_pj), signed(t.difference_pj)) for t in moved])
    values = [(v.what, number(v.a), number(v.b)) for v in d.values if v.a != v.b]
    parameters = [(name, str(a), str(b)) for name, a, b in d.parameters]
    head = (
        f"<p>A: {sides[0]}, {units.energy(d.a_pj)} a sample; B: {sides[1]}, {units.energy(d.b_pj)}. "
        f"B - A: {signed(d.b_pj - d.a_pj)}, of counts {signed(d.count_pj)}, of constants {signed(d.constant_pj)}.</p>"
    )
    notes = "".join(f"<p>{escape(note)}</p>" for note in d.notes)
    tables = (
        html_table(terms, header), html_table(values, ("figure", "A", "B")), html_table(parameters, ("given", "A", "B"))
    )  # fmt: skip
    return f"<div><h4>What differs, a sample</h4>{head}{notes}{picture}{''.join(tables)}</div>"


def signed(pj: float) -> str:
    """Energy with its sign, also a plus."""
    return f"{'+' if pj > 0 else ''}{units.energy(pj)}" if pj else "0 pJ"


def number(value: float | None) -> str:
    """Four digits; a dash where nothing is known."""
    return "-" if value is None else f"{value:,.4g}" if abs(value) < 1e4 else f"{value:,.0f}"
