"""The two networks of `frameworks.py`: weights and inputs as arrays, and neurosim's own form of them.

``mlp``: 784-1024-1024-10, 25 timesteps. ``conv``: 1x28x28, 16 kernels 3x3, average pool 2x2, 32 kernels 3x3, average
pool 2x2, 10 outputs, 10 timesteps. Every layer is leaky integrate-and-fire (factor 0.9, threshold 1, fires above it;
the threshold is taken away in the step after the spike). Weights are normal with variance 3 / fan-in, so every layer
fires; inputs are Bernoulli spikes of rate 0.1.
"""

from __future__ import annotations

import numpy as np

from neurosim.snn import (
    Conv2d,
    Dense,
    FloatCodec,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Relay,
    Stimulus,
    fold_scale,
)

TIMESTEPS = {"mlp": 25, "conv": 10}
INPUT_SHAPE = {"mlp": (784,), "conv": (1, 28, 28)}
LAYERS = {
    "mlp": ((1024, 784), (1024, 1024), (10, 1024)),
    "conv": ((16, 1, 3, 3), (32, 16, 3, 3), (10, 32 * 7 * 7)),
}
RATE = 0.1
MEMBRANE_BITS = 24
LEAK_BITS = 8


def make_weights(kind: str, seed: int = 0) -> list[np.ndarray]:
    """Float32 weights of each layer, output first, as PyTorch keeps them."""
    rng = np.random.default_rng(seed)
    return [rng.normal(0, (3 / np.prod(s[1:])) ** 0.5, s).astype(np.float32) for s in LAYERS[kind]]


def make_inputs(kind: str, batch: int, seed: int = 5) -> np.ndarray:
    """Spikes (timesteps, batch, *input shape), uint8 0 or 1."""
    rng = np.random.default_rng(seed)
    return (rng.random((TIMESTEPS[kind], batch, *INPUT_SHAPE[kind])) < RATE).astype(np.uint8)


def make_stimulus(inputs: np.ndarray) -> Stimulus:
    return Stimulus.from_dense(np.moveaxis(inputs, 1, 0).astype(np.int32))


def _lif_float() -> Lif:
    return Lif(1.0, leak=Leak("multiply", factor=0.9), compare=">", reset="subtract", reset_delay=True)


def _lif_int(threshold: np.ndarray) -> Lif:
    leak = Leak("multiply", numerator=round(0.9 * 2**LEAK_BITS), shift=LEAK_BITS)
    return Lif(threshold, leak=leak, compare=">", reset="subtract", reset_delay=True, membrane_bits=MEMBRANE_BITS)


def _layer(weights: np.ndarray, int8: bool, pooled: bool) -> tuple[np.ndarray, Lif, dict]:
    """Weights, neuron model and projection settings of one layer; int8 folds the scale into the threshold.

    Behind a pool the integer network gets sums of four, so its unit of weight is a quarter.
    """
    if not int8:
        return weights, _lif_float(), {"codec": FloatCodec()}
    scale = float(np.abs(weights).max()) / 127
    quantised = np.rint(weights / scale).astype(np.int8)
    unit = scale / 4 if pooled else scale
    folded = fold_scale(quantised, np.full(weights.shape[0], unit), 1.0, membrane_bits=MEMBRANE_BITS)
    return folded.weights, _lif_int(folded.threshold), {"codec": IntCodec(8), "weight_shift": folded.weight_shift}


def make_network(kind: str, int8: bool) -> Network:
    layers = [_layer(w, int8, kind == "conv" and i > 0) for i, w in enumerate(make_weights(kind))]
    if kind == "mlp":
        populations = [Population("in", (784,), Input())]
        projections = []
        for i, (weights, model, settings) in enumerate(layers):
            populations.append(Population(f"fc{i}", (weights.shape[0],), model))
            projections.append(Projection(populations[i].name, f"fc{i}", Dense(weights.T), **settings))
        return Network(populations, projections)
    relay = Relay(graded=True, value_bits=4)
    pool = Pool2d("sum" if int8 else "average", (2, 2))
    (first, model1, settings1), (second, model2, settings2), (third, model3, settings3) = layers
    populations = [
        Population("in", (1, 28, 28), Input()),
        Population("conv0", (16, 28, 28), model1),
        Population("pool0", (16, 14, 14), relay),
        Population("conv1", (32, 14, 14), model2),
        Population("pool1", (32, 7, 7), relay),
        Population("fc", (10,), model3),
    ]
    projections = [
        Projection("in", "conv0", Conv2d(first, (1, 1), (1, 1)), **settings1),
        Projection("conv0", "pool0", pool),
        Projection("pool0", "conv1", Conv2d(second, (1, 1), (1, 1)), **settings2),
        Projection("conv1", "pool1", pool),
        Projection("pool1", "fc", Dense(third.T), **settings3),
    ]
    return Network(populations, projections)


def neuron_layers(network: Network) -> list[slice]:
    """Where the neurons of each layer lie in the network's numbering; pools are no layer."""
    found = zip(network.populations, network.offsets[:-1], strict=True)
    return [slice(int(start), int(start) + p.n_neurons) for p, start in found if isinstance(p.model, Lif)]
