"""What removed channels used to bring, put back as a constant: their mean input, measured, goes into biases."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.compress.neurons import input_share
from neurosim.engine.function import run_function
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace, Stimulus


def _rates(trace: SpikeTrace) -> np.ndarray:
    """Mean value that each neuron sends a timestep, (n_neurons,)."""
    value = None if trace.value is None else trace.value.astype(np.float64)
    return np.bincount(trace.neuron, value, trace.n_neurons) / (trace.ptr.size - 1)


def _lost(network: Network, rates: np.ndarray, keep: dict[str, np.ndarray], target: Population) -> np.ndarray | None:
    """Mean input a timestep that ``target`` (as it was) no longer gets, (neurons,); None where nothing was removed."""
    lost = None
    for p in network.projections:
        source = network.population(p.source)
        gone = np.repeat(~keep[p.source], source.n_neurons // source.shape[0])
        if p.target != target.name or p.connectivity.event != "synapse" or not gone.any():
            continue
        start = int(network.offsets[network.index[p.source]])
        sent = np.where(gone, rates[start : start + source.n_neurons], 0.0)
        indptr, indices, weights = p.connectivity.to_csr(source.shape, target.shape)
        amount = weights.astype(np.float64) * np.repeat(sent, np.diff(indptr)) * 2.0**p.weight_shift
        lost = (0.0 if lost is None else lost) + np.bincount(indices, amount, target.n_neurons)
    return lost


def compensated(before: Network, after: Network, keep: dict[str, np.ndarray], stimulus: Stimulus) -> Network:
    """``after`` (``before`` without the channels that ``keep`` leaves out) with biases that make up for the mean.

    A bias by channel stays one: it takes the mean over the channel's map. Integer membranes take whole steps.
    """
    rates = _rates(run_function(before, stimulus))
    populations = []
    for old, new in zip(before.populations, after.populations, strict=True):
        lost = _lost(before, rates, keep, old) if isinstance(old.model, Lif) else None
        if lost is None:
            populations.append(new)
            continue
        model = new.model
        share = input_share(model.leak) if model.decay_input else 1.0
        by_channel = lost.reshape(old.shape[0], -1)[keep[old.name]] * share
        if model.bias.size == new.n_neurons:
            bias = model.bias + by_channel.ravel()
        else:
            bias = np.broadcast_to(model.bias, new.shape[:1]) + by_channel.mean(axis=1)
        if model.membrane_bits is not None:
            top = (1 << (model.membrane_bits - 1)) - 1
            bias = np.clip(np.rint(bias), -top, top)
        populations.append(replace(new, model=replace(model, bias=bias)))
    return replace(after, populations=tuple(populations))
