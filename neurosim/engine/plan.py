"""What the two timing engines are given and what they return: flat arrays, lowered once from chip, network and map.

Time is an integer count of the chip's quantum. The exact meaning of every field, with the order of actions and every
tie-break, is docs/model.md; the names here are the ones used there.

Endpoints are the cores 0 .. n_cores-1 and, last, the host (number n_cores). Core c sits on tile c // cores_per_tile
and uses local port c % cores_per_tile of that tile's router; the host uses one more local port of ``host_tile``.
Router ports are 0..3 = +x, -x, +y, -y, then the local ports. Tile number = x + width * y. Trees: `RouterPlan`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.mapping.mapping import IDLE, NOT_IN_ROUND

__all__ = ["IDLE", "NOT_IN_ROUND", "WAITS", "BarrierPlan", "PacketLog", "RouterPlan", "TimingPlan", "TimingResult"]

WAITS = ("synapse_bank_conflict", "synapse_shared_port", "update_shared_port", "update_injection", "egress_network")


@dataclass(frozen=True)
class RouterPlan:
    """How tiles are joined, and one setting for all routers.

    ``topology`` is mesh, torus, tree or bus. Mesh and torus: tile r is router r; five times of ``latency_cycles`` and
    ``interval_cycles`` for +x (east), -x (west), +y (north), -y (south), local. Tree: ``arity`` and ``levels``; routers
    level by level from the root, 0, the tiles (leaves) last; ports 0 = up, 1 .. arity = down, then local; the times
    are up, down, two unused, local; the host is at the root. Bus: one router, of which only one input and, but for
    multicast, one output works at a time.

    ``chip_width`` x ``chip_height`` tiles are one chip (0: all of them); a link between chips has the ``off_chip``
    times. With ``multicast`` a spike is one packet, copied where the ways to its destinations part.

    priority : mesh and torus: for each output direction the input directions in the order in which they are granted,
        all five of them; None: round robin.
    """

    width: int
    height: int
    cores_per_tile: int
    host_tile: int
    virtual_channels: int
    queue_depth: int
    flits_per_packet: int
    injection_cycles: int
    latency_cycles: tuple[int, int, int, int, int]
    interval_cycles: tuple[int, int, int, int, int]
    credit_injection_cycles: int
    credit_link_cycles: int
    credit_local_cycles: int
    topology: str = "mesh"
    arity: int = 0
    levels: int = 0
    chip_width: int = 0
    chip_height: int = 0
    off_chip_latency_cycles: int = 1
    off_chip_interval_cycles: int = 1
    multicast: bool = False
    priority: tuple[tuple[int, ...], ...] | None = None

    @property
    def n_tiles(self) -> int:
        return self.width * self.height

    @property
    def first_tile(self) -> int:
        """The router of tile 0; those before it, in a tree, have no cores."""
        return (self.n_tiles - 1) // (self.arity - 1) if self.topology == "tree" else 0

    @property
    def n_routers(self) -> int:
        return self.first_tile + self.n_tiles

    @property
    def first_local(self) -> int:
        """Number of the first local port."""
        return 1 + self.arity if self.topology == "tree" else 4

    @property
    def n_ports(self) -> int:
        """Ports of a router: links, cores, and one for the host (on every router; used on one)."""
        return self.first_local + self.cores_per_tile + 1

    @property
    def host_router(self) -> int:
        return 0 if self.topology == "tree" else self.host_tile

    def input_order(self, port: int) -> list[int]:
        """Input ports in the order in which output ``port`` grants them; local ports, the host's last, ascend."""
        ports = range(self.n_ports)
        return [k for direction in self.priority[min(port, 4)] for k in ports if min(k, 4) == direction]


@dataclass(frozen=True, eq=False)
class BarrierPlan:
    """A barrier made of messages to a root and back; what a round adds is when each endpoint's work ended.

    endpoint : (n,) int64 senders; gather : (n,) int64 quanta from the end of a sender's work until its message is at
    the root's port. root : the endpoint that is the root, -1 if it is none that takes part. interval : quanta between
    two messages at the root's port, 0 if they are combined on their way. release : quanta from the last message until
    the last endpoint may go on. hops : links and ports that all messages of one barrier pass, both ways.
    """

    endpoint: np.ndarray
    gather: np.ndarray
    root: int
    interval: int
    release: int
    hops: int


