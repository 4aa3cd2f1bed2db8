"""The trained network as a chip will run it: folded, quantised, and evaluated exactly.

One timestep of an integer layer: leak ``V -= V >> k``; ``V += (acc << F) + bias``; no saturation of 24 bits may occur;
spike if ``V >= threshold``; ``V -= threshold`` on a spike. A float layer does the same in float32, one rounding an
operation, with ``V *= 1 - 2^-k``. The last layer integrates without leak, threshold or spikes.
This file shares no code with the simulator: it is what the simulator's spikes are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from model import THETA, LayerSpec, SpikingNet
from quantise import FLOAT_BITS

from neurosim.snn import Codec

MEMBRANE_BITS = 24
MAX_WEIGHT_SHIFT = 10


@dataclass(frozen=True, eq=False)
class FrozenLayer:
    """``weight`` (out, ...) integers or float32; ``threshold`` (channels,) or None; ``bias`` (channels,).

    A membrane of channel c counts in units of ``scale[c] / 2^weight_shift`` (integer layers); ``scale`` (channels,)
    is the real value of one weight unit, and 1 in float layers. ``codec`` None: the one of ``weight_bits``.
    ``membrane_bits`` below `MEMBRANE_BITS` saturates. ``kept`` (weight's shape): what unstructured pruning left.
    ``reset`` false: a spike leaves the membrane as it is.
    """

    spec: LayerSpec
    weight_bits: int
    weight: np.ndarray
    threshold: np.ndarray | None
    bias: np.ndarray
    weight_shift: int
    scale: np.ndarray
    codec: Codec | None = None
    membrane_bits: int = MEMBRANE_BITS
    kept: np.ndarray | None = None
    reset: bool = True


@dataclass(frozen=True, eq=False)
class FrozenRun:
    """``spikes``: one (timesteps, n, *shape) bool array for each spiking layer; ``membrane`` (n, 10) at the end."""

    spikes: list[np.ndarray]
    membrane: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        """(n,) classes; the lowest index wins a tie."""
        return self.membrane.argmax(1)


def _folded(net: SpikingNet, i: int) -> tuple[torch.Tensor, torch.Tensor]:
    """BatchNorm of layer i as gain and offset by channel, float64: current = gain * sum + offset."""
    if i == len(net.specs) - 1:
        return torch.ones_like(net.bias, dtype=torch.float64), net.bias.detach().double()
    norm = net.norms[i]
    gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
    return gain.detach(), (norm.bias.double() - norm.running_mean.double() * gain).detach()


def _column(values: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    return values.reshape(-1, *[1] * (like.dim() - 1))


def _freeze_float(net: SpikingNet, i: int) -> FrozenLayer:
    gain, offset = _folded(net, i)
    weight = net.weights[i].detach().double()
    hidden = i < len(net.specs) - 1
    ones = np.ones(len(offset), np.float32)
    folded = (weight * _column(gain, weight)).float().numpy()
    threshold = THETA * ones if hidden else None
    return FrozenLayer(net.specs[i], FLOAT_BITS, folded, threshold, offset.float().numpy(), 0, ones)


def _freeze_integer(net: SpikingNet, i: int, timesteps: int) -> FrozenLayer:
    """Integers of layer i with the finest membrane unit whose worst case still fits `MEMBRANE_BITS`."""
    hidden = i < len(net.specs) - 1
    spec, gain_offset = net.specs[i], _folded(net, i)
    gain, offset = gain_offset[0].numpy(), gain_offset[1].numpy()
    q, step = net.grid(i)
    q = q.double().numpy().astype(np.int64)
    if (gain == 0).any():
        raise ValueError(f"layer {i}: a BatchNorm gain is exactly 0, so its channel has no integer scale")
    # Scales are positive; a negative gain turns the weights of its channel over instead.
    q = q * np.sign(gain).astype(np.int64).reshape(-1, *[1] * (q.ndim - 1))
    scale = np.abs(gain) * np.broadcast_to(step.double().numpy().reshape(-1), gain.shape)
    reach = np.abs(q).reshape(len(q), -1).sum(1)
    # A leak by 1/2^k holds a constant drive below 2^k times itself (plus 1 for the floor); without one it only grows.
    gain_of_time = timesteps if spec.leak_shift is None else min(timesteps, 2**spec.leak_shift)
    limit = 2 ** (MEMBRANE_BITS - 1) - 1
    for shift in range(MAX_WEIGHT_SHIFT, -1, -1):
        bias = np.rint(offset * 2.0**shift / scale).astype(np.int64)
        threshold = np.rint(THETA * 2.0**shift / scale).astype(np.int64) if hidden else None
        worst = (((reach << shift) + np.abs(bias) + 1) * gain_of_time).max()
        if worst <= limit and (threshold is None or threshold.max() <= limit):
            break
    else:
        raise ValueError(f"layer {i}: worst membrane {worst} does not fit {MEMBRANE_BITS} bits even without a shift")
    if threshold is not None and threshold.min() < 1:
        raise ValueError(f"layer {i}: a threshold rounds to {threshold.min()}; its weights are too coarse")
    return FrozenLayer(spec, net.weight_bits[i], q, threshold, bias, shift, scale)


def freeze(net: SpikingNet, timesteps: int) -> list[FrozenLayer]:
    """Fold BatchNorm and quantise every layer; all layers float or all integer."""
    is_float = [bits >= FLOAT_BITS for bits in net.weight_bits]
    if any(is_float) != all(is_float):
        raise ValueError(f"weight bits {net.weight_bits}: float and integer layers cannot be mixed")
    if is_float[0]:
        return [_freeze_float(net, i) for i in range(len(net.specs))]
    return [_freeze_integer(net, i, timesteps) for i in range(len(net.specs))]


def _sums(layer: FrozenLayer, spikes: torch.Tensor) -> torch.Tensor:
    """Exact weighted sums (n, *out_shape): int64, or the float64 sum rounded once to float32."""
    sums = layer.spec.apply(spikes.double(), torch.from_numpy(layer.weight).double())
    return sums.to(torch.int64) if layer.weight.dtype == np.int64 else sums.float()


def _step(layer: FrozenLayer, v: torch.Tensor, spikes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """One timestep of one layer: the new membrane and its spikes (None for the last layer)."""
    integer, k = layer.weight.dtype == np.int64, layer.spec.leak_shift
    if k is not None:
        v = v - (v >> k) if integer else v * np.float32(1 - 2.0**-k)
    sums = _sums(layer, spikes)
    bias = _column(torch.from_numpy(layer.bias), v[0])
    v = v + (sums << layer.weight_shift) + bias if integer else (v + sums) + bias
    if integer and layer.membrane_bits < MEMBRANE_BITS:
        v = v.clamp(-(2 ** (layer.membrane_bits - 1)), 2 ** (layer.membrane_bits - 1) - 1)
    if integer and not -(2 ** (MEMBRANE_BITS - 1)) <= int(v.min()) <= int(v.max()) < 2 ** (MEMBRANE_BITS - 1):
        raise AssertionError(f"a membrane left {MEMBRANE_BITS} bits, which the export ruled out")
    if layer.threshold is None:
        return v, None
    threshold = _column(torch.from_numpy(layer.threshold), v[0])
    fired = v >= threshold
    return (torch.where(fired, v - threshold, v) if layer.reset else v), fired


def evaluate(layers: list[FrozenLayer], inputs: torch.Tensor) -> FrozenRun:
    """Run input spikes ``(timesteps, n, 1, 28, 28)`` step by step, layers in order within a step."""
    timesteps, n = inputs.shape[:2]
    dtype = torch.int64 if layers[0].weight.dtype == np.int64 else torch.float32
    membranes = [torch.zeros(n, *layer.spec.out_shape, dtype=dtype) for layer in layers]
    spikes = [[] for _ in layers[:-1]]
    for t in range(timesteps):
        x = inputs[t]
        for i, layer in enumerate(layers):
            membranes[i], x = _step(layer, membranes[i], x)
            if x is not None:
                spikes[i].append(x.numpy())
    return FrozenRun([np.stack(s) for s in spikes], membranes[-1].numpy())
