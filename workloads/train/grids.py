"""The weight grids of the compression methods: integers, scale and stored form of each."""

from __future__ import annotations

import torch
from quantise import FLOAT_BITS, quantise

from neurosim.snn import BinaryCodec, CodebookCodec, Codec, FloatCodec, IntCodec, TernaryCodec

_BITS = {"float": FLOAT_BITS, "int8": 8, "int4": 4, "ternary": 2, "binary": 1}
WORD = 9


def is_codebook(grid: str) -> bool:
    """``book64``, ``book32``, ...: 3 x 3 sign kernels out of so many."""
    return grid.startswith("book")


def codebook_size(grid: str) -> int:
    """Codewords of a codebook grid."""
    return int(grid.removeprefix("book"))


def _column(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, *[1] * (like.dim() - 1))


def _mean_size(weight: torch.Tensor, mask: torch.Tensor | None, per_channel: bool) -> torch.Tensor:
    """Mean |w| over the kept weights, by output channel or of the layer."""
    kept = torch.ones_like(weight) if mask is None else mask
    size = (weight.abs() * kept).flatten(1).sum(1)
    count = kept.flatten(1).sum(1)
    if not per_channel:
        size, count = size.sum().reshape(1), count.sum().reshape(1)
    return _column((size / count.clamp(min=1)).clamp(min=1e-12), weight)


def rescaled_odd(weight: torch.Tensor, bits: int, gamma: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """ReScaW of QP-SNN: odd integers -(2^b-1), ..., -1, 1, ..., 2^b-1 and their unit gamma / (2^b-1)."""
    s = 2**bits - 1
    code = torch.round(s / 2 * ((weight / gamma).clamp(-1, 1) + 1))
    return 2 * code - s, gamma / s


def damp_outliers(words: torch.Tensor) -> torch.Tensor:
    """Kernels (n, 9) of 3 x 3 with what lies outside Tukey's fences divided by its mean difference to its neighbours.

    The paper's neighbourhood and guard were not readable: here the 8-neighbourhood, in units of the kernel's mean
    size, and never an enlargement.
    """
    quartile = torch.quantile(words, torch.tensor([0.25, 0.75], dtype=words.dtype), dim=1)
    reach = 1.5 * (quartile[1] - quartile[0])
    outside = (words < (quartile[0] - reach)[:, None]) | (words > (quartile[1] + reach)[:, None])
    grid = words.reshape(-1, 3, 3)
    total, count = torch.zeros_like(grid), torch.zeros_like(grid)
    for dy in (-1, 0, 1):
        for dx in (-1, 0, 1):
            here = (slice(None), slice(max(0, -dy), 3 - max(0, dy)), slice(max(0, -dx), 3 - max(0, dx)))
            there = (slice(None), slice(max(0, dy), 3 - max(0, -dy)), slice(max(0, dx), 3 - max(0, -dx)))
            total[here] += (grid[here] - grid[there]).abs()
            count[here] += float((dy, dx) != (0, 0))
    size = words.abs().mean(1, keepdim=True).clamp(min=1e-12)
    omega = ((total / count).reshape(-1, WORD) / size).clamp(min=1)
    return torch.where(outside, words / omega, words)


def nearest_words(weight: torch.Tensor, table: torch.Tensor, outliers: bool) -> torch.Tensor:
    """The codeword of each 3 x 3 kernel: nearest in squares, which for sign words is the largest dot product."""
    words = weight.reshape(-1, WORD)
    words = damp_outliers(words) if outliers else words
    return table[(words @ table.T).argmax(1)].reshape(weight.shape)


def common_words(weight: torch.Tensor, count: int) -> torch.Tensor:
    """The ``count`` most frequent sign kernels of a 3 x 3 layer, (count, 9); ties by number."""
    signs = (weight.reshape(-1, WORD) >= 0).long()
    number = (signs * 2 ** torch.arange(WORD)).sum(1)
    frequency = torch.bincount(number, minlength=2**WORD)
    best = torch.argsort(frequency, descending=True, stable=True)[:count].sort().values
    return ((best[:, None] >> torch.arange(WORD)) & 1).float() * 2 - 1


def to_grid(
    weight: torch.Tensor,
    grid: str,
    per_channel: bool,
    mask: torch.Tensor | None = None,
    table: torch.Tensor | None = None,
    outliers: bool = False,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Integers (float dtype, shape of ``weight``) and their scale; ``mask`` sets pruned weights to zero."""
    if grid.startswith("odd"):
        q, scale = rescaled_odd(weight, int(grid.removeprefix("odd")), _mean_size(weight, mask, per_channel))
    elif is_codebook(grid):
        q, scale = nearest_words(weight, table, outliers), _mean_size(weight, mask, per_channel)
    else:
        q, scale = quantise(weight, _BITS[grid], per_channel)
    return (q if mask is None else q * mask), scale


def codec_of(grid: str, table: torch.Tensor | None = None) -> Codec:
    """How the integers of a grid are stored."""
    if is_codebook(grid):
        return CodebookCodec(tuple(tuple(int(v) for v in row) for row in table.tolist()))
    if grid.startswith("odd"):
        return IntCodec(int(grid.removeprefix("odd")), "odd")
    return {"float": FloatCodec(), "ternary": TernaryCodec(), "binary": BinaryCodec()}.get(grid) or IntCodec(
        _BITS[grid]
    )
