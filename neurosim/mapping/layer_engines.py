"""Which layers a layer chip can compute in another way: codewords reused, membranes from history. See docs/layer.md.

Codeword reuse: every input channel is convolved once with each codeword of the codebook, and an output channel adds the
map that its index names. It needs whole kernels as codewords, binary spikes, no groups, and a layer cut by channel.

Membranes from history: the membrane of a neuron that never resets is a fixed sum over its input's spikes, so it can be
worked out again in every timestep from the spikes of the timesteps before, and no membrane is stored.
"""

from __future__ import annotations

from math import prod

import numpy as np

from neurosim.mapping.layer_sums import sum_bits_needed
from neurosim.snn.codecs import CodebookCodec
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Leak, Lif


def reuse_projections(network: Network, population: Population) -> list[int]:
    """Positions of the convolutions into a layer, if all of its weights can be reused by codeword; else none."""
    into = [
        i
        for i, p in enumerate(network.projections)
        if p.target == population.name and p.connectivity.event == "synapse"
    ]
    return into if all(_by_codeword(network, network.projections[i]) for i in into) else []


def _by_codeword(network: Network, projection: Projection) -> bool:
    c, codec = projection.connectivity, projection.codec
    return (
        c.kind == "conv"
        and c.groups == 1
        and isinstance(codec, CodebookCodec)
        and codec.word_length == prod(c.kernel)
        and network.is_integer
        and network.value_bits(projection.source) == 1
    )


def reusable(network: Network) -> frozenset[str]:
    """Names of the layers whose codewords can be reused."""
    return frozenset(p.name for p in network.populations if reuse_projections(network, p))


def partial_bits(codec: CodebookCodec) -> int:
    """Bits of two's complement that hold every partial sum of every codeword."""
    return int(np.abs(np.asarray(codec.table, np.int64)).sum(axis=1).max()).bit_length() + 1


def kept_shift(leak: Leak) -> int | None:
    """m where a leak keeps exactly 2^-m of a membrane; -1 where it keeps nothing; None for any other leak.

    Rounding towards zero looks at the sign of the whole membrane, so its parts cannot be halved on their own.
    """
    if leak.rounding == "zero" and leak.kind in ("shift", "multiply"):
        return None
    if leak.kind == "none":
        return 0
    if leak.kind == "shift" and leak.shift in (0, 1):
        return -1 if leak.shift == 0 else 1
    if leak.kind == "multiply" and leak.numerator is not None:
        if leak.numerator == 0:
            return -1
        power = leak.numerator.bit_length() - 1
        if leak.numerator == 1 << power and power <= leak.shift:
            return leak.shift - power
    return None


def history_planes(network: Network, population: Population, timesteps: int) -> tuple[int, str]:
    """Timesteps of its input that a layer's membrane is worked out from; 0 where it must be stored, and why.

    The sums must come out exactly as with a stored membrane: halving may never round what the spikes brought, and no
    membrane may saturate, whatever the spikes.
    """
    model = population.model
    if not isinstance(model, Lif) or model.membrane_bits is None:
        return 0, "not an integer leaky integrate-and-fire layer"
    read = network.readout
    if read is not None and read.kind == "membrane" and read.population == population.name:
        return 0, "the host reads its membranes"
    shift = kept_shift(model.leak)
    if shift is None:
        return 0, f"its {model.leak.kind} leak keeps no power of two of the membrane"
    if model.refractory or model.reset_delay or model.decay_input or model.v_rest or model.v_init.any():
        return 0, "refractory steps, a delayed reset, decayed inputs, or a rest or start other than 0"
    into = [p for p in network.projections if p.target == population.name]
    graded = [p.source for p in into if network.value_bits(p.source) > 1]
    if graded:
        return 0, f"{graded[0]} sends graded spikes"
    if shift < 0:
        return 1, ""
    if model.reset != "none":
        return 0, f"its membranes are reset ({model.reset})"
    exact = min((p.weight_shift for p in into), default=0)
    if shift * (timesteps - 1) > exact:
        return 0, (
            f"halving would round: {shift * (timesteps - 1)} bits below the point in {timesteps} timesteps, weights "
            f"leave {exact}; give a larger weight_shift"
        )
    # Sums of all timesteps are at most twice the largest with a leak, and add up without one.
    most = (1 << (sum_bits_needed(network, population.name) - 1)) + int(np.abs(model.bias).max())
    if most * (2 if shift else timesteps) >= 1 << (model.membrane_bits - 1):
        return 0, f"membranes of {model.membrane_bits} bits might saturate"
    return timesteps, ""


def history_sum_bits(network: Network, name: str, planes: int) -> int:
    """Bits of the sum over a layer's history, before its update."""
    return sum_bits_needed(network, name) + max(0, planes - 1).bit_length()
