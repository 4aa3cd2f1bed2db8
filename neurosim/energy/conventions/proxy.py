"""The standard proxy and its relatives: dense operations times a firing rate times one price an operation.

With FL the dense multiply-accumulates of a layer and timestep, T timesteps and r the rate of a layer's input, the
synaptic operations of a layer are r T FL. No memory, router, leakage or clock is in any of these.
Prices: float32 at 45 nm, MAC 4.6 pJ = 3.7 + 0.9 (Horowitz 2014), and Horowitz' integer rows.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity, NotGiven
from neurosim.energy.conventions.claim import ARITHMETIC, Term


@dataclass(frozen=True)
class Prices:
    """pJ of a multiply-accumulate and of an accumulate."""

    mac: float
    ac: float
    label: str


FLOAT32 = Prices(4.6, 0.9, "float32")
INT8 = Prices(0.23, 0.03, "int8")
INT8_SUM32 = Prices(0.30, 0.10, "int8, 32-bit sums")
INT32 = Prices(3.2, 0.1, "int32")


def _macs(what: str, count: float, prices: Prices) -> Term:
    return Term(f"{prices.label} MAC: {what}", ARITHMETIC, count, prices.mac)


def _acs(what: str, count: float, prices: Prices) -> Term:
    return Term(f"{prices.label} AC: {what}", ARITHMETIC, count, prices.ac)


def _split(layers: tuple[LayerActivity, ...]) -> tuple[list[LayerActivity], list[LayerActivity]]:
    """Layers that read the input, and all others; the first one where none is marked."""
    first = [layer for layer in layers if layer.first] or list(layers[:1])
    return first, [layer for layer in layers if layer not in first]


def ann(activity: NetworkActivity, prices: Prices = FLOAT32) -> list[Term]:
    """E_ANN of the same topology: a MAC for every dense operation, one pass."""
    return [_macs("every layer, once", sum(layer.macs for layer in activity.weighted), prices)]


def proxy(activity: NetworkActivity, first: str = "once", prices: Prices = FLOAT32) -> list[Term]:
    """E_SNN = E_MAC FL_1 + E_AC sum of SOP over the other layers.

    ``first`` is the rule for the layers that read the input: ``once`` (FL_1 counted once), ``every_step`` (T FL_1 r_0,
    r_0 = 1 for an analog input, else the share of inputs that are not zero) or ``spikes`` (accumulates, for an input
    of 0/1). Raises NotGiven for ``spikes`` with an analog input, for a rate not known, and for attention.
    """
    layers = activity.without_attention("the standard proxy has no rule for attention")
    reading, others = _split(layers)
    if first == "once":
        terms = [_macs("first layer, once", sum(layer.macs for layer in reading), prices)]
    elif first == "every_step":
        steps = sum((1.0 if x.analog else x.rate()) * x.timesteps * x.macs for x in reading)
        terms = [_macs("first layer, every timestep", steps, prices)]
    else:
        if any(layer.analog for layer in reading):
            raise NotGiven("the input is analog; this variant is for an input of spikes")
        terms = [_acs("first layer, input spikes", sum(layer.sops() for layer in reading), prices)]
    return [*terms, _acs("other layers, rate x T x FL", sum(layer.sops() for layer in others), prices)]


def counted(activity: NetworkActivity, prices: Prices = FLOAT32) -> list[Term]:
    """Operations that happen: an accumulate a spike and connection, a MAC a dense operation of an analog input.

    Where the standard proxy multiplies a mean rate by all dense operations, those on padding included, this counts: a
    spike at an image's edge meets fewer windows. Every weight of an analog layer is multiplied in every timestep.
    Raises NotGiven where the source holds no count of events (a table of layers), and for attention.
    """
    layers = activity.without_attention("no rule for attention")
    for layer in layers:
        if not layer.analog and layer.events is None:
            raise NotGiven(f"layer {layer.name}: only its mean rate is known, not its events one by one")
    return [
        _macs("inputs that are not 0/1", sum(x.macs * x.timesteps for x in layers if x.analog), prices),
        _acs("events", sum(x.events or 0.0 for x in layers if not x.analog), prices),
    ]


def sdt(activity: NetworkActivity) -> list[Term]:
    """Spike-driven Transformer family: first convolution 4.6 FL, all else 0.9 T r FL. Raises NotGiven for attention."""
    why = "the family's attention rule (T R N d) is known from memory only and is not used"
    reading, others = _split(activity.without_attention(why))
    return [
        _macs("first layer, once", sum(layer.macs for layer in reading), FLOAT32),
        _acs("other layers, rate x T x FL", sum(layer.sops() for layer in others), FLOAT32),
    ]


def sdtrack(activity: NetworkActivity) -> list[Term]:
    """SDTrack: first convolution 4.6 FL, all else 0.9 T D r FL, r a spike and unfolded step. Raises NotGiven."""
    why = "SDTrack's attention is counted from measured sums of QK^T and (QK^T)V, which this activity does not hold"
    reading, others = _split(activity.without_attention(why))
    return [
        _macs("first layer, once", sum(layer.macs for layer in reading), FLOAT32),
        _acs("other layers, rate x T x D x FL", sum(layer.levels * layer.sops() for layer in others), FLOAT32),
    ]


def syops(activity: NetworkActivity, attention: str = "min", first: str = "every_step") -> list[Term]:
    """The syops counter (Spikingformer): MAC where the input is not 0/1, else AC = dense operations x rate.

    Normalisation, neurons, pooling and residual adds are free. ``attention``: K^T V at the smaller of the two rates
    (``min``, as published) or at their product (``product``). ``first``: the first layer T times (``every_step``, as
    published) or ``once``. Raises NotGiven for a rate not known.
    """
    mac = ac = 0.0
    reading, _ = _split(activity.weighted)
    for layer in activity.weighted:
        if layer.analog:
            once = first == "once" and layer in reading
            mac += layer.operations() / (layer.timesteps if once else 1)
        elif layer.kind == "attention_ktv" and attention == "product":
            if layer.rate_k is None or layer.rate_v is None:
                raise NotGiven(f"layer {layer.name}: the rates of K and V apart are not known")
            ac += layer.operations() * layer.rate_k * layer.rate_v
        else:
            ac += layer.operations() * layer.rate()
    return [_macs("inputs that are not 0/1", mac, FLOAT32), _acs("dense operations x rate", ac, FLOAT32)]
