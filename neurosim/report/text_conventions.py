"""The table of conventions as a terminal shows it."""

from __future__ import annotations

from collections.abc import Sequence
from math import fsum

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.energy.conventions.claim import PURPOSES
from neurosim.energy.conventions.compare import Compared
from neurosim.report.text import new_table

_NEGLIGIBLE = 0.005


def conventions_text(
    title: str, purposes: dict[str, float] | None, rows: Sequence[Compared], notes: Sequence[str] = ()
) -> RenderableType:
    """Chip beside claims, the ratio term by term, then what is counted in other units and what cannot be given."""
    parts: list[RenderableType] = [Text(title, style="bold"), Text()]
    if purposes is not None:
        parts += [_chip(purposes), Text()]
    parts.append(_claims(purposes, rows))
    counted = [row for row in rows if row.claim.given and row.claim.pj is None]
    if counted:
        parts += [Text(), _counted(counted)]
    for row in rows:
        if not row.claim.given:
            parts.append(Text(f"not given: {row.claim.convention.name}: {row.claim.reason}", style="dim"))
    parts += [Text(f"note: {note}", style="yellow") for note in notes]
    return Group(*parts)


def _chip(purposes: dict[str, float]):
    table = new_table("The chip, an inference", ("paid for", "left"), ("energy", "right"), ("share", "right"))
    total = fsum(purposes.values()) or 1.0
    for purpose, pj in purposes.items():
        table.add_row(purpose, units.energy(pj), units.percent(pj / total))
    table.add_row("total", units.energy(total), "", style="bold")
    return table


def _claims(purposes: dict[str, float] | None, rows: Sequence[Compared]):
    priced = [row for row in rows if row.claim.pj is not None]
    if purposes is None:
        table = new_table("Claims, an inference", ("convention", "left"), ("claim", "right"), ("what it is", "left"))
        for row in priced:
            table.add_row(row.claim.convention.name, units.energy(row.claim.pj), row.claim.convention.title)
        return table
    shown = [p for p in PURPOSES if any(abs(row.differences.get(p, 0.0)) >= _NEGLIGIBLE for row in priced)]
    table = new_table(
        "Claims, an inference; chip / claim = 1 + the columns to its right (chip less claim, in claims)",
        ("convention", "left"), ("claim", "right"), ("chip / claim", "right"), *((p, "right") for p in shown),
    )  # fmt: skip
    table.columns[0].no_wrap = True
    for row in priced:
        ratio = "" if row.ratio is None else f"{row.ratio:.3g}"
        cells = [f"{row.differences[p]:+.3g}" if row.differences else "" for p in shown]
        table.add_row(row.claim.convention.name, units.energy(row.claim.pj), ratio, *cells)
    return table


def _counted(rows: Sequence[Compared]):
    table = new_table("Counted, not priced", ("convention", "left"), ("what", "left"), ("figure", "right"))
    for row in rows:
        convention = row.claim.convention
        if row.claim.total is not None:
            table.add_row(convention.name, convention.unit, units.count(row.claim.total))
            continue
        for term in row.claim.terms:
            table.add_row(convention.name, term.what, f"{term.value:,.6g}")
    return table
