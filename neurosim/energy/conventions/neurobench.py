"""NeuroBench's metrics of a network that was run, under its names and by its definitions (`definitions.NEUROBENCH`).

They describe the network and its spikes and know no chip; what hardware does is counted apart, in neurosim's own names.
"""

from __future__ import annotations

from math import ceil
from typing import Any

import numpy as np

from neurosim.energy.conventions.executed import nonzero_fan_out
from neurosim.engine.membrane_updates import membrane_updates, replayable
from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Conv2d, Sparse
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace


def neurobench_metrics(
    network: Network,
    trace: SpikeTrace,
    predictions: np.ndarray | None,
    labels: np.ndarray | None,
    *,
    batch: int | None = None,
    updates: bool = False,
) -> dict[str, Any]:
    """The metrics by NeuroBench's names, then ``samples``, ``timesteps``, ``batch`` and the parts of the footprint.

    ``predictions`` and ``labels`` (samples,) int64 or None: without either there is no ClassificationAccuracy.
    ``batch`` samples go through a layer in one call, which decides between MACs and ACs (None: all of them).
    ``updates`` counts MembraneUpdates too, by replaying every membrane; otherwise, and for networks too large for
    that, it is None. Raises NeurosimError for a batch below 1.
    """
    if batch is not None and batch < 1:
        raise NeurosimError(f"batch: got {batch}, expected at least 1 sample, or None for all in one")
    size = trace.n_samples if batch is None else min(batch, trace.n_samples)
    counts = trace.counts_by_neuron()
    weights, zeros = _weights(network)
    by_layer = {p.name: _sparsity(network, [p], counts, trace) for p in _spiking(network)}
    parameters, state = footprint_bits(network)
    changed = None
    if updates and replayable(network):
        changed = sum(membrane_updates(network, trace).values()) / trace.n_samples
    return {
        "ParameterCount": parameter_count(network),
        "Footprint": ceil((parameters + state) / 8),
        "ConnectionSparsity": zeros / weights if weights else 0.0,
        "ActivationSparsity": _sparsity(network, _spiking(network), counts, trace),
        "ActivationSparsityByLayer": by_layer,
        "SynapticOperations": _operations(network, trace, counts, size),
        "MembraneUpdates": changed,
        "ClassificationAccuracy": None
        if predictions is None or labels is None
        else float((predictions == labels).mean()),
        "samples": trace.n_samples,
        "timesteps": trace.timesteps,
        "batch": size,
        "footprint_bytes": {"parameters": ceil(parameters / 8), "state": ceil(state / 8)},
    }


def _synapses(network: Network) -> list[Projection]:
    return [p for p in network.projections if p.connectivity.event == "synapse"]


def _spiking(network: Network) -> list[Population]:
    return [p for p in network.populations if isinstance(p.model, Lif) and p.model.threshold is not None]


def _biases(network: Network, population: Population) -> int:
    """Biases that a population stores: none where the one value is 0, one a channel where a convolution shares them."""
    if not isinstance(population.model, Lif):
        return 0
    bias = population.model.bias
    if bias.size == 1:
        return int(bias[0] != 0)
    into = [p.connectivity for p in _synapses(network) if p.target == population.name]
    if bias.size == population.n_neurons and into and all(isinstance(c, Conv2d) for c in into):
        channels = bias.reshape(population.shape[0], -1)
        if (channels == channels[:, :1]).all():
            return len(channels)
    return bias.size


def parameter_count(network: Network) -> int:
    """Weights and biases stored."""
    weights = sum(p.connectivity.weights.size for p in _synapses(network))
    return int(weights + sum(_biases(network, p) for p in network.populations))


def footprint_bits(network: Network) -> tuple[float, int]:
    """Bits of the parameters at their stored width (tables of codebooks too), and of one sample's state."""
    parameters = sum(
        p.connectivity.weights.size * p.codec.bits + getattr(p.codec, "table_bits", 0) for p in _synapses(network)
    )
    state = 0
    for p in network.populations:
        if isinstance(p.model, Lif):
            parameters += _biases(network, p) * (p.model.membrane_bits or 32)
            state += sum(s.width_bits for s in p.model.states) * p.n_neurons
    return parameters, state


def _pairs(network: Network, projection: Projection) -> int:
    """Weights of a projection, those that a sparse one does not store included; a kernel counts once."""
    if not isinstance(projection.connectivity, Sparse):
        return projection.connectivity.weights.size
    return network.population(projection.source).n_neurons * network.population(projection.target).n_neurons


def _weights(network: Network) -> tuple[int, int]:
    """All weights, and those that are zero."""
    total = sum(_pairs(network, p) for p in _synapses(network))
    return total, total - sum(int(np.count_nonzero(p.connectivity.weights)) for p in _synapses(network))


def _sparsity(network: Network, populations: list[Population], counts: np.ndarray, trace: SpikeTrace) -> float:
    neurons = sum(p.n_neurons for p in populations)
    if not neurons:
        return 0.0
    spikes = sum(int(counts[slice(*network.offsets[network.index[p.name] :][:2])].sum()) for p in populations)
    total = neurons * trace.timesteps * trace.n_samples
    return (total - spikes) / total


def _operations(network: Network, trace: SpikeTrace, counts: np.ndarray, batch: int) -> dict[str, float]:
    macs = acs = dense = 0
    for p in _synapses(network):
        sparse = isinstance(p.connectivity, Sparse)
        dense += (_pairs(network, p) if sparse else network.connections(p)) * trace.timesteps
        start, stop = network.offsets[network.index[p.source] :][:2]
        fan_out = nonzero_fan_out(network, p)
        total = int(counts[start:stop] @ fan_out)
        multiplied = _multiplied(trace, int(start), int(stop), fan_out, batch)
        macs += multiplied
        acs += total - multiplied
    n = trace.n_samples
    return {"Effective_MACs": macs / n, "Effective_ACs": acs / n, "Dense": float(dense)}


def _multiplied(trace: SpikeTrace, start: int, stop: int, fan_out: np.ndarray, batch: int) -> int:
    """Operations of the calls whose inputs hold a value other than -1, 0 and 1."""
    if trace.value is None:
        return 0
    rows = np.repeat(np.arange(trace.ptr.size - 1), np.diff(trace.ptr))
    ours = (trace.neuron >= start) & (trace.neuron < stop)
    sample, step = np.divmod(rows[ours], trace.timesteps)
    call = (sample // batch) * trace.timesteps + step
    graded = np.zeros(-(-trace.n_samples // batch) * trace.timesteps, bool)
    graded[call[np.abs(trace.value[ours]) != 1]] = True
    return int(fan_out[trace.neuron[ours][graded[call]] - start].sum())
