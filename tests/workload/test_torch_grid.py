"""Integers of fake-quantised weights: found exactly or not at all."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.snn import BinaryCodec, IntCodec, TernaryCodec
from neurosim.workload.torch_grid import codec_for, recover


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 8), st.booleans(), st.booleans(), st.integers(0, 2**31))
def test_integers_times_a_scale_come_back_to_the_last_one(bits, odd, per_channel, seed):
    rng = np.random.default_rng(seed)
    if odd or bits == 1:
        q = 2 * rng.integers(0, 2**bits, (6, 40)) - (2**bits - 1)
    else:
        q = rng.integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (6, 40))
    q[:, 0] = 1  # no common factor, and no channel of zeros
    scale = rng.uniform(1e-3, 2.0, (6, 1) if per_channel else (1, 1)).astype(np.float32)
    weight = (q.astype(np.float32) * scale).astype(np.float32)
    found = recover(weight)
    assert found is not None
    assert np.array_equal(found.integers, q)
    assert np.allclose(found.integers * found.scale.reshape(-1, 1), weight, rtol=3e-7, atol=0)
    assert found.codec.bits <= bits + (0 if q.min() >= -(2 ** max(bits - 1, 0)) or odd or bits == 1 else 1)
    found.codec.check(found.integers, "weights")


def test_dorefa_and_affine_quantisers_round_differently_and_still_lie_on_the_grid():
    rng = np.random.default_rng(0)
    w = rng.normal(0, 0.4, (8, 30)).astype(np.float32)
    n = np.float32(15)
    dorefa = (np.float32(2) * (np.rint((np.clip(w, -1, 1) + 1) / 2 * n) / n) - np.float32(1)).astype(np.float32)
    found = recover(dorefa)
    assert found is not None and found.codec == IntCodec(4, "odd")
    assert np.array_equal(found.integers, np.rint(dorefa * 15))


def test_trained_floats_lie_on_no_grid():
    rng = np.random.default_rng(1)
    assert recover(rng.normal(0, 1, (16, 100)).astype(np.float32)) is None
    for shape in ((8, 9), (3, 4), (2, 5)):
        assert recover(rng.normal(0, 1, shape).astype(np.float32)) is None
    q = rng.integers(-7, 8, (8, 40)).astype(np.float32) * np.float32(0.03)
    q[3, 7] += 1e-5  # one weight off the grid is no grid
    assert recover(q) is None
    assert recover(np.zeros((4, 20), np.float32)) is None


@pytest.mark.parametrize(
    ("values", "codec"),
    [([-1, 1], BinaryCodec()), ([-1, 0, 1], TernaryCodec()), ([-7, 0, 7], IntCodec(4)), ([-8, 3, 2], IntCodec(4)),
     ([8, 1, 2], IntCodec(5)), ([-3, 1, 3], IntCodec(2, "odd")), ([-15, 13, 1], IntCodec(4, "odd"))],
)  # fmt: skip
def test_the_narrowest_codec_is_chosen(values, codec):
    assert codec_for(np.array(values)) == codec
