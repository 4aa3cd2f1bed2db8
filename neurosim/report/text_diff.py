"""Two results term by term, as a terminal shows them."""

from __future__ import annotations

from rich.console import Group
from rich.text import Text

from neurosim import units
from neurosim.report.text import new_table
from neurosim.study.diff import Difference, Term
from neurosim.study.diff_html import number, signed


def diff_text(d: Difference, top: int = 25) -> Group:
    """Totals, the largest terms, the other figures that differ, what was given otherwise."""
    parts = [_head(d), Text(), _terms(d, top)]
    changed = [v for v in d.values if v.a != v.b]
    if changed:
        made = new_table(
            "Figures that differ", ("figure", "left"), ("A", "right"), ("B", "right"), ("change", "right")
        )  # fmt: skip
        for v in changed:
            made.add_row(v.what, number(v.a), number(v.b), "" if v.change is None else f"{100 * v.change:+.1f} %")
        parts += [Text(), made]
    equal = len(d.values) - len(changed)
    if equal:
        parts.append(Text(f"{equal} figures are equal", style="dim"))
    if d.parameters:
        made = new_table("Given otherwise", ("what", "left"), ("A", "left"), ("B", "left"))
        for name, a, b in d.parameters:
            made.add_row(Text(name), Text(_short(a)), Text(_short(b)))
        parts += [Text(), made]
    return Group(*parts)


def _head(d: Difference) -> Text:
    change = d.b_pj - d.a_pj
    share = f" ({100 * change / d.a_pj:+.1f} %)" if d.a_pj else ""
    lines = [
        f"A  {d.a.workload} on {d.a.chip}: {units.energy(d.a_pj)} a sample",
        f"B  {d.b.workload} on {d.b.chip}: {units.energy(d.b_pj)} a sample",
        f"B - A  {signed(change)}{share}: {signed(d.count_pj)} from counts, {signed(d.constant_pj)} from constants",
        *d.notes,
    ]
    text = Text("\n".join(lines))
    text.stylize("bold", 0, len(lines[0]) + len(lines[1]) + 1)
    return text


def _terms(d: Difference, top: int) -> Group:
    made = new_table(
        "Energy, a sample", *((name, "left") for name in d.by), ("count A", "right"), ("count B", "right"),
        ("constant A", "right"), ("constant B", "right"), ("B - A", "right"), ("of counts", "right"),
        ("of constants", "right"), ("share", "right"),
    )  # fmt: skip
    moved = [term for term in d.terms if term.difference_pj]
    for term in moved[:top]:
        made.add_row(
            *(Text(name) for name in term.key), number(term.a_count), number(term.b_count), _price(term, "a"),
            _price(term, "b"), signed(term.difference_pj), signed(term.count_pj), signed(term.constant_pj),
            units.percent(d.share(term)),
        )  # fmt: skip
    rest = moved[top:]
    if rest:
        sums = [sum(getattr(t, name) for t in rest) for name in ("difference_pj", "count_pj", "constant_pj")]
        share = units.percent(sum(d.share(t) for t in rest))
        made.add_row(
            f"{len(rest)} more", *[""] * (len(d.by) - 1), "", "", "", "", *(signed(v) for v in sums), share
        )  # fmt: skip
    said = [f"{len(d.terms) - len(moved)} terms are equal", "share: of all differences, signs left out"]
    return Group(made, Text("; ".join([*said, "--top shows more"] if rest else said), style="dim"))


def _price(term: Term, side: str) -> str:
    value = getattr(term, f"{side}_price_pj")
    return "-" if value is None else f"{value:.4g} pJ"


def _short(value: object) -> str:
    text = "-" if value is None else str(value)
    return text if len(text) <= 60 else f"{text[:24]}..."
