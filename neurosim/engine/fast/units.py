"""Update, egress and synapse units; the twins of `neurosim.engine.reference.core`.

The spikes a core will send in a round are known before it begins (`walk`), in order, so the egress queue is a window
[POPPED, PUSHED) of that list and no spike is ever copied. ``u`` is the address of the endpoint's row.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.queue import direction, has_credit, put, take, tile_of, wait_for_credit
from neurosim.engine.fast.wheel import INLINE, lowest_bit, wake, wake_unit


@njit(**INLINE)
def act_update(now, e, u, m, dims, pipe, batch_cycles, batch_end):
    """Push what there is room for; when the batch's spikes are all queued (or sent), start the next batch."""
    if now < m[u + c.AT]:
        return
    before = m[u + c.PUSHED]
    while True:
        if m[u + c.PENDING] == 0:
            room = m[u + c.DEPTH] - (m[u + c.PUSHED] - m[u + c.POPPED])
            m[u + c.PUSHED] += min(room, m[u + c.LIMIT] - m[u + c.PUSHED])
            if m[u + c.PUSHED] < m[u + c.LIMIT]:
                m[u + c.WAITING] = 1
                break
            m[u + c.STALL] += now - m[u + c.AT]
            m[u + c.UPDATE_END] = now
            m[u + c.BATCH] += 1
            if m[u + c.BATCH] >= m[u + c.LAST_BATCH]:
                m[u + c.AT] = c.NEVER
                break
            m[u + c.PENDING], m[u + c.READY_AT] = 1, now
            if pipe.in_turn and not (m[u + c.POPPED] == m[u + c.PUSHED] and m[u + c.PACKET] == m[u + c.LAST_PACKET]):
                m[u + c.DRAIN], m[u + c.AT] = 1, c.NEVER
                break
        batch = m[u + c.BATCH]
        if pipe.shared and batch_cycles[batch] > 0:
            if m[u + c.PORT_SYNAPSE] > now:
                m[u + c.AT] = m[u + c.PORT_SYNAPSE]
                wake_unit(m, dims, now, m[u + c.AT], e)
                break
            m[u + c.PORT_UPDATE] = now + batch_cycles[batch]
            m[u + c.UPDATE_PORT_WAIT] += now - m[u + c.READY_AT]
        m[u + c.PENDING] = 0
        m[u + c.AT] = now + batch_cycles[batch]
        m[u + c.LIMIT] = batch_end[batch]
        if m[u + c.AT] > now:
            wake_unit(m, dims, now, m[u + c.AT], e)
            break
    if m[u + c.PUSHED] > before and m[u + c.PACKET] == m[u + c.LAST_PACKET]:
        wake(m, dims, now, dims.endpoints + e)


@njit(**INLINE)
def channel_to_send(now, u, m, dims):
    """The packet's own channel, or for a head the first with a credit from the pointer; -1 if there is no credit."""
    vc = m[u + c.VC] if m[u + c.FLIT] > 0 else m[u + c.SEND_POINTER]
    for _ in range(1 if m[u + c.FLIT] > 0 else dims.vcs):
        if has_credit(m, m[u + c.ENTRY] + vc * c.FIFO_ROW, now):
            return vc
        vc = 0 if vc + 1 == dims.vcs else vc + 1
    return -1


@njit(**INLINE)
def send(now, u, vc, m, dims, target):
    """Send the next flit of the packet in hand; the tail makes way for the next packet. ``target``: `Packets`."""
    packet = m[u + c.PACKET]
    flit = np.int64(target[packet])
    if dims.multicast == 0:
        port = direction(m, dims, tile_of(dims, m[u + c.ROUTER]), flit)
        flit = (packet << c.ROUTE_SHIFT) | (flit << c.ENDPOINT_SHIFT) | port
    if m[u + c.FLIT] == 0:
        flit |= 0 if dims.multicast else c.HEAD_FLIT
        m[u + c.VC] = vc
        m[u + c.SEND_POINTER] = 0 if vc + 1 == dims.vcs else vc + 1
    m[u + c.FLIT] += 1
    m[u + c.NETWORK_WAIT] += now - m[u + c.SEND_AT]
    m[u + c.SEND_AT] = now + 1
    if m[u + c.FLIT] == dims.flits:
        flit |= 0 if dims.multicast else c.TAIL_FLIT
        m[u + c.FLIT] = 0
        m[u + c.PACKET] += 1
        m[u + c.SEND_AT] = now + m[u + c.CYCLES]
        m[u + c.EGRESS_END] = now
    put(m, m[u + c.ENTRY] + vc * c.FIFO_ROW, flit, now + dims.injection)
    wake(m, dims, now + dims.injection, m[u + c.ROUTER])


