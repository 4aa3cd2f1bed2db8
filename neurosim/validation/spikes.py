"""Spikes that frameworks recorded against the same network brought in: every layer, every sample.

A folder holds model.nir, reference.npz and meta.json (`neurosim.workload.recording`), and may hold state_dict.pt. Each
layer runs on the recorded spikes of the layers before it, so that one late rounding does not hide behind another. An
integer network may differ nowhere. A float network sums in another order than the framework: a spike may differ where
the membrane is within 1e-5 of the threshold, in at most one of 10^6 neuron-steps; what follows from such a spike in
the same neuron counts too, but need not be near. The whole network from its inputs is printed without a bar.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim.engine.function import run_function
from neurosim.engine.readout import read_out
from neurosim.errors import NeurosimError
from neurosim.snn.network import Network
from neurosim.snn.neuron import Lif
from neurosim.snn.trace import SpikeTrace, Stimulus
from neurosim.validation.case import EQUAL, MISS, SKIPPED, WITHIN, Case
from neurosim.validation.spikes_layer import input_current, layer_network, membranes
from neurosim.workload.nir_file import read_graph
from neurosim.workload.nir_in import lower
from neurosim.workload.profiles import profile
from neurosim.workload.recording import Recording, is_recording, read_recording
from neurosim.workload.state_dict import read_state_dict, with_state

NEAR = 1e-5
PER_NEURON_STEPS = 1_000_000
CHECKPOINT = "state_dict.pt"


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """One verdict a layer, way in and engine of every recording at ``path``, a folder or a folder of them."""
    folders = [path] if is_recording(path) else sorted(p for p in path.glob("*") if is_recording(p))
    if not folders:
        raise NeurosimError(f"{path}: no folder with model.nir, reference.npz and meta.json in it")
    return (case for folder in folders for case in _folder(folder, engines))


def _folder(folder: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    recording = read_recording(folder)
    rules = profile(recording.profile)
    graph = read_graph(recording.model)
    yield from _network(lower(graph, recording.model, rules), recording, "nir", engines)
    checkpoint = folder / CHECKPOINT
    if not checkpoint.is_file():
        return
    try:
        state = read_state_dict(checkpoint)
    except ImportError:
        yield Case(
            f"{folder.name} [state dict]",
            SKIPPED,
            "reading it needs torch: pip install '.[torch]' in a checkout of neurosim",
        )
        return
    yield from _network(lower(with_state(graph, state, rules), checkpoint, rules), recording, "state dict", engines)


def _network(network: Network, recording: Recording, way: str, engines: tuple[str, ...]) -> Iterator[Case]:
    spiking = [p.name for p in network.populations if isinstance(p.model, Lif) and p.model.threshold is not None]
    where = f"{recording.folder.name}"
    if len(spiking) != len(recording.layers):
        raise NeurosimError(
            f"{recording.folder}: the model has {len(spiking)} spiking layers {spiking}, the recording "
            f"{list(recording.layers)}; meta.json lists them in order as spiking_layers"
        )
    recorded = dict(zip(spiking, recording.layers.values(), strict=True))
    inputs = [network.population(name).n_neurons for name in network.input_names]
    if recording.input.shape[2] != sum(inputs):
        raise NeurosimError(f"{recording.folder}: {recording.input.shape[2]} recorded inputs, the model has {inputs}")
    ends = np.cumsum(inputs)[:-1]
    recorded |= dict(zip(network.input_names, np.split(recording.input, ends, axis=2), strict=True))
    for name, spikes in recorded.items():
        if spikes.shape[2] != network.population(name).n_neurons:
            raise NeurosimError(f"{recording.folder}: layer of {spikes.shape[2]} recorded for population {name!r} of "
                                f"{network.population(name).n_neurons} neurons")  # fmt: skip
    for engine in engines:
        for layer, name in zip(recording.layers, spiking, strict=True):
            yield _layer(network, name, recorded, recording, f"{where}/{layer} [{way}, {engine}]", engine, layer)
        yield _end_to_end(network, recorded, recording, f"{where}/end to end [{way}, {engine}]", engine)


def raster(network: Network, trace: SpikeTrace, name: str) -> np.ndarray:
    """Spikes of a population, (samples, timesteps, neurons)."""
    index = network.index[name]
    return trace.dense(int(network.offsets[index]), int(network.offsets[index + 1]))


def _layer(
    network: Network, name: str, recorded: dict, recording: Recording, title: str, engine: str, layer: str
) -> Case:
    alone, sources = layer_network(network, name)
    stimulus = Stimulus.from_dense(np.concatenate([recorded[source] for source in sources], axis=2))
    trace = run_function(alone, stimulus, engine=engine)
    differ = raster(alone, trace, name) != recorded[name]
    count, total = int(differ.sum()), differ.size
    about = f"{total} neuron-steps, {int((recorded[name] != 0).sum())} spikes"
    if layer in recording.membranes:
        about += f", membranes at the end within {_membrane_error(alone, trace, name, recording.membranes[layer]):.1e}"
    if not count:
        return Case(title, EQUAL, about)
    if network.is_integer:
        return Case(title, MISS, f"{_first(differ)}; {count} of {about}")
    far = farthest(alone, name, sources, recorded, trace, differ)
    near = far <= NEAR and count * PER_NEURON_STEPS <= total
    text = f"{count} of {about} differ; first differences lie within {far:.1e} of the threshold; {_first(differ)}"
    return Case(title, WITHIN if near else MISS, text)


def _first(differ: np.ndarray) -> str:
    sample, step, neuron = (int(i) for i in np.argwhere(differ)[0])
    return f"first at sample {sample}, timestep {step}, neuron {neuron}"


def _membrane_error(network: Network, trace: SpikeTrace, name: str, recorded: np.ndarray) -> float:
    index = network.index[name]
    ours = trace.membrane[: len(recorded), network.offsets[index] : network.offsets[index + 1]]
    if recorded.ndim < 3 or recorded[:, -1].size != ours.size:
        raise NeurosimError(f"{name}.vmem: shape {recorded.shape}, expected (samples, timesteps, ...) of this layer")
    return float(np.abs(ours - recorded[:, -1].reshape(ours.shape)).max())


def farthest(
    network: Network, name: str, sources: list[str], recorded: dict, trace: SpikeTrace, differ: np.ndarray,
    relative: bool = False,
) -> float:  # fmt: skip
    """The largest distance from the threshold over the first difference of every (sample, neuron).

    ``relative``: as a share of the threshold, for membranes that count in units of their own.
    """
    farthest = 0.0
    population = network.population(name)
    threshold = population.model.per_neuron("threshold", population.shape, name).astype(np.float64)
    own = dict(zip(network.input_names, sources, strict=True))
    for sample in np.flatnonzero(differ.any(axis=(1, 2))):
        neurons = np.flatnonzero(differ[sample].any(axis=0))
        first = differ[sample][:, neurons].argmax(axis=0)
        steps = int(first.max()) + 1
        values = {}
        for p in network.populations:
            sent = recorded[own[p.name]] if p.name in own else raster(network, trace, p.name)
            values[p.name] = sent[sample].astype(np.float64)
        current = input_current(network, name, values, neurons, steps)
        seen = membranes(population, current, recorded[name][sample, :steps][:, neurons], neurons)
        away = np.abs(seen[first, np.arange(neurons.size)] - threshold[neurons])
        away = away / np.abs(threshold[neurons]) if relative else away
        farthest = max(farthest, float(away.max()))
    return farthest


def _end_to_end(network: Network, recorded: dict, recording: Recording, title: str, engine: str) -> Case:
    trace = run_function(network, Stimulus.from_dense(recording.input), engine=engine)
    names = [name for name in recorded if name not in network.input_names]
    counts = [int((raster(network, trace, name) != recorded[name]).sum()) for name in names]
    answers = read_out(network, trace)
    text = ", ".join(f"{layer} {n} spikes differ" for layer, n in zip(recording.layers, counts, strict=True))
    wrong = 0
    if answers is not None and recording.predictions is not None:
        wrong = int((answers != recording.predictions).sum())
        text += f"; {len(answers) - wrong} of {len(answers)} predictions equal"
    return Case(title, EQUAL if not any(counts) and not wrong else WITHIN, text)
