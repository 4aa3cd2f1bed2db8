"""How long a core works on one packet: static a route, from the mapping's words, banks and events."""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.arch import Chip
from neurosim.mapping.layout import is_unrolled
from neurosim.mapping.mapping import Mapping
from neurosim.snn.network import Network


def _cycles_per_group(network: Network, chip: Chip, unit_of_all: str | None) -> np.ndarray:
    """Quanta of one group of lanes for each projection, (n_projections,) int64."""
    unit = chip.core.synapse
    cycles = []
    for p in network.projections:
        if p.connectivity.event == "masked":
            cycles.append(chip.core.products.masked_cycles_per_group)
        elif p.connectivity.event != "synapse":
            cycles.append(unit.pool_cycles_per_group)
        elif network.multiplies(p.source):
            cycles.append(unit.mac_cycles_per_group)
        else:
            kind = unit_of_all or ("sparse" if is_unrolled(p, chip) else p.connectivity.kind)
            cycles.append(getattr(unit.cycles_per_group, kind))
    return np.array(cycles, np.int64)


def route_busy(network: Network, chip: Chip, mapping: Mapping) -> tuple[np.ndarray, np.ndarray | None]:
    """(busy, conflict) quanta of one packet of each route, (n_routes,) int64 each; None where nothing can conflict.

    busy, at least 1: axon lookup (unless it is overlapped), and unless the update unit accumulates, for each row the
    fetch of its words and the accumulation of its events, one behind the other or overlapped as the chip says. The host
    takes its own interval.
    conflict: the part of it that an even spread over banks and ports would not have.
    """
    routes, unit, memory = mapping.routes, chip.core.synapse, chip.core.synaptic_memory
    ports = _ports(network, chip, memory.banks * memory.ports)
    even = _busy(network, chip, mapping, routes.row_words, ports, routes.row_events, unit.lanes)
    if routes.row_reads is None and routes.row_turns is None:
        return even, None
    busy = _busy(network, chip, mapping, *_reads_and_turns(network, chip, mapping))
    return busy, busy - even


def row_work(network: Network, chip: Chip, mapping: Mapping) -> tuple[np.ndarray, np.ndarray]:
    """(fetch, accumulate) quanta of each row of the routes, (n_rows,) int64 each; conflicts are in them."""
    reads, ports, turns, lanes = _reads_and_turns(network, chip, mapping)
    projection = mapping.routes.row_projection
    per_group = _cycles_per_group(network, chip, mapping.synapse_unit)
    fetch = -(-reads.astype(np.int64) // ports[projection]) * _read_cycles(network, chip)[projection]
    groups = -(-turns.astype(np.int64) // lanes)
    return fetch, groups * per_group[projection] if per_group.size else groups


def _ports(network: Network, chip: Chip, weights: int) -> np.ndarray:
    """Words that go at a time, by projection: ``weights`` of weights; operand rows lie in the membrane memory."""
    memory = chip.core.membrane_memory
    products = [p.connectivity.event in ("operand", "masked") for p in network.projections]
    return np.where(np.array(products, bool), memory.banks * memory.ports, weights).astype(np.int64)


def _read_cycles(network: Network, chip: Chip) -> np.ndarray:
    """Quanta of one access, by projection: a weight or a row of values read, or a bit of an operand written."""
    memory = chip.core.membrane_memory
    of = {"masked": memory.read_cycles, "operand": memory.write_cycles}
    weights = chip.core.synaptic_memory.read_cycles
    return np.array([of.get(p.connectivity.event, weights) for p in network.projections], np.int64)


def _reads_and_turns(network: Network, chip: Chip, mapping: Mapping) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
    """Reads of each row (n_rows,) and how many go at a time, by projection; events, or turns of lanes, and how many go
    at a time."""
    routes, memory = mapping.routes, chip.core.synaptic_memory
    reads = (routes.row_words, _ports(network, chip, memory.banks * memory.ports))
    if routes.row_reads is not None:
        reads = (routes.row_reads, _ports(network, chip, memory.ports))
    turns = (routes.row_events, chip.core.synapse.lanes) if routes.row_turns is None else (routes.row_turns, 1)
    return *reads, *turns


def _busy(
    network: Network, chip: Chip, mapping: Mapping, reads: np.ndarray, ports: np.ndarray, turns: np.ndarray, lanes: int
) -> np.ndarray:
    """``reads``, ``turns`` (n_rows,), of which ``ports`` (n_projections,) and ``lanes`` go at a time."""
    routes, unit = mapping.routes, chip.core.synapse
    per_group = _cycles_per_group(network, chip, mapping.synapse_unit) if network.projections else np.zeros(1, np.int64)
    busy = np.zeros(routes.endpoint.size, np.int64)
    if unit.accumulates != "in_update":
        read_cycles = _read_cycles(network, chip)
        _add_rows(
            busy, routes.row_ptr, routes.row_projection, reads, ports, read_cycles, turns, lanes, per_group,
            unit.overlap == "pipelined",
        )  # fmt: skip
    if not unit.overlap_lookup:
        busy += unit.axon_lookup_cycles
    busy[routes.endpoint == chip.n_cores] = chip.io.input_interval_cycles
    return np.maximum(busy, 1, out=busy)


@njit(cache=True, nogil=True)
def _add_rows(busy, row_ptr, projection, reads, ports, read_cycles, turns, lanes, per_group, pipelined):
    """Row by row, so that nothing as long as the rows, which may be as many as synapses, is made on the way."""
    for route in range(busy.size):
        for row in range(row_ptr[route], row_ptr[route + 1]):
            p = projection[row]
            fetch = (np.int64(reads[row]) + ports[p] - 1) // ports[p] * read_cycles[p]
            accumulate = (np.int64(turns[row]) + lanes - 1) // lanes * per_group[p]
            busy[route] += max(fetch, accumulate) if pipelined else fetch + accumulate
