"""How much a weight matters: its magnitude in thresholds of the neuron it drives, so that layers can be compared."""

from __future__ import annotations

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.network import Network, Projection
from neurosim.snn.neuron import Lif


def relative_weights(network: Network, projection: Projection, across: bool) -> np.ndarray:
    """|weight| of a projection over the threshold of the channel it drives, flat float64.

    Populations without a positive threshold (readouts, relays) count in their `Population.unit`, or as stored. Raises
    NeurosimError if ``across`` layers are to be compared and an integer population says neither.
    """
    target = network.population(projection.target)
    c, model = projection.connectivity, target.model
    size = np.abs(c.weights.astype(np.float64)) * 2.0**projection.weight_shift
    per_neuron = None
    if isinstance(model, Lif) and model.threshold is not None:
        theta = model.per_neuron("threshold", target.shape, f"population {target.name!r}").astype(np.float64)
        per_neuron = theta if (theta > 0).all() else None
    if per_neuron is None and target.unit is not None:
        per_neuron = np.repeat(1.0 / target.unit, target.n_neurons // target.unit.size)
    if per_neuron is None:
        if across and network.is_integer:
            raise NeurosimError(
                f"prune: population {target.name!r} has integers without a unit, so {projection.name} cannot be "
                "compared with other layers; use scope='layer'"
            )
        return size.ravel()
    if c.kind == "conv":
        by_channel = per_neuron.reshape(target.shape[0], -1).mean(axis=1)
        return (size / by_channel[:, None, None, None]).ravel()
    return (size / (per_neuron[c.indices] if c.kind == "sparse" else per_neuron)).ravel()
