"""Allocation of one router in one quantum; the twin of `neurosim.engine.reference.router`.

A router acts only when something may have changed for it. Whoever finds itself blocked says when to look again: at
the credit's arrival if it is on its way, else it raises WAIT and the queue's owner wakes it when it frees a place.
"""

from __future__ import annotations

from numba import njit

from neurosim.engine.fast.layout import (
    ACCEPT,
    ACCEPT_BEST,
    ACTOR,
    BASE,
    BEST,
    CREDIT,
    DELAY,
    DOWN,
    END,
    ENDPOINT_MASK,
    ENDPOINT_SHIFT,
    FLITS,
    FREE_AT,
    GRANT,
    HEAD,
    HEAD_BIT,
    HELD,
    IN_FREE_AT,
    NEVER,
    OUT_VC,
    PORT,
    PORT_MASK,
    REQUEST,
    TAIL,
    TAIL_BIT,
    UPSTREAM,
    VC_POINTER,
    WAIT,
    X,
    Y,
)
from neurosim.engine.fast.wheel import wake


@njit(cache=True, nogil=True, forceinline=True)
def direction(tile_xy, ends, tile, endpoint):
    """Output port at ``tile`` towards an endpoint: x first, then y, then the endpoint's local port."""
    x, y = tile_xy[tile, 0], tile_xy[tile, 1]
    if ends[endpoint, X] != x:
        return 0 if ends[endpoint, X] > x else 1
    if ends[endpoint, Y] != y:
        return 2 if ends[endpoint, Y] > y else 3
    return ends[endpoint, PORT]


@njit(cache=True, nogil=True, forceinline=True)
def wait_for_credit(fifo, ready, wheel, summary, mask, queue, actor):
    """``actor`` is blocked on ``queue``: wake it when the next credit is home, whenever that is."""
    at = ready[fifo[queue, TAIL]]
    if at < NEVER:
        wake(wheel, summary, mask, at, actor)
    else:
        fifo[queue, WAIT] = 1


@njit(cache=True, nogil=True, forceinline=True)
def put(fifo, word, arrive, ready, queue, flit, at):
    """A flit takes the place at the tail of a queue with room; it may be seen from quantum ``at`` on."""
    slot = fifo[queue, TAIL]
    word[slot] = flit
    arrive[slot] = at
    ready[slot] = NEVER
    slot += 1
    fifo[queue, TAIL] = fifo[queue, BASE] if slot == fifo[queue, END] else slot


@njit(cache=True, nogil=True, forceinline=True)
def take(fifo, arrive, ready, wheel, summary, mask, queue, home, sender):
    """The flit at the head leaves; its credit is home at quantum ``home``. Returns when the next flit may be seen."""
    slot = fifo[queue, HEAD]
    arrive[slot] = NEVER
    ready[slot] = home
    slot += 1
    if slot == fifo[queue, END]:
        slot = fifo[queue, BASE]
    fifo[queue, HEAD] = slot
    if fifo[queue, WAIT] != 0:
        fifo[queue, WAIT] = 0
        wake(wheel, summary, mask, home, sender)
    return arrive[slot]


@njit(cache=True, nogil=True, forceinline=True)
def allocate_single(now, router, dims, fifo, word, arrive, ready, inputs, outputs, interval, tile_xy, ends, wheel,
                    summary, scratch):  # fmt: skip
    """One virtual channel, one flit a packet: an input asks for one output at most, so every grant is accepted."""
    mask, ports, me = dims.wheel_mask, dims.ports, dims.first_router + router
    first = router * ports
    n_asked = 0
    for q in range(first, first + ports):
        slot = fifo[q, HEAD]
        if arrive[slot] > now:
            continue
        out = first + (word[slot] & PORT_MASK)
        free_at = max(inputs[q, IN_FREE_AT], outputs[out, FREE_AT])
        if free_at > now:
            wake(wheel, summary, mask, free_at, me)
            continue
        queue = outputs[out, DOWN]
        if ready[fifo[queue, TAIL]] > now:
            wait_for_credit(fifo, ready, wheel, summary, mask, queue, me)
            continue
        distance = q - first - outputs[out, GRANT]
        if distance < 0:
            distance += ports
        best = outputs[out, BEST]
        if best == NEVER:
            scratch[n_asked] = out
            n_asked += 1
        else:
            wake(wheel, summary, mask, now + interval[out - first], me)  # the loser asks again
        if distance < best:
            outputs[out, BEST] = distance
    for k in range(n_asked):
        out = scratch[k]
        port = outputs[out, GRANT] + outputs[out, BEST]
        outputs[out, BEST] = NEVER
        if port >= ports:
            port -= ports
        q = first + port
        flit = word[fifo[q, HEAD]]
        following = take(fifo, arrive, ready, wheel, summary, mask, q, now + inputs[q, CREDIT], inputs[q, UPSTREAM])
        actor, at = outputs[out, ACTOR], now + outputs[out, DELAY]
        if actor >= dims.first_router:
            endpoint = (flit >> ENDPOINT_SHIFT) & ENDPOINT_MASK
            flit = (flit & ~PORT_MASK) | direction(tile_xy, ends, actor - dims.first_router, endpoint)
        put(fifo, word, arrive, ready, outputs[out, DOWN], flit, at)
        wake(wheel, summary, mask, at, actor)
        outputs[out, FLITS] += 1
        outputs[out, GRANT] = 0 if port + 1 == ports else port + 1
        free_at = now + interval[out - first]
        outputs[out, FREE_AT] = free_at
        inputs[q, IN_FREE_AT] = free_at
        if following <= free_at:
            wake(wheel, summary, mask, free_at, me)


