"""A chip as one flat array of int64: what is fixed (wiring, delays) beside what changes (pointers, times).

Time never restarts: a round begins at a quantum later than all traces of the round before, so "all credits home" and
"nothing busy" hold without touching a single queue; only pointers are reset.

With V virtual channels, P ports, E endpoints and R tiles: fifo (r * P + p) * V + v is channel v of input p of router
r, and (R * P + e) * V + v that of endpoint e's ingress. Actors are numbered in their order within a quantum: update
unit e, egress unit E + e, synapse unit 2E + e, router 3E + r.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.engine.fast import columns as c
from neurosim.engine.plan import RouterPlan, TimingPlan
from neurosim.engine.wiring import endpoint_ports, links

TOPOLOGIES = ("mesh", "torus", "tree", "bus")
MESH, TORUS, TREE, BUS = range(4)


class Dims(NamedTuple):
    """Plain numbers every function of the hot loop may need; the second half are addresses of regions."""

    ports: int
    vcs: int
    flits: int
    endpoints: int
    first_router: int
    injection: int
    topology: int  # 0 mesh, 1 torus, 2 tree, 3 bus
    width: int
    height: int
    arity: int
    multicast: int
    mask: int  # wheel positions - 1
    shift: int  # bits of a port number
    row: int  # words of a wheel position: one bit an actor, and a word that says which of them to look at
    coarse: int
    occupancy_words: int  # words of a router's occupancy: one bit a fifo
    tiles: int
    ends: int
    fifos: int
    slots: int
    outputs: int
    port_rows: int
    occupancy: int
    sleeping: int  # as occupancy: fifos whose output has no credit on its way
    wheel: int
    summary: int
    heap: int
    far: int
    orders: int
    scratch: int
    size: int
    fixed_order: int  # 1: outputs grant in a fixed order, kept in ``orders``


def wheel_size(router: RouterPlan) -> int:
    """A power of two above every delay inside the network; longer waits of the units go to the heap."""
    delays = (*router.latency_cycles, *router.interval_cycles, router.injection_cycles)
    credits = (router.credit_injection_cycles, router.credit_link_cycles, router.credit_local_cycles)
    off_chip = (router.off_chip_latency_cycles, router.off_chip_interval_cycles)
    return max(64, 1 << max(*delays, *credits, *off_chip).bit_length())


def dims_of(plan: TimingPlan) -> Dims:
    router = plan.router
    n_tiles, endpoints = router.n_routers, plan.n_cores + 1
    ports, vcs = router.n_ports, router.virtual_channels
    actors = 3 * endpoints + n_tiles
    size, words, occupancy_words = wheel_size(router), -(-actors // 64), -(-ports * vcs // 64)
    shift = ports.bit_length()
    n_slots = n_tiles * ports * vcs * router.queue_depth + endpoints * vcs * plan.ingress_depth
    regions = {
        "tiles": n_tiles * c.TILE_ROW,
        "ends": endpoints * c.ENDPOINT_ROW,
        "fifos": (n_tiles * ports + endpoints) * vcs * c.FIFO_ROW,
        "slots": n_slots * c.SLOT_ROW,
        "outputs": n_tiles * ports * c.OUTPUT_ROW,
        "port_rows": n_tiles * ports * c.PORT_ROW,
        "occupancy": n_tiles * occupancy_words,
        "sleeping": n_tiles * occupancy_words + 1,
        "wheel": size * (words + 1),
        "summary": size // 64,
        "heap": 2 * (actors + 1),
        "far": actors,
        "orders": 0 if router.priority is None else 2 * ports * ports,
        "scratch": 4 << (2 * shift),
    }
    starts = np.cumsum([0, *regions.values()]).tolist()
    return Dims(
        ports, vcs, router.flits_per_packet, endpoints, 3 * endpoints, router.injection_cycles,
        TOPOLOGIES.index(router.topology), router.width, router.height, router.arity, int(router.multicast),
        size - 1, shift, words + 1, max(0, (words - 1).bit_length() - 6), occupancy_words,
        **dict(zip(regions, starts, strict=False)), size=starts[-1],
        fixed_order=int(router.priority is not None)
    )  # fmt: skip


def outputs_of(m: np.ndarray, dims: Dims) -> np.ndarray:
    """The output rows, (n_routers, ports, OUTPUT_ROW): a view."""
    return m[dims.outputs : dims.port_rows].reshape(-1, dims.ports, c.OUTPUT_ROW)


def endpoints_of(m: np.ndarray, dims: Dims) -> np.ndarray:
    return m[dims.ends : dims.fifos].reshape(-1, c.ENDPOINT_ROW)


def build_chip(plan: TimingPlan, dims: Dims) -> np.ndarray:
    """The image of a chip at rest, (dims.size,) int64."""
    router = plan.router
    m = np.zeros(dims.size, np.int64)
    fifos = m[dims.fifos : dims.slots].reshape(-1, c.FIFO_ROW)
    port_rows = m[dims.port_rows : dims.occupancy].reshape(-1, c.PORT_ROW)
    port_rows[:, c.ACCEPT_BEST] = c.NEVER
    m[dims.far : dims.orders] = -1
    if router.priority is not None:
        _orders(m[dims.orders : dims.scratch].reshape(2, dims.ports, dims.ports), router)
    _tiles(m[dims.tiles : dims.ends].reshape(-1, c.TILE_ROW), router, dims)
    ends = endpoints_of(m, dims)
    _endpoints(ends, plan, dims)
    _rings(m, fifos, plan, dims)
    _inputs(fifos, router, dims, ends)
    _outputs(outputs_of(m, dims), router, dims, ends)
    return m


def _tiles(tiles: np.ndarray, router: RouterPlan, dims: Dims) -> None:
    r = np.arange(tiles.shape[0])
    if router.topology == "tree":
        tiles[:, c.X], tiles[:, c.Y] = _leaves(router)
    else:
        tiles[:, c.X], tiles[:, c.Y] = r % router.width, r // router.width
    tiles[:, c.FIFOS] = dims.fifos + r * dims.ports * dims.vcs * c.FIFO_ROW
    tiles[:, c.OUTPUTS] = dims.outputs + r * dims.ports * c.OUTPUT_ROW
    tiles[:, c.PORTS] = dims.port_rows + r * dims.ports * c.PORT_ROW
    tiles[:, c.OCCUPANCY] = dims.occupancy + r * dims.occupancy_words


def _orders(orders: np.ndarray, router: RouterPlan) -> None:
    """[0, output, input] place of the input in the output's order, [1, output, place] the input there."""
    for port in range(orders.shape[1]):
        orders[1, port] = router.input_order(port)
        orders[0, port, orders[1, port]] = np.arange(orders.shape[1])


