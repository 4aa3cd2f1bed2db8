"""A layer cut into tiles of array rows, and the rows of the spike matrix that each tile is brought.

A **tile** is the output neurons that the array works on at once, at most ``array.rows``. Tiles that share their weights
form a **weight tile**: one load serves them all. Two ways to cut:

by codeword: where the codewords of all convolutions into the layer are reused (`neurosim.mapping.layer_engines`). A
weight tile is as many channels as the buffer holds the indices of; at each output pixel, its tiles are those channels
in runs of array rows, and the first of them makes the partial sums of the codewords for all.
by channel: where every weighted projection into the layer is a convolution. A weight tile is a run of channels; its
tiles are those channels at each output pixel, in order of pixels.
flat: everything else. A tile is a run of neurons in C order, and a weight tile of its own.

A run is as long as the array has rows and as the weight buffer can hold. In the buffer each row of the spike matrix
has its weights side by side, starting in a new word: what one slot of the array needs. A codebook is decoded on the
way there; sparse rows, and convolutions in a flat tile, carry the number of the array row with each weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from neurosim.arch.layer import LayerChip
from neurosim.mapping.layer_engines import reuse_projections
from neurosim.mapping.layout import Layout
from neurosim.mapping.row_store import entry_bits
from neurosim.mapping.storage import words_of
from neurosim.snn.connectivity import Conv2d
from neurosim.snn.network import Network, Population

ADD, BUILD, COMBINE = range(3)


@dataclass(frozen=True, eq=False)
class Rows:
    """Rows of the spike matrix that one projection brings to one tile.

    ``source`` (n,) int32 ascending local numbers; ``events`` (n,) int32 connections of each, in units of ``times``.
    ``kind``: ADD adds a weight for every spike; BUILD makes the partial sums of all codewords; COMBINE adds them to the
    tile's neurons. ``group``: rows of one input channel, where codewords are reused.
    """

    projection: int
    source: np.ndarray
    events: np.ndarray
    times: int
    kind: int = 0
    group: int = 0


@dataclass(frozen=True, eq=False)
class Tile:
    """``neurons`` (n,) local numbers, one an array row, and the rows of the spike matrix by projection."""

    neurons: np.ndarray
    rows: tuple[Rows, ...]


@dataclass(frozen=True, eq=False)
class WeightTile:
    """Tiles behind one load. ``stored``: bits in the weight memory by projection and content; ``fill_words``: words
    written into the weight buffer by projection."""

    tiles: tuple[Tile, ...]
    stored: dict[int, dict[str, int]]
    fill_words: dict[int, int]


def cut_by_channel(network: Network, population: Population) -> bool:
    """Whether the layer is cut by channel: a picture all of whose weighted projections are convolutions."""
    kinds = {p.connectivity.kind for p in network.projections if p.target == population.name and _weighted(p)}
    return kinds == {"conv"}


def _weighted(projection) -> bool:
    return projection.connectivity.event == "synapse"


def item_bits(network: Network, chip: LayerChip) -> np.ndarray:
    """Bits of one weight in the weight buffer by projection, (n_projections,) int64; 0 where there is none."""
    number = max(1, (chip.core.array.rows - 1).bit_length())
    bits = []
    for p in network.projections:
        kind = p.connectivity.kind
        indexed = kind == "sparse" or (kind == "conv" and not cut_by_channel(network, network.population(p.target)))
        bits.append((entry_bits(p.codec) + number * indexed) if _weighted(p) else 0)
    return np.array(bits, np.int64)


class Cutter:
    """Cuts the layers of one network for one chip; ``reuse`` names the layers whose codewords are reused."""

    def __init__(self, network: Network, chip: LayerChip, reuse: frozenset[str] = frozenset()) -> None:
        self.network, self.chip, self.reuse = network, chip, reuse
        self.layout = Layout(network, chip)
        self.item = item_bits(network, chip)
        core = chip.core
        self.word = core.weight_buffer.word_bits
        halves = 2 if core.weight_buffer.load == "hidden" else 1
        self.room_words = core.weight_buffer.capacity_bits // halves // self.word
        self._shared: dict[tuple, tuple[np.ndarray, np.ndarray]] = {}
        self._pixels: dict[int, tuple[np.ndarray, np.ndarray]] = {}

    def cut(self, population: Population) -> list[WeightTile]:
        """All weight tiles of a layer, in order. One neuron (or channel) is the least a tile can be, fit or not."""
        into = [i for i, p in enumerate(self.network.projections) if p.target == population.name]
        most = self.chip.core.array.rows
        if population.name in self.reuse and reuse_projections(self.network, population):
            n, needs, make = population.shape[0], self._index_words, self._by_codeword
            most = n
        elif cut_by_channel(self.network, population):
            n, needs, make = population.shape[0], self._kernel_words, self._by_channel
        else:
            n, needs, make = population.n_neurons, self._flat_words, self._flat
        made, first = [], 0
        while first < n:
            last = _longest(first, min(first + most, n), lambda a, b: needs(into, a, b), self)
            made.append(make(population, into, first, last))
            first = last
        return made

    def _kernel_words(self, into: list[int], first: int, last: int) -> dict[int, int]:
        """Words of a weight tile of channels first..last-1 in the buffer, by projection."""
        words = {}
        for i in into:
            conv = self.network.projections[i].connectivity
            if conv.event != "synapse":
                continue
            per_group = conv.weights.shape[0] // conv.groups
            channels = np.bincount(np.arange(first, last) // per_group)
            rows = int(np.prod(conv.weights.shape[1:]))
            words[i] = rows * int(words_of(channels, int(self.item[i]), self.word).sum())
        return words

    def _flat_words(self, into: list[int], first: int, last: int) -> dict[int, int]:
        words = {}
        for i in into:
            if self.item[i]:
                rows = self._flat_rows(i, first, last)
                words[i] = int(words_of(rows.events.astype(np.int64) * rows.times, int(self.item[i]), self.word).sum())
        return words

    def _flat_rows(self, i: int, first: int, last: int) -> Rows:
        projection = self.network.projections[i]
        if projection.connectivity.kind == "dense":
            n = self.network.population(projection.source).n_neurons
            source, events = self._kept((i,), lambda: (np.arange(n, dtype=np.int32), np.ones(n, np.int32)))
            return Rows(i, source, events, last - first)
        return self._rows_of(i, np.arange(first, last, dtype=np.int32))

    def _rows_of(self, i: int, neurons: np.ndarray) -> Rows:
        feed = self.layout.feed(i, neurons)
        return Rows(i, feed.sources, feed.events.astype(np.int32), 1)

    def _kept(self, key: tuple, make: Callable) -> tuple[np.ndarray, np.ndarray]:
        if key not in self._shared:
            self._shared[key] = make()
        return self._shared[key]

    def _flat(self, population: Population, into: list[int], first: int, last: int) -> WeightTile:
        neurons = np.arange(first, last, dtype=np.int32)
        tile = Tile(neurons, tuple(self._flat_rows(i, first, last) for i in into))
        return WeightTile((tile,), self._stored(into, neurons), self._flat_words(into, first, last))

    def _by_channel(self, population: Population, into: list[int], first: int, last: int) -> WeightTile:
        pixels = population.shape[1] * population.shape[2]
        channels = np.arange(first, last, dtype=np.int32)
        tiles = []
        for pixel in range(pixels):
            neurons = channels * pixels + pixel
            rows = tuple(
                self._conv_rows(i, pixel, channels) if self.item[i] else self._rows_of(i, neurons) for i in into
            )
            tiles.append(Tile(neurons, rows))
        return WeightTile(tuple(tiles), self._stored(into, tiles[0].neurons), self._kernel_words(into, first, last))

    def _index_words(self, into: list[int], first: int, last: int) -> dict[int, int]:
        """Words of the codebook, a row a tap, and of the indices, a row an input channel and run of array rows."""
        words = {}
        for i in into:
            if not self.item[i]:
                continue
            projection = self.network.projections[i]
            codec, per_run = projection.codec, self._runs(first, last)
            table = codec.word_length * int(words_of(len(codec.table), int(self.item[i]), self.word))
            row = sum(int(words_of(len(run), codec.index_bits, self.word)) for run in per_run)
            words[i] = table + projection.connectivity.weights.shape[1] * row
        return words

    def _runs(self, first: int, last: int) -> list[np.ndarray]:
        rows = self.chip.core.array.rows
        return [np.arange(a, min(a + rows, last), dtype=np.int32) for a in range(first, last, rows)]

    def _by_codeword(self, population: Population, into: list[int], first: int, last: int) -> WeightTile:
        pixels = population.shape[1] * population.shape[2]
        tiles, runs = [], self._runs(first, last)
        for pixel in range(pixels):
            for k, channels in enumerate(runs):
                neurons = channels * pixels + pixel
                built = [self._codeword_rows(i, pixel, channels, BUILD) for i in into if self.item[i] and k == 0]
                used = [
                    self._codeword_rows(i, pixel, channels, COMBINE) if self.item[i] else self._rows_of(i, neurons)
                    for i in into
                ]
                tiles.append(Tile(neurons, (*built, *used)))
        every = np.arange(first, last, dtype=np.int32) * pixels
        return WeightTile(tuple(tiles), self._stored(into, every), self._index_words(into, first, last))

    def _codeword_rows(self, i: int, pixel: int, channels: np.ndarray, kind: int) -> Rows:
        rows = self._conv_rows(i, pixel, channels)
        return replace(rows, kind=kind, group=self._under(i, pixel).size)

    def _conv_rows(self, i: int, pixel: int, channels: np.ndarray) -> Rows:
        """Each input pixel under the kernel, of each input channel; a channel of another group is not connected."""
        conv: Conv2d = self.network.projections[i].connectivity
        per_group, in_group = conv.weights.shape[0] // conv.groups, conv.weights.shape[1]
        height, width = self.network.population(self.network.projections[i].source).shape[1:]
        if conv.groups == 1:
            key, members, events, times = (i, pixel), np.arange(in_group), np.ones(1, np.int32), len(channels)
        else:
            hit = np.bincount(channels // per_group, minlength=conv.groups)
            groups = np.flatnonzero(hit)
            key, times = (i, pixel, int(channels[0]), len(channels)), 1
            members = (groups[:, None] * in_group + np.arange(in_group)).ravel()
            events = np.repeat(hit[groups], in_group).astype(np.int32)

        def make() -> tuple[np.ndarray, np.ndarray]:
            here = self._under(i, pixel)
            source = (members[:, None] * (height * width) + here).ravel().astype(np.int32)
            return source, np.repeat(np.broadcast_to(events, members.shape), here.size)

        return Rows(i, *self._kept(key, make), times)

    def _under(self, i: int, pixel: int) -> np.ndarray:
        """Input pixels under the kernel at an output pixel, ascending."""
        if i not in self._pixels:
            projection = self.network.projections[i]
            shape = self.network.population(projection.source).shape
            indptr, out, _ = projection.connectivity.windows(shape)
            pixels = np.repeat(np.arange(indptr.size - 1), np.diff(indptr))
            order = np.lexsort((pixels, out))
            n_out = int(np.prod(projection.connectivity.output_shape(shape)[1:]))
            self._pixels[i] = np.searchsorted(out[order], np.arange(n_out + 1)), pixels[order]
        ptr, pixels = self._pixels[i]
        return pixels[ptr[pixel] : ptr[pixel + 1]]

    def _stored(self, into: list[int], neurons: np.ndarray) -> dict[int, dict[str, int]]:
        return {i: self.layout.feed(i, neurons).bits for i in into if self.item[i]}


def _longest(first: int, last: int, needs: Callable, cutter: Cutter) -> int:
    """The end of the longest run from ``first``, at most ``last``, whose weights fit the buffer; at least one long."""
    low, high = first + 1, last
    while low < high:
        middle = (low + high + 1) // 2
        if sum(needs(first, middle).values()) <= cutter.room_words:
            low = middle
        else:
            high = middle - 1
    return low
