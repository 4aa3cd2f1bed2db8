"""Through which kernel taps a spike reaches a block: what rows of different length cost."""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.mapping.banks import input_pixel, places
from neurosim.mapping.reach import ConvReach


def tap_windows(reach: ConvReach, neurons: np.ndarray, touched: np.ndarray) -> np.ndarray:
    """Output pixels of the block that each touched (group, input pixel) reaches by each tap, (n_touched, taps)."""
    channel, pixel = np.divmod(neurons.astype(np.int64), reach.out_pixels)
    windows = np.unique(channel // reach.per_group * reach.out_pixels + pixel)
    return _tap_windows(windows, reach.shape, places(reach, touched), touched.size)


@njit(cache=True, nogil=True)
def _tap_windows(windows, shape, place, n):
    in_pixels, out_pixels, taps = shape[0] * shape[1], shape[2] * shape[3], shape[4] * shape[5]
    count = np.zeros((n, taps), np.int64)
    for window in windows:
        group, pixel = divmod(window, out_pixels)
        for tap in range(taps):
            at = input_pixel(shape, pixel, tap)
            if at >= 0:
                count[place[group * in_pixels + at], tap] += 1
    return count
