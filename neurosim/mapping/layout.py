"""Bits in words: what one block of neurons stores for each projection into it, and what a spike reads.

A physical word holds floor(word / width) weights; a row (what one spike fetches) that does not fill its last word
wastes the rest. Rows, by connectivity:

dense: one row a source neuron, the weights to the block's neurons.
conv, shared kernels: one row for each (input channel, kernel tap), the weights to the block's output channels of that
group. A spike reads one row for each output pixel of the block that it reaches. Stored once a block.
conv, unrolled (the chip cannot share) and sparse: one row a source neuron, a weight and a target index an entry.
codebook: a word holds floor(word / index width) codewords; a codeword that is a whole kernel is read once for all taps.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurosim.arch import Chip
from neurosim.snn.codecs import CodebookCodec
from neurosim.snn.connectivity import Conv2d
from neurosim.snn.network import Network, Projection


@dataclass(frozen=True, eq=False)
class Feed:
    """One projection into one block. sources (n,) ascending local numbers with at least one connection into the
    block; events, words (n,) int64 connections and synaptic words of one spike; bits stored by content."""

    sources: np.ndarray
    events: np.ndarray
    words: np.ndarray
    bits: dict[str, int] = field(default_factory=dict)

    @property
    def total_bits(self) -> int:
        return sum(self.bits.values())


def is_unrolled(projection: Projection, chip: Chip) -> bool:
    """True when a convolution must be stored connection by connection."""
    return projection.connectivity.kind == "conv" and not chip.core.synaptic_memory.shared_kernels


class Layout:
    """Computes feeds of a network on a chip; keeps the reverse adjacency of sparse and pooling projections."""

    def __init__(self, network: Network, chip: Chip) -> None:
        self.network = network
        self.chip = chip
        self._reverse: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def feed(self, position: int, neurons: np.ndarray) -> Feed:
        """What projection number ``position`` costs for the target neurons (local numbers) of one block."""
        projection = self.network.projections[position]
        kind = projection.connectivity.kind
        source = self.network.population(projection.source)
        if kind == "dense":
            n = source.n_neurons
            words, bits = self._packed(projection, len(neurons), n)
            everyone = np.arange(n, dtype=np.int32)
            return Feed(everyone, np.full(n, len(neurons), np.int64), np.full(n, words, np.int64), bits)
        if kind == "conv":
            return self._conv(projection, neurons)
        if kind == "identity":
            ones = np.ones(len(neurons), np.int64)
            return Feed(np.sort(neurons).astype(np.int32), ones, 0 * ones)
        sources, events = self._listed(position, neurons)
        if kind == "pool":
            return Feed(sources, events, 0 * events)
        return self._rows(projection, sources, events, len(neurons))

    def _packed(self, projection: Projection, n_weights: int, n_rows: int) -> tuple[int, dict[str, int]]:
        """Words of a row of ``n_weights``, and the bits of ``n_rows`` such rows."""
        word = self.chip.core.synaptic_memory.word_bits
        codec = projection.codec
        if isinstance(codec, CodebookCodec):
            units, width = -(-n_weights // codec.word_length), codec.index_bits
            words = _words(units, width, word)
            used = n_rows * units * width
            table = {"indices": used, "codebook": codec.table_bits}
            return words, {**table, "padding": n_rows * words * word - used}
        width = int(codec.bits)
        words = _words(n_weights, width, word)
        used = n_rows * n_weights * width
        return words, {"weights": used, "padding": n_rows * words * word - used}

    def _rows(self, projection: Projection, sources: np.ndarray, events: np.ndarray, n_targets: int) -> Feed:
        """Weight and index an entry, a row a source."""
        memory = self.chip.core.synaptic_memory
        index_bits = memory.index_bits or max(1, (n_targets - 1).bit_length())
        codec = projection.codec
        # A codeword cannot be looked up entry by entry, so unrolled codebooks store their decoded signs.
        width = 1 if isinstance(codec, CodebookCodec) else int(codec.bits)
        words = _words(events, width + index_bits, memory.word_bits)
        total = int(events.sum())
        used = total * (width + index_bits)
        bits = {"weights": total * width, "indices": total * index_bits}
        return Feed(sources, events, words, {**bits, "padding": int(words.sum()) * memory.word_bits - used})

    def _listed(self, position: int, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sources that reach the block and how often, from the reverse of the stored connections."""
        if position not in self._reverse:
            projection = self.network.projections[position]
            source = self.network.population(projection.source)
            target = self.network.population(projection.target)
            indptr, indices, _ = projection.connectivity.to_csr(source.shape, target.shape)
            order = np.argsort(indices, kind="stable")
            origin = np.repeat(np.arange(source.n_neurons, dtype=np.int32), np.diff(indptr))[order]
            ptr = np.zeros(target.n_neurons + 1, np.int64)
            np.cumsum(np.bincount(indices, minlength=target.n_neurons), out=ptr[1:])
            self._reverse[position] = (ptr, origin)
        ptr, origin = self._reverse[position]
        lengths = ptr[neurons + 1] - ptr[neurons]
        starts = np.repeat(ptr[neurons], lengths)
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        sources, events = np.unique(origin[starts + within], return_counts=True)
        return sources.astype(np.int32), events.astype(np.int64)

    def _conv(self, projection: Projection, neurons: np.ndarray) -> Feed:
        conv = projection.connectivity
        source = self.network.population(projection.source)
        target = self.network.population(projection.target)
        per_group = conv.weights.shape[0] // conv.groups
        n_pixels = target.shape[1] * target.shape[2]
        channel, pixel = np.divmod(neurons.astype(np.int64), n_pixels)
        group = channel // per_group
        sources, events, reads = [], [], []
        row_words = np.zeros(conv.groups, np.int64)
        bits: dict[str, int] = {}
        taps = prod(conv.kernel)
        for g in np.unique(group):
            here = group == g
            channels = np.unique(channel[here]).size
            whole = isinstance(projection.codec, CodebookCodec) and projection.codec.word_length == taps
            rows = conv.weights.shape[1] * (1 if whole else taps)
            row_words[g], stored = self._packed(projection, channels * (taps if whole else 1), rows)
            for content, amount in stored.items():
                # One codebook serves all groups of the projection.
                bits[content] = amount if content == "codebook" else bits.get(content, 0) + amount
            pixels, count = np.unique(pixel[here], return_counts=True)
            inputs, hits, rows_read = _reach(conv, source.shape, target.shape, pixels, count)
            words = np.where(rows_read > 0, row_words[g], 0) if whole else rows_read * row_words[g]
            first = g * conv.weights.shape[1]
            for member in range(conv.weights.shape[1]):
                sources.append((first + member) * source.shape[1] * source.shape[2] + inputs)
                events.append(hits)
                reads.append(words)
        all_sources, all_events = np.concatenate(sources).astype(np.int32), np.concatenate(events)
        if is_unrolled(projection, self.chip):
            return self._rows(projection, all_sources, all_events, len(neurons))
        return Feed(all_sources, all_events, np.concatenate(reads), bits)


