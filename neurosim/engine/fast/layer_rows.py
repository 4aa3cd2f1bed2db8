"""Layer execution in numba: the plan as kernels see it, and the rows that a projection brings to a tile.

Every function adds to the sums of its thread and returns quanta. Meaning: docs/layer.md, sections 4 and 8.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.engine.fast.compile import inner
from neurosim.engine.layer_plan import LAYER_COUNTS, PROJECTION_COUNTS


class Numbers(NamedTuple):
    """The scalars of a plan."""

    timesteps: int
    window: int
    batch: int
    packing: int
    rows: int
    columns: int
    fill_cycles: int
    layer_cycles: int
    update_lanes: int
    state_cycles: int
    step_cycles: int
    update_hidden: int
    load_hidden: int
    sum_bits: int
    host_cycles: int
    memory_banks: int
    memory_read: int
    weight_word: int
    weight_banks: int
    weight_read: int
    weight_write: int
    spike_word: int
    spike_banks: int
    spike_read: int
    spike_write: int
    sum_word: int
    sum_banks: int
    sum_read: int
    sum_write: int
    map_word: int
    map_banks: int
    map_read: int
    map_write: int
    state_word: int


class Arrays(NamedTuple):
    """The arrays of a plan, by their names there."""

    offsets: np.ndarray
    host_in: np.ndarray
    host_out: np.ndarray
    layer_ptr: np.ndarray
    weight_ptr: np.ndarray
    tile_ptr: np.ndarray
    lane_count: np.ndarray
    write_bits: np.ndarray
    state_bits: np.ndarray
    own_bits: np.ndarray
    kept_at_end: np.ndarray
    history: np.ndarray
    load_reads: np.ndarray
    load_writes: np.ndarray
    segment_projection: np.ndarray
    segment_first: np.ndarray
    segment_last: np.ndarray
    segment_times: np.ndarray
    segment_kind: np.ndarray
    segment_group: np.ndarray
    row_source: np.ndarray
    row_events: np.ndarray
    item_bits: np.ndarray
    slot_cycles: np.ndarray
    value_bits: np.ndarray
    codewords: np.ndarray
    index_bits: np.ndarray
    partial_bits: np.ndarray


class Sums(NamedTuple):
    """Counts of one thread."""

    by_projection: np.ndarray
    by_layer: np.ndarray
    host_words: np.ndarray


# Columns of the count tables.
(FETCHED, FILLED, SLOTS, WEIGHT_READS, SPIKE_READS, EVENTS, BUILT, COMBINED, MAP_WRITES,
 MAP_READS) = range(len(PROJECTION_COUNTS))  # fmt: skip
(LOADS, SUM_WRITES, SUM_READS, STATE_READS, STATE_WRITES, UPDATES, SPIKE_WRITES, LOAD_BUSY, ARRAY_BUSY,
 UPDATE_BUSY, FOLDS) = range(len(LAYER_COUNTS))  # fmt: skip


@inner
def up(n, size):
    return -(-n // size)


@inner
def _ones(bits):
    """Bits that are set in a word of 64."""
    bits -= (bits >> np.uint64(1)) & np.uint64(0x5555555555555555)
    bits = (bits & np.uint64(0x3333333333333333)) + ((bits >> np.uint64(2)) & np.uint64(0x3333333333333333))
    bits = (bits + (bits >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((bits * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inner
def _row_words(p, n, item):
    if item == 0:
        return np.int64(0)
    if item > p.weight_word:
        return n * up(item, p.weight_word)
    return up(n, p.weight_word // item)


@inner
def add_rows(p, a, s, mask, columns, by_column, sums):
    projection = a.segment_projection[s]
    item, times = a.item_bits[projection], a.segment_times[s]
    first, last = a.segment_first[s], a.segment_last[s]
    slots, weight_reads, events = np.int64(0), np.int64(0), np.int64(0)
    packed = p.packing == 2
    n, row = np.int64(-1), np.int64(0)
    for k in range(first, last):
        bits = mask[a.row_source[k]]
        if bits == 0 and p.packing != 0:
            continue
        # Most rows have as many connections as the one before, and a division costs more than all the rest.
        if a.row_events[k] * times != n:
            n = a.row_events[k] * times
            row = _row_words(p, n, item)
        hits = _ones(bits)
        events += hits * n
        slots += 1
        weight_reads += row * hits if packed else row
    if packed:
        by_column[:] = 0
        for source in a.row_source[first:last]:
            _count_columns(mask[source], by_column)
        slots = by_column.max()
    spike_reads = up((last - first) * columns * a.value_bits[projection], p.spike_word)
    sums.by_projection[projection, SLOTS] += slots
    sums.by_projection[projection, WEIGHT_READS] += weight_reads
    sums.by_projection[projection, SPIKE_READS] += spike_reads
    sums.by_projection[projection, EVENTS] += events
    return max(
        slots * a.slot_cycles[projection],
        up(weight_reads, p.weight_banks) * p.weight_read,
        up(spike_reads, p.spike_banks) * p.spike_read,
    )


@inner
def _count_columns(bits, by_column):
    """Add a row's spikes to those of each column."""
    column = 0
    while bits != 0:
        by_column[column] += np.int64(bits & np.uint64(1))
        bits >>= np.uint64(1)
        column += 1


