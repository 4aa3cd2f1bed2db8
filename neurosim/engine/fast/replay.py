"""The input current of one population in one timestep, summed as every engine sums it."""

from __future__ import annotations

from numba import njit


@njit(cache=True)
def add_rows(neurons, values, indptr, indices, weights, current):
    """Add the rows of ``neurons`` (ascending) times ``values`` to ``current`` (n_target,), one addition each."""
    for k in range(neurons.size):
        for place in range(indptr[neurons[k]], indptr[neurons[k] + 1]):
            current[indices[place]] += values[k] * weights[place]
