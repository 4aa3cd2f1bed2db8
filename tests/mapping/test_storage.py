"""Each layout written out as bits and read back, against the words and bits that are counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.mapping.storage import LAYOUTS, RowItems, Widths, store, store_groups


class Writer:
    """Physical words; an item of several words (wider than one) is padded to whole words."""

    def __init__(self, word):
        self.word, self.words = word, []
        self.room = 0

    def start(self):
        self.room = 0

    def put(self, value, width):
        if width > self.word:
            self.words.append((value, width))
            self.words += [None] * (-(-width // self.word) - 1)
            self.room = 0
            return
        if self.room < width:
            self.words.append([])
            self.room = self.word
        self.words[-1].append((value, width))
        self.room -= width


def written(layout, row, table, w, run_bits):
    """The words of one row, items as (value, width)."""
    out = Writer(w.word)
    filled = [i for i, value in enumerate(row) if value]
    if layout == "dense":
        for value in row:
            out.put(value, w.item)
    elif layout == "codebook":
        for value in row:
            out.put(table.index(value), w.code)
    elif layout == "csr":
        for i in filled:
            out.put((row[i], i), w.item + w.index)
    elif layout == "bitmap":
        for value in row:
            out.put(int(value != 0), 1)
        out.start()
        for i in filled:
            out.put(row[i], w.item)
    else:
        skip = (1 << run_bits) - 1
        before = 0
        for value in row:
            if value == 0:
                before += 1
                continue
            while before >= skip:
                out.put((skip, None), w.item + run_bits)
                before -= skip
            out.put((before, value), w.item + run_bits)
            before = 0
    return out.words


def items(words):
    return [item for word in words if word is not None for item in (word if isinstance(word, list) else [word])]


def read_back(layout, words, n, table, run_bits):
    stored = [value for value, _ in items(words)]
    if layout == "dense":
        return stored
    if layout == "codebook":
        return [table[code] for code in stored]
    row = [0] * n
    if layout == "csr":
        for value, at in stored:
            row[at] = value
    elif layout == "bitmap":
        values = iter(stored[n:])
        row = [next(values) if bit else 0 for bit in stored[:n]]
    else:
        at = 0
        for run, value in stored:
            at += run
            if value is not None:
                row[at] = value
                at += 1
    return row


@st.composite
def rows_and_widths(draw):
    n_rows, n_items = draw(st.integers(1, 5)), draw(st.integers(1, 20))
    value = st.one_of(st.just(0), st.just(0), st.integers(-3, 3))
    values = np.array(draw(st.lists(st.lists(value, min_size=n_items, max_size=n_items), min_size=n_rows,
                                    max_size=n_rows)))  # fmt: skip
    distinct = np.unique(values).size
    index = (n_items - 1).bit_length() or 1
    return values, Widths(draw(st.integers(3, 9)), index, draw(st.integers(4, 40)), distinct, draw(st.booleans()))


@pytest.mark.parametrize("layout", LAYOUTS)
@given(rows_and_widths())
def test_counts_are_those_of_the_bits_written_and_what_is_written_can_be_read(layout, case):
    values, w = case
    table = sorted(set(values.ravel().tolist()))
    widths = range(1, max(1, (values.shape[1] - 1).bit_length()) + 1) if layout == "run_length" else [0]
    choices = {b: [written(layout, row.tolist(), table, w, b) for row in values] for b in widths}
    run_bits = min(choices, key=lambda b: (sum(map(len, choices[b])), b))
    for row, words in zip(values, choices[run_bits], strict=True):
        assert read_back(layout, words, values.shape[1], table, run_bits) == row.tolist()
    words, bits = store(layout, RowItems.of(values), w)
    uneven = layout in ("csr", "bitmap", "run_length")
    assert words.tolist() == [len(row) + (uneven and w.pointers) for row in choices[run_bits]]
    n_words = sum(map(len, choices[run_bits]))
    used = sum(width for row in choices[run_bits] for _, width in items(row))
    assert bits["padding"] == n_words * w.word - used
    assert sum(n for name, n in bits.items() if name not in ("padding", "codebook", "pointers")) == used
    assert bits.get("codebook", 0) == (len(table) * w.item if layout == "codebook" else 0)
    if uneven and w.pointers:
        assert 2 ** (bits["pointers"] // (len(values) + 1)) > n_words


@given(rows_and_widths())
def test_best_is_never_larger(case):
    values, w = case
    layout, _, bits = store_groups("best", [RowItems.of(values)], w)
    sizes = {name: sum(store(name, RowItems.of(values), w)[1].values()) for name in LAYOUTS}
    assert sum(bits.values()) == min(sizes.values()) == sizes[layout]


def test_the_table_is_stored_once_for_all_groups():
    rows = RowItems.of(np.array([[1, 2], [2, 1]]))
    w = Widths(8, 1, 64, 2, True)
    _, words, bits = store_groups("codebook", [rows, rows], w)
    assert bits == {"indices": 8, "padding": 4 * 62, "codebook": 16} and len(words) == 2


def test_a_known_row_by_hand():
    """Twelve 4-bit weights, three of them not zero, in words of 16 bits."""
    rows = RowItems.of(np.array([[0, 5, 0, 0, 0, 0, 0, 0, 7, 0, 0, 1]]))
    w = Widths(4, 4, 16, 4, False)
    sizes = {name: (store(name, rows, w)[0].tolist(), store(name, rows, w)[1]) for name in LAYOUTS}
    assert sizes["dense"] == ([3], {"weights": 48, "padding": 0})
    assert sizes["csr"] == ([2], {"weights": 12, "indices": 12, "padding": 8})
    assert sizes["bitmap"] == ([2], {"weights": 12, "bitmap": 12, "padding": 8})
    assert sizes["codebook"] == ([2], {"indices": 24, "padding": 8, "codebook": 16})
    # Runs of 1, 6 and 2 zeros: run codes of one and two bits need 12 and 5 entries, of three bits 3.
    assert sizes["run_length"] == ([2], {"weights": 12, "runs": 9, "padding": 11})
