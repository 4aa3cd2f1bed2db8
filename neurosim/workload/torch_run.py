"""Running a PyTorch model through time, watched: as it is, in evaluation, without gradients, from fresh membranes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from neurosim.errors import NeurosimError
from neurosim.workload.torch_graph import BATCH, RAW, SEQUENCE, Node, Value
from neurosim.workload.torch_neurons import clear_state, is_multi_step, is_neuron
from neurosim.workload.torch_trace import Tracer, tensors


@dataclass(frozen=True, eq=False)
class Traced:
    """The forward of one model. ``outputs`` in the order returned; ``nodes`` in the order first called."""

    outputs: list[Value]
    nodes: list[Node]
    timesteps: int
    batch: int
    looped: bool
    """Whether the forward itself ran through time."""
    answer: np.ndarray | None
    """The first output, (batch, classes) or with time before it, or None when it is no tensor."""


@contextmanager
def watched(model: nn.Module, tracer: Tracer) -> Iterator[None]:
    """The model in evaluation, its module calls and functions seen by ``tracer``; training flags are put back."""
    training = {module: module.training for module in model.modules()}
    original = nn.Module.__call__
    model.eval()
    try:
        nn.Module.__call__ = lambda module, *args, **kwargs: tracer.module(original, module, args, kwargs)
        with torch.no_grad(), tracer:
            yield
    finally:
        nn.Module.__call__ = original
        for module, flag in training.items():
            module.training = flag


def trace(model: nn.Module, batch: torch.Tensor, timesteps: int | None = None, loop: str = "auto") -> Traced:
    """Run ``model`` on ``batch`` and see its network.

    ``loop`` says who runs through time: ``model`` (its forward covers all timesteps; SpikingJelly's step mode 'm', a
    loop in forward), ``outside`` (one call a timestep, here: the batch is (timesteps, batch, ...), or (batch, ...)
    repeated ``timesteps`` times), or ``auto``. Raises NeurosimError naming the layer that cannot be run.
    """
    if loop not in ("auto", "model", "outside"):
        raise NeurosimError(f"loop: got {loop!r}, expected 'auto', 'model' or 'outside'")
    neurons = [module for module in model.modules() if is_neuron(module)]
    if not neurons:
        raise NeurosimError(
            f"{type(model).__name__}: holds no neuron of snnTorch or SpikingJelly; is it an ANN? Convert it, or train "
            "it as a spiking network first"
        )
    if loop == "auto":
        multi = any(is_multi_step(module) for module in neurons)
        loop = "model" if multi or (timesteps is None and _loops(model, batch)) else "outside"
    for module in neurons:
        clear_state(module)
    tracer = Tracer(model)
    try:
        with watched(model, tracer):
            outputs = _inside(tracer, model, batch) if loop == "model" else _outside(tracer, model, batch, timesteps)
    except NeurosimError:
        raise
    except (RuntimeError, TypeError, ValueError, IndexError, AttributeError, AssertionError) as error:
        how = "once with the whole batch" if loop == "model" else "once a timestep"
        raise NeurosimError(
            f"the model's forward, called {how}, failed in layer {tracer.failed!r} ({str(error).strip()[:300]}); "
            f"check the batch's shape {tuple(batch.shape)}, or say who runs through time with loop='model' or 'outside'"
        ) from error
    finally:
        for module in neurons:
            clear_state(module)
    return _traced(tracer, outputs, batch, loop == "model")


def _loops(model: nn.Module, batch: torch.Tensor) -> bool:
    """Whether the forward itself runs through time: one call of the model is many calls of its neurons."""
    counts: dict[int, int] = {}

    class Counter:
        def module(self, original, module, args, kwargs):
            counts[id(module)] = counts.get(id(module), 0) + is_neuron(module)
            return original(module, *args, **kwargs)

        def __enter__(self):
            return self

        def __exit__(self, *error):
            return None

    for module in model.modules():
        if is_neuron(module):
            clear_state(module)
    try:
        with watched(model, Counter()):
            model(batch)
    except Exception:
        # One timestep's model does not take all timesteps at once; with one that fails for its own reasons, the
        # real run below raises again.
        return False
    return max(counts.values()) > 1


def _inside(tracer: Tracer, model: nn.Module, batch: torch.Tensor) -> list:
    view = batch.detach().view(batch.shape)
    tracer.put(view, Value(tracer.input, RAW))
    return [model(view)]


def _outside(tracer: Tracer, model: nn.Module, batch: torch.Tensor, timesteps: int | None) -> list:
    static = timesteps is not None
    if not static and batch.ndim < 3:
        raise NeurosimError(
            f"batch: shape {tuple(batch.shape)}; this model takes one timestep a call, so expected (timesteps, batch, "
            "...), or (batch, ...) with timesteps=N to repeat it"
        )
    tracer.layout(BATCH if static else SEQUENCE)
    outputs = []
    for at in range(timesteps if static else len(batch)):
        step = (batch if static else batch[at]).detach()
        step = step.view(step.shape)
        tracer.put(step, Value(tracer.input, BATCH, at=None if static else at))
        outputs.append(model(step))
    return outputs


def _traced(tracer: Tracer, outputs: list, batch: torch.Tensor, looped: bool) -> Traced:
    neurons = [n for n in tracer.nodes.values() if n.kind == "neuron"]
    if not neurons:
        raise NeurosimError("the model's forward calls none of its neurons on the batch; give it the batch it is for")
    lengths = set()
    for node in neurons:
        lengths.add(sum(1 if lead == BATCH else len(array) for array, lead, _ in node.fed))
    if len(lengths) != 1:
        each = ", ".join(f"{n.name} {sum(1 if k == BATCH else len(a) for a, k, _ in n.fed)}" for n in neurons)
        raise NeurosimError(f"layers run for different numbers of timesteps: {each}; call every layer once a timestep")
    array, lead, _ = neurons[0].fed[0]
    if tracer.input.shape:
        known = batch.detach().cpu().numpy()
        if tracer.input_lead == RAW:
            tracer.input_lead = SEQUENCE
        tracer.input.fed = [(known, tracer.input_lead, None)]
    found = [value for out in outputs[-1:] for tensor in tensors(out) if (value := tracer.value(tensor)) is not None]
    nodes = [n for n in (tracer.input, *tracer.nodes.values()) if n.kind != "input" or n.fed]
    samples = array.shape[0 if lead == BATCH else 1]
    return Traced(found, nodes, lengths.pop(), samples, looped, _answer(outputs))


def _answer(outputs: list) -> np.ndarray | None:
    firsts = [out[0] if isinstance(out, tuple) and out else out for out in outputs]
    firsts = firsts[0] if len(firsts) == 1 and isinstance(firsts[0], list) else firsts
    if not all(isinstance(first, torch.Tensor) for first in firsts):
        return None
    arrays = [first.detach().cpu().numpy() for first in firsts]
    return arrays[0] if len(arrays) == 1 else np.stack(arrays)
