"""Arriving spikes to input sums: one small kernel a connectivity, for any weight width and sum type.

Every kernel scatters source by source, in ascending order, so that float sums have the reference's order. ``neuron``
holds global numbers; ``start`` .. ``stop`` is one population in one timestep and ``offset`` its first number.
A plain spike adds the weight itself; any other adds ``value * gain * weight``.
"""

from __future__ import annotations

import numpy as np

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.by_pixel import add_by_pixel, by_pixel_pays, mark_runs
from neurosim.engine.fast.compile import U, inner, pasted
from neurosim.engine.fast.products import add_and_popcount, add_masked_sum


@inner
def add_dense_plain(sums, weights, base, n, neuron, start, stop, offset):
    """Four rows at a time, so that a sum is loaded and stored once for four additions."""
    k = start
    while k + 4 <= stop:
        first = base + (neuron[k] - offset) * n
        second = base + (neuron[k + 1] - offset) * n
        third = base + (neuron[k + 2] - offset) * n
        fourth = base + (neuron[k + 3] - offset) * n
        a, b = weights[first : first + n], weights[second : second + n]
        c, d = weights[third : third + n], weights[fourth : fourth + n]
        for j in range(n):
            sums[j] = sums[j] + a[j] + b[j] + c[j] + d[j]
        k += 4
    while k < stop:
        first = base + (neuron[k] - offset) * n
        a = weights[first : first + n]
        for j in range(n):
            sums[j] += a[j]
        k += 1


@inner
def add_dense_scaled(sums, weights, base, n, neuron, value, gain, graded, start, stop, offset):
    for k in range(start, stop):
        x = gain * value[k] if graded else gain
        first = base + (neuron[k] - offset) * n
        row = weights[first : first + n]
        for j in range(n):
            sums[j] += x * row[j]


@inner
def add_conv(
    sums, seen, listed, marks, weights, ptr, entry, q, gain, granules, neuron, value, graded, start, stop, offset
):
    """Runs of (output pixel, output channel), contiguous in the sums and in the kernels.

    ``seen`` (groups, source pixels), zero before and after, and ``listed`` collect whose runs are to be marked, so
    that each is marked once.
    """
    base, taps, size, pixels = q[fp.BASE], q[fp.TAPS], q[fp.GROUP_SIZE], q[fp.IN_PIXELS]
    channels, plain = q[fp.OUT_CHANNELS], q[fp.PLAIN] != 0
    group, low, high, kernel, to_group, n_listed = 0, offset, offset, base, 0, U(0)
    for k in range(start, stop):
        x = gain * value[U(k)] if graded else gain
        source = np.int64(neuron[U(k)])
        if source >= high:
            # Sources ascend: a division for each channel, not for each spike.
            channel = (source - offset) // pixels
            low, high = offset + channel * pixels, offset + (channel + 1) * pixels
            group, kernel = channel // q[fp.IN_GROUP], base + channel * taps * size
            to_group = group * size
        mark = U(group * pixels + source - low)
        # Written always, kept if new: no branch to mispredict.
        listed[n_listed] = mark
        n_listed += U(1 - seen[mark])
        seen[mark] = 1
        row = U(q[fp.TABLE] + source - low)
        for e in range(U(ptr[row]), U(ptr[row + U(1)]), U(3)):
            to, weight = U(entry[e] * channels + to_group), U(kernel + entry[e + U(1)] * size)
            length = U(entry[e + U(2)] * size)
            if length == 1:
                sums[to] += x * weights[weight]
            elif plain:
                for j in range(length):
                    sums[to + j] += weights[weight + j]
            else:
                for j in range(length):
                    sums[to + j] += x * weights[weight + j]
    mark_runs(seen, listed, np.int64(n_listed), marks, ptr, entry, q, granules)


@inner
def add_sparse(sums, marks, weights, ptr, entry, base, table, gain, neuron, value, graded, start, stop, offset):
    for k in range(start, stop):
        x = gain * value[k] if graded else gain
        row = table + neuron[k] - offset
        for e in range(U(ptr[U(row)]), U(ptr[U(row + 1)])):
            j = U(entry[e])
            sums[j] += x * weights[U(base) + e]
            marks[j] = 1


@inner
def add_pool(sums, marks, ptr, entry, q, gain, neuron, value, graded, start, stop, offset):
    pixels, across, along = q[fp.IN_PIXELS], q[fp.CHANNEL_STRIDE], q[fp.PIXEL_STRIDE]
    low, high, to_channel = offset, offset, 0
    for k in range(start, stop):
        x = gain * value[U(k)] if graded else gain
        source = np.int64(neuron[U(k)])
        if source >= high:
            channel = (source - offset) // pixels
            low, high = offset + channel * pixels, offset + (channel + 1) * pixels
            to_channel = channel * across
        row = U(q[fp.TABLE] + source - low)
        e, last = U(ptr[row]), U(ptr[row + U(1)])
        # A `while`, because windows seldom overlap: the loop has one turn, and unrolling it would cost more.
        while e < last:
            j = U(to_channel + entry[e] * along)
            sums[j] += x
            marks[j] = 1
            e += U(1)


