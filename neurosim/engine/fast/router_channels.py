"""Allocation of one router in one quantum: any number of virtual channels and of flits a packet."""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.layout import BUS
from neurosim.engine.fast.queue import channels, grant_place, has_credit, move, passes_edge, tile_of, wait_for_credit
from neurosim.engine.fast.wheel import INLINE, lowest_bit, wake


@njit(**INLINE)
def endpoint_of(flit):
    return (flit >> c.ENDPOINT_SHIFT) & c.ENDPOINT_MASK


@njit(**INLINE)
def usable(m, fifo, now):
    """A head flit may take this channel: nobody holds it and there is a credit."""
    return m[fifo + c.HELD] == 0 and has_credit(m, fifo, now)


@njit(cache=True, nogil=True)
def may_ask(now, me, m, dims, fifo, flit, out, first, last):
    """Whether the flit at the head of ``fifo`` asks for output ``out``; if not, who will say when to look again.

    A head flit may take channels [first, last).
    """
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
    for vc in range(first, last):
        if usable(m, down + vc * c.FIFO_ROW, now):
            return True
    for vc in range(first, last):  # a held channel is released by this very router, which then looks again
        if m[down + vc * c.FIFO_ROW + c.HELD] == 0:
            wait_for_credit(m, dims, down + vc * c.FIFO_ROW, me)
    return False


@njit(**INLINE)
def ask(m, dims, tile, port, o, vc, late, n_pairs):
    """Enter a request into the table. For input i and output o of the router, pair (i << shift) + o of the scratch:

    [pair] score of the best vc (0: none asks), [n2 + pair] that vc, [2 n2 + k] the k-th pair that asks. The score
    puts body flits (``late`` 0) before heads (n vcs), then goes by distance from the request pointer. Returns pairs.
    """
    scratch, n2 = dims.scratch, 1 << (2 * dims.shift)
    distance = vc - m[m[tile + c.PORTS] + port * c.PORT_ROW + c.REQUEST]
    score = 1 + (distance + dims.vcs if distance < 0 else distance) + late
    pair = (port << dims.shift) + o
    if m[scratch + pair] == 0:
        m[scratch + 2 * n2 + n_pairs] = pair
        n_pairs += 1
    if m[scratch + pair] == 0 or score < m[scratch + pair]:
        m[scratch + pair] = score
        m[scratch + n2 + pair] = vc
    return n_pairs


@njit(**INLINE)
def gather_requests(now, me, m, dims):
    """Fill the table of requests (`ask`). Returns (pairs, asking)."""
    vcs, tile = dims.vcs, tile_of(dims, me)
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
            passes = passes_edge(m, dims, tile, o, endpoint_of(flit))
            first, last = channels(m, dims, tile, o, passes, port, vc)
            if not may_ask(now, me, m, dims, fifo, flit, m[tile + c.OUTPUTS] + o * c.OUTPUT_ROW, first, last):
                continue
            asking += 1
            n_pairs = ask(m, dims, tile, port, o, vc, 0 if flit & c.HEAD_FLIT == 0 else vcs, n_pairs)
    return n_pairs, asking


@njit(**INLINE)
def cyclic(number, pointer, size):
    """Steps from ``pointer`` up to ``number``, modulo size."""
    return number - pointer + (size if number < pointer else 0)


@njit(**INLINE)
def around(number, size):
    """``number`` modulo size, for one that is less than twice the size."""
    return number - size if number >= size else number


@njit(cache=True, nogil=True)
def give_bus(m, dims, tile, n_pairs):
    """The bus goes to the first input that asks from its pointer, for the outputs of one flit. As grant_and_accept."""
    ports, scratch, n2 = dims.ports, dims.scratch, 1 << (2 * dims.shift)
    pairs, low = scratch + 2 * n2, (1 << dims.shift) - 1
    pointer = m[tile + c.OUTPUTS] + c.BUS_POINTER
    nearest, accept = c.NEVER, 0
    for k in range(n_pairs):
        nearest = min(nearest, cyclic(m[pairs + k] >> dims.shift, m[pointer], ports))
    i = around(m[pointer] + nearest, ports) if n_pairs > 0 else 0
    row = m[tile + c.PORTS] + i * c.PORT_ROW
    nearest = c.NEVER
    for k in range(n_pairs):
        if m[pairs + k] >> dims.shift == i:
            nearest = min(nearest, cyclic(m[pairs + k] & low, m[row + c.ACCEPT], ports))
    accepted = 0
    for k in range(n_pairs):
        accept = around(m[row + c.ACCEPT] + nearest, ports)
        pair = m[pairs + k]
        m[scratch + pair] = 0
        if pair >> dims.shift == i and m[scratch + n2 + pair] == m[scratch + n2 + (i << dims.shift) + accept]:
            m[pairs + n_pairs + accepted] = pair
            accepted += 1
    for k in range(accepted):
        m[pairs + k] = m[pairs + n_pairs + k]
    if accepted > 0:
        m[pointer] = around(i + 1, ports)
        m[row + c.ACCEPT] = around(accept + 1, ports)
    return accepted


