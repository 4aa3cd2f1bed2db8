"""Speed of the functional engine in synaptic events a CPU-second, by connectivity. One process, one thread.

    python benchmarks/function_speed.py [--rate 0.2] [--seconds 2] [CASE ...]

Prints one line a case: events, CPU seconds, G events/s, and ns a neuron update. The first line is the time of the
first run in this process (compilation, or loading the kernels from numba's cache).
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from neurosim.engine.fast.function import fast_function
from neurosim.snn import (
    Conv2d,
    Dense,
    FloatCodec,
    Identity,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Population,
    Projection,
    Sparse,
    Stimulus,
)

RNG = np.random.default_rng(1)


def lif(**changes) -> Lif:
    fields = {"threshold": 500, "membrane_bits": 24, "leak": Leak("shift", shift=4), "reset": "hard", **changes}
    return Lif(**fields)


def one_layer(shape, connectivity, target, codec=IntCodec(8), value_bits=1, **model) -> Network:  # noqa: B008
    populations = [Population("in", shape, Input(value_bits)), Population("out", target, lif(**model))]
    return Network(populations, [Projection("in", "out", connectivity, codec)])


def int8(*shape) -> np.ndarray:
    return RNG.integers(-127, 128, shape).astype(np.int8)


def dense(n, m) -> Network:
    return one_layer((n,), Dense(int8(n, m)), (m,))


def dense_float(n, m) -> Network:
    weights = RNG.normal(size=(n, m)).astype(np.float32)
    leak = Leak("multiply", factor=0.9)
    return one_layer((n,), Dense(weights), (m,), FloatCodec(), membrane_bits=None, leak=leak)


def sparse(n, m, fan_out) -> Network:
    columns = np.sort(np.stack([RNG.choice(m, fan_out, replace=False) for _ in range(n)]), axis=1)
    return one_layer((n,), Sparse(np.arange(n + 1) * fan_out, columns.ravel(), int8(n * fan_out)), (m,))


def conv(channels, size, out, kernel=3, stride=1, groups=1) -> Network:
    connectivity = Conv2d(
        int8(out, channels // groups, kernel, kernel), (stride,) * 2, (kernel // 2,) * 2, (1, 1), groups
    )
    shape = (channels, size, size)
    return one_layer(shape, connectivity, connectivity.output_shape(shape))


def small() -> Network:
    """The overhead of a step: four tiny populations."""
    populations = [Population("p0", (10,), Input())]
    projections = []
    for i in range(1, 5):
        populations.append(Population(f"p{i}", (10,), lif(threshold=50)))
        projections.append(Projection(f"p{i - 1}", f"p{i}", Dense(int8(10, 10)), IntCodec(8)))
    return Network(populations, projections)


CASES = {
    "dense-256": lambda: dense(784, 256),
    "dense-1024": lambda: dense(1024, 1024),
    "dense-4096": lambda: dense(1024, 4096),
    "dense-float-1024": lambda: dense_float(1024, 1024),
    "dense-graded-1024": lambda: one_layer((1024,), Dense(int8(1024, 1024)), (1024,), value_bits=8),
    "sparse-128-of-4096": lambda: sparse(4096, 4096, 128),
    "sparse-32-of-32768": lambda: sparse(32768, 32768, 32),
    "conv-16x32x32-32": lambda: conv(16, 32, 32),
    "conv-64x16x16-64": lambda: conv(64, 16, 64),
    "conv-stride2-16x32x32-32": lambda: conv(16, 32, 32, stride=2),
    "depthwise-64x16x16": lambda: conv(64, 16, 64, groups=64),
    "update-only-65536": lambda: one_layer((65536,), Identity(1), (65536,), threshold=2**20),
    "small": small,
}


def stimulus(network: Network, rate: float, samples: int, timesteps: int = 20) -> Stimulus:
    n = network.populations[0].n_neurons
    spikes = RNG.random((samples, timesteps, n)) < rate
    bits = network.value_bits("in") if "in" in network.index else 1
    return Stimulus.from_dense(spikes * RNG.integers(1, 1 << bits, spikes.shape, dtype=np.int32))


def measure(name: str, rate: float, seconds: float) -> None:
    network = CASES[name]()
    given = stimulus(network, 0.0 if name.startswith("update-only") else rate, samples=32)
    fan_out = [network.fan_out(projection) for projection in network.projections]
    fast_function(network, given, threads=1)
    runs, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        trace = fast_function(network, given, threads=1)
        runs += 1
    cpu = (time.process_time() - start) / runs
    counts, events = trace.counts_by_neuron(), 0
    for projection, fan in zip(network.projections, fan_out, strict=True):
        first = network.offsets[network.index[projection.source]]
        events += int(counts[first : first + fan.size] @ fan)
    steps = given.n_samples * given.timesteps
    updates = steps * sum(p.n_neurons for p in network.populations if isinstance(p.model, Lif))
    print(
        f"{name:26s} {events:12d} events {cpu * 1e3:9.3f} ms  {events / cpu / 1e9:7.3f} G events/s  "
        f"{cpu / updates * 1e9:8.2f} ns/update  {cpu / steps * 1e6:9.2f} us/step",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cases", nargs="*", metavar="CASE", help=f"of {', '.join(CASES)}")
    parser.add_argument("--rate", type=float, default=0.2, help="share of inputs that spike in a step")
    parser.add_argument("--seconds", type=float, default=1.0, help="CPU seconds a case")
    options = parser.parse_args()
    start = time.perf_counter()
    network = small()
    fast_function(network, stimulus(network, 0.2, 1), threads=1)
    print(f"first run {time.perf_counter() - start:.2f} s")
    for name in options.cases or CASES:
        measure(name, options.rate, options.seconds)


if __name__ == "__main__":
    main()
