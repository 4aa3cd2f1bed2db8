"""What a traced PyTorch forward is made of: nodes of the network, and the values that pass between them.

A node stands for one layer at every timestep: a loop over time that calls the same layers gives the same nodes again.
A value is a tensor of the forward seen as what one node puts out, with the meaning of its leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError

BATCH, SEQUENCE, MERGED = ("B",), ("T", "B"), ("TB",)
"""Leading axes of a tensor: one timestep; all timesteps; both in one axis, timesteps outermost."""


def refused(name: str, problem: str) -> NeurosimError:
    """The error for layer ``name``: what it is, and what to do."""
    return NeurosimError(f"layer {name!r}: {problem}")


@dataclass(eq=False)
class Node:
    """One layer. ``shape`` is that of one sample in one timestep; ``fields`` are its numbers.

    kinds: input, neuron, linear, conv2d, batch_norm, max_pool2d, avg_pool2d, flatten, add, scale.
    """

    kind: str
    name: str
    inputs: tuple[Node, ...]
    shape: tuple[int, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    fed: list[tuple[Any, tuple[str, ...], tuple[int, int] | None]] = field(default_factory=list)
    """inputs and neurons: the tensors seen, a call each, with their axes and (timesteps, batch) if known."""
    owner: object = None


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor: ``node``'s output with leading axes ``lead``.

    ``sizes`` is (timesteps, batch) where they are known. ``lost`` names the operation behind which it is no longer
    a layer's output as such (a mean over time, a count, a softmax): good as an answer, not as an input of a layer.
    ``membrane``: it is the potential of a neuron, not its spikes.
    """

    node: Node
    lead: tuple[str, ...]
    sizes: tuple[int, int] | None = None
    lost: str = ""
    membrane: bool = False


@dataclass(frozen=True, eq=False)
class Traced:
    """The forward of one model: ``outputs`` (first is the answer) and every neuron node in the order first called."""

    outputs: list[Value]
    inputs: list[Node]
    neurons: list[Node]
    timesteps: int
    batch: int


def steps_of(node: Node, timesteps: int) -> np.ndarray:
    """What an input or neuron node put out: (batch, timesteps, *shape) float32.

    One call without a time axis in a forward of several timesteps stands for the same in every step.
    """
    per_call = []
    for tensor, lead, sizes in node.fed:
        array = tensor.detach().cpu().numpy().astype(np.float32)
        if lead == MERGED:
            array = array.reshape(*sizes, *array.shape[1:])
        per_call.append(array if lead != BATCH else array[None])
    steps = np.concatenate(per_call)
    if len(steps) == 1 and timesteps > 1:
        steps = np.repeat(steps, timesteps, axis=0)
    if len(steps) != timesteps:
        raise refused(node.name, f"was called for {len(steps)} timesteps, others for {timesteps}; call all in each step")
    return np.ascontiguousarray(np.moveaxis(steps, 0, 1))
