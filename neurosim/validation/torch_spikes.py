"""A PyTorch model's own spikes held against its network, layer by layer on the framework's inputs.

The rule is that of `neurosim.validation.spikes`: a float network sums in another order than PyTorch, so a spike may
differ where the membrane is within 1e-5 of the threshold (in units of the threshold), in at most one of 10^6
neuron-steps; in a batch of fewer neuron-steps, once.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.engine.function import run_function
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus
from neurosim.validation.spikes import NEAR, PER_NEURON_STEPS
from neurosim.validation.spikes_layer import input_current, layer_network, membranes
from neurosim.workload.torch_in import TorchWorkload


@dataclass(frozen=True)
class LayerCheck:
    """``different`` of ``neuron_steps`` spikes; ``farthest`` membrane of a first difference from its threshold, in
    thresholds."""

    layer: str
    neuron_steps: int
    spikes: int
    different: int
    farthest: float

    @property
    def within(self) -> bool:
        """Equal, or different only as rounding allows."""
        allowed = max(1, self.neuron_steps // PER_NEURON_STEPS)
        return self.different == 0 or (self.farthest <= NEAR and self.different <= allowed)


def raster(network: Network, trace: SpikeTrace, name: str) -> np.ndarray:
    """Spikes of a population, (samples, timesteps, neurons)."""
    index = network.index[name]
    return trace.dense(int(network.offsets[index]), int(network.offsets[index + 1]))


def check_layers(workload: TorchWorkload, engine: str = "fast") -> list[LayerCheck]:
    """Every neuron layer of ``workload`` on the recorded spikes of the layers before it."""
    network, stimulus = workload.network, workload.fixed_stimulus
    recorded = dict(workload.recorded)
    inputs = np.split(_dense(stimulus), np.cumsum([network.population(n).n_neurons for n in network.input_names]), 2)
    recorded |= dict(zip(network.input_names, inputs[:-1], strict=True))
    return [_layer(network, name, recorded, engine) for name in workload.recorded]


def _dense(stimulus: Stimulus) -> np.ndarray:
    rows = np.repeat(np.arange(stimulus.ptr.size - 1), np.diff(stimulus.ptr))
    out = np.zeros((stimulus.n_samples * stimulus.timesteps, stimulus.n_inputs), np.float32)
    out[rows, stimulus.neuron] = 1 if stimulus.value is None else stimulus.value
    return out.reshape(stimulus.n_samples, stimulus.timesteps, -1)


def _layer(network: Network, name: str, recorded: dict[str, np.ndarray], engine: str) -> LayerCheck:
    alone, sources = layer_network(network, name)
    trace = run_function(alone, Stimulus.from_dense(np.concatenate([recorded[s] for s in sources], axis=2)), engine)
    differ = raster(alone, trace, name) != recorded[name]
    far = _farthest(alone, name, sources, recorded, trace, differ) if differ.any() else 0.0
    return LayerCheck(name, differ.size, int(recorded[name].sum()), int(differ.sum()), far)


def _farthest(network: Network, name: str, sources: list, recorded: dict, trace: SpikeTrace, differ: np.ndarray) -> float:
    population = network.population(name)
    threshold = population.model.per_neuron("threshold", population.shape, name).astype(np.float64)
    own = dict(zip(network.input_names, sources, strict=True))
    farthest = 0.0
    for sample in np.flatnonzero(differ.any(axis=(1, 2))):
        neurons = np.flatnonzero(differ[sample].any(axis=0))
        first = differ[sample][:, neurons].argmax(axis=0)
        steps = int(first.max()) + 1
        values = {
            p.name: (recorded[own[p.name]] if p.name in own else raster(network, trace, p.name))[sample].astype(float)
            for p in network.populations
        }
        current = input_current(network, name, values, neurons, steps)
        seen = membranes(population, current, recorded[name][sample, :steps][:, neurons], neurons)
        away = np.abs(seen[first, np.arange(neurons.size)] - threshold[neurons]) / np.abs(threshold[neurons])
        farthest = max(farthest, float(away.max()))
    return farthest
