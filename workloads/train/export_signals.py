"""From frozen speech and motion networks to the shipped files: the native model, the card and what tests compare."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import yaml
from signal_net import LEAK_KEEP, LEAK_SHIFT, OUTPUT_BITS, Frozen, evaluate

from neurosim.files import replacing, write_arrays
from neurosim.snn import (
    Dense,
    FloatCodec,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Population,
    Projection,
    Readout,
    TernaryCodec,
)
from neurosim.workload.native import load_network, save_network

SOURCES = {
    "speech": {
        "title": "JapaneseVowels, speaker of a vowel pair",
        "dataset": "JapaneseVowels (9 speakers, 12 coefficients): M. Kudo, J. Toyama and M. Shimbo, Pattern "
        "Recognition Letters 20 (1999); UCI archive, as aeon 1.6.0 ships it, "
        "prepared by workloads/train/make_signals.py",
        "data_licence": "the UCI archive is remembered to state CC BY 4.0, which was not checked; the package that "
        "ships the file (aeon) is BSD 3-Clause, for its code",
        "classes": [str(n) for n in range(1, 10)],
    },
    "motion": {
        "title": "BasicMotions, activity from a wrist sensor",
        "dataset": "BasicMotions (4 activities, 3 axes of acceleration and 3 of rotation): a student project, in the "
        "UEA archive of multivariate series, as aeon 1.6.0 ships it; prepared by workloads/train/make_signals.py",
        "data_licence": "its file states none; the package that ships it (aeon) is BSD 3-Clause, for its code",
        "classes": ["badminton", "running", "standing", "walking"],
    },
}


def to_network(frozen: Frozen, name: str) -> Network:
    """The simulator's network: delay 0 throughout, so a spike crosses all layers within its timestep."""
    n = frozen.numbers
    leak = Leak("multiply", factor=LEAK_KEEP / 2**LEAK_SHIFT)
    codec = FloatCodec()
    if n.whole:
        leak = Leak("multiply", numerator=LEAK_KEEP, shift=LEAK_SHIFT, rounding="nearest")
        codec = TernaryCodec() if n.weight_bits == 2 else IntCodec(n.weight_bits)
    sizes = [len(frozen.weights[0]), *(w.shape[1] for w in frozen.weights)]
    populations = [Population("input", (sizes[0],), Input(2, ternary=True) if n.signed_input else Input())]
    for i, threshold in enumerate(frozen.thresholds):
        model = Lif(threshold, leak, membrane_bits=n.membrane_bits, ternary=n.signed)
        populations.append(Population(f"hidden{i + 1}", (sizes[i + 1],), model))
    last = Lif(None, membrane_bits=OUTPUT_BITS if n.whole else None)
    populations.append(Population("output", (sizes[-1],), last))
    projections = [
        Projection(a.name, b.name, Dense(w.astype(np.int32 if n.whole else np.float32)), codec)
        for a, b, w in zip(populations[:-1], populations[1:], frozen.weights, strict=True)
    ]
    return Network(tuple(populations), tuple(projections), Readout("output", "membrane"), name)


def measure(name: str, frozen: Frozen, inputs: np.ndarray, classes: np.ndarray) -> dict:
    """The frozen network over the whole test part: answers, spikes, events."""
    spikes, membrane = evaluate(frozen, inputs)
    rasters = {"input": inputs.astype(np.int8), **{f"hidden{i + 1}": s for i, s in enumerate(spikes)}}
    network = to_network(frozen, name)
    a_sample = {p: float(np.abs(r).sum((1, 2)).mean()) for p, r in rasters.items()}
    return {
        "network": network, "rasters": rasters, "membrane": membrane, "predictions": membrane.argmax(1),
        "accuracy": float((membrane.argmax(1) == classes).mean()),
        "spikes": sum(a_sample.values()),
        "events": sum(a_sample[p.source] * network.population(p.target).n_neurons for p in network.projections),
        "rates": {p: round(float(np.abs(r).mean()), 5) for p, r in rasters.items()},
    }  # fmt: skip


def spread(values: list[float], digits: int = 4) -> dict:
    """Mean, standard deviation of the sample, and the values by seed."""
    deviation = round(float(np.std(values, ddof=1)), digits) if len(values) > 1 else None
    return {
        "mean": round(float(np.mean(values)), digits), "deviation": deviation,
        "by_seed": [round(v, digits) for v in values],
    }  # fmt: skip


def save_folder(folder: Path, data: str, spec: str, timesteps: int, card: dict, found: list[dict]) -> None:
    """Write ``model.npz`` and ``workload.yaml`` of the first seed's network; the card has what all seeds gave."""
    first, source = found[0], SOURCES[data]
    network = first["network"]
    folder.mkdir(parents=True, exist_ok=True)
    save_network(network, folder / "model.npz")
    load_network(folder / "model.npz")
    projections = network.projections
    bits = {p.name: p.model.membrane_bits or "float32" for p in network.populations[1:]}
    fields = {
        "name": folder.name, "title": f"{source['title']}; {card['method']}", "model": "model.npz",
        "data": f"../data/{data}.npz", "encoder": {"kind": spec, "timesteps": timesteps},
        "readout": {"population": "output", "kind": "membrane"},
        "card": {
            "dataset": source["dataset"], "data_licence": source["data_licence"], "classes": source["classes"],
            "split": "official; one in five of each class of the training part held out; the last epoch ships",
            "stand_in": "QT-SNN's and TAE's equations were not read: encoder, ternary neuron and factors are ours",
            **card,
            "accuracy_frozen_test": round(first["accuracy"], 4),
            "accuracy": spread([f["accuracy"] for f in found]),
            "spikes_a_sample": spread([f["spikes"] for f in found], 1),
            "synaptic_events_a_sample": spread([f["events"] for f in found], 1),
            "test_samples": len(first["predictions"]), "firing_rate": first["rates"],
            "weights": {p.target: {"number": int(p.connectivity.weights.size), "bits": p.codec.bits,
                                   "codec": p.codec.kind} for p in projections},
            "membrane_bits": bits,
            "held_out_accuracy": spread([f["record"]["held_out_accuracy"] for f in found]),
            **{key: value for key, value in first["record"].items() if key != "held_out_accuracy"},
        },
    }  # fmt: skip
    text = "# Written by workloads/train/train_signals.py; do not edit by hand.\n"
    text += yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110)
    with replacing(folder / "workload.yaml") as temporary:
        temporary.write_text(text, "utf-8")


def save_signal_witness(path: Path, name: str, found: dict) -> None:
    """What the simulator's run is held to, over the whole test part: a hash of every spike with its sign, spikes by
    sample and population, the last membranes and the answers."""
    arrays = {"predictions": found["predictions"].astype(np.uint8), "membrane": found["membrane"]}
    hashes = {}
    for population, raster in found["rasters"].items():
        arrays[f"spikes.{population}"] = np.abs(raster).sum((1, 2)).astype(np.int32)
        hashes[population] = hashlib.sha256(np.ascontiguousarray(raster.astype(np.int8)).tobytes()).hexdigest()
    write_arrays(path, {"name": name, "sha256": hashes}, arrays)