@inner
def add_identity(sums, marks, q, gain, neuron, value, graded, start, stop, offset):
    pixels, across, along = q[fp.OUT_PIXELS], q[fp.CHANNEL_STRIDE], q[fp.PIXEL_STRIDE]
    for k in range(start, stop):
        x = gain * value[k] if graded else gain
        channel, pixel = divmod(neuron[k] - offset, pixels)
        j = U(channel * across + pixel * along)
        sums[j] += x
        marks[j] = 1


@pasted
def add_weighted(sums, seen, listed, chain, marks, pixel_marks, weights, ptr, entry, q, gain, granules, neuron, value,
                 graded, start, stop, offset):  # fmt: skip
    """The connectivities that store weights; returns what they touched."""
    if q[fp.P_KIND] == fp.DENSE:
        if q[fp.PLAIN]:
            add_dense_plain(sums, weights, q[fp.BASE], q[fp.FAN_OUT], neuron, start, stop, offset)
        else:
            add_dense_scaled(sums, weights, q[fp.BASE], q[fp.FAN_OUT], neuron, value, gain, graded, start, stop, offset)
        return fp.TOUCHED_ALL
    if q[fp.P_KIND] == fp.CONV and by_pixel_pays(weights, q, stop - start):
        add_by_pixel(
            sums, seen, listed, chain, pixel_marks, weights, ptr, entry, q, gain, granules, neuron, value, graded,
            start, stop, offset,
        )  # fmt: skip
        return fp.TOUCHED_PIXELS
    if q[fp.P_KIND] == fp.CONV:
        add_conv(
            sums, seen, listed, pixel_marks, weights, ptr, entry, q, gain, granules, neuron, value, graded, start, stop,
            offset,
        )  # fmt: skip
        return fp.TOUCHED_PIXELS
    add_sparse(
        sums, marks, weights, ptr, entry, q[fp.BASE], q[fp.TABLE], gain, neuron, value, graded, start, stop, offset
    )  # fmt: skip
    return fp.TOUCHED_NEURONS


@pasted
def gather_input(tables, work, p, t, row, first, last, neuron, value):
    """Sum what arrives at population p in timestep t into ``work.sums``; returns what was touched, as bits.

    ``first`` and ``last`` (rows, n_populations) say where the spikes of each population lie in ``neuron``; ``row`` is
    the row of timestep t, so timestep t - d is d rows above.
    """
    touched = 0
    granules = tables.pop[p, fp.GRANULES]
    ptr, entry = tables.ptr, tables.entry
    sums, seen, listed, marks, pixel_marks = work.sums, work.seen, work.listed, work.marks, work.pixel_marks
    chain = work.chain
    for i in range(tables.pop[p, fp.IN_START], tables.pop[p, fp.IN_STOP]):
        number = tables.incoming[i]
        q = tables.proj[number]
        source, delay, kind = q[fp.SOURCE], q[fp.DELAY], q[fp.P_KIND]
        if delay > t or kind == fp.OPERAND:
            continue
        start, stop = first[row - delay, source], last[row - delay, source]
        if start == stop:
            continue
        touched |= fp.ARRIVED
        offset, gain = tables.pop[source, fp.START], tables.gain[number]
        graded = value.size > 0
        if kind == fp.POOL:
            add_pool(sums, marks, ptr, entry, q, gain, neuron, value, graded, start, stop, offset)
            touched |= fp.TOUCHED_NEURONS
        elif kind == fp.IDENTITY:
            add_identity(sums, marks, q, gain, neuron, value, graded, start, stop, offset)
            touched |= fp.TOUCHED_NEURONS
        elif kind == fp.AND_POPCOUNT or kind == fp.MASKED_SUM:
            other = q[fp.PARTNER]
            a, b, base = first[row, other], last[row, other], tables.pop[other, fp.START]
            if kind == fp.AND_POPCOUNT:
                add_and_popcount(sums, marks, q, gain, neuron, start, stop, offset, a, b, base)
            else:
                add_masked_sum(sums, marks, seen, q, gain, neuron, start, stop, offset, a, b, base)
            touched |= fp.TOUCHED_NEURONS
        elif q[fp.WIDTH] == 0:
            touched |= add_weighted(
                sums, seen, listed, chain, marks, pixel_marks, tables.w8, ptr, entry, q, gain, granules, neuron, value,
                graded, start, stop, offset,
            )  # fmt: skip
        elif q[fp.WIDTH] == 1:
            touched |= add_weighted(
                sums, seen, listed, chain, marks, pixel_marks, tables.w16, ptr, entry, q, gain, granules, neuron, value,
                graded, start, stop, offset,
            )  # fmt: skip
        else:
            touched |= add_weighted(
                sums, seen, listed, chain, marks, pixel_marks, tables.w32, ptr, entry, q, gain, granules, neuron, value,
                graded, start, stop, offset,
            )  # fmt: skip
    return touched
