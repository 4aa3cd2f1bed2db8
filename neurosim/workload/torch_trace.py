"""The watcher of a PyTorch forward: which layers are called on which values, and what the neurons put out.

Neuron modules are taken whole; of everything else each torch function is seen with the numbers it really used. A
value is kept on its tensor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.overrides import TorchFunctionMode

from neurosim.workload.torch_axes import Call
from neurosim.workload.torch_graph import BATCH, MERGED, RAW, SEQUENCE, Node, Value, refused, rest_of
from neurosim.workload.torch_neurons import is_multi_step, is_neuron, neuron_fields
from neurosim.workload.torch_ops import OPS

TAG = "_neurosim_value"
LAYERS = ("conv2d", "linear", "max_pool2d", "avg_pool2d")


def tensors(value: Any) -> Iterator[torch.Tensor]:
    """Every tensor of a nested result."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from tensors(part)


class Tracer(TorchFunctionMode):
    """Watches torch functions and module calls while it is entered."""

    def __init__(self, model: nn.Module):
        super().__init__()
        self.names = {id(module): name for name, module in model.named_modules()}
        self.stack: list[str] = []
        self.inside = 0
        self.nodes: dict[tuple, Node] = {}
        self.titles: set[str] = set()
        self.calls: dict[int, int] = {}
        self.failed = ""
        self.input = self._new("input", "input", (), (), {})
        self.input_lead: tuple[str, ...] = RAW

    @property
    def path(self) -> str:
        """The module whose forward is running."""
        return next((name for name in reversed(self.stack) if name), "")

    # Values and nodes.

    def value(self, tensor: Any) -> Value | None:
        """What is known of a tensor; None: it does not come from the batch."""
        return getattr(tensor, TAG, None) if isinstance(tensor, torch.Tensor) else None

    def put(self, tensor: torch.Tensor, value: Value | None) -> None:
        if value is not None:
            setattr(tensor, TAG, value)
        elif hasattr(tensor, TAG):
            delattr(tensor, TAG)

    def _new(self, kind: str, name: str, inputs: tuple, shape: tuple, fields: dict) -> Node:
        title, number = name, 1
        while title in self.titles:
            number += 1
            title = f"{name}_{number}"
        self.titles.add(title)
        return Node(kind, title, inputs, shape, fields)

    def node(self, kind: str, inputs: tuple[Node, ...], shape: tuple, fields: dict, weights: tuple = ()) -> Node:
        """The node of this operation on these inputs with these numbers: the same one in every timestep."""
        parts = [_identity(w) for w in weights] + [(k, _identity(v)) for k, v in sorted(fields.items())]
        key = (kind, self.path, tuple(id(n) for n in inputs), tuple(shape), *parts)
        if key not in self.nodes:
            path = self.path
            title = path if path and kind in LAYERS else f"{path}.{kind}"
            node = self._new(kind, title.lstrip("."), inputs, tuple(shape), fields)
            if weights:
                arrays = [None if w is None else plain(w).detach().cpu().numpy().astype(np.float32) for w in weights]
                fields["weight"], fields["bias"] = arrays
                if arrays[0].ndim == 3:  # a convolution over (channels, length) is one over an image of one row
                    fields["weight"] = arrays[0][:, :, None]
                fields["held"] = weights  # an id stays unique while its tensor lives
            self.nodes[key] = node
        return self.nodes[key]

    def layout(self, lead: tuple[str, ...]) -> None:
        """The batch turned out to have these leading axes."""
        if self.input_lead not in (RAW, lead):
            raise refused(self.path, f"takes the batch as {lead}, another layer as {self.input_lead}")
        self.input_lead = lead

    def take(self, tensor: torch.Tensor, leads: tuple[tuple[str, ...], ...]) -> Value:
        """The value of ``tensor`` as the input of a layer, with one of ``leads``."""
        value = self.value(tensor)
        if value is None:
            raise refused(self.path, "takes numbers that do not come from the batch; give the model its input as batch")
        if value.lost and value.node.kind == "input" and not value.mean:
            return self._encoded(tensor, value, leads)
        if value.lost:
            raise refused(
                self.path, f"takes what {value.lost} makes of layer {value.node.name!r}, which no network here holds; "
                "put a neuron there, or leave it out",
            )  # fmt: skip
        if value.membrane:
            raise refused(self.path, f"takes the membrane of {value.node.name!r}; only spikes travel between layers")
        if value.lead == RAW:
            value = replace(value, lead=leads[0], sizes=tuple(tensor.shape[:2]) if leads[0] != BATCH else None)
            if leads[0] != MERGED:
                self.layout(leads[0])
        if value.lead not in leads:
            raise refused(
                self.path, f"takes a tensor with axes {value.lead} where {leads[0]} is expected (B batch, T time); for "
                "SpikingJelly, set one step mode for the whole model with functional.set_step_mode",
            )  # fmt: skip
        if value.node.kind == "input":
            self._feed(value, tensor)
        self.put(tensor, value)
        return value

    def _feed(self, value: Value, tensor: torch.Tensor) -> None:
        node = value.node
        shape = rest_of(tuple(tensor.shape), value.lead)
        if node is self.input and len(shape) > len(node.shape):
            node.shape = shape if not node.shape or np.prod(shape) == np.prod(node.shape) else node.shape
        if shape != node.shape and int(np.prod(shape)) != int(np.prod(node.shape)):
            raise refused(self.path, f"takes inputs of shape {shape}, another layer {node.shape}")

    def _encoded(self, tensor: torch.Tensor, value: Value, leads: tuple) -> Value:
        """What the forward made of the batch before its first layer: an input of its own, as the host computed it."""
        lead = value.lead if value.lead in leads else leads[0]
        sizes = tuple(tensor.shape[:2]) if lead == SEQUENCE else value.sizes
        key = ("encoded", self.path)
        if key not in self.nodes:
            title = f"input of {self.path}" if self.path else "encoded input"
            self.nodes[key] = self._new("input", title, (), rest_of(tuple(tensor.shape), lead), {"by": value.lost})
        node = self.nodes[key]
        node.fed.append((tensor.detach().cpu().numpy(), lead, sizes))
        made = Value(node, lead, sizes, at=value.at)
        self.put(tensor, made)
        return made

    # Functions.

    def __torch_function__(self, func: Callable, types: tuple, args: tuple = (), kwargs: dict | None = None) -> Any:
        kwargs = kwargs or {}
        if self.inside:
            return func(*args, **kwargs)
        known = any(self.value(x) is not None for x in (*tensors(args), *tensors(kwargs)))
        if not known:
            return func(*args, **kwargs)
        name = getattr(func, "__name__", str(func))
        if name == "__setitem__":
            return self._assigned(func, args, kwargs)
        if name == "__get__":
            name = "data" if func == torch.Tensor.data.__get__ else "a property"
        before = {id(x): self.value(x) for x in tensors(args)}
        self.inside += 1
        try:
            result = func(*args, **kwargs)
            made = list(tensors(result))
            if not made:
                return result
            values = self._apply(Call(name, _positional(name, args, kwargs), kwargs, result), made, before)
        finally:
            self.inside -= 1
        for tensor, value in zip(made, values, strict=True):
            self.put(tensor, value)
        return result

    def _assigned(self, func: Callable, args: tuple, kwargs: dict) -> Any:
        """``a[i] = b``: a is an answer at best, whatever it was."""
        known = next(value for x in tensors(args) if (value := self.value(x)) is not None)
        result = func(*args, **kwargs)
        self.put(args[0], known.loses("an assignment to a part"))
        return result

    def _apply(self, call: Call, made: list, before: dict) -> list[Value | None]:
        handler = OPS.get(call.name)
        if handler is None or (call.kwargs.get("out") is not None):
            given = [*tensors(call.args), *tensors(call.kwargs)]
            if any(isinstance(x, nn.Parameter) for x in given):
                raise refused(
                    self.path, f"torch.{call.name} with weights is not a layer that neurosim runs (linear, conv1d, "
                    "conv2d, batch normalisation); use one of these",
                )  # fmt: skip
            first = next(value for x in given if (value := before.get(id(x)) or self.value(x)) is not None)
            return [first.loses(f"torch.{call.name}")] * len(made)
        values = handler(self, call)
        return values if isinstance(values, list) else [values] * len(made)

    # Modules.

    def module(self, original: Callable, module: nn.Module, args: tuple, kwargs: dict) -> Any:
        """A module's call: neurons are taken whole, everything else is looked into."""
        if self.inside:
            return original(module, *args, **kwargs)
        self.stack.append(self.names.get(id(module), ""))
        try:
            if is_neuron(module):
                return self._neuron(original, module, args, kwargs)
            return original(module, *args, **kwargs)
        except Exception:
            self.failed = self.failed or self.path
            raise
        finally:
            self.stack.pop()

    def _neuron(self, original: Callable, module: nn.Module, args: tuple, kwargs: dict) -> Any:
        name = self.path
        key = ("neuron", id(module))
        node = self.nodes.get(key)
        fields = neuron_fields(module, name) if node is None else node.fields
        many = is_multi_step(module)
        first, *states = tensors((args, kwargs))
        given = self.take(first, leads=(SEQUENCE,) if many else (BATCH,))
        call = self.calls[id(module)] = self.calls.get(id(module), -1) + 1
        if given.mean:
            raise refused(name, "takes a mean over time; a neuron needs every timestep")
        if given.at is not None and given.at != call:
            raise refused(
                name, f"takes timestep {given.at} of its input in its call {call}; the loop must run through time in "
                "order and reach every layer once a timestep",
            )  # fmt: skip
        if node is None:
            shape = rest_of(tuple(first.shape), given.lead)
            node = self.nodes[key] = self._new("neuron", name or "neuron", (given.node,), shape, fields)
        if node.inputs != (given.node,):
            raise refused(
                name, f"takes {given.node.name!r} in timestep {call} and {node.inputs[0].name!r} before; one module "
                "stands for one layer, and a loop back over time written in forward is not followed",
            )  # fmt: skip
        for i, state in enumerate(states):
            # A recurrent neuron takes its own spikes first.
            self._check_state(state, node, call, membrane=i > 0 or not fields.get("back"))
        self.inside += 1
        try:
            result = original(module, *args, **kwargs)
        finally:
            self.inside -= 1
        made = list(tensors(result))
        sizes = tuple(made[0].shape[:2]) if many else None
        node.fed.append((made[0].detach().cpu().numpy().astype(np.float32), given.lead, sizes))
        out = Value(node, given.lead, sizes, at=None if many else call)
        for i, tensor in enumerate(made):
            self.put(tensor, out if i == 0 else replace(out, membrane=True))
        return result

    def _check_state(self, state: torch.Tensor, node: Node, call: int, membrane: bool) -> None:
        value, last = self.value(state), (None, call - 1)
        if value is None:
            if bool((state != 0).any()):
                raise refused(node.name, "starts from a membrane that is not zero; start from reset_mem()")
        elif value.node is not node or value.membrane != membrane or value.lost or value.at not in last:
            raise refused(node.name, "gets a membrane that is not its own of the timestep before; pass it on unchanged")


def _positional(name: str, args: tuple, kwargs: dict) -> tuple:
    """Arguments with the first by position, as the rules read them."""
    if args:
        return args
    first = next((k for k in ("input", "tensors", "self", "x") if k in kwargs), None)
    return (kwargs[first],) if first else args


def plain(value: Any) -> Any:
    """The float tensor inside a Brevitas quant tensor; anything else as it is."""
    inner = getattr(value, "value", None)
    return inner if isinstance(inner, torch.Tensor) else value


def _identity(value: Any) -> Any:
    """Equal for equal numbers; a parameter is known by its identity."""
    value = plain(value)
    if isinstance(value, nn.Parameter):
        return id(value)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray):
        return hashlib.blake2b(np.ascontiguousarray(value).tobytes()).digest(), value.shape
    return repr(value)