def _leaves(router: RouterPlan) -> tuple[np.ndarray, np.ndarray]:
    """First tile below each router of a tree, and how many there are; (n_routers,) int64 each."""
    level = np.arange(router.levels + 1)
    below = router.arity ** (router.levels - level)
    span = np.repeat(below, router.arity**level)
    place = np.concatenate([np.arange(n) for n in router.arity**level])
    return place * span, span


def _fifo(dims: Dims, port: int | np.ndarray) -> int | np.ndarray:
    """Address of the first fifo of an input, counted over routers and then over the endpoints' ingresses."""
    return dims.fifos + port * dims.vcs * c.FIFO_ROW


def _endpoints(ends: np.ndarray, plan: TimingPlan, dims: Dims) -> None:
    router, e = plan.router, np.arange(dims.endpoints)
    tile, port = np.array(endpoint_ports(router, plan.n_cores)).T
    ends[:, c.X], ends[:, c.Y] = tile % router.width, tile // router.width
    if router.topology == "tree":
        ends[:, c.X], ends[:, c.Y] = tile - router.first_tile, 0  # the host, at the root, is below no router
    ends[:, c.PORT], ends[:, c.ROUTER] = port, dims.first_router + tile
    ends[:, c.ENTRY] = _fifo(dims, tile * dims.ports + port)
    ends[:, c.INGRESS] = _fifo(dims, router.n_routers * dims.ports + e)
    ends[:, c.CYCLES], ends[-1, c.CYCLES] = max(1, plan.egress_cycles), max(1, plan.host_cycles)
    ends[:, c.DEPTH], ends[-1, c.DEPTH] = plan.egress_depth, c.NEVER


