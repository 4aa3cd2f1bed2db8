"""The trained ReLU network as the integer `AnnModel` that the baseline runs."""

from __future__ import annotations

import numpy as np
import torch
from model import AnnNet
from quantise import quantise

from neurosim.baseline.ann_model import AnnLayer, AnnModel

_ACTIVATION_LIMIT = 255
_QUANTILE = 0.9999


def _activation_scale(values: torch.Tensor) -> float:
    """Real value of one unit: the top of 0..255 sits at a high quantile, so one outlier does not coarsen the rest."""
    positive = np.sort(values[values > 0].numpy())
    if not positive.size:
        raise ValueError("a layer of the ANN is silent on all training images")
    return float(positive[int(_QUANTILE * (positive.size - 1))]) / _ACTIVATION_LIMIT


def _fixed_point(factors: np.ndarray) -> tuple[np.ndarray, int]:
    """int32 multipliers and one right shift with factors ~ multipliers / 2^shift, the largest using 30 bits."""
    shift = int(30 - np.ceil(np.log2(factors.max())))
    return np.rint(factors * 2.0**shift).astype(np.int32), shift


@torch.no_grad()
def quantise_ann(net: AnnNet, images: np.ndarray, name: str) -> AnnModel:
    """Fold BatchNorm, quantise weights to int8 by output channel (the last layer by one scale) and fit activation
    scales on the training ``images`` (n, 28, 28) uint8."""
    net.eval()
    hidden = net(torch.from_numpy(images).unsqueeze(1).float() / 255)[1]
    in_scale, layers = 1 / 255, []
    for i, spec in enumerate(net.specs):
        last = i == len(net.specs) - 1
        weight, offset = net.weights[i].double(), net.bias.double()
        if not last:
            norm = net.norms[i]
            gain = norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)
            weight = weight * gain.reshape(-1, *[1] * (weight.dim() - 1))
            offset = norm.bias.double() - norm.running_mean.double() * gain
        q, scale = quantise(weight, 8, per_channel=not last)
        channel_scale = np.broadcast_to(scale.numpy().reshape(-1), offset.shape)
        sum_scale = in_scale * channel_scale
        act_scale = float(sum_scale[0]) if last else _activation_scale(hidden[i])
        multiplier, shift = (None, 0) if last else _fixed_point(sum_scale / act_scale)
        q = q.numpy().astype(np.int8)
        layers.append(
            AnnLayer(
                kind=spec.kind, in_shape=spec.in_shape, out_shape=spec.out_shape,
                weights=q if spec.kind == "conv" else np.ascontiguousarray(q.T),
                bias=np.rint(offset.numpy() / sum_scale).astype(np.int32),
                weight_scale=channel_scale.astype(np.float32), act_scale=act_scale,
                multiplier=multiplier, shift=shift,
                stride=(spec.stride, spec.stride), padding=(spec.padding, spec.padding),
            )
        )  # fmt: skip
        in_scale = act_scale
    return AnnModel(tuple(layers), name)
