"""A trained compressed network as integers, what it does on the test images, and what a test without PyTorch keeps."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from data import Part, encode
from export import population_names
from frozen import FrozenLayer, _freeze_integer, evaluate, freeze
from grids import codec_of
from model import SpikingNet
from saturating import SaturatingNet
from stages import TIMESTEPS

from neurosim.files import write_arrays
from neurosim.snn import BinaryCodec, Network

WITNESS_SAMPLES = 200
_BATCH = 200


def freeze_compressed(net: SpikingNet, grids: tuple[str, ...]) -> list[FrozenLayer]:
    """The layers as they ship, each with its codec."""
    if isinstance(net, SaturatingNet):
        hidden = [replace(net.frozen_hidden(i), codec=codec_of(grids[i])) for i in range(2)]
        return [*hidden, replace(_freeze_integer(net, 2, TIMESTEPS), weight_bits=1, codec=BinaryCodec())]
    layers = []
    for i, layer in enumerate(freeze(net, TIMESTEPS)):
        codec = codec_of(grids[i], net.table(i))
        mask = net.mask(i).numpy()
        kept = None if mask.all() else mask
        layers.append(replace(layer, codec=codec, weight_bits=max(1, int(codec.bits)), kept=kept, reset=net.reset))
    return layers


@dataclass(frozen=True, eq=False)
class Measured:
    """Over one part of the data. ``spike_counts``: by population (samples, neurons), the input included;
    ``hashes``: SHA-256 of the packed spikes of the first samples, by hidden population; ``membrane`` (samples, 10)."""

    spike_counts: dict[str, np.ndarray]
    hashes: dict[str, str]
    membrane: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        """(samples,) classes."""
        return self.membrane.argmax(1)


def measure(layers: list[FrozenLayer], part: Part) -> Measured:
    """Run the frozen layers over a whole part."""
    names = ["input", *population_names(layers)[:-1]]
    counts, membranes = {name: [] for name in names}, []
    hashes: dict[str, str] = {}
    for first, images in enumerate(torch.from_numpy(part.images).split(_BATCH)):
        inputs = encode(images, TIMESTEPS)
        run = evaluate(layers, inputs)
        for name, spikes in zip(names, (inputs.numpy(), *run.spikes), strict=True):
            by_sample = np.moveaxis(spikes, 0, 1).reshape(len(images), TIMESTEPS, -1)
            counts[name].append(by_sample.sum(1).astype(np.int32))
            if first == 0 and name != "input":
                raster = np.ascontiguousarray(by_sample[:WITNESS_SAMPLES].astype(bool))
                hashes[name] = hashlib.sha256(np.packbits(raster).tobytes()).hexdigest()
        membranes.append(run.membrane)
    return Measured({n: np.concatenate(c) for n, c in counts.items()}, hashes, np.concatenate(membranes))


def events_a_sample(network: Network, measured: Measured) -> float:
    """Synaptic events a sample: every spike times the connections it travels."""
    total = 0.0
    for projection in network.projections:
        total += float((measured.spike_counts[projection.source] @ network.fan_out(projection)).mean())
    return total


def save_witness(path: Path, name: str, measured: Measured) -> None:
    """What the simulator's run is held to: spikes by sample and population, hashes of all spikes and the membranes of
    the first samples, and the answer to every test image."""
    arrays = {"predictions": measured.predictions.astype(np.uint8), "membrane": measured.membrane[:WITNESS_SAMPLES]}
    for population in measured.hashes:
        arrays[f"spikes.{population}"] = measured.spike_counts[population][:WITNESS_SAMPLES].sum(1).astype(np.int32)
    write_arrays(path, {"name": name, "timesteps": TIMESTEPS, "sha256": measured.hashes}, arrays)


def storage(network: Network, layers: list[FrozenLayer]) -> dict:
    """Weights by layer with their codec; bits a weight over the whole network, tables apart, indices not counted."""
    by_layer, bits, weights, tables = {}, 0.0, 0, 0
    for name, layer, projection in zip(population_names(layers), layers, network.projections, strict=True):
        stored = int(layer.weight.size if layer.kept is None else layer.kept.sum())
        codec = projection.codec
        by_layer[name] = {"weights": stored, "bits": round(codec.bits, 4), "codec": codec.kind}
        if codec.kind == "codebook":
            by_layer[name] |= {"codewords": len(codec.table), "table_bits": codec.table_bits}
            tables += codec.table_bits
        bits, weights = bits + stored * codec.bits, weights + stored
    return {"layers": by_layer, "weights": weights, "bits_a_weight": round(bits / weights, 4), "table_bits": tables}
