"""A ratio of learning energies, which cannot be written without what it was measured against."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite

from neurosim.errors import NeurosimError

UNTRAINED = "random networks, nothing learned"


@dataclass(frozen=True)
class Ratio:
    """``number`` = energy of ``baseline`` / energy of ``rule``: 2 means that the rule takes half.

    Its text always names the baseline, the batch size, the price table and the accuracy gap; a format of its own, which
    could leave them out, is refused. ``gap_points``: accuracy of the rule minus that of the baseline, in points; None
    only where nothing was learned. ``number`` is for axes and for further arithmetic, not for text.
    """

    number: float
    rule: str
    baseline: str
    batch: int
    prices: str
    gap_points: float | None
    of: str = "learning energy"

    def __post_init__(self) -> None:
        if not (isfinite(self.number) and self.number > 0):
            raise NeurosimError(f"ratio of {self.baseline} and {self.rule}: got {self.number}, expected above 0")
        if self.gap_points is not None and not isfinite(self.gap_points):
            raise NeurosimError(f"ratio of {self.baseline} and {self.rule}: accuracy gap {self.gap_points}, not finite")
        for name in ("rule", "baseline", "prices"):
            if not getattr(self, name):
                raise NeurosimError(f"ratio: {name} is empty; a ratio is never given without it")
        if self.batch < 1:
            raise NeurosimError(f"ratio: batch {self.batch}, expected at least 1")

    @property
    def gap(self) -> str:
        """The accuracy gap in words."""
        return UNTRAINED if self.gap_points is None else f"accuracy {self.gap_points:+.1f} points"

    def __str__(self) -> str:
        return (
            f"{self.baseline} / {self.rule} = {times(self.number)} {self.of} "
            f"(batch {self.batch}, prices {self.prices}, {self.gap})"
        )

    def __format__(self, spec: str) -> str:
        if spec:
            raise TypeError("a Ratio has one text, which names its baseline, batch, prices and accuracy gap")
        return str(self)

    def row(self) -> dict[str, str | int | float]:
        """A line of a table: the number and all that belongs to it."""
        return {
            "ratio": self.number, "of": self.of, "rule": self.rule, "baseline": self.baseline, "batch": self.batch,
            "prices": self.prices, "accuracy_gap_points": "" if self.gap_points is None else self.gap_points,
            "learned": "no" if self.gap_points is None else "yes",
        }  # fmt: skip


def times(number: float) -> str:
    """A factor: 30x, 2.2x, 0.48x."""
    return f"{number:.0f}x" if number >= 99.5 else f"{number:.3g}x" if number >= 10 else f"{number:.2f}x"


def saved(energies: tuple[float, float], **what) -> Ratio:
    """The ratio of two ``energies`` in the same unit, of the baseline and of the rule; ``what`` are the other fields of
    `Ratio`. Raises NeurosimError where one of them is not above 0."""
    if not min(energies) > 0:
        names = f"{what.get('baseline')} and {what.get('rule')}"
        raise NeurosimError(f"ratio of {names}: energies {energies[0]:g} and {energies[1]:g}, expected above 0")
    return Ratio(energies[0] / energies[1], **what)
