"""Decode or reuse: where convolving once with each codeword beats decoding every kernel, from simulated counts.

A synthetic layer stands for every value of the map: random kernels out of K random sign codewords, and **random spike
maps**, in which every neuron and timestep spikes alike. Both engines of a layer chip run on the same spikes; additions,
energy and quanta are those counted for the layer. All windows are full (no padding), so that the closed formula

    decode / reuse = 9 C r / (9 K r + C (1 - (1 - r)^9))        additions a pixel and input channel

for 3 x 3 kernels, C output channels and firing rate r is what independent spikes come to. Trained layers are points:
run as they are, on their own spikes, which are not independent.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.arch import LayerChip
from neurosim.energy.codebook import layer_costs
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.mapping.layer import map_layers
from neurosim.mapping.layer_engines import reusable, reuse_projections
from neurosim.snn.codecs import CodebookCodec
from neurosim.snn.connectivity import Conv2d
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif
from neurosim.snn.trace import SpikeTrace, Stimulus
from neurosim.study.stand_in import imposed_trace

Progress = Callable[[str, int, int], None]
KERNEL, TAPS = 3, 9
QUANTITIES = ("additions", "pj", "quanta")


@dataclass(frozen=True)
class CrossoverAxes:
    """What the map is drawn over. Every value has ``in_channels``, ``pixels`` (a side of the output), ``timesteps``."""

    rates: tuple[float, ...] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 1.0)
    widths: tuple[int, ...] = (16, 32, 64, 128, 256, 512)
    codewords: tuple[int, ...] = (16, 32, 64)
    in_channels: int = 8
    pixels: int = 8
    timesteps: int = 8

    def __post_init__(self) -> None:
        for name in ("rates", "widths", "codewords"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)) or values[0] <= 0:
                raise NeurosimError(f"crossover.{name}: got {list(values)}, expected rising numbers above 0")
        if self.rates[-1] > 1:
            raise NeurosimError(f"crossover.rates: got {self.rates[-1]:g}, expected at most 1")
        if self.codewords[-1] > 1 << TAPS:
            raise NeurosimError(
                f"crossover.codewords: got {self.codewords[-1]}, expected at most {1 << TAPS} (signs of nine weights)"
            )
        for name in ("in_channels", "pixels", "timesteps"):
            if getattr(self, name) < 1:
                raise NeurosimError(f"crossover.{name}: got {getattr(self, name)}, expected at least 1")


def closed_formula(rate: float, width: int, codewords: int) -> float:
    """Additions of decoding over those of reuse, for independent spikes of ``rate`` in full 3 x 3 windows."""
    return TAPS * width * rate / (TAPS * codewords * rate + width * (1 - (1 - rate) ** TAPS))


def codebook_layer(axes: CrossoverAxes, width: int, codewords: int, seed: int = 0) -> Network:
    """Input maps and one convolution of ``width`` channels, kernels drawn from ``codewords`` different sign kernels."""
    rng = np.random.default_rng([seed, width, codewords])
    picked = rng.choice(1 << TAPS, codewords, replace=False)
    table = np.where(picked[:, None] >> np.arange(TAPS) & 1, 1, -1)
    index = rng.integers(0, codewords, (width, axes.in_channels))
    conv = Conv2d(table[index].reshape(width, axes.in_channels, KERNEL, KERNEL).astype(np.int32))
    source = (axes.in_channels, axes.pixels + KERNEL - 1, axes.pixels + KERNEL - 1)
    populations = [
        Population("maps", source, Input()),
        Population("layer", conv.output_shape(source), Lif(8, membrane_bits=16)),
    ]
    codec = CodebookCodec(tuple(map(tuple, table.tolist())))
    # No readout: nothing but the layer is stored or counted.
    projection = Projection("maps", "layer", conv, codec)
    return Network(populations, [projection], None, f"synthetic, {width} channels of {codewords} codewords")


def check_chip(chip: Any) -> None:
    """Raises NeurosimError unless the chip has both engines."""
    if not isinstance(chip, LayerChip) or "reuse" not in chip.features:
        raise NeurosimError(
            f"chip {chip.name}: cannot reuse codewords (no core.partial_map_buffer); take edge-28nm-layer-reuse, or a "
            "chip with execution 'layer' and such a buffer"
        )


def both_engines(network: Network, chip: LayerChip, trace: SpikeTrace, layer: str) -> dict[str, dict[str, float]]:
    """`QUANTITIES` a sample of one layer by engine, ``decode`` and ``reuse``, on the same spikes."""
    found = {}
    for name, reuse in (("decode", frozenset()), ("reuse", frozenset({layer}))):
        mapping = map_layers(network, chip, trace.timesteps, reuse=reuse)
        cost = layer_costs(network, chip, mapping, trace)[layer]
        found[name] = {quantity: getattr(cost, quantity) / trace.n_samples for quantity in QUANTITIES}
    return found


def crossover_map(
    chip: LayerChip, axes: CrossoverAxes, *, seed: int = 0, progress: Progress | None = None
) -> dict[str, Any]:
    """The map as plain data: ``panels`` by number of codewords, each with `QUANTITIES` by engine, [width][rate]."""
    check_chip(chip)
    panels, done, total = [], 0, len(axes.codewords) * len(axes.widths) * len(axes.rates)
    for codewords in axes.codewords:
        panel: dict[str, Any] = {"codewords": codewords}
        panel |= {engine: {q: [] for q in QUANTITIES} for engine in ("decode", "reuse")}
        panel["formula"] = [[closed_formula(r, width, codewords) for r in axes.rates] for width in axes.widths]
        for width in axes.widths:
            network = codebook_layer(axes, width, codewords, seed)
            row = []
            for rate in axes.rates:
                row.append(both_engines(network, chip, imposed_trace(network, 1, axes.timesteps, rate, seed), "layer"))
                done += 1
                if progress is not None:
                    progress("runs", done, total)
            for engine in ("decode", "reuse"):
                for quantity in QUANTITIES:
                    panel[engine][quantity].append([value[engine][quantity] for value in row])
        panels.append(panel)
    return {
        "chip": chip.name, "spikes": "synthetic: random spike maps, every neuron and timestep alike", "seed": seed,
        **{name: list(v) if isinstance(v, tuple) else v for name, v in vars(axes).items()}, "panels": panels,
        "points": [],
    }  # fmt: skip


def workload_points(name: str, network: Network, chip: LayerChip, stimulus: Stimulus) -> list[dict[str, Any]]:
    """Both engines on every codebook layer of a trained network, on its own spikes.

    ``windows`` is the share of windows with a spike; ``windows_independent`` what independent spikes of the same rate
    would make it. Raises NeurosimError for a network without such a layer.
    """
    check_chip(chip)
    layers = sorted(reusable(network))
    if not layers:
        raise NeurosimError(
            f"network {network.name}: no layer whose codewords could be reused; that takes a convolution without "
            "groups whose weights are stored as a codebook of whole kernels, and binary spikes"
        )
    trace = run_function(network, stimulus)
    counts, steps, points = trace.counts_by_neuron(), trace.n_samples * trace.timesteps, []
    for layer in layers:
        first, *others = reuse_projections(network, network.population(layer))
        if others:
            continue
        p, start = network.projections[first], network.offsets[network.index[network.projections[first].source]]
        source, target = network.population(p.source), network.population(layer)
        spikes = int(counts[start : start + source.n_neurons].sum())
        found = both_engines(network, chip, trace, layer)
        width, rate = target.shape[0], spikes / (source.n_neurons * steps)
        built = int(counts[start : start + source.n_neurons] @ network.fan_out(p)) // width * len(p.codec.table)
        combined = found["reuse"]["additions"] * trace.n_samples - built
        windows = combined / (width * source.shape[0] * target.shape[1] * target.shape[2] * steps)
        points.append({
            "workload": name, "layer": layer, "codewords": len(p.codec.table), "width": width, "rate": rate,
            "windows": windows, "windows_independent": 1 - (1 - rate) ** TAPS, "samples": trace.n_samples,
            "formula": closed_formula(rate, width, len(p.codec.table)), **found,
        })  # fmt: skip
    return points


def ratio(found: dict[str, dict[str, float]], quantity: str) -> float:
    """Decode over reuse: above 1, reuse needs less."""
    return found["decode"][quantity] / found["reuse"][quantity]
