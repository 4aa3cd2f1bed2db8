"""`neurosim.snn.neuron` for a block of neurons: each rule one loop that vectorises, in the order of its text.

``wide`` holds the membrane between the rules: int64 for integer networks, float32 for float ones. Which of the two
sets of rules is compiled follows from the type of ``wide``.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.compile import inner


@inner
def shift_right(x, bits, rounding):
    if rounding == fp.ROUND_FLOOR:
        return x >> bits
    if rounding == fp.ROUND_ZERO:
        return -((-x) >> bits) if x < 0 else x >> bits
    return (x + ((np.int64(1) << bits) >> 1)) >> bits


@inner
def leak_int(wide, n, pop):
    rest, bits, rounding = pop[fp.REST], pop[fp.LEAK_BITS], pop[fp.ROUNDING]
    if pop[fp.LEAK] == fp.LEAK_MULTIPLY:
        for j in range(n):
            wide[j] = rest + shift_right((wide[j] - rest) * pop[fp.NUMERATOR], bits, rounding)
    elif pop[fp.LEAK] == fp.LEAK_SHIFT:
        for j in range(n):
            wide[j] -= shift_right(wide[j] - rest, bits, rounding)
    else:
        amount = pop[fp.AMOUNT]
        for j in range(n):
            away = wide[j] - rest
            wide[j] -= min(max(away, -amount), amount)


@inner
def leak_float(wide, n, numbers, kind):
    rest = numbers[fp.REST_F]
    if kind == fp.LEAK_MULTIPLY:
        for j in range(n):
            wide[j] = rest + (wide[j] - rest) * numbers[fp.KEEP_F]
    elif kind == fp.LEAK_SHIFT:
        for j in range(n):
            wide[j] = wide[j] - (wide[j] - rest) * numbers[fp.REMOVE_F]
    else:
        amount = numbers[fp.AMOUNT_F]
        for j in range(n):
            v = wide[j]
            away = v - rest
            moved = v - amount if away > 0 else v + amount
            wide[j] = rest if abs(away) <= amount else moved


@inner
def input_int(wide, n, pop, current, bias):
    shift = pop[fp.SHIFT]
    if pop[fp.DECAY_INPUT]:
        bits, rounding = pop[fp.LEAK_BITS], pop[fp.ROUNDING]
        share = (np.int64(1) << bits) - pop[fp.NUMERATOR] if pop[fp.LEAK] == fp.LEAK_MULTIPLY else np.int64(1)
        for j in range(n):
            wide[j] += shift_right((np.int64(current[j]) << shift) * share, bits, rounding) + bias[j]
    else:
        for j in range(n):
            wide[j] += (np.int64(current[j]) << shift) + bias[j]


@inner
def input_float(wide, n, pop, numbers, current, bias, synaptic):
    if pop[fp.CURRENT]:
        keep = numbers[fp.CURRENT_F]
        for j in range(n):
            synaptic[j] = (synaptic[j] * keep + current[j]) + bias[j]
        if pop[fp.DECAY_INPUT]:
            for j in range(n):
                wide[j] = wide[j] + synaptic[j] * numbers[fp.REMOVE_F]
        else:
            for j in range(n):
                wide[j] = wide[j] + synaptic[j]
    elif pop[fp.DECAY_INPUT]:
        for j in range(n):
            wide[j] = (wide[j] + current[j] * numbers[fp.REMOVE_F]) + bias[j]
    else:
        for j in range(n):
            wide[j] = (wide[j] + current[j]) + bias[j]


@inner
def limit_float(wide, n, pop, numbers):
    """Nothing below the floor; a clip here is a rule of the neuron, no saturation."""
    if pop[fp.FLOOR]:
        floor = numbers[fp.FLOOR_F]
        for j in range(n):
            wide[j] = max(wide[j], floor)
    return 0


@inner
def limit_int(wide, n, pop):
    """Saturate or wrap; returns how many were clipped."""
    clipped = 0
    if pop[fp.WRAP_BITS]:
        spare = 64 - pop[fp.WRAP_BITS]
        for j in range(n):
            wide[j] = (wide[j] << spare) >> spare
        return clipped
    low, high = pop[fp.LOW], pop[fp.HIGH]
    for j in range(n):
        v = min(max(wide[j], low), high)
        clipped += v != wide[j]
        wide[j] = v
    return clipped


def leak(wide, n, pop, numbers):
    """Rule 2. Skipped by the caller in timestep 0 when the model says so."""


def add_input(wide, n, pop, numbers, current, bias, synaptic):
    """Rule 3. ``current`` is I before the shift that the population's projections share."""


