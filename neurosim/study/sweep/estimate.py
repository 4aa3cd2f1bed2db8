"""How long the rest of a sweep takes and how much memory, from a few blocks that were timed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.study.sweep.block import Done

ROW_BYTES = 2000


@dataclass(frozen=True)
class Estimate:
    """``seconds`` of ``points`` on ``width`` processes, and bytes of all processes and of the rows."""

    points: int
    width: int
    seconds: float
    memory_bytes: int

    def __str__(self) -> str:
        return (
            f"estimate: {self.points} points, about {_long(self.seconds)} on {self.width} "
            f"process{'es' * (self.width > 1)}, about {self.memory_bytes / 2**20:.0f} MiB of memory"
        )


def _long(seconds: float) -> str:
    for unit, size in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 1.5 * size:
            return f"{seconds / size:.1f} {unit}"
    return f"{seconds:.0f} s"


def estimated(timed: Sequence[Done], points: int, width: int) -> Estimate | None:
    """From the seconds of timed groups of points; each process's slowest group, which compiles, is left out."""
    groups = sorted((group for done in timed for group in done.seconds), key=lambda g: g[1] / g[0])
    kept = groups[: len(groups) - width] if len(groups) > width else groups
    if not kept:
        return None
    each = sum(seconds for _, seconds in kept) / sum(n for n, _ in kept)
    peak = max(done.peak_bytes for done in timed)
    return Estimate(points, width, each * points / width, peak * width + points * ROW_BYTES)
