"""Encoders of signals: small cases by hand, and what comes back when they are decoded."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.workload.encode_changes import ChangeRule, changes, decode_changes, from_channels, to_channels
from neurosim.workload.encoder import decode, encode


def sent(values, kind, **rule):
    return changes(np.array(values, float).reshape(1, -1, 1), ChangeRule(kind, **rule)).ravel().tolist()


@pytest.mark.parametrize(
    ("kind", "values", "rule", "spikes"),
    [
        ("delta", [0, 1, 1, 0, 0.4, 0.8], {"threshold": 0.5}, [0, 1, 0, -1, 0, 0]),
        ("delta", [0, 0.5, 0], {"threshold": 0.5}, [0, 1, -1]),
        ("send_on_delta", [0, 1, 3.5, 3, -1], {"threshold": 1.0}, [0, 1, 2, 0, -4]),
        ("send_on_delta", [2, 2], {"threshold": 1.0, "start": "zero"}, [2, 0]),
        ("step_forward", [0, 1, 2, 2, 2, 0], {"threshold": 0.75}, [0, 1, 1, 0, 0, -1]),
        ("step_forward", [5, 5.75, 5.76], {"threshold": 0.75}, [0, 0, 1]),
        # Thresholds 1, 2 (after the spike), 4, then relaxing to 2.5 and 1.75 at half the distance from 1.
        ("adaptive", [0, 1.5, 3.5, 3.5, 3.5, 5.5], {"threshold": 1.0, "growth": 2.0, "keep": 0.5}, [0, 1, 1, 0, 0, 1]),
    ],
)
def test_by_hand(kind, values, rule, spikes):
    assert sent(values, kind, **rule) == spikes


def test_channels_are_off_then_on():
    spikes = np.array([[[2, -1, 0]]], np.int32)
    assert to_channels(spikes, False).tolist() == [[[[0, 1, 0], [2, 0, 0]]]]
    assert to_channels(spikes, True) is spikes


signals = st.builds(
    lambda seed, shape, size: (np.random.default_rng(seed).normal(0, size, shape).cumsum(axis=1)),
    st.integers(0, 10**6), st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 4)),
    st.sampled_from([0.01, 0.5, 20.0]),
)  # fmt: skip


@settings(max_examples=100, deadline=None)
@given(signals, st.sampled_from([0.03, 0.5, 1.7]), st.booleans(), st.sampled_from(["first", "zero"]))
def test_send_on_delta_comes_back_within_a_threshold(data, threshold, signed, start):
    stimulus = encode(data, "send_on_delta", threshold=threshold, signed=signed, start=start)
    begin = data[:, 0] if start == "first" else 0.0
    back = decode(stimulus, "send_on_delta", begin, threshold=threshold, signed=signed)
    assert np.abs(back - data).max() < threshold * (1 + 1e-9) + 1e-9


@settings(max_examples=100, deadline=None)
@given(signals, st.booleans())
def test_step_forward_follows_what_is_slow_enough(data, signed):
    threshold = max(np.abs(np.diff(data, axis=1)).max(initial=0), 1e-6) * 1.000001
    stimulus = encode(data, "step_forward", threshold=threshold, signed=signed)
    back = decode(stimulus, "step_forward", data[:, 0], threshold=threshold, signed=signed)
    assert np.abs(back - data).max() <= threshold * (1 + 1e-9)


@settings(max_examples=60, deadline=None)
@given(signals, st.sampled_from(["step_forward", "adaptive", "send_on_delta"]))
def test_the_decoder_keeps_the_encoder_s_reference(data, kind):
    """What is sent next depends on the reference alone, so a wrong one would send something else."""
    rule = ChangeRule(kind, 0.3)
    spikes = changes(data, rule)
    reference = decode_changes(spikes, rule, data[:, 0])
    away = data[:, 1:] - reference[:, :-1]
    assert ((np.sign(spikes[:, 1:]) == np.sign(away)) | (spikes[:, 1:] == 0)).all()
    if kind == "adaptive":
        assert np.abs(spikes).max(initial=0) <= 1
    else:
        assert ((np.abs(away) > 0.3 * (1 + 1e-9)) <= (spikes[:, 1:] != 0)).all()


@settings(max_examples=40, deadline=None)
@given(signals, st.booleans())
def test_channels_come_back(data, signed):
    spikes = changes(data, ChangeRule("send_on_delta", 0.2))
    from neurosim.snn.trace import Stimulus

    assert np.array_equal(from_channels(Stimulus.from_dense(to_channels(spikes, signed)), signed), spikes)


def test_adaptive_spikes_less_than_step_forward_on_a_ramp():
    ramp = np.linspace(0, 10, 200).reshape(1, -1, 1)
    plain, adaptive = (encode(ramp, kind, threshold=0.06).neuron.size for kind in ("step_forward", "adaptive"))
    assert adaptive < plain


def test_what_cannot_be_done():
    with pytest.raises(NeurosimError, match="says only that a value changed"):
        decode(encode(np.ones((1, 3, 1)), "delta"), "delta")
    with pytest.raises(NeurosimError, match="cannot be decoded"):
        decode(encode(np.ones((1, 3)), "rate", 2), "rate")
    with pytest.raises(NeurosimError, match="over 2\\^31 times"):
        encode(np.array([[[0.0], [1e9]]]), "send_on_delta", threshold=1e-9)
