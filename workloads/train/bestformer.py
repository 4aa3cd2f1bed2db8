"""A small spiking transformer in the manner of BESTformer: 1-bit weights, binary attention maps, reversible streams.

28 x 28 pixels, three strided convolutions, 4 x 4 = 16 tokens of `DIM` channels, one block of attention and MLP. Every
product of a matrix takes spikes. The two streams x1, x2 of the reversible block are sums of currents and are never
stored: x2 = attn + x1, 2 x3 = 2 mlp + attn + 2 x1, and each neuron that reads one receives its addends as projections.

Where the original normalises each branch, BatchNorm stands here on the sum that a neuron reads, so that it folds into
that neuron's threshold and bias and every addend keeps weights of one bit with no scale of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numba
import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

TIMESTEPS = 4
DIM, HEADS, HIDDEN = 48, 3, 96
STEM, MIDDLE = 12, 24
TOKENS = 16
MAP_THRESHOLD = 2
INT8_UNIT = 32
"""Steps a unit of 8-bit weights: one grid for all, so that addends of one membrane need no scale of their own."""


@dataclass(frozen=True)
class Variant:
    """``weights``: binary, int8 or float (all but the first convolution and the heads, which are int8 or float).
    ``attention``: binary (maps are spikes), count (maps are the counts themselves; no chip operator, training control).
    ``reversible``: the second stream is (x1 + x2) / 2, else x2. ``distil``: one head learns the teacher's answer."""

    weights: str = "binary"
    attention: str = "binary"
    reversible: bool = True
    distil: bool = True


VARIANTS = {
    "mnist-bestformer": Variant(),
    "mnist-bestformer-w8": Variant(weights="int8"),
    "float-weights": Variant(weights="float"),
    "count-maps": Variant(attention="count"),
    "plain-residual": Variant(reversible=False),
    "no-distillation": Variant(distil=False),
}


class _Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


class _Sign(torch.autograd.Function):
    """-1 or +1; the gradient passes as if it were not."""

    @staticmethod
    def forward(ctx, x):
        return torch.where(x >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad):
        return grad


def on_grid(weight: torch.Tensor, kind: str) -> torch.Tensor:
    """A weight as the chip holds it. binary: sign of the deviation from its output channel's mean."""
    if kind == "binary":
        flat = weight.flatten(1)
        return _Sign.apply(weight - flat.mean(1).reshape(-1, *[1] * (weight.dim() - 1)))
    if kind == "int8":
        return _Round.apply((weight * INT8_UNIT).clamp(-127, 127)) / INT8_UNIT
    return weight


@numba.njit(cache=True)
def _forward(current, soft, spike, distance):
    steps, n = current.shape
    v, half, one, zero = np.zeros(n, np.float32), np.float32(0.5), np.float32(1), np.float32(0)
    for t in range(steps):
        for j in range(n):
            x = half * v[j] + current[t, j]
            fired = x >= one
            distance[t, j] = x - one
            spike[t, j] = one if fired else zero
            v[j] = (x - one if soft else zero) if fired else x


@numba.njit(cache=True)
def _backward(grad, distance, soft, out):
    steps, n = grad.shape
    carried, half, one, zero = np.zeros(n, np.float32), np.float32(0.5), np.float32(1), np.float32(0)
    for t in range(steps - 1, -1, -1):
        for j in range(n):
            d = distance[t, j]
            # What a spike takes away is no way for the gradient; a hard reset leaves nothing to carry.
            kept = half * carried[j] if soft or d < zero else zero
            carried[j] = out[t, j] = grad[t, j] * max(zero, one - abs(d)) + kept


class _Fire(torch.autograd.Function):
    @staticmethod
    def forward(ctx, currents, soft):
        flat = currents.contiguous().view(len(currents), -1)
        spike, distance = torch.empty_like(flat), torch.empty_like(flat)
        _forward(flat.numpy(), soft, spike.numpy(), distance.numpy())
        ctx.save_for_backward(distance)
        ctx.soft = soft
        return spike.view_as(currents)

    @staticmethod
    def backward(ctx, grad):
        (distance,) = ctx.saved_tensors
        out = torch.empty_like(distance)
        _backward(grad.contiguous().view_as(distance).numpy(), distance.numpy(), ctx.soft, out.numpy())
        return out.view_as(grad), None


def fire(currents: torch.Tensor, soft: bool = False) -> torch.Tensor:
    """Spikes of ``(timesteps, n, ...)``: v halves, integrates, fires at 1, and loses 1 (``soft``) or all of itself.

    Compiled loops over the timesteps; the gradient of a spike is a triangle of half width 1 around the threshold.
    """
    return _Fire.apply(currents, soft)


