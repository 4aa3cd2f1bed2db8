"""Encoders by small literals."""

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.workload.encoder import encode
from neurosim.workload.encoders import encode_bernoulli, encode_direct, encode_rate


@pytest.mark.parametrize(
    ("pixel", "raster"),
    [
        (0, [0, 0, 0, 0]),
        (255, [1, 1, 1, 1]),
        (128, [1, 0, 1, 0]),
        (64, [0, 1, 0, 0]),
        (191, [1, 0, 1, 1]),
        (31, [0, 0, 0, 0]),
    ],
)
def test_even_rate_coding(pixel, raster):
    stimulus = encode_rate(np.array([[pixel]], np.uint8), 4)
    dense = np.zeros(4, int)
    for t in range(4):
        dense[t] = stimulus.ptr[t + 1] - stimulus.ptr[t]
    assert dense.tolist() == raster


@pytest.mark.parametrize("steps", [1, 3, 8])
def test_rate_coding_spikes_the_rounded_number_of_times(steps):
    pixels = np.arange(256, dtype=np.uint8)[None]
    counts = np.bincount(encode_rate(pixels, steps).neuron, minlength=256)
    assert np.array_equal(counts, (steps * np.arange(256) + 127) // 255)


def test_rate_coding_wants_pixels():
    with pytest.raises(NeurosimError, match="uint8"):
        encode_rate(np.zeros((1, 4), np.float32), 3)


def test_bernoulli_is_keyed_by_seed_and_sample():
    images = np.full((3, 50), 128, np.uint8)
    whole = encode_bernoulli(images, 10, seed=4)
    part = encode_bernoulli(images[:2], 10, seed=4)
    assert np.array_equal(whole.head(2).neuron, part.neuron)
    assert not np.array_equal(whole.neuron, encode_bernoulli(images, 10, seed=5).neuron)
    assert abs(whole.neuron.size / (3 * 10 * 50) - 128 / 255) < 0.05


def test_direct_sends_the_value_each_step():
    stimulus = encode_direct(np.array([[0, 7, 255]], np.uint8), 2)
    assert stimulus.neuron.tolist() == [1, 2, 1, 2]
    assert stimulus.value.tolist() == [7, 255, 7, 255]


def test_unknown_encoder_and_no_steps():
    with pytest.raises(NeurosimError, match=r"encoder\.kind"):
        encode(np.zeros((1, 1), np.uint8), "morse", 1)
    with pytest.raises(NeurosimError, match="timesteps"):
        encode(np.zeros((1, 1), np.uint8), "direct", 0)
    with pytest.raises(NeurosimError, match="use fewer samples or timesteps"):
        encode(np.zeros((5, 784), np.uint8), "rate_deterministic", 10**8)