def limit(wide, n, pop, numbers):
    """Rule 5; returns the number of clippings."""


def rest_of(wide, pop, numbers):
    """v_rest in the membrane's type."""


def reset_to(wide, pop, numbers):
    """v_reset in the membrane's type."""


def _is_float(wide) -> bool:
    return isinstance(wide.dtype, types.Float)


@overload(leak)
def _leak(wide, n, pop, numbers):
    if _is_float(wide):
        return lambda wide, n, pop, numbers: leak_float(wide, n, numbers, pop[fp.LEAK])
    return lambda wide, n, pop, numbers: leak_int(wide, n, pop)


@overload(add_input)
def _add_input(wide, n, pop, numbers, current, bias, synaptic):
    if _is_float(wide):
        return lambda wide, n, pop, numbers, current, bias, synaptic: input_float(
            wide, n, pop, numbers, current, bias, synaptic
        )
    return lambda wide, n, pop, numbers, current, bias, synaptic: input_int(wide, n, pop, current, bias)


@overload(limit)
def _limit(wide, n, pop, numbers):
    if _is_float(wide):
        return lambda wide, n, pop, numbers: limit_float(wide, n, pop, numbers)
    return lambda wide, n, pop, numbers: limit_int(wide, n, pop)


@overload(rest_of)
def _rest_of(wide, pop, numbers):
    if _is_float(wide):
        return lambda wide, pop, numbers: numbers[fp.REST_F]
    return lambda wide, pop, numbers: pop[fp.REST]


@overload(reset_to)
def _reset_to(wide, pop, numbers):
    if _is_float(wide):
        return lambda wide, pop, numbers: numbers[fp.RESET_TO_F]
    return lambda wide, pop, numbers: pop[fp.RESET_TO]


@inner
def reset_where(wide, n, pop, numbers, threshold, who):
    """Rules 4 and 7 for the neurons whose byte in ``who`` is 1."""
    if pop[fp.RESET] == fp.RESET_HARD:
        to = reset_to(wide, pop, numbers)
        for j in range(n):
            wide[j] = to if who[j] else wide[j]
    elif pop[fp.RESET] == fp.RESET_SUBTRACT:
        for j in range(n):
            wide[j] = wide[j] - threshold[j] if who[j] else wide[j]


@inner
def cross(wide, n, threshold, strict, fired):
    """Rule 6; returns how many crossed."""
    count = 0
    if strict:
        for j in range(n):
            fired[j] = wide[j] > threshold[j]
            count += fired[j]
    else:
        for j in range(n):
            fired[j] = wide[j] >= threshold[j]
            count += fired[j]
    return count


@inner
def count_spikes(wide, n, threshold, most, fired, counts):
    """Rule 6 for neurons that can send several: whole thresholds in the membrane, at most ``most``."""
    for j in range(n):
        counts[j] = min(np.floor(wide[j] / threshold[j]), most) if fired[j] else 0


@inner
def cross_ternary(wide, n, threshold, strict, fired):
    """Rule 6 for ternary neurons, whose thresholds are positive; returns how many crossed on either side."""
    count = 0
    if strict:
        for j in range(n):
            fired[j] = (wide[j] > threshold[j]) | (-wide[j] > threshold[j])
            count += fired[j]
    else:
        for j in range(n):
            fired[j] = (wide[j] >= threshold[j]) | (-wide[j] >= threshold[j])
            count += fired[j]
    return count


@inner
def reset_ternary(wide, n, pop, numbers, threshold, fired, counts):
    """Rule 7 for them; ``counts`` becomes 1 for a spike of +1, 2 for one of -1, 0 for none."""
    for j in range(n):
        counts[j] = (1 if wide[j] > 0 else 2) if fired[j] else 0
    if pop[fp.RESET] == fp.RESET_HARD:
        to = reset_to(wide, pop, numbers)
        for j in range(n):
            wide[j] = to if counts[j] else wide[j]
    elif pop[fp.RESET] == fp.RESET_SUBTRACT:
        for j in range(n):
            if counts[j]:
                wide[j] = wide[j] - threshold[j] if counts[j] == 1 else wide[j] + threshold[j]


@inner
def reset_counted(wide, n, pop, numbers, threshold, counts):
    """Rule 7 for them."""
    if pop[fp.RESET] == fp.RESET_HARD:
        to = reset_to(wide, pop, numbers)
        for j in range(n):
            wide[j] = to if counts[j] else wide[j]
    elif pop[fp.RESET] == fp.RESET_SUBTRACT:
        for j in range(n):
            wide[j] = wide[j] - threshold.dtype.type(counts[j]) * threshold[j] if counts[j] else wide[j]
