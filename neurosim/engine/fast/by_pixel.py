"""Convolution of many spikes with int8 kernels: the channels of a source pixel together.

All spikes of one source pixel add to the same runs of sums, each its own row of weights. Taken four at a time, a sum is
loaded and stored once for four additions, and the walk over the runs is paid once. Integer sums do not mind the order;
float sums do, and take `accumulate.add_conv`.
"""

from __future__ import annotations

import numpy as np
from numba import types
from numba.extending import overload

from neurosim.engine.fast import function_plan as fp
from neurosim.engine.fast.compile import U, inner, pasted

FEWEST_CHANNELS = 4


@inner
def mark_runs(seen, listed, n_listed, marks, ptr, entry, q, granules):
    """Mark the output pixels that the ``listed`` (group, source pixel) reach, in the granules of their group."""
    pixels, own = q[fp.IN_PIXELS], q[fp.P_GRANULES]
    for i in range(n_listed):
        seen[listed[U(i)]] = 0
        group, pixel = divmod(np.int64(listed[U(i)]), pixels) if own != granules else (0, np.int64(listed[U(i)]))
        row = U(q[fp.TABLE] + pixel)
        for e in range(U(ptr[row]), U(ptr[row + U(1)]), U(3)):
            first, length = U(entry[e]), U(entry[e + U(2)])
            if granules == 1:
                for out in range(first, first + length):
                    marks[out] = 1
            else:
                for out in range(first, first + length):
                    for j in range(out * U(granules) + U(group * own), out * U(granules) + U((group + 1) * own)):
                        marks[j] = 1


def by_pixel_pays(weights, q, n_spikes):
    """Whether enough spikes share a pixel: one group of kernels, and on average a spike for every other pixel."""


@overload(by_pixel_pays, inline="always")
def _by_pixel_pays(weights, q, n_spikes):
    if weights.dtype != types.int8:
        return lambda weights, q, n_spikes: False
    return lambda weights, q, n_spikes: (
        q[fp.IN_GROUP] >= FEWEST_CHANNELS and q[fp.GROUP_SIZE] == q[fp.OUT_CHANNELS] and 2 * n_spikes >= q[fp.IN_PIXELS]
    )


@pasted
def add_rows(sums, weights, to, row, x, weight, n, length, plain):
    """``n`` of four rows of weights to the sums from ``to``; row i is ``x[i]`` (1 if ``plain``) times the weights from
    ``row[i] + weight``. Every product is cut to the type of the sums, which holds it, so that the lanes stay narrow."""
    cut = sums.dtype.type
    a, b, c, d = U(row[0]) + weight, U(row[1]) + weight, U(row[2]) + weight, U(row[3]) + weight
    xa, xb, xc, xd = x[0], x[1], x[2], x[3]
    if n == 4 and plain:
        for j in range(length):
            sums[to + j] += cut(cut(weights[a + j] + weights[b + j]) + cut(weights[c + j] + weights[d + j]))
    elif n == 4:
        for j in range(length):
            first = cut(cut(xa * weights[a + j]) + cut(xb * weights[b + j]))
            sums[to + j] += cut(first + cut(cut(xc * weights[c + j]) + cut(xd * weights[d + j])))
    else:
        if n >= 2:
            for j in range(length):
                sums[to + j] += cut(cut(xa * weights[a + j]) + cut(xb * weights[b + j]))
        if n != 2:
            last, scale = (c, xc) if n == 3 else (a, xa)
            for j in range(length):
                sums[to + j] += cut(scale * weights[last + j])


@inner
def chain_up(seen, listed, chain, q, neuron, start, stop, offset):
    """List the source pixels that spike, and chain the spikes of each; returns how many pixels.

    ``chain`` (3, n): by pixel its last spike; by spike the one before it at its pixel, or -1; by spike the row of its
    channel's kernels.
    """
    pixels, channel_size = q[fp.IN_PIXELS], q[fp.TAPS] * q[fp.GROUP_SIZE]
    low, high, kernel, n_listed = offset, offset, q[fp.BASE], U(0)
    for k in range(start, stop):
        source = np.int64(neuron[U(k)])
        if source >= high:
            # Sources ascend: a division for each channel, not for each spike.
            channel = (source - offset) // pixels
            low, high = offset + channel * pixels, offset + (channel + 1) * pixels
            kernel = q[fp.BASE] + channel * channel_size
        pixel, at = U(source - low), U(k - start)
        # Written always, kept if new: no branch to mispredict.
        listed[n_listed] = pixel
        n_listed += U(1 - seen[pixel])
        chain[1, at] = chain[0, pixel] if seen[pixel] else -1
        chain[2, at] = kernel
        chain[0, pixel] = at
        seen[pixel] = 1
    return np.int64(n_listed)


@inner
def add_by_pixel(
    sums, seen, listed, chain, marks, weights, ptr, entry, q, gain, granules, neuron, value, graded, start, stop, offset
):
    """What `accumulate.add_conv` does, pixel by pixel."""
    n_listed = chain_up(seen, listed, chain, q, neuron, start, stop, offset)
    size, channels, plain = q[fp.GROUP_SIZE], q[fp.OUT_CHANNELS], q[fp.PLAIN] != 0
    row, x = np.zeros(4, np.int64), np.zeros(4, sums.dtype)
    for i in range(n_listed):
        table = U(q[fp.TABLE] + listed[U(i)])
        spike = np.int64(chain[0, U(listed[U(i)])])
        while spike >= 0:
            n = 0
            while spike >= 0 and n < 4:
                row[n] = chain[2, U(spike)]
                x[n] = gain * value[U(start + spike)] if graded else gain
                spike = np.int64(chain[1, U(spike)])
                n += 1
            for e in range(U(ptr[table]), U(ptr[table + U(1)]), U(3)):
                to, weight = U(entry[e] * channels), U(entry[e + U(1)] * size)
                length = U(entry[e + U(2)] * size)
                add_rows(sums, weights, to, row, x, weight, n, length, plain)
    mark_runs(seen, listed, n_listed, marks, ptr, entry, q, granules)
