"""What each PyTorch function does to traced values: which node it adds, or how it moves the leading axes.

Functions see what a layer really computed with: a batch normalisation's running statistics, a weight after its fake
quantiser. A function that is not listed makes a value that is good as an answer, not as the input of a layer.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from neurosim.workload.torch_axes import Call, index, join, mean, repeat, reshape, same, transpose, unbind
from neurosim.workload.torch_graph import BATCH, MERGED, RAW, SEQUENCE, Value, refused, rest_of

if TYPE_CHECKING:
    from neurosim.workload.torch_trace import Tracer


def numbers(tensor) -> np.ndarray:
    """A tensor (or number) as float64."""
    return np.asarray(tensor.detach().cpu().numpy() if hasattr(tensor, "detach") else tensor, np.float64)


# Layers.


def _layer(t: Tracer, call: Call, kind: str, given: Value, fields: dict, weights: tuple = ()) -> Value:
    shape = rest_of(tuple(call.result.shape), given.lead)
    node = t.node(kind, (given.node,), shape, fields, weights)
    return replace(given, node=node)


def _axes(value, axes: int) -> tuple[int, int]:
    """One number an axis; a single axis lies behind a row of one."""
    values = (value,) * axes if isinstance(value, int) else tuple(int(v) for v in value)
    values = values * axes if len(values) == 1 else values
    return values if axes == 2 else (-1, values[0])


def _geometry(axes: int, **given) -> dict[str, tuple[int, int]]:
    """Kernel sizes, strides, dilations (1 along the row of one) and paddings (0)."""
    fixed = {"padding": 0}
    return {k: tuple(fixed.get(k, 1) if v < 0 else v for v in _axes(value, axes)) for k, value in given.items()}


def conv(t: Tracer, call: Call) -> Value:
    """conv1d and conv2d."""
    a = call.bound("input weight bias stride padding dilation groups", stride=1, padding=0, dilation=1, groups=1)
    axes = 1 if call.name == "conv1d" else 2
    if a["input"].ndim != axes + 2:
        raise refused(t.path, f"takes shape {tuple(a['input'].shape)}; give it a batch axis")
    given = t.take(a["input"], leads=(BATCH, MERGED))
    if given.mean:
        return given.loses("a convolution of a mean over time")
    kernel, padding = tuple(a["weight"].shape[2:]), a["padding"]
    if isinstance(padding, str):
        dilation = _axes(a["dilation"], axes)[-axes:]
        extra = [d * (k - 1) * (padding == "same") for d, k in zip(dilation, kernel, strict=True)]
        if any(e % 2 for e in extra):
            raise refused(t.path, "padding 'same' of an even kernel pads one side only; use an odd kernel")
        padding = [e // 2 for e in extra]
    fields = _geometry(axes, stride=a["stride"], padding=padding, dilation=a["dilation"])
    return _layer(t, call, "conv2d", given, fields | {"groups": int(a["groups"])}, (a["weight"], a["bias"]))


def linear(t: Tracer, call: Call) -> Value:
    a = call.bound("input weight bias")
    sequence = a["input"].ndim == 3
    given = t.take(a["input"], leads=(SEQUENCE,) if sequence else (BATCH, MERGED))
    if len(rest_of(tuple(a["input"].shape), given.lead)) != 1:
        raise refused(
            t.path, f"a linear layer over the last axis of shape {tuple(a['input'].shape)} shares its weights over the "
            "others; flatten before it, or use a 1x1 convolution",
        )  # fmt: skip
    return _layer(t, call, "linear", given, {}, (a["weight"], a["bias"]))


def batch_norm(t: Tracer, call: Call) -> Value:
    a = call.bound("input running_mean running_var weight bias training momentum eps", eps=1e-5)
    given = t.take(a["input"], leads=(BATCH, MERGED))
    if a["training"] or a["running_mean"] is None:
        raise refused(
            t.path, "normalises by the statistics of the batch, which no fixed network does; train with "
            "track_running_stats=True and call model.eval()",
        )  # fmt: skip
    scale = 1 / np.sqrt(numbers(a["running_var"]) + a["eps"])
    scale = scale if a["weight"] is None else scale * numbers(a["weight"])
    shift = -numbers(a["running_mean"]) * scale + (0 if a["bias"] is None else numbers(a["bias"]))
    shape = rest_of(tuple(call.result.shape), given.lead)
    per = [np.repeat(values, prod(shape[1:])) for values in (scale, shift)]
    return _layer(t, call, "affine", given, {"scale": per[0], "shift": per[1]})


def max_pool(t: Tracer, call: Call) -> Value:
    """max_pool1d and max_pool2d."""
    names = "input kernel_size stride padding dilation ceil_mode return_indices"
    a = call.bound(names, padding=0, dilation=1)
    if a["return_indices"] or a["dilation"] not in (1, (1,), [1], (1, 1), [1, 1]):
        raise refused(t.path, "max pooling with indices or a dilation is not run; pool plainly")
    return _pool(t, call, "max_pool2d", a)


def avg_pool2d(t: Tracer, call: Call) -> Value:
    names = "input kernel_size stride padding ceil_mode count_include_pad divisor_override"
    a = call.bound(names, padding=0, count_include_pad=True)
    padded = a["padding"] not in (0, (0,), [0], (0, 0), [0, 0])
    if a["divisor_override"] or (padded and not a["count_include_pad"]):
        raise refused(t.path, "its divisor is not the window's size; use count_include_pad=True and no override")
    return _pool(t, call, "avg_pool2d", a)


def adaptive_avg_pool(t: Tracer, call: Call) -> Value:
    """adaptive_avg_pool1d and adaptive_avg_pool2d, where all windows are alike."""
    tensor, axes = call.bound("input output_size")["input"], 1 if call.name.endswith("1d") else 2
    sides = list(zip(tensor.shape[-axes:], call.result.shape[-axes:], strict=True))
    if any(n % m for n, m in sides):
        raise refused(
            t.path, f"makes {[m for _, m in sides]} windows of {[n for n, _ in sides]}, unlike ones; pool evenly"
        )
    size = tuple(n // m for n, m in sides)
    return _pool(t, call, "avg_pool2d", {"input": tensor, "kernel_size": size, "stride": size, "padding": 0})


def _pool(t: Tracer, call: Call, kind: str, a: dict) -> Value:
    given = t.take(a["input"], leads=(BATCH, MERGED))
    axes = 1 if call.name.endswith("1d") else 2
    stride = a["kernel_size"] if a["stride"] in (None, [], ()) else a["stride"]
    fields = _geometry(axes, size=a["kernel_size"], stride=stride, padding=a["padding"])
    shape = rest_of(tuple(a["input"].shape), given.lead)
    sides = (1, *shape[1:])[-2:]
    exact = [
        (n + 2 * p - k) // s + 1
        for n, k, s, p in zip(sides, fields["size"], fields["stride"], fields["padding"], strict=True)
    ]
    if exact[-axes:] != list(call.result.shape[-axes:]):
        raise refused(t.path, "ceil_mode=True leaves windows over the edge; use ceil_mode=False or pad")
    if fields["size"] == fields["stride"] == (1, 1) and fields["padding"] == (0, 0):
        return given
    if given.mean:
        return given.loses("a pool of a mean over time")
    return _layer(t, call, kind, given, fields)


def avg_pool1d(t: Tracer, call: Call) -> Value:
    """Over (1, n) features: the vote of groups of output neurons, a linear layer with fixed weights."""
    a = call.bound("input kernel_size stride padding ceil_mode count_include_pad", padding=0)
    given = t.value(a["input"])
    shape = rest_of(tuple(a["input"].shape), given.lead)
    size, stride, padding = (_axes(a[k], 1)[1] if a[k] not in (None, [], ()) else None for k in
                             ("kernel_size", "stride", "padding"))  # fmt: skip
    if len(shape) != 2 or shape[0] != 1 or stride not in (None, size) or padding or shape[1] % size:
        return avg_pool2d(t, call)
    given = t.take(a["input"], leads=(BATCH, MERGED))
    weight = np.kron(np.eye(shape[1] // size), np.ones((1, size)))
    node = t.node("linear", (given.node,), (1, shape[1] // size), {"weight": weight / size, "bias": None, "vote": True})
    return replace(given, node=node)


# Sums.


def add(t: Tracer, call: Call) -> Value:
    left, right = call.args[:2]
    sign = -1.0 if call.name in ("sub", "sub_") else 1.0
    right = right if call.kwargs.get("alpha", 1) == 1 else None
    values = [t.value(x) for x in (left, right)]
    if right is None or (sign < 0 and values[1] is not None):
        return next(v for v in values if v is not None).loses("a difference or a scaled sum")
    if None in values:
        known, constant = (values[0], right) if values[1] is None else (values[1], left)
        return _affine(t, call, known, 1.0, sign * numbers(constant))
    one, two = values
    if one.lost or two.lost or one.mean or two.mean or one.membrane or two.membrane:
        return (one if one.node.kind != "input" else two).loses("a sum of more than layers' outputs")
    if one.at is not None and two.at is not None and one.at != two.at:
        same = one.node is two.node
        return one.loses("a sum over time" if same else "a loop back over time in forward (RLeaky has one)")
    if one.node.kind == two.node.kind == "input" and one.node is two.node and RAW in (one.lead, two.lead):
        return one.loses("a sum of inputs")
    if len(one.lead) != len(two.lead) or left.shape != right.shape or left.shape != call.result.shape:
        return one.loses("a sum of different shapes")
    one, two = t.take(left, leads=(two.lead,)), t.take(right, leads=(one.lead,))
    shape = rest_of(tuple(call.result.shape), one.lead)
    node = t.node("add", (one.node, two.node), shape, {})
    return replace(one, node=node, at=two.at if one.at is None else one.at)


def multiply(t: Tracer, call: Call) -> Value:
    left, right = call.args[:2]
    values = [t.value(x) for x in (left, right)]
    if None not in values or (call.name.startswith("div") and values[0] is None):
        known = next(v for v in values if v is not None)
        return known.loses("a product or quotient of layers' outputs")
    known, constant = (values[0], right) if values[1] is None else (values[1], left)
    scale = numbers(constant)
    return _affine(t, call, known, 1 / scale if call.name.startswith("div") else scale, 0.0)


def _affine(t: Tracer, call: Call, known: Value, scale, shift) -> Value:
    """A constant product and sum, spread over one sample; the same for each sample and timestep."""
    if known.node.kind == "input" or known.lost:
        shapes = [tuple(x.shape) for x in call.args[:2] if t.value(x) is known]
        neutral = not np.any(shift) and np.all(scale == 1) and shapes == [tuple(call.result.shape)]
        return known if neutral else known.loses("arithmetic")
    shape = tuple(call.result.shape)
    try:
        spread = [np.broadcast_to(v, (*shape[: len(known.lead)], *rest_of(shape, known.lead))) for v in (scale, shift)]
    except ValueError:
        return known.loses("arithmetic over batch or time")
    flat = [v.reshape(prod(shape[: len(known.lead)]), -1) for v in spread]
    if any((v != v[:1]).any() for v in flat) or rest_of(shape, known.lead) != known.node.shape:
        return known.loses("arithmetic that differs between samples or timesteps")
    scale, shift = (np.array(v[0]) for v in flat)
    if (scale == 1).all() and not shift.any():
        return known
    if known.mean or known.membrane:
        return known.loses("arithmetic")
    return replace(known, node=t.node("affine", (known.node,), known.node.shape, {"scale": scale, "shift": shift}))


def constants(t: Tracer, call: Call) -> None:
    """New tensors of the same shape: nothing of the values goes into them."""
    return None


def names(text: str) -> list[str]:
    return text.split()


OPS = {
    "conv1d": conv, "conv2d": conv, "linear": linear, "batch_norm": batch_norm, "max_pool1d": max_pool,
    "max_pool2d": max_pool, "avg_pool1d": avg_pool1d, "avg_pool2d": avg_pool2d,
    "adaptive_avg_pool1d": adaptive_avg_pool, "adaptive_avg_pool2d": adaptive_avg_pool,
    "__getitem__": index, "select": index, "unbind": unbind, "stack": join, "cat": join, "concat": join,
    "mean": mean, "sum": mean,
    **dict.fromkeys(names("add add_ __add__ __radd__ __iadd__ sub sub_ __sub__"), add),
    **dict.fromkeys(names("mul mul_ __mul__ __rmul__ div div_ __truediv__ true_divide"), multiply),
    **dict.fromkeys(names("contiguous clone detach to float cpu requires_grad_ dropout dropout2d alpha_dropout "
                          "feature_dropout type double data"), same),
    **dict.fromkeys(names("flatten view reshape squeeze unsqueeze squeeze_ unsqueeze_ view_as reshape_as unflatten"),
                    reshape),
    **dict.fromkeys(names("repeat expand expand_as"), repeat),
    **dict.fromkeys(names("transpose permute swapaxes movedim"), transpose),
    **dict.fromkeys(names("zeros_like ones_like empty_like full_like rand_like randn_like new_zeros new_ones new_full "
                          "new_empty new_tensor"), constants),
}  # fmt: skip
