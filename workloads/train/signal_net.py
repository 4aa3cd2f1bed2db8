"""Ternary and binary spiking networks in whole numbers: what trains is what ships, and its frozen integer evaluation.

One timestep of a hidden layer: the membrane keeps 3/4 of itself, rounded to the nearest whole number with halves up;
``v = clamp(v + I)`` to the membrane's bits; a spike of +1 where ``v >= threshold``, of -1 where ``v <= -threshold``
(ternary nets alone); ``v -= spike * threshold``. The last layer adds up without leak or spikes.

Weights are learned in steps of one. The two factors of the paper, of weights and of membranes, have a ratio of one
here, and what is left of them stands in the thresholds, whole numbers learned neuron by neuron. ``evaluate`` shares no
code with the simulator; it is what the simulator's spikes are compared with.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import nn

LEAK_SHIFT = 2
LEAK_KEEP = 3
KEPT = LEAK_KEEP / 2**LEAK_SHIFT
OUTPUT_BITS = 12


@dataclass(frozen=True)
class Numbers:
    """``weight_bits`` None: float weights and membranes. ``signed``: hidden spikes of +1 and -1; ``signed_input``."""

    weight_bits: int | None
    membrane_bits: int | None
    signed: bool
    signed_input: bool

    @property
    def whole(self) -> bool:
        return self.weight_bits is not None

    @property
    def top_weight(self) -> int:
        return 1 if self.weight_bits == 2 else 2 ** (self.weight_bits - 1) - 1

    def limits(self, bits: int | None = None) -> tuple[float, float]:
        """Smallest and largest membrane."""
        bits = self.membrane_bits if bits is None else bits
        return (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) if self.whole else (-float("inf"), float("inf"))


class Neurons(torch.autograd.Function):
    """All timesteps of a hidden layer; the gradient passes the rounding and takes a triangle at each threshold."""

    @staticmethod
    def forward(ctx, drive: torch.Tensor, threshold: torch.Tensor, n: Numbers) -> torch.Tensor:
        low, high = n.limits()
        v = torch.zeros_like(drive[0])
        before, spikes, inside = [], [], []
        for current in drive:
            v = v * KEPT
            v = (torch.floor(v + 0.5) if n.whole else v) + current
            inside.append((v >= low) & (v <= high))
            v = v.clamp(low, high)
            fired = (v >= threshold).float()
            if n.signed:
                fired = fired - (v <= -threshold).float()
            before.append(v)
            spikes.append(fired)
            v = v - fired * threshold
        ctx.signed = n.signed
        ctx.save_for_backward(torch.stack(before), torch.stack(inside), threshold)
        return torch.stack(spikes)

    @staticmethod
    def backward(ctx, grad: torch.Tensor):
        before, inside, threshold = ctx.saved_tensors
        up = (1 - (before - threshold).abs() / threshold).clamp(min=0) / threshold
        down = (1 - (before + threshold).abs() / threshold).clamp(min=0) / threshold if ctx.signed else 0.0
        out = torch.empty_like(grad)
        later = torch.zeros_like(grad[0])
        for t in range(len(grad) - 1, -1, -1):
            # The reset takes a threshold away from what the spike adds downstream: it is not followed back.
            later = (later + grad[t] * (up[t] + (down[t] if ctx.signed else 0.0))) * inside[t]
            out[t] = later
            later = later * KEPT
        return out, (grad * (down - up)).sum((0, 1)), None


class SignalNet(nn.Module):
    """Dense layers of ``sizes``; weights (in, out)."""

    def __init__(self, sizes: tuple[int, ...], numbers: Numbers, start: SignalNet | None = None) -> None:
        super().__init__()
        self.numbers = numbers
        weights = [torch.randn(a, b) * (1.2 / a**0.5) for a, b in pairwise(sizes)]
        thresholds = [torch.ones(b) for b in sizes[1:-1]]
        if start is not None:
            weights, thresholds = _in_steps(start, numbers)
        self.weights = nn.ParameterList(weights)
        self.log_thresholds = nn.ParameterList([t.log() for t in thresholds])
        # One step of the last layer in logits: what the float network's sums were worth, where there is one.
        scale = torch.tensor(0.2) if start is None else start.log_scale.detach().exp() * _last_step(start, numbers)
        self.log_scale = nn.Parameter(scale.log())

    def weight(self, i: int) -> torch.Tensor:
        """Weights of layer i as they ship, with a straight-through gradient."""
        w = self.weights[i]
        if not self.numbers.whole:
            return w
        top = self.numbers.top_weight
        held = w.clamp(-top - 0.5, top + 0.5)
        return held + (torch.round(held).clamp(-top, top) - held).detach()

    def threshold(self, i: int) -> torch.Tensor:
        """Thresholds of hidden layer i as they ship, (neurons,); whole ones fit the membrane with room to spare."""
        t = self.log_thresholds[i].exp()
        if not self.numbers.whole:
            return t
        t = t.clamp(1, max(1, (2 * self.numbers.limits()[1]) // 3))
        return t + (torch.round(t) - t).detach()

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """Logits of input (timesteps, n, inputs), and the mean size of the hidden spikes by layer."""
        rates = []
        for i in range(len(self.weights) - 1):
            spikes = Neurons.apply(spikes @ self.weight(i), self.threshold(i), self.numbers)
            rates.append(spikes.abs().mean())
        return spikes.sum(0) @ self.weight(len(self.weights) - 1) * self.log_scale.exp(), rates


def _steps(weight: torch.Tensor, numbers: Numbers, by_neuron: bool) -> torch.Tensor:
    """Size of one weight step, by target or for all: two bits are zero below 0.7 times the mean size."""
    sizes = weight.detach().abs()
    if numbers.weight_bits == 2:
        return 1.4 * (sizes.mean(0) if by_neuron else sizes.mean())
    return (sizes.amax(0) if by_neuron else sizes.max()) / numbers.top_weight


def _last_step(start: SignalNet, numbers: Numbers) -> torch.Tensor:
    return _steps(start.weights[len(start.weights) - 1], numbers, False)


def _in_steps(start: SignalNet, numbers: Numbers) -> tuple[list[torch.Tensor], list[torch.Tensor]]:
    """A float network's weights and thresholds, counted in steps of each neuron's own (of one in the last layer)."""
    weights, thresholds = [], []
    last = len(start.weights) - 1
    for i, weight in enumerate(start.weights):
        step = _steps(weight, numbers, i < last)
        weights.append((weight.detach() / step).clone())
        if i < last:
            thresholds.append((start.threshold(i).detach() / step).clamp(1, numbers.limits()[1]))
    return weights, thresholds


@dataclass(frozen=True, eq=False)
class Frozen:
    """Weights (in, out) by layer and thresholds (neurons,) by hidden layer, int64 or float32."""

    weights: list[np.ndarray]
    thresholds: list[np.ndarray]
    numbers: Numbers


@torch.no_grad()
def freeze(net: SignalNet) -> Frozen:
    kind = np.int64 if net.numbers.whole else np.float32
    weights = [net.weight(i).numpy().astype(kind) for i in range(len(net.weights))]
    return Frozen(weights, [net.threshold(i).numpy().astype(kind) for i in range(len(weights) - 1)], net.numbers)


def evaluate(frozen: Frozen, inputs: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Spikes (n, timesteps, neurons) int8 by hidden layer, and the last membranes (n, classes).

    ``inputs`` (n, timesteps, inputs). Whole numbers in int64; floats in float32, the sums of float64 rounded once.
    """
    n = frozen.numbers
    kind = torch.int64 if n.whole else torch.float32
    weights, thresholds = ([torch.from_numpy(x) for x in xs] for xs in (frozen.weights, frozen.thresholds))
    state = [torch.zeros(len(inputs), w.shape[1], dtype=kind) for w in weights]
    spikes: list[list[torch.Tensor]] = [[] for _ in thresholds]
    for t in range(inputs.shape[1]):
        x = torch.from_numpy(inputs[:, t]).to(kind)
        for i, w in enumerate(weights):
            current = x @ w if n.whole else (x.double() @ w.double()).float()
            if i == len(weights) - 1:
                state[i] = state[i] + current
                state[i] = state[i].clamp(*n.limits(OUTPUT_BITS)) if n.whole else state[i]
                break
            v = state[i]
            v = (v * LEAK_KEEP + (1 << (LEAK_SHIFT - 1))) >> LEAK_SHIFT if n.whole else v * np.float32(KEPT)
            v = v + current
            v = v.clamp(*n.limits()) if n.whole else v
            x = (v >= thresholds[i]).to(kind)
            if n.signed:
                x = x - (v <= -thresholds[i]).to(kind)
            state[i] = v - x * thresholds[i]
            spikes[i].append(x.to(torch.int8))
    return [torch.stack(s, 1).numpy() for s in spikes], state[-1].numpy()
