"""neurosim's functional stage beside snnTorch and SpikingJelly: samples a CPU-second and their ratios, in one run.

    python benchmarks/frameworks.py --peer-python ENV/bin/python [--networks mlp,conv] [--batches 1,128]

ENV has `pip install torch snntorch spikingjelly`. Networks and inputs: `frameworks_networks.py`, the same weights and
spikes for all. One thread each; neurosim and the frameworks take turns, and the least time of each counts. A time is
a whole call on inputs in the form the engine takes (spike lists, dense tensors), building and loading left out.
neurosim's call includes its checks and the trace: every spike of every layer, activity bits, membranes, saturations.
Float spikes are compared with snnTorch's, whose reset comes a step late as here; SpikingJelly's reset is immediate, so
its spikes are others. BLAS adds in another order, so a membrane may round to the other side of the threshold, and
what follows that spike differs too.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from frameworks_networks import make_inputs, make_network, make_stimulus, make_weights, neuron_layers

from neurosim.engine.function import run_function
from neurosim.snn import Network, Stimulus

HERE = Path(__file__).resolve().parent
ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")}
FRAMEWORKS = ("snntorch", "spikingjelly-single", "spikingjelly-multi")
FORMATS = ("float32", "int8")


class Peer:
    """The frameworks' process: one request, one answer; it uses no CPU in between."""

    def __init__(self, python: str, cases: Path) -> None:
        command = [python, str(HERE / "frameworks_peer.py"), str(cases)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **ONE_THREAD}
        )
        self.versions = self._answer()

    def ask(self, *words: object) -> dict:
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return self._answer()

    def _answer(self) -> dict:
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit(f"the frameworks' process ended with exit status {self.process.wait()}")
        return json.loads(line)

    def close(self) -> None:
        self.process.stdin.close()
        self.process.wait()


def measure(network: Network, stimulus: Stimulus, seconds: float) -> float:
    """CPU seconds of one call, the mean over at least ``seconds``; the first call is not timed."""
    run_function(network, stimulus, threads=1)
    calls, start = 0, time.process_time()
    while time.process_time() - start < seconds:
        run_function(network, stimulus, threads=1)
        calls += 1
    return (time.process_time() - start) / calls


def compare(kind: str, batch: int, turns: int, seconds: float, peer: Peer) -> None:
    """Print the rows of one network and batch size."""
    stimulus = make_stimulus(make_inputs(kind, batch))
    networks = {name: make_network(kind, name == "int8") for name in FORMATS}
    own: dict[str, list[float]] = {name: [] for name in FORMATS}
    theirs: dict[str, list[float]] = {name: [] for name in FRAMEWORKS}
    for _ in range(turns):
        for name, network in networks.items():
            own[name].append(measure(network, stimulus, seconds))
        for name in FRAMEWORKS:
            theirs[name].append(peer.ask("time", kind, batch, name, seconds)["cpu_s"])
    for name in FRAMEWORKS:
        print(f"{kind:4s} batch {batch:3d}  {name:20s} {batch / min(theirs[name]):10.0f} samples/s", flush=True)
    best = min((min(theirs[name]), name) for name in ("snntorch", "spikingjelly-multi"))
    for name in FORMATS:
        ratio = best[0] / min(own[name])
        print(
            f"{kind:4s} batch {batch:3d}  neurosim {name:11s} {batch / min(own[name]):10.0f} samples/s  "
            f"{ratio:6.2f} x {best[1]}",
            flush=True,
        )


def agreement(kind: str, batch: int, peer: Peer, folder: Path) -> None:
    """Print how many float spikes differ from snnTorch's, by layer."""
    network = make_network(kind, int8=False)
    trace = run_function(network, make_stimulus(make_inputs(kind, batch)), threads=1)
    path = folder / f"{kind}.npz"
    peer.ask("spikes", kind, batch, "snntorch", path)
    with np.load(path) as stored:
        theirs = [np.moveaxis(stored[name], 1, 0) for name in stored.files]
    differ, samples, total = [], np.zeros(batch, bool), 0
    for layer, spikes in zip(neuron_layers(network), theirs, strict=True):
        unequal = (trace.dense(layer.start, layer.stop) != 0) != spikes
        differ.append(int(unequal.sum()))
        samples |= unequal.any(axis=(1, 2))
        total += int(spikes.sum())
    print(
        f"{kind:4s} batch {batch:3d}  float32 against snnTorch: {sum(differ)} of {total} spikes differ (by layer "
        f"{differ}), in {int(samples.sum())} of {batch} samples",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--peer-python", required=True, help="an interpreter that has snntorch and spikingjelly")
    parser.add_argument("--networks", default="mlp,conv")
    parser.add_argument("--batches", default="1,128")
    parser.add_argument("--turns", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.5, help="CPU seconds a turn, at least")
    options = parser.parse_args()
    kinds, batches = options.networks.split(","), [int(batch) for batch in options.batches.split(",")]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        arrays = {f"{kind}_w{i}": w for kind in kinds for i, w in enumerate(make_weights(kind))}
        arrays |= {f"{kind}_{batch}": make_inputs(kind, batch) for kind in kinds for batch in batches}
        np.savez(folder / "cases.npz", **arrays)
        peer = Peer(options.peer_python, folder / "cases.npz")
        print(f"peers: {', '.join(f'{k} {v}' for k, v in peer.versions.items())}; python {sys.version.split()[0]}")
        for kind in kinds:
            agreement(kind, max(batches), peer, folder)
            for batch in batches:
                compare(kind, batch, options.turns, options.seconds, peer)
        peer.close()


if __name__ == "__main__":
    main()
