"""Q-SNN in whole numbers: the network that trains is the one that ships, with membranes of 8, 4 or 2 bits."""

from __future__ import annotations

import numpy as np
import torch
from compressed import CompressedNet, channels_last
from frozen import FrozenLayer
from fused import IntegerNeurons
from grids import to_grid
from model import SpikingNet
from torch import nn

# Threshold of the first layer and doublings of the second one's sums, by membrane bits: what the range has room for.
_FIRST_THRESHOLD = {8: 56, 4: 4, 2: 1}
_FIRST_LIMIT = {8: 127, 4: 7, 2: 1}
_WEIGHT_SHIFT = {8: 3, 4: 0, 2: 0}
_LATENT_SIZE = 0.1
# Learning steps of the biases: in two bits they do the thresholds' work and have some way to go.
_BIAS_STEP = {8: 1, 4: 1, 2: 10}


def _whole(values: torch.Tensor, limit: int) -> torch.Tensor:
    """Rounded and held within +-limit, with the gradient of neither."""
    return values + (torch.round(values).clamp(-limit, limit) - values).detach()


class SaturatingNet(SpikingNet):
    """Binary second and last layer; a first layer of integers in the membrane's unit; learned whole thresholds.

    ``centred``: the weight half of dual regulation, kernels of mean zero and unit deviation before their sign.
    """

    def __init__(self, base: CompressedNet, bits: int, centred: bool) -> None:
        super().__init__(base.specs, base.weight_bits)
        self.bits, self.centred = bits, centred
        self.norms = nn.ModuleList()
        with torch.no_grad():
            base.make_gains_positive()
            gains, offsets = [], []
            for norm in base.norms:
                gains.append(norm.weight / torch.sqrt(norm.running_var + norm.eps))
                offsets.append(norm.bias - norm.running_mean * gains[-1])
            self.weights[0].copy_(base.weights[0] * gains[0].reshape(-1, 1, 1, 1))
            second, mean = base.weights[1], base.weights[1].abs().mean((1, 2, 3), keepdim=True)
            self.weights[1].copy_(second / mean * _LATENT_SIZE)
            self.weights[2].copy_(base.weights[2])
            self.bias.copy_(base.bias)
        # Where the range is too narrow for the threshold, the bias makes up for what it lacks, as far as it fits too.
        first, second = _FIRST_THRESHOLD[bits], (1 / (gains[1] * mean.flatten()) * 2.0 ** _WEIGHT_SHIFT[bits]).detach()
        self.register_buffer("first_scale", torch.full_like(offsets[0], float(first)))
        if bits == 2:
            # Ternary weights: zero below 0.7 times the mean size, as in `quantise`.
            self.first_scale.copy_(0.5 / (0.7 * self.weights[0].detach().abs().mean((1, 2, 3))))
        short = self.first_scale - first
        # Biases count in thresholds; the threshold's logarithm is learned, so that steps are relative.
        # A membrane resting at the bottom of two bits stands at -1 after its leak, which the start allows for.
        rest, held, most = float(bits == 2), second.clamp(1, self.top), self.top + 1.0
        for name, size, lack, offset in (
            ("first", first, short, offsets[0]),
            ("second", held, second - held, offsets[1]),
        ):
            start = (offset * (size + lack) - lack + rest * size).clamp(-most, most) / size / _BIAS_STEP[bits]
            setattr(self, f"{name}_bias", nn.Parameter(start.detach().clone()))
        self.log_threshold = nn.Parameter(held.log())

    @property
    def top(self) -> int:
        """Largest membrane."""
        return 2 ** (self.bits - 1) - 1

    def whole_first(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Weights, biases and thresholds of the first layer, whole numbers with straight-through gradients."""
        theta, limit = _FIRST_THRESHOLD[self.bits], _FIRST_LIMIT[self.bits]
        weight = self.weights[0] * self.first_scale.reshape(-1, 1, 1, 1)
        bias = _whole(self.first_bias * (theta * _BIAS_STEP[self.bits]), self.top + 1)
        weight = weight + (torch.round(weight).clamp(-limit, limit) - weight).detach()
        return weight, bias, torch.full((len(bias),), float(theta))

    def whole_second(self) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """As `whole_first`; weights are signs, their shift not yet applied."""
        w = self.weights[1]
        centred = (w - w.mean((1, 2, 3), keepdim=True)) / w.std((1, 2, 3), keepdim=True)
        w = centred if self.centred else w / _LATENT_SIZE
        sign = w + (torch.where(w >= 0, 1.0, -1.0) - w).detach()
        threshold = _whole(self.log_threshold.exp().clamp(1, self.top), self.top)
        return sign, _whole(self.second_bias * threshold.detach() * _BIAS_STEP[self.bits], self.top + 1), threshold

    def grid(self, layer: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Of the last layer only; the hidden ones ship as `frozen_hidden` gives them."""
        if layer != len(self.specs) - 1:
            raise ValueError(f"layer {layer}: its integers are those of frozen_hidden")
        return to_grid(self.weights[layer].detach(), "binary", False)

    def last_weight(self) -> torch.Tensor:
        """Signs of the last layer times one scale."""
        weight = self.weights[2]
        q, scale = self.grid(2)
        return weight + (q * scale - weight).detach()

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """As `SpikingNet.forward`."""
        timesteps, n = spikes.shape[:2]
        rates = []
        x = channels_last(spikes.flatten(0, 1))
        for i, (weight, bias, threshold) in enumerate((self.whole_first(), self.whole_second())):
            factor = 1 if i == 0 else 2 ** _WEIGHT_SHIFT[self.bits]
            drive = self.specs[i].apply(x, channels_last(weight)).permute(0, 2, 3, 1) * factor + bias
            # Sums of whole numbers, but straight-through terms and Winograd-like kernels may leave a last-digit error.
            drive = drive + (torch.round(drive) - drive).detach()
            spikes = IntegerNeurons.apply(
                drive.unflatten(0, (timesteps, n)), threshold, self.specs[i].leak_shift, self.bits
            )
            rates.append(spikes.mean())
            x = spikes.flatten(0, 1).permute(0, 3, 1, 2)
        counts = spikes.sum(0).permute(0, 3, 1, 2).contiguous()
        return self.specs[2].apply(counts, self.last_weight()) + timesteps * self.bias, rates

    @torch.no_grad()
    def frozen_hidden(self, i: int) -> FrozenLayer:
        """Hidden layer i as it ships: the very numbers that trained."""
        weight, bias, threshold = [x.numpy() for x in (self.whole_first(), self.whole_second())[i]]
        bits = {8: 8, 4: 4, 2: 2}[self.bits] if i == 0 else 1
        shift = 0 if i == 0 else _WEIGHT_SHIFT[self.bits]
        scale = 2.0**shift / threshold
        whole = [np.rint(x).astype(np.int64) for x in (weight, threshold, bias)]
        return FrozenLayer(self.specs[i], bits, *whole, shift, scale, membrane_bits=self.bits)
