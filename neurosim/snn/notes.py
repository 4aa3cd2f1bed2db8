"""Notes that a network carries along: what its integers stand for and how it was made. They compute nothing, and
have no part in its content hash."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NeurosimError

RESIDUALS = ("spike", "pre_neuron", "average")
"""How a shortcut joins: its spikes are added to the other branch's (``spike``), its current is added before the
neuron (``pre_neuron``), or two streams are averaged (``average``)."""


@dataclass(frozen=True)
class Coding:
    """How inputs became spikes: an encoder's name (``direct``, ``rate_deterministic``, ``spikes``, ...) and T."""

    kind: str
    timesteps: int

    def __post_init__(self) -> None:
        if not isinstance(self.kind, str) or not self.kind:
            raise NeurosimError(f"coding.kind: got {self.kind!r}, expected the name of an encoder, or 'spikes'")
        if not isinstance(self.timesteps, int) or not 1 <= self.timesteps <= 10_000_000:
            raise NeurosimError(f"coding.timesteps: got {self.timesteps!r}, expected 1 to 10000000")


def _numbers(value, dtype, where: str) -> np.ndarray:
    array = np.array(value, dtype=dtype, copy=True).reshape(-1)
    array.setflags(write=False)
    if array.dtype.kind == "f" and not (np.isfinite(array) & (array > 0)).all():
        raise NeurosimError(f"{where}: holds zero, a negative number, NaN or infinity; expected positive scales")
    return array


def scale_note(value, channels: int, where: str) -> np.ndarray | None:
    """Scales as (1,) or (channels,) float64, read-only; None stays None."""
    if value is None:
        return None
    array = _numbers(value, np.float64, where)
    if array.size not in (1, channels):
        raise NeurosimError(f"{where}: {array.size} scales, expected 1 or {channels} (channels)")
    return array


def kept_note(value, channels: int, where: str) -> np.ndarray | None:
    """Channel numbers as (channels,) int64, ascending, read-only; None stays None."""
    if value is None:
        return None
    array = _numbers(value, np.int64, where)
    if array.size != channels or (np.diff(array) <= 0).any() or (array.size and array[0] < 0):
        raise NeurosimError(f"{where}: expected {channels} ascending channel numbers, got {array.tolist()[:8]}")
    return array


def check_residual(value: str | None, where: str) -> None:
    if value is not None and value not in RESIDUALS:
        raise NeurosimError(f"{where}.residual: got {value!r}, expected one of {', '.join(RESIDUALS)} or none")
