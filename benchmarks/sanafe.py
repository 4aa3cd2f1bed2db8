"""neurosim beside SANA-FE on three networks: CPU seconds, peak memory, and their ratios, measured in one run.

    python benchmarks/sanafe.py --peer-python ENV/bin/python [--networks a,b,c] [--timings simple,detailed,cycle]

ENV has `pip install sanafe numpy pyyaml pandas`. Every measurement is a process of its own on one thread; repeats of
the two simulators take turns, and the least CPU time of each counts. neurosim models every cycle of every router
(``cycle``), or estimates the cycles (``estimate``); the peer's timing model is named in the line. Spikes, synaptic
events, messages and energy of both must be the same, and the line says if they are not. The peer's ``cycle`` takes
minutes to hours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from sanafe_networks import STEPS, make

MODES = ("cycle", "estimate")
HERE = Path(__file__).resolve().parent
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "OPENBLAS_NUM_THREADS")}


def run(python: str, script: str, *arguments: object) -> dict[str, float]:
    """The JSON line of one measurement. Raises CalledProcessError, its messages shown, when the script fails."""
    command = [python, str(HERE / script), *map(str, arguments)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **ONE_THREAD})
    return json.loads(done.stdout.splitlines()[-1])


def compare(name: str, steps: int, timings: list[str], repeats: int, peer_python: str, path: Path) -> None:
    np.savez_compressed(path, **make(name))
    own, peer = {mode: [] for mode in MODES}, {timing: [] for timing in timings}
    for _ in range(repeats):
        for mode in MODES:
            own[mode].append(run(sys.executable, "sanafe_own.py", path, steps, mode))
        for timing in timings:
            peer[timing].append(run(peer_python, "sanafe_peer.py", path, steps, timing))
    best_own = {mode: min(runs, key=lambda r: r["cpu_s"]) for mode, runs in own.items()}
    mine, guess = best_own["cycle"], best_own["estimate"]
    for mode, figures in best_own.items():
        per_hop = figures["cpu_s"] * 1e9 / max(figures["flit_hops"], 1)
        off = 100 * (figures["cycles"] / mine["cycles"] - 1)
        print(
            f"{name} {steps:4d} steps  neurosim {mode:<9}  {figures['cpu_s']:9.3f} s  load {figures['load_s']:6.2f} s  "
            f"{figures['peak_mb']:6.0f} MB  {figures['messages']} messages, {figures['flit_hops']} flit-hops, "
            f"{per_hop:.0f} ns each, cycles {off:+.2f} %",
            flush=True,
        )
    for timing, runs in peer.items():
        best = min(runs, key=lambda r: r["cpu_s"])
        differ = [count for count in ("spikes", "events", "messages") if best[count] != mine[count]]
        differ += ["energy"] * (abs(best["energy_j"] / mine["energy_j"] - 1) > 1e-12)
        print(
            f"{name} {steps:4d} steps  SANA-FE {timing:<10}  {best['cpu_s']:9.3f} s  load {best['load_s']:6.2f} s  "
            f"{best['peak_mb']:6.0f} MB  ratio: time {best['cpu_s'] / mine['cpu_s']:.2f} "
            f"(estimate {best['cpu_s'] / guess['cpu_s']:.2f}), "
            f"memory {best['peak_mb'] / mine['peak_mb']:.1f}" + (f"  DIFFERENT {differ}" if differ else ""),
            flush=True,
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, help="an interpreter that has the package sanafe")
    parser.add_argument("--networks", default="a,b,c")
    parser.add_argument("--timings", default="simple,detailed", help="of simple, detailed, cycle")
    parser.add_argument("--steps", type=int, help="timesteps; default 50 (a), 100 (b, c)")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for name in options.networks.split(","):
            steps = options.steps or STEPS[name]
            path = Path(folder) / f"{name}.npz"
            compare(name, steps, options.timings.split(","), options.repeats, options.peer_python, path)


if __name__ == "__main__":
    main()
