"""A PyTorch model of snnTorch or SpikingJelly layers as a workload: the door to `torch_run` and `torch_lower`.

Needs the extra ``torch``; torch is imported when a model comes in, never before.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.notes import Coding
from neurosim.snn.trace import Stimulus
from neurosim.workload.torch_graph import Node, steps_of
from neurosim.workload.torch_lower import Lowering
from neurosim.workload.workload import Workload

if TYPE_CHECKING:
    from neurosim.workload.torch_run import Traced

CURRENT = ("count", "first_spike", "membrane")


@dataclass(frozen=True, eq=False)
class TorchWorkload(Workload):
    """A workload that also knows what PyTorch itself did on the batch.

    recorded : spikes of every neuron layer by population, (samples, timesteps, neurons) float32. answers : the class
    that the model's own first output is largest for, (samples,) int64, or None when it has no such shape. notes :
    what was folded, what stayed float, in sentences.
    """

    recorded: dict[str, np.ndarray] = field(default_factory=dict)
    answers: np.ndarray | None = None
    notes: tuple[str, ...] = ()


def from_torch(
    model: Any, sample: Any, labels: Any = None, *, timesteps: int | None = None, loop: str = "auto",
    readout: str | None = None, name: str | None = None,
) -> TorchWorkload:  # fmt: skip
    """The network of ``model`` and ``sample`` as its stimulus, read by running one forward (docs/torch.md).

    sample : the batch that the model's forward takes, (timesteps, batch, ...) or as the model expects it; where the
    caller runs the loop over time, (timesteps, batch, ...), or (batch, ...) with ``timesteps`` given. labels : one
    class a sample, or None. loop : ``model``, ``outside`` or ``auto`` (`torch_run.trace`). readout : ``count``,
    ``first_spike`` or ``membrane``, None for what the model's first output is.

    The model runs in evaluation from fresh membranes, which it also has afterwards. Raises NeurosimError naming the
    layer that cannot be run and the next move, and when torch is not installed.
    """
    try:
        import torch
    except ImportError as error:
        raise NeurosimError(
            "from_torch needs PyTorch, which is not installed; install it with: pip install '.[torch]' in a checkout "
            "of neurosim"
        ) from error
    if not isinstance(model, torch.nn.Module):
        raise NeurosimError(f"model: got a {type(model).__name__}, expected a torch.nn.Module")
    if readout is not None and readout not in CURRENT:
        raise NeurosimError(f"readout: got {readout!r}, expected one of {', '.join(CURRENT)}")
    from neurosim.workload.torch_run import trace

    model = getattr(model, "_orig_mod", model)  # what torch.compile wraps
    batch = sample if isinstance(sample, torch.Tensor) else torch.as_tensor(np.asarray(sample))
    traced = trace(model, batch, timesteps, loop)
    given = None if labels is None else np.asarray(labels.cpu() if hasattr(labels, "cpu") else labels).reshape(-1)
    if given is not None and len(given) != traced.batch:
        raise NeurosimError(f"labels: {len(given)} labels for a batch of {traced.batch} samples")
    title = name or type(model).__name__
    stimulus, bits = _stimulus(traced, None if given is None else given.astype(np.int64))
    made = Lowering(traced.nodes, bits)
    network = made.run(*_answer(traced, readout))
    notes = [*made.notes, *_encoders(traced), *_other_answers(traced)]
    coding = Coding("spikes" if max(bits.values()) == 1 else "direct", traced.timesteps)
    network = replace(network, name=title, metadata=_metadata(notes), coding=coding)
    neurons = [node for node in traced.nodes if node.kind == "neuron"]
    recorded = {made.names[id(n)]: _binary(n, traced.timesteps) for n in neurons}
    return TorchWorkload(
        title, f"PyTorch module {type(model).__name__}", network, None, None, None, traced.timesteps,
        fixed_stimulus=stimulus, recorded=recorded, answers=_classes(traced), notes=tuple(notes),
    )  # fmt: skip


def _metadata(notes: list[str]) -> dict[str, str]:
    import torch

    return {"source": f"PyTorch {torch.__version__}"} | {f"note {i}": note for i, note in enumerate(notes)}


def _stimulus(traced: Traced, labels: np.ndarray | None) -> tuple[Stimulus, dict[str, int]]:
    arrays, bits = [], {}
    for node in traced.nodes:
        if node.kind == "input":
            values = steps_of(node, traced.timesteps)
            bits[node.name] = _value_bits(values)
            arrays.append(values.reshape(*values.shape[:2], -1).astype(np.float32))
    if not arrays:
        raise NeurosimError("the model's layers take nothing from the batch; give the model its input as batch")
    if {len(a) for a in arrays} != {traced.batch}:
        raise NeurosimError(f"the batch has {len(arrays[0])} samples, the neurons saw {traced.batch}")
    return Stimulus.from_dense(np.concatenate(arrays, axis=2), labels), bits


def _value_bits(values: np.ndarray) -> int:
    """1: binary; fewer than 32 where all are whole numbers of at least 0; 32: float32."""
    top = float(values.max(initial=1.0))
    whole = values.min(initial=0) >= 0 and top < 2**16 and (values == np.floor(values)).all()
    return int(top).bit_length() if whole else 32


def _binary(node: Node, timesteps: int) -> np.ndarray:
    spikes = steps_of(replace(node), timesteps)
    return (spikes.reshape(*spikes.shape[:2], -1) != 0).astype(np.float32)


def _answer(traced: Traced, readout: str | None) -> tuple[Node | None, str | None]:
    """The node of the model's first output that is one, and how it is read."""
    if not traced.outputs:
        return None, None
    first = traced.outputs[0]
    node = first.node
    while node.kind in ("flatten",):
        node = node.inputs[0]
    return node, readout or ("membrane" if first.membrane else None)


def _encoders(traced: Traced) -> list[str]:
    encoded = [n for n in traced.nodes if n.kind == "input" and "by" in n.fields]
    return [f"{n.name}: what the forward made of the batch ({n.fields['by']}) is taken as given" for n in encoded]


def _other_answers(traced: Traced) -> list[str]:
    first = traced.outputs[0] if traced.outputs else None
    if first is None:
        return []
    alone = traced.looped and first.at is not None and not first.lost and not first.membrane and traced.timesteps > 1
    if alone and all(v.node is not first.node or v.at == first.at for v in traced.outputs):
        return [f"the model's answer is timestep {first.at} of {first.node.name} alone; here all timesteps count"]
    if not first.membrane or not first.lost:
        return []
    return [f"the model's answer is {first.lost} of {first.node.name}'s membranes; here it is the membrane at the end"]


def _classes(traced: Traced) -> np.ndarray | None:
    answer = traced.answer
    if answer is None:
        return None
    if answer.ndim == 3 and answer.shape[:2] == (traced.timesteps, traced.batch):
        answer = answer.astype(np.float64).sum(axis=0)
    if answer.ndim != 2 or len(answer) != traced.batch:
        return None
    return answer.argmax(axis=1).astype(np.int64)
