"""Each layout written out as bits and read back, against the words and bits that are counted."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.mapping.pack import fetch, items_from, pack_rows, unpack_rows, words_from
from neurosim.mapping.storage import LAYOUTS, RowItems, Widths, store, store_groups
from neurosim.snn import BinaryCodec, FloatCodec, IntCodec, TernaryCodec


@st.composite
def blocks(draw):
    """Weights of every format, many of them zero where the format has a zero, and words of any width."""
    n_rows, n_items = draw(st.integers(1, 5)), draw(st.integers(1, 40))
    codec = draw(
        st.one_of(
            st.integers(1, 16).map(IntCodec),
            st.integers(1, 16).map(lambda b: IntCodec(b, "odd")),
            st.sampled_from([BinaryCodec(), TernaryCodec(), FloatCodec()]),
        )
    )
    codes = np.random.default_rng(draw(st.integers(0, 999))).integers(
        0, 1 << min(16, int(codec.bits)), (n_rows, n_items)
    )
    if codec.kind == "float32":
        weights = (codes % 7).astype(np.float32)
    else:
        weights = codec.decode(np.minimum(codes, 2) if codec.kind == "ternary" else codes).reshape(codes.shape)
    some = draw(st.sampled_from([0.0, 0.1, 0.5, 1.0]))
    if codec.kind in ("float32", "ternary") or getattr(codec, "grid", "") == "even":
        weights = np.where(np.random.default_rng(draw(st.integers(0, 999))).random(weights.shape) < some, weights, 0)
    index = max(draw(st.integers(1, 12)), (n_items - 1).bit_length())
    word = draw(st.one_of(st.integers(1, 40), st.sampled_from([16, 32, 64, 128, 256])))
    return weights, codec, Widths(int(codec.bits), index, word, np.unique(weights).size, draw(st.booleans()))


@pytest.mark.parametrize("layout", LAYOUTS)
@given(blocks())
def test_what_is_packed_is_unpacked_and_takes_the_words_that_are_counted(layout, block):
    weights, codec, w = block
    packed = pack_rows(layout, weights, codec, w)
    assert all(0 <= word < 1 << w.word for word in packed.image)
    back, stored = unpack_rows(packed, codec, w)
    np.testing.assert_array_equal(back, weights)
    assert stored[weights != 0].all()
    words, bits = store(layout, RowItems.of(weights), w)
    assert words.tolist() == [fetch(packed, row, w)[1] for row in range(len(weights))]
    assert sum(bits.values()) == len(packed.image) * w.word
    assert min(bits.values()) >= 0


@pytest.mark.parametrize("layout", ["csr", "bitmap", "run_length"])
@given(blocks(), st.integers(0, 999))
def test_listed_connections_come_back_with_their_zeros(layout, block, seed):
    """A stored zero is a connection, a place without one is none."""
    weights, codec, w = block
    listed = np.random.default_rng(seed).random(weights.shape) < 0.4
    back, stored = unpack_rows(pack_rows(layout, weights, codec, w, listed), codec, w)
    np.testing.assert_array_equal(stored, listed)
    np.testing.assert_array_equal(back[listed], weights[listed])
    rows = RowItems.of(listed)
    assert sum(store(layout, rows, w)[1].values()) == len(pack_rows(layout, weights, codec, w, listed).image) * w.word


@given(st.lists(st.integers(0, 1 << 70), max_size=20), st.integers(1, 71), st.integers(1, 80))
def test_words_hold_their_items(values, width, word):
    items = [v % (1 << width) for v in values]
    assert items_from(words_from(items, width, word), width, word)[: len(items)] == items


@given(blocks())
def test_best_is_never_larger(block):
    weights, _, w = block
    layout, _, bits = store_groups("best", [RowItems.of(weights)], w)
    sizes = {name: sum(store(name, RowItems.of(weights), w)[1].values()) for name in LAYOUTS}
    assert sum(bits.values()) == min(sizes.values()) == sizes[layout]


def test_the_table_is_stored_once_for_all_groups():
    rows = RowItems.of(np.array([[1, 2], [2, 1]]))
    w = Widths(8, 1, 64, 2, True)
    _, words, bits = store_groups("codebook", [rows, rows], w)
    assert bits == {"indices": 8, "padding": 4 * 62 + 48, "codebook": 16} and len(words) == 2


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


def test_pointers_by_hand():
    """Two rows of one word each: a pointer counts words 0 to 2 (2 bits) and up to 1 word (1 bit)."""
    rows = RowItems.of(np.array([[0, 5], [7, 0]]))
    words, bits = store("csr", rows, Widths(4, 1, 16, 3, True))
    assert words.tolist() == [2, 2]
    assert bits == {"weights": 8, "indices": 2, "pointers": 6, "padding": 2 * 11 + 10}
