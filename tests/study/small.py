"""Workloads small enough to be compared in a test: the same two layers in several formats."""

from __future__ import annotations

import numpy as np

from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout
from neurosim.snn.codecs import BinaryCodec, FloatCodec
from neurosim.workload.workload import Workload

CODECS = {"float": FloatCodec(), "w8": IntCodec(8), "w4": IntCodec(4), "w1": BinaryCodec()}


def network(name="net", codec="w8", hidden=6, zeros=0.0, threshold=3):
    """9 inputs, a hidden layer, 3 outputs; ``zeros`` is the share of hidden weights that are 0."""
    rng = np.random.default_rng(1)
    shapes = ((9, hidden), (hidden, 3))
    made = []
    for i, shape in enumerate(shapes):
        weights = rng.integers(1, 5, shape) * rng.choice((-1, 1, 1), shape)
        if codec == "w1":
            weights = np.sign(weights)
        if zeros and i == 0:
            weights[rng.random(shape) < zeros] = 0
        made.append(weights.astype(np.float32 if codec == "float" else np.int8))
    bits = None if codec == "float" else 16
    lif = Lif(threshold, membrane_bits=bits)
    return Network(
        [Population("in", (9,), Input()), Population("hidden", (hidden,), lif), Population("out", (3,), lif)],
        [
            Projection("in", "hidden", Dense(made[0]), CODECS[codec]),
            Projection("hidden", "out", Dense(made[1]), CODECS[codec]),
        ],
        Readout("out"),
        name,
    )


def workload(name="work", samples=4, seed=0, **options):
    """The network with random spikes of 5 timesteps."""
    rng = np.random.default_rng(seed)
    spikes = (rng.random((samples, 5, 9)) < 0.4).astype(np.uint8)
    return Workload(name, f"title of {name}", network(**options), spikes, rng.integers(0, 3, samples), None, 5)


def conv_network(name="conv", bits=8):
    """A convolution into 2 channels of 2 x 2."""
    weights = np.arange(1, 9).reshape(2, 1, 2, 2) % (1 << (bits - 1))
    return Network(
        [Population("in", (1, 3, 3), Input()), Population("out", (2, 2, 2), Lif(3, membrane_bits=16))],
        [Projection("in", "out", Conv2d(weights.astype(np.int8)), IntCodec(bits))],
        Readout("out"),
        name,
    )
