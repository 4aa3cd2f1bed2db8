"""DRAM traffic and waiting: vectorised equals walked; bounds that hold of any schedule; a case by hand."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.baseline.systolic import DATAFLOWS, Array, Gemm, count_product
from neurosim.baseline.traffic import Buffers, Job, Widths, count_traffic
from neurosim.baseline.traffic_walk import walk_traffic
from neurosim.errors import NeurosimError

SIZES = st.integers(1, 20)
GEMMS = st.builds(Gemm, SIZES, SIZES, SIZES)
ARRAYS = st.builds(Array, st.integers(1, 6), st.integers(1, 6), st.sampled_from(DATAFLOWS), st.booleans())
WIDTHS = st.builds(Widths, st.integers(1, 8), st.integers(1, 8), st.integers(8, 32), st.integers(1, 32))
BUFFERS = st.builds(Buffers, st.integers(1, 3000), st.integers(1, 3000), st.integers(1, 9000), st.integers(1, 512))
BIG = Buffers(1 << 30, 1 << 30, 1 << 30, 1 << 20)
INT8 = Widths(8, 8, 32, 8)


@st.composite
def jobs(draw):
    gemm = draw(GEMMS)
    return Job(gemm, draw(st.integers(1, gemm.m * gemm.k)), *(draw(st.booleans()) for _ in range(3)))


@settings(max_examples=300, deadline=None)
@given(jobs(), ARRAYS, WIDTHS, BUFFERS)
def test_vectorised_equals_the_walk(job, array, widths, buffers):
    assert count_traffic(job, array, widths, buffers) == walk_traffic(job, array, widths, buffers)


@settings(max_examples=100, deadline=None)
@given(jobs(), ARRAYS, WIDTHS, BUFFERS)
def test_never_below_what_must_move_nor_faster_than_the_array(job, array, widths, buffers):
    traffic, gemm = count_traffic(job, array, widths, buffers), job.gemm
    assert traffic.ifmap_bits >= (0 if job.ifmap_on_chip else job.inputs * widths.ifmap)
    assert traffic.filter_bits >= (0 if job.filter_on_chip else gemm.k * gemm.n * widths.filter)
    assert traffic.output_bits == (0 if job.output_on_chip else gemm.m * gemm.n * widths.output)
    assert traffic.cycles >= count_product(gemm, array).cycles
    assert traffic.cycles >= -(-traffic.bits // buffers.dram_bits_per_cycle)


@settings(max_examples=60, deadline=None)
@given(GEMMS, ARRAYS)
def test_large_buffers_move_everything_once(gemm, array):
    traffic = count_traffic(Job(gemm, gemm.m * gemm.k), array, INT8, BIG)
    assert traffic.bits == 8 * (gemm.m * gemm.k + gemm.k * gemm.n + gemm.m * gemm.n)
    assert traffic.sum_bits_in == traffic.sum_bits_out == 0
    # One transfer before, one after, everything else behind the work.
    assert traffic.cycles == count_product(gemm, array).cycles + 2


def test_by_hand():
    # ws on 2 x 2: K = 4, N = 4, M = 3: four folds of 2 + 3 + 2 cycles, serial: 2 + 3 + 2 + 2 - 2 = 7.
    gemm, array = Gemm(3, 4, 4), Array(2, 2, "ws")
    # The input's half of 48 bits holds one slice of 3 x 2 bytes and not all twelve; sums of one column slice fit.
    traffic = count_traffic(Job(gemm, 12), array, INT8, Buffers(96, 512, 512, 8))
    # Rows inside: slices of the input alternate and are fetched in all 4 folds; columns inside: twice, and all 12 sums
    # (384 bits) would have to stay, which they do not in 256: the first row's folds write 192, the second's read them.
    assert traffic.order == "rows_inside"
    assert (traffic.ifmap_bits, traffic.filter_bits, traffic.output_bits) == (4 * 48, 128, 96)
    # In 80 bits a fold: 10 cycles; out 48 after folds 1 and 3: 6. 10 + max(7, 10) + max(7, 10) + max(7, 16) + 7 + 6.
    assert traffic.cycles == 10 + 10 + 10 + 16 + 7 + 6
    wide = count_traffic(Job(gemm, 12), array, INT8, Buffers(96, 512, 768, 8))
    assert wide.order == "columns_inside" and wide.ifmap_bits == 96


def test_sums_that_do_not_fit_are_written_and_read_back():
    job, array = Job(Gemm(8, 2, 6), 48), Array(2, 2, "ws")
    traffic = count_traffic(job, array, INT8, Buffers(1 << 20, 1 << 20, 8, 64))
    assert traffic.sum_bits_in == traffic.sum_bits_out == 2 * 16 * 32


def test_no_buffer_is_an_error():
    with pytest.raises(NeurosimError, match=r"buffers.sums: got 0"):
        Buffers(1, 1, 0, 1)
