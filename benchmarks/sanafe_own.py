"""One run of neurosim on a network of `sanafe_networks`: python sanafe_own.py NET.npz STEPS TIMING -> one JSON line.

``cpu_s`` is a whole run after loading, on one thread: mapping, spikes, every cycle (TIMING cycle) or an estimate of
them (estimate), every count, energy. Kernels are compiled before, by a few steps of small networks of both kinds.
``load_s`` is reading the network and the chip.
"""

from __future__ import annotations

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sanafe_networks import layered, recurrent

from neurosim.api.runs import simulate
from neurosim.arch import load_chip
from neurosim.workload.workload import load_workload

CHIP = "loihi-silicon"


def compile_kernels(settings: dict) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for number, net in enumerate((layered([40, 30, 10], 5, 0.3), recurrent(600, 8))):
            path = Path(folder) / f"{number}.npz"
            np.savez(path, **net)
            simulate(load_workload(str(path), None, None, 5), load_chip(CHIP), timesteps=5, **settings)


def main() -> None:
    path, steps = sys.argv[1], int(sys.argv[2])
    settings = dict(capacity="report", threads=1, timing=sys.argv[3], synapse_unit="dense")  # as the peer is told to
    compile_kernels(settings)
    begin = time.process_time()
    workload, chip = load_workload(path, None, None, steps), load_chip(CHIP)
    loaded = time.process_time()
    result = simulate(workload, chip, timesteps=steps, **settings)
    done = time.process_time()
    answer = {
        "cpu_s": done - loaded, "load_s": loaded - begin, "spikes": sum(result.spikes.values()),
        "events": result.synaptic_events["effective"], "messages": result.packets["delivered"],
        "flit_hops": result.packets["flit_hops"], "cycles": result.cycles_total,
        "energy_j": result.energy.total_pj(leakage=False) * 1e-12,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
