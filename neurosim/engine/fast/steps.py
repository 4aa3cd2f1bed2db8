"""The loop over samples, timesteps and populations: gather, update, emit, record."""

from __future__ import annotations

import numpy as np

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.accumulate import gather_input
from neurosim.engine.fast.compile import U, inner, kernel, pasted
from neurosim.engine.fast.fused import update_fused
from neurosim.engine.fast.neurons import (
    add_input,
    count_spikes,
    cross,
    cross_ternary,
    leak,
    limit,
    reset_counted,
    reset_ternary,
    reset_where,
    rest_of,
)

PACK = np.uint64(0x0102040810204080)
TOP_BYTE = np.uint64(56)
TILE = 32


@inner
def settle(pop, sums, current, marks, pixel_marks, touched, active):
    """Input sums in C order, and who was touched; the channel-last layout of convolutions ends here."""
    n = pop[fp.N]
    if not pop[fp.CHANNEL_LAST]:
        if touched & fp.TOUCHED_ALL:
            active[:] = 1
        elif touched & fp.TOUCHED_NEURONS:
            for j in range(n):
                active[j] = marks[j]
        return sums
    channels, pixels, granules = pop[fp.CHANNELS], pop[fp.PIXELS], pop[fp.GRANULES]
    per_granule = channels // granules
    # A tile of pixels stays in the first cache while its channels are read one after another.
    for first in range(0, pixels, TILE):
        length = U(min(TILE, pixels - first))
        for c in range(channels):
            to, at = U(c * pixels + first), U(first * channels + c)
            for p in range(length):
                current[to + p] = sums[at + p * U(channels)]
    for c in range(channels):
        granule = c // per_granule
        to = c * pixels
        if granules == 1:
            for p in range(U(pixels)):
                active[U(to) + p] = pixel_marks[p]
        else:
            for p in range(pixels):
                active[to + p] = pixel_marks[p * granules + granule]
        if touched & fp.TOUCHED_NEURONS:
            for p in range(pixels):
                active[to + p] |= marks[p * channels + c]
    if touched & fp.TOUCHED_ALL:
        active[:] = 1
    return current


@inner
def clear(pop, sums, marks, pixel_marks, touched):
    n = pop[fp.N]
    sums[:n] = 0
    if touched & fp.TOUCHED_NEURONS:
        marks[:n] = 0
    if touched & fp.TOUCHED_PIXELS:
        pixel_marks[: pop[fp.PIXELS] * pop[fp.GRANULES]] = 0


@pasted
def update_block(pop, numbers, wide, v, synaptic, wait, pending, current, bias, threshold, active, fired, counts, t):
    """One block of a `Lif` population through the rules of `neurosim.snn.neuron`; returns (clipped, spikes)."""
    n = v.size
    rest = rest_of(wide, pop, numbers)
    for j in range(n):
        wide[j] = v[j]
        active[j] |= (v[j] != rest) | (bias[j] != 0) | (synaptic[j] != 0)
    if pop[fp.LEAK] != fp.LEAK_NONE and (t > 0 or pop[fp.LEAK_FIRST]):
        leak(wide, n, pop, numbers)
    add_input(wide, n, pop, numbers, current, bias, synaptic)
    refractory = pop[fp.REFRACTORY] > 0
    if pop[fp.DELAYED]:
        reset_where(wide, n, pop, numbers, threshold, pending)
    if refractory:
        for j in range(n):
            wide[j] = v[j] if wait[j] else wide[j]
    clipped = limit(wide, n, pop, numbers)
    spikes = 0
    if pop[fp.TERNARY]:
        spikes = cross_ternary(wide, n, threshold, pop[fp.STRICT], fired)
    elif pop[fp.SPIKES]:
        spikes = cross(wide, n, threshold, pop[fp.STRICT], fired)
    if refractory:
        for j in range(n):
            waits = wait[j] > 0
            fired[j] = 0 if waits else fired[j]
            wait[j] = wait[j] - 1 if waits else (pop[fp.REFRACTORY] if fired[j] else 0)
            # A waiting neuron keeps its delayed reset; any other has had it.
            pending[j] = pending[j] if waits else fired[j]
    elif pop[fp.DELAYED]:
        for j in range(n):
            pending[j] = fired[j]
    if pop[fp.MOST] > 1:
        count_spikes(wide, n, threshold, pop[fp.MOST], fired, counts)
        reset_counted(wide, n, pop, numbers, threshold, counts)
        limit(wide, n, pop, numbers)
    elif pop[fp.TERNARY]:
        reset_ternary(wide, n, pop, numbers, threshold, fired, counts)
        clipped += limit(wide, n, pop, numbers)
    elif spikes and not pop[fp.DELAYED]:
        reset_where(wide, n, pop, numbers, threshold, fired)
        if pop[fp.RESET] == fp.RESET_SUBTRACT or pop[fp.FLOOR]:
            clipped += limit(wide, n, pop, numbers)
    for j in range(n):
        v[j] = wide[j]
    return clipped, spikes


