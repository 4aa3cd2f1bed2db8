"""How far the estimate of cycles is from the cycle engine, and how much faster: python benchmarks/estimate_error.py

Shipped workloads on shipped chips, and the networks of `sanafe_networks`; CPU seconds of the timing stage alone, one
thread, least of three.
"""

from __future__ import annotations

import time

import numpy as np
from sanafe_networks import STEPS, make

from neurosim.arch import load_chip
from neurosim.engine.function import run_function
from neurosim.engine.lower import lower_timing
from neurosim.engine.timing import run_timing
from neurosim.mapping.file import from_column_order
from neurosim.mapping.map import map_network
from neurosim.workload.workload import load_workload

SHIPPED = (("mnist-mlp-w4", "edge-28nm"), ("mnist-mlp-w4", "loihi-2018"), ("mnist-conv-w4", "edge-28nm"),
           ("mnist-conv-w4", "loihi-2018"))  # fmt: skip
SAMPLES = 20


def compare(label: str, workload, chip, samples: int | None, timesteps: int | None) -> None:
    placement = workload.core_of_neuron
    placement = None if placement is None else from_column_order(placement, chip)
    stimulus = workload.stimulus(samples, timesteps, 0)
    mapping = map_network(workload.network, chip, capacity="report", placement=placement)
    plan = lower_timing(workload.network, chip, mapping, stimulus.timesteps)
    trace = run_function(workload.network, stimulus)
    seconds, cycles = {}, {}
    for mode in ("cycle", "estimate"):
        taken = []
        for _ in range(3):
            begin = time.process_time()
            cycles[mode] = run_timing(plan, trace, threads=1, mode=mode).round_cycles
            taken.append(time.process_time() - begin)
        seconds[mode] = min(taken)
    total = {mode: int(values.sum()) for mode, values in cycles.items()}
    a_round = cycles["estimate"] / np.maximum(cycles["cycle"], 1) - 1
    print(
        f"{label:<30} cycles {total['cycle']:>12,} estimate {total['estimate']:>12,} "
        f"({100 * (total['estimate'] / total['cycle'] - 1):+.2f} %; a round {100 * a_round.min():+.1f} to "
        f"{100 * a_round.max():+.1f} %)  {seconds['cycle'] / seconds['estimate']:.1f} times faster",
        flush=True,
    )


def main() -> None:
    import tempfile
    from pathlib import Path

    for name, chip in SHIPPED:
        compare(f"{name} on {chip}", load_workload(name), load_chip(chip), SAMPLES, None)
    with tempfile.TemporaryDirectory() as folder:
        for name, steps in STEPS.items():
            path = Path(folder) / f"{name}.npz"
            np.savez(path, **make(name))
            steps = min(steps, 20)
            workload = load_workload(str(path), None, None, steps)
            compare(f"{name}, {steps} steps", workload, load_chip("loihi-silicon"), None, steps)


if __name__ == "__main__":
    main()
