"""Allocation of one router in one quantum when packets part in routers: a flit stays until a copy took each way.

OUT_VC of a queue holds one bit for each branch of the flit at its head that is still to be taken; 0: not looked at.
Packets have one flit.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.layout import BUS
from neurosim.engine.fast.queue import channels, put, take, tile_of, wake_synapse
from neurosim.engine.fast.router_channels import ask, bus_busy, grant_and_accept, may_ask, take_channel
from neurosim.engine.fast.trees import NEXT, PASSES, PORT
from neurosim.engine.fast.wheel import INLINE, lowest_bit, wake

NODE_MASK = (1 << c.ROUTE_SHIFT) - 1


@njit(**INLINE)
def gather_branches(now, me, m, dims, tile, trees):
    """Requests of every branch still to be taken. Returns (pairs, asking)."""
    n_pairs = asking = 0
    for word in range(dims.occupancy_words):
        bits = m[m[tile + c.OCCUPANCY] + word]
        while bits != 0:
            number = (word << 6) + lowest_bit(bits)
            bits &= bits - 1
            fifo = m[tile + c.FIFOS] + number * c.FIFO_ROW
            port, vc = m[fifo + c.OF_PORT], m[fifo + c.OF_VC]
            slot = m[fifo + c.HEAD]
            if m[slot + c.ARRIVE] > now:
                continue
            busy_until = m[fifo - vc * c.FIFO_ROW + c.BUSY_UNTIL]
            if busy_until > now:
                wake(m, dims, busy_until, me)
                continue
            node = m[slot + c.WORD] & NODE_MASK
            branch = trees.ptr[node]
            if m[fifo + c.OUT_VC] == 0:
                m[fifo + c.OUT_VC] = (1 << (trees.ptr[node + 1] - branch)) - 1
            waiting = m[fifo + c.OUT_VC]
            while waiting != 0:
                b = branch + lowest_bit(waiting)
                waiting &= waiting - 1
                o = trees.branch[b, PORT]
                out = m[tile + c.OUTPUTS] + o * c.OUTPUT_ROW
                first, last = channels(m, dims, tile, o, trees.branch[b, PASSES] != 0, port, vc)
                if may_ask(now, me, m, dims, fifo, c.HEAD_FLIT, out, first, last):
                    asking += 1
                    n_pairs = ask(m, dims, tile, port, o, vc, 0, n_pairs)
    return n_pairs, asking


@njit(cache=True, nogil=True)
def allocate_fork(now, me, m, dims, trees, route_ptr):
    """Request, grant and accept as `router_channels.allocate`; then the accepted copies go."""
    tile = tile_of(dims, me)
    n2 = 1 << (2 * dims.shift)
    pairs = dims.scratch + 2 * n2
    if bus_busy(now, me, m, dims, tile):
        return
    n_pairs, asking = gather_branches(now, me, m, dims, tile, trees)
    accepted = grant_and_accept(m, dims, tile, n_pairs)
    if asking > accepted:
        wake(m, dims, now + 1, me)
    for k in range(accepted):
        pair = m[pairs + k]
        i, o = pair >> dims.shift, pair & ((1 << dims.shift) - 1)
        vc = m[dims.scratch + n2 + pair]
        first = m[tile + c.FIFOS] + i * dims.vcs * c.FIFO_ROW
        fifo, out = first + vc * c.FIFO_ROW, m[tile + c.OUTPUTS] + o * c.OUTPUT_ROW
        word = m[m[fifo + c.HEAD] + c.WORD]
        node = word & NODE_MASK
        b = trees.ptr[node]
        while trees.branch[b, PORT] != o:
            b += 1
        begin, end = channels(m, dims, tile, o, trees.branch[b, PASSES] != 0, i, vc)
        out_vc = take_channel(now, m, dims, tile, o, begin, end)
        m[out + c.GRANT] = 0 if i + 1 == dims.ports else i + 1
        m[m[tile + c.PORTS] + i * c.PORT_ROW + c.REQUEST] = 0 if vc + 1 == dims.vcs else vc + 1
        copy(m, dims, now, word, trees.branch[b, NEXT], m[out + c.DOWN] + out_vc * c.FIFO_ROW, out, route_ptr)
        free_at = now + m[out + c.INTERVAL]
        m[out + c.FREE_AT] = free_at
        m[first + c.BUSY_UNTIL] = max(m[first + c.BUSY_UNTIL], free_at)
        if dims.topology == BUS:
            m[m[tile + c.OUTPUTS] + c.BUS_FREE_AT] = free_at
        wake(m, dims, free_at, me)
        m[fifo + c.OUT_VC] ^= 1 << (b - trees.ptr[node])
        if m[fifo + c.OUT_VC] == 0:
            take(m, dims, now, fifo)


@njit(**INLINE)
def copy(m, dims, now, word, following, queue, out, route_ptr):
    """A copy of the flit goes into ``queue`` behind ``out``; at the end it says its route, as other flits do."""
    neuron = word >> c.ROUTE_SHIFT
    if following >= 0:
        flit = (neuron << c.ROUTE_SHIFT) | following
    else:
        flit = ((route_ptr[neuron] - 1 - following) << c.ROUTE_SHIFT) | c.TAIL_FLIT
    actor, at = m[out + c.ACTOR], now + m[out + c.LATENCY]
    put(m, queue, flit, at)
    if actor >= dims.first_router:
        wake(m, dims, at, actor)
    else:
        wake_synapse(m, dims, now, at, actor)
    m[out + c.FLITS] += 1
