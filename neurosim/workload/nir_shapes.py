"""Shapes of a NIR graph, from its arrays alone (the file's own inferred types are not read).

Shapes have no batch or time axis. A node's output shape follows from its input and fields; all edges into a node
carry one shape, because they add up. Loops are allowed: a neuron's shape is that of its parameters.
"""

from __future__ import annotations

from collections import deque
from math import prod

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.workload.nir_file import NEURONS, Graph, Node

MAX_NEURONS = 1 << 26
MAX_TAPS = 1 << 28

Shape = tuple[int, ...]


def refuse(node: Node, text: str) -> NeurosimError:
    """An error that names the node."""
    return NeurosimError(f"{node.where}: {text}")


def integers(node: Node, key: str, count: int, low: int) -> tuple[int, ...]:
    """Field ``key`` as ``count`` integers of at least ``low``; one stands for all."""
    value = node.fields[key]
    if isinstance(value, str) or value.size not in (1, count) or (value != np.floor(value)).any():
        raise refuse(node, f"{key}: expected {count} whole number(s)")
    numbers = tuple(int(v) for v in np.broadcast_to(value.reshape(-1), (count,)))
    if min(numbers) < low or max(numbers) > MAX_NEURONS:
        raise refuse(node, f"{key}: got {numbers}, expected {low} to {MAX_NEURONS}")
    return numbers


def listed_shape(node: Node, key: str) -> Shape:
    """Field ``key`` as a shape."""
    value = node.fields[key]
    whole = not isinstance(value, str) and value.ndim <= 1 and value.size <= 8 and (value == np.floor(value)).all()
    if not whole or (value.size and (value.min() < 1 or value.max() > MAX_NEURONS)):
        raise refuse(node, f"{key}: expected a shape of positive sizes, without batch and time")
    return tuple(int(v) for v in value.reshape(-1)) or (1,)


