"""Conventions that count operations or widths, and two that price them: NeuroBench, bit budgets, SATA, Yan, Loihi.

A convention whose unit is not the picojoule has no ratio to a chip's energy; its figures stand beside it.
"""

from __future__ import annotations

from math import ceil, log2

from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity, NotGiven
from neurosim.energy.conventions.claim import ARITHMETIC, NEURON, ROUTING, Term

LOIHI_SYNOP_PJ, LOIHI_HOP_PJ, LOIHI_NEURON_PJ = 23.6, 3.5, 81.0
"""keras-spiking's entry for Loihi: 27.1 pJ a synaptic operation = 23.6 + a mean hop, 81 pJ a neuron update."""

YAN_PJ = 0.05448
"""Yan et al. 2024, version 4, 22 nm at 0.8 V: an accumulate, a compare and a subtract cost the same."""

SATA_MAC16 = 0.2779
SATA_UNITS = {
    "and": 0.000794, "accumulate": 0.0389, "add": 0.00967, "compare": 0.00309, "mux": 0.00172, "register": 0.0301,
    "shift": 0.00605,
}  # fmt: skip
"""SATA_Sim's 16-bit primitives in its own unit, which it does not name; a 16-bit MAC is 0.2779 of it."""
SATA_LIF = {"add": 1, "compare": 1, "mux": 2, "register": 3, "shift": 1}


def _updates(activity: NetworkActivity) -> int:
    return sum(layer.outputs * layer.timesteps for layer in activity.weighted if layer.updates)


def neurobench(activity: NetworkActivity) -> list[Term]:
    """Dense operations, effective MACs and ACs of an inference, and neuron updates.

    An operation is an AC when the activation is 0/1; only activations and weights other than zero are effective.
    Where the zero weights are not known, none is taken to be zero. Raises NotGiven for a rate not known.
    """
    dense = macs = acs = 0.0
    for layer in activity.weighted:
        dense += (layer.macs if layer.connections is None else layer.connections) * layer.timesteps
        effective = layer.events_nonzero if layer.events_nonzero is not None else None
        if effective is None:
            effective = layer.macs * layer.timesteps if layer.analog else layer.sops()
        if layer.analog:
            macs += effective
        else:
            acs += effective
    return [
        Term("Dense", ARITHMETIC, dense),
        Term("Eff_MACs", ARITHMETIC, macs),
        Term("Eff_ACs", ARITHMETIC, acs),
        Term("neuron updates", NEURON, _updates(activity)),
    ]


def keras_spiking(activity: NetworkActivity) -> list[Term]:
    """Synaptic operations x 27.1 pJ + neuron updates x T x 81 pJ (its Loihi entry). Raises NotGiven for rates."""
    synops = sum(layer.sops() for layer in activity.weighted)
    return [
        Term("synaptic operations", ARITHMETIC, synops, LOIHI_SYNOP_PJ),
        Term("a mean hop for each of them", ROUTING, synops, LOIHI_HOP_PJ),
        Term("neuron updates", NEURON, _updates(activity), LOIHI_NEURON_PJ),
    ]


def _bits(layer: LayerActivity) -> float:
    if layer.weight_bits is None:
        raise NotGiven(f"layer {layer.name}: the bits of its weights are not known")
    if layer.input_bits is None:
        raise NotGiven(f"layer {layer.name}: the bits of its input are not known")
    return layer.timesteps * layer.weight_bits * layer.input_bits


def bit_budget(activity: NetworkActivity) -> list[Term]:
    """BB = T b_w b_s of each layer, a property of the network and not a cost of it. Raises NotGiven for widths."""
    return [Term(layer.name, ARITHMETIC, _bits(layer)) for layer in activity.weighted]


def s_ace(activity: NetworkActivity) -> list[Term]:
    """S-ACE = sum of MACs x bit budget: every synapse in every timestep. Raises NotGiven for widths."""
    return [Term(layer.name, ARITHMETIC, layer.macs, _bits(layer)) for layer in activity.weighted]


def ns_ace(activity: NetworkActivity) -> list[Term]:
    """NS-ACE = sum of rate x MACs x bit budget: only those that spikes reach. Raises NotGiven for widths and rates."""
    return [
        Term(layer.name, ARITHMETIC, (1.0 if layer.analog else layer.rate()) * layer.macs, _bits(layer))
        for layer in activity.weighted
    ]


def sata(activity: NetworkActivity) -> list[Term]:
    """SATA, forward pass, in 16-bit MACs: AND and accumulate a dense synapse and step; a LIF update of 8 primitives.

    Its memory terms need a mapping onto its buffers, which the activity does not hold, and are left out.
    """
    synapses = sum(layer.macs * layer.timesteps for layer in activity.weighted)
    terms = [
        Term(f"synapse: {name}", ARITHMETIC, synapses, SATA_UNITS[name] / SATA_MAC16) for name in ("and", "accumulate")
    ]
    updates = _updates(activity)
    return terms + [
        Term(f"neuron update: {name}", NEURON, n * updates, SATA_UNITS[name] / SATA_MAC16)
        for name, n in SATA_LIF.items()
    ]


def yan_compute(activity: NetworkActivity) -> list[Term]:
    """Yan et al. 2024, computation only: an accumulate a spike and synapse, a compare a neuron and step, a subtract a
    spike. Their movement of data (3.0 pJ a bit and hop when sparse, 0.25 when dense) needs hops that are not known.
    Raises NotGiven for an analog input and for rates.
    """
    if analog := next((layer for layer in activity.weighted if layer.analog), None):
        raise NotGiven(f"layer {analog.name}: an analog input, for which no price of a MAC was read")
    out = sum(layer.spikes_out() for layer in activity.weighted if layer.updates and layer.rate_out is not None)
    return [
        Term("accumulates", ARITHMETIC, sum(layer.sops() for layer in activity.weighted), YAN_PJ),
        Term("compares", NEURON, _updates(activity), YAN_PJ),
        Term("subtracts", NEURON, out, YAN_PJ),
    ]


def yan_twin_bits(timesteps: int) -> int:
    """Bits of the activations of Yan et al.'s fair ANN twin: ceil(log2(T + 1))."""
    return ceil(log2(timesteps + 1))


def yan_rate_bounds(timesteps: int, zero_share: float) -> tuple[float, float]:
    """Least and greatest firing rate that can carry the twin's activations, of which ``zero_share`` are zero."""
    return (1 - zero_share) / timesteps, 1 - zero_share


def yan_computes_less(timesteps: int, rate: float, zero_share: float, mac_over_ac: float) -> bool:
    """Yan et al.'s condition on computation alone, T r < k (1 - g): necessary for the SNN to win, not sufficient."""
    return timesteps * rate < mac_over_ac * (1 - zero_share)
