"""Counts of every action, by component, place and part of the network: all that energy is allowed to look at.

The timing engines say what moved (packets by route, flits by link, neuron updates); this module multiplies it out
into the registered actions with the mapping's tables. It is the same for both engines, and it adds nothing: each
count below is one line of arithmetic on what an engine counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numba import njit

from neurosim.arch import Chip
from neurosim.engine.plan import RouterPlan, TimingPlan, TimingResult
from neurosim.engine.wiring import Link, links
from neurosim.mapping.mapping import Block, Mapping
from neurosim.mapping.products import words_a_product
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace

DIRECTIONS = ("east", "west", "north", "south")


@dataclass(frozen=True, eq=False)
class Activity:
    """A flat table of counts; row i is ``count[i]`` times ``action[i]`` at ``place[i]`` for ``part[i]``.

    ``action`` and ``part`` are names; ``place`` is ``core 3``, ``tile 5``, ``host`` or ``chip``. Rows with a count of
    zero are left out. Order is fixed by construction, so equal runs give equal tables.
    """

    action: tuple[str, ...]
    place: tuple[str, ...]
    part: tuple[str, ...]
    count: np.ndarray

    def total(self, action: str) -> int:
        """Sum of one action over places and parts."""
        return int(sum(int(n) for a, n in zip(self.action, self.count, strict=True) if a == action))

    def totals(self) -> dict[str, int]:
        """Sum by action, in order of first appearance."""
        sums: dict[str, int] = {}
        for action, count in zip(self.action, self.count, strict=True):
            sums[action] = sums.get(action, 0) + int(count)
        return sums


class Rows:
    """Collects counts under (action, place, part); sums repeated keys."""

    def __init__(self) -> None:
        self.rows: dict[tuple[str, str, str], int] = {}

    def add(self, action: str, place: str, part: str, count: int) -> None:
        if count:
            key = (action, place, part)
            self.rows[key] = self.rows.get(key, 0) + int(count)

    def table(self) -> Activity:
        keys = list(self.rows)
        return Activity(
            tuple(k[0] for k in keys),
            tuple(k[1] for k in keys),
            tuple(k[2] for k in keys),
            np.array([self.rows[k] for k in keys], np.int64),
        )


def accumulate_action(network: Network, projection: Projection, unrolled: bool, unit: str | None = None) -> str:
    """The action of one synaptic event over a projection: which price one connection pays. ``unit``: `Mapping`'s."""
    connectivity = projection.connectivity
    if connectivity.event != "synapse":
        return "pool_accumulate"
    graded = network.multiplies(projection.source)
    if not network.is_integer:
        return "multiply_accumulate_float" if graded else "accumulate_float"
    if graded:
        return "multiply_accumulate"
    return f"accumulate_{unit or ('sparse' if unrolled else connectivity.kind)}"


@njit(cache=True, nogil=True)
def _sum_rows(delivered, row_ptr, projection, block, n_blocks, row_events, row_words, events, words):
    """Row by row: arrays as long as the rows, which may be as many as synapses, are not made on the way."""
    for route in range(delivered.size):
        for row in range(row_ptr[route], row_ptr[route + 1]):
            key = np.int64(projection[row]) * n_blocks + block[row]
            events[key] += delivered[route] * row_events[row]
            words[key] += delivered[route] * row_words[row]


