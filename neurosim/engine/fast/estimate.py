"""The estimate of `neurosim.engine.reference.estimate` in numba, on the same image of a chip as the cycle engine."""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.layout import BUS
from neurosim.engine.fast.queue import direction, tile_of
from neurosim.engine.fast.rounds import round_length
from neurosim.engine.fast.trees import NEXT, PORT
from neurosim.engine.fast.walk import mark_spikes, walk_round
from neurosim.engine.fast.wheel import INLINE, pointer

DIGIT = 11
NUMBER_BITS = 29  # of a packet within its round


@njit(cache=True, nogil=True)
def count_packets(n_spikes, spikes, packet_ptr):
    n = 0
    for k in range(n_spikes):
        n += packet_ptr[spikes[k] + 1] - packet_ptr[spikes[k]]
    return n


@njit(cache=True, nogil=True)
def send_times(start, dims, chip, work, routes, tally_sent, tally_delivered, order, source, packet):
    """Note every packet of the round: in ``order`` when its head leaves (after ``start``) above its number here.

    ``packet`` and ``source`` are what it is and whose. Packets of one destination are counted here, where they lie
    side by side; those of several where they arrive.
    """
    m = pointer(chip)
    packet_ptr, spikes = routes.packets.ptr, work.spikes
    batch_cycles, batch_end = work.batch_cycles, work.batch_end
    batch = spike = n = 0
    for e in range(dims.endpoints):
        u = dims.ends + e * c.ENDPOINT_ROW
        updated = free = sent = start
        while batch < work.batches[e]:
            updated += batch_cycles[batch]
            while spike < batch_end[batch]:
                free = max(free, updated)
                neuron = spikes[spike]
                for p in range(packet_ptr[neuron], packet_ptr[neuron + 1]):
                    head = free + m[u + c.CYCLES]
                    free = sent = head + dims.flits - 1
                    order[n] = ((head - start) << NUMBER_BITS) | n
                    source[n], packet[n] = e, p
                    tally_sent[p] += 1
                    if dims.multicast == 0:
                        tally_delivered[p] += 1
                    n += 1
                spike += 1
            batch += 1
        m[u + c.UPDATE_END], m[u + c.EGRESS_END] = updated, sent
        m[u + c.SYNAPSE_END] = m[u + c.IDLE_AT] = start
        m[u + c.SYNAPSE_BUSY] = m[u + c.BANK_WAIT] = 0


@njit(cache=True, nogil=True)
def sort_by_time(n, order, scratch):
    """By the bits above the number, least significant digit first, stable. Returns the array that holds the result."""
    most = 0
    for k in range(n):
        most = max(most, order[k])
    counts = np.zeros((1 << DIGIT) + 1, np.int64)
    shift = NUMBER_BITS
    while most >> shift != 0:
        counts[:] = 0
        for k in range(n):
            counts[1 + ((order[k] >> shift) & ((1 << DIGIT) - 1))] += 1
        for k in range(1 << DIGIT):
            counts[k + 1] += counts[k]
        for k in range(n):
            digit = (order[k] >> shift) & ((1 << DIGIT) - 1)
            scratch[counts[digit]] = order[k]
            counts[digit] += 1
        order, scratch = scratch, order
        shift += DIGIT
    return order


@njit(**INLINE)
def cross(m, dims, tile, port, t):
    """Reserve an output from ``t`` on. Returns (who is behind it, when the head is there)."""
    outputs = m[tile + c.OUTPUTS]
    out = outputs + port * c.OUTPUT_ROW
    row = outputs if dims.topology == BUS else out
    begin = max(t, m[row + c.FREE_AT])
    m[row + c.FREE_AT] = begin + m[out + c.INTERVAL] * dims.flits
    m[out + c.FLITS] += dims.flits
    return m[out + c.ACTOR], begin + m[out + c.LATENCY]


@njit(**INLINE)
def receive(m, dims, pipe, route_busy, conflict, actor, route, t):
    """The synapse unit behind a local port takes the packet when it is there and the unit is free."""
    e = actor - 2 * dims.endpoints
    u = dims.ends + e * c.ENDPOINT_ROW
    is_core = e + 1 < dims.endpoints
    arrived = t + dims.flits - 1
    if pipe.overlap and is_core:
        arrived += pipe.lookup
    free = max(arrived, m[u + c.IDLE_AT]) + route_busy[route]
    m[u + c.IDLE_AT] = free
    m[u + c.SYNAPSE_END] = free + (pipe.fill if is_core else 0)
    m[u + c.SYNAPSE_BUSY] += route_busy[route] + dims.flits - 1
    if pipe.conflicts:
        m[u + c.BANK_WAIT] += conflict[route]


