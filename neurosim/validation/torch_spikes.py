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
from neurosim.snn.trace import Stimulus
from neurosim.validation.spikes import NEAR, PER_NEURON_STEPS, farthest, raster
from neurosim.validation.spikes_layer import layer_network
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
    far = farthest(alone, name, sources, recorded, trace, differ, relative=True) if differ.any() else 0.0
    return LayerCheck(name, differ.size, int(recorded[name].sum()), int(differ.sum()), far)
