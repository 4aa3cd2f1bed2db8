"""From frozen layers to the shipped files: the native model, the reference rasters and the workload card."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
import yaml
from data import Part, encode
from frozen import FrozenLayer, FrozenRun, evaluate
from quantise import FLOAT_BITS

from neurosim.files import write_arrays
from neurosim.snn import (
    BinaryCodec,
    Codec,
    Conv2d,
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
    Sparse,
    TernaryCodec,
)

REFERENCE_SAMPLES = 20
_BATCH = 250


def population_names(layers: list[FrozenLayer]) -> list[str]:
    """``hidden1``, ``hidden2``, ..., ``output``; the input population is ``input``."""
    return [f"hidden{i + 1}" for i in range(len(layers) - 1)] + ["output"]


def _codec(bits: int) -> Codec:
    return {FLOAT_BITS: FloatCodec(), 2: TernaryCodec(), 1: BinaryCodec()}.get(bits) or IntCodec(bits)


def _leak(shift: int | None, integer: bool) -> Leak:
    if shift is None:
        return Leak()
    return Leak("shift", shift=shift) if integer else Leak("multiply", factor=1 - 2.0**-shift)


def _neuron(layer: FrozenLayer) -> Lif:
    integer = layer.weight_bits < FLOAT_BITS
    leak = _leak(layer.spec.leak_shift, integer)
    bits = layer.membrane_bits if integer else None
    return Lif(layer.threshold, leak, reset="subtract" if layer.reset else "none", bias=layer.bias, membrane_bits=bits)


def _stored_entries(layer: FrozenLayer) -> Sparse:
    """Only the weights that unstructured pruning left, connection by connection."""
    spec = layer.spec

    def entries(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        wires = Conv2d(values, spec.stride, spec.padding) if spec.kind == "conv" else Dense(values.T)
        return wires.to_csr(spec.in_shape, spec.out_shape)

    indptr, indices, weights = entries(layer.weight.astype(np.int32))
    stay = entries(layer.kept.astype(np.int32))[2] != 0
    starts = np.concatenate([[0], np.cumsum(stay)])[indptr]
    return Sparse(starts, indices[stay], weights[stay])


def to_network(layers: list[FrozenLayer], name: str) -> Network:
    """The simulator's network: delay 0 throughout, so a spike crosses all layers within its timestep."""
    populations = [Population("input", layers[0].spec.in_shape, Input())]
    projections = []
    for target, layer in zip(population_names(layers), layers, strict=True):
        spec = layer.spec
        weight = layer.weight.astype(np.float32 if layer.weight_bits >= FLOAT_BITS else np.int32)
        wires = Conv2d(weight, spec.stride, spec.padding) if spec.kind == "conv" else Dense(weight.T)
        if layer.kept is not None:
            wires = _stored_entries(layer)
        source = populations[-1].name
        populations.append(Population(target, spec.out_shape, _neuron(layer)))
        projections.append(
            Projection(source, target, wires, layer.codec or _codec(layer.weight_bits), weight_shift=layer.weight_shift)
        )
    return Network(tuple(populations), tuple(projections), Readout("output", "membrane"), name)


def run_part(layers: list[FrozenLayer], part: Part, timesteps: int) -> tuple[FrozenRun, dict[str, float]]:
    """Frozen run over a part: spikes of the first `REFERENCE_SAMPLES`, all membranes, and the mean rate by layer
    (spikes per neuron and timestep, input included) over the whole part."""
    names = ["input", *population_names(layers)[:-1]]
    total, membranes, kept = np.zeros(len(names)), [], None
    for chunk in torch.from_numpy(part.images).split(_BATCH):
        inputs = encode(chunk, timesteps)
        run = evaluate(layers, inputs)
        total += [float(s.mean()) * len(chunk) for s in (inputs.numpy(), *run.spikes)]
        membranes.append(run.membrane)
        kept = [s[:, :REFERENCE_SAMPLES] for s in run.spikes] if kept is None else kept
    rates = {name: round(float(value) / len(part.images), 5) for name, value in zip(names, total, strict=True)}
    return FrozenRun(kept, np.concatenate(membranes)), rates


def save_reference(path: Path, name: str, layers: list[FrozenLayer], run: FrozenRun, timesteps: int) -> None:
    """Spikes of the first test samples as packed bits of (samples, timesteps, *shape) in C order, their output
    membranes (samples, 10), and the predicted class of every test image."""
    arrays = {
        "membrane": run.membrane[:REFERENCE_SAMPLES],
        "predictions": run.predictions.astype(np.uint8),
    }
    shapes = {}
    for population, spikes in zip(population_names(layers), run.spikes, strict=False):
        by_sample = np.moveaxis(spikes, 0, 1)
        shapes[population] = list(by_sample.shape)
        arrays[f"spikes.{population}"] = np.packbits(by_sample)
    write_arrays(path, {"name": name, "timesteps": timesteps, "shapes": shapes}, arrays)


def describe_layers(layers: list[FrozenLayer]) -> dict[str, dict]:
    """What the card says of each layer: stored bits, membrane unit, leak."""
    described = {}
    for name, layer in zip(population_names(layers), layers, strict=True):
        described[name] = {"weight_bits": layer.weight_bits, "leak_shift": layer.spec.leak_shift}
        if layer.weight_bits < FLOAT_BITS:
            described[name]["weight_shift"] = layer.weight_shift
            described[name]["scale"] = [float(f"{value:.6g}") for value in np.unique(layer.scale)[[0, -1]]]
    return described


def save_card(path: Path, fields: dict) -> None:
    """Write ``workload.yaml``; every number in ``fields`` was measured by the caller."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = "# Written by workloads/train/train_mnist.py; do not edit by hand.\n"
    path.write_text(header + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True, width=110), "utf-8")
