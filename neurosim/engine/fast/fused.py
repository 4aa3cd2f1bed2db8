"""The rules of most `Lif` populations in two passes over a block, instead of one pass a rule.

Which populations: they spike, do not wait, do not wrap and do not decay their input; they
have no synaptic current, no floor and one spike a step; their reset is hard or subtract;
float: no leak or multiply; integer: a leak that rounds down or to nearest, and sums, thresholds and what the leak makes
of a membrane within int32 (`function_lower` proves it). All others take `neurons`. Both say the same in every bit.

Every integer leak is ``rest + ((d * numerator + add) >> bits)`` with ``d = v - rest``: for the shift leak
``d - (d >> s) = (d * (2^s - 1) + 2^s - 1) >> s``. With d = high * 2^bits + low, the product is taken in two parts,
``high * numerator + ((low * numerator + add) >> bits)``, which fit int32. The loops touch few arrays each: a compiler
that cannot prove that arrays are apart tests it at run time, up to a number of pairs. They stand in one function
because every call counts a reference for each array it is given.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import intrinsic, overload

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.compile import U, inner

I32 = np.int32


@intrinsic
def shift_right_32(typing_context, x, bits):
    """``x >> bits`` of an int32, bits 0 to 31, in 32 bits: the operator widens to int64, which halves the lanes."""
    signature = types.int32(types.int32, types.int32)
    return signature, lambda context, builder, signature, args: builder.ashr(*args)


@inner
def update_int(pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t):
    """Every result is cut to int32, which it fits, so that the lanes stay narrow."""
    numerator, add, bits, shift = I32(1), I32(0), I32(0), pop[fp.SHIFT] & 31
    if t > 0 or pop[fp.LEAK_FIRST] != 0:
        numerator, add, bits = I32(pop[fp.KEEP]), I32(pop[fp.KEEP_ADD]), I32(pop[fp.KEEP_BITS])
    mask, rest, reset_to = I32((1 << bits) - 1), I32(pop[fp.REST]), I32(pop[fp.RESET_TO])
    bottom, top = I32(pop[fp.LOW]), I32(pop[fp.HIGH])
    hard, closed, delayed = pop[fp.RESET] == fp.RESET_HARD, pop[fp.STRICT] == 0, pop[fp.DELAYED] != 0
    clipped = 0
    for a in range(0, pop[fp.N], fp.BLOCK):
        n, start, to = U(min(fp.BLOCK, pop[fp.N] - a)), U(pop[fp.START] + a), U(a)
        for j in range(n):
            x, b = v[start + j], bias[start + j]
            active[start + j] |= (x != rest) | (b != 0)
            away = I32(x - rest)
            high = I32(shift_right_32(away, bits) * numerator)
            low = I32(I32(away & mask) * numerator + add)
            kept = I32(rest + I32(high + shift_right_32(low, bits)))
            wide[j] = I32(kept + I32(I32(current[to + j] << shift) + b))
        if delayed:
            for j in range(n):
                x, limit = wide[j], threshold[start + j]
                after = reset_to if hard else I32(x - limit)
                x = after if pending[start + j] else x
                y = I32(min(max(x, bottom), top))
                clipped += y != x
                v[start + j] = y
                fired[to + j] = (y > limit) | (closed & (y == limit))
            for j in range(n):
                pending[start + j] = fired[to + j]
        else:
            for j in range(n):
                x, limit = wide[j], threshold[start + j]
                y = I32(min(max(x, bottom), top))
                fires = (y > limit) | (closed & (y == limit))
                after = reset_to if hard else I32(y - limit)
                z = after if fires else y
                limited = I32(min(max(z, bottom), top))
                clipped += (y != x) + (limited != z)
                v[start + j] = limited
                fired[to + j] = fires
    return clipped


@inner
def update_float(pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t):
    leaks = pop[fp.LEAK] != fp.LEAK_NONE and (t > 0 or pop[fp.LEAK_FIRST] != 0)
    rest, keep, reset_to = numbers[fp.REST_F], numbers[fp.KEEP_F], numbers[fp.RESET_TO_F]
    hard, closed, delayed = pop[fp.RESET] == fp.RESET_HARD, pop[fp.STRICT] == 0, pop[fp.DELAYED] != 0
    for a in range(0, pop[fp.N], fp.BLOCK):
        n, start, to = U(min(fp.BLOCK, pop[fp.N] - a)), U(pop[fp.START] + a), U(a)
        if leaks:
            for j in range(n):
                x, b = v[start + j], bias[start + j]
                active[start + j] |= (x != rest) | (b != 0)
                wide[j] = ((rest + (x - rest) * keep) + current[to + j]) + b
        else:
            for j in range(n):
                x, b = v[start + j], bias[start + j]
                active[start + j] |= (x != rest) | (b != 0)
                wide[j] = (x + current[to + j]) + b
        if delayed:
            for j in range(n):
                x, limit = wide[j], threshold[start + j]
                after = reset_to if hard else x - limit
                x = after if pending[start + j] else x
                v[start + j] = x
                fired[to + j] = (x > limit) | (closed & (x == limit))
            for j in range(n):
                pending[start + j] = fired[to + j]
        else:
            for j in range(n):
                x, limit = wide[j], threshold[start + j]
                fires = (x > limit) | (closed & (x == limit))
                after = reset_to if hard else x - limit
                v[start + j] = after if fires else x
                fired[to + j] = fires
    return 0


def update_fused(pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t):
    """A whole population through rules 2 to 7, a block at a time; returns the number of clippings.

    ``v``, ``pending``, ``active``, ``threshold`` and ``bias`` are of all neurons, ``fired`` (who spikes) and
    ``current`` of this population, ``wide`` of one block.
    """


@overload(update_fused)
def _update_fused(pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t):
    chosen = update_float if isinstance(wide.dtype, types.Float) else update_int
    return lambda pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t: chosen(
        pop, numbers, wide, v, pending, active, fired, threshold, bias, current, t
    )
