"""From network and chip to a mapping, or to a refusal that says what would fit."""

from __future__ import annotations

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.advice import advise, too_big_at_a_glance
from neurosim.mapping.fit import overflow_text
from neurosim.mapping.layout import Feed, Layout
from neurosim.mapping.mapping import Block, Mapping, MemoryUse, Overflow, Routes
from neurosim.mapping.partition import core_limits, membrane_bits, partition, spread
from neurosim.mapping.placement import place
from neurosim.mapping.routes import build_routes
from neurosim.mapping.schedule import extra_delay, lags, levels
from neurosim.mapping.support import check_support
from neurosim.snn.network import Network

_PROVISIONED = ("synaptic_memory", "membrane_memory", "axon_table", "routing_table")


def map_network(
    network: Network, chip: Chip, *, capacity: str = "refuse", placement: np.ndarray | None = None
) -> Mapping:
    """Partition, place and route. ``placement`` (n_neurons,) gives a core for every neuron instead (-1: the host,
    for input neurons only). ``capacity`` is ``refuse`` or ``report``.

    Raises NeurosimError when the chip cannot compute the network, or cannot hold it and ``capacity`` is ``refuse``.
    """
    check_support(network, chip)
    level = levels(network)
    lag = lags(network) if chip.delivery == "next_step" else np.zeros(len(network.populations), np.int32)
    layout = Layout(network, chip)
    if placement is None:
        blocks, feeds, before, after = _automatic(network, chip, layout, capacity)
        origin = "automatic"
    else:
        blocks = _given(network, chip, placement)
        feeds = [_feeds(network, layout, b.population, b.neurons) for b in blocks]
        before = after = 0
        origin = "given"
    routes = build_routes(network, blocks, feeds, chip.n_cores)
    endpoint = np.full(network.n_neurons, chip.n_cores, np.int32)
    for block in blocks:
        endpoint[block.neurons + network.offsets[network.index[block.population]]] = block.core
    extra = extra_delay(network, lag, chip.delivery)
    memory = _memory(network, chip, blocks, feeds, routes, endpoint, extra)
    overflows = _overflows(chip, blocks, memory, routes, endpoint)
    if overflows and capacity == "refuse":
        raise NeurosimError(
            f"network does not fit chip {chip.name}: {overflow_text(overflows[0])}"
            f"{f', and {len(overflows) - 1} more limits' if len(overflows) > 1 else ''}; "
            f"{advise(network, chip, overflows[0])}, or run it anyway with --capacity report"
        )
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
        provisioned_bits={**{name: limits[name] for name in _PROVISIONED}, "queues": queue},
        overflows=overflows,
        cores_used=len(cores),
        tiles_used=len({c // chip.mesh.cores_per_tile for c in cores}),
        traffic_before=before,
        traffic=after,
        origin=origin,
    )


def _feeds(network: Network, layout: Layout, population: str, neurons: np.ndarray) -> list[tuple[int, Feed]]:
    incoming = (i for i, p in enumerate(network.projections) if p.target == population)
    return [(i, layout.feed(i, neurons)) for i in incoming]


def _automatic(network: Network, chip: Chip, layout: Layout, capacity: str):
    """Blocks on cores, their feeds, and the traffic before and after improvement."""
    try:
        too_big_at_a_glance(network, chip)
        parts = partition(network, chip, layout)
        if len(parts) > chip.n_cores:
            needed = Overflow(-1, "cores", "cores", len(parts), chip.n_cores)
            raise NeurosimError(
                f"network does not fit chip {chip.name}: {overflow_text(needed)}; {advise(network, chip, needed)}, "
                "or run it anyway with --capacity report"
            )
    except NeurosimError:
        if capacity == "refuse":
            raise
        parts = spread(network, chip)
    feeds = [_feeds(network, layout, name, neurons) for name, neurons in parts]
    block_of = np.full(network.n_neurons, -1, np.int64)
    for b, (name, neurons) in enumerate(parts):
        block_of[neurons + network.offsets[network.index[name]]] = b
    traffic = np.zeros((len(parts), len(parts)), np.int64)
    from_host = np.zeros(len(parts), np.int64)
    for b, group in enumerate(feeds):
        for position, feed in group:
            offset = network.offsets[network.index[network.projections[position].source]]
            origin = block_of[feed.sources + offset]
            from_host[b] += int((origin < 0).sum())
            traffic[:, b] += np.bincount(origin[origin >= 0], minlength=len(parts))
    core, before, after = place(traffic, from_host, chip)
    blocks = tuple(Block(name, int(c), neurons) for (name, neurons), c in zip(parts, core, strict=True))
    return blocks, feeds, before, after


def _given(network: Network, chip: Chip, placement: np.ndarray) -> tuple[Block, ...]:
    """Blocks of a core map; neurons of a population on a core ascend."""
    if placement.shape != (network.n_neurons,):
        raise NeurosimError(f"core map: {placement.size} entries, expected {network.n_neurons}, one for every neuron")
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
            width = network.value_bits(projection.source)
            stored = extra[position] * feed.sources.size * width
            add(block.core, "delay_buffer", "delayed spikes", projection.name, stored)
            entries = feed.sources.size * chip.core.axon_table.word_bits
            add(block.core, "axon_table", "entries", projection.name, entries)
        for content, bits in membrane_bits(population, block.neurons, chip).items():
            add(block.core, "membrane_memory", content, population.name, bits)
    sources = np.repeat(endpoint, np.diff(routes.ptr))
    per_core = np.bincount(sources, minlength=chip.n_cores + 1)[: chip.n_cores]
    for core in np.flatnonzero(per_core):
        add(int(core), "routing_table", "entries", "routes", per_core[core] * chip.core.routing_table.word_bits)
    for core in sorted({b.core for b in blocks}):
        add(core, "queues", "ingress", "packets", chip.core.ingress_depth * chip.router.packet_bits)
        add(core, "queues", "egress", "packets", chip.core.egress_depth * chip.router.packet_bits)
    return tuple(lines)


def _overflows(chip: Chip, blocks, memory, routes: Routes, endpoint: np.ndarray) -> tuple[Overflow, ...]:
    """Every broken limit, core by core; bits of memories first."""
    limits = core_limits(chip)
    used: dict[tuple[str, int], int] = {}
    for line in memory:
        used[line.memory, line.core] = used.get((line.memory, line.core), 0) + line.used_bits
    neurons = np.zeros(chip.n_cores, np.int64)
    for block in blocks:
        neurons[block.core] += len(block.neurons)
    axons_in = np.bincount(routes.endpoint, minlength=chip.n_cores + 1)[: chip.n_cores]
    sources = np.repeat(endpoint, np.diff(routes.ptr))
    axons_out = np.bincount(sources, minlength=chip.n_cores + 1)[: chip.n_cores]
    found = []
    for (name, core), bits in sorted(used.items()):
        limit = limits.get(name)
        if limit is not None and bits > limit:
            found.append(Overflow(core, name, "bits", bits, limit))
    for name, values in (("neurons", neurons), ("axons_in", axons_in), ("axons_out", axons_out)):
        limit = limits[name]
        if limit is not None:
            found += [Overflow(int(c), name, name, int(values[c]), limit) for c in np.flatnonzero(values > limit)]
    return tuple(found)