def _rings(m: np.ndarray, fifos: np.ndarray, plan: TimingPlan, dims: Dims) -> None:
    """Slots of every fifo chained into a ring, and the bit that says that the fifo is not empty."""
    inside = plan.router.n_routers * dims.ports * dims.vcs
    depth = np.full(fifos.shape[0], plan.router.queue_depth)
    depth[inside:] = plan.ingress_depth
    end = np.cumsum(depth)
    slots = m[dims.slots : dims.outputs].reshape(-1, c.SLOT_ROW)
    slots[:, c.ARRIVE] = c.NEVER
    following = np.arange(1, slots.shape[0] + 1)
    following[end - 1] = end - depth
    slots[:, c.NEXT] = dims.slots + following * c.SLOT_ROW
    fifos[:, c.HEAD] = fifos[:, c.TAIL] = dims.slots + (end - depth) * c.SLOT_ROW
    per_router = dims.ports * dims.vcs
    router, bit = np.divmod(np.arange(inside), per_router)
    fifos[:inside, c.OF_PORT], fifos[:inside, c.OF_VC] = np.divmod(bit, dims.vcs)
    fifos[:inside, c.OCCUPIED] = dims.occupancy + router * dims.occupancy_words + bit // 64
    fifos[:inside, c.BIT] = np.left_shift(np.int64(1), bit % 64)
    endpoint, vc = np.divmod(np.arange(fifos.shape[0] - inside), dims.vcs)
    fifos[inside:, c.OCCUPIED] = dims.ends + endpoint * c.ENDPOINT_ROW + c.INGRESS_OCCUPANCY
    fifos[inside:, c.BIT] = np.left_shift(np.int64(1), vc % 64)


def _inputs(fifos: np.ndarray, router: RouterPlan, dims: Dims, ends: np.ndarray) -> None:
    """Who sends into each input, and how long a freed place takes to be known there."""
    inputs = fifos.reshape(-1, dims.vcs, c.FIFO_ROW)
    inputs[:, :, c.CREDIT] = router.credit_link_cycles
    inputs[:, :, c.SLEEP] = dims.wheel - 1  # nobody looks at it
    if links(router):
        number, _, neighbour, way_in, *_ = np.array(links(router)).T
        entry = neighbour * dims.ports + way_in
        inputs[entry, :, c.UPSTREAM] = (dims.first_router + number)[:, None]
        inputs[entry, :, c.SLEEP] = (dims.sleeping + number * dims.occupancy_words)[:, None]
    e = np.arange(dims.endpoints)
    at = ends[:, c.ROUTER] - dims.first_router
    entry, ingress = at * dims.ports + ends[:, c.PORT], router.n_routers * dims.ports + e
    inputs[entry, :, c.UPSTREAM], inputs[entry, :, c.CREDIT] = (
        (dims.endpoints + e)[:, None],
        router.credit_injection_cycles,
    )
    inputs[ingress, :, c.UPSTREAM], inputs[ingress, :, c.CREDIT] = ends[:, c.ROUTER, None], router.credit_local_cycles
    inputs[ingress, :, c.SLEEP] = (dims.sleeping + at * dims.occupancy_words)[:, None]


def _outputs(outputs: np.ndarray, router: RouterPlan, dims: Dims, ends: np.ndarray) -> None:
    """Where each output leads, and what it takes."""
    outputs[:, :, c.BEST] = c.NEVER
    outputs[:, :, c.LATENCY], outputs[:, :, c.INTERVAL] = router.latency_cycles[4], router.interval_cycles[4]
    if links(router):
        number, port, neighbour, way_in, latency, interval, _ = np.array(links(router)).T
        outputs[number, port, c.DOWN] = _fifo(dims, neighbour * dims.ports + way_in)
        outputs[number, port, c.ACTOR] = dims.first_router + neighbour
        outputs[number, port, c.LATENCY], outputs[number, port, c.INTERVAL] = latency, interval
    at, port = ends[:, c.ROUTER] - dims.first_router, ends[:, c.PORT]
    outputs[at, port, c.DOWN] = ends[:, c.INGRESS]
    outputs[at, port, c.ACTOR] = 2 * dims.endpoints + np.arange(dims.endpoints)
