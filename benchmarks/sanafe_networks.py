"""The three networks both simulators run, as the npz that neurosim reads (`neurosim.workload.core_map_npz`).

a: 784-1024-1024-10 fully connected, 5 % random input spikes, 50 steps. b: 4,096 recurrent neurons with 128 random
targets each, driven by their biases, 100 steps. c: 32,768 of the same. 256 neurons a core; numpy only.
"""

from __future__ import annotations

import numpy as np

NEURONS_A_CORE = 256
STEPS = {"a": 50, "b": 100, "c": 100}


def layered(layers: list[int], steps: int, rate: float, seed: int = 1) -> dict[str, np.ndarray]:
    """Fully connected layers, weights -7 to 7, the first one playing back a raster (steps, layers[0])."""
    rng = np.random.default_rng(seed)
    start = np.cumsum([0, *layers])
    fan_out, targets, weights, cores = [], [], [], []
    for i, size in enumerate(layers):
        following = range(start[i + 1], start[i + 2]) if i + 1 < len(layers) else range(0)
        fan_out += [len(following)] * size
        targets.append(np.tile(np.array(following, np.int32), size))
        if len(following):
            weights.append(rng.integers(-7, 8, size * len(following)).astype(np.int8))
        first = int(cores[-1][-1]) + 1 if cores else 0
        cores.append(first + np.arange(size) // NEURONS_A_CORE)
    n = int(start[-1])
    return dict(
        sizes=np.array(layers), n_input=np.int64(layers[0]), indptr=np.cumsum([0, *fan_out]),
        indices=np.concatenate(targets), weights=np.concatenate(weights), bias=np.zeros(n, np.int8),
        v0=np.zeros(n, np.int8), core=np.concatenate(cores).astype(np.int32),
        inputs=(rng.random((steps, layers[0])) < rate).astype(np.uint8), threshold=64.0, leak=0.9375,
    )  # fmt: skip


def recurrent(n: int, fan_out: int, seed: int = 1) -> dict[str, np.ndarray]:
    """``n`` neurons with ``fan_out`` distinct random targets, weights -2 to 2, biases 5 to 9."""
    rng = np.random.default_rng(seed)
    targets = np.stack([np.sort(rng.choice(n, fan_out, replace=False)) for _ in range(n)])
    return dict(
        sizes=np.array([n]), n_input=np.int64(0), indptr=np.arange(n + 1) * fan_out,
        indices=targets.ravel().astype(np.int32), weights=rng.integers(-2, 3, n * fan_out).astype(np.int8),
        bias=rng.integers(5, 10, n).astype(np.int8), v0=rng.integers(0, 64, n).astype(np.int8),
        core=(np.arange(n) // NEURONS_A_CORE).astype(np.int32), inputs=np.zeros((0, 0), np.uint8),
        threshold=64.0, leak=0.9375,
    )  # fmt: skip


def make(name: str) -> dict[str, np.ndarray]:
    if name == "a":
        return layered([784, 1024, 1024, 10], STEPS["a"], 0.05)
    return recurrent({"b": 4096, "c": 32768}[name], 128)
