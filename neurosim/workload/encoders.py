"""Numbers to spikes. Every encoder is deterministic, or takes a seed."""

from __future__ import annotations

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.trace import Stimulus

MAX_CELLS = 1 << 31
ENCODERS = ("rate_deterministic", "rate_bernoulli", "direct")


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


def encode_bernoulli(images: np.ndarray, timesteps: int, labels: np.ndarray | None = None, seed: int = 0) -> Stimulus:
    """Random rate coding: a pixel spikes in each step with probability p / 255. Streams are keyed by (seed, sample)."""
    flat = images.reshape(len(images), -1)
    spikes = np.zeros((len(images), timesteps, flat.shape[1]), np.int8)
    for sample, row in enumerate(flat):
        draw = np.random.default_rng([seed, sample]).random((timesteps, row.size))
        spikes[sample] = draw * 255 < row
    return Stimulus.from_dense(spikes, labels)


def encode_direct(images: np.ndarray, timesteps: int, labels: np.ndarray | None = None) -> Stimulus:
    """Constant current: the pixel value itself is sent in every step. The first layer then multiplies."""
    flat = images.reshape(len(images), 1, -1).astype(np.int32)
    return Stimulus.from_dense(np.repeat(flat, timesteps, axis=1), labels)


def encode(kind: str, images: np.ndarray, timesteps: int, labels: np.ndarray | None, seed: int) -> Stimulus:
    """The encoder named ``kind`` in a workload file: rate_deterministic, rate_bernoulli or direct."""
    if timesteps < 1:
        raise NeurosimError(f"timesteps: got {timesteps}, expected at least 1")
    cells = images.size * timesteps
    if cells > MAX_CELLS:
        raise NeurosimError(
            f"timesteps: {timesteps} steps of {len(images)} samples are {cells} places for a spike, expected at most "
            f"{MAX_CELLS}; use fewer samples or timesteps"
        )
    if kind == "rate_deterministic":
        return encode_rate(images, timesteps, labels)
    if kind == "rate_bernoulli":
        return encode_bernoulli(images, timesteps, labels, seed)
    if kind == "direct":
        return encode_direct(images, timesteps, labels)
    raise NeurosimError(f"encoder.kind: got {kind!r}, expected rate_deterministic, rate_bernoulli or direct")
