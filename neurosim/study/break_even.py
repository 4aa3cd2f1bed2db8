"""Where a spiking network costs what its ANN twin costs: a map over timesteps and firing rate, by weight width.

Every value of the map is a run: a stand-in of the network's shape (`neurosim.study.stand_in`) with spikes imposed at
the rate goes through mapping, timing engine, counts and prices, leakage included. The rivals are the trained ANN twin
on three arrays, weights on chip, at the stand-in's weight width and as many bits of activation as T spikes tell apart:
a dense array at batch 1, the same with weights reused over a batch, and one that skips zeros at batch 1, fed with the
twin's real activations. The rival's energy does not depend on the rate.

Trained networks are points: run as they are, at the rate they were measured at, against the same rivals.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from math import ceil, exp, log, log2
from typing import Any

import numpy as np

from neurosim.arch import Chip, LayerChip
from neurosim.baseline.ann_model import AnnModel
from neurosim.baseline.array import Numbers, matched, preset
from neurosim.baseline.array_cost import cost_on_array
from neurosim.baseline.zero_skip_cost import cost_zero_skipping
from neurosim.energy.conventions.counts import yan_twin_bits
from neurosim.errors import NeurosimError
from neurosim.snn.network import Network
from neurosim.study.closed_form import Synapse, ann_synapse, snn_synapse
from neurosim.study.stand_in import StandIn, stand_in

Progress = Callable[[str, int, int], None]
DENSE_ARRAY, SKIPPING_ARRAY = "edge-28nm-16x16", "zero-skip-28nm-8x16"


@dataclass(frozen=True)
class Rival:
    """One way to run the twin. ``batch`` samples share a fetch of weights."""

    name: str
    title: str
    array: str
    batch: int


def rivals(batch: int) -> tuple[Rival, ...]:
    """The three of the map."""
    return (
        Rival("dense", "dense, batch 1", DENSE_ARRAY, 1),
        Rival("reuse", f"dense, batch {batch}", DENSE_ARRAY, batch),
        Rival("skipping", "zero-skipping, batch 1", SKIPPING_ARRAY, 1),
    )


@dataclass(frozen=True)
class Axes:
    """What the map is drawn over."""

    timesteps: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    rates: tuple[float, ...] = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    weight_bits: tuple[int, ...] = (1, 2, 4, 8)

    def __post_init__(self) -> None:
        for name in ("timesteps", "rates", "weight_bits"):
            values = getattr(self, name)
            if not values or list(values) != sorted(set(values)) or values[0] <= 0:
                raise NeurosimError(f"breakeven.{name}: got {list(values)}, expected rising numbers above 0")
        if self.rates[-1] > 1:
            raise NeurosimError(f"breakeven.rates: got {self.rates[-1]:g}, expected at most 1")


class Twin:
    """The ANN on the rivals' arrays, each width costed once."""

    def __init__(self, model: AnnModel, images: np.ndarray) -> None:
        self.model, self.images = model, images
        self._known: dict[tuple[Rival, int, int], dict[str, Any]] = {}

    def cost(self, rival: Rival, weight_bits: int, value_bits: int) -> dict[str, Any]:
        """Per sample: ``pj``, ``utilisation``, ``skipped`` (share of multiply-accumulates), ``seconds``."""
        key = (rival, weight_bits, value_bits)
        if key not in self._known:
            self._known[key] = self._cost(rival, matched(weight_bits, value_bits))
        return self._known[key]

    def _cost(self, rival: Rival, widths: Numbers) -> dict[str, Any]:
        spec, n = preset(rival.array), len(self.images)
        if rival.name == "skipping":
            cost = cost_zero_skipping(self.model, spec, widths, self.images, rival.batch, "on_chip")
        else:
            # Dense costs do not look at the samples: whole batches, so that none is left over.
            n = rival.batch
            cost = cost_on_array(self.model, spec, widths, n, rival.batch, "on_chip")
        done = cost.get("macs_done", cost["macs"])
        return {
            "pj": cost["energy_pj"] / n, "utilisation": cost["utilisation"], "skipped": 1 - done / cost["macs"],
            "seconds": cost["seconds"] / n,
        }  # fmt: skip

    def closed_form(self, rival: Rival, synapse: Synapse, weight_bits: int, timesteps: int, chip) -> float:
        """Break-even rate by `neurosim.study.closed_form`; only the share skipped is taken from the array."""
        # A dense array fetches a weight once a batch; rows that skip fetch one for every multiply-accumulate.
        weights = sum(layer.weights.size for layer in self.model.layers)
        reuse = 1.0 if rival.name == "skipping" else rival.batch * self.model.macs / weights
        values = yan_twin_bits(timesteps)
        skipped = self.cost(rival, weight_bits, values)["skipped"]
        return synapse.break_even(timesteps, ann_synapse(chip, weight_bits, values, synapse.bit, skipped, reuse))


