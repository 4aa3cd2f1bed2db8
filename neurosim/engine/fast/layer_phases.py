"""Layer execution in numba: what each phase takes and touches. The sections of docs/layer.md, one function a phase.

Every function adds to the sums of its thread and returns quanta.
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
    load_reads: np.ndarray
    load_writes: np.ndarray
    segment_projection: np.ndarray
    segment_first: np.ndarray
    segment_last: np.ndarray
    segment_times: np.ndarray
    row_source: np.ndarray
    row_events: np.ndarray
    item_bits: np.ndarray
    slot_cycles: np.ndarray
    value_bits: np.ndarray


class Sums(NamedTuple):
    """Counts of one thread."""

    by_projection: np.ndarray
    by_layer: np.ndarray
    host_words: np.ndarray


# Columns of the count tables.
FETCHED, FILLED, SLOTS, WEIGHT_READS, SPIKE_READS, EVENTS = range(len(PROJECTION_COUNTS))
(LOADS, SUM_WRITES, SUM_READS, STATE_READS, STATE_WRITES, UPDATES, SPIKE_WRITES, LOAD_BUSY, ARRAY_BUSY,
 UPDATE_BUSY) = range(len(LAYER_COUNTS))  # fmt: skip


@inner
def up(n, size):
    return -(-n // size)


@inner
def mark(p, n_passes, first, last, row0, ptr, neuron, mask):
    """Fill ``mask`` (n_passes, n_neurons): bit c of a neuron says that it spikes in timestep c of the pass."""
    mask[:n_passes] = 0
    per_batch = up(p.batch, p.columns)
    for t in range(first, last):
        batch, step = divmod(t - first, p.batch)
        at = batch * per_batch + step // p.columns
        bit = np.uint64(1) << np.uint64(step % p.columns)
        for k in range(ptr[row0 + t], ptr[row0 + t + 1]):
            mask[at, neuron[k]] |= bit


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
def _segment(p, a, s, mask, columns, by_column, sums):
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
        slots = _fullest(mask, a.row_source[first:last], by_column)
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
def _fullest(mask, sources, by_column):
    """Spikes of the column that has most."""
    by_column[:] = 0
    for source in sources:
        bits, column = mask[source], 0
        while bits != 0:
            by_column[column] += np.int64(bits & np.uint64(1))
            bits >>= np.uint64(1)
            column += 1
    return by_column.max()


@inner
def accumulate(p, a, layer, tile, steps, mask, first_pass, by_column, sums):
    quanta = np.int64(0)
    for k in range(up(steps, p.columns)):
        columns = min(p.columns, steps - k * p.columns)
        quanta += p.fill_cycles
        for s in range(a.tile_ptr[tile], a.tile_ptr[tile + 1]):
            quanta += _segment(p, a, s, mask[first_pass + k], columns, by_column, sums)
        words = up(a.lane_count[tile] * columns * p.sum_bits, p.sum_word)
        sums.by_layer[layer, SUM_WRITES] += words
        quanta += up(words, p.sum_banks) * p.sum_write
    sums.by_layer[layer, ARRAY_BUSY] += quanta
    return quanta


@inner
def update(p, a, layer, tile, first, last, sums):
    n, steps = a.lane_count[tile], last - first
    words = up(n * steps * p.sum_bits, p.sum_word)
    spikes = up(n * steps * a.write_bits[layer], p.spike_word)
    carried = a.state_bits[layer] if first > 0 else 0
    kept = a.state_bits[layer] if last < p.timesteps or a.kept_at_end[layer] else 0
    quanta = max(
        up(n, p.update_lanes) * (p.state_cycles + steps * p.step_cycles),
        up(words, p.sum_banks) * p.sum_read,
        up(spikes, p.spike_banks) * p.spike_write,
    )
    row = sums.by_layer[layer]
    row[SUM_READS] += words
    row[STATE_READS] += up(n * (carried + a.own_bits[layer]), p.state_word)
    row[STATE_WRITES] += up(n * kept, p.state_word)
    row[UPDATES] += n * steps
    row[SPIKE_WRITES] += spikes
    row[UPDATE_BUSY] += quanta
    return quanta


@inner
def load(p, a, layer, weight_tile, sums):
    reads, writes = np.int64(0), np.int64(0)
    for i in range(a.load_reads.shape[1]):
        sums.by_projection[i, FETCHED] += a.load_reads[weight_tile, i]
        sums.by_projection[i, FILLED] += a.load_writes[weight_tile, i]
        reads += a.load_reads[weight_tile, i]
        writes += a.load_writes[weight_tile, i]
    quanta = max(up(reads, p.memory_banks) * p.memory_read, up(writes, p.weight_banks) * p.weight_write)
    sums.by_layer[layer, LOADS] += 1 if reads > 0 else 0
    sums.by_layer[layer, LOAD_BUSY] += quanta
    return quanta


@inner
def host(p, a, way, value_bits, steps, sums):
    total = np.int64(0)
    for i in range(value_bits.size):
        n = up((a.offsets[i + 1] - a.offsets[i]) * steps * value_bits[i], p.spike_word)
        sums.host_words[i, way] += n
        total += n
    return total * p.host_cycles
