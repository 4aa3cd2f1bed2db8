"""What each endpoint will do in a round, as batches; the twin of `neurosim.engine.reference.walk`.

A batch is a stretch of update work with no spike to send until its end, and the spikes pushed there. Groups without
spikes are joined to the next batch, unless something may come between them (``split``); the host is an endpoint whose
slots are its input neurons, ascending.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from neurosim.engine.fast.wheel import INLINE
from neurosim.engine.plan import NOT_IN_ROUND, TimingPlan
from neurosim.snn.trace import SpikeTrace


class Work(NamedTuple):
    """What the endpoints do in the round at hand: endpoint e has batches [batches[e - 1], batches[e])."""

    batches: np.ndarray  # (n_endpoints,) int64
    batch_cycles: np.ndarray
    batch_end: np.ndarray  # spikes pushed when the batch is done, counted over all endpoints
    spikes: np.ndarray


class Walk(NamedTuple):
    """Slots cut into runs of one population; ``cost`` = access, active, spike; ``lanes``; ``touched_only``."""

    run_ptr: np.ndarray  # (n_endpoints + 1,) int64 into the runs
    run_slot: np.ndarray  # (n_runs + 1,) int64 first slot of each run
    run_population: np.ndarray  # (n_runs,) int64
    slot_neuron: np.ndarray
    population: np.ndarray
    updates: np.ndarray
    round_timestep: np.ndarray
    access: np.ndarray  # (n_populations,) int64, products included
    active: int
    spike: int
    lanes: int
    touched_only: bool
    split: bool
    before: np.ndarray  # (n_endpoints,) int64 quanta ahead of the first slot
    after: np.ndarray  # (n_endpoints,) int64 quanta behind the last


class Spikes(NamedTuple):
    """The trace."""

    timesteps: int
    ptr: np.ndarray
    neuron: np.ndarray
    active: np.ndarray


def build_walk(plan: TimingPlan) -> Walk:
    host = np.flatnonzero(plan.endpoint == plan.n_cores).astype(np.int64)
    slot_neuron = np.concatenate([plan.slot_neuron.astype(np.int64), host])
    slot_ptr = np.append(plan.slot_ptr, slot_neuron.size).astype(np.int64)
    population = plan.population.astype(np.int64)
    of_slot = population[slot_neuron]
    starts = np.zeros(slot_neuron.size + 1, bool)
    starts[slot_ptr] = True
    starts[1:-1] |= of_slot[1:] != of_slot[:-1]
    extra = plan.product_cycles
    run_slot = np.flatnonzero(starts).astype(np.int64)
    if slot_neuron.size == 0:
        run_slot = np.zeros(1, np.int64)
    return Walk(
        run_ptr=np.searchsorted(run_slot, slot_ptr).astype(np.int64),
        run_slot=run_slot,
        run_population=of_slot[run_slot[:-1]],
        slot_neuron=slot_neuron,
        population=population,
        updates=np.ascontiguousarray(plan.updates, bool),
        round_timestep=plan.round_timestep.astype(np.int64),
        access=plan.access_cycles + (np.zeros(plan.updates.size, np.int64) if extra is None else extra),
        active=int(plan.active_cycles),
        spike=int(plan.spike_cycles),
        lanes=int(plan.update_lanes),
        touched_only=bool(plan.touched_only),
        split=bool(plan.shared_port or plan.serial_egress),
        before=np.append(np.full(plan.n_cores, plan.update_before, np.int64), 0),
        after=np.append(np.zeros(plan.n_cores, np.int64) if plan.update_after is None else plan.update_after, 0),
    )


def build_spikes(trace: SpikeTrace) -> Spikes:
    neuron = np.ascontiguousarray(trace.neuron, np.int32)
    return Spikes(int(trace.timesteps), trace.ptr.astype(np.int64), neuron, np.ascontiguousarray(trace.active))


@njit(cache=True, nogil=True)
def mark_spikes(timestep, population, ptr, neuron, row, n_timesteps, mark, stamp):
    """mark[n] = stamp for every neuron that spikes in this round: at the timestep its population works on."""
    for t in range(n_timesteps):
        used = False
        for p in range(timestep.size):
            used |= timestep[p] == t
        if used:
            for k in range(ptr[row + t], ptr[row + t + 1]):
                if timestep[population[neuron[k]]] == t:
                    mark[neuron[k]] = stamp


@njit(**INLINE)
def walk_endpoint(e, timestep, walk, active_bits, row, mark, stamp, route_ptr, counts, batches, batch_cycles,
                  batch_end, spikes, n_batches, n_spikes):  # fmt: skip
    """Append the endpoint's batches. Returns (batches, spikes) so far and the quanta of update work.

    counts : (n_neurons, 3) accessed, active, spiked.
    """
    first_batch = n_batches
    split = walk.split and e < walk.run_ptr.size - 2  # the host's queue is full from the start
    busy = since = walk.before[e]  # since: work not yet in a batch
    lanes = cost = 0  # the open group
    group_spikes = n_spikes
    if split and since > 0:
        batch_cycles[n_batches], batch_end[n_batches] = since, n_spikes
        n_batches += 1
        since = 0
    for run in range(walk.run_ptr[e], walk.run_ptr[e + 1]):
        population = walk.run_population[run]
        t = timestep[population]
        if t == NOT_IN_ROUND:
            continue
        costs, access = walk.updates[population], walk.access[population]
        if not costs and t < 0:
            t = -1
        for slot in range(walk.run_slot[run], walk.run_slot[run + 1]):
            neuron = walk.slot_neuron[slot]
            spiked = t >= 0 and mark[neuron] == stamp
            if costs:
                active = t >= 0 and (active_bits[row + t, neuron >> 3] >> (neuron & 7)) & 1 != 0
                if walk.touched_only and not (active or spiked):
                    continue
                counts[neuron, 0] += 1
                mine = access
                if active:
                    counts[neuron, 1] += 1
                    mine += walk.active
                if spiked:
                    counts[neuron, 2] += 1
                    mine += walk.spike
                    if route_ptr[neuron + 1] > route_ptr[neuron]:
                        spikes[n_spikes] = neuron
                        n_spikes += 1
                cost = max(cost, mine)
                lanes += 1
            if lanes == walk.lanes or (not costs and lanes > 0):
                busy += cost
                since += cost
                lanes = cost = 0
                if n_spikes > group_spikes or (split and since > 0):
                    batch_cycles[n_batches], batch_end[n_batches] = since, n_spikes
                    n_batches += 1
                    since, group_spikes = 0, n_spikes
            if not costs and spiked:
                counts[neuron, 2] += 1
                if route_ptr[neuron + 1] > route_ptr[neuron]:
                    spikes[n_spikes] = neuron
                    n_spikes += 1
                    group_spikes = n_spikes
                    if since == 0 and n_batches > first_batch and not split:
                        batch_end[n_batches - 1] = n_spikes
                    else:
                        batch_cycles[n_batches], batch_end[n_batches] = since, n_spikes
                        n_batches += 1
                        since = 0
    if walk.after[e] > 0 and (n_spikes > group_spikes or (split and cost > 0)):
        busy += cost
        batch_cycles[n_batches], batch_end[n_batches] = since + cost, n_spikes
        n_batches += 1
        since = cost = 0
        group_spikes = n_spikes
    cost += walk.after[e]
    busy += cost
    since += cost
    if since > 0 or n_spikes > group_spikes:
        batch_cycles[n_batches], batch_end[n_batches] = since, n_spikes
        n_batches += 1
    batches[e] = n_batches
    return n_batches, n_spikes, busy


@njit(cache=True, nogil=True)
def walk_round(timestep, walk, active_bits, row, mark, stamp, route_ptr, counts, work, update_busy):
    """The batches of every endpoint, into ``work``; adds update work to ``update_busy``. Returns spikes to be sent."""
    n_batches = n_spikes = 0
    for e in range(work.batches.size):
        n_batches, n_spikes, busy = walk_endpoint(
            e, timestep, walk, active_bits, row, mark, stamp, route_ptr, counts, work.batches, work.batch_cycles,
            work.batch_end, work.spikes, n_batches, n_spikes
        )  # fmt: skip
        update_busy[e] += busy
    return n_spikes
