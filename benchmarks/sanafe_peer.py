"""One run of SANA-FE on a network of `sanafe_networks`: python sanafe_peer.py NET.npz STEPS TIMING -> one JSON line.

Needs the package `sanafe` and numpy, not neurosim. ``cpu_s`` is the simulation alone, ``load_s`` building and loading.
"""

from __future__ import annotations

import contextlib
import io
import json
import re
import resource
import sys
import tempfile
import time
from pathlib import Path

# The script `sanafe.py` beside this one would hide the package.
sys.path = [entry for entry in sys.path if Path(entry or ".").resolve() != Path(__file__).resolve().parent]

import numpy as np  # noqa: E402
import sanafe  # noqa: E402

SYNAPSE, DENDRITE = "loihi_dense_synapse", "loihi_dendrites"
SOURCES_A_CALL = 2048


def architecture(cores: int):
    """The package's own Loihi, with a larger square mesh when the network needs more than its 128 cores."""
    from importlib.resources import files

    text = (files("sanafe.examples") / "loihi.yaml").read_text()
    if cores > 128:
        side = int(np.ceil(np.sqrt(-(-cores // 4))))
        text = re.sub(r"loihi_tile\[0\.\.31\]", f"loihi_tile[0..{side * side - 1}]", text)
        text = text.replace("width: 8", f"width: {side}").replace("height: 4", f"height: {side}")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "loihi.yaml"
        path.write_text(text)
        return sanafe.load_arch(str(path))


def build(net: dict[str, np.ndarray], arch):
    """The network in the peer's terms, every neuron on its core."""
    snn, cores, playback = sanafe.Network(), arch.cores(), {}
    start = np.cumsum([0, *net["sizes"]])
    groups = []
    for g, size in enumerate(net["sizes"]):
        plays = g == 0 and int(net["n_input"]) > 0
        model = {} if plays else {"threshold": float(net["threshold"]), "reset": 0.0, "leak_decay": float(net["leak"])}
        group = snn.create_neuron_group(
            f"g{g}", int(size), model_attributes=model,
            default_synapse_hw_name=SYNAPSE, default_dendrite_hw_name=DENDRITE,
        )  # fmt: skip
        groups.append(group)
        for k, neuron in enumerate(group):
            i = int(start[g]) + k
            core = int(net["core"][i])
            if plays:
                unit = playback[core] = playback.get(core, -1) + 1
                spikes = net["inputs"][:, k].astype(bool).tolist()
                neuron.set_attributes(soma_hw_name=f"loihi_inputs[{unit}]", model_attributes={"spikes": spikes})
            else:
                own = {"bias": float(net["bias"][i]), "potential": float(net["v0"][i])}
                neuron.set_attributes(soma_hw_name="loihi_lif", model_attributes=own)
            neuron.map_to_core(cores[core])
    connect(net, groups, start)
    return snn


def connect(net: dict[str, np.ndarray], groups: list, start: np.ndarray) -> None:
    """Layers densely, a single recurrent group from lists of pairs."""
    ptr, targets, weights = net["indptr"], net["indices"], net["weights"].astype(float)
    if len(groups) > 1:
        for g in range(len(groups) - 1):
            rows = slice(ptr[start[g]], ptr[start[g + 1]])
            groups[g].connect_neurons_dense(groups[g + 1], {"weight": weights[rows].tolist()})
        return
    n = int(net["sizes"][0])
    for first in range(0, n, SOURCES_A_CALL):
        last = min(first + SOURCES_A_CALL, n)
        rows = slice(ptr[first], ptr[last])
        sources = np.repeat(np.arange(first, last), np.diff(ptr[first : last + 1])).tolist()
        pairs = list(zip(sources, targets[rows].tolist(), strict=True))
        groups[0].connect_neurons_sparse(groups[0], {"weight": weights[rows].tolist()}, pairs)


def main() -> None:
    path, steps, timing = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    with np.load(path) as stored:
        net = {name: stored[name] for name in stored.files}
    begin = time.process_time()
    arch = architecture(int(net["core"].max()) + 1)
    snn = build(net, arch)
    chip = sanafe.SpikingChip(arch)
    chip.load(snn)
    loaded = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()):
        found = chip.sim(steps, timing_model=timing, processing_threads=1, scheduler_threads=0)
    done = time.process_time()
    answer = {
        "cpu_s": done - loaded, "load_s": loaded - begin, "spikes": found["neurons_fired"], "events": found["spikes"],
        "messages": found["packets_sent"], "energy_j": found["energy"]["total"],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }  # fmt: skip
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