@pasted
def update_lif(tables, work, p, t, current):
    """All blocks of population p; returns an upper bound of its spikes."""
    pop, numbers = tables.pop[p], tables.pop_float[p]
    if pop[fp.FUSED]:
        work.saturations[p] += update_fused(
            pop, numbers, work.narrow, work.v, work.pending, work.active, work.fired, tables.fused_threshold,
            tables.fused_bias, current, t,
        )  # fmt: skip
        return pop[fp.N]
    total = 0
    for a in range(0, pop[fp.N], fp.BLOCK):
        b = min(a + fp.BLOCK, pop[fp.N])
        here = slice(pop[fp.START] + a, pop[fp.START] + b)
        fired = work.fired[a:b]
        if not pop[fp.SPIKES]:
            fired[:] = 0
        clipped, spikes = update_block(
            pop, numbers, work.wide, work.v[here], work.synaptic[here], work.wait[here], work.pending[here],
            current[a:b], tables.bias[here], tables.threshold[here], work.active[here], fired, work.counts[a:b], t,
        )  # fmt: skip
        work.saturations[p] += clipped
        total += spikes
    return total


@inner
def emit_fired(pop, fired, fired_words, listed, neuron, used):
    """Append the neurons whose ``fired`` byte is 1, eight at a time; returns the new end."""
    n, start, end = pop[fp.N], pop[fp.START], U(used)
    words = (n + 7) // 8
    for j in range(n, words * 8):
        fired[j] = 0
    # Written always, kept if there is something in it: no branch to mispredict. Both lists have room for one too many.
    n_listed = U(0)
    for word in range(U(words)):
        listed[n_listed] = word
        n_listed += U(fired_words[word] != U(0))
    for i in range(n_listed):
        first = U(listed[i]) * U(8)
        for j in range(first, first + U(8)):
            neuron[end] = U(start) + j
            end += U(fired[j])
    return np.int64(end)


@inner
def emit_counts(pop, counts, neuron, value, used):
    """Append the neurons that fired with how often they did."""
    for j in range(pop[fp.N]):
        if counts[j]:
            neuron[used] = pop[fp.START] + j
            value[used] = counts[j]
            used += 1
    return used


@inner
def emit_ternary(pop, counts, neuron, value, used):
    """Append the neurons that fired with the sign of their spike."""
    for j in range(pop[fp.N]):
        if counts[j]:
            neuron[used] = pop[fp.START] + j
            value[used] = 1 if counts[j] == 1 else -1
            used += 1
    return used


@inner
def emit_relay(pop, broken, current, neuron, value, used):
    """Append a spike for each input that is not zero; counts in ``broken`` (1,) values that do not fit."""
    start, end = pop[fp.START], U(used)
    for j in range(U(pop[fp.N])):
        # Written always, kept if it is not zero: no branch to mispredict.
        neuron[end] = U(start) + j
        end += U(current[j] != 0)
    if pop[fp.GRADED]:
        low, high, scale = pop[fp.LOW], pop[fp.HIGH], 1 << pop[fp.SHIFT]
        outside = 0
        for k in range(U(used), end):
            x = current[U(neuron[k] - start)] * scale
            outside += (x < low) | (x > high)
            value[k] = x
        broken[0] += outside
    return np.int64(end)


