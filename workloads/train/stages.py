"""What is trained, from what, and for how long: the stages behind each workload, cached between runs."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from data import Part
from loop import Recipe, train
from model import TOPOLOGIES, AnnNet, SpikingNet
from quantise import FLOAT_BITS

TIMESTEPS = 8
WEIGHT_BITS = {"float": FLOAT_BITS, "w8": 8, "w4": 4, "w2": 2, "w1": 1}
# Fine-tuning lasts longer the coarser the grid; all but float begin from the float network.
_FINE_TUNING = {"w8": (10, 3e-4), "w4": (25, 1e-3), "w2": (50, 2e-3), "w1": (60, 2e-3)}
# Layers kept wider than the name says. Binary 5 x 5 filters on the image itself cost over one percentage point on the
# validation part, for 400 weights.
_WIDER = {"mnist-conv-w1": {0: 8}}


def workload_names() -> list[str]:
    """The ten shipped workloads."""
    return [f"mnist-{topology}-{kind}" for topology in ("mlp", "conv") for kind in WEIGHT_BITS]


def _uniform(topology: str, bits: int) -> tuple[int, ...]:
    return (bits,) * len(TOPOLOGIES[topology])


def recipe_of(stage: str) -> Recipe:
    """Recipe of a stage: ``teacher``, ``ann-<topology>`` or ``mnist-<topology>-<weights>``."""
    if stage == "teacher":
        return Recipe("teacher", False, _uniform("teacher", FLOAT_BITS), 60, 3e-3)
    if stage.startswith("ann-"):
        topology = stage.removeprefix("ann-")
        return Recipe(topology, False, _uniform(topology, FLOAT_BITS), 100, 3e-3, teacher="teacher")
    _, topology, kind = stage.split("-")
    bits = tuple(_WIDER.get(stage, {}).get(i, bits) for i, bits in enumerate(_uniform(topology, WEIGHT_BITS[kind])))
    base = Recipe(topology, True, bits, 90, 3e-3, teacher="teacher")
    if kind == "float":
        return base
    epochs, learning_rate = _FINE_TUNING[kind]
    return replace(base, epochs=epochs, learning_rate=learning_rate, start=f"mnist-{topology}-float")


def _cache_key(stage: str, seed: int) -> str:
    """Name of the stored weights: changes with the recipe of the stage and of every stage below it."""
    chain, names = [], [stage]
    while names:
        recipe = recipe_of(names.pop())
        chain.append(repr((recipe, TOPOLOGIES[recipe.topology], TIMESTEPS, seed, torch.__version__)))
        names += [name for name in (recipe.start, recipe.teacher) if name]
    return f"{stage}-{hashlib.sha256('|'.join(chain).encode()).hexdigest()[:12]}.pt"


def obtain(stage: str, seed: int, parts: dict[str, Part], cache: Path) -> tuple[SpikingNet | AnnNet, dict]:
    """Trained network of a stage and its training record; trains it, and what it builds on, unless cached."""
    recipe = recipe_of(stage)
    torch.manual_seed(seed)
    net = (SpikingNet if recipe.spiking else AnnNet)(recipe.topology, recipe.weight_bits)
    path = cache / _cache_key(stage, seed)
    if path.exists():
        stored = torch.load(path, weights_only=True)
        net.load_state_dict(stored["state"])
        net.eval()
        return net, stored["record"]
    teacher = obtain(recipe.teacher, seed, parts, cache)[0] if recipe.teacher else None
    if recipe.start:
        net.load_state_dict(obtain(recipe.start, seed, parts, cache)[0].state_dict())
    print(f"training {stage}, seed {seed}", flush=True)
    record = train(net, recipe, parts, teacher, seed, TIMESTEPS)
    record["framework"] = f"PyTorch {torch.__version__} (CPU)"
    cache.mkdir(parents=True, exist_ok=True)
    torch.save({"state": net.state_dict(), "record": record}, path)
    return net, record
