"""The event loop of a round, and the loop over rounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.barrier import end_of, round_length
from neurosim.engine.fast.layout import Dims
from neurosim.engine.fast.router import allocate_single
from neurosim.engine.fast.router_channels import allocate
from neurosim.engine.fast.router_fork import allocate_fork
from neurosim.engine.fast.trees import Packets, Trees, build_packets
from neurosim.engine.fast.units import act_egress, act_synapse, act_update
from neurosim.engine.fast.walk import Work, mark_spikes, walk_round
from neurosim.engine.fast.wheel import lowest_bit, next_quantum, pointer, wake_due, wake_unit
from neurosim.engine.plan import TimingPlan


class Pipe(NamedTuple):
    """What the units of a core do side by side, as in `TimingPlan`; ``lookup`` at least 1."""

    conflicts: bool
    overlap: bool
    lookup: int
    fill: int
    in_turn: bool
    shared: bool


class Routes(NamedTuple):
    """Routes by neuron, what they cost at their end, and the packets that serve them."""

    ptr: np.ndarray
    busy: np.ndarray
    conflict: np.ndarray  # empty unless pipe.conflicts
    packet_of_route: np.ndarray  # filled only for a log
    packets: Packets
    pipe: Pipe


class Tally(NamedTuple):
    """Sums over the rounds done. ``counts`` (n_neurons, 3); ``sent`` by packet, ``delivered`` by route; per round and
    core (n_rounds, n_endpoints)."""

    counts: np.ndarray
    sent: np.ndarray
    delivered: np.ndarray
    synapse_busy: np.ndarray
    update_busy: np.ndarray
    update_stall: np.ndarray
    waits: np.ndarray


class Log(NamedTuple):
    """``rows`` (n_routes + 1, 3): route, inject, arrive, and how many in rows[0, 0]; no rows: no log."""

    inject_at: np.ndarray  # by packet
    rows: np.ndarray


def new_work(n_endpoints: int, n_neurons: int) -> Work:
    most = n_neurons + 2 * n_endpoints
    return Work(np.zeros(n_endpoints, np.int64), *(np.zeros(most, np.int64) for _ in range(3)))


def kind_of(plan: TimingPlan, trees: Trees) -> tuple[bool | None, Trees | None]:
    """(single, trees): True for routers of one channel and packets of one flit; the trees of multicast; else None."""
    router = plan.router
    if router.multicast:
        return None, trees
    single = router.virtual_channels == 1 and router.flits_per_packet == 1 and router.topology != "bus"
    return True if single else None, None


def routes_of(plan: TimingPlan, dims: Dims, log: bool) -> tuple[Routes, Trees]:
    packets, trees = build_packets(plan, dims)
    ptr, busy = (np.ascontiguousarray(a, np.int64) for a in (plan.route_ptr, plan.route_busy))
    of_route = np.zeros(0, np.int64)
    if log:
        degree = np.diff(ptr)
        of_route = np.repeat(packets.ptr[:-1], degree) if plan.router.multicast else np.arange(plan.n_routes)
    # Without conflicts no array: it would be one more line of memory to wait for with every packet.
    some = plan.route_conflict is not None and bool(plan.route_conflict.any())
    conflict = plan.route_conflict if some else np.zeros(0, np.int64)
    pipe = Pipe(
        some, bool(plan.overlap_lookup), max(1, int(plan.lookup_cycles)),
        int(plan.fill_cycles), bool(plan.serial_egress), bool(plan.shared_port),
    )  # fmt: skip
    return Routes(ptr, busy, np.ascontiguousarray(conflict, np.int64), of_route, packets, pipe), trees


def new_tally(plan: TimingPlan) -> Tally:
    per_core = [np.zeros((plan.n_rounds, plan.n_cores + 1), np.int64) for _ in range(3)]
    counts = np.zeros((plan.n_neurons, 3), np.int64)
    waits = np.zeros((plan.n_rounds, plan.n_cores + 1, c.N_WAITS), np.int64)
    n_packets = int((np.diff(plan.route_ptr) > 0).sum()) if plan.router.multicast else plan.n_routes
    return Tally(counts, np.zeros(n_packets, np.int64), np.zeros(plan.n_routes, np.int64), *per_core, waits)


def new_log(plan: TimingPlan, wanted: bool) -> Log:
    n = plan.n_routes if wanted else 0
    return Log(np.zeros(n, np.int64), np.zeros((n + 1 if wanted else 0, 3), np.int64))


@njit(cache=True, nogil=True)
def start_units(start, m, dims, batches, batch_cycles, batch_end):
    """Everything as at the beginning of a round: pointers at their start values, units at their first batch."""
    for out in range(dims.outputs, dims.port_rows, c.OUTPUT_ROW):
        m[out + c.GRANT] = 0
    for row in range(dims.port_rows, dims.occupancy, c.PORT_ROW):
        m[row + c.REQUEST] = m[row + c.ACCEPT] = 0
        m[row + c.VC_POINTER] = dims.vcs - 1
    batch = spike = 0
    for e in range(dims.endpoints):
        u = dims.ends + e * c.ENDPOINT_ROW
        m[u + c.WAITING] = m[u + c.STALL] = m[u + c.SYNAPSE_BUSY] = 0
        m[u + c.UPDATE_END] = m[u + c.EGRESS_END] = m[u + c.SYNAPSE_END] = m[u + c.IDLE_AT] = start
        m[u + c.PACKET] = m[u + c.LAST_PACKET] = m[u + c.FLIT] = 0
        m[u + c.SEND_POINTER] = m[u + c.POP_POINTER] = 0
        m[u + c.PUSHED] = m[u + c.LIMIT] = m[u + c.POPPED] = spike
        m[u + c.AT] = c.NEVER
        m[u + c.BATCH] = batch
        m[u + c.LAST_BATCH] = batches[e]
        m[u + c.PENDING] = m[u + c.DRAIN] = 0
        m[u + c.STAGED] = m[u + c.BLOCKED_SINCE] = -1
        m[u + c.WORK_FREE] = m[u + c.PORT_SYNAPSE] = m[u + c.PORT_UPDATE] = start
        for k in range(c.N_WAITS):
            m[u + c.BANK_WAIT + k] = 0
        if batch < batches[e]:
            m[u + c.PORT_UPDATE] = start + batch_cycles[batch]
            m[u + c.AT] = start + batch_cycles[batch]
            m[u + c.LIMIT] = batch_end[batch]
            spike = batch_end[batches[e] - 1]
            wake_unit(m, dims, start, m[u + c.AT], e)
        batch = batches[e]


@njit(cache=True, nogil=True)
def run_round(start, dims, chip, work, routes, sent, delivered, log, single, trees):
    """Run from quantum ``start`` until nobody is left to wake. Returns (last finish, a quantum for the next start).

    ``single`` and ``trees`` are as of `kind_of`: None where a kind of router is not there, which is then not compiled.
    """
    m = pointer(chip)
    start_units(start, m, dims, work.batches, work.batch_cycles, work.batch_end)
    # Bare pointers: an array handed to a function in the loop costs an atomic count of references.
    batch_cycles, batch_end, spikes = pointer(work.batch_cycles), pointer(work.batch_end), pointer(work.spikes)
    packet_ptr, target = pointer(routes.packets.ptr), pointer(routes.packets.target)
    route_busy, conflict, packet_of_route = (
        pointer(routes.busy),
        pointer(routes.conflict),
        pointer(routes.packet_of_route),
    )
    packets_sent, packets_delivered = pointer(sent), pointer(delivered)
    logging, inject_at, log_rows = log.rows.shape[0] > 0, pointer(log.inject_at), pointer(log.rows)
    pipe, route_ptr = routes.pipe, routes.ptr
    synapse = 2 * dims.endpoints
    last = now = start
    while True:
        now = next_quantum(m, dims, now)
        if now == c.NEVER:
            break
        last = now
        wake_due(m, dims, now)
        position = now & dims.mask
        row = dims.wheel + position * dims.row
        while m[row] != 0:
            mark = lowest_bit(m[row])
            k = mark << dims.coarse
            last_word = min(k + (1 << dims.coarse), dims.row - 1) - 1
            while k < last_word and m[row + 1 + k] == 0:
                k += 1
            bits = m[row + 1 + k]
            if bits == 0:
                m[row] &= ~(1 << mark)
                continue
            while bits != 0:
                m[row + 1 + k] = bits & (bits - 1)
                actor = (k << 6) + lowest_bit(bits)
                if actor >= dims.first_router:
                    if trees is not None:
                        allocate_fork(now, actor, m, dims, trees, route_ptr)
                    elif single is not None:
                        allocate_single(now, actor, m, dims)
                    else:
                        allocate(now, actor, m, dims)
                elif actor >= synapse:
                    e = actor - synapse
                    u = dims.ends + e * c.ENDPOINT_ROW
                    act_synapse(
                        now, e, u, m, dims, pipe, route_busy, conflict, packets_delivered, start, logging, inject_at,
                        packet_of_route, log_rows,
                    )  # fmt: skip
                elif actor >= dims.endpoints:
                    e = actor - dims.endpoints
                    u = dims.ends + e * c.ENDPOINT_ROW
                    act_egress(now, e, u, m, dims, spikes, packet_ptr, target, packets_sent, start, logging, inject_at)
                else:
                    u = dims.ends + actor * c.ENDPOINT_ROW
                    act_update(now, actor, u, m, dims, pipe, batch_cycles, batch_end)
                bits = m[row + 1 + k]
        m[dims.summary + (position >> 6)] &= ~(1 << (position & 63))
    finish = start
    for e in range(dims.endpoints):
        finish = max(finish, end_of(m, dims, e))
    return finish, max(finish, last) + dims.mask + 1


@njit(cache=True, nogil=True)
def run_rounds(
    first, last, start, dims, chip, walk, spikes, routes, work, tally, log, mark, barrier, round_cycles, barrier_cycles,
    single, trees,
):  # fmt: skip
    """Rounds first .. last-1, counted over (sample, round), on a chip whose clock stands at ``start``.

    ``mark`` (n_neurons,) scratch, -1 at the beginning. Returns where the clock stands now.
    """
    n_rounds = walk.round_timestep.shape[0]
    for number in range(first, last):
        sample, r = divmod(number, n_rounds)
        timestep = walk.round_timestep[r]
        row = sample * spikes.timesteps
        mark_spikes(timestep, walk.population, spikes.ptr, spikes.neuron, row, spikes.timesteps, mark, number)
        walk_round(
            timestep, walk, spikes.active, row, mark, number, routes.ptr, tally.counts, work, tally.update_busy[r]
        )
        finish, next_start = run_round(start, dims, chip, work, routes, tally.sent, tally.delivered, log, single, trees)
        length = round_length(start, finish, chip, dims, barrier)
        round_cycles[sample, r], barrier_cycles[sample, r] = length, start + length - finish
        for e in range(dims.endpoints):
            tally.update_stall[r, e] += chip[dims.ends + e * c.ENDPOINT_ROW + c.STALL]
            for k in range(c.N_WAITS):
                tally.waits[r, e, k] += chip[dims.ends + e * c.ENDPOINT_ROW + c.BANK_WAIT + k]
            tally.synapse_busy[r, e] += chip[dims.ends + e * c.ENDPOINT_ROW + c.SYNAPSE_BUSY]
        start = next_start
    return start