@dataclass(frozen=True, eq=False)
class TimingPlan:
    """Everything but the spikes.

    population : (n_neurons,) int32, population of each neuron.
    endpoint : (n_neurons,) int32, core of each neuron, or n_cores for input neurons that enter at the host.
    slot_ptr : (n_cores + 1,) int64; slot_neuron : (n_mapped,) int32, neurons of each core in update order.
    updates : (n_populations,) bool, False for input populations (their slots cost no update time on a core).
    route_ptr : (n_neurons + 1,) int64; route_endpoint : (n_routes,) int32 destinations in the order they are sent;
    route_busy : (n_routes,) int64, quanta the destination works on one such packet (at least 1).
    round_timestep : (n_rounds, n_populations) int32, the network timestep a population works on in a round,
        NOT_IN_ROUND, or IDLE (updated by the chip outside its own window: costs access only, never spikes).
    barrier_cycles : quanta added at the end of every round; ``barrier`` : the messages that end it instead, or None.
    update_before : quanta of every core's update unit before its first slot.
    product_cycles : (n_populations,) int64, quanta that the access to a neuron of the population takes on top; None: 0.
    update_after : (n_cores,) int64, quanta of it behind the last slot (neurons that hold nothing); None: 0.

    What a core does side by side (docs/model.md, sections 3 to 6):
    route_conflict : (n_routes,) int64, quanta of ``route_busy`` that banks with several accesses cost; None: none.
    overlap_lookup : a packet is looked up for ``lookup_cycles`` while the one before it is worked on; ``route_busy``
        of routes to cores then holds the work alone. fill_cycles : quanta from the end of a packet's work until its
        last accumulator is written. serial_egress : an update group waits until the spikes before it are sent.
    shared_port : update groups and packets' work take turns at a core's membrane memory.
    """

    router: RouterPlan
    n_cores: int
    ingress_depth: int
    egress_depth: int
    egress_cycles: int
    host_cycles: int
    update_lanes: int
    access_cycles: int
    active_cycles: int
    spike_cycles: int
    touched_only: bool
    population: np.ndarray
    endpoint: np.ndarray
    slot_ptr: np.ndarray
    slot_neuron: np.ndarray
    updates: np.ndarray
    route_ptr: np.ndarray
    route_endpoint: np.ndarray
    route_busy: np.ndarray
    round_timestep: np.ndarray
    barrier_cycles: int
    route_conflict: np.ndarray | None = None
    overlap_lookup: bool = False
    lookup_cycles: int = 0
    fill_cycles: int = 0
    serial_egress: bool = False
    shared_port: bool = False
    barrier: BarrierPlan | None = None
    update_before: int = 0
    update_after: np.ndarray | None = None
    product_cycles: np.ndarray | None = None

    @property
    def n_neurons(self) -> int:
        return self.population.size

    @property
    def n_rounds(self) -> int:
        return self.round_timestep.shape[0]

    @property
    def n_routes(self) -> int:
        return self.route_endpoint.size


@dataclass(frozen=True, eq=False)
class PacketLog:
    """Every packet, sorted by (sample, round, route, order of injection). For tests and timelines; off by default.

    sample, round, route : (n,) int32; inject, arrive : (n,) int64, the quantum within its round in which the head flit
    left the source endpoint and in which the tail flit became available at the destination endpoint.
    """

    sample: np.ndarray
    round: np.ndarray
    route: np.ndarray
    inject: np.ndarray
    arrive: np.ndarray


@dataclass(frozen=True, eq=False)
class TimingResult:
    """What happened, summed over samples unless a sample axis is named. All int64. Both engines: equal arrays.

    round_cycles : (n_samples, n_rounds), barrier included; barrier_cycles : likewise, the part after the last work.
    accessed, active, spiked : (n_neurons,) neuron updates done, those with something to do, and spikes emitted.
    delivered : (n_routes,) packets taken out of the ingress queue at the destination.
    sent : (n_routes,) packets injected, a multicast packet counted on each of its routes.
    link_flits : (n_routers, n_ports) flits that left each router output; the last column is the host port.
    injected : (n_cores + 1,) packets made by each endpoint; with unicast the sum of ``sent`` over its routes.
    synapse_busy, update_busy, update_stall : (n_rounds, n_cores) quanta.
    waits : (n_rounds, n_cores + 1, 5) quanta that the units of an endpoint waited, by cause in the order of `WAITS`.
    """

    round_cycles: np.ndarray
    accessed: np.ndarray
    active: np.ndarray
    spiked: np.ndarray
    delivered: np.ndarray
    sent: np.ndarray
    link_flits: np.ndarray
    injected: np.ndarray
    synapse_busy: np.ndarray
    update_busy: np.ndarray
    update_stall: np.ndarray
    waits: np.ndarray
    barrier_cycles: np.ndarray
    log: PacketLog | None = None
