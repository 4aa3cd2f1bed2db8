"""How far membranes go: the calibration. The spikes of a stimulus are replayed into every population, sample by
sample in parallel, and the membrane before it is limited (step 5 of `neurosim.snn.neuron`) is watched.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.engine.reference.neurons import LifPopulation
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace

_EVENTS = 1 << 22
_KEPT = 1 << 24


@dataclass(frozen=True, eq=False)
class MembraneRange:
    """``low`` and ``high`` (n_groups,): the extremes; ``bound`` (n_groups,): the magnitude that all but the share
    ``clip`` of the updates stay within. ``updates`` is how many were seen."""

    low: np.ndarray
    high: np.ndarray
    bound: np.ndarray
    updates: int


class _Watched(LifPopulation):
    """A population that notes the membrane before its limit, (samples, neurons) for each step."""

    def __init__(self, population: Population) -> None:
        super().__init__(population)
        self.seen: list[np.ndarray] = []
        self._watching = False

    def step(self, current: np.ndarray, timestep: int) -> np.ndarray:
        self._watching = True
        return super().step(current, timestep)

    def crossed(self, v: np.ndarray) -> np.ndarray:
        return np.zeros(v.shape, bool) if self.threshold is None else super().crossed(v)

    def limited(self, v: np.ndarray, who: np.ndarray) -> np.ndarray:
        if self._watching:
            self.seen.append(np.where(who, v, 0).astype(np.float64))
            self._watching = False
        return super().limited(v, who)


@dataclass(frozen=True, eq=False)
class _Spikes:
    """Of one population and timestep: sample, neuron and value of each spike."""

    sample: np.ndarray
    neuron: np.ndarray
    value: np.ndarray


def _by_step(network: Network, trace: SpikeTrace, name: str) -> list[_Spikes]:
    position = network.index[name]
    start, stop = network.offsets[position], network.offsets[position + 1]
    row = np.repeat(np.arange(trace.ptr.size - 1), np.diff(trace.ptr))
    mine = (trace.neuron >= start) & (trace.neuron < stop)
    row, neuron = row[mine], trace.neuron[mine] - start
    value = np.ones(neuron.size) if trace.value is None else trace.value[mine].astype(np.float64)
    steps = [np.flatnonzero(row % trace.timesteps == t) for t in range(trace.timesteps)]
    return [_Spikes(row[at] // trace.timesteps, neuron[at], value[at]) for at in steps]


def _add(current: np.ndarray, spikes: _Spikes, csr, first: int) -> None:
    """Add what ``spikes`` of samples ``first``, ... bring to ``current`` (samples, neurons)."""
    indptr, indices, weights = csr
    inside = (spikes.sample >= first) & (spikes.sample < first + current.shape[0])
    sample, neuron, value = spikes.sample[inside] - first, spikes.neuron[inside], spikes.value[inside]
    counts = indptr[neuron + 1] - indptr[neuron]
    ends = np.cumsum(counts)
    entry = np.arange(int(ends[-1]) if ends.size else 0) + np.repeat(indptr[neuron] - (ends - counts), counts)
    place = indices[entry] + np.repeat(sample * current.shape[1], counts)
    amount = weights[entry].astype(np.float64) * np.repeat(value, counts)
    current += np.bincount(place, amount, minlength=current.size).reshape(current.shape)


def _watch(network: Network, trace: SpikeTrace, population: Population, spikes: dict) -> np.ndarray:
    """Membranes before their limit, (samples x steps, neurons)."""
    into = [p for p in network.projections if p.target == population.name]
    rows = []
    for p in into:
        indptr, indices, weights = p.connectivity.to_csr(network.population(p.source).shape, population.shape)
        rows.append((indptr, indices, weights.astype(np.float64) * (1 << p.weight_shift)))
    kept = max(1, _KEPT // (trace.timesteps * population.n_neurons))
    samples = min(trace.n_samples, kept)
    events = max((spikes[p.source][t].neuron.size for p in into for t in range(trace.timesteps)), default=0)
    widest = max((int(np.diff(r[0]).max(initial=0)) for r in rows), default=1)
    at_once = int(np.clip(_EVENTS * samples // max(1, events * widest), 1, samples))
    seen = []
    for first in range(0, samples, at_once):
        watched = _Watched(population)
        for t in range(trace.timesteps):
            current = np.zeros((min(at_once, samples - first), population.n_neurons))
            for p, csr in zip(into, rows, strict=True):
                if t >= p.delay:
                    _add(current, spikes[p.source][t - p.delay], csr, first)
            watched.step(current.astype(watched.dtype), t)
        seen += watched.seen
    return np.concatenate(seen)


def membrane_ranges(
    network: Network, trace: SpikeTrace, groups: dict[str, int], clip: float = 0.0
) -> dict[str, MembraneRange]:
    """Range of every `Lif` population named in ``groups``: its number of groups, which cut its neurons evenly.

    ``trace`` is what ``network`` did; large populations are watched on the first samples only. ``clip`` is the share
    of updates, of each group, that ``bound`` may leave out.
    """
    spikes = {name: _by_step(network, trace, name) for name in {p.source for p in network.projections}}
    ranges = {}
    for name, n in groups.items():
        population = network.population(name)
        assert isinstance(population.model, Lif)
        seen = _watch(network, trace, population, spikes)
        cut = seen.reshape(seen.shape[0], n, -1)
        low, high = cut.min(axis=(0, 2)), cut.max(axis=(0, 2))
        bound = np.maximum(-low, high)
        if clip:
            bound = np.quantile(np.abs(cut), 1 - clip, axis=(0, 2), method="higher")
        ranges[name] = MembraneRange(low, high, bound, seen.size)
    return ranges
