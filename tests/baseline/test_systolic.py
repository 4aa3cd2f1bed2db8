"""Closed form, walked folds and moved data agree; the numbers of a small case by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.baseline.systolic import DATAFLOWS, Array, Counts, Gemm, count_product
from neurosim.baseline.systolic_walk import multiply, walk
from neurosim.errors import NeurosimError

SIZES = st.integers(1, 12)
ARRAYS = st.builds(Array, st.integers(1, 5), st.integers(1, 5), st.sampled_from(DATAFLOWS), st.booleans())


@settings(max_examples=200, deadline=None)
@given(st.builds(Gemm, SIZES, SIZES, SIZES), ARRAYS)
def test_closed_form_equals_the_walk(gemm, array):
    assert count_product(gemm, array) == walk(gemm, array)


@settings(max_examples=60, deadline=None)
@given(st.builds(Gemm, SIZES, SIZES, SIZES), ARRAYS, st.integers(0, 99))
def test_moved_data_give_the_product_in_those_cycles(gemm, array, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.integers(-128, 128, (gemm.m, gemm.k)), rng.integers(-128, 128, (gemm.k, gemm.n))
    product, cycles, done = multiply(a, b, array)
    serial = count_product(gemm, Array(array.rows, array.columns, array.dataflow))
    assert np.array_equal(product, a @ b)
    assert (cycles, done) == (serial.cycles, gemm.macs)


def test_by_hand():
    # 3 x 5 on rows and columns of 2 x 4: 2 x 2 folds of 7 + 2 + 4 - 2 = 11 cycles.
    assert count_product(Gemm(3, 5, 7), Array(2, 4, "os")) == Counts(
        44, 4, 3 * 7 * 2, 7 * 5 * 2, 15, 0, 105, 15 / 32, 105 / (44 * 8)
    )
    # K = 7 on two rows: 4 folds down, 2 across, each 2 + 3 + 2 + 4 - 2 = 9 cycles; three of four folds read sums back.
    assert count_product(Gemm(3, 5, 7), Array(2, 4, "ws")) == Counts(
        72, 8, 3 * 7 * 2, 35, 60, 45, 105, 35 / 64, 105 / (72 * 8)
    )
    # Loads behind the fold before: 7 of the 8 times 2 cycles are gone.
    assert count_product(Gemm(3, 5, 7), Array(2, 4, "ws", overlapped=True)).cycles == 72 - 14


def test_one_element_does_one_product_a_cycle():
    counts = count_product(Gemm(2, 3, 4), Array(1, 1, "os"))
    assert counts.cycles == 24 and counts.utilisation == 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Gemm(0, 1, 1), "gemm.m: got 0"),
        (lambda: Array(0, 1), "array.rows: got 0"),
        (lambda: Array(1, 1, "rs"), "array.dataflow: got 'rs'"),
    ],
)
def test_bad_values_are_named(make, message):
    with pytest.raises(NeurosimError, match=message):
        make()
