"""Spikes in flat arrays: from dense and back, and what is refused."""

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.snn.trace import SpikeTrace, Stimulus


def test_from_dense_sorts_by_sample_step_neuron():
    spikes = np.zeros((2, 2, 3), np.int8)
    spikes[0, 1, 2] = spikes[0, 1, 0] = spikes[1, 0, 1] = 1
    stimulus = Stimulus.from_dense(spikes, np.array([4, 5]))
    assert stimulus.ptr.tolist() == [0, 0, 2, 3, 3]
    assert stimulus.neuron.tolist() == [0, 2, 1]
    assert stimulus.value is None
    assert stimulus.head(1).neuron.tolist() == [0, 2]
    assert stimulus.head(1).labels.tolist() == [4]


def test_values_are_kept_when_not_all_one():
    stimulus = Stimulus.from_dense(np.array([[[0, 3], [1, 0]]]))
    assert stimulus.value.tolist() == [3, 1]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Stimulus.from_dense(np.zeros((2, 3))), "samples, timesteps, neurons"),
        (lambda: Stimulus.from_dense(np.full((1, 1, 1), np.nan)), "NaN"),
        (lambda: Stimulus.from_dense(np.zeros((0, 3, 2))), "at least one"),
        (lambda: Stimulus(1, 1, 2, np.array([0, 1]), np.array([2], np.int32)), "expected 0 to 1"),
        (lambda: Stimulus(1, 2, 2, np.array([0, 1]), np.array([1], np.int32)), "stimulus.ptr"),
        (lambda: Stimulus.from_dense(np.ones((2, 1, 1)), np.zeros(3)), "labels"),
    ],
)
def test_impossible_stimuli_are_refused(make, message):
    with pytest.raises(NeurosimError, match=message):
        make()


def test_dense_view_of_a_trace():
    none = np.zeros((2, 1), np.uint8)
    membrane, saturations = np.zeros((1, 5), np.int32), np.zeros(1, np.int64)
    ptr, neuron = np.array([0, 2, 3]), np.array([1, 4, 3], np.int32)
    trace = SpikeTrace(1, 2, 5, ptr, neuron, None, none, membrane, saturations)
    assert trace.dense(3, 5).tolist() == [[[0, 1], [1, 0]]]
    assert trace.counts_by_neuron().tolist() == [0, 1, 0, 1, 1]


def test_part_is_the_samples_in_between():
    dense = np.random.default_rng(0).integers(0, 3, (5, 3, 4))
    stimulus = Stimulus.from_dense(dense, np.arange(5))
    part, expected = stimulus.part(1, 4), Stimulus.from_dense(dense[1:4], np.arange(1, 4))
    assert part.content_hash() == expected.content_hash()
    for start, stop in ((0, 0), (3, 2), (-1, 2), (2, 6)):
        with pytest.raises(NeurosimError, match="samples"):
            stimulus.part(start, stop)
