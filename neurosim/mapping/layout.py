"""Bits in words: what one block of neurons stores for each projection into it, and what a spike reads.

A physical word holds floor(word / width) weights; a row (what one spike fetches) that does not fill its last word
wastes the rest (``padding``). Rows, by connectivity:

dense: one row a source neuron, the weights to the block's neurons.
conv, shared kernels: one row for each (input channel, kernel tap), the weights to the block's output channels of that
group. A spike reads one row for each output pixel of the block that it reaches. Stored once a block.
conv, unrolled (the chip cannot share) and sparse: one row a source neuron, a weight and a target index an entry. An
index numbers the block's neurons, or takes the chip's ``index_bits`` where that is more.
codebook: the rows hold codeword numbers, and the table is stored once a block. A convolution has a row for each
codeword of an output channel; one that covers whole kernels is read once for all taps, any other once a tap. Unrolled
and sparse rows cannot look a codeword up entry by entry, so they hold decoded values at the table's width.
pool, identity: nothing but the axon; the connection is computed from the target's number.
operands of products: no synaptic memory either; their rows lie in the membrane memory (`neurosim.mapping.products`).

So rows are stored ``by_kind``. A projection or its chip may ask for another layout of `neurosim.mapping.storage`
instead; what a spike reads then follows the layout, and the connections it makes stay the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurosim.arch import Chip
from neurosim.mapping.banks import Banks
from neurosim.mapping.products import is_product, operand_of
from neurosim.mapping.reach import ConvReach, ListReach
from neurosim.mapping.row_store import RowStore, Stored, entry_bits
from neurosim.mapping.storage import UNEVEN, words_of
from neurosim.mapping.taps import tap_windows
from neurosim.snn.codecs import CodebookCodec, Codec
from neurosim.snn.network import Network, Projection


@dataclass(frozen=True, eq=False)
class Feed:
    """One projection into one block. sources (n,) int32 ascending local numbers with at least one connection into the
    block; events, words (n,) int64 connections and synaptic words of one spike; bits stored by content. reads, turns
    (n,) int64: reads of the fullest bank and turns of the lanes (`Banks`), None where the chip models no conflicts.
    layout : how the rows are stored."""

    sources: np.ndarray
    events: np.ndarray
    words: np.ndarray
    bits: dict[str, int] = field(default_factory=dict)
    reads: np.ndarray | None = None
    turns: np.ndarray | None = None
    layout: str = "by_kind"

    @property
    def total_bits(self) -> int:
        return sum(self.bits.values())


def is_unrolled(projection: Projection, chip: Chip) -> bool:
    """True when a convolution must be stored connection by connection."""
    return projection.connectivity.kind == "conv" and not chip.core.synaptic_memory.shared_kernels


class Layout:
    """Computes feeds of a network on a chip; keeps the reverse adjacency of projections once it is needed.

    ``weight_bits`` asks what the network would need if no integer or float weight were wider than that (advice only).
    Not for two threads at once.
    """

    def __init__(self, network: Network, chip: Chip, weight_bits: int | None = None) -> None:
        self.network = network
        self.chip = chip
        self._word = chip.core.synaptic_memory.word_bits
        self._weight_bits = weight_bits
        self._conv: dict[int, ConvReach] = {}
        self._list: dict[int, ListReach] = {}
        self._banks = Banks(chip)
        self._rows = RowStore(network, chip, weight_bits)

    def feed(self, position: int, neurons: np.ndarray) -> Feed:
        """What projection number ``position`` costs for the target neurons (n,) of one block, local numbers."""
        projection = self.network.projections[position]
        kind = projection.connectivity.kind
        if is_product(projection):
            word = self.chip.core.membrane_memory.word_bits
            operand = operand_of(self.network, projection, neurons, word)
            return Feed(operand.sources, operand.events, operand.words)
        by_kind = self._rows.asked[position] == "by_kind"
        if kind == "dense":
            n = self.network.population(projection.source).n_neurons
            stored = self._rows_dense(projection, neurons, n) if by_kind else self._rows.dense(position, neurons)
            everyone, words = np.arange(n, dtype=np.int32), stored.words[0]
            reads, turns = self._banks.run_reads(words), self._banks.run_turns(n, len(neurons))
            events = np.full(n, len(neurons), np.int64)
            return Feed(everyone, events, words, stored.bits, reads, turns, stored.layout)
        if kind == "conv" and (by_kind or not is_unrolled(projection, self.chip)):
            return self._conv_feed(position, neurons)
        if kind == "identity":
            ones = np.ones(len(neurons), np.int64)
            sides = self._banks.run_reads(0 * ones), self._banks.run_turns(ones.size, 1)
            return Feed(np.sort(neurons).astype(np.int32), ones, 0 * ones, {}, *sides)
        if not by_kind:
            return self._listed_feed(position, neurons)
        sources, events = (found.astype(np.int32) for found in self._listed(position).of(neurons))
        turns = self._banks.list_turns(self._listed(position), neurons, sources)
        words, bits = (0 * events, {}) if kind == "pool" else self._entries(projection, events, len(neurons))
        return Feed(sources, events, words, bits, self._banks.run_reads(words), turns)

    def size(self, position: int, neurons: np.ndarray) -> tuple[int, int]:
        """Number of sources and bits of the `feed`, without its arrays; cutting a layer asks for it very often."""
        n, bits = self._size(position, neurons)
        return n, sum(bits.values())

    def contents(self, position: int, neurons: np.ndarray) -> dict[str, int]:
        """Bits of the `feed` by content, without its arrays."""
        return self._size(position, neurons)[1]

    def _size(self, position: int, neurons: np.ndarray) -> tuple[int, dict[str, int]]:
        projection = self.network.projections[position]
        kind = projection.connectivity.kind
        if is_product(projection):
            return operand_of(self.network, projection, neurons, 1).sources.size, {}
        if self._rows.asked[position] != "by_kind":
            return self._size_asked(position, neurons)
        if kind == "dense":
            return self.network.population(projection.source).n_neurons, self._dense(projection, neurons)[1]
        if kind == "identity":
            return len(neurons), {}
        if kind == "conv":
            reach = self._reach(position)
            touched, _, hits, channels = reach.of(neurons)
            if is_unrolled(projection, self.chip):
                bits = self._entries(projection, hits, len(neurons))[1]
                return touched.size * reach.in_group, {name: n * reach.in_group for name, n in bits.items()}
            return touched.size * reach.in_group, self._kernels(projection, channels)[1]
        sources, events = self._listed(position).of(neurons)
        return sources.size, {} if kind == "pool" else self._entries(projection, events, len(neurons))[1]

    def _size_asked(self, position: int, neurons: np.ndarray) -> tuple[int, dict[str, int]]:
        """`_size` of a projection that asks for a layout."""
        projection = self.network.projections[position]
        kind = projection.connectivity.kind
        if kind == "dense":
            n = self.network.population(projection.source).n_neurons
            return n, self._rows.dense(position, neurons).bits
        if kind == "conv" and not is_unrolled(projection, self.chip):
            reach = self._reach(position)
            stored = self._rows.kernels(position, _channels(reach, neurons))
            return reach.of(neurons)[0].size * reach.in_group, stored.bits
        sources, _, stored = self._rows.listed(position, self._listed(position), neurons)
        return sources.size, stored.bits

    def _listed_feed(self, position: int, neurons: np.ndarray) -> Feed:
        """The feed of listed connections (sparse, unrolled) in the layout asked for."""
        reach = self._listed(position)
        sources, events, stored = self._rows.listed(position, reach, neurons)
        sources, words = sources.astype(np.int32), stored.words[0]
        turns = self._banks.list_turns(reach, neurons, sources)
        return Feed(sources, events, words, stored.bits, self._banks.run_reads(words), turns, stored.layout)

    def _rows_dense(self, projection: Projection, neurons: np.ndarray, n_rows: int) -> Stored:
        words, bits = self._dense(projection, neurons)
        return Stored("by_kind", [np.full(n_rows, words, np.int64)], bits)

    def _width(self, codec: Codec) -> int:
        """Bits of one stored item: a weight, or the number of a codeword."""
        if isinstance(codec, CodebookCodec):
            return codec.index_bits
        if codec.kind in ("int", "float32") and self._weight_bits is not None:
            return min(int(codec.bits), self._weight_bits)
        return int(codec.bits)

    def _packed(self, codec: Codec, n_items: np.ndarray | int, n_rows: int) -> tuple[np.ndarray | int, dict[str, int]]:
        """Words of a row of ``n_items`` (an array: kinds of row), and the bits of ``n_rows`` rows of each kind."""
        width = self._width(codec)
        words = words_of(n_items, width, self._word)
        used = n_rows * int(np.sum(n_items)) * width
        padding = n_rows * int(np.sum(words)) * self._word - used
        if isinstance(codec, CodebookCodec):
            return words, {"indices": used, "codebook": codec.table_bits, "padding": padding}
        return words, {"weights": used, "padding": padding}

    def _dense(self, projection: Projection, neurons: np.ndarray) -> tuple[int, dict[str, int]]:
        """Words of each source's row, and all bits."""
        codec, n_items = projection.codec, len(neurons)
        n_source, n_target = projection.connectivity.weights.shape
        if isinstance(codec, CodebookCodec):
            n_items = np.unique(neurons // codec.word_length).size
            # Codewords that run on from row to row begin at any place of a row, so one more may be touched.
            n_items += n_target % codec.word_length != 0
        words, bits = self._packed(codec, n_items, n_source)
        return int(words), bits

    def _kernels(self, projection: Projection, channels: np.ndarray) -> tuple[np.ndarray, dict[str, int]]:
        """Words of a row of each group, (n_groups,), and all bits; ``channels`` (n_groups,) are the block's."""
        codec, shape = projection.codec, projection.connectivity.weights.shape
        rows = prod(shape[1:])
        if isinstance(codec, CodebookCodec):
            rows = -(-rows // codec.word_length)
        return self._packed(codec, channels, rows)

    def _entries(self, projection: Projection, events: np.ndarray, n_targets: int) -> tuple[np.ndarray, dict[str, int]]:
        """Words of each source's row of weights with indices, and all bits."""
        index_bits = max(self.chip.core.synaptic_memory.index_bits or 1, (n_targets - 1).bit_length())
        codec = projection.codec
        width = entry_bits(codec) if isinstance(codec, CodebookCodec) else self._width(codec)
        words = words_of(events, width + index_bits, self._word)
        total = int(events.sum())
        bits = {"weights": total * width, "indices": total * index_bits}
        return words, {**bits, "padding": int(words.sum()) * self._word - total * (width + index_bits)}

    def _listed(self, position: int) -> ListReach:
        if position not in self._list:
            projection = self.network.projections[position]
            source = self.network.population(projection.source)
            target = self.network.population(projection.target)
            indptr, indices, _ = projection.connectivity.to_csr(source.shape, target.shape)
            self._list[position] = ListReach(indptr, indices, target.n_neurons)
        return self._list[position]

    def _reach(self, position: int) -> ConvReach:
        if position not in self._conv:
            projection = self.network.projections[position]
            source = self.network.population(projection.source)
            target = self.network.population(projection.target)
            self._conv[position] = ConvReach(projection.connectivity, source.shape, target.shape)
        return self._conv[position]

    def _conv_feed(self, position: int, neurons: np.ndarray) -> Feed:
        projection, reach = self.network.projections[position], self._reach(position)
        touched, windows, hits, channels = reach.of(neurons)
        order = np.argsort(touched)
        touched = touched[order]
        group, pixel = np.divmod(touched, reach.in_pixels)
        windows, hits = windows[order], hits[order]
        # Every input channel of a group is reached at the same pixels.
        members = np.arange(reach.in_group)
        sources = ((group[:, None] * reach.in_group + members) * reach.in_pixels + pixel[:, None]).ravel()
        by_source = np.argsort(sources)
        sources = sources[by_source].astype(np.int32)
        events = np.repeat(hits, reach.in_group)[by_source]
        unrolled = is_unrolled(projection, self.chip)
        turns = self._banks.conv_turns(reach, neurons, touched, by_pixel=not unrolled)
        turns = None if turns is None else np.repeat(turns, reach.in_group)[by_source]
        if unrolled:
            words, bits = self._entries(projection, events, len(neurons))
            return Feed(sources, events, words, bits, self._banks.run_reads(words), turns)
        if self._rows.asked[position] != "by_kind":
            stored = self._rows.kernels(position, _channels(reach, neurons))
            if stored.layout in UNEVEN:
                taps = tap_windows(reach, neurons, touched)
                by_group = [w.reshape(reach.in_group, -1) for w in stored.words]
                words = np.array([by_group[g] @ t for g, t in zip(group, taps, strict=True)], np.int64)
                return Feed(sources, events, words.ravel()[by_source], stored.bits, None, turns, stored.layout)
            row_words, bits, layout = np.array([w[0] for w in stored.words]), stored.bits, stored.layout
            codebook = None
        else:
            (row_words, bits), layout = self._kernels(projection, channels), "by_kind"
            codebook = projection.codec if isinstance(projection.codec, CodebookCodec) else None
        whole = codebook is not None and codebook.word_length % prod(projection.connectivity.kernel) == 0
        words = np.repeat(row_words[group] * (1 if whole else windows), reach.in_group)[by_source]
        if whole:
            return Feed(sources, events, words, bits, self._banks.run_reads(words), turns)
        length = 1 if codebook is None else codebook.word_length
        reads = self._banks.kernel_reads(reach, neurons, touched, row_words, length)
        reads = None if reads is None else reads.ravel()[by_source]
        return Feed(sources, events, words, bits, reads, turns, layout)


def _channels(reach: ConvReach, neurons: np.ndarray) -> np.ndarray:
    """Output channels of a block, ascending."""
    return np.unique(neurons // reach.out_pixels)
