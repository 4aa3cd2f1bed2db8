"""The ANN's prices get the same bands as the chips': its leaves, told apart by component and action."""

from __future__ import annotations

from dataclasses import replace

from neurosim.arch.technology.band import leakage_band, term_band
from neurosim.energy.table import LEAKAGE, EnergyTable, Leaf

_UNITS = {
    "multiply": "multiplier",
    "add": "adder",
    "register": "register",
    "accumulator_write": "register",
    "idle_clock": "register",
}
_FLOATS = {"multiply": "float_multiply", "add": "float_add"}


def _factors(leaf: Leaf, device: str, floating: bool, dram: tuple[float, float] | None) -> tuple[float, float] | None:
    memory = leaf.component.endswith("_sram")
    if leaf.action == LEAKAGE:
        return leakage_band("sram" if memory else "logic", device)
    if memory:
        return term_band("sram")
    if leaf.component == "dram":
        return dram
    return term_band((_FLOATS if floating else {}).get(leaf.action, _UNITS[leaf.action]))


def with_bands(
    table: EnergyTable, device: str, floating: bool = False, dram: tuple[float, float] | None = None
) -> EnergyTable:
    """The table with a band on every price; ``dram`` is the low and high factor on a DRAM bit."""
    leaves = []
    for leaf in table.leaves:
        factors = _factors(leaf, device, floating, dram)
        low, high = (None, None) if factors is None else (leaf.price_pj * factors[0], leaf.price_pj * factors[1])
        leaves.append(replace(leaf, low_price_pj=low, high_price_pj=high))
    return EnergyTable(tuple(leaves))
