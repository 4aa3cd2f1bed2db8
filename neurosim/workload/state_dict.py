"""Weights from a framework's checkpoint (a PyTorch state dict) put into the structure that a NIR file gives.

A state dict holds arrays by module name and nothing about geometry, so kernel strides, pools and edges come from the
graph; what the checkpoint does hold replaces the graph's: weights and biases, and snnTorch's beta and threshold.
Needs the extra ``torch``; nothing but tensors is unpickled (``weights_only``).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import MAX_ARRAY_BYTES
from neurosim.workload.nir_file import Graph, Node
from neurosim.workload.profiles import Profile

_SNNTORCH_RESETS = {0: "subtract", 1: "hard", 2: "none"}


def read_state_dict(path: Path) -> dict[str, np.ndarray]:
    """The tensors of a checkpoint by name. Raises ImportError without torch, NeurosimError for an unusable file."""
    import torch

    path = Path(path)
    try:
        if path.stat().st_size > MAX_ARRAY_BYTES:
            raise NeurosimError(f"{path}: over {MAX_ARRAY_BYTES} bytes")
        state = torch.load(path, map_location="cpu", weights_only=True)
    except NeurosimError:
        raise
    except OSError as error:
        raise NeurosimError(f"{path}: cannot be read ({error.strerror})") from error
    except Exception as error:
        # A damaged archive or a pickle of more than tensors has no one base class.
        first = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise NeurosimError(f"{path}: not a state dict of tensors ({first})") from error
    if not isinstance(state, dict):
        raise NeurosimError(f"{path}: holds a {type(state).__name__}, expected a state dict")
    return {str(key): value.detach().numpy() for key, value in state.items() if isinstance(value, torch.Tensor)}


def with_state(graph: Graph, state: dict[str, np.ndarray], profile: Profile) -> Graph:
    """``graph`` with the arrays of ``state``: entry ``3.weight`` belongs to node ``3`` (or ``_3``).

    Raises NeurosimError for a weight that is missing, left over, or of another shape, and for a reset kind that the
    profile contradicts.
    """
    used: set[str] = set()

    def entry(node: Node, key: str) -> np.ndarray | None:
        for name in (node.name, node.name.removeprefix("_")):
            if f"{name}.{key}" in state:
                used.add(f"{name}.{key}")
                return state[f"{name}.{key}"]
        return None

    nodes = {}
    for node in graph.nodes.values():
        fields = dict(node.fields)
        if "weight" in fields:
            weight = entry(node, "weight")
            if weight is None or weight.shape != fields["weight"].shape:
                raise NeurosimError(
                    f"{node.where}: the state dict has {'no weight' if weight is None else weight.shape} for it, the "
                    f"graph {fields['weight'].shape}; the two are not of one model"
                )
            fields["weight"] = weight
            bias = entry(node, "bias")
            if "bias" in fields or bias is not None:
                fields["bias"] = np.zeros(weight.shape[0], np.float32) if bias is None else bias
        elif node.kind == "LIF" and (beta := entry(node, "beta")) is not None:
            _leaky(node, fields, beta, entry, profile)
        nodes[node.name] = Node(node.name, node.kind, fields)
    left = [key for key in state if key not in used and key.endswith((".weight", ".bias"))]
    if left:
        raise NeurosimError(f"state dict: {', '.join(left[:5])} belong to no node of the graph")
    return Graph(nodes, graph.edges, graph.metadata, graph.version)


def _leaky(node: Node, fields: dict, beta: np.ndarray, entry, profile: Profile) -> None:
    """snnTorch's Leaky: beta, threshold and reset kind as the checkpoint has them."""
    beta = np.clip(beta.astype(np.float64), 0.0, 1.0)
    if (beta == 1).any():
        raise NeurosimError(f"{node.where}: beta is 1, a neuron without leak; NIR's LIF cannot be that")
    fields["tau"] = profile.dt / (1 - beta)
    fields["r"] = 1 / (1 - beta)
    threshold, reset = entry(node, "threshold"), entry(node, "reset_mechanism_val")
    if threshold is not None:
        fields["v_threshold"] = threshold
    kind = None if reset is None else _SNNTORCH_RESETS.get(int(reset))
    if kind is not None and kind != profile.reset:
        raise NeurosimError(
            f"{node.where}: the state dict says reset {kind!r}, the profile {profile.reset!r}; give --profile "
            f"{profile.name}:reset={kind}"
        )
