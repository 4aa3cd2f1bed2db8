"""Signals to spikes where they change: ON when a value rises, OFF when it falls, nothing while it stays.

All rules work on each feature by itself, timestep by timestep, in float64. ``reference`` is the level compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.trace import Stimulus

RULES = ("delta", "send_on_delta", "step_forward", "adaptive")


@dataclass(frozen=True)
class ChangeRule:
    """What makes a change a spike.

    delta: the difference from the value of the timestep before reaches ``threshold`` (no spike in the first timestep).
    send_on_delta: the whole thresholds between value and reference are sent as one value; the reference follows.
    step_forward: value beyond the reference by more than ``threshold``; the reference follows by one threshold.
    adaptive: as step_forward with a threshold of each feature's own, which a spike multiplies by ``growth`` after the
    reference has followed; without a spike its distance from ``threshold`` shrinks to ``keep`` of it.
    The reference starts at the first value (``start='first'``) or at 0 (``'zero'``).
    """

    kind: str
    threshold: float
    growth: float = 1.5
    keep: float = 0.8
    start: str = "first"


def changes(data: np.ndarray, rule: ChangeRule) -> np.ndarray:
    """Signed spikes (samples, timesteps, features) int32 of ``data`` of that shape: thresholds sent, ON above 0."""
    values = data.astype(np.float64)
    out = np.zeros(values.shape, np.int32)
    if rule.kind == "delta":
        step = np.diff(values, axis=1)
        out[:, 1:] = (step >= rule.threshold).astype(np.int32) - (step <= -rule.threshold)
        return out
    reference = values[:, 0].copy() if rule.start == "first" else np.zeros_like(values[:, 0])
    threshold = np.full_like(reference, rule.threshold)
    for t in range(values.shape[1]):
        away = values[:, t] - reference
        if rule.kind == "send_on_delta":
            sent = np.trunc(away / threshold)
            if np.abs(sent).max(initial=0) > 2**31 - 1:
                raise NeurosimError(
                    f"encoder send_on_delta: threshold: {rule.threshold:g} goes over 2^31 times into a change of "
                    f"{np.abs(away).max():g}; give a larger one"
                )
        else:
            sent = (away > threshold).astype(np.float64) - (away < -threshold)
        out[:, t] = sent
        reference, threshold = _follow(reference, threshold, sent, rule)
    return out


def _follow(reference: np.ndarray, threshold: np.ndarray, sent: np.ndarray, rule: ChangeRule):
    """Reference and thresholds after ``sent``; encoder and decoder share it, so that they agree to the last bit."""
    reference = reference + sent * threshold
    if rule.kind == "adaptive":
        relaxed = rule.threshold + (threshold - rule.threshold) * rule.keep
        threshold = np.where(sent != 0, threshold * rule.growth, relaxed)
    return reference, threshold


def to_channels(spikes: np.ndarray, signed: bool) -> np.ndarray:
    """Signed spikes as they are, or as two channels (samples, timesteps, 2, features): OFF first, then ON."""
    if signed:
        return spikes
    return np.stack([np.maximum(-spikes, 0), np.maximum(spikes, 0)], axis=2)


def from_channels(stimulus: Stimulus, signed: bool) -> np.ndarray:
    """Signed spikes (samples, timesteps, features) int64 of a stimulus that `to_channels` made."""
    dense = np.zeros((stimulus.n_samples * stimulus.timesteps, stimulus.n_inputs), np.int64)
    rows = np.repeat(np.arange(len(dense)), np.diff(stimulus.ptr))
    dense[rows, stimulus.neuron] = 1 if stimulus.value is None else stimulus.value
    dense = dense.reshape(stimulus.n_samples, stimulus.timesteps, -1)
    if signed:
        return dense
    features = stimulus.n_inputs // 2
    return dense[:, :, features:] - dense[:, :, :features]


def decode_changes(spikes: np.ndarray, rule: ChangeRule, start: np.ndarray | float = 0.0) -> np.ndarray:
    """The reference after each timestep, float64 in the shape of ``spikes`` (samples, timesteps, features).

    ``start`` (samples, features): the reference before the first timestep. What `send_on_delta` sent comes back within
    a threshold; ``step_forward`` too while no value moves by more than a threshold in a timestep. Raises NeurosimError
    for ``delta``, which sends no amounts.
    """
    if rule.kind == "delta":
        raise NeurosimError("encoder delta: says only that a value changed, not by how much; use send_on_delta")
    reference = np.broadcast_to(np.asarray(start, np.float64), (spikes.shape[0], spikes.shape[2])).copy()
    threshold = np.full_like(reference, rule.threshold)
    out = np.zeros(spikes.shape, np.float64)
    for t in range(spikes.shape[1]):
        reference, threshold = _follow(reference, threshold, spikes[:, t].astype(np.float64), rule)
        out[:, t] = reference
    return out