@njit(**INLINE)
def act_egress(now, e, u, m, dims, spikes, packet_ptr, target, sent, start, logging, inject_at):
    """Send a flit if one is due and has a credit; with no spike in hand, take the oldest one waiting."""
    me = dims.endpoints + e
    if m[u + c.PACKET] < m[u + c.LAST_PACKET]:
        if now < m[u + c.SEND_AT]:
            return
        vc = channel_to_send(now, u, m, dims)
        if vc < 0:
            for k in range(dims.vcs):
                if m[u + c.FLIT] == 0 or k == m[u + c.VC]:
                    wait_for_credit(m, dims, m[u + c.ENTRY] + k * c.FIFO_ROW, me)
            return
        if m[u + c.FLIT] == 0:
            packet = m[u + c.PACKET]
            sent[packet] += 1
            if logging:
                inject_at[packet] = now - start
        send(now, u, vc, m, dims, target)
    if m[u + c.PACKET] == m[u + c.LAST_PACKET]:
        if m[u + c.POPPED] == m[u + c.PUSHED]:
            if m[u + c.DRAIN] != 0:
                m[u + c.DRAIN] = 0
                m[u + c.INJECTION_WAIT] += now + 1 - m[u + c.READY_AT]
                m[u + c.AT] = m[u + c.READY_AT] = now + 1
                wake(m, dims, now + 1, e)
            return
        neuron = spikes[m[u + c.POPPED]]
        m[u + c.POPPED] += 1
        m[u + c.PACKET], m[u + c.LAST_PACKET] = packet_ptr[neuron], packet_ptr[neuron + 1]
        m[u + c.SEND_AT] = now + m[u + c.CYCLES]
        if m[u + c.WAITING] != 0:
            m[u + c.WAITING] = 0
            wake(m, dims, now + 1, e)
    wake_unit(m, dims, now, m[u + c.SEND_AT], me)


@njit(**INLINE)
def first_arrived(now, u, m, dims):
    """The first channel at or after the pointer with a flit to pop; -1 if there is none."""
    vc = m[u + c.POP_POINTER]
    for _ in range(dims.vcs):
        if m[m[m[u + c.INGRESS] + vc * c.FIFO_ROW + c.HEAD] + c.ARRIVE] <= now:
            return vc
        vc = 0 if vc + 1 == dims.vcs else vc + 1
    return -1


@njit(**INLINE)
def begin_work(now, u, m, cycles, fill):
    """A packet's work: the unit and the port are taken for ``cycles``, the last result is written ``fill`` later."""
    m[u + c.WORK_FREE] = m[u + c.PORT_SYNAPSE] = now + cycles
    m[u + c.SYNAPSE_END] = max(m[u + c.SYNAPSE_END], now + cycles + fill)
    m[u + c.SYNAPSE_BUSY] += cycles


@njit(**INLINE)
def act_synapse(
    now, e, u, m, dims, pipe, route_busy, conflict, delivered, start, logging, inject_at, packet_of_route, log
):
    """When idle, pop one flit from the first channel at or after the pointer that has one."""
    me = 2 * dims.endpoints + e
    if now < m[u + c.IDLE_AT]:
        wake_unit(m, dims, now, m[u + c.IDLE_AT], me)
        return
    held_until = m[u + c.PORT_UPDATE] if pipe.shared else now
    if m[u + c.STAGED] >= 0:
        if max(held_until, m[u + c.WORK_FREE]) > now:
            m[u + c.IDLE_AT] = max(held_until, m[u + c.WORK_FREE])
            wake_unit(m, dims, now, m[u + c.IDLE_AT], me)
            return
        m[u + c.SYNAPSE_PORT_WAIT] += now - max(m[u + c.STAGED_AT], m[u + c.WORK_FREE])
        begin_work(now, u, m, route_busy[m[u + c.STAGED]], pipe.fill)
        m[u + c.STAGED] = -1
    vc = first_arrived(now, u, m, dims)
    if vc < 0:
        return
    is_core = e + 1 < dims.endpoints
    overlap = pipe.overlap and is_core
    if held_until > now and not overlap:
        if m[u + c.BLOCKED_SINCE] < 0:
            m[u + c.BLOCKED_SINCE] = now
        wake_unit(m, dims, now, held_until, me)
        return
    if m[u + c.BLOCKED_SINCE] >= 0:
        m[u + c.SYNAPSE_PORT_WAIT] += now - m[u + c.BLOCKED_SINCE]
        m[u + c.BLOCKED_SINCE] = -1
    fifo = m[u + c.INGRESS] + vc * c.FIFO_ROW
    slot = m[fifo + c.HEAD]
    arrived, flit = m[slot + c.ARRIVE], m[slot + c.WORD]
    m[u + c.POP_POINTER] = 0 if vc + 1 == dims.vcs else vc + 1
    take(m, dims, now, fifo)
    cycles = 1
    if flit & c.TAIL_FLIT:
        route = flit >> c.ROUTE_SHIFT
        if pipe.conflicts:
            m[u + c.BANK_WAIT] += conflict[route]
        delivered[route] += 1
        if logging:
            log[0] += 1
            row = 3 * log[0]
            log[row], log[row + 1], log[row + 2] = route, inject_at[packet_of_route[route]], arrived - start
        if overlap:
            cycles = pipe.lookup
            m[u + c.STAGED], m[u + c.STAGED_AT] = route, now + cycles
            wake_unit(m, dims, now, now + cycles, me)
        else:
            cycles = route_busy[route]
            begin_work(now, u, m, cycles, pipe.fill if is_core else 0)
    else:
        m[u + c.SYNAPSE_BUSY] += 1
        m[u + c.SYNAPSE_END] = max(m[u + c.SYNAPSE_END], now + 1)
    idle_at = m[u + c.IDLE_AT] = now + cycles
    bits = m[u + c.INGRESS_OCCUPANCY]
    while bits != 0:
        if m[m[m[u + c.INGRESS] + lowest_bit(bits) * c.FIFO_ROW + c.HEAD] + c.ARRIVE] <= idle_at:
            wake_unit(m, dims, now, idle_at, me)
            break
        bits &= bits - 1
