"""The energy table: one leaf a line, and totals that are exact sums of their leaves.

There are two kinds of leaf. Dynamic: the count of one action at one place for one part, times the price of that
action. Leakage: a power times the simulated time. No joule enters a report in any other way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError

LEAKAGE = "leakage"


@dataclass(frozen=True)
class Price:
    """What one action of one component costs, and who says so. ``low`` and ``high`` are the band of the source."""

    component: str
    pj: float
    source: str
    low_pj: float | None = None
    high_pj: float | None = None


@dataclass(frozen=True)
class LeakagePower:
    """A power that is drawn for the whole simulated time by ``instances`` parts of one component."""

    component: str
    power_mw: float
    instances: int
    source: str


@dataclass(frozen=True)
class Leaf:
    """One term of a total: ``count`` x ``price_pj``. For leakage the count is picoseconds and the price mW x 1e-3."""

    component: str
    action: str
    place: str
    part: str
    count: float
    price_pj: float
    source: str

    @property
    def energy_pj(self) -> float:
        return self.count * self.price_pj


@dataclass(frozen=True)
class EnergyTable:
    """All leaves of a run. Every total is ``math.fsum`` over some of them."""

    leaves: tuple[Leaf, ...]

    def total_pj(self, leakage: bool | None = None) -> float:
        """Sum of all leaves; ``leakage=False`` without leakage, ``True`` leakage alone."""
        chosen = self.leaves
        if leakage is not None:
            chosen = tuple(leaf for leaf in chosen if (leaf.action == LEAKAGE) == leakage)
        return fsum(leaf.energy_pj for leaf in chosen)

    def _sums(self, key: Callable[[Leaf], Any]) -> dict:
        groups: dict[Any, list[float]] = {}
        for leaf in self.leaves:
            groups.setdefault(key(leaf), []).append(leaf.energy_pj)
        sums = {name: fsum(values) for name, values in groups.items()}
        return dict(sorted(sums.items(), key=lambda item: (-item[1], item[0])))

    def by(self, *fields: str) -> dict[tuple[str, ...], float]:
        """Sums grouped by leaf fields (component, action, place, part), largest first."""
        return self._sums(lambda leaf: tuple(getattr(leaf, f) for f in fields))

    def by_component(self) -> dict[str, float]:
        """Dynamic energy by component, with all leakage under its own name."""
        return self._sums(lambda leaf: LEAKAGE if leaf.action == LEAKAGE else leaf.component)

    def unsourced_share(self) -> float:
        """Part of the total whose price names no source."""
        total = self.total_pj()
        unsourced = fsum(leaf.energy_pj for leaf in self.leaves if not leaf.source)
        return unsourced / total if total else 0.0


def price_activity(
    action: tuple[str, ...],
    place: tuple[str, ...],
    part: tuple[str, ...],
    count: np.ndarray,
    prices: dict[str, Price],
    leakage: tuple[LeakagePower, ...],
    seconds: float,
) -> EnergyTable:
    """Count times price for every row, and power times time for every leaking part.

    Raises NeurosimError for an action without a price: a count that costs nothing must say so in the chip file.
    """
    missing = sorted(set(action) - set(prices))
    if missing:
        raise NeurosimError(f"energy: no price for {', '.join(missing)}; add each to the chip's energy section")
    leaves = [
        Leaf(prices[a].component, a, pl, pt, int(n), prices[a].pj, prices[a].source)
        for a, pl, pt, n in zip(action, place, part, count, strict=True)
    ]
    picoseconds = seconds * 1e12
    for power in leakage:
        # 1 mW for 1 ps is 1e-3 pJ.
        price = power.power_mw * power.instances * 1e-3
        leaves.append(Leaf(power.component, LEAKAGE, "chip", power.component, picoseconds, price, power.source))
    return EnergyTable(tuple(leaves))
