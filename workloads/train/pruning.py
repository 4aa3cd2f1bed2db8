"""Which channels or weights go: scores by singular values, by size or at random, and the cut itself."""

from __future__ import annotations

import torch
from compressed import CompressedNet, conv_specs
from data import Part, encode

SCORES = ("svs", "mag", "rand")
_BATCHES, _BATCH = 5, 100
# The rank counts singular values above this.
_EPS = 1e-6


@torch.no_grad()
def rank_scores(net: CompressedNet, part: Part, timesteps: int) -> list[torch.Tensor]:
    """Mean rank of each hidden channel's spike map, averaged over time, on the first training images; (channels,) a
    layer. Ties are broken by the mean rate, which adds less than one rank."""
    net.eval()
    net.keep = True
    scores = [torch.zeros(spec.out_shape[0]) for spec in net.specs[:-1]]
    for images in torch.from_numpy(part.images[: _BATCHES * _BATCH]).split(_BATCH):
        net(encode(images, timesteps))
        for i, spikes in enumerate(net.spikes):
            maps = spikes.mean(0)
            ranks = (torch.linalg.svdvals(maps) > _EPS).sum(-1).float()
            scores[i] += (ranks.mean(0) + 1e-3 * maps.mean((0, 2, 3))) / _BATCHES
    net.keep = False
    return scores


def channel_scores(net: CompressedNet, kind: str, part: Part, timesteps: int, seed: int) -> list[torch.Tensor]:
    """Importance by hidden channel: ``svs`` (rank), ``mag`` (sum of |w| times the BatchNorm gain) or ``rand``."""
    if kind == "svs":
        return rank_scores(net, part, timesteps)
    if kind == "rand":
        generator = torch.Generator().manual_seed(seed + 1000)
        return [torch.rand(spec.out_shape[0], generator=generator) for spec in net.specs[:-1]]
    sizes = []
    for weight, norm in zip(net.weights, net.norms, strict=False):
        gain = norm.weight.detach().abs() / torch.sqrt(norm.running_var + norm.eps)
        sizes.append(weight.detach().abs().flatten(1).sum(1) * gain)
    return sizes


def kept_channels(scores: list[torch.Tensor], channels: tuple[int, int]) -> list[torch.Tensor]:
    """Numbers of the best channels of each hidden layer, ascending."""
    return [s.argsort(descending=True)[:n].sort().values for s, n in zip(scores, channels, strict=True)]


@torch.no_grad()
def cut_channels(net: CompressedNet, kept: list[torch.Tensor]) -> CompressedNet:
    """A smaller network of the ``kept`` channels of both hidden layers, with their weights and statistics."""
    first, second = kept
    small = CompressedNet(net.grids, conv_specs((len(first), len(second))), net.outliers)
    pixels = net.specs[1].out_shape[1] * net.specs[1].out_shape[2]
    columns = (second[:, None] * pixels + torch.arange(pixels)).flatten()
    for weight, value in zip(
        small.weights,
        (net.weights[0][first], net.weights[1][second][:, first], net.weights[2][:, columns]),
        strict=True,
    ):
        weight.copy_(value)
    for norm, old, channels in zip(small.norms, net.norms, kept, strict=True):
        for name in ("weight", "bias", "running_mean", "running_var"):
            getattr(norm, name).copy_(getattr(old, name)[channels])
    small.bias.copy_(net.bias)
    return small


@torch.no_grad()
def mask_smallest(net: CompressedNet, kept_weights: list[int]) -> None:
    """Unstructured: keep so many weights of each layer, those of largest size."""
    for i, count in enumerate(kept_weights):
        size = net.weights[i].abs().flatten()
        keep = torch.zeros_like(size)
        keep[size.argsort(descending=True)[:count]] = 1
        net.mask(i).copy_(keep.reshape(net.weights[i].shape))


def weights_of(channels: tuple[int, int]) -> list[int]:
    """Weights by layer of a network of so many channels: what unstructured pruning is given to keep."""
    return [int(torch.Size(spec.weight_shape).numel()) for spec in conv_specs(channels)]
