"""The finished mapping: which neuron sits where, what each core must store, and where each spike goes."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from neurosim.mapping.keys import KeyTables

NOT_IN_ROUND = -1
IDLE = -2


@dataclass(frozen=True, eq=False)
class Block:
    """Neurons of one population on one core. ``neurons`` (n,) int32 local numbers in slot (update) order."""

    population: str
    core: int
    neurons: np.ndarray


@dataclass(frozen=True)
class MemoryUse:
    """One line of the footprint: bits of one kind in one memory of one core, for one part of the network.

    ``memory`` is synaptic_memory, membrane_memory, axon_table, routing_table, delay_buffer or queues; ``content``
    says what the bits are (weights, indices, codebook, membrane, threshold, bias, axon entries, padding ...);
    ``part`` names the population or projection.
    """

    core: int
    memory: str
    content: str
    part: str
    used_bits: int


@dataclass(frozen=True)
class Overflow:
    """A limit that the mapping breaks; core -1 is the chip. ``unit``: bits, neurons, axons_in, axons_out or cores."""

    core: int
    memory: str
    unit: str
    needed: int
    limit: int


@dataclass(frozen=True, eq=False)
class Routes:
    """Where spikes go. One route is one packet a spike: (source neuron, destination endpoint).

    ptr : (n_neurons + 1,) int64 by global source neuron; endpoint : (n_routes,) int32, ascending core, the host last.
    row_ptr : (n_routes + 1,) int64 into the rows: one row for each (projection, block) that the packet feeds.
    row_projection, row_block : (n_rows,) int16 or int32; row_events : (n_rows,) int32 connections from this source
    into the block; row_words : (n_rows,) int32 synaptic memory words read for them.
    row_reads, row_turns : (n_rows,) int32 or None, as in `neurosim.mapping.layout.Feed`. Host routes have no rows.
    """

    ptr: np.ndarray
    endpoint: np.ndarray
    row_ptr: np.ndarray
    row_projection: np.ndarray
    row_block: np.ndarray
    row_events: np.ndarray
    row_words: np.ndarray
    row_reads: np.ndarray | None = None
    row_turns: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Mapping:
    """The result of `neurosim.mapping.map_network`.

    endpoint : (n_neurons,) int32, core of each neuron; n_cores for input neurons entering at the host.
    lag : (n_populations,) int32, chip steps by which a population runs behind (all 0 under same_step delivery).
    level : (n_populations,) int32, topological depth over delay-0 projections, the rounds of same_step delivery.
    memory : all footprint lines; provisioned_bits : what each memory of one core offers (None: not limited);
    traffic : routes x hops between tiles if every neuron spiked once; ``traffic_before`` as first placed;
    overflows : broken limits, empty unless capacity='report'; key_tables : of a chip whose routers have them;
    synapse_unit : ``dense``, ``sparse`` or ``conv`` where every connection works on that unit of the cores, None where
    each works on that of its own kind.
    """

    blocks: tuple[Block, ...]
    endpoint: np.ndarray
    lag: np.ndarray
    level: np.ndarray
    routes: Routes
    memory: tuple[MemoryUse, ...]
    provisioned_bits: dict[str, int | None]
    overflows: tuple[Overflow, ...]
    cores_used: int
    tiles_used: int
    traffic_before: int
    traffic: int
    origin: str
    key_tables: KeyTables | None = None
    layouts: dict[str, tuple[str, ...]] = field(default_factory=dict)
    synapse_unit: str | None = None
