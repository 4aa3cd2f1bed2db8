"""One layer of a network on recorded inputs, and how near its threshold a membrane came."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.engine.reference.neurons import decayed_input, leaked
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif, Relay


def layer_network(network: Network, name: str) -> tuple[Network, list[str]]:
    """Population ``name`` alone, with what feeds it as inputs: (network, names of the sources in input order).

    Relays on the way are kept. A layer that feeds itself gets its own recorded spikes as an input too.
    """
    own = f"{name} as recorded"
    keep, todo = {name}, [name]
    inputs: set[str] = set()
    while todo:
        target = todo.pop()
        for source in {p.source for p in network.projections if p.target == target}:
            if not isinstance(network.population(source).model, Relay):
                inputs.add(source)
            elif source not in keep:
                keep.add(source)
                todo.append(source)
    sources = [p for p in network.populations if p.name in inputs]
    fed = [Population(own if p.name == name else p.name, p.shape, _as_input(p)) for p in sources]
    projections = [
        replace(p, source=own if p.source == name else p.source) for p in network.projections if p.target in keep
    ]
    return Network([*fed, *(p for p in network.populations if p.name in keep)], projections), [p.name for p in sources]


def _as_input(population: Population) -> Input:
    return population.model if isinstance(population.model, Input) else Input(1)


def input_current(
    network: Network, name: str, values: dict[str, np.ndarray], neurons: np.ndarray, steps: int
) -> np.ndarray:
    """I of ``neurons`` of population ``name`` in float64, (steps, neurons).

    ``values[population]`` (steps, n) is what each source sent in one sample.
    """
    current = np.zeros((steps, network.population(name).n_neurons))
    for projection in network.projections:
        if projection.target == name:
            current += _arriving(network, projection, values[projection.source][:steps])
    return current[:, neurons]


def _arriving(network: Network, projection: Projection, sent: np.ndarray) -> np.ndarray:
    source, target = network.population(projection.source), network.population(projection.target)
    indptr, indices, weights = projection.connectivity.to_csr(source.shape, target.shape)
    weights = weights.astype(np.float64) * (1 << projection.weight_shift)
    out = np.zeros((len(sent), target.n_neurons))
    for step in range(projection.delay, len(sent)):
        before = sent[step - projection.delay]
        for neuron in np.flatnonzero(before):
            row = slice(indptr[neuron], indptr[neuron + 1])
            np.add.at(out[step], indices[row], before[neuron] * weights[row])
    return out


def membranes(population: Population, current: np.ndarray, spikes: np.ndarray, neurons: np.ndarray) -> np.ndarray:
    """Membranes at the comparison, float64 (steps, neurons), when the resets are those of the recorded ``spikes``.

    ``current`` and ``spikes`` (steps, neurons). Holding the resets to the record shows each comparison by itself.
    """
    model = population.model
    assert isinstance(model, Lif)

    def each(name: str) -> np.ndarray:
        return model.per_neuron(name, population.shape, population.name)[neurons].astype(np.float64)

    bias, threshold, v = each("bias"), each("threshold"), each("v_init")
    synaptic, wait = np.zeros(neurons.size), np.zeros(neurons.size, int)
    before = np.zeros(neurons.size, bool)
    seen = np.zeros(current.shape)
    for step, arrived in enumerate(current):
        ready = wait == 0
        moved = leaked(v, model.leak, model.v_rest) if step or model.leak_first_step else v
        if getattr(model, "current_keep", None) is not None:
            synaptic = synaptic * np.float32(model.current_keep) + arrived + bias
            arrived = synaptic
        moved = moved + (decayed_input(arrived, model.leak) if model.decay_input else arrived)
        if getattr(model, "current_keep", None) is None:
            moved = moved + bias
        if model.reset_delay:
            moved = np.where(before, _reset(model, moved, threshold), moved)
        seen[step] = np.where(ready, moved, v)
        fired = spikes[step] != 0
        before = np.where(ready, fired, before)
        if not model.reset_delay:
            moved = np.where(fired, _reset(model, moved, threshold), moved)
        v = np.where(ready, moved, v)
        wait = np.where(fired, model.refractory, np.maximum(wait - 1, 0))
    return seen


def _reset(model: Lif, v: np.ndarray, threshold: np.ndarray) -> np.ndarray:
    if model.reset == "hard":
        return np.full_like(v, model.v_reset)
    return v - threshold if model.reset == "subtract" else v
