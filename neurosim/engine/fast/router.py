"""Allocation of one router in one quantum: one virtual channel, one flit a packet. The common case, on its own.

Twin of `neurosim.engine.reference.router`, as is `router_channels` for the general case. A router acts only when
something may have changed for it.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.queue import grant_place, has_credit, move, sleep_until_credit, tile_of, wait_for_credit
from neurosim.engine.fast.wheel import INLINE, lowest_bit, wake


@njit(**INLINE)
def allocate_single(now, me, m, dims):
    """One virtual channel, one flit a packet: an input asks for one output at most, so every grant is accepted."""
    tile = tile_of(dims, me)
    fifos, outputs = m[tile + c.FIFOS], m[tile + c.OUTPUTS]
    n_asked = 0
    for word in range(dims.occupancy_words):
        sleeping = m[tile + c.OCCUPANCY] + word + dims.sleeping - dims.occupancy
        bits = m[m[tile + c.OCCUPANCY] + word] & ~m[sleeping]
        while bits != 0:
            port = (word << 6) + lowest_bit(bits)
            bits &= bits - 1
            fifo = fifos + port * c.FIFO_ROW
            slot = m[fifo + c.HEAD]
            if m[slot + c.ARRIVE] > now:
                continue
            out = outputs + (m[slot + c.WORD] & c.PORT_MASK) * c.OUTPUT_ROW
            free_at = max(m[fifo + c.BUSY_UNTIL], m[out + c.FREE_AT])
            if free_at > now:
                wake(m, dims, free_at, me)
                continue
            if not has_credit(m, m[out + c.DOWN], now):
                if word == 0:
                    sleep_until_credit(m, dims, m[out + c.DOWN], me, m[fifo + c.BIT], sleeping)
                else:
                    wait_for_credit(m, dims, m[out + c.DOWN], me)
                continue
            distance = grant_place(m, dims, out, m[slot + c.WORD] & c.PORT_MASK, port)
            best = m[out + c.BEST]
            if best == c.NEVER:
                m[dims.scratch + n_asked] = out
                n_asked += 1
            else:
                wake(m, dims, now + m[out + c.INTERVAL], me)  # the loser asks again
            m[out + c.BEST] = min(best, distance)
    for k in range(n_asked):
        out = m[dims.scratch + k]
        port = m[out + c.GRANT] + m[out + c.BEST]
        port -= dims.ports if port >= dims.ports else 0
        if dims.fixed_order != 0:
            place = dims.orders + (dims.ports + (out - outputs) // c.OUTPUT_ROW) * dims.ports + m[out + c.BEST]
            port = m[place]
        m[out + c.BEST] = c.NEVER
        m[out + c.GRANT] = 0 if port + 1 == dims.ports else port + 1
        fifo = fifos + port * c.FIFO_ROW
        move(m, dims, now, me, fifo, fifo, m[out + c.DOWN], out)
