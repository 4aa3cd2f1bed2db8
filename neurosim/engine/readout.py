"""From a spike trace to the answer of each sample."""

from __future__ import annotations

import numpy as np

from neurosim.snn.network import Network
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace


def read_out(network: Network, trace: SpikeTrace) -> np.ndarray | None:
    """The predicted class of each sample, (samples,) int64; -1 where a first-spike readout saw no spike."""
    if network.readout is None:
        return None
    index = network.index[network.readout.population]
    start, stop = int(network.offsets[index]), int(network.offsets[index + 1])
    if network.readout.kind == "membrane":
        return np.argmax(trace.membrane[:, start:stop], axis=1).astype(np.int64)
    values = trace.dense(start, stop)
    raster = values != 0
    if network.readout.kind == "count":
        counted = values if isinstance(network.populations[index].model, Lif) else raster
        return np.argmax(counted.sum(axis=1), axis=1).astype(np.int64)
    fired = raster.any(axis=1)
    first = np.where(fired, raster.argmax(axis=1), trace.timesteps)
    return np.where(fired.any(axis=1), np.argmin(first, axis=1), -1).astype(np.int64)
