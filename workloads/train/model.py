"""The two topologies as plain data, and the trainable spiking and ReLU networks built from them."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from quantise import fake_quantise, quantise
from torch import nn


@dataclass(frozen=True)
class LayerSpec:
    """One weighted layer. Shapes are (C, H, W) or (N,); ``leak_shift`` k means v -= v >> k at every step."""

    kind: str
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    kernel: int = 0
    stride: int = 1
    padding: int = 0
    leak_shift: int | None = None

    @property
    def weight_shape(self) -> tuple[int, ...]:
        """(C_out, C_in, k, k) of a convolution, (N_out, N_in) of a dense layer (the export transposes that)."""
        if self.kind == "conv":
            return self.out_shape[0], self.in_shape[0], self.kernel, self.kernel
        return self.out_shape[0], int(torch.Size(self.in_shape).numel())

    def apply(self, x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        """Weighted sums of inputs ``(n, *in_shape)`` -> ``(n, *out_shape)``, without a bias."""
        if self.kind == "conv":
            return F.conv2d(x, weight, stride=self.stride, padding=self.padding)
        return F.linear(x.flatten(1), weight)


TOPOLOGIES = {
    "mlp": (
        LayerSpec("dense", (1, 28, 28), (400,), leak_shift=3),
        LayerSpec("dense", (400,), (10,)),
    ),
    "conv": (
        LayerSpec("conv", (1, 28, 28), (16, 14, 14), kernel=5, stride=2, padding=2, leak_shift=3),
        LayerSpec("conv", (16, 14, 14), (32, 7, 7), kernel=3, stride=2, padding=1, leak_shift=3),
        LayerSpec("dense", (32, 7, 7), (10,)),
    ),
    # Wider than anything shipped: it only teaches (its soft answers replace part of the labels).
    "teacher": (
        LayerSpec("conv", (1, 28, 28), (32, 28, 28), kernel=3, stride=1, padding=1),
        LayerSpec("conv", (32, 28, 28), (64, 14, 14), kernel=3, stride=2, padding=1),
        LayerSpec("conv", (64, 14, 14), (96, 7, 7), kernel=3, stride=2, padding=1),
        LayerSpec("dense", (96, 7, 7), (128,)),
        LayerSpec("dense", (128,), (10,)),
    ),
}
THETA = 1.0


class _Spike(torch.autograd.Function):
    """Step forward; backward a triangle of half width 1 around the threshold."""

    @staticmethod
    def forward(ctx, distance: torch.Tensor) -> torch.Tensor:
        ctx.save_for_backward(distance)
        return (distance >= 0).to(distance.dtype)

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> torch.Tensor:
        (distance,) = ctx.saved_tensors
        return grad * (1 - distance.abs()).clamp(min=0)


def run_neurons(currents: torch.Tensor, leak_shift: int | None) -> torch.Tensor:
    """Spikes of currents ``(timesteps, n, ...)``: leak, integrate, fire at `THETA`, reset by subtraction."""
    keep = 1.0 if leak_shift is None else 1.0 - 2.0**-leak_shift
    v = torch.zeros_like(currents[0])
    spikes = []
    for current in currents:
        v = keep * v + current
        spike = _Spike.apply(v - THETA)
        v = v - THETA * spike.detach()
        spikes.append(spike)
    return torch.stack(spikes)


class _Network(nn.Module):
    """Weights, and BatchNorm for every layer but the last, whose outputs must share one scale to compare."""

    def __init__(self, topology: str | tuple[LayerSpec, ...], weight_bits: tuple[int, ...]) -> None:
        super().__init__()
        self.specs = TOPOLOGIES[topology] if isinstance(topology, str) else topology
        self.weight_bits = weight_bits
        self.weights = nn.ParameterList([nn.Parameter(torch.empty(s.weight_shape)) for s in self.specs])
        for weight in self.weights:
            nn.init.kaiming_normal_(weight)
        norms = [nn.BatchNorm2d if s.kind == "conv" else nn.BatchNorm1d for s in self.specs[:-1]]
        self.norms = nn.ModuleList([norm(s.out_shape[0]) for norm, s in zip(norms, self.specs, strict=False)])
        self.bias = nn.Parameter(torch.zeros(self.specs[-1].out_shape[0]))

    def grid(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Integers and scale of a layer as they stand now."""
        return quantise(self.weights[layer].detach(), self.weight_bits[layer], layer < len(self.specs) - 1)

    def used_weight(self, layer: int) -> torch.Tensor:
        """The weight as the hardware will hold it (grid value times scale); gradients pass straight through."""
        per_channel = layer < len(self.specs) - 1
        return fake_quantise(self.weights[layer], self.weight_bits[layer], per_channel)


class SpikingNet(_Network):
    """Rate-coded input to integrator logits; trained through the surrogate gradient of `_Spike`."""

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """``(timesteps, n, 1, 28, 28)`` spikes -> logits ``(n, 10)`` and the mean rate of each hidden layer."""
        timesteps, n = spikes.shape[:2]
        rates = []
        for i, spec in enumerate(self.specs[:-1]):
            sums = self.norms[i](spec.apply(spikes.flatten(0, 1), self.used_weight(i)))
            spikes = run_neurons(sums.unflatten(0, (timesteps, n)), spec.leak_shift)
            rates.append(spikes.mean())
        # The integrator is linear, so counting the spikes first gives the same sum with one product.
        counts = spikes.sum(0)
        logits = self.specs[-1].apply(counts, self.used_weight(len(self.specs) - 1)) + timesteps * self.bias
        return logits, rates


class AnnNet(_Network):
    """The same topology with ReLU and one pass: teacher of the spiking networks and source of the int8 twin."""

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """``(n, 1, 28, 28)`` in 0..1 -> logits ``(n, 10)`` and the hidden activations."""
        x, hidden = images, []
        for i, spec in enumerate(self.specs[:-1]):
            x = F.relu(self.norms[i](spec.apply(x, self.used_weight(i))))
            hidden.append(x)
        last = len(self.specs) - 1
        return self.specs[last].apply(x, self.used_weight(last)) + self.bias, hidden