NEURONS = {
    "stem": STEM, "tokens": MIDDLE, "x": DIM, "query": DIM, "key": DIM, "value": DIM, "mlp_in": DIM, "hidden": HIDDEN,
    "last": DIM,
}  # fmt: skip
WEIGHTS = {
    "stem": (STEM, 1, 3, 3), "tokens": (MIDDLE, STEM, 3, 3), "embed": (DIM, MIDDLE, 3, 3),
    "query": (DIM, DIM, 1, 1), "key": (DIM, DIM, 1, 1), "value": (DIM, DIM, 1, 1), "attend": (DIM, DIM, 1, 1),
    "up": (HIDDEN, DIM, 1, 1), "down": (DIM, HIDDEN, 1, 1), "head0": (10, DIM), "head1": (10, DIM),
}  # fmt: skip


class BestFormer(nn.Module):
    """``forward``: (timesteps, n, 1, 28, 28) spikes to the logits of two heads and the rates of all populations."""

    def __init__(self, variant: Variant) -> None:
        super().__init__()
        self.variant = variant
        self.weight = nn.ParameterDict({name: nn.Parameter(torch.randn(shape)) for name, shape in WEIGHTS.items()})
        for name, weight in self.weight.items():
            fan_in = weight[0].numel()
            weight.data *= fan_in**-0.5 if name in ("stem", "head0", "head1") else 0.3
        self.norm = nn.ModuleDict({name: nn.BatchNorm2d(channels) for name, channels in NEURONS.items()})
        # The original's 8 / lambda for each head: what the masked sum must reach.
        self.log_threshold = nn.Parameter(torch.full((HEADS,), 2.0).log())
        self.bias = nn.Parameter(torch.zeros(10))

    def used(self, name: str) -> torch.Tensor:
        """Weights as the chip holds them; the stem has one int8 scale, the two heads share one."""
        weight, kind = self.weight[name], self.variant.weights
        if name == "stem":
            scale = weight.detach().abs().max() / 127
            return weight if kind == "float" else _Round.apply(weight / scale) * scale
        if name.startswith("head"):
            scale = self.head_scale()
            return weight if kind == "float" else _Round.apply(weight / scale) * scale
        return on_grid(weight, kind)

    def head_scale(self) -> torch.Tensor:
        return torch.stack([self.weight[f"head{i}"].detach().abs().max() for i in (0, 1)]).max() / 127

    def wire(self, name: str, spikes: torch.Tensor, stride: int = 1) -> torch.Tensor:
        """Currents of a convolution over all timesteps."""
        weight = self.used(name)
        out = F.conv2d(spikes.flatten(0, 1), weight, stride=stride, padding=weight.shape[-1] // 2)
        return out.unflatten(0, spikes.shape[:2])

    def neurons(self, name: str, currents: torch.Tensor) -> torch.Tensor:
        normal = self.norm[name](currents.flatten(0, 1)).unflatten(0, currents.shape[:2])
        return fire(normal)

    def attention(self, q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Maps (timesteps, n, heads, tokens, tokens) and spikes of the masked sum, (timesteps, n, DIM, 4, 4)."""

        def heads(x: torch.Tensor) -> torch.Tensor:
            return x.reshape(*x.shape[:2], HEADS, DIM // HEADS, TOKENS)

        counts = torch.einsum("tbhci,tbhcj->tbhij", heads(q), heads(k))
        maps = counts if self.variant.attention == "count" else fire(counts / MAP_THRESHOLD, soft=True)
        summed = torch.einsum("tbhij,tbhcj->tbhci", maps, heads(v))
        threshold = self.log_threshold.exp().reshape(HEADS, 1, 1)
        return maps, fire(summed / threshold).reshape(q.shape)

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, dict[str, torch.Tensor]]:
        found = {"stem": self.neurons("stem", self.wire("stem", spikes, 2))}
        found["tokens"] = self.neurons("tokens", self.wire("tokens", found["stem"], 2))
        x1 = self.wire("embed", found["tokens"], 2)
        found["x"] = self.neurons("x", x1)
        for name in ("query", "key", "value"):
            found[name] = self.neurons(name, self.wire(name, found["x"]))
        found["map"], found["mixed"] = self.attention(found["query"], found["key"], found["value"])
        attended = self.wire("attend", found["mixed"])
        found["mlp_in"] = self.neurons("mlp_in", attended + x1)
        found["hidden"] = self.neurons("hidden", self.wire("up", found["mlp_in"]))
        x3 = self.wire("down", found["hidden"]) + x1 + attended * (0.5 if self.variant.reversible else 1.0)
        found["last"] = self.neurons("last", x3)
        # The output integrates without leak, so tokens and timesteps are summed first.
        heads = [
            F.linear(found[name].sum((0, -2, -1)), self.used(f"head{i}")) + TIMESTEPS * self.bias
            for i, name in enumerate(("mlp_in", "last"))
        ]
        return heads[0], heads[1], found
