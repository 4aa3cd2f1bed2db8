"""An array that skips zero activations: what a layer takes on it, counted on the activations themselves.

``rows`` x ``columns`` elements. A column is an output channel; a row works through one window (an output pixel, or a
sample of a dense layer) and takes a cycle for each activation of it that is not zero: that value to all columns, one
word of ``columns`` weights from the row's own filter memory, one multiply-accumulate a column into a register. Rows
find their values by a bit map, read ahead at 64 bits a cycle, so that a window takes

    max(activations not zero, ceil(window / 64)) cycles, and ``rows`` windows at a time the longest of them.

Channels beyond ``columns`` are further passes. Rows read different weights, so every row holds its own copy of a
slice: a pass is cut into slices of input channels (of inputs, in a dense layer) that fit half a row's memory, all
windows are walked for one slice after another, and sums are written and read back in between. A dense layer with fewer
samples than rows divides its inputs among the rows instead of copying them, and the rows' sums are added up through
the sum memory. Padding is never touched. Rows wait for each other only within a group of ``rows`` windows.

Zeros are those of the ANN's real activations (`neurosim.baseline.ann_model`), rounded to the width at hand.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from neurosim.baseline.ann_model import AnnLayer

MAP_BITS = 64
"""Width of a word of the input memory: a piece of bit map, or as many values as fit."""


@dataclass(frozen=True)
class SkipArray:
    """``rows`` windows by ``columns`` output channels."""

    rows: int
    columns: int

    def __post_init__(self) -> None:
        for name in ("rows", "columns"):
            if getattr(self, name) < 1:
                raise NeurosimError(f"array.{name}: got {getattr(self, name)}, expected at least 1")

    @property
    def elements(self) -> int:
        return self.rows * self.columns


@dataclass(frozen=True)
class SkipCounts:
    """What one layer of one part of a batch takes.

    ``macs`` are done, ``dense_macs`` would be without skipping (padding included). Words: ``map_words`` and
    ``value_words`` of the input memory read, ``weight_words`` of ``columns`` weights read, ``sums_moved`` of
    ``columns`` sums written and read back: all but the last of a window. ``fetched`` weights are needed, ``fill_words``
    of them are brought in, and ``copies`` of every word are written into row memories.
    """

    cycles: int
    macs: int
    dense_macs: int
    values: int
    map_words: int
    value_words: int
    weight_words: int
    sums_moved: int
    slices: int
    copies: int
    fetched: int
    fill_words: int
    windows: int
    zero_share: float


def rounded(activations: np.ndarray, bits: int) -> np.ndarray:
    """8-bit activations rounded to ``bits`` bits, halves up, the greatest kept: what is left of them at that width."""
    if bits >= 8:
        return activations
    shift = 8 - bits
    return np.minimum((activations.astype(np.int64) + (1 << (shift - 1))) >> shift, (1 << bits) - 1)


def split_of(layer: AnnLayer, batch: int, array: SkipArray, weight_bits: int, half_bits: int) -> tuple[int, int]:
    """Rows that share a window, and slices of a pass, for half a row's filter memory of ``half_bits``."""
    rows_a_window = max(1, array.rows // batch) if layer.kind == "dense" else 1
    pieces = layer.in_shape[0] if layer.kind == "conv" else prod(layer.in_shape)
    taps = prod(layer.kernel)
    rows_a_window = min(rows_a_window, pieces)
    width = min(array.columns, layer.out_shape[0] if layer.kind == "conv" else prod(layer.out_shape))
    fitting = half_bits // (width * taps * weight_bits)
    if fitting < 1:
        raise NeurosimError(
            f"array: half a row's filter memory holds {half_bits} bits, expected at least "
            f"{width * taps * weight_bits}: the weights of one input channel"
        )
    return rows_a_window, -(-pieces // (rows_a_window * fitting))


def window_counts(layer: AnnLayer, nonzero: np.ndarray, chunks: int) -> tuple[np.ndarray, np.ndarray]:
    """Values not zero in every window and chunk of input channels, (windows, chunks), and a chunk's full size."""
    n = len(nonzero)
    if layer.kind == "dense":
        flat = nonzero.reshape(n, -1)
        edges = np.arange(chunks + 1) * flat.shape[1] // chunks
        sums = np.concatenate([np.zeros((n, 1), np.int64), flat.cumsum(axis=1, dtype=np.int64)], axis=1)
        return sums[:, edges[1:]] - sums[:, edges[:-1]], np.diff(edges)
    (ph, pw), (sh, sw), taps = layer.padding, layer.stride, prod(layer.kernel)
    edges = np.arange(chunks + 1) * layer.in_shape[0] // chunks
    found = []
    for low, high in pairwise(edges):
        plane = np.pad(nonzero[:, low:high].sum(axis=1, dtype=np.int64), ((0, 0), (ph, ph), (pw, pw)))
        windows = np.lib.stride_tricks.sliding_window_view(plane, layer.kernel, axis=(1, 2))[:, ::sh, ::sw]
        found.append(windows.sum(axis=(3, 4)).ravel())
    return np.stack(found, axis=1), np.diff(edges) * taps


def count_skipping(
    layer: AnnLayer, values: np.ndarray, array: SkipArray, value_bits: int, weight_bits: int, half_bits: int
) -> SkipCounts:
    """One layer on ``values`` (n, *in_shape), its input activations at their width, all samples together.

    Raises NeurosimError where half a row's filter memory does not hold one input channel.
    """
    nonzero = values.reshape(len(values), *layer.in_shape) != 0
    shared, slices = split_of(layer, len(values), array, weight_bits, half_bits)
    counts, sizes = window_counts(layer, nonzero, shared * slices)
    channels = layer.out_shape[0] if layer.kind == "conv" else prod(layer.out_shape)
    passes = -(-channels // array.columns)
    # Weights of a dense layer's inputs that are zero in every sample are not fetched.
    needed = int(nonzero.any(axis=0).sum()) if layer.kind == "dense" else layer.weights.size // channels
    # A unit is what one row does at a time: chunk c of a window is row c % shared's in slice c // shared.
    windows = len(counts)
    by_slice = counts.reshape(windows, slices, shared)
    maps = -(-sizes // MAP_BITS)
    longest = np.maximum(by_slice, maps.reshape(slices, shared)).max(axis=2)
    together = max(1, array.rows // shared)
    starts = np.arange(0, windows, together)
    # The longest row of a group holds the others up.
    cycles = int(np.maximum.reduceat(longest, starts, axis=0).sum())
    found = int(counts.sum())
    return SkipCounts(
        cycles=cycles * passes,
        macs=found * channels,
        dense_macs=layer.macs * len(values),
        values=found * passes,
        map_words=int(maps.sum()) * windows * passes,
        value_words=int((-(-counts * value_bits // MAP_BITS)).sum()) * passes,
        weight_words=found * passes,
        sums_moved=windows * (shared * slices - 1) * passes,
        slices=slices,
        copies=together,
        fetched=needed * channels,
        fill_words=needed * passes,
        windows=windows,
        zero_share=1 - float(nonzero.mean()),
    )