@njit(**INLINE)
def bus_busy(now, me, m, dims, tile):
    """Whether the one flit that a bus can carry is still on it; if so the router looks again when it is off."""
    if dims.topology != BUS:
        return False
    free_at = m[m[tile + c.OUTPUTS] + c.BUS_FREE_AT]
    if free_at > now:
        wake(m, dims, free_at, me)
    return free_at > now


@njit(**INLINE)
def grant_and_accept(m, dims, tile, n_pairs):
    """Each output grants the first asking input from its pointer, each input accepts the first granting output.

    With that go the granted outputs of the same flit: one can have several in multicast. The accept pointers move.
    Returns how many were accepted; their pairs replace the front of the list of pairs.
    """
    if dims.topology == BUS:
        return give_bus(m, dims, tile, n_pairs)
    ports, scratch = dims.ports, dims.scratch
    outputs, port_rows, pairs = m[tile + c.OUTPUTS], m[tile + c.PORTS], scratch + (2 << (2 * dims.shift))
    n2, low = 1 << (2 * dims.shift), (1 << dims.shift) - 1
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
        if grant_place(m, dims, out, o, i) == m[out + c.BEST]:
            first = (i << dims.shift) + around(m[row + c.ACCEPT] + m[row + c.ACCEPT_BEST], ports)
            if m[scratch + n2 + pair] == m[scratch + n2 + first]:
                m[pairs + n_pairs + accepted] = pair
                accepted += 1
    for k in range(n_pairs):
        m[outputs + (m[pairs + k] & low) * c.OUTPUT_ROW + c.BEST] = c.NEVER
        row = port_rows + (m[pairs + k] >> dims.shift) * c.PORT_ROW
        if m[row + c.ACCEPT_BEST] != c.NEVER:
            m[row + c.ACCEPT] = around(m[row + c.ACCEPT] + m[row + c.ACCEPT_BEST] + 1, ports)
            m[row + c.ACCEPT_BEST] = c.NEVER
    for k in range(accepted):
        m[pairs + k] = m[pairs + n_pairs + k]
    return accepted


@njit(**INLINE)
def take_channel(now, m, dims, tile, o, begin, end):
    """The first channel of output ``o`` in [begin, end), unheld and with credit, from the pointer, which moves on."""
    pointer = m[tile + c.PORTS] + o * c.PORT_ROW + c.VC_POINTER
    down = m[m[tile + c.OUTPUTS] + o * c.OUTPUT_ROW + c.DOWN]
    vc = m[pointer]
    while not (begin <= vc < end and usable(m, down + vc * c.FIFO_ROW, now)):
        vc = 0 if vc + 1 == dims.vcs else vc + 1
    m[pointer] = 0 if vc + 1 == dims.vcs else vc + 1
    return vc


@njit(cache=True, nogil=True)
def allocate(now, me, m, dims):
    """Any number of channels and flits: request, grant, accept, then the accepted flits move and pointers with them."""
    tile, ports, vcs = tile_of(dims, me), dims.ports, dims.vcs
    n2 = 1 << (2 * dims.shift)
    pairs = dims.scratch + 2 * n2
    if bus_busy(now, me, m, dims, tile):
        return
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
            passes = passes_edge(m, dims, tile, o, endpoint_of(flit))
            begin, end = channels(m, dims, tile, o, passes, i, vc)
            m[fifo + c.OUT_VC] = take_channel(now, m, dims, tile, o, begin, end)
        queue = m[out + c.DOWN] + m[fifo + c.OUT_VC] * c.FIFO_ROW
        m[queue + c.HELD] = 0 if flit & c.TAIL_FLIT else 1
        again |= (flit & c.TAIL_FLIT != 0) and (flit & c.HEAD_FLIT == 0)  # a head may wait for the channel released
        m[out + c.GRANT] = 0 if i + 1 == ports else i + 1
        m[m[tile + c.PORTS] + i * c.PORT_ROW + c.REQUEST] = 0 if vc + 1 == vcs else vc + 1
        if dims.topology == BUS:
            m[m[tile + c.OUTPUTS] + c.BUS_FREE_AT] = now + m[out + c.INTERVAL]
        move(m, dims, now, me, first, fifo, queue, out)
    if again:
        wake(m, dims, now + 1, me)
