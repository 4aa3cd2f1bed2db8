"""Encoders by name: their options, laws of the random ones, latency, and what they refuse."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.workload.encoder import KINDS, encode, encoder
from neurosim.workload.encoders import encode_bernoulli


def raster(stimulus):
    dense = np.zeros((stimulus.n_samples * stimulus.timesteps, stimulus.n_inputs))
    rows = np.repeat(np.arange(len(dense)), np.diff(stimulus.ptr))
    dense[rows, stimulus.neuron] = 1 if stimulus.value is None else stimulus.value
    return dense.reshape(stimulus.n_samples, stimulus.timesteps, -1)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.floats(0, 1), st.sampled_from([0.25, 1.0]))
def test_rates_lie_within_binomial_bounds(seed, value, gain):
    """Six standard deviations of a binomial, and one spike: a right encoder fails once in 10^8 draws."""
    steps, n = 50, 400
    spikes = encode(np.full((1, n), value), "rate", steps, seed=seed, gain=gain).neuron.size
    p, trials = value * gain, steps * n
    assert abs(spikes - p * trials) <= 6 * np.sqrt(trials * p * (1 - p)) + 1


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from(["rate", "frames:mismatch=0.1,on=0.05,off=0.05"]))
def test_the_seed_decides(seed, spec):
    data = np.random.default_rng(seed).random((3, 6, 5, 5))
    first, again, other = (encode(data, spec, 4, seed=s) for s in (seed, seed, seed + 1))
    assert first.content_hash() == again.content_hash() != other.content_hash()
    alone = encode(data[:2], spec, 4, seed=seed)
    assert alone.content_hash() == first.head(2).content_hash()


def test_fractions_and_bytes_of_the_same_picture_spike_alike():
    pixels = np.arange(256, dtype=np.uint8).reshape(1, 16, 16)
    by_bytes, by_shares = encode(pixels, "rate", 9, seed=3), encode(pixels / 255, "rate", 9, seed=3)
    assert (raster(by_bytes) != raster(by_shares)).mean() < 1e-3
    assert encode_bernoulli(pixels, 9, seed=3).content_hash() == by_bytes.content_hash()


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6), st.integers(1, 30),
    st.sampled_from(["latency", "latency:cutoff=0.3", "latency:curve=log,cutoff=0.2,tau=3"]),
)  # fmt: skip
def test_latency_keeps_the_order(seed, steps, spec):
    """One spike for each value above the cutoff, none for the others, and a larger value never later."""
    values = np.random.default_rng(seed).random((2, 30))
    dense = raster(encode(values, spec, steps))
    cutoff = encoder(spec).options["cutoff"]
    assert np.array_equal(dense.sum(axis=1), values > cutoff)
    for sample in range(2):
        order = np.argsort(-values[sample])
        times = [dense[sample, :, i].argmax() for i in order if values[sample, i] > cutoff]
        assert times == sorted(times)


def test_latency_by_hand():
    dense = raster(encode(np.array([[0, 51, 128, 255]], np.uint8), "latency", 6))[0]
    assert [np.flatnonzero(dense[:, i]).tolist() for i in range(4)] == [[], [4], [2], [0]]
    # ln(1 / 0.8) x 5 = 1.1, ln(0.5 / 0.3) x 5 = 2.6, ln(0.21 / 0.01) x 5 = 15.2, held at the last step.
    dense = raster(encode(np.array([[1, 0.5, 0.21, 0.2]]), "latency:curve=log,cutoff=0.2", 8))[0]
    assert [np.flatnonzero(dense[:, i]).tolist() for i in range(4)] == [[1], [2], [7], []]


def test_direct_keeps_fractions():
    assert raster(encode(np.array([[0.25, -3.0]]), "direct", 2)).tolist() == [[[0.25, -3], [0.25, -3]]]
    assert encode(np.array([[0.25]]), "direct", 1).value.dtype == np.float32


@pytest.mark.parametrize(
    ("spec", "data", "inputs", "bits"),
    [
        ("rate", np.zeros((2, 3, 4)), 12, 1),
        ("direct", np.array([[0, 200]], np.uint8), 2, 8),
        ("direct", np.array([[0.5, 1]]), 2, 32),
        ("delta", np.zeros((2, 5, 3)), 6, 1),
        ("delta:signed=true", np.zeros((2, 5, 3)), 3, 2),
        ("send_on_delta:threshold=1", np.array([[[0.0], [7.5]]]), 2, 4),
        ("frames", np.zeros((1, 4, 5, 6)), 60, 1),
        ("frames:values=true", np.zeros((1, 4, 5, 6)), 60, 16),
    ],
)
def test_inputs_and_bits_are_known_before(spec, data, inputs, bits):
    chosen = encoder(spec)
    lead = 1 if chosen.takes == "still" else 2
    assert (chosen.inputs(data.shape[lead:]), chosen.bits(data)) == (inputs, bits)
    made = encode(data, chosen, 3 if chosen.takes == "still" else None)
    assert made.n_inputs == inputs
    assert made.value is None or abs(made.value).max() < 2**bits


def test_signals_have_their_own_timesteps():
    data = np.random.default_rng(0).random((2, 7, 3))
    whole = encode(data, "step_forward")
    assert whole.timesteps == 7
    assert np.array_equal(raster(encode(data, "step_forward", 4)), raster(whole)[:, :4])


@pytest.mark.parametrize(
    ("spec", "options", "said"),
    [
        ("morse", {}, "encoder.kind: got 'morse'"),
        ("rate:gian=1", {}, "got 'gian=1', expected KEY=VALUE with a key of gain"),
        ("rate:gain", {}, "got 'gain', expected KEY=VALUE"),
        ("direct:gain=1", {}, "expected no options"),
        ("rate:gain=1.5", {}, "gain: got '1.5', expected a number of 0 to 1"),
        ("rate:gain=nan", {}, "gain: got 'nan'"),
        ("delta:threshold=0", {}, "expected a number above 0"),
        ("delta", {"signed": 3}, "signed: got '3', expected true or false"),
        ("latency:curve=square", {}, "expected linear or log"),
        ("events:width=2.5", {}, "expected a whole number of 1 to 32767"),
        ("events", {"step": 0}, "expected a whole number"),
    ],
)
def test_wrong_options_are_named(spec, options, said):
    with pytest.raises(NeurosimError) as error:
        encoder(spec, **options)
    assert said in str(error.value)


@pytest.mark.parametrize(
    ("spec", "data", "steps", "said"),
    [
        ("rate", np.array([[0, 300]]), 3, "int64 values of 0 to 300, expected uint8 pixels or 0 to 1"),
        ("rate", np.array([[0.5, -0.5]]), 3, "values of -0.5 to 0.5"),
        ("rate", np.array([[0.5, np.nan]]), 3, "NaN or infinity"),
        ("rate", np.zeros((0, 4)), 3, "shape (0, 4)"),
        ("rate", np.zeros(4), 3, "expected numbers (samples, ...)"),
        ("rate", np.array([["a"]]), 3, "expected numbers"),
        ("rate", np.zeros((1, 4)), None, "give one (--timesteps N)"),
        ("rate", np.zeros((1, 1 << 20)), 1 << 20, "use fewer samples or timesteps"),
        ("latency:curve=log", np.zeros((1, 4)), 3, "give one above 0"),
        ("delta", np.zeros((1, 4)), None, "expected numbers (samples, timesteps, features)"),
        ("delta", np.zeros((1, 4, 2)), 5, "timesteps: got 5, but the data have 4"),
        ("frames", np.zeros((1, 4, 2)), None, "(samples, frames, height, width)"),
        ("frames", np.zeros((1, 1, 2, 2)), None, "two frames or more"),
        ("rate", np.zeros(3, [("x", "i2"), ("y", "i2"), ("t", "i8"), ("p", "?")]), 3, "use the encoder 'events'"),
    ],
)
def test_wrong_data_are_named(spec, data, steps, said):
    with pytest.raises(NeurosimError) as error:
        encode(data, spec, steps)
    assert said in str(error.value)


def test_labels_go_along_and_are_counted():
    assert encode(np.zeros((2, 3)), "rate", 1, labels=np.array([4, 5])).labels.tolist() == [4, 5]
    with pytest.raises(NeurosimError, match="1 labels for 2 samples"):
        encode(np.zeros((2, 3)), "rate", 1, labels=np.array([4]))


def test_every_default_is_one_of_its_own_values():
    for name, (_, keys) in KINDS.items():
        chosen = encoder(name)
        again = encoder(name, **{key: value for key, value in chosen.options.items() if value is not None})
        assert again == chosen and set(chosen.options) == set(keys)
