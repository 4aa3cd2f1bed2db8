"""Is the cost linear in events, and what does a large network take? ``python benchmarks/scale.py``

Networks of up to 1.3 million neurons and 104 million connections (a convolution with shared kernels), and 1 million
neurons with 100 million stored synapses, random weights and spikes (named as such: nothing here is trained). Each runs
all three stages on a chip with the cores of edge-28nm and as many of them as it takes. Times are CPU seconds of the
process, the smallest of three runs after one that compiles; memory is the peak of the whole process, network included.
"""

from __future__ import annotations

import argparse
import resource
import time
from pathlib import Path

import numpy as np

from neurosim.arch import load_chip
from neurosim.files import replacing
from neurosim.run import simulate_stages
from neurosim.snn import Conv2d, Input, IntCodec, Leak, Lif, Network, Population, Projection, Sparse, Stimulus

REPEATS = 3


def wide_chip(side: int):
    """edge-28nm with a side x side mesh and no limit on axons and tables."""
    chip = load_chip("edge-28nm")
    table = chip.core.axon_table.model_copy(update={"capacity_bits": None})
    memory = chip.core.synaptic_memory.model_copy(update={"capacity_bits": 1 << 23})
    core = chip.core.model_copy(
        update={
            "axons_in": None, "axons_out": None, "axon_table": table, "routing_table": table,
            "synaptic_memory": memory,
        }
    )  # fmt: skip
    return chip.model_copy(update={"core": core, "mesh": chip.mesh.model_copy(update={"width": side, "height": side})})


def convolution(side: int, rate: float, rng: np.random.Generator) -> tuple[Network, Stimulus]:
    """4 -> 16 channels, 5 x 5, on side x side pixels, four timesteps of Bernoulli input at ``rate``."""
    conv = Conv2d(rng.integers(-7, 8, (16, 4, 5, 5)).astype(np.int8), padding=2)
    model = Lif(60, Leak("shift", shift=2), membrane_bits=20)
    network = Network(
        [Population("in", (4, side, side), Input()), Population("a", (16, side, side), model)],
        [Projection("in", "a", conv, IntCodec(4))],
    )
    raster = (rng.random((1, 4, 4 * side * side)) < rate).astype(np.int8)
    return network, Stimulus.from_dense(raster)


def local_sparse(n: int, fan_out: int, steps: int, rng: np.random.Generator) -> tuple[Network, Stimulus]:
    """n recurrent neurons, ``fan_out`` stored synapses each within 8 x fan_out neighbours, driven by biases."""
    first = np.clip(np.arange(n) - 4 * fan_out, 0, n - 8 * fan_out).astype(np.int32)
    indices = first[:, None] + 8 * np.arange(fan_out, dtype=np.int32) + rng.integers(0, 8, (n, fan_out), dtype=np.int32)
    weights = rng.integers(-3, 4, n * fan_out).astype(np.int8)
    sparse = Sparse(np.arange(0, n * fan_out + 1, fan_out), indices.ravel(), weights)
    model = Lif(3000, bias=rng.integers(0, 60, n), membrane_bits=20)
    network = Network([Population("a", (n,), model)], [Projection("a", "a", sparse, IntCodec(4), delay=1)])
    return network, Stimulus(1, steps, 0, np.zeros(steps + 1, np.int64), np.zeros(0, np.int32))


def measure(network: Network, stimulus: Stimulus, chip, repeats: int = REPEATS) -> dict[str, float]:
    """CPU seconds of the three stages, synaptic events, packets and flit-hops."""
    best = np.inf
    for _ in range(repeats):
        began = time.process_time()
        stages = simulate_stages(network, chip, stimulus)
        best = min(best, time.process_time() - began)
    counts = stages.trace.counts_by_neuron()
    events = sum(
        int(counts[network.offsets[network.index[p.source]] :][: network.fan_out(p).size] @ network.fan_out(p))
        for p in network.projections
    )
    return {
        "neurons": network.n_neurons,
        "connections": sum(network.connections(p) for p in network.projections),
        "events": events,
        "packets": int(stages.timing.sent.sum()),
        "flit_hops": int(stages.timing.link_flits.sum()),
        "cpu_s": best,
    }


def report(name: str, row: dict[str, float]) -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    counts = "  ".join(
        f"{key} {row[key]:>13,.0f}" for key in ("neurons", "connections", "events", "packets", "flit_hops")
    )
    print(f"{name:<22} {counts}  {row['cpu_s']:8.3f} CPU s  peak {peak:,.0f} MB", flush=True)


def draw(rows: list[dict[str, float]], path: Path) -> None:
    """CPU seconds against synaptic events on one network, with the straight line through them."""
    from matplotlib.figure import Figure

    events = np.array([row["events"] for row in rows]) / 1e6
    seconds = np.array([row["cpu_s"] for row in rows])
    slope, base = np.polyfit(events, seconds, 1)
    figure = Figure(figsize=(6.4, 3.6), layout="constrained", dpi=144)
    axes = figure.subplots()
    axes.plot(events, slope * events + base, color="#BBBBBB", label=f"{base:.2f} s + {slope * 1e3:.2f} ns an event")
    axes.plot(events, seconds, "o", color="#0072B2", label="measured")
    axes.set_xlabel("synaptic events (millions)")
    axes.set_ylabel("CPU time of all three stages (s)")
    axes.set_title("Cost of a run against its events (1.3 M neurons, 104 M connections)", fontsize=10, loc="left")
    axes.set_ylim(0)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False)
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    print(f"drawn {path}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, help="write the plot here, for example docs/img/scale.png")
    parser.add_argument("--sparse", action="store_true", help="also the network of 100 million stored synapses")
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    chip = wide_chip(36)
    measure(*convolution(32, 0.05, rng), chip, 1)
    rows = []
    for rate in (0.005, 0.02, 0.05, 0.1, 0.15, 0.2):
        rows.append(measure(*convolution(256, rate, rng), chip))
        report(f"conv, input at {rate:.1%}", rows[-1])
    if arguments.plot:
        draw(rows, arguments.plot)
    if arguments.sparse:
        report("sparse, local", measure(*local_sparse(1_000_000, 100, 100, rng), chip, 1))


if __name__ == "__main__":
    main()
