"""What a traced PyTorch forward is made of: nodes of the network, and the values that pass between them.

A node stands for one layer at every timestep: a loop over time that calls the same layers gives the same nodes again.
A value is a tensor of the forward seen as what one node puts out, with the meaning of its leading axes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import prod
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError

RAW, BATCH, SEQUENCE, MERGED = ("?",), ("B",), ("T", "B"), ("TB",)
"""Leading axes of a tensor: not known yet; one timestep; all timesteps; both in one axis, timesteps outermost."""
BATCH_FIRST = ("B", "T")


def refused(name: str, problem: str) -> NeurosimError:
    """The error for layer ``name``: what it is, and what to do."""
    return NeurosimError(f"layer {name or 'the model'!r}: {problem}")


@dataclass(eq=False)
class Node:
    """One layer. ``shape`` is that of one sample in one timestep; ``fields`` are its numbers.

    kinds: input, neuron, linear, conv2d, max_pool2d, avg_pool2d, affine (scale and shift), flatten, add.
    ``fed``: of inputs and neurons, the tensors of each call as (numpy array, leading axes, (timesteps, batch)).
    """

    kind: str
    name: str
    inputs: tuple[Node, ...]
    shape: tuple[int, ...]
    fields: dict[str, Any] = field(default_factory=dict)
    fed: list[tuple[np.ndarray, tuple[str, ...], tuple[int, int] | None]] = field(default_factory=list)

    @property
    def size(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Value:
    """One tensor: ``node``'s output with leading axes ``lead``.

    ``sizes`` is (timesteps, batch) where they are known; ``at`` the timestep of a tensor of one. ``lost`` names the
    operation behind which it is no longer a layer's output as such (a count, a softmax): good as an answer, not as an
    input of a layer. ``mean``: it is the mean over time. ``membrane``: a neuron's state, not its spikes.
    """

    node: Node
    lead: tuple[str, ...]
    sizes: tuple[int, int] | None = None
    lost: str = ""
    membrane: bool = False
    mean: bool = False
    at: int | None = None

    def loses(self, what: str) -> Value:
        return replace(self, lost=self.lost or what)


def rest_of(shape: tuple[int, ...], lead: tuple[str, ...]) -> tuple[int, ...]:
    """The shape of one sample in one timestep."""
    return tuple(shape[len(lead) :]) or (1,)


def steps_of(node: Node, timesteps: int) -> np.ndarray:
    """What an input or neuron node put out: (batch, timesteps, *shape) float32.

    One call without a time axis in a forward of several timesteps stands for the same in every step. Raises
    NeurosimError when the calls are not as many as the timesteps.
    """
    per_call = []
    for array, lead, sizes in node.fed:
        if lead == MERGED:
            array = array.reshape(*sizes, *array.shape[1:])
        elif lead == BATCH_FIRST:
            array = np.moveaxis(array, 1, 0)
        per_call.append(array[None] if lead == BATCH else array)
    steps = np.concatenate(per_call)
    if len(steps) == 1 and timesteps > 1:
        steps = np.repeat(steps, timesteps, axis=0)
    if len(steps) != timesteps:
        raise refused(
            node.name, f"was called for {len(steps)} timesteps, others for {timesteps}; call each once a timestep"
        )
    return np.ascontiguousarray(np.moveaxis(steps, 0, 1))