def _synapses(rows: Rows, network: Network, chip: Chip, mapping: Mapping, delivered: np.ndarray) -> None:
    """Axon lookups, weight words, accumulations and accumulator traffic, from packets delivered by route."""
    routes = mapping.routes
    n_cores = chip.n_cores
    at_core = routes.endpoint < n_cores
    per_core = np.zeros(n_cores + 1, np.int64)
    np.add.at(per_core, routes.endpoint, delivered)
    for core in np.flatnonzero(per_core[:n_cores]):
        rows.add("axon_read", f"core {core}", "axons", per_core[core])
    n_blocks = len(mapping.blocks)
    size = len(network.projections) * n_blocks
    events, words = np.zeros(size, np.int64), np.zeros(size, np.int64)
    _sum_rows(
        delivered, routes.row_ptr, routes.row_projection, routes.row_block, n_blocks, routes.row_events,
        routes.row_words, events, words,
    )  # fmt: skip
    assert at_core.all() or (np.diff(routes.row_ptr)[~at_core] == 0).all()
    for flat in np.flatnonzero(events + words):
        projection = network.projections[flat // n_blocks]
        block = mapping.blocks[flat % n_blocks]
        place = f"core {block.core}"
        if projection.connectivity.event == "operand":
            rows.add("operand_write", place, projection.name, words[flat])
            continue
        if projection.connectivity.event == "masked":
            rows.add("operand_read", place, projection.name, words[flat])
            rows.add("masked_accumulate", place, projection.name, events[flat])
            rows.add("accumulator_read", place, projection.name, events[flat])
            rows.add("accumulator_write", place, projection.name, events[flat])
            continue
        unrolled = projection.connectivity.kind == "conv" and not chip.core.synaptic_memory.shared_kernels
        rows.add("synapse_read_word", place, projection.name, words[flat])
        rows.add(
            accumulate_action(network, projection, unrolled, mapping.synapse_unit), place, projection.name, events[flat]
        )
        if network.is_ternary(projection.source) and projection.connectivity.event == "synapse":
            rows.add("weight_sign", place, projection.name, events[flat])
        rows.add("accumulator_read", place, projection.name, events[flat])
        rows.add("accumulator_write", place, projection.name, events[flat])


def bits_of_own_parameters(population: Population) -> int:
    """Bits of thresholds and biases that each neuron stores for itself and reads in every update."""
    model = population.model
    if not isinstance(model, Lif) or population.n_neurons == 1:
        return 0
    width = model.membrane_bits or 32
    vectors = [v for v in (model.threshold, model.bias) if v is not None]
    return sum(width for v in vectors if v.size == population.n_neurons)


def _neurons(rows: Rows, network: Network, chip: Chip, mapping: Mapping, timing: TimingResult) -> None:
    """Membrane traffic and update actions, from neuron updates."""
    word = chip.core.membrane_memory.word_bits
    suffix = "" if network.is_integer else "_float"
    for block in mapping.blocks:
        index = network.index[block.population]
        population = network.populations[index]
        if population.model.kind == "input":
            continue
        neurons = block.neurons.astype(np.int64) + network.offsets[index]
        place, part = f"core {block.core}", population.name
        accessed = int(timing.accessed[neurons].sum())
        active = int(timing.active[neurons].sum())
        state_bits = sum(state.width_bits for state in population.model.states)
        own = bits_of_own_parameters(population)
        rows.add("membrane_read", place, part, accessed * -(-(state_bits + own) // word))
        rows.add("membrane_write", place, part, accessed * -(-state_bits // word))
        rows.add("accumulator_read", place, part, accessed)
        rows.add("accumulator_write", place, part, accessed)
        rows.add(f"neuron_access{suffix}", place, part, accessed)
        rows.add("neuron_active", place, part, active)
        rows.add("neuron_inactive", place, part, accessed - active)
        rows.add("neuron_spike", place, part, int(timing.spiked[neurons].sum()))
        _popcounts(rows, network, chip, block, timing.accessed[neurons])


def _popcounts(rows: Rows, network: Network, chip: Chip, block: Block, accessed: np.ndarray) -> None:
    """Products that the update unit computes for a block. ``accessed`` (n,): updates of its neurons in slot order.

    A lane reads the key's words for every element of the map; the query's words stay in a register as long as the walk
    keeps to one row of the map.
    """
    tokens = network.population(block.population).shape[-1]
    row = block.neurons // tokens
    new_row = np.diff(row, prepend=-1) != 0
    for projection in network.projections:
        words = words_a_product(network, chip, projection) if projection.target == block.population else 0
        if words:
            place, done = f"core {block.core}", int(accessed.sum()) * words
            rows.add("operand_read", place, projection.name, done + int(accessed[new_row].sum()) * words)
            rows.add("and_popcount", place, projection.name, done)


def _network_on_chip(rows: Rows, network: Network, plan: TimingPlan, sent: np.ndarray) -> None:
    """Packets made, from packets sent by route. A multicast packet is sent on all routes of its neuron at once."""
    degree = np.diff(plan.route_ptr)
    source = np.repeat(np.arange(plan.n_neurons), degree)
    packets = sent
    if plan.router.multicast:
        source = np.flatnonzero(degree)
        packets = sent[plan.route_ptr[:-1][source]]
    n_populations = len(network.populations)
    key = plan.endpoint[source].astype(np.int64) * n_populations + plan.population[source]
    made = np.zeros((plan.n_cores + 1) * n_populations, np.int64)
    np.add.at(made, key, packets)
    flits = plan.router.flits_per_packet
    for flat in np.flatnonzero(made):
        endpoint, part = divmod(int(flat), n_populations)
        name = network.populations[part].name
        if endpoint == plan.n_cores:
            rows.add("host_inject", "host", name, made[flat])
            continue
        rows.add("routing_read", f"core {endpoint}", name, made[flat])
        rows.add("axon_out", f"core {endpoint}", name, made[flat])
        rows.add("inject", f"core {endpoint}", name, made[flat] * flits)


def _links(rows: Rows, chip: Chip, plan: TimingPlan, link_flits: np.ndarray) -> None:
    """Hops by link, by where the link leads, and router passages."""
    local = plan.router.first_local
    action = {(link.router, link.port): hop_action(plan.router, link) for link in links(plan.router)}
    for router in np.flatnonzero(link_flits.sum(axis=1)):
        place = router_name(plan.router, int(router))
        for port in np.flatnonzero(link_flits[router, :local]):
            rows.add(action[int(router), int(port)], place, "mesh", link_flits[router, port])
        rows.add("hop_local", place, "mesh", link_flits[router, local:].sum())
        rows.add("router_flit", place, "mesh", link_flits[router].sum())
        if "key_table" in chip.features:
            rows.add("router_lookup", place, "mesh", link_flits[router].sum())


def hop_action(router: RouterPlan, link: Link) -> str:
    """The action of one flit over a link."""
    if link.off_chip:
        return "hop_off_chip"
    if router.topology == "tree":
        return "hop_up" if link.port == 0 else "hop_down"
    return f"hop_{DIRECTIONS[link.port]}"


def router_name(router: RouterPlan, number: int) -> str:
    """``tile 5``, or ``router 1`` for one above the tiles of a tree."""
    return f"tile {number - router.first_tile}" if number >= router.first_tile else f"router {number}"


def count_activity(
    network: Network, chip: Chip, mapping: Mapping, plan: TimingPlan, timing: TimingResult, trace: SpikeTrace
) -> Activity:
    """The full table of counts of a run. ``plan`` and ``timing`` come from the same network, chip and mapping."""
    rows = Rows()
    _synapses(rows, network, chip, mapping, timing.delivered)
    _neurons(rows, network, chip, mapping, timing)
    _network_on_chip(rows, network, plan, timing.sent)
    _links(rows, chip, plan, timing.link_flits)
    rows.add("barrier", "chip", "barrier", timing.round_cycles.size)
    if plan.barrier is not None:
        rows.add("barrier_message_hop", "chip", "barrier", timing.round_cycles.size * plan.barrier.hops)
    if network.readout is not None and network.readout.kind == "membrane":
        part = network.readout.population
        rows.add("readout_read", "chip", part, trace.n_samples * network.population(part).n_neurons)
    return rows.table()
