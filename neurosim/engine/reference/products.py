"""The products of `neurosim.snn.products` as formulas over whole planes of one timestep."""

from __future__ import annotations

import numpy as np

from neurosim.snn.products import AndPopcount, Product


def product(operator: Product, first: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Integer sums and what was touched, one each for every target neuron in C order, before any shift.

    ``first`` is query (C, tokens) or mask (heads, N, N), ``second`` key or value (C, tokens); all of 0 and 1.
    """
    heads = operator.heads
    if isinstance(operator, AndPopcount):
        query, key = (plane.reshape(heads, plane.shape[0] // heads, -1) for plane in (first, second))
        sums = np.einsum("hci,hcj->hij", query, key).ravel()
        return sums, sums > 0
    value = second.reshape(heads, second.shape[0] // heads, -1)
    sums = np.einsum("hij,hcj->hci", first, value)
    touched = np.broadcast_to(first.any(axis=2)[:, None, :], sums.shape)
    return sums.ravel(), touched.ravel()
