"""Queues with credits, and what a flit does when it crosses a router. ``m`` is the memory image (`columns`).

Whoever finds itself blocked says when to look again: at the credit's arrival if it is on its way, else it raises WAIT
and the queue's owner wakes it when it frees a place.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.layout import MESH, TORUS, TREE
from neurosim.engine.fast.wheel import INLINE, wake, wake_unit


@njit(**INLINE)
def tile_of(dims, actor):
    return dims.tiles + (actor - dims.first_router) * c.TILE_ROW


@njit(cache=True, nogil=True)
def direction_elsewhere(m, dims, tile, endpoint):
    """The same for other topologies: a ring's shorter side, + when both are as long; a tree up, then down."""
    end = dims.ends + endpoint * c.ENDPOINT_ROW
    if tile_of(dims, m[end + c.ROUTER]) == tile:
        return m[end + c.PORT]
    if dims.topology == TREE:
        below, span = m[end + c.X] - m[tile + c.X], m[tile + c.Y]
        return 1 + below // (span // dims.arity) if 0 <= below < span else 0
    east, north = m[end + c.X] - m[tile + c.X], m[end + c.Y] - m[tile + c.Y]
    if east != 0:
        return 0 if 2 * (east + (dims.width if east < 0 else 0)) <= dims.width else 1
    return 2 if 2 * (north + (dims.height if north < 0 else 0)) <= dims.height else 3


@njit(cache=True, nogil=True)
def passes_edge(m, dims, tile, port, endpoint):
    """Whether a packet leaving a torus router by ``port`` has yet to pass the edge of that ring."""
    if dims.topology != TORUS or port > 3:
        return False
    end = dims.ends + endpoint * c.ENDPOINT_ROW
    axis = c.X if port < 2 else c.Y
    ahead = m[end + axis] - m[tile + axis]
    return ahead > 0 if port & 1 else ahead < 0


@njit(**INLINE)
def channels(m, dims, tile, o, passes, port, vc):
    """[first, last) of the channels behind output ``o`` for a packet that came by input ``port`` in channel ``vc``.

    On a torus a packet that enters a ring takes the upper half if it will pass the ring's edge, else the lower half,
    and keeps to it.
    """
    if dims.topology != TORUS or o > 3:
        return 0, dims.vcs
    half = dims.vcs >> 1
    if vc >= half if port == o ^ 1 else passes:
        return half, dims.vcs
    return 0, half


@njit(**INLINE)
def direction(m, dims, tile, endpoint):
    """Output port at ``tile`` towards an endpoint: x first, then y, then the endpoint's local port."""
    if dims.topology != MESH:
        return direction_elsewhere(m, dims, tile, endpoint)
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
def sleep_until_credit(m, dims, fifo, actor, bit, sleeping):
    """The same for an input of a router of one channel, which need not be looked at until a credit is on its way."""
    at = m[m[fifo + c.TAIL] + c.READY]
    if at < c.NEVER:
        wake(m, dims, at, actor)
    else:
        m[fifo + c.WAIT] |= bit
        m[sleeping] |= bit


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
    waiting = m[fifo + c.WAIT]
    if waiting != 0:
        m[fifo + c.WAIT] = 0
        m[m[fifo + c.SLEEP]] &= ~waiting
        wake(m, dims, home, m[fifo + c.UPSTREAM])
    return following


@njit(**INLINE)
def wake_synapse(m, dims, now, at, actor):
    """A flit reaches a synapse unit at ``at``: the unit looks at it then, or when it is done with what it has."""
    idle_at = m[dims.ends + (actor - 2 * dims.endpoints) * c.ENDPOINT_ROW + c.IDLE_AT]
    if idle_at > at:
        wake_unit(m, dims, now, idle_at, actor)
    else:
        wake(m, dims, at, actor)


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
    else:
        put(m, queue, flit, at)
        wake_synapse(m, dims, now, at, actor)
    m[out + c.FLITS] += 1
    free_at = now + m[out + c.INTERVAL]
    m[out + c.FREE_AT] = free_at
    m[first + c.BUSY_UNTIL] = free_at
    if following <= free_at:
        wake(m, dims, free_at, me)
