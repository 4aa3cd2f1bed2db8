"""Folding a scale changes the unit of a membrane and nothing else."""

import numpy as np
import pytest

from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Stimulus
from neurosim.snn.fold import fold_scale


@pytest.mark.parametrize(
    ("scale", "threshold", "offset", "bits", "expected_threshold", "expected_bias"),
    [
        (0.5, 1.0, 0.25, 0, 2, 0),
        (0.5, 1.0, 0.25, 1, 4, 1),
        (0.5, 1.0, 0.25, 6, 128, 32),
        (-0.5, 1.0, -0.25, 6, 128, -32),
        (0.3, 1.0, 0.0, 4, 53, 0),
    ],
)
def test_by_hand(scale, threshold, offset, bits, expected_threshold, expected_bias):
    folded = fold_scale(np.array([[3, -2]], np.int8), [scale], threshold, offset, bits)
    assert folded.threshold.tolist() == [expected_threshold] and folded.bias.tolist() == [expected_bias]
    assert folded.weights.tolist() == [[-3, 2]] if scale < 0 else [[3, -2]]
    assert folded.weight_shift == bits


def test_folded_integers_spike_as_the_real_numbers_do():
    # Scales and offsets are multiples of 2^-6, so nothing is rounded and the spikes must be the same.
    rng = np.random.default_rng(4)
    q = rng.integers(-7, 8, (20, 6))
    scale = np.array([1.0, 0.5, 0.25, -0.5, 0.125, -1.0])
    offset = rng.integers(-8, 9, 6) / 64
    spikes = rng.random((3, 90, 20)) < 0.3
    folded = fold_scale(q, scale, 2.0, offset, fraction_bits=6, channel_axis=1)
    model = Lif(folded.threshold, bias=folded.bias, membrane_bits=24)
    network = Network(
        [Population("in", (20,), Input()), Population("a", (6,), model)],
        [Projection("in", "a", Dense(folded.weights), IntCodec(4), weight_shift=6)],
    )
    raster = run_function(network, Stimulus.from_dense(spikes.astype(np.int8))).dense(20, 26)
    v = np.zeros((3, 6))
    fired = 0
    for t in range(90):
        v += spikes[:, t] @ q * scale + offset
        expected = v >= 2.0
        v -= 2.0 * expected
        fired += expected.sum()
        assert np.array_equal(raster[:, t] != 0, expected)
    assert fired > 50


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"scale": [0.0]}, "zero"),
        ({"scale": [float("nan")]}, "zero, NaN"),
        ({"scale": [1.0, 1.0]}, "2 channels"),
        ({"weights": np.ones((1, 2))}, "integers"),
        ({"threshold": 1e-9}, "more fraction bits"),
        ({"scale": [1e-9]}, "fewer fraction bits"),
    ],
)
def test_what_cannot_be_folded(change, message):
    fields = {"weights": np.ones((1, 2), np.int8), "scale": [1.0], "threshold": 1.0, **change}
    with pytest.raises(NeurosimError, match=message):
        fold_scale(**fields)
