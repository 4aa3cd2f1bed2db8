"""Pictures to spikes: values that stand still become spikes over timesteps. Deterministic, or by a seed."""

from __future__ import annotations

from math import prod

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.trace import Stimulus

MAX_CELLS = 1 << 31


def check_cells(shape: tuple[int, ...], timesteps: int) -> None:
    """Refuse what would not fit into memory, before it is allocated: ``shape`` (samples, ...), so many steps each."""
    if timesteps < 1:
        raise NeurosimError(f"timesteps: got {timesteps}, expected at least 1")
    cells = prod(shape) * timesteps
    if cells > MAX_CELLS:
        raise NeurosimError(
            f"timesteps: {timesteps} steps of {shape[0]} samples are {cells} places for a spike, expected at most "
            f"{MAX_CELLS}; use fewer samples or timesteps"
        )


def unit_values(data: np.ndarray, kind: str) -> np.ndarray:
    """Values as shares of full scale, (samples, n) float64: uint8 over 255, fractions (and other 0 and 1) as they are.

    Raises NeurosimError for other integers and for fractions outside 0 to 1.
    """
    flat = data.reshape(len(data), -1)
    if data.dtype == np.uint8:
        return flat / 255.0
    low, high = float(flat.min(initial=0)), float(flat.max(initial=0))
    if not (low >= 0 and high <= 1):
        raise NeurosimError(
            f"encoder {kind}: {data.dtype} values of {low:g} to {high:g}, expected uint8 pixels or 0 to 1; divide "
            "by the largest value"
        )
    return flat.astype(np.float64)


def encode_rate(images: np.ndarray, timesteps: int, labels: np.ndarray | None = None) -> Stimulus:
    """Even rate coding by error diffusion, in integers: a pixel p of 0..255 spikes round(T p / 255) times in T steps.

    ``images`` (samples, ...) uint8. The spike at step t is ``((t+1) p + 127) // 255 - (t p + 127) // 255``.
    """
    if images.dtype != np.uint8:
        raise NeurosimError(f"encoder rate: images have dtype {images.dtype}, expected uint8 pixels of 0 to 255")
    steps = np.arange(timesteps, dtype=np.int64)[:, None]
    spikes = np.zeros((len(images), timesteps, images[0].size), np.int8)
    for sample, image in enumerate(images):
        # One sample at a time: the 64-bit products of a whole batch would take eight times its spikes.
        pixels = image.reshape(1, -1).astype(np.int64)
        spikes[sample] = ((steps + 1) * pixels + 127) // 255 - (steps * pixels + 127) // 255
    return Stimulus.from_dense(spikes, labels)


def encode_bernoulli(
    images: np.ndarray, timesteps: int, labels: np.ndarray | None = None, seed: int = 0, gain: float = 1.0
) -> Stimulus:
    """Random rate coding: a value spikes in each step with the probability that it is of full scale, times ``gain``.

    ``images`` (samples, ...) uint8, or fractions of 0 to 1. Streams are keyed by (seed, sample).
    """
    if images.dtype != np.uint8:
        unit_values(images, "rate")
    full = 255 if images.dtype == np.uint8 else 1
    flat = images.reshape(len(images), -1)
    spikes = np.zeros((len(images), timesteps, flat.shape[1]), np.int8)
    for sample, row in enumerate(flat):
        draw = np.random.default_rng([seed, sample]).random((timesteps, row.size))
        spikes[sample] = draw * full < row * gain
    return Stimulus.from_dense(spikes, labels)


def encode_direct(images: np.ndarray, timesteps: int, labels: np.ndarray | None = None) -> Stimulus:
    """Constant current: the value itself is sent in every step. The first layer then multiplies.

    Integers stay integers; fractions are sent as float32 and need a float network.
    """
    flat = images.reshape(len(images), 1, -1)
    flat = flat.astype(np.float32 if flat.dtype.kind == "f" else np.int32)
    return Stimulus.from_dense(np.repeat(flat, timesteps, axis=1), labels)


def encode_latency(
    images: np.ndarray,
    timesteps: int,
    labels: np.ndarray | None = None,
    cutoff: float = 0.0,
    curve: str = "linear",
    tau: float = 5.0,
) -> Stimulus:
    """One spike a value, the larger the earlier; values at or below ``cutoff`` (a share of full scale) never spike.

    ``linear``: step round((T - 1) (1 - x)), halves to even. ``log``: the step in which a capacitor that x charges with
    ``tau`` timesteps crosses the cutoff, floor(tau ln(x / (x - cutoff))), in the last step at the latest; it needs a
    cutoff above 0.
    """
    if curve == "log" and not cutoff > 0:
        raise NeurosimError(f"encoder latency: cutoff: got {cutoff:g}; curve=log charges up to it, give one above 0")
    values = unit_values(images, "latency")
    sample, neuron = np.nonzero(values > cutoff)
    x = values[sample, neuron]
    if curve == "log":
        with np.errstate(over="ignore"):
            step = np.floor(tau * np.log(x / (x - cutoff)))
    else:
        step = np.rint((timesteps - 1) * (1 - x))
    spikes = np.zeros((len(values), timesteps, values.shape[1]), np.int8)
    spikes[sample, np.minimum(step, timesteps - 1).astype(np.int64), neuron] = 1
    return Stimulus.from_dense(spikes, labels)
