"""Per-channel scales folded into thresholds and biases: integer inference without a multiplier.

A quantised layer means ``current_c = scale_c * sum(q) + offset_c`` with integer weights q, compared with a threshold
theta. Counting the membrane of channel c in units of ``scale_c / 2^F`` turns it into
``sum(q) << F`` + round(offset_c 2^F / scale_c), compared with round(theta 2^F / scale_c): the scale is gone, and F
fraction bits decide how finely threshold, bias and leak are held. A channel with a negative scale (batch
normalisation with a negative gain) has its weights' signs flipped first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NeurosimError


@dataclass(frozen=True, eq=False)
class FoldedScale:
    """weights as given with signs flipped where the scale was negative; threshold and bias (channels,) int64;
    weight_shift is F, for `Projection.weight_shift`."""

    weights: np.ndarray
    threshold: np.ndarray
    bias: np.ndarray
    weight_shift: int


def fold_scale(
    weights: np.ndarray,
    scale: np.ndarray,
    threshold: float | np.ndarray,
    offset: float | np.ndarray = 0.0,
    fraction_bits: int = 6,
    membrane_bits: int = 24,
    channel_axis: int = 0,
) -> FoldedScale:
    """Fold ``scale`` (channels,), ``threshold`` and ``offset`` (scalars or (channels,)) of one layer.

    ``channel_axis`` of ``weights`` is the output channel (0 for convolutions, 1 for ``Dense`` rows by source). Raises
    NeurosimError when a scale is zero or not finite, when a threshold rounds to zero, or when a folded value does not
    fit ``membrane_bits``.
    """
    scale = np.asarray(scale, np.float64).reshape(-1)
    if weights.dtype.kind not in "iu" or weights.shape[channel_axis] != scale.size:
        raise NeurosimError(
            f"fold_scale: weights {weights.dtype} {weights.shape}, expected integers with {scale.size} channels on "
            f"axis {channel_axis}"
        )
    if not np.isfinite(scale).all() or (scale == 0).any():
        raise NeurosimError("fold_scale.scale: holds zero, NaN or infinity; every channel needs a finite scale")
    shape = [1] * weights.ndim
    shape[channel_axis] = scale.size
    signs = np.where(scale < 0, -1, 1)
    unit = np.abs(scale) / 2.0**fraction_bits
    folded = np.rint(np.broadcast_to(threshold, scale.shape) / unit)
    bias = np.rint(np.broadcast_to(offset, scale.shape) / unit)
    limit = 2 ** (membrane_bits - 1) - 1
    for name, values in (("threshold", folded), ("bias", bias)):
        if not (np.abs(values) <= limit).all():
            channel = int(np.argmax(np.abs(values)))
            raise NeurosimError(
                f"fold_scale.{name}: channel {channel} folds to {values[channel]:.4g}, expected at most {limit} "
                f"({membrane_bits}-bit membrane); use fewer fraction bits"
            )
    if (folded < 1).any():
        channel = int(np.argmin(folded))
        raise NeurosimError(
            f"fold_scale.threshold: channel {channel} folds to {folded[channel]:g}, expected at least 1; use more "
            "fraction bits"
        )
    flipped = (weights.astype(np.int64) * signs.reshape(shape)).astype(weights.dtype)
    return FoldedScale(flipped, folded.astype(np.int64), bias.astype(np.int64), fraction_bits)
