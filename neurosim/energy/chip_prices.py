"""A chip's prices and leakage in the form the energy table takes."""

from __future__ import annotations

from neurosim.arch import Chip
from neurosim.arch.technology.resolve import resolve_leakage, resolve_prices
from neurosim.energy.table import LeakagePower, Price


def chip_prices(chip: Chip) -> dict[str, Price]:
    """Price of every registered action, by action name."""
    return {name: Price(p.component, p.pj, p.source, p.low_pj, p.high_pj) for name, p in resolve_prices(chip).items()}


def chip_leakage(chip: Chip) -> tuple[LeakagePower, ...]:
    """Leaking parts with their powers."""
    return tuple(
        LeakagePower(x.component, x.power_mw, x.instances, x.source, x.low_mw, x.high_mw) for x in resolve_leakage(chip)
    )
