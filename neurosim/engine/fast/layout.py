"""The chip as flat arrays: one row of eight int64 an object, columns named here.

A row is one cache line. Rows hold what is fixed (wiring, delays) beside what changes (pointers, times), because the
hot loop needs both together. Time never restarts: a round begins at a quantum later than all the traces of the round
before, so credits "all home" and "nothing busy" hold without touching a single queue; only pointers are reset.

Numbers of things, V virtual channels, P = 5 + cores_per_tile ports, E = n_cores + 1 endpoints, R tiles:

* port q: router r's input or output p is r * P + p; the ingress of endpoint e is input R * P + e.
* fifo f: channel v of input q is q * V + v; each owns a ring of slots. A sender keeps the ring's tail, a receiver
  its head, and a slot tells when its flit may be seen (ARRIVE) or when its credit is home (READY).
* actor: update unit e, egress unit E + e, synapse unit 2E + e, router 3E + r: the order of action in a quantum.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.engine.plan import RouterPlan, TimingPlan

NEVER = 1 << 62
ROW = 8

# fifo rows; WAIT: the sender is blocked on this queue; OUT_VC: channel held by the packet passing; HELD: by a sender
HEAD, TAIL, BASE, END, WAIT, OUT_VC, HELD = range(7)
# input rows
ACCEPT, REQUEST, IN_FREE_AT, CREDIT, UPSTREAM, ACCEPT_BEST = range(6)
# output rows; DOWN: first fifo downstream, ACTOR: who empties it, BEST: scratch of the grant
GRANT, VC_POINTER, FREE_AT, DOWN, ACTOR, DELAY, BEST, FLITS = range(8)
# endpoint rows, fixed
X, Y, PORT, TILE, ENTRY, CYCLES, DEPTH, INGRESS = range(8)
# update unit rows; LIMIT: spikes pushed when the batch is done; AT: when its work ends
BATCH, LAST_BATCH, PUSHED, LIMIT, AT, WAITING, STALL, UPDATE_END = range(8)
# egress unit rows; ROUTE..LAST_ROUTE: packets left of the spike in hand
ROUTE, LAST_ROUTE, SEND_AT, FLIT, VC, SEND_POINTER, POPPED, EGRESS_END = range(8)
# synapse unit rows
IDLE_AT, POP_POINTER, BUSY, SYNAPSE_END = range(4)

# a flit is one word: output port at the router it is in, head, tail, destination endpoint, route
PORT_BITS, ENDPOINT_BITS, ROUTE_BITS = 12, 20, 29
PORT_MASK = (1 << PORT_BITS) - 1
HEAD_BIT, TAIL_BIT = 1 << PORT_BITS, 1 << (PORT_BITS + 1)
ENDPOINT_SHIFT = PORT_BITS + 2
ENDPOINT_MASK = (1 << ENDPOINT_BITS) - 1
ROUTE_SHIFT = ENDPOINT_SHIFT + ENDPOINT_BITS


class Dims(NamedTuple):
    """Plain numbers every function of the hot loop may need."""

    ports: int
    vcs: int
    flits: int
    endpoints: int
    first_router: int
    injection: int
    max_interval: int
    wheel_mask: int


class Chip(NamedTuple):
    """State of one chip, all int64. ``row`` arrays are (n, 8); slots are (n_slots,) arrays."""

    fifo: np.ndarray
    word: np.ndarray
    arrive: np.ndarray
    ready: np.ndarray
    inputs: np.ndarray
    outputs: np.ndarray
    interval: np.ndarray
    tile_xy: np.ndarray
    ends: np.ndarray
    update: np.ndarray
    egress: np.ndarray
    synapse: np.ndarray
    wheel: np.ndarray
    summary: np.ndarray
    heap: np.ndarray
    far: np.ndarray
    scratch: np.ndarray


def wheel_size(router: RouterPlan) -> int:
    """A power of two above every delay inside the network; longer waits of the units go to the heap."""
    delays = (*router.latency_cycles, *router.interval_cycles, router.injection_cycles)
    credits = (router.credit_injection_cycles, router.credit_link_cycles, router.credit_local_cycles)
    return max(64, 1 << (max(*delays, *credits) + 1).bit_length())


def dims_of(plan: TimingPlan) -> Dims:
    router = plan.router
    endpoints = plan.n_cores + 1
    return Dims(
        ports=5 + router.cores_per_tile,
        vcs=router.virtual_channels,
        flits=router.flits_per_packet,
        endpoints=endpoints,
        first_router=3 * endpoints,
        injection=router.injection_cycles,
        max_interval=max(router.interval_cycles),
        wheel_mask=wheel_size(router) - 1,
    )


def build_chip(plan: TimingPlan) -> Chip:
    router, dims = plan.router, dims_of(plan)
    n_tiles = router.width * router.height
    n_inputs = n_tiles * dims.ports + dims.endpoints
    n_actors = dims.first_router + n_tiles
    tile = np.arange(n_tiles)
    ends = _endpoints(plan, dims, n_tiles)
    depth = np.full(n_inputs * dims.vcs, router.queue_depth)
    depth[n_tiles * dims.ports * dims.vcs :] = plan.ingress_depth
    fifo = _rows(depth.size)
    fifo[:, END] = np.cumsum(depth)
    for column in (HEAD, TAIL, BASE):
        fifo[:, column] = fifo[:, END] - depth
    n_slots = int(depth.sum())
    words = (n_actors + 63) // 64
    size = dims.wheel_mask + 1
    return Chip(
        fifo=fifo,
        word=np.zeros(n_slots, np.int64),
        arrive=np.full(n_slots, NEVER, np.int64),
        ready=np.zeros(n_slots, np.int64),
        inputs=_inputs(router, dims, ends, n_inputs),
        outputs=_outputs(router, dims, ends, n_tiles),
        interval=np.array([router.interval_cycles[min(p, 4)] for p in range(dims.ports)], np.int64),
        tile_xy=np.stack([tile % router.width, tile // router.width], axis=1).astype(np.int64),
        ends=ends,
        update=_rows(dims.endpoints),
        egress=_rows(dims.endpoints),
        synapse=_rows(dims.endpoints),
        wheel=np.zeros((size, words), np.int64),
        summary=np.zeros(size // 64, np.int64),
        heap=np.zeros((n_actors + 1, 2), np.int64),
        far=np.full(n_actors, -1, np.int64),
        scratch=np.zeros(4 * dims.ports * dims.ports, np.int64),
    )


def _rows(n: int) -> np.ndarray:
    return np.zeros((n, ROW), np.int64)


def _endpoints(plan: TimingPlan, dims: Dims, n_tiles: int) -> np.ndarray:
    router = plan.router
    number = np.arange(dims.endpoints)
    ends = _rows(dims.endpoints)
    ends[:, TILE] = number // router.cores_per_tile
    ends[:, PORT] = 4 + number % router.cores_per_tile
    ends[-1, TILE], ends[-1, PORT] = router.host_tile, 4 + router.cores_per_tile
    ends[:, X], ends[:, Y] = ends[:, TILE] % router.width, ends[:, TILE] // router.width
    ends[:, ENTRY] = (ends[:, TILE] * dims.ports + ends[:, PORT]) * dims.vcs
    ends[:, INGRESS] = (n_tiles * dims.ports + number) * dims.vcs
    ends[:, CYCLES], ends[-1, CYCLES] = max(1, plan.egress_cycles), max(1, plan.host_cycles)
    ends[:, DEPTH], ends[-1, DEPTH] = plan.egress_depth, NEVER
    return ends


def _inputs(router: RouterPlan, dims: Dims, ends: np.ndarray, n_inputs: int) -> np.ndarray:
    """Who sends into each input, and how long a freed place takes to be known there."""
    inputs = _rows(n_inputs)
    n_tiles = router.width * router.height
    inputs[:, CREDIT] = router.credit_link_cycles
    for tile in range(n_tiles):
        for port, other in _neighbours(router, tile):
            inputs[tile * dims.ports + port, UPSTREAM] = dims.first_router + other
    for e, end in enumerate(ends):
        entry, ingress = end[TILE] * dims.ports + end[PORT], n_tiles * dims.ports + e
        inputs[entry, UPSTREAM] = dims.endpoints + e
        inputs[entry, CREDIT] = router.credit_injection_cycles
        inputs[ingress, UPSTREAM] = dims.first_router + end[TILE]
        inputs[ingress, CREDIT] = router.credit_local_cycles
    inputs[:, ACCEPT_BEST] = NEVER
    return inputs


def _outputs(router: RouterPlan, dims: Dims, ends: np.ndarray, n_tiles: int) -> np.ndarray:
    """Where each output leads: output d meets the neighbour's input from the other side."""
    outputs = _rows(n_tiles * dims.ports)
    outputs[:, BEST] = NEVER
    for tile in range(n_tiles):
        for port, other in _neighbours(router, tile):
            row = outputs[tile * dims.ports + port]
            row[DOWN] = (other * dims.ports + (port ^ 1)) * dims.vcs
            row[ACTOR] = dims.first_router + other
        for port in range(dims.ports):
            outputs[tile * dims.ports + port, DELAY] = router.latency_cycles[min(port, 4)]
    for e, end in enumerate(ends):
        row = outputs[end[TILE] * dims.ports + end[PORT]]
        row[DOWN] = end[INGRESS]
        row[ACTOR] = 2 * dims.endpoints + e
    return outputs


def _neighbours(router: RouterPlan, tile: int) -> list[tuple[int, int]]:
    """(direction, tile) of the neighbours inside the mesh."""
    x, y = tile % router.width, tile // router.width
    around = ((0, x + 1, y), (1, x - 1, y), (2, x, y + 1), (3, x, y - 1))
    return [(d, i + router.width * j) for d, i, j in around if 0 <= i < router.width and 0 <= j < router.height]
