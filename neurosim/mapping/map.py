"""From network and chip to a mapping, or to a refusal that says what would fit."""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.address import check_addresses
from neurosim.mapping.advice import at_a_glance, refuse
from neurosim.mapping.key_limits import full_tables, provisioned, table_lines
from neurosim.mapping.keys import build_key_tables
from neurosim.mapping.layout import Layout
from neurosim.mapping.limits import core_limits, stored_membranes
from neurosim.mapping.mapping import Block, Mapping, MemoryUse, Overflow
from neurosim.mapping.partition import CoreTooSmall, Part, incoming, partition, spread
from neurosim.mapping.placement import Traffic, place, route_hops
from neurosim.mapping.products import is_product, operand_bits
from neurosim.mapping.routes import build_routes, host_routed
from neurosim.mapping.schedule import extra_delay, lags, levels
from neurosim.mapping.support import check_support
from neurosim.mapping.usage import core_usage, overflows_of
from neurosim.snn.network import Network

_PROVISIONED = ("synaptic_memory", "membrane_memory", "axon_table", "routing_table")


def map_network(
    network: Network,
    chip: Chip,
    *,
    capacity: str = "refuse",
    placement: np.ndarray | None = None,
    synapse_unit: str | None = None,
) -> Mapping:
    """Partition, place and route. ``placement`` (n_neurons,) gives a core for every neuron instead (-1: the host,
    for input neurons only). ``capacity`` is ``refuse`` or ``report``.

    ``synapse_unit`` puts every connection on one of the cores' synapse units (cycles and energy an event; what is
    stored does not change).
    With ``report`` a network that does not fit is spread over the cores and every broken limit is listed. Raises
    NeurosimError when the chip cannot compute the network, or cannot hold it and ``capacity`` is ``refuse``.
    """
    if capacity not in ("refuse", "report"):
        raise NeurosimError(f"capacity: got {capacity!r}, expected 'refuse' or 'report'")
    if synapse_unit not in (None, "dense", "sparse", "conv"):
        raise NeurosimError(f"synapse_unit: got {synapse_unit!r}, expected 'dense', 'sparse' or 'conv'")
    given = None if placement is None else _given(network, chip, placement)
    check_support(network, chip, {b.population for b in given or ()})
    level = levels(network)
    lag = lags(network) if chip.delivery == "next_step" else np.zeros(len(network.populations), np.int32)
    hopeless = at_a_glance(network, chip)
    if hopeless is not None and capacity == "refuse":
        refuse(network, chip, [hopeless])
    layout = Layout(network, chip)
    before = None
    if given is None:
        blocks, feeds, before = _automatic(network, chip, layout, capacity, hopeless is None)
    else:
        blocks = given
        feeds = [[(i, layout.feed(i, b.neurons)) for i in incoming(network, b.population)] for b in blocks]
    routes = build_routes(network, blocks, feeds, chip.n_cores)
    endpoint = np.full(network.n_neurons, chip.n_cores, np.int32)
    for block in blocks:
        endpoint[block.neurons + network.offsets[network.index[block.population]]] = block.core
    check_addresses(routes, endpoint, chip)
    extra = extra_delay(network, lag, chip.delivery)
    memory = _memory(network, chip, blocks, feeds, routes, endpoint, extra)
    overflows = overflows_of(chip, core_usage(chip, blocks, memory, routes, endpoint))
    if overflows and capacity == "refuse":
        refuse(network, chip, overflows)
    tables = None
    if chip.router.key_table is not None:
        tables = build_key_tables(chip, routes.ptr, routes.endpoint, endpoint)
        memory += table_lines(chip, tables)
        overflows += full_tables(chip, tables, capacity)
    traffic = route_hops(routes, endpoint, chip)
    cores = sorted({b.core for b in blocks})
    limits = core_limits(chip)
    queue = (chip.core.ingress_depth + chip.core.egress_depth) * chip.router.packet_bits
    return Mapping(
        blocks=blocks,
        endpoint=endpoint,
        lag=lag,
        level=level,
        routes=routes,
        memory=memory,
        provisioned_bits={**{name: limits[name] for name in _PROVISIONED}, "queues": queue, **provisioned(chip)},
        overflows=overflows,
        cores_used=len(cores),
        tiles_used=len({c // chip.mesh.cores_per_tile for c in cores}),
        traffic_before=traffic if before is None else before,
        traffic=traffic,
        origin="given" if before is None else "automatic",
        key_tables=tables,
        layouts=_layouts(network, feeds),
        synapse_unit=synapse_unit,
    )


def _layouts(network: Network, feeds: list) -> dict[str, tuple[str, ...]]:
    """Layouts in use, by projection."""
    found: dict[str, set[str]] = {}
    for position, feed in (pair for group in feeds for pair in group):
        if network.projections[position].connectivity.event == "synapse":
            found.setdefault(network.projections[position].name, set()).add(feed.layout)
    return {name: tuple(sorted(names)) for name, names in found.items()}


def _automatic(network: Network, chip: Chip, layout: Layout, capacity: str, fits: bool):
    """Blocks on cores, their feeds, and the traffic as first placed. ``fits``: not known to be too large."""
    parts: list[Part] = []
    if fits:
        try:
            parts = partition(network, chip, layout)
        except CoreTooSmall as error:
            if capacity == "refuse":
                refuse(network, chip, [error.overflow], f"one neuron of {error.population}")
        if len(parts) > chip.n_cores and capacity == "refuse":
            refuse(network, chip, [Overflow(-1, "cores", "cores", len(parts), chip.n_cores)])
    if not parts or len(parts) > chip.n_cores:
        parts = spread(network, chip, layout)
    core, before = place(_traffic(network, parts), chip)
    blocks = tuple(Block(part.population, int(c), part.neurons) for part, c in zip(parts, core, strict=True))
    return blocks, [part.feeds for part in parts], before


def _traffic(network: Network, parts: list[Part]) -> Traffic:
    """Routes between the blocks; a source that feeds a block over two projections sends one packet."""
    block_of = np.full(network.n_neurons, -1, np.int64)
    for b, part in enumerate(parts):
        block_of[part.neurons + network.offsets[network.index[part.population]]] = b
    host = np.zeros(len(parts), np.int64)
    origins, targets, counts = [], [], []
    for b, part in enumerate(parts):
        offsets = (network.offsets[network.index[network.projections[i].source]] for i, _ in part.feeds)
        groups = [feed.sources + offset for (_, feed), offset in zip(part.feeds, offsets, strict=True)]
        if not groups:
            continue
        sources = groups[0] if len(groups) == 1 else np.unique(np.concatenate(groups))
        origin, count = np.unique(block_of[sources], return_counts=True)
        inside = origin >= 0
        host[b] += count[~inside].sum()
        origins.append(origin[inside])
        targets.append(np.full(int(inside.sum()), b))
        counts.append(count[inside])
    answers = host_routed(network)
    for b, part in enumerate(parts):
        host[b] += part.neurons.size if part.population == answers else 0
    joined = [np.concatenate([np.zeros(0, np.int64), *x]) for x in (origins, targets, counts)]
    return Traffic.between(*joined, host)


def _given(network: Network, chip: Chip, placement: np.ndarray) -> tuple[Block, ...]:
    """Blocks of a core map; neurons of a population on a core ascend."""
    placement = np.asarray(placement)
    if placement.dtype.kind not in "iu":
        raise NeurosimError(f"core map: dtype {placement.dtype}, expected integers")
    if placement.shape != (network.n_neurons,):
        raise NeurosimError(f"core map: shape {placement.shape}, expected {network.n_neurons}, one for every neuron")
    blocks = []
    for i, population in enumerate(network.populations):
        part = placement[network.offsets[i] : network.offsets[i + 1]]
        is_input = population.model.kind == "input"
        if is_input and (part < 0).all():
            continue
        if part.min() < 0 or part.max() >= chip.n_cores:
            wrong = int(part.min() if part.min() < 0 else part.max())
            raise NeurosimError(
                f"core map: population {population.name} names core {wrong}, expected 0 to {chip.n_cores - 1}"
            )
        for core in np.unique(part):
            blocks.append(Block(population.name, int(core), np.flatnonzero(part == core).astype(np.int32)))
    return tuple(blocks)


def _memory(network, chip, blocks, feeds, routes, endpoint, extra) -> tuple[MemoryUse, ...]:
    """Every line of the footprint."""
    lines: list[MemoryUse] = []

    def add(core: int, memory: str, content: str, part: str, bits: int) -> None:
        if bits:
            lines.append(MemoryUse(core, memory, content, part, int(bits)))

    for block, group in zip(blocks, feeds, strict=True):
        population = network.population(block.population)
        for position, feed in group:
            projection = network.projections[position]
            for content, bits in feed.bits.items():
                add(block.core, "synaptic_memory", content, projection.name, bits)
            if is_product(projection):
                for content, bits in operand_bits(network, chip, projection, block.neurons).items():
                    add(block.core, "membrane_memory", content, projection.name, bits)
            width = network.value_bits(projection.source)
            stored = extra[position] * feed.sources.size * width
            add(block.core, "delay_buffer", "delayed spikes", projection.name, stored)
            entries = feed.sources.size * chip.core.axon_table.word_bits
            add(block.core, "axon_table", "entries", projection.name, entries)
        for content, bits in stored_membranes(population, block.neurons, chip).items():
            add(block.core, "membrane_memory", content, population.name, bits)
    # A packet that routers send on by its key needs one entry at its source, others one for each destination.
    entries = np.diff(routes.ptr) if chip.router.key_table is None else np.diff(routes.ptr) > 0
    per_core = np.bincount(np.repeat(endpoint, entries), minlength=chip.n_cores + 1)[: chip.n_cores]
    for core in np.flatnonzero(per_core):
        add(int(core), "routing_table", "entries", "routes", per_core[core] * chip.core.routing_table.word_bits)
    for core in sorted({b.core for b in blocks}):
        add(core, "queues", "ingress", "packets", chip.core.ingress_depth * chip.router.packet_bits)
        add(core, "queues", "egress", "packets", chip.core.egress_depth * chip.router.packet_bits)
    return tuple(lines)
