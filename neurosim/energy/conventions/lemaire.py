"""Lemaire et al. 2022: operations, memory accesses and address computation of a spiking network.

As its reference implementation counts them (which differs from the article's text in places). A memory access costs
13.2 + 1.09e-5 n b pJ, n elements of b bits being the memory that holds the tensor (a line through Horowitz' three SRAM
points), read and write alike. Event-driven: th_in spikes enter a layer, th_out leave it, over all T timesteps.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity, NotGiven
from neurosim.energy.conventions.claim import ARITHMETIC, CONTROL, MEMBRANE, NEURON, ROUTING, WEIGHTS, Term

RAM_BASE_PJ, RAM_SLOPE_PJ = 13.2, 1.09e-5


@dataclass(frozen=True)
class Width:
    """Operands of ``bits`` bits, pJ of an addition and of a multiplication."""

    bits: int
    add: float
    multiply: float


INT32 = Width(32, 0.1, 3.1)
INT8 = Width(8, 0.03, 0.2)


def ram_pj(elements: int, bits: int) -> float:
    """pJ of one access to a memory of ``elements`` words of ``bits`` bits."""
    return RAM_BASE_PJ + RAM_SLOPE_PJ * elements * bits


def spiking_layers(activity: NetworkActivity) -> Iterator[LayerActivity]:
    """The layers, all of a kind that the formulas are for; NotGiven at the first that is not."""
    for layer in activity.without_attention("no rule for attention"):
        if layer.kind not in ("conv", "dense") or layer.groups != 1:
            raise NotGiven(f"layer {layer.name}: has rules for plain convolutions and dense layers only")
        if layer.analog:
            raise NotGiven(f"layer {layer.name}: an analog input has no spikes to count (th_in)")
        yield layer


def lemaire(activity: NetworkActivity, width: Width = INT32) -> list[Term]:
    """E_mem + E_ops + E_addr, summed over layers. Raises NotGiven for attention, sparse layers, rates not known."""
    return [term for layer in spiking_layers(activity) for term in _layer(layer, width)]


def _layer(layer: LayerActivity, width: Width) -> list[Term]:
    into = layer.spikes_in()
    out = layer.spikes_out() if layer.updates else 0.0
    updates = layer.timesteps * layer.outputs
    conv = layer.kind == "conv"
    touched = into * layer.cout * (layer.taps if conv else 1)
    accumulated = into * layer.cout * (layer.windows if conv else 1)
    weights_pj = ram_pj(layer.weights, width.bits)
    state_pj = ram_pj(layer.outputs, width.bits)
    mac = width.add + width.multiply
    terms = [
        Term(f"{layer.name}: input reads", ROUTING, into, ram_pj(layer.neurons_in, width.bits)),
        Term(f"{layer.name}: weight reads", WEIGHTS, touched, weights_pj),
        Term(f"{layer.name}: potential reads and writes", MEMBRANE, 2 * (touched + updates), state_pj),
        Term(f"{layer.name}: accumulations", ARITHMETIC, accumulated, width.add),
        Term(f"{layer.name}: bias and reset additions", NEURON, updates + out, width.add),
    ]
    if conv:
        # The implementation counts these for convolutions alone.
        terms += [
            Term(f"{layer.name}: bias reads", WEIGHTS, updates, ram_pj(layer.cout, width.bits)),
            Term(f"{layer.name}: output writes", ROUTING, out, ram_pj(layer.outputs, width.bits)),
            Term(f"{layer.name}: address multiplications", CONTROL, 2 * into, mac),
            Term(f"{layer.name}: address additions", CONTROL, into * layer.taps, width.add),
        ]
        if layer.leaky:
            terms.append(Term(f"{layer.name}: leak", NEURON, updates, mac))
    return terms
