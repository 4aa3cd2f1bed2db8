"""Integers found in fake-quantised weights: w = scale x q, exactly, or no integers at all. Nothing is ever rounded.

A quantiser in PyTorch leaves floats on a grid: one scale for the tensor or one a channel. The grid is searched, not
asked for: the largest magnitude is q_max scales for some q_max of at most 2^bits - 1, and each candidate must put
every weight on a whole number to within float32's rounding.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.snn.codecs import BinaryCodec, Codec, IntCodec, TernaryCodec

MAX_BITS = 8
ULPS = 4 * 2.0**-24
"""Largest distance from the grid as a share of the largest weight: quantisers compute in float32."""
FREE = 8
"""Weights more than scales before a grid is believed: few weights lie on some grid by chance."""


@dataclass(frozen=True, eq=False)
class OnGrid:
    """``integers`` as the weight, ``scale`` (1,) or (channels,) float64, ``codec`` the narrowest that holds them."""

    integers: np.ndarray
    scale: np.ndarray
    codec: Codec

    @property
    def per_channel(self) -> bool:
        return self.scale.size > 1


def codec_for(integers: np.ndarray) -> Codec:
    """The narrowest of sign bit, ternary, odd grid and two's complement."""
    top, low = int(integers.max()), int(integers.min())
    biggest = max(abs(top), abs(low))
    if biggest == 1:
        return TernaryCodec() if (integers == 0).any() else BinaryCodec()
    if (integers & 1).all() and biggest < 2**MAX_BITS:
        return IntCodec(biggest.bit_length(), "odd")
    bits = 1 + max(top, -low - 1).bit_length()
    return IntCodec(bits)


def _scale(magnitudes: np.ndarray) -> float | None:
    """The largest scale of which every distinct magnitude (ascending, not 0) is a whole multiple."""
    if magnitudes.size >= 2**MAX_BITS:
        return None
    largest = magnitudes[-1]
    for steps in range(1, 2**MAX_BITS):
        ratio = magnitudes * (steps / largest)
        # Both w and s carry float32 roundings, some quantisers (2 x - 1) those of the largest weight.
        if (np.abs(ratio - np.rint(ratio)) <= ULPS * steps).all():
            return float(largest / steps)
    return None


def _whole(weight: np.ndarray, scale: np.ndarray) -> np.ndarray | None:
    integers = np.rint(weight / scale)
    odd = (integers % 2 != 0).all()
    limit = 2**MAX_BITS if odd else 2 ** (MAX_BITS - 1) + 1
    return integers.astype(np.int16) if np.abs(integers).max() < limit else None


def recover(weight: np.ndarray) -> OnGrid | None:
    """The integers of ``weight`` (channels out first), or None where it lies on no grid of at most 8 bits."""
    values = weight.astype(np.float64)
    flat = values.reshape(values.shape[0], -1)
    if flat.size < FREE + 1 or not np.isfinite(flat).all() or not flat.any():
        return None
    scale = _scale(np.unique(np.abs(flat[flat != 0]))) if _few(flat) else None
    if scale is not None and (integers := _whole(flat, np.array(scale))) is not None:
        return OnGrid(integers.reshape(weight.shape), np.array([scale]), codec_for(integers))
    if flat.shape[1] < FREE + 1:
        return None
    scales = np.ones(flat.shape[0])
    for channel, row in enumerate(flat):
        if row.any():
            found = _scale(np.unique(np.abs(row[row != 0])))
            if found is None:
                return None
            scales[channel] = found
    integers = _whole(flat, scales[:, None])
    if integers is None:
        return None
    return OnGrid(integers.reshape(weight.shape), scales, codec_for(integers))


def _few(flat: np.ndarray) -> bool:
    """A cheap look before the sort: a grid of 8 bits has few distinct values."""
    return np.unique(np.abs(flat.reshape(-1)[: 4 * 2**MAX_BITS])).size <= 2**MAX_BITS
