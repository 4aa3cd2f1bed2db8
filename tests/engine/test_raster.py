"""The spikes that a result keeps are those of the trace."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.engine import raster
from neurosim.engine.function import run_function
from neurosim.engine.raster import first_spikes, spikes_by_step
from neurosim.snn.trace import Stimulus
from tests.study.small import network


@given(st.integers(1, 4), st.integers(1, 6), st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_against_dense_arrays(samples, timesteps, seed, rate):
    net = network()
    spikes = np.random.default_rng(seed).random((samples, timesteps, 9)) < rate
    trace = run_function(net, Stimulus.from_dense(spikes.astype(np.uint8)), engine="reference")
    full = trace.dense(0, trace.n_neurons)
    step, neuron = np.nonzero(full[0])
    assert np.array_equal(first_spikes(trace), np.stack([step, neuron], axis=1))
    found = spikes_by_step(net, trace)
    for row, start, stop in zip(found, net.offsets[:-1], net.offsets[1:], strict=True):
        assert np.array_equal(row, full[:, :, start:stop].sum(axis=(0, 2)))


@pytest.mark.parametrize(("most", "kept"), [(9, True), (8, False)])
def test_too_many_spikes_are_not_kept(monkeypatch, most, kept):
    monkeypatch.setattr(raster, "MAX_SPIKES", most)
    net = network(threshold=30000)
    trace = run_function(net, Stimulus.from_dense(np.ones((1, 1, 9), np.uint8)), engine="reference")
    assert (first_spikes(trace) is not None) == kept
