"""Storage layouts: how the rows of weights that spikes fetch are written into physical words, without loss.

A row is what one spike reads at once: n items of ``width`` bits. No item is split over two words.

dense: every item, zeros too.
csr: an entry (weight, index) for each non-zero item, indices ascending.
bitmap: one bit an item that says non-zero, in words of its own, then the non-zero weights.
run_length: an entry (run, weight) for each non-zero item; ``run`` counts the zeros before it. The largest run code has
no weight behind it that counts and skips that many zeros. The run's width is the one that needs the fewest words.
codebook: every item as the number of its value in a table of the projection's distinct values, stored once a block.

Rows of csr, bitmap and run_length differ in length. Where the axon entry does not lead to a row (shared kernels), a
table of pointers (first word and number of words of each row) is stored with them and read before each row.

These are counts. `neurosim.mapping.pack` writes the same rows bit by bit, and tests hold the two together.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LAYOUTS = ("dense", "csr", "bitmap", "run_length", "codebook")
UNEVEN = ("csr", "bitmap", "run_length")
"""Layouts whose rows differ in length."""
FULL = ("dense", "codebook")
"""Layouts that write every place of a row."""
CHOICES = ("by_kind", *LAYOUTS, "best")
"""What a chip or a projection may ask for; ``by_kind``: dense rows, and listed entries where connections are listed."""


@dataclass(frozen=True, eq=False)
class RowItems:
    """The rows of one block, zeros told from the rest.

    n_items : items of every row. ptr (n_rows + 1,) int64 and at (n_non_zero,) int64 : places of the non-zero items of
    each row, ascending; of connections that are listed, every entry counts as non-zero.
    """

    n_items: int
    ptr: np.ndarray
    at: np.ndarray

    @classmethod
    def of(cls, values: np.ndarray) -> RowItems:
        """From values (n_rows, n_items)."""
        row, at = np.nonzero(values)
        return cls(values.shape[1], np.searchsorted(row, np.arange(values.shape[0] + 1)), at)

    @property
    def n_rows(self) -> int:
        return self.ptr.size - 1

    @property
    def filled(self) -> np.ndarray:
        """Non-zero items of each row, (n_rows,) int64."""
        return np.diff(self.ptr)

    def runs(self) -> np.ndarray:
        """Zeros before each non-zero item, (n_non_zero,) int64."""
        before = np.concatenate([[-1], self.at[:-1]])
        starts = self.ptr[:-1][self.filled > 0]
        before[starts] = -1
        return self.at - before - 1


@dataclass(frozen=True)
class Widths:
    """Bits of an item, of an index where indices are stored, of a physical word; distinct values of the projection."""

    item: int
    index: int
    word: int
    distinct: int
    pointers: bool

    @property
    def code(self) -> int:
        """Bits of the number of a value in the table."""
        return max(1, (self.distinct - 1).bit_length())


def words_of(n: int | np.ndarray, width: int, word: int) -> int | np.ndarray:
    """Physical words for ``n`` items of ``width`` bits; an item wider than a word takes several."""
    if width > word:
        return n * -(-width // word)
    return -(-n // (word // width))


def store(layout: str, rows: RowItems, widths: Widths) -> tuple[np.ndarray, dict[str, int]]:
    """Words that a fetch of each row reads, (n_rows,) int64, and all bits by content."""
    w, filled = widths, rows.filled
    n_rows, n_filled = rows.n_rows, int(filled.sum())
    every = np.full(n_rows, rows.n_items, np.int64)
    if layout == "dense":
        words, bits = words_of(every, w.item, w.word), {"weights": n_rows * rows.n_items * w.item}
    elif layout == "codebook":
        words, bits = words_of(every, w.code, w.word), {"indices": n_rows * rows.n_items * w.code}
    elif layout == "csr":
        words = words_of(filled, w.item + w.index, w.word)
        bits = {"weights": n_filled * w.item, "indices": n_filled * w.index}
    elif layout == "bitmap":
        words = words_of(every, 1, w.word) + words_of(filled, w.item, w.word)
        bits = {"weights": n_filled * w.item, "bitmap": n_rows * rows.n_items}
    else:
        words, bits = _run_length(rows, w)
    in_words = int(words.sum())
    if layout == "codebook":
        bits["codebook"] = w.distinct * w.item
        in_words += words_of(w.distinct, w.item, w.word)
    if layout in UNEVEN and w.pointers and in_words:
        pointer = in_words.bit_length() + int(words.max(initial=0)).bit_length()
        bits["pointers"] = n_rows * pointer
        in_words += words_of(n_rows, pointer, w.word)
        words = words + words_of(1, pointer, w.word)
    bits["padding"] = in_words * w.word - sum(bits.values())
    return words, bits


def _run_length(rows: RowItems, w: Widths) -> tuple[np.ndarray, dict[str, int]]:
    run_bits = best_run_bits(rows, w)
    entries = _run_entries(rows, run_bits)
    n_entries, n_filled = int(entries.sum()), int(rows.filled.sum())
    words = words_of(entries, w.item + run_bits, w.word)
    # A skip has a weight's place too, with nothing in it.
    return words, {"weights": n_filled * w.item, "runs": n_entries * run_bits + (n_entries - n_filled) * w.item}


def best_run_bits(rows: RowItems, w: Widths) -> int:
    """The width of runs that needs the fewest words, the narrowest of equals."""
    widths = range(1, max(1, (rows.n_items - 1).bit_length()) + 1)
    return min(widths, key=lambda b: int(words_of(_run_entries(rows, b), w.item + b, w.word).sum()))


def _run_entries(rows: RowItems, run_bits: int) -> np.ndarray:
    """Entries of each row, skips included, (n_rows,) int64."""
    total = np.concatenate([[0], np.cumsum(rows.runs() // ((1 << run_bits) - 1))])
    return rows.filled + total[rows.ptr[1:]] - total[rows.ptr[:-1]]


def store_groups(
    asked: str, groups: list[RowItems], widths: Widths, offered: tuple[str, ...] = LAYOUTS
) -> tuple[str, list[np.ndarray], dict[str, int]]:
    """One layout for several groups of rows: (layout, words by group, all bits). ``best``: the smallest of offered."""
    if asked == "best":
        return min((store_groups(name, groups, widths) for name in offered), key=lambda x: sum(x[2].values()))
    filled = [rows for rows in groups if rows.n_items]
    words, bits = [], {}
    table = (words_of(widths.distinct, widths.item, widths.word) * widths.word) if asked == "codebook" else 0
    for rows in groups:
        if rows.n_items == 0:
            words.append(np.zeros(rows.n_rows, np.int64))
            continue
        here, contents = store(asked, rows, widths)
        words.append(here)
        for content, n in contents.items():
            bits[content] = bits.get(content, 0) + n
    # The table is the block's, not a group's.
    more = len(filled) - 1
    if table and more > 0:
        once = widths.distinct * widths.item
        bits["codebook"] -= more * once
        bits["padding"] -= more * (table - once)
    return asked, words, bits