@inner
def build_rows(p, a, s, mask, columns, by_column, sums):
    """Partial sums of all codewords, an input channel after the other."""
    projection, group = a.segment_projection[s], a.segment_group[s]
    first, last = a.segment_first[s], a.segment_last[s]
    n_codewords = a.codewords[projection]
    row = _row_words(p, n_codewords, a.item_bits[projection])
    one_map = up(n_codewords * a.partial_bits[projection] * columns, p.map_word)
    slots, weight_reads, built, maps = np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    packed = p.packing == 2
    by_column[:] = 0
    for start in range(first, last, max(group, 1)):
        touched = False
        for k in range(start, start + group):
            bits = mask[a.row_source[k]]
            hits = _ones(bits)
            touched |= hits > 0
            built += hits * n_codewords
            if p.packing == 0 or hits > 0:
                slots += 1
                weight_reads += row * hits if packed else row
            if packed:
                _count_columns(bits, by_column)
        if touched or p.packing == 0:
            maps += 1
    if packed:
        slots = by_column.max()
    slots *= up(n_codewords, p.rows)
    spike_reads = up((last - first) * columns * a.value_bits[projection], p.spike_word)
    counts = sums.by_projection[projection]
    counts[SLOTS] += slots
    counts[WEIGHT_READS] += weight_reads
    counts[SPIKE_READS] += spike_reads
    counts[BUILT] += built
    counts[MAP_WRITES] += maps * one_map
    return maps * up(one_map, p.map_banks) * p.map_write + max(
        slots * a.slot_cycles[projection],
        up(weight_reads, p.weight_banks) * p.weight_read,
        up(spike_reads, p.spike_banks) * p.spike_read,
    )


@inner
def combine_rows(p, a, s, neurons, mask, columns, by_column, sums):
    """The map of every input channel that has one, added to the neurons of a tile."""
    projection, group = a.segment_projection[s], a.segment_group[s]
    first, last = a.segment_first[s], a.segment_last[s]
    entry = a.codewords[projection] * a.partial_bits[projection]
    row = _row_words(p, neurons, a.index_bits[projection])
    slots, weight_reads, maps, events, combined = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    packed = p.packing == 2
    by_column[:] = 0
    for start in range(first, last, max(group, 1)):
        any_bits = np.uint64(0)
        for k in range(start, start + group):
            bits = mask[a.row_source[k]]
            any_bits |= bits
            events += _ones(bits) * neurons
        there = _ones(any_bits)
        combined += there * neurons
        if p.packing == 0 or there > 0:
            slots += 1
            weight_reads += row * there if packed else row
            maps += up(entry, p.map_word) * there if packed else up(entry * columns, p.map_word)
        if packed:
            _count_columns(any_bits, by_column)
    if packed:
        slots = by_column.max()
    counts = sums.by_projection[projection]
    counts[SLOTS] += slots
    counts[WEIGHT_READS] += weight_reads
    counts[EVENTS] += events
    counts[COMBINED] += combined
    counts[MAP_READS] += maps
    return max(
        slots * a.slot_cycles[projection],
        up(weight_reads, p.weight_banks) * p.weight_read,
        up(maps, p.map_banks) * p.map_read,
    )
