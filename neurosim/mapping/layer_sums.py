"""How wide the sums of a layer can become: the model adds exactly, so a chip with narrower sums is not that model."""

from __future__ import annotations

import numpy as np

from neurosim.snn.network import Network, Projection

FLOAT_BITS = 32


def sum_bits_needed(network: Network, name: str) -> int:
    """Bits of two's complement that hold every sum on the way to any input of a population.

    From the weights alone: all inputs spike with their largest value, and the worst neurons of all projections are
    taken to be the same one. A network in floats needs 32.
    """
    if not network.is_integer:
        return FLOAT_BITS
    into = [p for p in network.projections if p.target == name]
    return sum(_largest(network, p) for p in into).bit_length() + 1


def _largest(network: Network, projection: Projection) -> int:
    """The largest magnitude that one projection can add to one neuron."""
    connectivity = projection.connectivity
    if connectivity.kind == "pool":
        weights = connectivity.size[0] * connectivity.size[1]
    else:
        magnitude = np.abs(np.asarray(connectivity.weights, np.int64))
        if connectivity.kind == "dense":
            weights = magnitude.sum(axis=0).max(initial=0)
        elif connectivity.kind == "conv":
            weights = magnitude.sum(axis=(1, 2, 3)).max()
        elif connectivity.kind == "sparse":
            by_target = np.zeros(network.population(projection.target).n_neurons, np.int64)
            np.add.at(by_target, connectivity.indices, magnitude)
            weights = by_target.max(initial=0)
        else:
            weights = magnitude.max()
    bits = network.value_bits(projection.source)
    value = 1 if bits == 1 or network.is_ternary(projection.source) else (1 << bits) - 1
    return int(weights) * value << projection.weight_shift
