"""Grids: the nearest integer of each format, and scales that lose least."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.compress.grids import best_scale, codebook, grid_of
from neurosim.errors import NeurosimError
from neurosim.snn import BinaryCodec, IntCodec, TernaryCodec

FORMATS = {
    "2": [-1, 0, 1], "3": [-3, -2, -1, 0, 1, 2, 3], "odd:2": [-3, -1, 1, 3], "odd:1": [-1, 1], "ternary": [-1, 0, 1],
    "sign": [-1, 1], "1": [-1, 1],
}  # fmt: skip


@pytest.mark.parametrize("name", FORMATS)
def test_nearest_is_nearest_and_fits_the_codec(name):
    grid, values = grid_of(name, "test"), np.array(FORMATS[name])
    x = np.linspace(-5, 5, 1001)
    q = grid.nearest(x)
    assert np.allclose(np.abs(q - x), np.abs(values[None] - x[:, None]).min(axis=1))
    grid.codec.check(q, "test")


def test_formats_name_their_codecs():
    assert grid_of(4, "x").codec == IntCodec(4) and grid_of("odd:3", "x").codec == IntCodec(3, "odd")
    assert grid_of(1, "x").codec == BinaryCodec() and grid_of("ternary", "x").codec == TernaryCodec()
    assert grid_of("codebook:16", "x").words == 16


@pytest.mark.parametrize("name", [0, 17, "odd:0", "odd", "int4", "codebook:1", "", "-3", "4.5"])
def test_unknown_formats_are_refused(name):
    with pytest.raises(NeurosimError, match="weight format"):
        grid_of(name, "here")


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 10_000), st.sampled_from(["2", "3", "4", "8", "odd:2", "odd:3", "ternary", "sign"]))
def test_least_error_scale_beats_its_neighbours_and_the_largest_weight(seed, name):
    rng = np.random.default_rng(seed)
    weights, group = rng.normal(size=200), rng.integers(0, 3, 200)
    grid = grid_of(name, "test")

    def error(scale):
        return ((weights - scale[group] * grid.nearest(weights / scale[group])) ** 2).sum()

    best = best_scale(weights, group, 3, grid, "mse")
    assert (best > 0).all()
    assert error(best) <= error(best_scale(weights, group, 3, grid, "max")) * (1 + 1e-9)
    for factor in (0.7, 1.4):
        assert error(best) <= error(best * factor) * (1 + 1e-9)


def test_weights_on_a_grid_are_found_exactly():
    q = np.arange(-7, 8)
    weights, group = 0.37 * np.tile(q, 4), np.zeros(60, np.int64)
    for how in ("mse", "max"):
        scale = best_scale(weights, group, 1, grid_of(4, "test"), how)
        assert np.allclose(scale, 0.37)


def test_groups_of_zeros_borrow_a_scale():
    weights = np.array([0.0, 0.0, 1.0, -7.0])
    assert best_scale(weights, np.array([0, 0, 1, 1]), 3, grid_of(4, "x"), "max").tolist() == [1.0, 1.0, 1.0]
    assert best_scale(np.zeros(3), np.zeros(3, np.int64), 1, grid_of(4, "x"), "mse").tolist() == [1.0]


def test_codebook_keeps_the_frequent_and_maps_the_rest_by_dot_product():
    rows = np.array([[1, 1, 1], [1, 1, 1], [-1, -1, -1], [-1, -1, -1], [1, -1, -1]])
    real = rows * np.array([[0.1], [0.1], [0.1], [0.1], [1.0]])
    real[4, 0] = 3.0
    mapped, codec = codebook(rows, real, 2)
    assert sorted(codec.table) == [(-1, -1, -1), (1, 1, 1)]
    assert mapped[4].tolist() == [1, 1, 1] and np.array_equal(mapped[:4], rows[:4])
    codec.check(mapped, "test")
