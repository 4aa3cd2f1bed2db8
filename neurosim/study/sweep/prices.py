"""Energy of many points that differ in energy constants alone: one table of counts, a matrix of prices.

Counts x prices, leaf by leaf, and every total is ``math.fsum`` of its leaves: the same numbers, bit for bit, as an
energy table made for each point (`with_constants`), without making one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from math import fsum

import numpy as np

from neurosim.energy.table import IDLE_CLOCK, LEAKAGE, EnergyTable, Leaf
from neurosim.errors import NeurosimError
from neurosim.study.sweep.fields import Constant

_PRICED_AS = {"load_host": ("host_inject", "host_word")}
"""Leaves whose price is that of another action."""
_CELLS = 4_000_000


def _meant(leaf: Leaf, constant: Constant) -> bool:
    if constant.section == LEAKAGE:
        return leaf.action == LEAKAGE and fnmatchcase(leaf.component, constant.pattern)
    actions = _PRICED_AS.get(leaf.action, (leaf.action,))
    if leaf.action == LEAKAGE or (leaf.action == IDLE_CLOCK and constant.how == "pj"):
        return False
    return any(fnmatchcase(action, constant.pattern) for action in actions)


def with_constants(table: EnergyTable, constants: Sequence[Constant]) -> EnergyTable:
    """The table at other constants, one leaf after another; a constant put in the chip's place has no band."""
    leaves = []
    for leaf in table.leaves:
        for constant in (c for c in constants if _meant(leaf, c)):
            if constant.how == "pj":
                leaf = replace(
                    leaf, price_pj=constant.value, low_price_pj=None, high_price_pj=None, source="set by the study"
                )
            else:
                ends = (leaf.price_pj, leaf.low_price_pj, leaf.high_price_pj)
                nominal, low, high = (None if p is None else p * constant.value for p in ends)
                source = f"{leaf.source}; x {constant.value:g} by the study"
                leaf = replace(leaf, price_pj=nominal, low_price_pj=low, high_price_pj=high, source=source)
        leaves.append(leaf)
    return EnergyTable(tuple(leaves))


def energy_metrics(
    table: EnergyTable, constants: Sequence[Constant], values: np.ndarray, samples: int, seconds: float
) -> dict[str, list[float | None]]:
    """Energy columns of points that share a table of counts, one entry a point.

    ``constants`` are those that vary, ``values`` (n_points, n_constants) float64 what they are at each point; ``table``
    is priced by the chip. ``energy_pj`` and its parts are over all samples, ``seconds`` is simulated time. Raises
    NeurosimError for a leaking component that the chip does not have.
    """
    for constant in constants:
        if constant.section == LEAKAGE and not any(_meant(leaf, constant) for leaf in table.leaves):
            known = sorted({leaf.component for leaf in table.leaves if leaf.action == LEAKAGE})
            raise NeurosimError(
                f"leakage.{constant.pattern}: no such component leaks on this chip; known: {', '.join(known)}"
            )
    columns = _Columns(table)
    masks = [np.array([_meant(leaf, constant) for leaf in table.leaves], bool) for constant in constants]
    step = max(1, _CELLS // max(1, len(table.leaves)))
    found: dict[str, list[float | None]] = {}
    for first in range(0, len(values), step):
        part = values[first : first + step]
        prices = [np.tile(ends, (len(part), 1)) for ends in columns.prices]
        for k, (constant, mask) in enumerate(zip(constants, masks, strict=True)):
            for ends in prices:
                ends[:, mask] = part[:, k, None] if constant.how == "pj" else ends[:, mask] * part[:, k, None]
        for name, column in columns.totals([ends * columns.count for ends in prices], samples, seconds).items():
            found.setdefault(name, []).extend(column)
    return found


class _Columns:
    """A table as arrays: counts, prices at their middle, low and high end, and which leaves make up which total."""

    def __init__(self, table: EnergyTable) -> None:
        leaves = table.leaves
        self.count = np.array([leaf.count for leaf in leaves], np.float64)
        middle = [leaf.price_pj for leaf in leaves]
        low = [leaf.price_pj if leaf.low_price_pj is None else leaf.low_price_pj for leaf in leaves]
        high = [leaf.price_pj if leaf.high_price_pj is None else leaf.high_price_pj for leaf in leaves]
        self.prices = [np.array(p, np.float64) for p in (middle, low, high)]
        self.dynamic = [i for i, leaf in enumerate(leaves) if leaf.action != LEAKAGE]
        parts: dict[str, list[int]] = {}
        for i, leaf in enumerate(leaves):
            parts.setdefault(LEAKAGE if leaf.action == LEAKAGE else leaf.component, []).append(i)
        self.leakage = parts.pop(LEAKAGE, [])
        self.parts = dict(sorted(parts.items()))

    def totals(self, energies: Sequence[np.ndarray], samples: int, seconds: float) -> dict[str, list[float | None]]:
        """From (n_points, n_leaves) pJ at the middle, low and high prices."""
        middle, low, high = energies
        total = _sums(middle)
        return {
            "energy_pj": total,
            "energy_pj_per_sample": [pj / samples for pj in total],
            "energy_low_pj": _sums(low),
            "energy_high_pj": _sums(high),
            "dynamic_pj": _sums(middle[:, self.dynamic]),
            "leakage_pj": _sums(middle[:, self.leakage]),
            **{f"energy_pj.{name}": _sums(middle[:, at]) for name, at in self.parts.items()},
            "power_w": [pj * 1e-12 / seconds if seconds else None for pj in total],
        }


def _sums(energies: np.ndarray) -> list[float]:
    return [fsum(row) for row in energies.tolist()]
