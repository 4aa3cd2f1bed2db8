"""Weight grids: from trained float weights to the integers a chip stores, and their straight-through twin."""

from __future__ import annotations

import torch

FLOAT_BITS = 32


def grid_limit(bits: int) -> int:
    """Largest integer of the symmetric grid; two bits mean ternary {-1, 0, 1} and one bit means {-1, +1}."""
    return 1 if bits <= 2 else 2 ** (bits - 1) - 1


def _channel_mean(values: torch.Tensor, per_channel: bool) -> torch.Tensor:
    if not per_channel:
        return values.mean().reshape([1] * values.dim())
    return values.flatten(1).mean(1).reshape(-1, *[1] * (values.dim() - 1))


def quantise(weight: torch.Tensor, bits: int, per_channel: bool) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers on the grid of ``bits`` and their scale, one for each output channel or one for the layer.

    Parameters: ``weight`` (out, ...) float. Returns ``q`` of its shape (integer values, float dtype) and ``scale``
    broadcastable to it, with weight ~ scale * q.
    """
    size = weight.abs()
    mean = _channel_mean(size, per_channel).clamp(min=1e-12)
    if bits == 1:
        return torch.where(weight >= 0, 1.0, -1.0).to(weight.dtype), mean
    if bits == 2:
        # Zero band of 0.7 mean |w|: near the least-squares choice for bell-shaped weights.
        kept = (size > 0.7 * mean).to(weight.dtype)
        scale = _channel_mean(size * kept, per_channel) / _channel_mean(kept, per_channel).clamp(min=1e-12)
        return torch.sign(weight) * kept, scale.clamp(min=1e-12)
    limit = grid_limit(bits)
    if bits <= 4:
        # A coarse grid gains more from fine steps than from reaching the few largest weights.
        scale = 2 * mean / limit**0.5
    elif per_channel:
        scale = (size.flatten(1).amax(1) / limit).clamp(min=1e-12).reshape(mean.shape)
    else:
        scale = (size.max() / limit).clamp(min=1e-12).reshape(mean.shape)
    return torch.round(weight / scale).clamp(-limit, limit), scale


def fake_quantise(weight: torch.Tensor, bits: int, per_channel: bool) -> torch.Tensor:
    """``weight`` rounded to its grid in the forward pass; the gradient passes as if it were not."""
    if bits >= FLOAT_BITS:
        return weight
    with torch.no_grad():
        q, scale = quantise(weight, bits, per_channel)
        change = q * scale - weight
    return weight + change
