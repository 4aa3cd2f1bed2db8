"""Layer execution in numba: what each phase takes and touches. The sections of docs/layer.md, one function a phase.

Every function adds to the sums of its thread and returns quanta.
"""

from __future__ import annotations

import numpy as np

from neurosim.engine.fast.compile import inner
from neurosim.engine.fast.layer_rows import (
    ARRAY_BUSY,
    FETCHED,
    FILLED,
    FOLDS,
    LOAD_BUSY,
    LOADS,
    SPIKE_WRITES,
    STATE_READS,
    STATE_WRITES,
    SUM_READS,
    SUM_WRITES,
    UPDATE_BUSY,
    UPDATES,
    add_rows,
    build_rows,
    combine_rows,
    up,
)


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
def mark_past(p, first, last, row0, ptr, neuron, past):
    """Fill ``past`` (n_passes, n_neurons) with timesteps first..last-1, the oldest in the first column."""
    past[: up(last - first, p.columns)] = 0
    for t in range(first, last):
        bit = np.uint64(1) << np.uint64((t - first) % p.columns)
        for k in range(ptr[row0 + t], ptr[row0 + t + 1]):
            past[(t - first) // p.columns, neuron[k]] |= bit


@inner
def _drain(p, layer, n_sums, sums):
    words = up(n_sums * p.sum_bits, p.sum_word)
    sums.by_layer[layer, SUM_WRITES] += words
    return up(words, p.sum_banks) * p.sum_write


@inner
def accumulate(p, a, layer, tile, steps, mask, first_pass, by_column, sums):
    quanta, neurons, folded = np.int64(0), a.lane_count[tile], a.history[layer] > 0
    for k in range(up(steps, p.columns)):
        columns = min(p.columns, steps - k * p.columns)
        quanta += p.fill_cycles
        for s in range(a.tile_ptr[tile], a.tile_ptr[tile + 1]):
            if a.segment_kind[s] == 0:
                quanta += add_rows(p, a, s, mask[first_pass + k], columns, by_column, sums)
            elif a.segment_kind[s] == 1:
                quanta += build_rows(p, a, s, mask[first_pass + k], columns, by_column, sums)
            else:
                quanta += combine_rows(p, a, s, neurons, mask[first_pass + k], columns, by_column, sums)
        if folded:
            quanta += columns
            sums.by_layer[layer, FOLDS] += neurons * columns
        else:
            quanta += _drain(p, layer, neurons * columns, sums)
    if folded:
        quanta += _drain(p, layer, neurons, sums)
    sums.by_layer[layer, ARRAY_BUSY] += quanta
    return quanta


@inner
def update(p, a, layer, tile, first, last, sums):
    n, steps = a.lane_count[tile], last - first
    words = up(n * steps * p.sum_bits, p.sum_word)
    spikes = up(n * steps * a.write_bits[layer], p.spike_word)
    stored = a.history[layer] == 0
    carried = a.state_bits[layer] if first > 0 and stored else 0
    kept = a.state_bits[layer] if (last < p.timesteps and stored) or a.kept_at_end[layer] else 0
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