@njit(cache=True, nogil=True, forceinline=True)
def usable(fifo, ready, queue, now):
    """A head flit may take this channel: nobody holds it and there is a credit."""
    return fifo[queue, HELD] == 0 and ready[fifo[queue, TAIL]] <= now


@njit(cache=True, nogil=True, forceinline=True)
def may_ask(now, me, dims, fifo, ready, outputs, wheel, summary, f, flit, out):
    """Whether the flit at the head of fifo ``f`` asks for output ``out``; if not, who will say when to look again."""
    mask, down = dims.wheel_mask, outputs[out, DOWN]
    if outputs[out, FREE_AT] > now:
        wake(wheel, summary, mask, outputs[out, FREE_AT], me)
        return False
    if flit & HEAD_BIT == 0:
        queue = down + fifo[f, OUT_VC]
        if ready[fifo[queue, TAIL]] <= now:
            return True
        wait_for_credit(fifo, ready, wheel, summary, mask, queue, me)
        return False
    for vc in range(dims.vcs):
        if usable(fifo, ready, down + vc, now):
            return True
    for vc in range(dims.vcs):  # a held channel is released by this very router, which then looks again
        if fifo[down + vc, HELD] == 0:
            wait_for_credit(fifo, ready, wheel, summary, mask, down + vc, me)
    return False


@njit(cache=True, nogil=True, forceinline=True)
def gather_requests(now, router, dims, fifo, word, arrive, ready, inputs, outputs, wheel, summary, scratch):
    """Fill the table of requests. For input i and output o of the router, pair i * ports + o of ``scratch``:

    [pair] 1 + score of the best vc (0: none asks), [n2 + pair] that vc, [2 n2 + k] the k-th pair that asks.
    The score puts body flits before heads, then goes by distance from the request pointer. Returns (pairs, asking).
    """
    ports, vcs, me = dims.ports, dims.vcs, dims.first_router + router
    n2 = ports * ports
    n_pairs = asking = 0
    for port in range(ports):
        q = router * ports + port
        for vc in range(vcs):
            f = q * vcs + vc
            slot = fifo[f, HEAD]
            if arrive[slot] > now:
                continue
            if inputs[q, IN_FREE_AT] > now:
                wake(wheel, summary, dims.wheel_mask, inputs[q, IN_FREE_AT], me)
                break
            flit = word[slot]
            o = flit & PORT_MASK
            if not may_ask(now, me, dims, fifo, ready, outputs, wheel, summary, f, flit, router * ports + o):
                continue
            asking += 1
            distance = vc - inputs[q, REQUEST]
            score = 1 + (distance + vcs if distance < 0 else distance) + (vcs if flit & HEAD_BIT else 0)
            pair = port * ports + o
            if scratch[pair] == 0:
                scratch[2 * n2 + n_pairs] = pair
                n_pairs += 1
            if scratch[pair] == 0 or score < scratch[pair]:
                scratch[pair] = score
                scratch[n2 + pair] = vc
    return n_pairs, asking


