"""Where spikes go: one packet for each (spike, destination core), and what it feeds there."""

from __future__ import annotations

import numpy as np

from neurosim.mapping.layout import Feed
from neurosim.mapping.mapping import Block, Routes
from neurosim.mapping.reach import stable_order
from neurosim.snn.network import Network


def host_routed(network: Network) -> str | None:
    """The population whose spikes travel to the host: that of a readout which looks at spikes."""
    readout = network.readout
    return None if readout is None or readout.kind == "membrane" else readout.population


def build_routes(network: Network, blocks: tuple[Block, ...], feeds: list[list[tuple[int, Feed]]], host: int) -> Routes:
    """``feeds[b]`` are the feeds of block b by projection position; ``host`` is the host's endpoint number.

    The routes of a neuron ascend by destination; the rows of a route by projection, then block. A route to the host
    has no rows.
    """
    chunks = [(blocks[b].core, position, b, feed) for b, group in enumerate(feeds) for position, feed in group]
    chunks.sort(key=lambda chunk: chunk[:3])
    offsets = [int(network.offsets[network.index[p.source]]) for p in network.projections]
    sources = [feed.sources + np.int32(offsets[position]) for _, position, _, feed in chunks]
    cores, projections, numbers = [c[0] for c in chunks], [c[1] for c in chunks], [c[2] for c in chunks]
    events, words = [c[3].events for c in chunks], [c[3].words for c in chunks]
    answers = host_routed(network)
    if answers is not None:
        # The host comes after every core. Projection -1 marks its routes until they lose their rows below.
        start, stop = network.offsets[network.index[answers]], network.offsets[network.index[answers] + 1]
        sources.append(np.arange(start, stop))
        for column, value in ((cores, host), (projections, -1), (numbers, -1)):
            column.append(value)
        for column in (events, words):
            column.append(np.zeros(stop - start, np.int64))
    lengths = [s.size for s in sources]
    source = _joined(sources)
    order = stable_order(source, network.n_neurons)
    source = source[order]
    core, projection, block = (np.repeat(_narrow(x), lengths)[order] for x in (cores, projections, numbers))
    new = np.ones(source.size, bool)
    new[1:] = (source[1:] != source[:-1]) | (core[1:] != core[:-1])
    first = np.flatnonzero(new)
    ptr = np.zeros(network.n_neurons + 1, np.int64)
    np.cumsum(np.bincount(source[first], minlength=network.n_neurons), out=ptr[1:])
    real = projection >= 0

    def banks(column: list[np.ndarray | None]) -> np.ndarray | None:
        if not column or column[0] is None:
            return None
        return _joined([*column, *([] if answers is None else [np.zeros(stop - start)])])[order][real]

    rows_before = np.zeros(source.size + 1, np.int32)
    np.cumsum(real, out=rows_before[1:])
    return Routes(
        ptr=ptr,
        endpoint=core[first].astype(np.int32),
        row_ptr=np.concatenate([rows_before[first], rows_before[-1:]]).astype(np.int64),
        row_projection=projection if real.all() else projection[real],
        row_block=block if real.all() else block[real],
        row_events=_joined(events)[order][real],
        row_words=_joined(words)[order][real],
        row_reads=banks([c[3].reads for c in chunks]),
        row_turns=banks([c[3].turns for c in chunks]),
    )


def _narrow(numbers: list[int]) -> np.ndarray:
    """In 16 bits where they fit: there is one of them for every row, which may be as many as synapses."""
    return np.array(numbers, np.int16 if max(map(abs, numbers), default=0) < 1 << 15 else np.int32)


def _joined(parts: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([np.zeros(0, np.int32), *(p.astype(np.int32) for p in parts)])
