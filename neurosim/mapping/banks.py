"""Which banks one packet's work touches: physical words of weights, and accumulators of the block's neurons.

Address a lies in bank a mod banks. What counts is the fullest bank, so the address at which a region begins does not
matter: it turns all banks alike. Only shared kernels read rows that do not lie one behind another; every other row is
a run of consecutive words, which is spread as evenly as can be.

Accumulators: the one of the block's neuron number i is at address i. Events are issued ``lanes`` at a time in the
order of their weights: by target (dense, sparse, unrolled, pool, identity), or output pixel by output pixel and by
target within a pixel (shared kernels). A group of lanes takes as many turns as its fullest bank needs.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.arch import Chip
from neurosim.mapping.reach import ConvReach, ListReach


def consecutive_turns(n: int, lanes: int, banks: int, ports: int) -> int:
    """Turns of ``n`` events on consecutive accumulators."""
    whole, rest = divmod(n, lanes)
    # The fullest bank holds ceil(n / banks) of them, and ceil(ceil(a / b) / c) = ceil(a / (b c)).
    return whole * -(-lanes // (banks * ports)) + -(-rest // (banks * ports))


class Banks:
    """Accesses of a chip's two memories; each answer is None where the chip does not ask for conflicts."""

    def __init__(self, chip: Chip) -> None:
        self.banks, self.accumulators = 0, ()
        if chip.core.execution != "barrier":
            return  # a layer chip reads its weights in the order of its tiles and keeps sums in a buffer of its own
        synaptic, membrane = chip.core.synaptic_memory, chip.core.membrane_memory
        self.banks = synaptic.banks if synaptic.bank_conflicts else 0
        self.accumulators = (chip.core.synapse.lanes, membrane.banks, membrane.ports) if membrane.bank_conflicts else ()

    def run_reads(self, words: np.ndarray) -> np.ndarray | None:
        """Reads of the fullest bank, (n,) int64, for rows of consecutive words."""
        return -(-words // self.banks) if self.banks else None

    def run_turns(self, n_sources: int, n_targets: int) -> np.ndarray | None:
        """Turns of sources that reach the same ``n_targets`` consecutive accumulators, (n_sources,) int64."""
        if not self.accumulators:
            return None
        return np.full(n_sources, consecutive_turns(n_targets, *self.accumulators), np.int64)

    def list_turns(self, reach: ListReach, neurons: np.ndarray, sources: np.ndarray) -> np.ndarray | None:
        """Turns of each source of stored connections (sparse, pooling), (n_sources,) int64."""
        if not self.accumulators:
            return None
        place = np.full(reach.n_sources, -1, np.int64)
        place[sources] = np.arange(sources.size)
        return _list_turns(neurons, reach.ptr, reach.origin, place, sources.size, *self.accumulators)

    def conv_turns(
        self, reach: ConvReach, neurons: np.ndarray, touched: np.ndarray, by_pixel: bool
    ) -> np.ndarray | None:
        """Turns of a spike from each touched (group, input pixel), (n_touched,) int64."""
        if not self.accumulators:
            return None
        order = np.arange(neurons.size)
        if by_pixel:
            channel, pixel = np.divmod(neurons.astype(np.int64), reach.out_pixels)
            order = np.lexsort((order, pixel, channel // reach.per_group))
        place = places(reach, touched)
        return _conv_turns(neurons, order, reach.shape, place, touched.size, *self.accumulators)

    def kernel_reads(
        self, reach: ConvReach, neurons: np.ndarray, touched: np.ndarray, row_words: np.ndarray, word_length: int
    ) -> np.ndarray | None:
        """Reads of the fullest bank for each touched (group, input pixel) and input channel, (n_touched, in_group).

        Weight (channel i, tap k) of a group is in row (i x taps + k) // ``word_length`` of ``row_words[group]`` words:
        codewords of that length, 1 without a codebook.
        """
        if not self.banks:
            return None
        channel, pixel = np.divmod(neurons.astype(np.int64), reach.out_pixels)
        windows = np.unique(channel // reach.per_group * reach.out_pixels + pixel)
        place = places(reach, touched)
        # Whole rows only turn the banks, so without a codebook one input channel stands for all.
        channels = reach.in_group if word_length > 1 else 1
        reads = [
            _kernel_reads(windows, reach.shape, place, touched.size, row_words, i, word_length, self.banks)
            for i in range(channels)
        ]
        return np.broadcast_to(np.stack(reads, axis=1), (touched.size, reach.in_group))


def places(reach: ConvReach, touched: np.ndarray) -> np.ndarray:
    place = np.full(reach.groups * reach.in_pixels, -1, np.int64)
    place[touched] = np.arange(touched.size)
    return place


@njit(cache=True, nogil=True)
def _issue(k, address, lanes, banks, ports, count, fullest, filled, turns):
    """One event of source ``k``; a full group of lanes is done with as many turns as its fullest bank needs."""
    count[k, address % banks] += 1
    fullest[k] = max(fullest[k], count[k, address % banks])
    filled[k] += 1
    if filled[k] == lanes:
        turns[k] += -(-fullest[k] // ports)
        filled[k] = fullest[k] = 0
        count[k, :] = 0


@njit(cache=True, nogil=True)
def _list_turns(neurons, ptr, origin, place, n, lanes, banks, ports):
    count = np.zeros((n, banks), np.int32)
    fullest, filled, turns = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for i in range(neurons.size):
        for e in range(ptr[neurons[i]], ptr[neurons[i] + 1]):
            _issue(place[origin[e]], i, lanes, banks, ports, count, fullest, filled, turns)
    return turns + -(-fullest // ports)


@njit(cache=True, nogil=True)
def _conv_turns(neurons, order, shape, place, n, lanes, banks, ports):
    in_h, in_w, out_h, out_w, kernel_h, kernel_w = shape[0], shape[1], shape[2], shape[3], shape[4], shape[5]
    count = np.zeros((n, banks), np.int32)
    fullest, filled, turns = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    for i in order:
        channel, pixel = divmod(np.int64(neurons[i]), out_h * out_w)
        for tap in range(kernel_h * kernel_w):
            at = input_pixel(shape, pixel, tap)
            if at >= 0:
                k = place[channel // shape[12] * in_h * in_w + at]
                _issue(k, i, lanes, banks, ports, count, fullest, filled, turns)
    return turns + -(-fullest // ports)


@njit(cache=True, nogil=True)
def input_pixel(shape, pixel, tap):
    """The input pixel that an output pixel sees through a tap; -1 for padding."""
    y = pixel // shape[3] * shape[6] - shape[8] + tap // shape[5] * shape[10]
    x = pixel % shape[3] * shape[7] - shape[9] + tap % shape[5] * shape[11]
    return y * shape[1] + x if 0 <= y < shape[0] and 0 <= x < shape[1] else -1


@njit(cache=True, nogil=True)
def _kernel_reads(windows, shape, place, n, row_words, channel, word_length, banks):
    in_pixels, out_pixels, taps = shape[0] * shape[1], shape[2] * shape[3], shape[4] * shape[5]
    count = np.zeros((n, banks), np.int64)
    for window in windows:
        group, pixel = divmod(window, out_pixels)
        words = row_words[group]
        for tap in range(taps):
            at = input_pixel(shape, pixel, tap)
            if at >= 0:
                k = place[group * in_pixels + at]
                first = (channel * taps + tap) // word_length * words
                for a in range(first, first + words):
                    count[k, a % banks] += 1
    fullest = np.zeros(n, np.int64)
    for k in range(n):
        fullest[k] = count[k].max()
    return fullest
