"""How often a stored membrane changed: the membranes replayed on the spikes of a trace, by the rules of the reference.

A trace holds the membranes at the end of a sample only, so the steps in between are computed again: inputs summed in
the engines' order, `LifPopulation` for the step. The replayed spikes must be those of the trace.
"""

from __future__ import annotations

import numpy as np

from neurosim.engine.fast.replay import add_rows
from neurosim.engine.reference.neurons import LifPopulation
from neurosim.snn.network import Network, Projection
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace

MAX_CONNECTIONS = 1 << 25
"""A replay lists every connection; networks with more are not replayed."""


def replayable(network: Network) -> bool:
    """Whether the connections into membranes are few enough to list."""
    into = [p for p in network.projections if isinstance(network.population(p.target).model, Lif)]
    return sum(int(network.fan_out(p).sum()) for p in into) <= MAX_CONNECTIONS


def membrane_updates(network: Network, trace: SpikeTrace) -> dict[str, int]:
    """Neuron-steps in which the stored membrane changed, by `Lif` population, over all samples.

    The first timestep of a sample counts every neuron: the state is written then, whatever it was. ``trace`` is what
    an engine made of ``network``. Raises RuntimeError when the replay spikes elsewhere, which is a bug of neurosim.
    """
    changed = {}
    for population in network.populations:
        if isinstance(population.model, Lif):
            into = [(p, _rows(network, p)) for p in network.projections if p.target == population.name]
            changed[population.name] = sum(
                _sample(network, trace, population.name, into, sample) for sample in range(trace.n_samples)
            )
    return changed


def _rows(network: Network, projection: Projection) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """CSR rows by source, weights shifted and in the type that sums are kept in."""
    source, target = network.population(projection.source), network.population(projection.target)
    indptr, indices, weights = projection.connectivity.to_csr(source.shape, target.shape)
    number = np.int64 if network.is_integer else np.float32
    return indptr, indices, weights.astype(number) * number(1 << projection.weight_shift)


def _sample(network: Network, trace: SpikeTrace, name: str, into: list, sample: int) -> int:
    lif = LifPopulation(network.population(name))
    changed = 0
    for step in range(trace.timesteps):
        current = np.zeros(lif.v.size, lif.dtype)
        for projection, rows in into:
            if step >= projection.delay:
                neurons, values = _sent(network, trace, projection.source, sample, step - projection.delay, lif.dtype)
                add_rows(neurons, values, *rows, current)
        before = lif.v
        fired = np.flatnonzero(lif.step(current, step))
        if not np.array_equal(fired, _sent(network, trace, name, sample, step, lif.dtype)[0]):
            raise RuntimeError(f"internal error, please report it: the replay of {name!r} spikes elsewhere")
        changed += lif.v.size if step == 0 else int((lif.v != before).sum())
    return changed


def _sent(network: Network, trace: SpikeTrace, name: str, sample: int, step: int, number: type):
    """Neurons of population ``name`` that spike in one timestep, ascending from 0, and their values."""
    row = sample * trace.timesteps + step
    first, last = trace.ptr[row], trace.ptr[row + 1]
    start, stop = network.offsets[network.index[name] :][:2]
    a, b = first + np.searchsorted(trace.neuron[first:last], [start, stop])
    values = np.ones(b - a, number) if trace.value is None else trace.value[a:b].astype(number)
    return trace.neuron[a:b].astype(np.int64) - start, values
