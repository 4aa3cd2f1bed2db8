"""One verdict, and the count of many."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

EQUAL, WITHIN, MISS, SKIPPED = "equal", "within", "miss", "not compared"
VERDICTS = (EQUAL, WITHIN, MISS, SKIPPED)


@dataclass(frozen=True)
class Case:
    """What came of one case: ``equal`` to the last digit, ``within`` a statistical bound, ``miss``, ``not compared``.

    ``detail`` is the first difference of a miss, the figures of a statistical line, the reason of a case left out.
    """

    name: str
    verdict: str
    detail: str = ""

    def line(self) -> str:
        return f"{self.verdict:<12}  {self.name}" + (f": {self.detail}" if self.detail else "")


def summary(cases: Iterable[Case]) -> dict[str, int]:
    """Cases by verdict, every verdict present."""
    counts = Counter(case.verdict for case in cases)
    return {verdict: counts[verdict] for verdict in VERDICTS}
