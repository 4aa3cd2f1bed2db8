"""The event loop of a round, and the loop over rounds."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from neurosim.engine.fast.layout import (
    ACCEPT,
    AT,
    BATCH,
    BUSY,
    DEPTH,
    EGRESS_END,
    FLIT,
    GRANT,
    IDLE_AT,
    LAST_BATCH,
    LAST_ROUTE,
    LIMIT,
    NEVER,
    POP_POINTER,
    POPPED,
    PUSHED,
    REQUEST,
    ROUTE,
    SEND_POINTER,
    STALL,
    SYNAPSE_END,
    UPDATE_END,
    VC_POINTER,
    WAITING,
)
from neurosim.engine.fast.router import allocate, allocate_single
from neurosim.engine.fast.units import act_egress, act_synapse, act_update
from neurosim.engine.fast.walk import mark_spikes, walk_endpoint
from neurosim.engine.fast.wheel import lowest_bit, next_quantum, pop_due, wake_any
from neurosim.engine.plan import TimingPlan


class Work(NamedTuple):
    """What the endpoints do in the round at hand: endpoint e has batches [batches[e - 1], batches[e])."""

    batches: np.ndarray  # (n_endpoints,) int64
    batch_cycles: np.ndarray
    batch_end: np.ndarray  # spikes pushed when the batch is done, counted over all endpoints
    spikes: np.ndarray


class Routes(NamedTuple):
    ptr: np.ndarray
    endpoint: np.ndarray
    busy: np.ndarray


class Tally(NamedTuple):
    """Sums over the rounds done. ``counts`` (n_neurons, 3); per round and core (n_rounds, n_endpoints)."""

    counts: np.ndarray
    sent: np.ndarray
    delivered: np.ndarray
    synapse_busy: np.ndarray
    update_busy: np.ndarray
    update_stall: np.ndarray


class Log(NamedTuple):
    """``rows`` (n_routes + 1, 3): route, inject, arrive, and how many in rows[0, 0]; no rows: no log."""

    at: np.ndarray
    rows: np.ndarray


def new_work(n_endpoints: int, n_neurons: int) -> Work:
    most = n_neurons + n_endpoints
    return Work(np.zeros(n_endpoints, np.int64), *(np.zeros(most, np.int64) for _ in range(3)))


def routes_of(plan: TimingPlan) -> Routes:
    return Routes(*(np.ascontiguousarray(a, np.int64) for a in (plan.route_ptr, plan.route_endpoint, plan.route_busy)))


def new_tally(plan: TimingPlan) -> Tally:
    per_core = [np.zeros((plan.n_rounds, plan.n_cores + 1), np.int64) for _ in range(3)]
    counts = np.zeros((plan.n_neurons, 3), np.int64)
    return Tally(counts, np.zeros(plan.n_routes, np.int64), np.zeros(plan.n_routes, np.int64), *per_core)


def new_log(plan: TimingPlan, wanted: bool) -> Log:
    n = plan.n_routes if wanted else 0
    return Log(np.zeros(n, np.int64), np.zeros((n + 1 if wanted else 0, 3), np.int64))


@njit(cache=True, nogil=True)
def start_units(start, dims, inputs, outputs, update, egress, synapse, wheel, summary, heap, far, work):
    """Everything as at the beginning of a round: pointers at their start values, units at their first batch."""
    inputs[:, ACCEPT] = 0
    inputs[:, REQUEST] = 0
    outputs[:, GRANT] = 0
    outputs[:, VC_POINTER] = dims.vcs - 1
    batch = spike = 0
    for e in range(dims.endpoints):
        u, g, s = update[e], egress[e], synapse[e]
        u[WAITING] = u[STALL] = s[BUSY] = 0
        u[UPDATE_END] = g[EGRESS_END] = s[SYNAPSE_END] = s[IDLE_AT] = start
        g[ROUTE] = g[LAST_ROUTE] = g[FLIT] = g[SEND_POINTER] = s[POP_POINTER] = 0
        u[PUSHED] = u[LIMIT] = g[POPPED] = spike
        u[AT] = NEVER
        u[BATCH], u[LAST_BATCH] = batch, work.batches[e]
        if batch < u[LAST_BATCH]:
            u[AT] = start + work.batch_cycles[batch]
            u[LIMIT] = work.batch_end[batch]
            spike = work.batch_end[u[LAST_BATCH] - 1]
            wake_any(wheel, summary, heap, far, dims.wheel_mask, start, u[AT], e)
        batch = u[LAST_BATCH]


@njit(cache=True, nogil=True)
def run_round(start, dims, chip, work, routes, sent, delivered, log):
    """Run from quantum ``start`` until nobody is left to wake. Returns (last finish, a quantum for the next start)."""
    fifo, word, arrive, ready = chip.fifo, chip.word, chip.arrive, chip.ready
    inputs, outputs, interval, tile_xy, ends = chip.inputs, chip.outputs, chip.interval, chip.tile_xy, chip.ends
    update, egress, synapse, scratch = chip.update, chip.egress, chip.synapse, chip.scratch
    wheel, summary, heap, far = chip.wheel, chip.summary, chip.heap, chip.far
    batch_cycles, batch_end, spikes = work.batch_cycles, work.batch_end, work.spikes
    route_ptr, route_endpoint, route_busy = routes.ptr, routes.endpoint, routes.busy
    log_at, log_rows = log.at, log.rows
    start_units(start, dims, inputs, outputs, update, egress, synapse, wheel, summary, heap, far, work)
    single = dims.vcs == 1 and dims.flits == 1
    endpoints, mask = dims.endpoints, dims.wheel_mask
    last = now = start
    while True:
        now = next_quantum(wheel, summary, heap, mask, now)
        if now == NEVER:
            break
        last = now
        pop_due(wheel, summary, heap, far, mask, now)
        slot = now & mask
        for k in range(wheel.shape[1]):
            while wheel[slot, k] != 0:
                bits = wheel[slot, k]
                wheel[slot, k] = bits & (bits - 1)
                actor = (k << 6) + lowest_bit(bits)
                if actor >= dims.first_router:
                    router = actor - dims.first_router
                    if single:
                        allocate_single(now, router, dims, fifo, word, arrive, ready, inputs, outputs, interval,
                                        tile_xy, ends, wheel, summary, scratch)  # fmt: skip
                    else:
                        allocate(now, router, dims, fifo, word, arrive, ready, inputs, outputs, interval,
                                 tile_xy, ends, wheel, summary, scratch)  # fmt: skip
                elif actor >= 2 * endpoints:
                    e = actor - 2 * endpoints
                    act_synapse(now, e, dims, fifo, word, arrive, ready, inputs, ends[e], synapse[e], route_busy,
                                delivered, wheel, summary, heap, far, start, log_at, log_rows)  # fmt: skip
                elif actor >= endpoints:
                    e = actor - endpoints
                    act_egress(now, e, dims, fifo, word, arrive, ready, ends[e], tile_xy, ends, egress[e], update[e],
                               spikes, route_ptr, route_endpoint, sent, wheel, summary, heap, far, start, log_at,
                               log_rows)  # fmt: skip
                else:
                    act_update(now, actor, dims, update[actor], egress[actor, POPPED], ends[actor, DEPTH],
                               batch_cycles, batch_end, wheel, summary, heap, far)  # fmt: skip
        summary[slot >> 6] &= ~(1 << (slot & 63))
    finish = start
    for e in range(endpoints):
        finish = max(finish, update[e, UPDATE_END], egress[e, EGRESS_END], synapse[e, SYNAPSE_END])
    return finish, max(finish, last) + mask + 1


@njit(cache=True, nogil=True)
def run_rounds(first, last, start, dims, chip, walk, spikes, routes, work, tally, log, mark, barrier, round_cycles):
    """Rounds first .. last-1, counted over (sample, round), on a chip whose clock stands at ``start``.

    ``mark`` (n_neurons,) scratch, -1 at the beginning. Returns where the clock stands now.
    """
    n_rounds = walk.round_timestep.shape[0]
    for number in range(first, last):
        sample, r = divmod(number, n_rounds)
        timestep = walk.round_timestep[r]
        row = sample * spikes.timesteps
        mark_spikes(timestep, walk.population, spikes.ptr, spikes.neuron, row, spikes.timesteps, mark, number)
        n_batches = n_spikes = 0
        for e in range(dims.endpoints):
            n_batches, n_spikes, busy = walk_endpoint(
                e, timestep, walk, spikes.active, row, mark, number, routes.ptr, tally.counts, work.batches,
                work.batch_cycles, work.batch_end, work.spikes, n_batches, n_spikes
            )  # fmt: skip
            tally.update_busy[r, e] += busy
        finish, next_start = run_round(start, dims, chip, work, routes, tally.sent, tally.delivered, log)
        round_cycles[sample, r] = finish - start + barrier
        for e in range(dims.endpoints):
            tally.update_stall[r, e] += chip.update[e, STALL]
            tally.synapse_busy[r, e] += chip.synapse[e, BUSY]
        start = next_start
    return start
