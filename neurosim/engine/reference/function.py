"""Network and stimulus to spike trace, one sample, timestep, population and spike at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from neurosim.engine.check import check_memory, check_network, check_relays, check_stimulus, value_limits
from neurosim.engine.reference.neurons import LifPopulation
from neurosim.engine.reference.products import product
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif
from neurosim.snn.products import PRODUCTS, leads, partner
from neurosim.snn.trace import SpikeTrace, Stimulus

Spikes = tuple[np.ndarray, np.ndarray]
"""Neurons of one population that spike in one timestep, ascending, and their values."""


def reference_function(
    network: Network, stimulus: Stimulus, progress: Callable[[int], None] | None = None
) -> SpikeTrace:
    """Run ``network`` on every sample of ``stimulus``. Slow, and the definition of what is right.

    ``progress`` is called with the number of samples done.
    """
    check_network(network)
    check_stimulus(network, stimulus)
    check_memory(network, stimulus)
    connections = [_connections(network, projection) for projection in network.projections]
    samples = [_Sample(network, connections, stimulus, number) for number in range(stimulus.n_samples)]
    for done, sample in enumerate(samples, start=1):
        for timestep in range(stimulus.timesteps):
            sample.step(timestep)
        if progress is not None:
            progress(done)
    check_relays(network, sum(sample.broken for sample in samples))
    return _trace(network, stimulus, samples)


def _numbers(network: Network) -> type:
    return np.int64 if network.is_integer else np.float32


def _connections(network: Network, projection: Projection) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """CSR rows by source, weights shifted and in the type that sums are kept in; None for an operand of a product."""
    if isinstance(projection.connectivity, PRODUCTS):
        return None
    source, target = network.population(projection.source), network.population(projection.target)
    indptr, indices, weights = projection.connectivity.to_csr(source.shape, target.shape)
    number = _numbers(network)
    return indptr, indices, weights.astype(number) * number(1 << projection.weight_shift)


class _Sample:
    """One sample: membranes start at v_init, nothing is in flight."""

    def __init__(self, network: Network, connections: list, stimulus: Stimulus, number: int) -> None:
        self.network, self.connections, self.stimulus, self.number = network, connections, stimulus, number
        self.lifs = {p.name: LifPopulation(p) for p in network.populations if isinstance(p.model, Lif)}
        self.spikes: dict[tuple[str, int], Spikes] = {}
        self.active = np.zeros((stimulus.timesteps, network.n_neurons), bool)
        self.broken = np.zeros(len(network.populations), np.int64)

    def step(self, timestep: int) -> None:
        """Every population once, in topological order over the delay-0 projections."""
        for position in self.network.update_order:
            population = self.network.populations[position]
            if isinstance(population.model, Input):
                spikes, active = self.given(population, timestep)
            else:
                current, touched = self.arrived(population, timestep)
                update = self.fired if isinstance(population.model, Lif) else self.relayed
                spikes, active = update(population, current, touched, timestep)
            self.spikes[population.name, timestep] = spikes
            start = self.network.offsets[position]
            self.active[timestep, start : start + population.n_neurons] = active

    def given(self, population: Population, timestep: int) -> tuple[Spikes, np.ndarray]:
        """The spikes of the stimulus that belong to an input population; active is: spiked."""
        names = self.network.input_names
        before = names[: names.index(population.name)]
        first = sum(self.network.population(name).n_neurons for name in before)
        row = self.number * self.stimulus.timesteps + timestep
        window = slice(self.stimulus.ptr[row], self.stimulus.ptr[row + 1])
        neurons = self.stimulus.neuron[window].astype(np.int64) - first
        ours = (neurons >= 0) & (neurons < population.n_neurons)
        values = np.ones(neurons.size) if self.stimulus.value is None else self.stimulus.value[window]
        active = np.zeros(population.n_neurons, bool)
        active[neurons[ours]] = True
        return (neurons[ours], values[ours].astype(_numbers(self.network))), active

    def arrived(self, population: Population, timestep: int) -> tuple[np.ndarray, np.ndarray]:
        """I of each neuron and who was touched: projections in their order, sources ascending, one addition each."""
        current = np.zeros(population.n_neurons, _numbers(self.network))
        touched = np.zeros(population.n_neurons, bool)
        for projection, rows in zip(self.network.projections, self.connections, strict=True):
            sent = self.spikes.get((projection.source, timestep - projection.delay))
            if projection.target != population.name or sent is None:
                continue
            if rows is None:
                if leads(projection):
                    self.multiplied(projection, timestep, current, touched)
                continue
            indptr, indices, weights = rows
            for neuron, value in zip(*sent, strict=True):
                row = slice(indptr[neuron], indptr[neuron + 1])
                current[indices[row]] += value * weights[row]
                touched[indices[row]] = True
        return current, touched

    def multiplied(self, projection: Projection, timestep: int, current: np.ndarray, touched: np.ndarray) -> None:
        """Adds the product that ``projection`` leads to I, and marks what it touches."""
        planes = []
        for operand in (projection, partner(self.network, projection)):
            source = self.network.population(operand.source)
            plane = np.zeros(source.n_neurons, np.int64)
            plane[self.spikes[operand.source, timestep][0]] = 1
            planes.append(plane.reshape(source.shape))
        sums, marks = product(projection.connectivity, *planes)
        current += sums << projection.weight_shift
        touched |= marks

    def fired(self, population, current, touched, timestep) -> tuple[Spikes, np.ndarray]:
        lif = self.lifs[population.name]
        active = lif.has_something_to_do(touched)
        value = lif.step(current, timestep)
        neurons = np.flatnonzero(value)
        return (neurons, value[neurons].astype(current.dtype)), active

    def relayed(self, population, current, touched, timestep) -> tuple[Spikes, np.ndarray]:
        neurons = np.flatnonzero(current)
        values = current[neurons] if population.model.graded else np.ones(neurons.size, current.dtype)
        if population.model.graded:
            low, high = value_limits(population.model.value_bits, self.network.is_integer)
            self.broken[self.network.index[population.name]] += ((values < low) | (values > high)).sum()
        return (neurons, values), touched


def _trace(network: Network, stimulus: Stimulus, samples: list[_Sample]) -> SpikeTrace:
    narrow = np.int32 if network.is_integer else np.float32
    ptr, neurons, values = [0], [np.zeros(0, np.int32)], [np.zeros(0, narrow)]
    membrane = np.zeros((stimulus.n_samples, network.n_neurons), narrow)
    saturations: dict[str, int] = defaultdict(int)
    for number, sample in enumerate(samples):
        for timestep in range(stimulus.timesteps):
            for population, start in zip(network.populations, network.offsets[:-1], strict=True):
                spiking, value = sample.spikes[population.name, timestep]
                neurons.append((spiking + start).astype(np.int32))
                values.append(value.astype(narrow))
            ptr.append(ptr[-1] + sum(n.size for n in neurons[-len(network.populations) :]))
        for name, lif in sample.lifs.items():
            start = network.offsets[network.index[name]]
            membrane[number, start : start + lif.v.size] = lif.v
            saturations[name] += lif.clipped
    value = np.concatenate(values)
    active = np.concatenate([sample.active for sample in samples])
    return SpikeTrace(
        n_samples=stimulus.n_samples,
        timesteps=stimulus.timesteps,
        n_neurons=network.n_neurons,
        ptr=np.array(ptr, np.int64),
        neuron=np.concatenate(neurons),
        value=None if (value == 1).all() else value,
        active=np.packbits(active, axis=1, bitorder="little"),
        membrane=membrane,
        saturations=np.array([saturations[p.name] for p in network.populations], np.int64),
    )
