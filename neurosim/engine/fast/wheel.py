"""Who acts when: a wheel of bit sets for near wake-ups, a heap for far ones.

Position t & mask of the wheel has one bit an actor, so waking twice is waking once, and the actors of a quantum come
out in numerical order. The first word of a position has one bit for each of the others that is not empty (for each 2 **
coarse of them on a large chip). The summary has one bit a wheel position that is not empty. A wake-up that turns out to
have nothing to do is harmless: no actor changes anything unless its own state says so.
"""

from __future__ import annotations

from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from neurosim.engine.fast.columns import NEVER

INLINE = {"cache": True, "nogil": True, "forceinline": True}


@intrinsic
def pointer(typingctx, array):
    """Bare pointer to the elements of an array that the caller keeps alive: no bounds, no negative indices."""

    def codegen(context, builder, signature, arguments):
        return context.make_array(signature.args[0])(context, builder, arguments[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def lowest_bit(typingctx, word):
    """Number of the lowest bit set in a non-zero int64."""

    def codegen(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.int64(types.int64), codegen


@njit(**INLINE)
def wake(m, dims, at, actor):
    """Wake ``actor`` at quantum ``at``, which is less than a turn of the wheel away."""
    position = at & dims.mask
    row = dims.wheel + position * dims.row
    word = actor >> 6
    m[row] |= 1 << (word >> dims.coarse)
    m[row + 1 + word] |= 1 << (actor & 63)
    m[dims.summary + (position >> 6)] |= 1 << (position & 63)


@njit(**INLINE)
def wake_unit(m, dims, now, at, actor):
    """Wake a unit at any later quantum. A unit has one such timer, so one heap entry an actor is enough."""
    if at - now <= dims.mask:
        wake(m, dims, at, actor)
    elif m[dims.far + actor] != at:
        m[dims.far + actor] = at
        push(m, dims.heap, at, actor)


@njit(**INLINE)
def next_quantum(m, dims, now):
    """First quantum from ``now`` on with somebody to wake, NEVER if there is none."""
    at = NEVER
    start = now & dims.mask
    words = (dims.mask + 1) >> 6
    k = start >> 6
    word = m[dims.summary + k] & (-1 << (start & 63))
    for _ in range(words):
        if word != 0:
            break
        k = 0 if k + 1 == words else k + 1
        word = m[dims.summary + k]  # after a full turn the positions before ``start``: later than all others
    if word != 0:
        at = now + ((k * 64 + lowest_bit(word) - start) & dims.mask)
    if m[dims.heap] > 0:
        at = min(at, m[dims.heap + 2])
    return at


@njit(cache=True, nogil=True)
def push(m, heap, at, actor):
    """Binary heap: m[heap] counts the pairs (time, actor) that follow from heap + 2 on."""
    m[heap] += 1
    k = m[heap]
    while k > 1 and m[heap + 2 * (k >> 1)] > at:
        parent = heap + 2 * (k >> 1)
        m[heap + 2 * k], m[heap + 2 * k + 1] = m[parent], m[parent + 1]
        k >>= 1
    m[heap + 2 * k], m[heap + 2 * k + 1] = at, actor


@njit(cache=True, nogil=True)
def pop(m, heap):
    """Remove the earliest pair and return its actor."""
    first = m[heap + 3]
    n = m[heap] - 1
    at, actor = m[heap + 2 * n + 2], m[heap + 2 * n + 3]
    m[heap] = n
    k = 1
    while 2 * k <= n:
        child = 2 * k
        if child < n and m[heap + 2 * child + 2] < m[heap + 2 * child]:
            child += 1
        if m[heap + 2 * child] >= at:
            break
        m[heap + 2 * k], m[heap + 2 * k + 1] = m[heap + 2 * child], m[heap + 2 * child + 1]
        k = child
    m[heap + 2 * k], m[heap + 2 * k + 1] = at, actor
    return first


@njit(**INLINE)
def wake_due(m, dims, now):
    """Every far timer due at ``now`` joins the wheel."""
    while m[dims.heap] > 0 and m[dims.heap + 2] == now:
        actor = pop(m, dims.heap)
        if m[dims.far + actor] == now:
            m[dims.far + actor] = -1
        wake(m, dims, now, actor)
