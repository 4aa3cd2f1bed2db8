"""Who acts when: a wheel of bit sets for near wake-ups, a heap for far ones.

``wheel[t & mask]`` has one bit an actor, so waking twice is waking once, and actors of a quantum come out in
numerical order. ``summary`` has one bit a wheel position that is not empty. A wake-up that turns out to have nothing
to do is harmless: no actor changes anything unless its own state says so.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from neurosim.engine.fast.layout import NEVER


@intrinsic
def lowest_bit(typingctx, word):
    """Number of the lowest bit set in a non-zero int64."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@njit(cache=True, nogil=True, forceinline=True)
def wake(wheel, summary, mask, at, actor):
    """Wake ``actor`` at quantum ``at``, which is less than a turn of the wheel away."""
    slot = at & mask
    wheel[slot, actor >> 6] |= 1 << (actor & 63)
    summary[slot >> 6] |= 1 << (slot & 63)


@njit(cache=True, nogil=True, forceinline=True)
def wake_any(wheel, summary, heap, far, mask, now, at, actor):
    """Wake a unit at any later quantum. A unit has one such timer, so one heap entry an actor is enough."""
    if at - now <= mask:
        wake(wheel, summary, mask, at, actor)
    elif far[actor] != at:
        far[actor] = at
        push(heap, at, actor)


@njit(cache=True, nogil=True, forceinline=True)
def next_quantum(wheel, summary, heap, mask, now):
    """First quantum from ``now`` on with somebody to wake, NEVER if there is none. Far timers join the wheel."""
    at = NEVER
    start = now & mask
    words = summary.size
    for k in range(words + 1):
        word = summary[((start >> 6) + k) % words]
        if k == 0:
            word &= -1 << (start & 63)
        elif k == words:
            word &= (1 << (start & 63)) - 1
        if word != 0:
            slot = (((start >> 6) + k) % words) * 64 + lowest_bit(word)
            at = now + ((slot - start) & mask)
            break
    if heap[0, 0] > 0 and heap[1, 0] <= at:
        at = heap[1, 0]
    return at


@njit(cache=True, nogil=True, forceinline=True)
def push(heap, at, actor):
    """Binary heap in rows 1.. of ``heap`` (time, actor); heap[0, 0] counts them."""
    heap[0, 0] += 1
    k = heap[0, 0]
    while k > 1 and heap[k >> 1, 0] > at:
        heap[k, 0], heap[k, 1] = heap[k >> 1, 0], heap[k >> 1, 1]
        k >>= 1
    heap[k, 0] = at
    heap[k, 1] = actor


@njit(cache=True, nogil=True, forceinline=True)
def pop_due(wheel, summary, heap, far, mask, now):
    """Move every far timer due at ``now`` to the wheel."""
    while heap[0, 0] > 0 and heap[1, 0] == now:
        actor = heap[1, 1]
        if far[actor] == now:
            far[actor] = -1
        wake(wheel, summary, mask, now, actor)
        n = heap[0, 0]
        at, last = heap[n, 0], heap[n, 1]
        heap[0, 0] = n = n - 1
        k = 1
        while 2 * k <= n:
            child = 2 * k
            if child < n and heap[child + 1, 0] < heap[child, 0]:
                child += 1
            if heap[child, 0] >= at:
                break
            heap[k, 0], heap[k, 1] = heap[child, 0], heap[child, 1]
            k = child
        heap[k, 0] = at
        heap[k, 1] = last
