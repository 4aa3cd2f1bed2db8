"""`neurosim.snn.neuron` in numpy, line for line: what one population does in one timestep.

Integer membranes are computed in int64 and float membranes in float32; a mask says which neurons a line applies to.
"""

from __future__ import annotations

import numpy as np

from neurosim.snn.network import Population
from neurosim.snn.neuron import Leak


def shift_right(x: np.ndarray, bits: int, rounding: str) -> np.ndarray:
    """``x / 2^bits`` rounded to an integer: floor, towards zero, or to the nearest with halves up."""
    if rounding == "zero":
        return np.sign(x) * (np.abs(x) >> bits)
    if rounding == "nearest":
        return (x + ((1 << bits) >> 1)) >> bits
    return x >> bits


def _factor(leak: Leak) -> np.float32:
    """What a float multiply leak keeps of a membrane."""
    return np.float32(leak.numerator / 2**leak.shift if leak.factor is None else leak.factor)


def leaked(v: np.ndarray, leak: Leak, v_rest) -> np.ndarray:
    """The membrane after its leak towards ``v_rest``."""
    integer = v.dtype.kind == "i"
    away = v - v_rest
    if leak.kind == "multiply" and integer:
        return v_rest + shift_right(away * leak.numerator, leak.shift, leak.rounding)
    if leak.kind == "multiply":
        return v_rest + away * _factor(leak)
    if leak.kind == "shift" and integer:
        return v - shift_right(away, leak.shift, leak.rounding)
    if leak.kind == "shift":
        return v - away * np.float32(2.0**-leak.shift)
    if leak.kind == "subtract":
        amount = v.dtype.type(leak.amount)
        moved = np.where(away > 0, v - amount, v + amount)
        return np.where(np.abs(away) <= amount, v_rest, moved)
    return v


def decayed_input(current: np.ndarray, leak: Leak) -> np.ndarray:
    """I scaled by the share that the leak removes from a membrane."""
    if current.dtype.kind == "i":
        share = (1 << leak.shift) - leak.numerator if leak.kind == "multiply" else 1
        return shift_right(current * share, leak.shift, leak.rounding)
    share = np.float32(1) - _factor(leak) if leak.kind == "multiply" else np.float32(2.0**-leak.shift)
    return current * share


class LifPopulation:
    """State of one `Lif` population and its step. Arrays (n,): v, c, wait (refractory steps left), pending (bool)."""

    def __init__(self, population: Population) -> None:
        self.model = model = population.model
        self.integer = model.membrane_bits is not None
        self.dtype = np.int64 if self.integer else np.float32
        where = f"population {population.name!r}"
        self.bias = model.per_neuron("bias", population.shape, where).astype(self.dtype)
        self.v = model.per_neuron("v_init", population.shape, where).astype(self.dtype)
        self.threshold = None
        if model.threshold is not None:
            self.threshold = model.per_neuron("threshold", population.shape, where).astype(self.dtype)
        self.v_rest, self.v_reset = self.dtype(model.v_rest), self.dtype(model.v_reset)
        self.c = np.zeros_like(self.v)
        self.wait = np.zeros(population.n_neurons, np.int64)
        self.pending = np.zeros(population.n_neurons, bool)
        self.clipped = 0

    def has_something_to_do(self, touched: np.ndarray) -> np.ndarray:
        """The `active` bit of each neuron, before the update."""
        return touched | (self.v != self.v_rest) | (self.bias != 0) | (self.c != 0)

    def limited(self, v: np.ndarray, who: np.ndarray) -> np.ndarray:
        """Saturated to, or wrapped at, the membrane's width; clippings of the neurons ``who`` are counted."""
        if not self.integer:
            return v if self.model.v_floor is None else np.maximum(v, np.float32(self.model.v_floor))
        half = 1 << (self.model.membrane_bits - 1)
        if self.model.overflow == "wrap":
            return (v + half) % (2 * half) - half
        limited = np.clip(v, -half, half - 1)
        self.clipped += int((who & (limited != v)).sum())
        return limited

    def step(self, current: np.ndarray, timestep: int) -> np.ndarray:
        """One timestep with synaptic input ``current`` (n,); returns the value of each neuron's spike, 0 for none."""
        model = self.model
        ready = self.wait == 0
        v = self.v
        if timestep > 0 or model.leak_first_step:
            v = leaked(v, model.leak, self.v_rest)
        bias = self.bias
        if model.current_keep is not None:
            self.c = current = (self.c * np.float32(model.current_keep) + current) + bias
            bias = self.dtype(0)
        v = v + (decayed_input(current, model.leak) if model.decay_input else current) + bias
        if model.reset_delay and self.threshold is not None:
            v = np.where(self.pending, self.reset(v, self.dtype(1)), v)
        v = self.limited(v, ready)
        below = ready & self.crossed(-v) if model.ternary else np.zeros(v.size, bool)
        spikes = ready & self.crossed(v) | below
        value = np.where(below, self.dtype(-1), spikes.astype(self.dtype))
        if model.max_spikes > 1:
            fit = np.floor(v / self.threshold)
            value = np.where(spikes, np.minimum(fit, np.float32(model.max_spikes)), value)
        if spikes.any() and not model.reset_delay:
            v = np.where(spikes, self.limited(self.reset(v, value), spikes), v)
        self.v = np.where(ready, v, self.v)
        if model.reset_delay:
            self.pending = np.where(ready, spikes, self.pending)
        self.wait = np.where(spikes, model.refractory, np.maximum(self.wait - 1, 0))
        return value

    def crossed(self, v: np.ndarray) -> np.ndarray:
        if self.threshold is None:
            return np.zeros(v.size, bool)
        return v > self.threshold if self.model.compare == ">" else v >= self.threshold

    def reset(self, v: np.ndarray, value: np.ndarray) -> np.ndarray:
        """What a spike of ``value`` leaves of a membrane."""
        if self.model.reset == "hard":
            return np.full_like(v, self.v_reset)
        return v - value * self.threshold if self.model.reset == "subtract" else v
