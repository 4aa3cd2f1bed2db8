"""The energy table: one leaf a line, and totals that are exact sums of their leaves.

There are two kinds of leaf. Dynamic: the count of one action at one place for one part, times the price of that
action. Standing: the power of what leaks, or of a clock that always runs, times the simulated time. No joule enters a
report in any other way.

A price may have a band. Totals are then given with all prices at their low ends and at their high ends: corners, which
say how far the constants alone could move a total, not how likely that is. A price without a band stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import fsum
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError

LEAKAGE = "leakage"
IDLE_CLOCK = "idle_clock"


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
    """A power that is drawn for the whole simulated time by ``instances`` parts of one component.

    ``action``: ``leakage``, or ``idle_clock`` for a clock that runs whether anything happens or not.
    """

    component: str
    power_mw: float
    instances: int
    source: str
    low_mw: float | None = None
    high_mw: float | None = None
    action: str = LEAKAGE


@dataclass(frozen=True)
class Leaf:
    """One term of a total: ``count`` x ``price_pj``. For leakage the count is picoseconds and the price mW x 1e-3.

    ``low_price_pj`` and ``high_price_pj`` are the price's band; None: none is known.
    """

    component: str
    action: str
    place: str
    part: str
    count: float
    price_pj: float
    source: str
    low_price_pj: float | None = None
    high_price_pj: float | None = None

    @property
    def energy_pj(self) -> float:
        return self.count * self.price_pj

    @property
    def band_pj(self) -> tuple[float, float]:
        """Energy at the low and at the high end of the price."""
        low, high = (self.price_pj if p is None else p for p in (self.low_price_pj, self.high_price_pj))
        return self.count * low, self.count * high

    @property
    def banded(self) -> bool:
        return self.low_price_pj is not None or self.high_price_pj is not None


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

    def band_pj(self, leakage: bool | None = None) -> tuple[float, float]:
        """`total_pj` with every price at the low end of its band, and at the high end."""
        chosen = [x for x in self.leaves if leakage is None or (x.action == LEAKAGE) == leakage]
        bands = [leaf.band_pj for leaf in chosen]
        return fsum(low for low, _ in bands), fsum(high for _, high in bands)

    def _bands(self, key: Callable[[Leaf], Any]) -> dict[Any, tuple[float, float]]:
        groups: dict[Any, list[tuple[float, float]]] = {}
        for leaf in self.leaves:
            groups.setdefault(key(leaf), []).append(leaf.band_pj)
        return {name: (fsum(a for a, _ in bands), fsum(b for _, b in bands)) for name, bands in groups.items()}

    def bands_by(self, *fields: str) -> dict[tuple[str, ...], tuple[float, float]]:
        """`by`, low and high."""
        return self._bands(lambda leaf: tuple(getattr(leaf, f) for f in fields))

    def bands_by_component(self) -> dict[str, tuple[float, float]]:
        """`by_component`, low and high."""
        return self._bands(lambda leaf: LEAKAGE if leaf.action == LEAKAGE else leaf.component)

    def banded_share(self) -> float:
        """Part of the total whose price has a band."""
        total = self.total_pj()
        return fsum(leaf.energy_pj for leaf in self.leaves if leaf.banded) / total if total else 0.0

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
        Leaf(p.component, a, pl, pt, int(n), p.pj, p.source, p.low_pj, p.high_pj)
        for a, pl, pt, n in zip(action, place, part, count, strict=True)
        for p in (prices[a],)
    ]
    picoseconds = seconds * 1e12
    for power in leakage:
        # 1 mW for 1 ps is 1e-3 pJ.
        price, low, high = (
            None if mw is None else mw * power.instances * 1e-3 for mw in (power.power_mw, power.low_mw, power.high_mw)
        )
        leaves.append(
            Leaf(power.component, power.action, "chip", power.component, picoseconds, price, power.source, low, high)
        )
    return EnergyTable(tuple(leaves))
