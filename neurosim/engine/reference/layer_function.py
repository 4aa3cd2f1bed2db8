"""Network and stimulus to spike trace in the order of a layer chip: it says why such a chip gives the same spikes.

Within a window a layer's sums are made for all timesteps, one row of sums a timestep, before any of its neurons is
updated; then the rows are scanned in order. Runs use `reference_function` or the fast engine, whose spikes are equal.
"""

from __future__ import annotations

from neurosim.engine.check import check_network, check_relays, check_stimulus
from neurosim.engine.reference.function import _connections, _Sample, _trace
from neurosim.snn.network import Network
from neurosim.snn.neuron import Input, Lif
from neurosim.snn.trace import SpikeTrace, Stimulus


def layer_function(network: Network, stimulus: Stimulus, window: int) -> SpikeTrace:
    """The trace of a feed-forward network without delays, window by window and layer by layer."""
    check_network(network)
    check_stimulus(network, stimulus)
    connections = [_connections(network, projection) for projection in network.projections]
    samples = [_Sample(network, connections, stimulus, number) for number in range(stimulus.n_samples)]
    for sample in samples:
        for first in range(0, stimulus.timesteps, window):
            steps = range(first, min(first + window, stimulus.timesteps))
            for position in network.update_order:
                _layer(sample, position, steps)
    check_relays(network, sum(sample.broken for sample in samples))
    return _trace(network, stimulus, samples)


def _layer(sample: _Sample, position: int, steps: range) -> None:
    """One population for all timesteps of a window."""
    population = sample.network.populations[position]
    start = sample.network.offsets[position]
    here = slice(start, start + population.n_neurons)
    if isinstance(population.model, Input):
        for timestep in steps:
            sample.spikes[population.name, timestep], sample.active[timestep, here] = sample.given(population, timestep)
        return
    # The matrix product: every row of sums is complete before the first neuron is looked at.
    sums = [sample.arrived(population, timestep) for timestep in steps]
    update = sample.fired if isinstance(population.model, Lif) else sample.relayed
    for timestep, (current, touched) in zip(steps, sums, strict=True):
        spikes, active = update(population, current, touched, timestep)
        sample.spikes[population.name, timestep], sample.active[timestep, here] = spikes, active
