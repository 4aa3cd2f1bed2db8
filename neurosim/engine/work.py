"""How long a core works on one packet: static a route, from the mapping's words, banks and events."""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip
from neurosim.mapping.layout import is_unrolled
from neurosim.mapping.mapping import Mapping
from neurosim.snn.network import Network


def _cycles_per_group(network: Network, chip: Chip) -> np.ndarray:
    """Quanta of one group of lanes for each projection, (n_projections,) int64."""
    unit = chip.core.synapse
    cycles = []
    for p in network.projections:
        if p.connectivity.event != "synapse":
            cycles.append(unit.pool_cycles_per_group)
        elif network.value_bits(p.source) > 1:
            cycles.append(unit.mac_cycles_per_group)
        else:
            kind = "sparse" if is_unrolled(p, chip) else p.connectivity.kind
            cycles.append(getattr(unit.cycles_per_group, kind))
    return np.array(cycles, np.int64)


def route_busy(network: Network, chip: Chip, mapping: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """(busy, conflict) quanta of one packet of each route, (n_routes,) int64 each.

    busy, at least 1: axon lookup (unless it is overlapped), and unless the update unit accumulates, for each row the
    fetch of its words and the accumulation of its events, one behind the other or overlapped as the chip says. The host
    takes its own interval.
    conflict: the part of it that an even spread over banks and ports would not have.
    """
    routes, unit, memory = mapping.routes, chip.core.synapse, chip.core.synaptic_memory
    words, events = routes.row_words.astype(np.int64), routes.row_events.astype(np.int64)
    even = _busy(network, chip, mapping, -(-words // (memory.banks * memory.ports)), -(-events // unit.lanes))
    if routes.row_reads is None and routes.row_turns is None:
        return even, np.zeros_like(even)
    busy = _busy(network, chip, mapping, *_reads_and_turns(chip, mapping))
    return busy, busy - even


def row_work(network: Network, chip: Chip, mapping: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """(fetch, accumulate) quanta of each row of the routes, (n_rows,) int64 each; conflicts are in them."""
    reads, turns = _reads_and_turns(chip, mapping)
    per_group = _cycles_per_group(network, chip)
    fetch = reads * chip.core.synaptic_memory.read_cycles
    return fetch, turns * per_group[mapping.routes.row_projection] if per_group.size else turns


def _reads_and_turns(chip: Chip, mapping: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """Reads one after another, and groups of lanes, of each row, (n_rows,) int64 each."""
    routes, memory = mapping.routes, chip.core.synaptic_memory
    words, events = routes.row_words.astype(np.int64), routes.row_events.astype(np.int64)
    turns = -(-events // chip.core.synapse.lanes) if routes.row_turns is None else routes.row_turns.astype(np.int64)
    reads = -(-words // memory.banks) if routes.row_reads is None else routes.row_reads.astype(np.int64)
    return -(-reads // memory.ports), turns


def _busy(network: Network, chip: Chip, mapping: Mapping, reads: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """``reads``, ``groups`` (n_rows,): reads one after another, and groups of lanes."""
    routes, unit = mapping.routes, chip.core.synapse
    fetch = reads * chip.core.synaptic_memory.read_cycles
    per_group = _cycles_per_group(network, chip)
    accumulate = groups * per_group[routes.row_projection] if per_group.size else groups
    row = np.maximum(fetch, accumulate) if unit.overlap == "pipelined" else fetch + accumulate
    before = np.concatenate([[0], np.cumsum(row)])
    busy = before[routes.row_ptr[1:]] - before[routes.row_ptr[:-1]]
    if unit.accumulates == "in_update":
        busy = np.zeros_like(busy)
    if not unit.overlap_lookup:
        busy = busy + unit.axon_lookup_cycles
    busy[routes.endpoint == chip.n_cores] = chip.io.input_interval_cycles
    return np.maximum(busy, 1).astype(np.int64)
