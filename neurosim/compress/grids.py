"""Grids of integer weights: which integers a format has, the nearest one, and the scale that loses least.

A real weight w of group g (an output channel, or the whole projection) becomes an integer q with w ~ scale[g] * q.
Scales come from a search that minimises the squared error of the group (``mse``), or from its largest weight
(``max``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.codecs import BinaryCodec, CodebookCodec, Codec, IntCodec, TernaryCodec

SCALES = ("mse", "max")
_TRIED = np.linspace(0.08, 1.0, 47)


@dataclass(frozen=True)
class Grid:
    """The integers of a format: ``kind`` even, odd, sign or keep, and the largest, ``top``. ``codec`` stores them.

    ``words`` above 0 asks for a codebook of that many sign patterns, chosen from the weights.
    """

    kind: str
    top: int
    codec: Codec | None
    words: int = 0

    def nearest(self, x: np.ndarray) -> np.ndarray:
        """The integer of the grid nearest to each x, int64; ties go away from zero on the odd grid, else to even."""
        if self.kind == "sign":
            return np.where(x >= 0, 1, -1).astype(np.int64)
        if self.kind == "odd":
            return np.clip(2 * np.floor(x / 2) + 1, -self.top, self.top).astype(np.int64)
        return np.clip(np.rint(x), -self.top, self.top).astype(np.int64)


def grid_of(asked: int | str, where: str) -> Grid:
    """The grid that a weight format names: bits (``4``), ``odd:4``, ``ternary``, ``sign`` or ``codebook:16``.

    The even grid is symmetric, -(2^(b-1) - 1) to 2^(b-1) - 1, and 1 bit means sign. Raises NeurosimError for another
    name or width.
    """
    text = str(asked)
    name, colon, number = text.partition(":")
    if not colon and name.isdigit():
        name, number = ("sign", "") if int(name) == 1 else ("int", name)
    count = int(number) if number.isdigit() else 0
    if name == "int" and 2 <= count <= 16:
        return Grid("even", (1 << (count - 1)) - 1, IntCodec(count))
    if name == "odd" and 1 <= count <= 16:
        return Grid("odd", (1 << count) - 1, IntCodec(count, "odd"))
    if name == "ternary" and not colon:
        return Grid("even", 1, TernaryCodec())
    if name == "sign" and not colon:
        return Grid("sign", 1, BinaryCodec())
    if name == "codebook" and 2 <= count <= 4096:
        return Grid("sign", 1, None, count)
    raise NeurosimError(
        f"{where}: weight format {asked!r}, expected bits (1 to 16), odd:BITS, ternary, sign or codebook:WORDS (2 to "
        "4096)"
    )


def _sums(values: np.ndarray, group: np.ndarray, n: int) -> np.ndarray:
    return np.bincount(group, values, minlength=n)


def largest(weights: np.ndarray, group: np.ndarray, n: int) -> np.ndarray:
    """Largest magnitude of each group, (n,); 0 where a group is empty."""
    top = np.zeros(n)
    np.maximum.at(top, group, np.abs(weights))
    return top


def best_scale(weights: np.ndarray, group: np.ndarray, n: int, grid: Grid, how: str) -> np.ndarray:
    """Scale of each group, (n,) positive. ``weights`` and ``group`` (0 .. n - 1) are flat, float64 and int64.

    A group of zeros gets the largest scale of the others, 1 if there is none.
    """
    top = largest(weights, group, n)
    if grid.kind == "sign":
        scale = _sums(np.abs(weights), group, n) / np.maximum(np.bincount(group, minlength=n), 1)
    elif how == "max":
        scale = top / grid.top
    else:
        scale = _least_error(weights, group, n, grid, top / grid.top)
    known = scale[scale > 0]
    return np.where(scale > 0, scale, known.max() if known.size else 1.0)


def _least_error(weights, group, n: int, grid: Grid, full: np.ndarray) -> np.ndarray:
    best, least = full.copy(), np.full(n, np.inf)
    for share in _TRIED:
        scale = np.where(full > 0, share * full, 1.0)
        q = grid.nearest(weights / scale[group])
        # With the integers given, the scale of least squared error is a projection.
        scale = np.where((den := _sums(q * q, group, n)) > 0, _sums(weights * q, group, n) / np.maximum(den, 1), scale)
        error = _sums((weights - scale[group] * q) ** 2, group, n)
        better = (error < least) & (scale > 0) & (full > 0)
        best, least = np.where(better, scale, best), np.where(better, error, least)
    return best


def codebook(signs: np.ndarray, weights: np.ndarray, words: int) -> tuple[np.ndarray, CodebookCodec]:
    """The ``words`` most frequent sign patterns of the rows of ``signs`` (n, word length), and each row's nearest.

    Nearest is the largest dot product with the row's real weights; ties go to the more frequent pattern. Returns the
    new signs and their codec.
    """
    patterns, counts = np.unique(signs, axis=0, return_counts=True)
    order = np.lexsort((np.arange(counts.size), -counts))[:words]
    table = patterns[order]
    chosen = np.argmax(weights @ table.T, axis=1)
    return table[chosen], CodebookCodec(tuple(tuple(int(v) for v in row) for row in table))
