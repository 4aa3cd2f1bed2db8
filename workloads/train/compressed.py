"""The networks that are compressed: the `conv` topology with a grid for each layer, pruned shapes and masks."""

from __future__ import annotations

from dataclasses import replace

import torch
from fused import FloatNeurons
from grids import codebook_size, is_codebook, to_grid
from model import TOPOLOGIES, LayerSpec, SpikingNet
from quantise import FLOAT_BITS
from torch import nn


def conv_specs(channels: tuple[int, int] = (16, 32), leak_shift: int = 3) -> tuple[LayerSpec, ...]:
    """The `conv` topology with other channel numbers, or another leak (0: nothing is carried over a timestep)."""
    first, second, last = TOPOLOGIES["conv"]
    one, two = (channels[0], 14, 14), (channels[1], 7, 7)
    return (
        replace(first, out_shape=one, leak_shift=leak_shift),
        replace(second, in_shape=one, out_shape=two, leak_shift=leak_shift),
        replace(last, in_shape=two),
    )


def channels_last(x: torch.Tensor) -> torch.Tensor:
    """The memory order (n, height, width, channels), in which these small convolutions run fastest on a CPU."""
    return x.to(memory_format=torch.channels_last)


class CompressedNet(SpikingNet):
    """A spiking network whose weights lie on ``grids`` (one name a layer); ``float`` layers are left as they are."""

    def __init__(
        self, grids: tuple[str, ...], specs: tuple[LayerSpec, ...], outliers: bool = False, reset: bool = True
    ) -> None:
        super().__init__(specs, tuple(FLOAT_BITS if g == "float" else 1 for g in grids))
        self.grids, self.outliers, self.reset = grids, outliers, reset
        for i, weight in enumerate(self.weights):
            self.register_buffer(f"mask{i}", torch.ones_like(weight))
            size = codebook_size(grids[i]) if is_codebook(grids[i]) else 0
            self.register_buffer(f"table{i}", torch.ones(size, 9))
        # Kept only where they are asked for: holding them costs a fifth of a training step.
        self.keep = False
        self.membranes: list[torch.Tensor] = []
        self.spikes: list[torch.Tensor] = []

    def mask(self, i: int) -> torch.Tensor:
        """1 where a weight is kept, of the weight's shape."""
        return getattr(self, f"mask{i}")

    def table(self, i: int) -> torch.Tensor:
        """Codewords (n, 9) of a codebook layer."""
        return getattr(self, f"table{i}")

    def grid(self, i: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Integers and scale of layer i as they stand now."""
        hidden = i < len(self.specs) - 1
        return to_grid(self.weights[i].detach(), self.grids[i], hidden, self.mask(i), self.table(i), self.outliers)

    def used_weight(self, layer: int) -> torch.Tensor:
        """Integer times scale in the forward pass; the gradient passes to every kept weight as if it were not."""
        weight = self.weights[layer] * self.mask(layer)
        if self.grids[layer] == "float":
            return weight
        q, scale = self.grid(layer)
        return weight + (q * scale - weight).detach()

    def forward(self, spikes: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """As `SpikingNet.forward`; with ``keep``, leaves ``membranes`` before the reset
        (channels last) and ``spikes`` behind."""
        timesteps, n = spikes.shape[:2]
        rates, self.membranes, self.spikes = [], [], []
        x = channels_last(spikes.flatten(0, 1))
        for i, spec in enumerate(self.specs[:-1]):
            sums = self.norms[i](spec.apply(x, channels_last(self.used_weight(i)))).permute(0, 2, 3, 1)
            spikes, membrane = FloatNeurons.apply(
                sums.unflatten(0, (timesteps, n)), 1.0 - 2.0**-spec.leak_shift, self.reset
            )
            if self.keep:
                self.membranes.append(membrane + 1)
                self.spikes.append(spikes.permute(0, 1, 4, 2, 3))
            rates.append(spikes.mean())
            x = spikes.flatten(0, 1).permute(0, 3, 1, 2)
        counts = spikes.sum(0).permute(0, 3, 1, 2).contiguous()
        last = len(self.specs) - 1
        return self.specs[last].apply(counts, self.used_weight(last)) + timesteps * self.bias, rates

    @torch.no_grad()
    def make_gains_positive(self) -> None:
        """Turn the weights of channels over whose BatchNorm gain is negative: the same function, and a codeword stays
        a codeword when the gain is folded away."""
        for weight, norm in zip(self.weights, self.norms, strict=False):
            sign = torch.where(norm.weight < 0, -1.0, 1.0)
            weight *= sign.reshape(-1, 1, 1, 1)
            norm.weight *= sign
            norm.running_mean *= sign

    def sizes(self) -> list[int]:
        """Kept weights by layer."""
        return [int(self.mask(i).sum()) for i in range(len(self.weights))]


class TwinTeacher(nn.Module):
    """The shipped int8 ANN as a float network: its soft answers teach, and it needs no training here."""

    def __init__(self, model) -> None:
        super().__init__()
        self.layers, in_scale = [], 1 / 255
        for layer in model.layers:
            scale = torch.from_numpy(layer.weight_scale.astype("float32"))
            weight = torch.from_numpy(layer.weights.astype("float32"))
            weight = weight if layer.kind == "conv" else weight.T
            bias = torch.from_numpy(layer.bias.astype("float32")) * scale * in_scale
            self.layers.append((layer, weight * scale.reshape(-1, *[1] * (weight.dim() - 1)), bias))
            in_scale = layer.act_scale

    def forward(self, images: torch.Tensor) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """``(n, 1, 28, 28)`` in 0..1 -> logits ``(n, 10)``."""
        x = images
        for i, (layer, weight, bias) in enumerate(self.layers):
            if layer.kind == "conv":
                x = nn.functional.conv2d(x, weight, bias, layer.stride, layer.padding)
            else:
                x = nn.functional.linear(x.flatten(1), weight, bias)
            x = x if i == len(self.layers) - 1 else x.relu()
        return x, []
