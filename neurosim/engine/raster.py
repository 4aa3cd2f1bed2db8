"""The few spikes that a result keeps for pictures: those of the first sample, and sums by timestep."""

from __future__ import annotations

import numpy as np

from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace

MAX_SPIKES = 50_000


def first_spikes(trace: SpikeTrace) -> np.ndarray | None:
    """(spikes, 2) int32: timestep and global neuron number of every spike of the first sample, in that order. None
    where there are more than `MAX_SPIKES`, which no picture could show."""
    ends = trace.ptr[: trace.timesteps + 1]
    if ends[-1] > MAX_SPIKES:
        return None
    steps = np.repeat(np.arange(trace.timesteps), np.diff(ends))
    return np.stack([steps, trace.neuron[: ends[-1]]], axis=1).astype(np.int32)


def spikes_by_step(network: Network, trace: SpikeTrace) -> np.ndarray:
    """(populations, timesteps) int64: spikes over all samples."""
    sums = np.zeros((trace.timesteps, len(network.populations)), np.int64)
    # A timestep of all samples at a time, so that no array is as long as the trace.
    for step in range(trace.timesteps):
        starts, ends = trace.ptr[step : -1 : trace.timesteps], trace.ptr[step + 1 :: trace.timesteps]
        neurons = np.concatenate([trace.neuron[a:b] for a, b in zip(starts, ends, strict=True)])
        sums[step] = np.histogram(neurons, bins=network.offsets)[0]
    return sums.T.copy()
