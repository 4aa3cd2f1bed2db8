"""Where spikes go: one packet for each (spike, destination core), and what it feeds there."""

from __future__ import annotations

import numpy as np

from neurosim.mapping.layout import Feed
from neurosim.mapping.mapping import Block, Routes
from neurosim.snn.network import Network


def build_routes(network: Network, blocks: tuple[Block, ...], feeds: list[list[tuple[int, Feed]]], host: int) -> Routes:
    """``feeds[b]`` are the feeds of block b; ``host`` is the host's endpoint number."""
    source, core, projection, block, events, words = [], [], [], [], [], []
    for b, group in enumerate(feeds):
        for position, feed in group:
            offset = network.offsets[network.index[network.projections[position].source]]
            n = feed.sources.size
            source.append(feed.sources.astype(np.int64) + offset)
            core.append(np.full(n, blocks[b].core, np.int64))
            projection.append(np.full(n, position, np.int32))
            block.append(np.full(n, b, np.int32))
            events.append(feed.events)
            words.append(feed.words)
    if network.readout is not None and network.readout.kind != "membrane":
        index = network.index[network.readout.population]
        start, stop = network.offsets[index], network.offsets[index + 1]
        # A route to the host feeds nothing; it is marked by projection -1 and loses its row below.
        source.append(np.arange(start, stop))
        core.append(np.full(stop - start, host, np.int64))
        for rows, dtype in ((projection, np.int32), (block, np.int32), (events, np.int64), (words, np.int64)):
            rows.append(np.full(stop - start, -1, dtype))
    columns = (source, core, projection, block, events, words)
    joined = [np.concatenate(x) if x else np.zeros(0, np.int64) for x in columns]
    order = np.lexsort((joined[3], joined[2], joined[1], joined[0]))
    source, core, projection, block, events, words = (x[order] for x in joined)
    new = np.ones(source.size, bool)
    new[1:] = (source[1:] != source[:-1]) | (core[1:] != core[:-1])
    first = np.flatnonzero(new)
    ptr = np.zeros(network.n_neurons + 1, np.int64)
    np.cumsum(np.bincount(source[first], minlength=network.n_neurons), out=ptr[1:])
    real = projection >= 0
    rows_before = np.concatenate([[0], np.cumsum(real)])
    row_ptr = np.concatenate([rows_before[first], rows_before[-1:]]).astype(np.int64)
    return Routes(
        ptr,
        core[first].astype(np.int32),
        row_ptr,
        projection[real].astype(np.int32),
        block[real].astype(np.int32),
        events[real].astype(np.int32),
        words[real].astype(np.int32),
    )
