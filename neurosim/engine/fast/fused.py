"""The rules of most `Lif` populations in two passes over a block, instead of one pass a rule.

Which populations: they spike, do not wait, do not wrap and do not decay their input; their reset is hard or subtract;
float: no leak or multiply; integer: a leak that rounds down or to nearest, and sums, thresholds and what the leak makes
of a membrane within int32 (`function_lower` proves it). All others take `neurons`. Both say the same in every bit.

Every integer leak is ``rest + ((d * numerator + add) >> bits)`` with ``d = v - rest``: for the shift leak
``d - (d >> s) = (d * (2^s - 1) + 2^s - 1) >> s``. With d = high * 2^bits + low, the product is taken in two parts,
``high * numerator + ((low * numerator + add) >> bits)``, which fit int32. The loops touch few arrays each: a compiler
that cannot prove that arrays are apart tests it at run time, up to a number of pairs.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.compile import U, inner

I32 = np.int32


@inner
def enter_int(wide, v, current, bias, active, start, to, n, pop, numbers, leaks):
    """Rules 2 and 3, and who is active. Each result is cut to int32, which it fits, so that the lanes stay narrow."""
    numerator, add, bits = (pop[fp.KEEP], pop[fp.KEEP_ADD], pop[fp.KEEP_BITS] & 31) if leaks else (1, 0, 0)
    numerator, add, mask, rest = I32(numerator), I32(add), I32((1 << bits) - 1), I32(pop[fp.REST])
    shift = pop[fp.SHIFT] & 31
    for j in range(U(n)):
        x, b = v[start + j], bias[start + j]
        active[start + j] |= (x != rest) | (b != 0)
        away = I32(x - rest)
        high = I32(I32(away >> bits) * numerator)
        low = I32(I32(away & mask) * numerator + add)
        kept = I32(rest + I32(high + I32(low >> bits)))
        wide[j] = I32(kept + I32(I32(current[to + j] << shift) + b))


@inner
def enter_float(wide, v, current, bias, active, start, to, n, pop, numbers, leaks):
    rest, keep = numbers[fp.REST_F], numbers[fp.KEEP_F]
    if leaks:
        for j in range(U(n)):
            x, b = v[start + j], bias[start + j]
            active[start + j] |= (x != rest) | (b != 0)
            wide[j] = ((rest + (x - rest) * keep) + current[to + j]) + b
    else:
        for j in range(U(n)):
            x, b = v[start + j], bias[start + j]
            active[start + j] |= (x != rest) | (b != 0)
            wide[j] = (x + current[to + j]) + b


@inner
def leave_int(wide, v, pending, threshold, fired, start, to, n, pop, numbers):
    """Rules 4 to 7; returns how many were clipped."""
    low, high, reset_to = I32(pop[fp.LOW]), I32(pop[fp.HIGH]), I32(pop[fp.RESET_TO])
    hard, closed, clipped = pop[fp.RESET] == fp.RESET_HARD, pop[fp.STRICT] == 0, 0
    if pop[fp.DELAYED]:
        for j in range(U(n)):
            x, limit = wide[j], threshold[start + j]
            after = reset_to if hard else I32(x - limit)
            x = after if pending[start + j] else x
            y = I32(min(max(x, low), high))
            clipped += y != x
            v[start + j] = y
            fired[to + j] = (y > limit) | (closed & (y == limit))
        return clipped
    for j in range(U(n)):
        x, limit = wide[j], threshold[start + j]
        y = I32(min(max(x, low), high))
        fires = (y > limit) | (closed & (y == limit))
        after = reset_to if hard else I32(y - limit)
        z = after if fires else y
        limited = I32(min(max(z, low), high))
        clipped += (y != x) + (limited != z)
        v[start + j] = limited
        fired[to + j] = fires
    return clipped


@inner
def leave_float(wide, v, pending, threshold, fired, start, to, n, pop, numbers):
    reset_to = numbers[fp.RESET_TO_F]
    hard, closed = pop[fp.RESET] == fp.RESET_HARD, pop[fp.STRICT] == 0
    if pop[fp.DELAYED]:
        for j in range(U(n)):
            x, limit = wide[j], threshold[start + j]
            after = reset_to if hard else x - limit
            x = after if pending[start + j] else x
            v[start + j] = x
            fired[to + j] = (x > limit) | (closed & (x == limit))
        return 0
    for j in range(U(n)):
        x, limit = wide[j], threshold[start + j]
        fires = (x > limit) | (closed & (x == limit))
        after = reset_to if hard else x - limit
        v[start + j] = after if fires else x
        fired[to + j] = fires
    return 0


def enter(wide, v, current, bias, active, start, to, n, pop, numbers, leaks):
    """Rules 2 and 3 of the neurons from ``start`` on; ``to`` is where they lie in their population."""


def leave(wide, v, pending, threshold, fired, start, to, n, pop, numbers):
    """Rules 4 to 7; returns the number of clippings."""


@overload(enter, inline="always")
def _enter(wide, v, current, bias, active, start, to, n, pop, numbers, leaks):
    chosen = enter_float if isinstance(wide.dtype, types.Float) else enter_int
    return lambda wide, v, current, bias, active, start, to, n, pop, numbers, leaks: chosen(
        wide, v, current, bias, active, start, to, n, pop, numbers, leaks
    )


@overload(leave, inline="always")
def _leave(wide, v, pending, threshold, fired, start, to, n, pop, numbers):
    chosen = leave_float if isinstance(wide.dtype, types.Float) else leave_int
    return lambda wide, v, pending, threshold, fired, start, to, n, pop, numbers: chosen(
        wide, v, pending, threshold, fired, start, to, n, pop, numbers
    )


@inner
def update_fused(pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t):
    """A whole population, a block at a time; returns the number of clippings. ``fired`` says who spikes.

    ``v``, ``pending``, ``active``, ``threshold`` and ``bias`` are of all neurons, ``fired`` and ``current`` of this
    population.
    """
    leaks = pop[fp.LEAK] != fp.LEAK_NONE and (t > 0 or pop[fp.LEAK_FIRST] != 0)
    clipped = 0
    for a in range(0, pop[fp.N], fp.BLOCK):
        n = min(fp.BLOCK, pop[fp.N] - a)
        start, to = U(pop[fp.START] + a), U(a)
        enter(wide, v, current, bias, active, start, to, n, pop, numbers, leaks)
        clipped += leave(wide, v, pending, threshold, fired, start, to, n, pop, numbers)
        if pop[fp.DELAYED]:
            for j in range(U(n)):
                pending[start + j] = fired[to + j]
    return clipped