@njit(cache=True, nogil=True)
def send_all(start, n, order, source, packet, dims, chip, routes, trees, delivered, stack):
    """Every packet in turn takes its whole way. ``stack`` (routers, 4): branches of a multicast tree to follow."""
    m = pointer(chip)
    target, busy, conflict, pipe = (
        pointer(routes.packets.target),
        pointer(routes.busy),
        pointer(routes.conflict),
        routes.pipe,
    )
    for k in range(n):
        number = order[k] & ((1 << NUMBER_BITS) - 1)
        p = packet[number]
        tile = tile_of(dims, m[dims.ends + source[number] * c.ENDPOINT_ROW + c.ROUTER])
        t = start + (order[k] >> NUMBER_BITS) + dims.injection
        if trees is None:
            endpoint, actor = np.int64(target[p]), dims.first_router
            while actor >= dims.first_router:
                actor, t = cross(m, dims, tile, direction(m, dims, tile, endpoint), t)
                tile = tile_of(dims, actor)
            receive(m, dims, pipe, busy, conflict, actor, p, t)
        else:
            follow_tree(m, dims, routes, trees, delivered, target[p], tile, t, stack)


@njit(cache=True, nogil=True)
def follow_tree(m, dims, routes, trees, delivered, word, tile, t, stack):
    """Every branch of a multicast packet, depth first, its ports ascending."""
    busy, conflict, pipe = pointer(routes.busy), pointer(routes.conflict), routes.pipe
    first_route = routes.ptr[word >> c.ROUTE_SHIFT]
    node, depth = word & ((1 << c.ROUTE_SHIFT) - 1), 0
    stack[0, 0], stack[0, 1], stack[0, 2], stack[0, 3] = trees.ptr[node], trees.ptr[node + 1], tile, t
    while depth >= 0:
        b, end, tile, t = stack[depth, 0], stack[depth, 1], stack[depth, 2], stack[depth, 3]
        if b == end:
            depth -= 1
            continue
        stack[depth, 0] = b + 1
        actor, at = cross(m, dims, tile, trees.branch[b, PORT], t)
        node = trees.branch[b, NEXT]
        if node < 0:
            receive(m, dims, pipe, busy, conflict, actor, first_route - 1 - node, at)
            delivered[first_route - 1 - node] += 1
            continue
        depth += 1
        stack[depth, 0], stack[depth, 1] = trees.ptr[node], trees.ptr[node + 1]
        stack[depth, 2], stack[depth, 3] = tile_of(dims, actor), at


@njit(cache=True, nogil=True)
def estimate_rounds(
    first,
    last,
    start,
    dims,
    chip,
    walk,
    spikes,
    routes,
    work,
    tally,
    mark,
    barrier,
    round_cycles,
    barrier_cycles,
    trees,
):
    """Rounds first .. last-1 as `rounds.run_rounds`; returns where the clock stands now."""
    n_rounds = walk.round_timestep.shape[0]
    order, scratch = np.empty(1024, np.int64), np.empty(1024, np.int64)
    source, packet = np.empty(1024, np.int32), np.empty(1024, np.int32)
    # A way passes every router at most once.
    stack = np.empty((((dims.ends - dims.tiles) // c.TILE_ROW) + 1 if dims.multicast else 1, 4), np.int64)
    for number in range(first, last):
        sample, r = divmod(number, n_rounds)
        timestep = walk.round_timestep[r]
        row = sample * spikes.timesteps
        mark_spikes(timestep, walk.population, spikes.ptr, spikes.neuron, row, spikes.timesteps, mark, number)
        busy = tally.update_busy[r]
        n_spikes = walk_round(
            timestep, walk, spikes.active, row, mark, number, routes.ptr, tally.counts, work, busy
        )  # fmt: skip
        n = count_packets(n_spikes, work.spikes, routes.packets.ptr)
        if n > order.size:
            order, scratch = np.empty(2 * n, np.int64), np.empty(2 * n, np.int64)
            source, packet = np.empty(2 * n, np.int32), np.empty(2 * n, np.int32)
        send_times(start, dims, chip, work, routes, tally.sent, tally.delivered, order, source, packet)
        ordered = sort_by_time(n, order, scratch)
        send_all(start, n, ordered, source, packet, dims, chip, routes, trees, tally.delivered, stack)
        finish = start
        for e in range(dims.endpoints):
            u = dims.ends + e * c.ENDPOINT_ROW
            finish = max(finish, chip[u + c.UPDATE_END], chip[u + c.EGRESS_END], chip[u + c.SYNAPSE_END])
            tally.synapse_busy[r, e] += chip[u + c.SYNAPSE_BUSY]
            tally.waits[r, e, 0] += chip[u + c.BANK_WAIT]
        length = round_length(start, finish, chip, dims, barrier)
        round_cycles[sample, r], barrier_cycles[sample, r] = length, start + length - finish
        start = finish + 1
        for out in range(dims.outputs, dims.port_rows, c.OUTPUT_ROW):
            start = max(start, chip[out + c.FREE_AT])
    return start
