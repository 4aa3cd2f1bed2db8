"""The script that comes with SynA: its own operation counts, oddities kept."""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.energy.conventions.activity import NetworkActivity, NotGiven
from neurosim.energy.conventions.claim import ARITHMETIC, Term

MULTIPLY_PJ, ADD_PJ = 3.7, 0.9


@dataclass(frozen=True)
class MaxPool:
    """A max pooling of ``channels`` x ``height`` x ``width`` outputs with a window of ``size`` squared."""

    channels: int
    height: int
    width: int
    size: int

    @property
    def additions(self) -> int:
        """Of one timestep: the script takes no account of sparsity."""
        return self.channels * self.height * self.width * self.size**2


@dataclass(frozen=True)
class SynaCounts:
    """Operations of one inference. ``ac`` holds max pooling, not the classifier; ``mac`` holds batch norm."""

    mac: float
    ac: float
    classifier_multiplies: float
    classifier_adds: float
    spikes: float
    neurons: int


def syna_counts(activity: NetworkActivity, max_pool: MaxPool | None = None, batch_norm: str = "mac") -> SynaCounts:
    """Counts as the script takes them.

    A convolution is (C_in k k - 1) H W C_out T operations; the first one MACs, the others AC times the rate that the
    script uses. Batch norm is a MAC an output and step (``mac``) or nothing (``folded``, not the script's). The
    classifier is C_in C_out multiplications and C_in C_in additions a step. ``max_pool`` replaces the pooling layers of
    the activity. Raises NotGiven for anything but convolutions, pooling and one classifier.
    """
    mac = ac = multiplies = adds = spikes = 0.0
    neurons = 0
    layers = activity.layers
    dense = [layer for layer in layers if layer.kind == "dense"]
    if len(dense) > 1 or any(layer.kind not in ("conv", "dense", "pool") for layer in layers):
        raise NotGiven("the script knows convolutions, pooling and one classifier at the end, no other layers")
    if not any(layer.kind == "conv" and layer.first for layer in layers):
        raise NotGiven("the script wants a first convolution that reads the input")
    for layer in layers:
        steps = layer.timesteps
        if layer.kind == "dense":
            multiplies += layer.cin * layer.cout * steps
            adds += layer.cin * layer.cin * steps
        elif layer.kind == "pool":
            ac += layer.outputs * layer.taps * steps
        elif layer.live:
            operations = (layer.cin // layer.groups * layer.taps - 1) * layer.outputs * steps
            if layer.first:
                mac += operations
            else:
                ac += operations * layer.rate()
            mac += layer.outputs * steps if batch_norm == "mac" else 0
            spikes += layer.spikes_out()
            neurons += layer.neurons_out
    if max_pool is not None:
        ac += max_pool.additions * activity.timesteps
    return SynaCounts(mac, ac, multiplies, adds, spikes, neurons)


def syna(activity: NetworkActivity, max_pool: MaxPool | None = None, batch_norm: str = "mac") -> list[Term]:
    """3.7 pJ a multiplication and 0.9 an addition, a MAC being one of each. Raises NotGiven (see `syna_counts`)."""
    counts = syna_counts(activity, max_pool, batch_norm)
    return [
        Term("multiply: first convolution, batch norm", ARITHMETIC, counts.mac, MULTIPLY_PJ),
        Term("add: first convolution, batch norm", ARITHMETIC, counts.mac, ADD_PJ),
        Term("add: other convolutions, max pooling", ARITHMETIC, counts.ac, ADD_PJ),
        Term("multiply: classifier", ARITHMETIC, counts.classifier_multiplies, MULTIPLY_PJ),
        Term("add: classifier (C_in x C_in)", ARITHMETIC, counts.classifier_adds, ADD_PJ),
    ]