def conv_geometry(node: Node) -> tuple[tuple[int, ...], ...]:
    """Stride, padding and dilation of a Conv1d or Conv2d, one number an axis."""
    axes = 1 if node.kind == "Conv1d" else 2
    stride, dilation = integers(node, "stride", axes, 1), integers(node, "dilation", axes, 1)
    padding = node.fields["padding"]
    if not isinstance(padding, str):
        return stride, integers(node, "padding", axes, 0), dilation
    if padding == "valid":
        return stride, (0,) * axes, dilation
    if padding != "same":
        raise refuse(node, f"padding: got {padding[:20]!r}, expected numbers, 'same' or 'valid'")
    extra = [d * (k - 1) for d, k in zip(dilation, node.fields["weight"].shape[2:], strict=True)]
    if max(stride) > 1 or any(e % 2 for e in extra):
        raise refuse(
            node, "padding 'same' needs stride 1 and odd kernels here (an even one is padded on one side only); "
            "give the padding as numbers or use an odd kernel",
        )  # fmt: skip
    return stride, tuple(e // 2 for e in extra), dilation


def flatten_axes(node: Node, ndim: int) -> tuple[int, int]:
    """First and last axis that a Flatten joins."""
    axes = []
    for key in ("start_dim", "end_dim"):
        value = node.fields[key]
        number = int(value.reshape(-1)[0]) if value.size == 1 else ndim + 1
        if not -ndim <= number < ndim:
            raise refuse(node, f"{key}: got {number}, the input has axes 0 to {ndim - 1} (no batch axis in the file)")
        axes.append(number % ndim)
    if axes[0] > axes[1]:
        raise refuse(node, f"start_dim {axes[0]} lies behind end_dim {axes[1]}")
    return axes[0], axes[1]


def infer_shapes(graph: Graph) -> dict[str, tuple[Shape, Shape]]:
    """(input shape, output shape) of every node. Raises NeurosimError naming the node that does not fit."""
    into = graph.into()
    outgoing: dict[str, list[str]] = {name: [] for name in graph.nodes}
    for source, target in graph.edges:
        outgoing[source].append(target)
    shapes: dict[str, tuple[Shape, Shape]] = {}
    todo: deque[str] = deque()
    for node in graph.nodes.values():
        known = _own_shape(node)
        if node.kind == "Input" and into[node.name]:
            raise refuse(node, f"is the target of an edge from {into[node.name][0]!r}; nothing can enter an Input")
        if known is not None:
            shapes[node.name] = (known, known)
            todo.append(node.name)
    while todo:
        name = todo.popleft()
        for target in outgoing[name]:
            if target not in shapes:
                given = shapes[name][1]
                shapes[target] = (given, _bounded(graph.nodes[target], _output(graph.nodes[target], given)))
                todo.append(target)
    for node in graph.nodes.values():
        if node.name not in shapes:
            raise refuse(node, "nothing reaches it from an Input, so its shape is not known; connect or remove it")
        for source in into[node.name]:
            if shapes[source][1] != shapes[node.name][0]:
                raise refuse(
                    node, f"takes shape {shapes[node.name][0]}, but {source!r} sends {shapes[source][1]}; edges into "
                    "one node add up and need one shape",
                )  # fmt: skip
    return shapes


def _own_shape(node: Node) -> Shape | None:
    """The shape that the fields alone give: of an Input, and of a neuron with array parameters."""
    if node.kind == "Input":
        return _bounded(node, listed_shape(node, "shape"))
    if node.kind not in NEURONS:
        return None
    given = {value.shape for value in node.fields.values() if value.size != 1 or value.ndim}
    wide = {shape for shape in given if prod(shape) != 1}
    if len(wide) > 1 or any(0 in shape for shape in wide):
        raise refuse(node, f"parameters have shapes {sorted(given)}; expected one shape for all")
    if wide or given:
        return _bounded(node, next(iter(wide or given)))
    return None


def _bounded(node: Node, shape: Shape) -> Shape:
    if prod(shape) > MAX_NEURONS or len(shape) > 8:
        raise refuse(node, f"shape {shape}: over {MAX_NEURONS} values or 8 axes")
    return shape


def _output(node: Node, given: Shape) -> Shape:
    if node.kind in ("Linear", "Affine"):
        return _linear(node, given)
    if node.kind in ("Conv1d", "Conv2d"):
        return _conv(node, given)
    if node.kind in ("SumPool2d", "AvgPool2d"):
        size, stride = integers(node, "kernel_size", 2, 1), integers(node, "stride", 2, 1)
        padding = integers(node, "padding", 2, 0)
        return (given[0], *_window(node, given, 3, size, stride, padding, (1, 1)))
    if node.kind == "Flatten":
        first, last = flatten_axes(node, len(given))
        if "input_type" in node.fields and listed_shape(node, "input_type") != given:
            raise refuse(node, f"input_type {listed_shape(node, 'input_type')}, but shape {given} arrives")
        return (*given[:first], prod(given[first : last + 1]), *given[last + 1 :])
    if node.kind in ("Output", "Junction") and "shape" in node.fields and listed_shape(node, "shape") != given:
        raise refuse(node, f"shape {listed_shape(node, 'shape')}, but {given} arrives")
    if node.kind in ("Scale", "Delay"):
        values = node.fields["scale" if node.kind == "Scale" else "delay"]
        if values.size != 1 and values.shape != given:
            raise refuse(node, f"has {values.shape} values, but shape {given} arrives")
    return given


def _linear(node: Node, given: Shape) -> Shape:
    weight = node.fields["weight"]
    if weight.ndim != 2 or 0 in weight.shape:
        raise refuse(node, f"weight: shape {weight.shape}, expected (out, in)")
    if given[-1] != weight.shape[1] or prod(given[:-1]) != 1:
        raise refuse(
            node, f"weight takes {weight.shape[1]} values, but shape {given} arrives; put a Flatten before it, or "
            "check the layer before",
        )  # fmt: skip
    if "bias" in node.fields and node.fields["bias"].shape not in ((weight.shape[0],), ()):
        raise refuse(node, f"bias: shape {node.fields['bias'].shape}, expected ({weight.shape[0]},)")
    return (*given[:-1], weight.shape[0])


def _conv(node: Node, given: Shape) -> Shape:
    axes = 1 if node.kind == "Conv1d" else 2
    weight = node.fields["weight"]
    if weight.ndim != axes + 2 or 0 in weight.shape:
        raise refuse(node, f"weight: shape {weight.shape}, expected (C_out, C_in / groups, kernel...)")
    (groups,) = integers(node, "groups", 1, 1)
    if len(given) != axes + 1 or given[0] != weight.shape[1] * groups or weight.shape[0] % groups:
        raise refuse(
            node, f"weight {weight.shape} with groups {groups} takes {weight.shape[1] * groups} channels and "
            f"{axes} axes, but shape {given} arrives",
        )  # fmt: skip
    if "input_shape" in node.fields and listed_shape(node, "input_shape") != given[1:]:
        raise refuse(node, f"input_shape {listed_shape(node, 'input_shape')}, but {given[1:]} arrives")
    if "bias" in node.fields and node.fields["bias"].shape not in ((weight.shape[0],), ()):
        raise refuse(node, f"bias: shape {node.fields['bias'].shape}, expected ({weight.shape[0]},)")
    stride, padding, dilation = conv_geometry(node)
    return (weight.shape[0], *_window(node, given, axes + 1, weight.shape[2:], stride, padding, dilation))


def _window(node: Node, given: Shape, ndim: int, kernel, stride, padding, dilation) -> Shape:
    if len(given) != ndim:
        raise refuse(node, f"shape {given} arrives, expected {ndim} axes: channels first")
    each = zip(given[1:], kernel, stride, padding, dilation, strict=True)
    size = tuple((n + 2 * p - d * (k - 1) - 1) // s + 1 for n, k, s, p, d in each)
    if min(size) < 1:
        raise refuse(node, f"kernel {tuple(kernel)} does not fit into the padded input {given[1:]}")
    if prod(size) * prod(kernel) > MAX_TAPS:
        raise refuse(node, f"{prod(size)} windows of {prod(kernel)} taps are over {MAX_TAPS}")
    return size