def crossing(rates: tuple[float, ...], ratios: list[float]) -> float | None:
    """The rate at which the ratio passes 1 for the first time, straight in the logarithms; None: it never does."""
    for (low, below), (high, above) in pairwise(zip(rates, ratios, strict=True)):
        if below <= 1 < above:
            share = -log(below) / log(above / below)
            return exp(log(low) + share * log(high / low))
    return None


def break_even_map(
    network: Network,
    model: AnnModel,
    images: np.ndarray,
    chip: Chip | LayerChip,
    axes: Axes,
    *,
    batch: int = 32,
    samples: int = 2,
    seed: int = 0,
    engine: str = "fast",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """The map as plain data. ``samples`` are drawn for every value of it; ``images`` (n, ...) feed the zero-skipping.

    ``panels``: for each weight width ``snn_pj`` [T][rate] a sample, ``rate`` as it came out, ``ann`` by rival and T,
    ``break_even`` rates by rival and T (None: outside the map), ``closed_form`` rates by rival and whole T of
    ``closed_form_timesteps`` (0 or less: never), ``snn_seconds`` [T][rate].
    """
    if batch < 2 or samples < 1:
        raise NeurosimError(f"breakeven: got batch {batch} and {samples} samples, expected at least 2 and 1")
    panels, done, total = [], 0, len(axes.weight_bits) * len(axes.timesteps) * len(axes.rates)
    twin, every_step = Twin(model, images), list(range(axes.timesteps[0], axes.timesteps[-1] + 1))
    for bits in axes.weight_bits:
        runner = StandIn(stand_in(network, bits, seed), chip, engine)
        synapse = snn_synapse(runner.network, chip, bits)
        panel: dict[str, Any] = {"weight_bits": bits, "snn_pj": [], "rate": [], "snn_seconds": []}
        panel |= {name: {r.name: [] for r in rivals(batch)} for name in ("ann", "break_even", "closed_form")}
        for steps in axes.timesteps:
            found = []
            for rate in axes.rates:
                found.append(runner.run(steps, rate, samples, seed))
                done += 1
                if progress is not None:
                    progress("runs", done, total)
            energies = [run.pj_per_sample for run in found]
            panel["snn_pj"].append(energies)
            panel["rate"].append([run.rate for run in found])
            panel["snn_seconds"].append([run.seconds / samples for run in found])
            for rival in rivals(batch):
                cost = twin.cost(rival, bits, yan_twin_bits(steps))
                panel["ann"][rival.name].append(cost)
                panel["break_even"][rival.name].append(crossing(axes.rates, [pj / cost["pj"] for pj in energies]))
        for r in rivals(batch):
            panel["closed_form"][r.name] = [twin.closed_form(r, synapse, bits, t, chip) for t in every_step]
        panels.append(panel)
    return {
        "timesteps": list(axes.timesteps), "closed_form_timesteps": every_step, "rates": list(axes.rates),
        "rivals": [vars(r) for r in rivals(batch)], "panels": panels, "points": [],
    }  # fmt: skip


def main_width(network: Network) -> int:
    """Bits of a weight of the format that most of the network's weights have, rounded up."""
    sizes: dict[float, int] = {}
    for p in network.projections:
        if p.connectivity.event == "synapse":
            sizes[p.codec.bits] = sizes.get(p.codec.bits, 0) + p.connectivity.weights.size
    return ceil(max(sizes, key=lambda bits: (sizes[bits], -bits)))


def add_point(found: dict[str, Any], result: Any, network: Network, twin: Twin) -> None:
    """A trained network's run on the same chip, with its own rivals; ``map_pj`` is what the stand-in would cost there.

    ``rate`` is synaptic events over connections x timesteps, so that equal rates are equal numbers of events. The panel
    is that of the width most weights have; layers of another width are in the point's energy and not in the map's.
    """
    bits, events, pj = main_width(network), result.synaptic_events, result.energy_pj / result.samples
    rate = events["effective"] / events["dense"]
    values = yan_twin_bits(result.timesteps)
    found["points"].append({
        "workload": result.workload, "weight_bits": bits, "timesteps": result.timesteps, "samples": result.samples,
        "rate": rate, "snn_pj": pj, "accuracy": result.accuracy,
        "ann_accuracy_int8": None if result.ann is None else result.ann["accuracy"],
        "ratio": {r["name"]: pj / twin.cost(Rival(**r), bits, values)["pj"] for r in found["rivals"]},
        "map_pj": _on_the_map(found, bits, result.timesteps, rate),
    })  # fmt: skip


def _on_the_map(found: dict[str, Any], bits: int, timesteps: int, rate: float) -> float | None:
    """Energy of the stand-in at a point, straight in the logarithms of rate and timesteps; None outside the map."""
    panel = next((p for p in found["panels"] if p["weight_bits"] == bits), None)
    steps, rates = found["timesteps"], found["rates"]
    if panel is None or not (steps[0] <= timesteps <= steps[-1] and rates[0] <= rate <= rates[-1]):
        return None
    at_rate = [np.interp(log(rate), np.log(rates), np.log(row)) for row in panel["snn_pj"]]
    return float(exp(np.interp(log2(timesteps), np.log2(steps), at_rate)))
