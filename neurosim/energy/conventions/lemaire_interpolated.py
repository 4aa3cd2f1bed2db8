"""Lemaire et al. 2022 as SpikingJelly 2.0.0 reads the article: other memories, and accesses that others leave out.

Against `neurosim.energy.conventions.lemaire` (the reference implementation):

* a memory access follows straight lines through (0, 0), (8 KiB, 10 pJ), (32 KiB, 20 pJ) and (1 MiB, 100 pJ), and stays
  at 100 pJ above, where the other has one line of 13.2 pJ and more;
* spikes wait in queues of 1000 messages, where the other has a memory of one value a neuron;
* dense layers write their spikes and compute addresses too, and their leak counts;
* an address addition is counted for every output channel;
* biases are read and added only where there are any.

Both charge 32-bit operands what Horowitz gives for a 64-bit access. Event-driven layers only, one sample.
"""

from __future__ import annotations

from itertools import pairwise

from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity
from neurosim.energy.conventions.claim import ARITHMETIC, CONTROL, MEMBRANE, NEURON, ROUTING, WEIGHTS, Term
from neurosim.energy.conventions.lemaire import INT32, spiking_layers

WORD_BYTES = 4
QUEUE_MESSAGES = 1000
POINTS = ((0, 0.0), (8192, 10.0), (32768, 20.0), (1 << 20, 100.0))
"""Bytes of a memory and pJ of an access to one of its 32-bit words."""


def access_pj(size_bytes: float) -> float:
    """pJ of one 32-bit access to a memory of ``size_bytes``."""
    for (low, at_low), (high, at_high) in pairwise(POINTS):
        if size_bytes <= high:
            return at_low + (at_high - at_low) * (size_bytes - low) / (high - low)
    return POINTS[-1][1]


def lemaire_interpolated(activity: NetworkActivity) -> list[Term]:
    """E_mem + E_ops + E_addr, summed over layers. Raises NotGiven for attention, sparse layers, rates not known."""
    return [term for layer in spiking_layers(activity) for term in _layer(layer)]


def _layer(layer: LayerActivity) -> list[Term]:
    into = layer.spikes_in()
    conv = layer.kind == "conv"
    touched = into * layer.cout * (layer.taps if conv else 1)
    accumulated = into * layer.cout * (layer.windows if conv else 1)
    values = layer.timesteps * layer.outputs
    queue = access_pj(QUEUE_MESSAGES * WORD_BYTES)
    parameters = access_pj((layer.weights + (layer.cout if layer.bias else 0)) * WORD_BYTES)
    potential = access_pj(layer.outputs * WORD_BYTES)
    mac = INT32.add + INT32.multiply
    terms = [
        Term(f"{layer.name}: input reads", ROUTING, into, queue),
        Term(f"{layer.name}: weight reads", WEIGHTS, touched, parameters),
        Term(f"{layer.name}: potential reads and writes of events", MEMBRANE, 2 * touched, potential),
        Term(f"{layer.name}: accumulations", ARITHMETIC, accumulated, INT32.add),
        Term(f"{layer.name}: address additions", CONTROL, touched, INT32.add),
    ]
    if conv:
        terms.append(Term(f"{layer.name}: address multiplications", CONTROL, 2 * into, mac))
    if layer.bias:
        terms += [
            Term(f"{layer.name}: bias reads", WEIGHTS, values, parameters),
            Term(f"{layer.name}: bias additions", NEURON, values, INT32.add),
        ]
    if layer.updates:
        out = layer.spikes_out()
        terms += [
            Term(f"{layer.name}: potential reads and writes of updates", MEMBRANE, 2 * values, potential),
            Term(f"{layer.name}: reset additions", NEURON, out, INT32.add),
            Term(f"{layer.name}: output writes", ROUTING, out, queue),
        ]
        if layer.leaky:
            terms.append(Term(f"{layer.name}: leak", NEURON, values, mac))
    return terms
