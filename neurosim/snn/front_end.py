"""What an encoder did, counted as it worked: for chips that have it in front of their port and pay for it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

OPERATIONS = ("encode_add", "encode_compare", "encode_shift", "encode_read", "encode_write")
"""Additions and subtractions, comparisons, shifts, and reads and writes of a channel's state: names of actions."""


@dataclass(frozen=True, eq=False)
class FrontEndWork:
    """``counts`` (samples, operations) int64 in the order of `OPERATIONS`; ``channels`` that were encoded side by side;
    ``states`` numbers that each keeps; ``width_bits``, two's complement, that hold every number the encoder made."""

    counts: np.ndarray
    channels: int
    states: int
    width_bits: int

    def part(self, start: int, stop: int) -> FrontEndWork:
        """Samples ``start`` to ``stop - 1``."""
        return FrontEndWork(self.counts[start:stop], self.channels, self.states, self.width_bits)

    def totals(self) -> dict[str, int]:
        """Sums over the samples, by action."""
        return {name: int(n) for name, n in zip(OPERATIONS, self.counts.sum(axis=0), strict=True)}


class Tally:
    """Collects operations by sample while an encoder runs; ``seen`` keeps the widest number."""

    def __init__(self, samples: int, channels: int) -> None:
        self.counts = np.zeros((samples, len(OPERATIONS)), np.int64)
        self.channels, self.states, self.largest = channels, 0, 0

    def add(self, who: np.ndarray | int = 1, **operations: int) -> None:
        """``encode_`` operations by their short names, once for each channel of ``who`` (samples, channels) bool."""
        times = np.full(len(self.counts), self.channels) if isinstance(who, int) else who.sum(axis=1)
        for name, number in operations.items():
            self.counts[:, OPERATIONS.index(f"encode_{name}")] += number * times

    def begin(self, states: int) -> None:
        """The first numbers that each channel keeps are written."""
        self.states = states
        self.add(write=states)

    def seen(self, *values: np.ndarray) -> None:
        """Numbers that the encoder held, of whatever shape."""
        for value in values:
            low, high = (int(np.floor(v)) for v in (value.min(initial=0), value.max(initial=0)))
            self.largest = max(self.largest, high, -low - 1)

    def work(self) -> FrontEndWork:
        return FrontEndWork(self.counts, self.channels, self.states, self.largest.bit_length() + 1)
