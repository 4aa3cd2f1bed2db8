"""The generator that rounds changes of weights at random: a xorshift of 64 bits."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def draw(state):
    """The next 64 bits; ``state`` (1,) uint64, never 0, is moved on."""
    r = state[0]
    r ^= r << np.uint64(13)
    r ^= r >> np.uint64(7)
    r ^= r << np.uint64(17)
    state[0] = r
    return r
