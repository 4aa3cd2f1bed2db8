"""Update, egress and synapse units; the twins of `neurosim.engine.reference.core`.

The spikes a core will send in a round are known before it begins (`walk`), in order, so the egress queue is a window
[POPPED, PUSHED) of that list and no spike is ever copied.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast.layout import (
    AT,
    BATCH,
    BUSY,
    CREDIT,
    CYCLES,
    EGRESS_END,
    ENDPOINT_SHIFT,
    ENTRY,
    FLIT,
    HEAD,
    HEAD_BIT,
    IDLE_AT,
    INGRESS,
    LAST_BATCH,
    LAST_ROUTE,
    LIMIT,
    NEVER,
    POP_POINTER,
    POPPED,
    PUSHED,
    ROUTE,
    ROUTE_SHIFT,
    SEND_AT,
    SEND_POINTER,
    STALL,
    SYNAPSE_END,
    TAIL,
    TAIL_BIT,
    TILE,
    UPDATE_END,
    UPSTREAM,
    VC,
    WAITING,
)
from neurosim.engine.fast.router import direction, put, take, wait_for_credit
from neurosim.engine.fast.wheel import wake, wake_any


@njit(cache=True, nogil=True, forceinline=True)
def act_update(now, e, dims, unit, popped, depth, batch_cycles, batch_end, wheel, summary, heap, far):
    """Push what there is room for; when the batch's spikes are all queued, start the next batch."""
    if now < unit[AT]:
        return
    before = unit[PUSHED]
    while True:
        room = depth - (unit[PUSHED] - popped)
        unit[PUSHED] += min(room, unit[LIMIT] - unit[PUSHED])
        if unit[PUSHED] < unit[LIMIT]:
            unit[WAITING] = 1
            break
        unit[STALL] += now - unit[AT]
        unit[UPDATE_END] = now
        unit[BATCH] += 1
        if unit[BATCH] >= unit[LAST_BATCH]:
            unit[AT] = NEVER
            break
        unit[AT] = now + batch_cycles[unit[BATCH]]
        unit[LIMIT] = batch_end[unit[BATCH]]
        if unit[AT] > now:
            wake_any(wheel, summary, heap, far, dims.wheel_mask, now, unit[AT], e)
            break
    if unit[PUSHED] > before:
        wake(wheel, summary, dims.wheel_mask, now, dims.endpoints + e)


@njit(cache=True, nogil=True, forceinline=True)
def act_egress(now, e, dims, fifo, word, arrive, ready, end, tile_xy, ends, unit, update, spikes, route_ptr,
               route_endpoint, sent, wheel, summary, heap, far, start, log_at, log):  # fmt: skip
    """Send a flit if one is due and has a credit; with no spike in hand, take the oldest one waiting."""
    mask, me = dims.wheel_mask, dims.endpoints + e
    if unit[ROUTE] < unit[LAST_ROUTE]:
        if now < unit[SEND_AT]:
            return
        vc = free_channel(now, dims, fifo, ready, end, unit)
        if vc < 0:
            for k in range(dims.vcs):
                if unit[FLIT] == 0 or k == unit[VC]:
                    wait_for_credit(fifo, ready, wheel, summary, mask, end[ENTRY] + k, me)
            return
        route = unit[ROUTE]
        endpoint = route_endpoint[route]
        flit = (route << ROUTE_SHIFT) | (endpoint << ENDPOINT_SHIFT) | direction(tile_xy, ends, end[TILE], endpoint)
        if unit[FLIT] == 0:
            flit |= HEAD_BIT
            unit[VC] = vc
            unit[SEND_POINTER] = 0 if vc + 1 == dims.vcs else vc + 1
            sent[route] += 1
            if log.shape[0] > 0:
                log_at[route] = log[0, 0] = log[0, 0] + 1
                log[log[0, 0], 0] = route
                log[log[0, 0], 1] = now - start
        unit[FLIT] += 1
        unit[SEND_AT] = now + 1
        if unit[FLIT] == dims.flits:
            flit |= TAIL_BIT
            unit[FLIT] = 0
            unit[ROUTE] += 1
            unit[SEND_AT] = now + end[CYCLES]
            unit[EGRESS_END] = now
        put(fifo, word, arrive, ready, end[ENTRY] + vc, flit, now + dims.injection)
        wake(wheel, summary, mask, now + dims.injection, dims.first_router + end[TILE])
    if unit[ROUTE] == unit[LAST_ROUTE]:
        if unit[POPPED] == update[PUSHED]:
            return
        neuron = spikes[unit[POPPED]]
        unit[POPPED] += 1
        unit[ROUTE], unit[LAST_ROUTE] = route_ptr[neuron], route_ptr[neuron + 1]
        unit[SEND_AT] = now + end[CYCLES]
        if update[WAITING] != 0:
            update[WAITING] = 0
            wake(wheel, summary, mask, now + 1, e)
    wake_any(wheel, summary, heap, far, mask, now, unit[SEND_AT], me)


@njit(cache=True, nogil=True, forceinline=True)
def free_channel(now, dims, fifo, ready, end, unit):
    """The channel of the next flit: the packet's own, or for a head the first with a credit from the pointer; or -1."""
    if unit[FLIT] > 0:
        return unit[VC] if ready[fifo[end[ENTRY] + unit[VC], TAIL]] <= now else -1
    for k in range(dims.vcs):
        vc = unit[SEND_POINTER] + k
        if vc >= dims.vcs:
            vc -= dims.vcs
        if ready[fifo[end[ENTRY] + vc, TAIL]] <= now:
            return vc
    return -1


@njit(cache=True, nogil=True, forceinline=True)
def act_synapse(now, e, dims, fifo, word, arrive, ready, inputs, end, unit, route_busy, delivered, wheel, summary,
                heap, far, start, log_at, log):  # fmt: skip
    """When idle, pop one flit from the first channel at or after the pointer that has one."""
    mask, me = dims.wheel_mask, 2 * dims.endpoints + e
    if now < unit[IDLE_AT]:
        wake_any(wheel, summary, heap, far, mask, now, unit[IDLE_AT], me)
        return
    first = end[INGRESS]
    vc = unit[POP_POINTER]
    for _ in range(dims.vcs):
        if arrive[fifo[first + vc, HEAD]] <= now:
            break
        vc = 0 if vc + 1 == dims.vcs else vc + 1
    slot = fifo[first + vc, HEAD]
    arrived, flit = arrive[slot], word[slot]
    if arrived > now:
        return
    unit[POP_POINTER] = 0 if vc + 1 == dims.vcs else vc + 1
    q = first // dims.vcs
    take(fifo, arrive, ready, wheel, summary, mask, first + vc, now + inputs[q, CREDIT], inputs[q, UPSTREAM])
    cycles = 1
    if flit & TAIL_BIT:
        route = flit >> ROUTE_SHIFT
        cycles = route_busy[route]
        delivered[route] += 1
        if log.shape[0] > 0:
            log[log_at[route], 2] = arrived - start
    unit[BUSY] += cycles
    unit[IDLE_AT] = unit[SYNAPSE_END] = now + cycles
    for k in range(dims.vcs):
        if arrive[fifo[first + k, HEAD]] <= unit[IDLE_AT]:
            wake_any(wheel, summary, heap, far, mask, now, unit[IDLE_AT], me)
            return
