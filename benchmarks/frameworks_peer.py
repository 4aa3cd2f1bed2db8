"""snnTorch and SpikingJelly behind a pipe, for `frameworks.py`: python frameworks_peer.py CASES.npz

Needs torch, snntorch, spikingjelly and numpy, not neurosim. CASES.npz holds ``KIND_w0..2`` (weights, output first) and
``KIND_BATCH`` (input spikes, time first). Each line read is a request, ``time KIND BATCH FRAMEWORK SECONDS`` or
``spikes KIND BATCH FRAMEWORK FILE.npz``; each line written is its answer in JSON.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib import metadata

import numpy as np
import torch
from torch import nn

warnings.filterwarnings("ignore")

import snntorch  # noqa: E402
from snntorch import utils  # noqa: E402
from spikingjelly.activation_based import functional, neuron  # noqa: E402
from spikingjelly.activation_based import layer as sj  # noqa: E402


def network(kind: str, weights: list[torch.Tensor], parts, lif) -> nn.Sequential:
    """The layers in order; ``parts`` is where Linear, Conv2d, AvgPool2d and Flatten come from."""
    if kind == "mlp":
        layers = [parts.Linear(w.shape[1], w.shape[0], bias=False) for w in weights]
        net = nn.Sequential(*(module for linear in layers for module in (linear, lif())))
    else:
        layers = [
            parts.Conv2d(weights[0].shape[1], weights[0].shape[0], 3, padding=1, bias=False),
            parts.Conv2d(weights[1].shape[1], weights[1].shape[0], 3, padding=1, bias=False),
            parts.Linear(weights[2].shape[1], weights[2].shape[0], bias=False),
        ]
        pools = parts.AvgPool2d(2), parts.AvgPool2d(2)
        flat = parts.Flatten()
        net = nn.Sequential(layers[0], lif(), pools[0], layers[1], lif(), pools[1], flat, layers[2], lif())
    with torch.no_grad():
        for module, weight in zip(layers, weights, strict=True):
            module.weight.copy_(weight)
    return net.eval()


class SnnTorch:
    """A step at a time, the only way its neurons take a batch."""

    def __init__(self, kind: str, weights: list[torch.Tensor]) -> None:
        self.net = network(kind, weights, nn, lambda: snntorch.Leaky(beta=0.9, init_hidden=True))

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        utils.reset(self.net)
        return torch.stack([self.net(step) for step in x])


class SpikingJelly:
    """Single-step or multi-step; a soft reset in the step of the spike, threshold 1, no decay of the input."""

    def __init__(self, kind: str, weights: list[torch.Tensor], mode: str) -> None:
        self.net = network(kind, weights, sj, lambda: neuron.LIFNode(tau=10.0, decay_input=False, v_reset=None))
        self.mode = mode
        functional.set_step_mode(self.net, mode)

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        functional.reset_net(self.net)
        return self.net(x) if self.mode == "m" else torch.stack([self.net(step) for step in x])


FRAMEWORKS = {
    "snntorch": SnnTorch,
    "spikingjelly-single": lambda kind, weights: SpikingJelly(kind, weights, "s"),
    "spikingjelly-multi": lambda kind, weights: SpikingJelly(kind, weights, "m"),
}


def measure(model, x: torch.Tensor, seconds: float) -> float:
    """CPU seconds of one forward pass, the mean over at least ``seconds``; the first pass is not timed."""
    model(x)
    calls, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        model(x)
        calls += 1
    return (time.process_time() - start) / calls


def layer_spikes(model, x: torch.Tensor) -> list[np.ndarray]:
    """Spikes of each spiking layer, (timesteps, batch, neurons) bool."""
    taken: list[list[torch.Tensor]] = []
    hooks = []
    for module in model.net:
        if isinstance(module, (snntorch.Leaky, neuron.LIFNode)):
            taken.append([])
            hooks.append(module.register_forward_hook(lambda m, a, out, to=taken[-1]: to.append(out.clone())))
    model(x)
    for hook in hooks:
        hook.remove()
    return [torch.cat(steps).reshape(x.shape[0], x.shape[1], -1).numpy() > 0 for steps in taken]


def main() -> None:
    torch.set_num_threads(1)
    with np.load(sys.argv[1]) as stored:
        arrays = {name: torch.from_numpy(stored[name].astype(np.float32)) for name in stored.files}
    print(json.dumps({name: metadata.version(name) for name in ("torch", "snntorch", "spikingjelly")}), flush=True)
    models: dict[tuple[str, str], object] = {}
    with torch.no_grad():
        for line in sys.stdin:
            task, kind, batch, framework, last = line.split()
            if (kind, framework) not in models:
                weights = [arrays[f"{kind}_w{i}"] for i in range(3)]
                models[kind, framework] = FRAMEWORKS[framework](kind, weights)
            model, x = models[kind, framework], arrays[f"{kind}_{batch}"]
            if task == "time":
                answer = {"cpu_s": measure(model, x, float(last))}
            else:
                spikes = layer_spikes(model, x)
                np.savez_compressed(last, **{f"layer{i}": s for i, s in enumerate(spikes)})
                answer = {"spikes": [int(s.sum()) for s in spikes]}
            print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
