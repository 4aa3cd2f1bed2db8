"""Encoders in whole numbers: by hand, against the float rules, decoded, and their operations counted by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.snn.front_end import Tally
from neurosim.workload.encode_changes import ChangeRule, changes
from neurosim.workload.encode_integers import IntegerRule, decode_integers, integer_changes
from neurosim.workload.encoder import decode, encode

signals = st.builds(
    lambda seed, shape, size: np.random.default_rng(seed).normal(0, size, shape).cumsum(axis=1).astype(np.int32),
    st.integers(0, 10**6), st.tuples(st.integers(1, 3), st.integers(1, 40), st.integers(1, 4)),
    st.sampled_from([0.5, 4.0, 60.0]),
)  # fmt: skip


def column(*values):
    return np.array(values).reshape(1, -1, 1)


@pytest.mark.parametrize(
    ("rule", "values", "spikes"),
    [
        # Thresholds 4, 3, 6, 12, 9, 18: the base is 0, 3, 9, 9, 18.
        (IntegerRule("tae", 4), [0, 5, 14, 20, 23, 22], [0, 1, 1, 0, 1, 0]),
        # Thresholds 4, 3, 5 (6 is too high), 5: the base is 0, -3, -8.
        (IntegerRule("tae", 4, high=5, start="zero"), [-4, -4, -9, -9], [0, -1, -1, 0]),
        (IntegerRule("tae", 4, low=4), [0, 4, 4, 5], [0, 0, 0, 1]),
        # Means of the last two: 0, 0, 3 (6 >> 1), 6, 3.
        (IntegerRule("moving_window", 2, window=1), [0, 6, 6, 0, 4], [0, 1, 1, -1, 0]),
        (IntegerRule("moving_window", 2, window=1, start="zero"), [3, 3, 3], [1, 0, 0]),
        (IntegerRule("step_forward", 3), [0, 4, 8, 8, 0], [0, 1, 1, 0, -1]),
        (IntegerRule("delta", 3), [0, 3, 5, 2], [0, 1, 0, -1]),
    ],
)
def test_by_hand(rule, values, spikes):
    assert integer_changes(column(*values), rule).ravel().tolist() == spikes


@settings(max_examples=80, deadline=None)
@given(signals, st.sampled_from(["delta", "step_forward"]), st.integers(1, 20), st.sampled_from(["first", "zero"]))
def test_integers_say_what_floats_say(data, kind, threshold, start):
    whole = integer_changes(data, IntegerRule(kind, threshold, start=start))
    assert np.array_equal(whole, changes(data, ChangeRule(kind, threshold, start=start)))


@settings(max_examples=80, deadline=None)
@given(signals, st.integers(1, 3), st.integers(1, 3), st.integers(1, 9), st.booleans())
def test_a_receiver_follows_the_base_of_tae(data, up, down, threshold, signed):
    """Written out once more, one channel after another: what the decoder gives is the base the encoder had."""
    spec = f"tae:threshold={threshold},up={up},down={down},high=99,low=1,signed={str(signed).lower()}"
    back = decode(encode(data, spec), spec, data[:, 0])
    for sample in range(data.shape[0]):
        for channel in range(data.shape[2]):
            base, limit = int(data[sample, 0, channel]), threshold
            for t, x in enumerate(data[sample, :, channel].tolist()):
                if abs(x - base) > limit:
                    base += limit if x > base else -limit
                    limit = min(limit * 2**up, 99)
                else:
                    limit = max(limit - limit // 2**down, 1)
                assert back[sample, t, channel] == base


def tally(values, rule):
    counted = Tally(values.shape[0], values.shape[2])
    integer_changes(values, rule, counted)
    return counted.work()


def operations(values, **rule):
    work = tally(column(*values), IntegerRule(**rule))
    return work.counts[0].tolist(), work.states, work.width_bits


def test_operations_by_hand():
    """In the order add, compare, shift, read, write."""
    # Two differences of two comparisons; the value of before is written three times and read twice. -6 takes 4 bits.
    assert operations([0, 5, -1], kind="delta", threshold=3) == ([2, 4, 0, 2, 3], 1, 4)
    # Three differences, one spike that moves the base: 4 additions; base read thrice, written at first and after it.
    assert operations([0, 5, 5], kind="step_forward", threshold=3) == ([4, 6, 0, 3, 2], 1, 4)
    # tae adds for each step a shift and a comparison, and without a spike a subtraction: 3 + 1 + 2 additions. Writes:
    # two at first, the base once, thresholds 4 -> 3 -> 6 -> 5.
    assert operations([0, 5, 5], kind="tae", threshold=4) == ([6, 9, 3, 6, 6], 2, 4)
    # A mean and a difference, the sum moved by two additions: three additions and a shift a step. 20 takes 6 bits.
    assert operations([0, 5, 5], kind="moving_window", threshold=9, window=2) == ([9, 6, 3, 6, 11], 5, 5)


def test_a_threshold_that_stays_is_not_written():
    assert operations([0, 0, 0], kind="tae", threshold=1)[0][4] == 2


@settings(max_examples=40, deadline=None)
@given(signals, st.sampled_from(["delta", "step_forward", "tae", "moving_window"]))
def test_counts_are_sums_over_samples_and_channels(data, kind):
    rule = IntegerRule(kind, 4)
    whole = tally(data, rule)
    each = [[tally(data[s : s + 1, :, c : c + 1], rule) for c in range(data.shape[2])] for s in range(len(data))]
    assert whole.counts.tolist() == [sum(w.counts[0] for w in row).tolist() for row in each]
    assert whole.channels == data.shape[2]
    assert whole.width_bits == max(w.width_bits for row in each for w in row)
    bits = max(int(v).bit_length() for v in (data.max(initial=0), max(-data.min(initial=0) - 1, 0))) + 1
    assert whole.width_bits >= bits


def test_a_stimulus_carries_the_work_of_its_samples():
    data = np.random.default_rng(0).integers(-50, 50, (4, 9, 3))
    whole = encode(data, "tae:front_end=true,signed=true")
    assert encode(data, "tae:signed=true").front_end is None
    for part, rows in ((whole.head(2), slice(0, 2)), (whole.part(1, 3), slice(1, 3)), (whole.sample(3), slice(3, 4))):
        alone = encode(data[rows], "tae:front_end=true,signed=true")
        assert np.array_equal(part.front_end.counts, alone.front_end.counts)
        assert part.content_hash() == alone.content_hash()
    assert whole.content_hash() != encode(data, "tae:signed=true").content_hash()


@pytest.mark.parametrize(
    ("spec", "data", "message"),
    [
        ("tae", np.full((1, 3, 1), 0.5), "float64 values with fractions, and it works in whole numbers"),
        ("tae:threshold=9,high=8", np.zeros((1, 3, 1)), "expected 1 to 8 .low and high"),
        ("tae:threshold=0.5", np.zeros((1, 3, 1)), "threshold: got '0.5', expected a whole number of 1"),
        ("step_forward:threshold=0.5,front_end=true", np.zeros((1, 3, 1)), "a front end works in whole numbers"),
        ("adaptive:front_end=true", np.zeros((1, 3, 1)), "expected KEY=VALUE"),
    ],
)
def test_refusals(spec, data, message):
    with pytest.raises(NeurosimError, match=message):
        encode(data, spec)


def test_delta_cannot_be_decoded():
    with pytest.raises(NeurosimError, match="only that a value changed"):
        decode_integers(np.zeros((1, 2, 1)), IntegerRule("delta", 3))
