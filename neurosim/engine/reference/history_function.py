"""Network and stimulus to spike trace without stored membranes: it says why a history of spikes gives the same spikes.

A layer that can (`neurosim.mapping.layer_engines.history_planes`) works its membrane out anew in every timestep, from
the spikes of its sources in the timesteps before, each timestep's sum shifted by its age. Bias and leak alone give the
rest, which is the same in every sample. Runs use `reference_function` or the fast engine, whose spikes are equal.
"""

from __future__ import annotations

import numpy as np

from neurosim.engine.check import check_network, check_relays, check_stimulus
from neurosim.engine.reference.function import _connections, _Sample, _trace
from neurosim.engine.reference.neurons import leaked
from neurosim.mapping.layer_engines import history_planes, kept_shift
from neurosim.snn.network import Network, Population
from neurosim.snn.trace import SpikeTrace, Stimulus


class _FromHistory(_Sample):
    """A sample in which ``planes`` (timesteps by population) says whose membranes are worked out."""

    def __init__(self, planes: dict[str, int], *given) -> None:
        super().__init__(*given)
        self.planes = planes
        self.fixed = {name: np.zeros_like(lif.v) for name, lif in self.lifs.items() if planes.get(name)}

    def fired(self, population: Population, current, touched, timestep):
        lif = self.lifs[population.name]
        planes = self.planes.get(population.name, 0)
        if not planes:
            return super().fired(population, current, touched, timestep)
        active = lif.has_something_to_do(touched)
        v = self.worked_out(population, timestep, planes)
        spikes = lif.crossed(v)
        # Kept for the trace alone: no later timestep reads it.
        lif.v = np.where(spikes, lif.limited(lif.reset(v, lif.dtype(1)), spikes), v)
        neurons = np.flatnonzero(spikes)
        return (neurons, np.ones(neurons.size, current.dtype)), active

    def worked_out(self, population: Population, timestep: int, planes: int) -> np.ndarray:
        """The membrane from the sums of the last ``planes`` timesteps, all made again."""
        lif, shift = self.lifs[population.name], kept_shift(population.model.leak)
        self.fixed[population.name] = leaked(self.fixed[population.name], population.model.leak, 0) + lif.bias
        v = np.array(self.fixed[population.name])
        for earlier in range(max(0, timestep - planes + 1), timestep + 1):
            sums, _ = self.arrived(population, earlier)
            age = max(shift, 0) * (timestep - earlier)
            if (sums & ((1 << age) - 1)).any():
                raise RuntimeError(f"internal error: {population.name}: a shift by {age} would round")
            v += sums >> age
        return v


def history_function(network: Network, stimulus: Stimulus) -> SpikeTrace:
    """The trace of a feed-forward network without delays, membranes worked out wherever that is exact."""
    check_network(network)
    check_stimulus(network, stimulus)
    planes = {p.name: history_planes(network, p, stimulus.timesteps)[0] for p in network.populations}
    connections = [_connections(network, projection) for projection in network.projections]
    samples = [_FromHistory(planes, network, connections, stimulus, n) for n in range(stimulus.n_samples)]
    for sample in samples:
        for timestep in range(stimulus.timesteps):
            sample.step(timestep)
    check_relays(network, sum(sample.broken for sample in samples))
    return _trace(network, stimulus, samples)
