"""`neurosim show chip`: what an action costs and what leaks, each with its source."""

from __future__ import annotations

from itertools import groupby
from math import fsum
from typing import TYPE_CHECKING

from neurosim.arch.layer import LayerChip
from neurosim.arch.schema import Chip
from neurosim.arch.technology.resolve import ResolvedPrice, resolve_leakage, resolve_prices

if TYPE_CHECKING:
    from rich.table import Table

_INCLUDED = "included in "


def prices_table(chip: Chip | LayerChip, table: Table) -> Table:
    """One row for neighbouring actions of one component that share price and source; ``table`` is empty, of four."""
    rows = [(p.action, (p.component, _pj(p), _source(chip, p))) for p in resolve_prices(chip).values()]
    for (component, pj, source), group in groupby(rows, key=lambda row: row[1]):
        actions = "\n".join(action for action, _ in group)
        table.add_row(actions, component, pj, source, style="dim" if pj == "-" else None)
    return table


def _pj(price: ResolvedPrice) -> str:
    if price.source.startswith(_INCLUDED):
        return "-"
    if price.low_pj is None and price.high_pj is None:
        return f"{price.pj:.4g}"
    low, high = (price.pj if p is None else p for p in (price.low_pj, price.high_pj))
    return f"{price.pj:.4g} ({low:.4g} to {high:.4g})"


def _source(chip: Chip | LayerChip, price: ResolvedPrice) -> str:
    """A key of the sources below with its note, or the terms of a derived price, one a line."""
    spec = chip.energy[price.action]
    if spec.derive is not None:
        return _terms(price.source)
    if spec.included_in is not None:
        # "included in nothing (why)" is how a chip file says that an action cannot occur or has no known price.
        why = spec.included_in.removeprefix("nothing (")
        return price.source if why == spec.included_in else why.removesuffix(")")
    return f"{spec.source}; {spec.note}" if spec.note else spec.source


def _terms(source: str) -> str:
    return source.replace(" + ", "\n+ ")


def leakage_table(chip: Chip | LayerChip, table: Table) -> Table:
    """One row for every leaking part, and their sum; ``table`` is empty, of five columns."""
    parts = resolve_leakage(chip)
    for x, spec in zip(parts, chip.leakage, strict=True):
        each, total = f"{x.power_mw:.4g}", f"{x.power_mw * x.instances:.4g}"
        table.add_row(x.component, each, f"{x.instances:,}", total, spec.source or _terms(x.source))
    if len(parts) > 1:
        table.add_row("total", "", "", f"{fsum(x.power_mw * x.instances for x in parts):.4g}", "", style="bold")
    return table
