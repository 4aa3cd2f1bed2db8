"""Queues with credits, and what a flit does when it crosses a router. ``m`` is the memory image (`columns`).

Whoever finds itself blocked says when to look again: at the credit's arrival if it is on its way, else it raises WAIT
and the queue's owner wakes it when it frees a place.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.wheel import INLINE, wake


@njit(**INLINE)
def direction(m, dims, tile, endpoint):
    """Output port at ``tile`` towards an endpoint: x first, then y, then the endpoint's local port."""
    end = dims.ends + endpoint * c.ENDPOINT_ROW
    east = m[end + c.X] - m[tile + c.X]
    north = m[end + c.Y] - m[tile + c.Y]
    port = m[end + c.PORT]
    port = 2 + (north < 0) if north != 0 else port
    return 0 + (east < 0) if east != 0 else port


@njit(**INLINE)
def grant_place(m, dims, out, port, i):
    """How far down in the order of output ``port``, row ``out``, input i stands: the smallest that asks is granted."""
    if dims.fixed_order != 0:
        return m[dims.orders + port * dims.ports + i]
    distance = i - m[out + c.GRANT]
    return distance + (dims.ports if distance < 0 else 0)


@njit(**INLINE)
def tile_of(dims, actor):
    return dims.tiles + (actor - dims.first_router) * c.TILE_ROW


@njit(**INLINE)
def has_credit(m, fifo, now):
    return m[m[fifo + c.TAIL] + c.READY] <= now


@njit(**INLINE)
def wait_for_credit(m, dims, fifo, actor):
    """``actor`` is blocked on ``fifo``: wake it when the next credit is home, whenever that is."""
    at = m[m[fifo + c.TAIL] + c.READY]
    if at < c.NEVER:
        wake(m, dims, at, actor)
    else:
        m[fifo + c.WAIT] = 1


@njit(**INLINE)
def put(m, fifo, flit, at):
    """A flit takes the place at the tail of a queue with room; it may be seen from quantum ``at`` on."""
    slot = m[fifo + c.TAIL]
    m[slot + c.WORD] = flit
    m[slot + c.ARRIVE] = at
    m[slot + c.READY] = c.NEVER
    m[fifo + c.TAIL] = m[slot + c.NEXT]
    m[m[fifo + c.OCCUPIED]] |= m[fifo + c.BIT]


@njit(**INLINE)
def take(m, dims, now, fifo):
    """The flit at the head leaves and its credit goes home. Returns when the next flit may be seen."""
    slot = m[fifo + c.HEAD]
    home = now + m[fifo + c.CREDIT]
    m[slot + c.ARRIVE] = c.NEVER
    m[slot + c.READY] = home
    slot = m[slot + c.NEXT]
    m[fifo + c.HEAD] = slot
    following = m[slot + c.ARRIVE]
    if following == c.NEVER:
        m[m[fifo + c.OCCUPIED]] &= ~m[fifo + c.BIT]
    if m[fifo + c.WAIT] != 0:
        m[fifo + c.WAIT] = 0
        wake(m, dims, home, m[fifo + c.UPSTREAM])
    return following


@njit(**INLINE)
def move(m, dims, now, me, first, fifo, queue, out):
    """The flit at the head of ``fifo`` crosses to ``queue`` behind ``out``. ``first``: first fifo of the input."""
    flit = m[m[fifo + c.HEAD] + c.WORD]
    following = take(m, dims, now, fifo)
    actor, at = m[out + c.ACTOR], now + m[out + c.LATENCY]
    if actor >= dims.first_router:
        endpoint = (flit >> c.ENDPOINT_SHIFT) & c.ENDPOINT_MASK
        flit = (flit & ~c.PORT_MASK) | direction(m, dims, tile_of(dims, actor), endpoint)
    put(m, queue, flit, at)
    wake(m, dims, at, actor)
    m[out + c.FLITS] += 1
    free_at = now + m[out + c.INTERVAL]
    m[out + c.FREE_AT] = free_at
    m[first + c.BUSY_UNTIL] = free_at
    if following <= free_at:
        wake(m, dims, free_at, me)