@njit(cache=True, nogil=True, forceinline=True)
def grant_and_accept(router, ports, inputs, outputs, scratch, n_pairs):
    """Each output grants the first asking input from its pointer, each input accepts the first granting output.

    Returns how many were accepted; their pairs replace the front of the list of pairs.
    """
    first, pairs = router * ports, 2 * ports * ports
    for k in range(n_pairs):
        port, o = divmod(scratch[pairs + k], ports)
        distance = (port - outputs[first + o, GRANT]) % ports
        outputs[first + o, BEST] = min(outputs[first + o, BEST], distance)
    for k in range(n_pairs):
        port, o = divmod(scratch[pairs + k], ports)
        if (port - outputs[first + o, GRANT]) % ports == outputs[first + o, BEST]:
            distance = (o - inputs[first + port, ACCEPT]) % ports
            inputs[first + port, ACCEPT_BEST] = min(inputs[first + port, ACCEPT_BEST], distance)
    accepted = 0
    for k in range(n_pairs):
        pair = scratch[pairs + k]
        port, o = divmod(pair, ports)
        scratch[pair] = 0
        granted = (port - outputs[first + o, GRANT]) % ports == outputs[first + o, BEST]
        if granted and (o - inputs[first + port, ACCEPT]) % ports == inputs[first + port, ACCEPT_BEST]:
            scratch[pairs + accepted + n_pairs] = pair
            accepted += 1
    for k in range(n_pairs):
        port, o = divmod(scratch[pairs + k], ports)
        outputs[first + o, BEST] = NEVER
        inputs[first + port, ACCEPT_BEST] = NEVER
    for k in range(accepted):
        scratch[pairs + k] = scratch[pairs + n_pairs + k]
    return accepted


@njit(cache=True, nogil=True, forceinline=True)
def channel_for(now, vcs, fifo, ready, outputs, out):
    """The first usable channel at or after the output's pointer, which moves past it."""
    vc = outputs[out, VC_POINTER]
    while not usable(fifo, ready, outputs[out, DOWN] + vc, now):
        vc = 0 if vc + 1 == vcs else vc + 1
    outputs[out, VC_POINTER] = 0 if vc + 1 == vcs else vc + 1
    return vc


@njit(cache=True, nogil=True, forceinline=True)
def allocate(now, router, dims, fifo, word, arrive, ready, inputs, outputs, interval, tile_xy, ends, wheel, summary,
             scratch):  # fmt: skip
    """Any number of channels and flits: request, grant, accept, then the accepted flits move and pointers with them."""
    mask, ports, me = dims.wheel_mask, dims.ports, dims.first_router + router
    n2 = ports * ports
    n_pairs, asking = gather_requests(
        now, router, dims, fifo, word, arrive, ready, inputs, outputs, wheel, summary, scratch
    )
    accepted = grant_and_accept(router, ports, inputs, outputs, scratch, n_pairs)
    again = asking > accepted
    for k in range(accepted):
        pair = scratch[2 * n2 + k]
        port, o = divmod(pair, ports)
        vc = scratch[n2 + pair]
        q, out = router * ports + port, router * ports + o
        f = q * dims.vcs + vc
        flit = word[fifo[f, HEAD]]
        if flit & HEAD_BIT:
            fifo[f, OUT_VC] = channel_for(now, dims.vcs, fifo, ready, outputs, out)
        queue = outputs[out, DOWN] + fifo[f, OUT_VC]
        fifo[queue, HELD] = 0 if flit & TAIL_BIT else 1
        again |= flit & TAIL_BIT != 0 and flit & HEAD_BIT == 0  # the released channel may be what a head waits for
        following = take(fifo, arrive, ready, wheel, summary, mask, f, now + inputs[q, CREDIT], inputs[q, UPSTREAM])
        actor, at = outputs[out, ACTOR], now + outputs[out, DELAY]
        if actor >= dims.first_router:
            endpoint = (flit >> ENDPOINT_SHIFT) & ENDPOINT_MASK
            flit = (flit & ~PORT_MASK) | direction(tile_xy, ends, actor - dims.first_router, endpoint)
        put(fifo, word, arrive, ready, queue, flit, at)
        wake(wheel, summary, mask, at, actor)
        outputs[out, FLITS] += 1
        outputs[out, GRANT] = 0 if port + 1 == ports else port + 1
        inputs[q, ACCEPT] = 0 if o + 1 == ports else o + 1
        inputs[q, REQUEST] = 0 if vc + 1 == dims.vcs else vc + 1
        free_at = now + interval[o]
        outputs[out, FREE_AT] = free_at
        inputs[q, IN_FREE_AT] = free_at
        if following <= free_at:
            wake(wheel, summary, mask, free_at, me)
    if again:
        wake(wheel, summary, mask, now + 1, me)