def _words(n: int | np.ndarray, width: int, word: int):
    """Physical words for ``n`` items of ``width`` bits; an item wider than a word takes several."""
    if width > word:
        return n * -(-width // word)
    return -(-n // (word // width))


def _reach(conv: Conv2d, source: tuple, target: tuple, pixels: np.ndarray, count: np.ndarray):
    """Input pixels under the given output pixels: ascending pixel, connections (weighted by ``count``), windows."""
    oy, ox = np.divmod(pixels, target[2])
    ky, kx = np.divmod(np.arange(prod(conv.kernel)), conv.kernel[1])
    iy = oy[:, None] * conv.stride[0] - conv.padding[0] + ky[None] * conv.dilation[0]
    ix = ox[:, None] * conv.stride[1] - conv.padding[1] + kx[None] * conv.dilation[1]
    inside = (iy >= 0) & (iy < source[1]) & (ix >= 0) & (ix < source[2])
    flat = (iy * source[2] + ix)[inside]
    weight = np.broadcast_to(count[:, None], inside.shape)[inside]
    low = int(flat.min()) if flat.size else 0
    windows = np.bincount(flat - low)
    hits = np.bincount(flat - low, weights=weight).astype(np.int64)
    touched = np.flatnonzero(windows)
    return touched + low, hits[touched], windows[touched].astype(np.int64)