@inner
def copy_stimulus(pop, active, stimulus_neuron, stimulus_value, a, b, neuron, value, used):
    """Append the spikes of the stimulus that belong to an input population."""
    low, n, start = pop[fp.STIMULUS_START], pop[fp.N], pop[fp.START]
    for k in range(a, b):
        j = stimulus_neuron[k] - low
        if 0 <= j < n:
            neuron[used] = start + j
            active[start + j] = 1
            if value.size:
                value[used] = stimulus_value[k] if stimulus_value.size else 1
            used += 1
    return used


@kernel
def run_steps(tables, work, stimulus, timesteps, chunk, s, t, used, first, last, neuron, value, active, membrane):
    """Samples ``chunk`` = (s0, s1), going on at sample s, timestep t with ``used`` spikes in ``neuron``.

    ``stimulus`` = (ptr, neuron, value). ``first`` and ``last`` (samples * timesteps, n_populations) and ``neuron``,
    ``value`` are of this chunk; ``active`` and ``membrane`` of all samples. Returns (s, t, used); s == s1 when done,
    else the spike buffer is nearly full and a call with a longer one goes on.
    """
    n_populations, n_neurons = tables.pop.shape[0], work.v.size
    # Named here, not in the loops: each look into a tuple counts a reference, and handing over a whole tuple counts one
    # for each of its arrays.
    v, v_init, wait, pending, active_words = work.v, tables.v_init, work.wait, work.pending, work.active_words
    synaptic = work.synaptic
    while s < chunk[1]:
        if t == 0:
            for j in range(n_neurons):
                v[j] = v_init[j]
                synaptic[j] = 0
                wait[j] = 0
                pending[j] = 0
        while t < timesteps:
            if used + n_neurons >= neuron.size:
                return s, t, used
            row = (s - chunk[0]) * timesteps + t
            for i in range(n_populations):
                p = tables.order[i]
                pop = tables.pop[p]
                first[row, p] = used
                if pop[fp.KIND] == fp.INPUT:
                    a, b = stimulus[0][s * timesteps + t], stimulus[0][s * timesteps + t + 1]
                    used = copy_stimulus(pop, work.active, stimulus[1], stimulus[2], a, b, neuron, value, used)
                else:
                    used = step_population(tables, work, p, t, row, first, last, neuron, value, used)
                last[row, p] = used
            out = active[s * timesteps + t]
            for word in range(active_words.size):
                out[word] = (active_words[word] * PACK) >> TOP_BYTE
                active_words[word] = 0
            t += 1
        for j in range(n_neurons):
            membrane[s, j] = v[j]
        s += 1
        t = 0
    return s, t, used


@inner
def step_population(tables, work, p, t, row, first, last, neuron, value, used):
    """Gather, update and emit one population in one timestep; returns the new end of the spikes."""
    pop = tables.pop[p]
    touched = gather_input(tables, work, p, t, row, first, last, neuron, value)
    current = work.sums
    if touched & fp.ARRIVED:
        active = work.active[pop[fp.START] : pop[fp.START] + pop[fp.N]]
        current = settle(pop, work.sums, work.current, work.marks, work.pixel_marks, touched, active)
    start = used
    if pop[fp.KIND] == fp.LIF:
        spikes = update_lif(tables, work, p, t, current)
        if spikes and pop[fp.MOST] > 1:
            used = emit_counts(pop, work.counts, neuron, value, used)
        elif spikes and pop[fp.TERNARY]:
            used = emit_ternary(pop, work.counts, neuron, value, used)
        elif spikes:
            used = emit_fired(pop, work.fired, work.fired_words, work.listed, neuron, used)
    elif touched & fp.ARRIVED:
        used = emit_relay(pop, work.broken[p : p + 1], current, neuron, value, used)
    if value.size and not pop[fp.GRADED]:
        value[start:used] = 1
    if touched & fp.ARRIVED:
        clear(pop, work.sums, work.marks, work.pixel_marks, touched)
    return used


@kernel
def collect(first, last, neuron, value, out_neuron, out_value):
    """Spikes of a chunk from update order into population order; returns nothing, fills ``out_*``."""
    used = 0
    for row in range(first.shape[0]):
        for p in range(first.shape[1]):
            for k in range(first[row, p], last[row, p]):
                out_neuron[used] = neuron[k]
                if value.size:
                    out_value[used] = value[k]
                used += 1
