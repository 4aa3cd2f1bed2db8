"""A phased chip as a person reads it: what a step is described by, and the cycles of each phase as a formula."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurosim.arch.phases import Amount, PhaseCase, PhaseChip

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table


def phase_facts(chip: PhaseChip) -> Iterable[tuple[str, str]]:
    """Name and value of what the chip says beyond its two tables."""
    yield "execution", "phases: the length of a step from what is counted in it; no network can be run"
    yield "clock", f"quantum {chip.clock.quantum_ps / 1000:,.4g} ns"
    yield "energy", f"none: {' '.join(chip.without_energy.split())}"


def quantities_table(chip: PhaseChip, table: Table) -> RenderableType:
    """Fill ``table`` (quantity, kind, from, to, meaning)."""
    for name, q in chip.core.quantities.items():
        bound = "" if q.at_most is None else f", at most {amount_text(q.at_most)}"
        table.add_row(name, q.kind, f"{q.least:,}", f"{q.most:,}", f"{q.meaning}{bound}")
    return table


def phases_table(chip: PhaseChip, table: Table) -> RenderableType:
    """Fill ``table`` (phase, cycles, what it does), a row a case."""
    for name, phase in chip.core.phases.items():
        for k, case in enumerate(phase.cases):
            does = phase.does if k == 0 else ""
            conditions = f"{'; ' * bool(does)}if {_when(case)}" if case.when else ""
            table.add_row(name if k == 0 else "", case_text(case), does + conditions)
    return table


def amount_text(amount: Amount) -> str:
    """An amount as a formula."""
    names = ", ".join(amount.largest_of)
    text = names if len(amount.largest_of) == 1 else f"max({names})"
    return text if amount.group == 1 else f"ceil({text} / {amount.group})"


def case_text(case: PhaseCase) -> str:
    """The cycles of a case as a formula."""
    parts = [str(case.fixed_cycles)] * (case.fixed_cycles > 0 or not case.terms)
    parts += [f"{term.cycles} x " * (term.cycles > 1) + amount_text(term.amount) for term in case.terms]
    once = " + ".join(parts)
    if case.repeat is None:
        return once
    return f"{amount_text(case.repeat)} x ({once})" if len(parts) > 1 else f"{amount_text(case.repeat)} x {once}"


def _when(case: PhaseCase) -> str:
    return ", or ".join(
        " and ".join(f"{mode} is {' or '.join(map(str, values))}" for mode, values in modes.items())
        for modes in case.when
    )
