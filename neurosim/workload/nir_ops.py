"""The weight-carrying nodes of a NIR graph as connectivities, and gains folded into them."""

from __future__ import annotations

from math import prod

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Connectivity, Conv2d, Dense, Identity, Pool2d, Sparse
from neurosim.workload.nir_file import Node
from neurosim.workload.nir_shapes import MAX_NEURONS, Shape, conv_geometry, integers

OPERATORS = ("Linear", "Affine", "Scale", "Conv1d", "Conv2d", "SumPool2d", "AvgPool2d")


def population_shape(shape: Shape) -> Shape:
    """NIR's shape as a population's: (channels, length) becomes an image of one row, so that Conv1d is a Conv2d."""
    return (shape[0], 1, shape[1]) if len(shape) == 2 else shape or (1,)


def diagonal(values: np.ndarray, keep: np.ndarray | None = None) -> Sparse:
    """Neuron i to neuron i with its own weight; ``keep`` leaves out the others."""
    n = values.size
    keep = np.ones(n, bool) if keep is None else keep
    indptr = np.concatenate([[0], np.cumsum(keep)]).astype(np.int64)
    return Sparse(indptr, np.flatnonzero(keep), values[keep].astype(np.float32))


def connectivity(node: Node, shape: Shape) -> Connectivity:
    """The connectivity of an operator whose input has ``shape``; the shapes were checked before."""
    if node.kind in ("Linear", "Affine"):
        return Dense(_float32(node, "weight").T)
    if node.kind == "Scale":
        scale = _float32(node, "scale")
        if (scale == scale.reshape(-1)[0]).all():
            return Identity(float(scale.reshape(-1)[0]))
        return diagonal(np.broadcast_to(scale, shape).ravel())
    if node.kind in ("SumPool2d", "AvgPool2d"):
        size, stride = integers(node, "kernel_size", 2, 1), integers(node, "stride", 2, 1)
        mode = "sum" if node.kind == "SumPool2d" else "average"
        return Pool2d(mode, size, stride, integers(node, "padding", 2, 0))
    stride, padding, dilation = conv_geometry(node)
    weight = _float32(node, "weight")
    if node.kind == "Conv1d":
        weight = weight[:, :, None, :]
        stride, padding, dilation = (1, *stride), (0, *padding), (1, *dilation)
    return Conv2d(weight, stride, padding, dilation, integers(node, "groups", 1, 1)[0])


def _float32(node: Node, key: str) -> np.ndarray:
    with np.errstate(over="ignore"):
        values = node.fields[key].astype(np.float32)
    if not np.isfinite(values).all():
        raise NeurosimError(f"{node.where}.{key}: holds a number beyond float32; scale the layer before export")
    return values


def bias_of(node: Node, out_shape: Shape) -> np.ndarray | None:
    """The bias of an operator over its output, (n,) float64 in C order; None where there is none."""
    if "bias" not in node.fields or not np.any(node.fields["bias"]):
        return None
    bias = node.fields["bias"].astype(np.float64).reshape(-1)
    if node.kind == "Affine":
        return np.broadcast_to(bias, (out_shape[-1],)).copy()
    return np.repeat(np.broadcast_to(bias, (out_shape[0],)), prod(out_shape[1:]))


def carried(link: Connectivity, constant: np.ndarray, source: Shape, target: Shape) -> np.ndarray:
    """What a constant input (n_source,) float64 becomes behind ``link``, (n_target,)."""
    if isinstance(link, Identity):
        return constant * link.weight
    if isinstance(link, Dense):
        return constant @ link.weights.astype(np.float64)
    indptr, indices, weights = link.to_csr(source, target)
    out = np.zeros(prod(target))
    np.add.at(out, indices, np.repeat(constant, np.diff(indptr)) * weights)
    return out


def with_gain(link: Connectivity, gain: np.ndarray, source: Shape, target: Shape, where: str) -> Connectivity:
    """``link`` with every weight times the gain of its target; pools are dealt with before."""
    if np.ndim(gain) == 0 and gain == 1:
        return link
    if isinstance(link, Identity):
        weights = np.broadcast_to(gain * link.weight, (prod(target),))
        return Identity(float(np.float32(weights[0]))) if np.ndim(gain) == 0 else diagonal(weights)
    each = np.broadcast_to(np.asarray(gain, np.float64).reshape(-1), (prod(target),))
    if isinstance(link, Dense):
        return Dense((link.weights * each).astype(np.float32))
    if isinstance(link, Sparse):
        return Sparse(link.indptr, link.indices, (link.weights * each[link.indices]).astype(np.float32))
    by_channel = each.reshape(target[0], -1)
    if (by_channel == by_channel[:, :1]).all():
        weights = (link.weights * by_channel[:, 0][:, None, None, None]).astype(np.float32)
        return Conv2d(weights, link.stride, link.padding, link.dilation, link.groups)
    if int(link.fan_out(source, target).sum()) > MAX_NEURONS:
        raise NeurosimError(
            f"{where}: r differs within a channel, and unrolling its convolution is over {MAX_NEURONS} connections; "
            "give the neurons of a channel one r and tau"
        )
    indptr, indices, weights = link.to_csr(source, target)
    return Sparse(indptr, indices, (weights * each[indices]).astype(np.float32))
