"""Which inputs a block of neurons reaches: the inner loops of the memory layout, over scratch that is never copied.

Each function counts into zeroed scratch arrays, lists what it touched, and leaves the scratch zero again, so the cost
of a block follows the block's size and not the layer's.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.snn.connectivity import Conv2d, Shape


class ConvReach:
    """Reverse windows of one convolution: from output neurons to (group, input pixel).

    A group's input pixels stand for all its input channels, which are reached alike.
    """

    def __init__(self, conv: Conv2d, source: Shape, target: Shape) -> None:
        self.groups = conv.groups
        self.in_group = conv.weights.shape[1]
        self.in_pixels = source[1] * source[2]
        self.out_pixels = target[1] * target[2]
        self.per_group = conv.weights.shape[0] // conv.groups
        self.shape = np.array(
            [
                *(source[1], source[2], target[1], target[2], *conv.kernel),
                *(*conv.stride, *conv.padding, *conv.dilation, self.per_group),
            ],
            np.int64,
        )
        self._channel = np.zeros(conv.weights.shape[0], np.int64)
        self._output = np.zeros(conv.groups * target[1] * target[2], np.int64)
        self._windows = np.zeros(conv.groups * self.in_pixels, np.int64)
        self._hits = np.zeros(conv.groups * self.in_pixels, np.int64)

    def of(self, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """For output neurons (n,): touched ``group * in_pixels + pixel`` in no order; for each, the output pixels
        (windows) and the connections (windows x channels there) it reaches; and the block's channels by group."""
        scratch = self._channel, self._output, self._windows, self._hits
        return _conv_reach(neurons, self.shape, self.groups, *scratch)


@njit(cache=True, nogil=True)
def _conv_reach(neurons, shape, groups, channel_seen, output_count, windows, hits):
    in_h, in_w, out_h, out_w, kernel_h, kernel_w = shape[0], shape[1], shape[2], shape[3], shape[4], shape[5]
    stride_y, stride_x, pad_y, pad_x, step_y, step_x = shape[6], shape[7], shape[8], shape[9], shape[10], shape[11]
    per_group = shape[12]
    in_pixels, out_pixels = in_h * in_w, out_h * out_w
    channels = np.zeros(groups, np.int64)
    outputs = np.empty(neurons.size, np.int64)
    n_outputs = 0
    for neuron in neurons:
        channel, pixel = divmod(np.int64(neuron), out_pixels)
        group = channel // per_group
        if channel_seen[channel] == 0:
            channel_seen[channel] = 1
            channels[group] += 1
        key = group * out_pixels + pixel
        if output_count[key] == 0:
            outputs[n_outputs] = key
            n_outputs += 1
        output_count[key] += 1
    touched = np.empty(min(n_outputs * kernel_h * kernel_w, windows.size), np.int64)
    n_touched = 0
    for i in range(n_outputs):
        key = outputs[i]
        group, pixel = divmod(key, out_pixels)
        top, left = pixel // out_w * stride_y - pad_y, pixel % out_w * stride_x - pad_x
        for tap_y in range(kernel_h):
            y = top + tap_y * step_y
            if y < 0 or y >= in_h:
                continue
            for tap_x in range(kernel_w):
                x = left + tap_x * step_x
                if x < 0 or x >= in_w:
                    continue
                at = group * in_pixels + y * in_w + x
                if windows[at] == 0:
                    touched[n_touched] = at
                    n_touched += 1
                windows[at] += 1
                hits[at] += output_count[key]
    touched = touched[:n_touched].copy()
    found_windows, found_hits = windows[touched], hits[touched]
    for at in touched:
        windows[at] = 0
        hits[at] = 0
    for i in range(n_outputs):
        output_count[outputs[i]] = 0
    for neuron in neurons:
        channel_seen[neuron // out_pixels] = 0
    return touched, found_windows, found_hits, channels


class ListReach:
    """Reverse of stored connections (sparse, pooling): from target neurons to the sources that reach them."""

    def __init__(self, indptr: np.ndarray, indices: np.ndarray, n_targets: int) -> None:
        self.n_sources = n_sources = indptr.size - 1
        order = stable_order(indices, n_targets)
        self.origin = np.repeat(np.arange(n_sources, dtype=np.int32), np.diff(indptr))[order]
        self.ptr = np.zeros(n_targets + 1, np.int64)
        np.cumsum(np.bincount(indices, minlength=n_targets), out=self.ptr[1:])
        self._count = np.zeros(n_sources, np.int64)

    def of(self, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sources with a connection to any of ``neurons``, ascending, and how many each has."""
        return _list_reach(neurons, self.ptr, self.origin, self._count)


@njit(cache=True, nogil=True)
def _list_reach(neurons, ptr, origin, count):
    entries = 0
    for neuron in neurons:
        entries += ptr[neuron + 1] - ptr[neuron]
    sources = np.empty(min(entries, count.size), np.int64)
    n = 0
    for neuron in neurons:
        for e in range(ptr[neuron], ptr[neuron + 1]):
            source = origin[e]
            if count[source] == 0:
                sources[n] = source
                n += 1
            count[source] += 1
    # Scanning is cheaper than sorting once a good part of all sources is there.
    sources = np.flatnonzero(count) if 8 * n > count.size else np.sort(sources[:n])
    found = count[sources]
    for source in sources:
        count[source] = 0
    return sources, found


@njit(cache=True, nogil=True)
def stable_order(values, n_values):
    """The stable order of small integers, by counting: what came first stays first."""
    place = np.zeros(n_values + 1, np.int64)
    for value in values:
        place[value + 1] += 1
    for i in range(n_values):
        place[i + 1] += place[i]
    order = np.empty(values.size, np.int32)
    for i in range(values.size):
        order[place[values[i]]] = i
        place[values[i]] += 1
    return order
