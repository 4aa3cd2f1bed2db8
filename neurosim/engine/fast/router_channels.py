"""Allocation of one router in one quantum: any number of virtual channels and of flits a packet."""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.queue import grant_place, has_credit, move, tile_of, wait_for_credit
from neurosim.engine.fast.wheel import INLINE, lowest_bit, wake


@njit(**INLINE)
def usable(m, fifo, now):
    """A head flit may take this channel: nobody holds it and there is a credit."""
    return m[fifo + c.HELD] == 0 and has_credit(m, fifo, now)


@njit(cache=True, nogil=True)
def may_ask(now, me, m, dims, fifo, flit, out):
    """Whether the flit at the head of ``fifo`` asks for output ``out``; if not, who will say when to look again."""
    down = m[out + c.DOWN]
    if m[out + c.FREE_AT] > now:
        wake(m, dims, m[out + c.FREE_AT], me)
        return False
    if flit & c.HEAD_FLIT == 0:
        queue = down + m[fifo + c.OUT_VC] * c.FIFO_ROW
        if has_credit(m, queue, now):
            return True
        wait_for_credit(m, dims, queue, me)
        return False
    for vc in range(dims.vcs):
        if usable(m, down + vc * c.FIFO_ROW, now):
            return True
    for vc in range(dims.vcs):  # a held channel is released by this very router, which then looks again
        if m[down + vc * c.FIFO_ROW + c.HELD] == 0:
            wait_for_credit(m, dims, down + vc * c.FIFO_ROW, me)
    return False


@njit(**INLINE)
def gather_requests(now, me, m, dims):
    """Fill the table of requests. For input i and output o of the router, pair (i << shift) + o of the scratch:

    [pair] score of the best vc (0: none asks), [n2 + pair] that vc, [2 n2 + k] the k-th pair that asks. The score
    puts body flits before heads, then goes by distance from the request pointer. Returns (pairs, asking).
    """
    vcs, tile = dims.vcs, tile_of(dims, me)
    scratch, n2 = dims.scratch, 1 << (2 * dims.shift)
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
            flit = m[slot + c.WORD]
            o = flit & c.PORT_MASK
            if not may_ask(now, me, m, dims, fifo, flit, m[tile + c.OUTPUTS] + o * c.OUTPUT_ROW):
                continue
            asking += 1
            distance = vc - m[m[tile + c.PORTS] + port * c.PORT_ROW + c.REQUEST]
            score = 1 + (distance + vcs if distance < 0 else distance) + (vcs if flit & c.HEAD_FLIT else 0)
            pair = (port << dims.shift) + o
            if m[scratch + pair] == 0:
                m[scratch + 2 * n2 + n_pairs] = pair
                n_pairs += 1
            if m[scratch + pair] == 0 or score < m[scratch + pair]:
                m[scratch + pair] = score
                m[scratch + n2 + pair] = vc
    return n_pairs, asking


@njit(**INLINE)
def cyclic(number, pointer, size):
    """Steps from ``pointer`` up to ``number``, modulo size."""
    return number - pointer + (size if number < pointer else 0)


@njit(**INLINE)
def grant_and_accept(m, dims, tile, n_pairs):
    """Each output grants the first asking input from its pointer, each input accepts the first granting output.

    Returns how many were accepted; their pairs replace the front of the list of pairs.
    """
    ports, scratch = dims.ports, dims.scratch
    outputs, port_rows, pairs = m[tile + c.OUTPUTS], m[tile + c.PORTS], scratch + (2 << (2 * dims.shift))
    low = (1 << dims.shift) - 1
    for k in range(n_pairs):
        i, o = m[pairs + k] >> dims.shift, m[pairs + k] & low
        out = outputs + o * c.OUTPUT_ROW
        m[out + c.BEST] = min(m[out + c.BEST], grant_place(m, dims, out, o, i))
    for k in range(n_pairs):
        i, o = m[pairs + k] >> dims.shift, m[pairs + k] & low
        out, row = outputs + o * c.OUTPUT_ROW, port_rows + i * c.PORT_ROW
        if grant_place(m, dims, out, o, i) == m[out + c.BEST]:
            m[row + c.ACCEPT_BEST] = min(m[row + c.ACCEPT_BEST], cyclic(o, m[row + c.ACCEPT], ports))
    accepted = 0
    for k in range(n_pairs):
        pair = m[pairs + k]
        i, o = pair >> dims.shift, pair & low
        out, row = outputs + o * c.OUTPUT_ROW, port_rows + i * c.PORT_ROW
        m[scratch + pair] = 0
        granted = grant_place(m, dims, out, o, i) == m[out + c.BEST]
        if granted and cyclic(o, m[row + c.ACCEPT], ports) == m[row + c.ACCEPT_BEST]:
            m[pairs + n_pairs + accepted] = pair
            accepted += 1
    for k in range(n_pairs):
        m[outputs + (m[pairs + k] & low) * c.OUTPUT_ROW + c.BEST] = c.NEVER
        m[port_rows + (m[pairs + k] >> dims.shift) * c.PORT_ROW + c.ACCEPT_BEST] = c.NEVER
    for k in range(accepted):
        m[pairs + k] = m[pairs + n_pairs + k]
    return accepted


@njit(cache=True, nogil=True)
def allocate(now, me, m, dims):
    """Any number of channels and flits: request, grant, accept, then the accepted flits move and pointers with them."""
    tile, ports, vcs = tile_of(dims, me), dims.ports, dims.vcs
    n2 = 1 << (2 * dims.shift)
    pairs = dims.scratch + 2 * n2
    n_pairs, asking = gather_requests(now, me, m, dims)
    accepted = grant_and_accept(m, dims, tile, n_pairs)
    again = asking > accepted
    for k in range(accepted):
        pair = m[pairs + k]
        i, o = pair >> dims.shift, pair & ((1 << dims.shift) - 1)
        vc = m[dims.scratch + n2 + pair]
        first = m[tile + c.FIFOS] + i * vcs * c.FIFO_ROW
        fifo, out = first + vc * c.FIFO_ROW, m[tile + c.OUTPUTS] + o * c.OUTPUT_ROW
        flit = m[m[fifo + c.HEAD] + c.WORD]
        if flit & c.HEAD_FLIT:
            row = m[tile + c.PORTS] + o * c.PORT_ROW
            out_vc = m[row + c.VC_POINTER]
            while not usable(m, m[out + c.DOWN] + out_vc * c.FIFO_ROW, now):
                out_vc = 0 if out_vc + 1 == vcs else out_vc + 1
            m[row + c.VC_POINTER] = 0 if out_vc + 1 == vcs else out_vc + 1
            m[fifo + c.OUT_VC] = out_vc
        queue = m[out + c.DOWN] + m[fifo + c.OUT_VC] * c.FIFO_ROW
        m[queue + c.HELD] = 0 if flit & c.TAIL_FLIT else 1
        again |= (flit & c.TAIL_FLIT != 0) and (flit & c.HEAD_FLIT == 0)  # a head may wait for the channel released
        m[out + c.GRANT] = 0 if i + 1 == ports else i + 1
        row = m[tile + c.PORTS] + i * c.PORT_ROW
        m[row + c.ACCEPT] = 0 if o + 1 == ports else o + 1
        m[row + c.REQUEST] = 0 if vc + 1 == vcs else vc + 1
        move(m, dims, now, me, first, fifo, queue, out)
    if again:
        wake(m, dims, now + 1, me)
