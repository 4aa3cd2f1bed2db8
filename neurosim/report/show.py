"""What `neurosim show` prints: for each kind of thing its plain data, and a readable view made when asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

View = tuple[dict[str, Any], Callable[[], object]]


def show_chip(name: str) -> View:
    """A chip description: structure, memories, timing, every price with its source."""
    from neurosim.arch import load_chip
    from neurosim.arch.describe import describe

    chip = load_chip(name)
    return chip.model_dump(mode="json"), lambda: describe(chip)


def show_workload(name: str) -> View:
    """A workload's card and its layers."""
    from rich.console import Group
    from rich.text import Text

    from neurosim import units
    from neurosim.report.text import new_table
    from neurosim.workload.workload import load_workload

    work = load_workload(name)
    network = work.network
    layers = [
        {"population": p.name, "shape": list(p.shape), "neurons": p.n_neurons, "model": p.model.kind}
        for p in network.populations
    ]
    projections = [
        {
            "projection": p.name, "kind": p.connectivity.kind, "codec": p.codec.kind, "bits_per_weight": p.codec.bits,
            "weights": 0 if p.connectivity.weights is None else int(p.connectivity.weights.size),
            "connections": network.connections(p), "delay": p.delay,
        }
        for p in network.projections
    ]  # fmt: skip
    plain = {
        "name": work.name, "title": work.title, "samples": work.n_samples, "timesteps": work.timesteps,
        "encoder": work.encoder, "populations": layers, "projections": projections, "card": work.card,
    }  # fmt: skip

    def readable() -> Group:
        head = Text(f"{work.name}: {work.title}\n{work.n_samples} samples, {work.timesteps} timesteps, {work.encoder}")
        head.stylize("bold", 0, len(work.name) + len(work.title) + 2)
        made = new_table("Layers", ("population", "left"), ("shape", "left"), ("neurons", "right"), ("model", "left"))
        for x in layers:
            made.add_row(x["population"], " x ".join(map(str, x["shape"])), units.count(x["neurons"]), x["model"])
        joined = new_table(
            "Projections", ("projection", "left"), ("kind", "left"), ("bits a weight", "right"), ("format", "left"),
            ("weights", "right"), ("connections", "right"), ("delay", "right"),
        )  # fmt: skip
        for x in projections:
            counts = (units.count(x["weights"]), units.count(x["connections"]), str(x["delay"]))
            joined.add_row(x["projection"], x["kind"], f"{x['bits_per_weight']:g}", x["codec"], *counts)
        card = new_table("Card", ("", "left"), ("", "left"))
        for key, value in _flat(work.card):
            card.add_row(key, value)
        return Group(head, Text(), made, Text(), joined, Text(), card)

    return plain, readable


def _flat(card: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Lines of a nested card, keys joined by dots."""
    for key, value in card.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def show_result(name: str) -> View:
    """A saved result, as the run printed it."""
    from neurosim.report.text import result_text
    from neurosim.result import Result

    result = Result.load(Path(name))
    return result.to_json(), lambda: result_text(result)


def show_conventions(path: Path, weight_bits: float | None = None, input_bits: int | None = None) -> View:
    """A saved result, or a table of layers with rates, beside every published energy convention."""
    from neurosim.energy.conventions.compare import chip_purposes, compare, included, plain
    from neurosim.energy.conventions.counts import yan_twin_bits
    from neurosim.energy.conventions.executed import activity_of_run
    from neurosim.energy.conventions.layer_table import read_layer_table
    from neurosim.energy.conventions.registry import claims
    from neurosim.report.text_conventions import conventions_text
    from neurosim.result import Result

    purposes, notes = None, []
    if path.suffix == ".csv":
        activity = read_layer_table(path, weight_bits, input_bits)
        title = f"{activity.name}: {len(activity.layers)} layers, {activity.timesteps} timesteps"
    else:
        result = Result.load(path)
        activity = activity_of_run(str(path), result.layers)
        purposes = chip_purposes(result.energy, result.samples)
        title = f"{result.workload} on {result.chip}: mean of {result.samples} samples x {result.timesteps} timesteps"
        if priced_elsewhere := included(result.energy):
            notes.append(f"the chip's source does not price apart: {'; '.join(priced_elsewhere)}")
    steps = activity.timesteps
    notes.append(f"the fair ANN twin of Yan et al. for {steps} timesteps has {yan_twin_bits(steps)}-bit activations")
    rows = compare(purposes, claims(activity))
    return plain(activity.name, purposes, rows), lambda: conventions_text(title, purposes, rows, notes)


def show_neurobench(path: Path) -> View:
    """NeuroBench's metrics of a saved result, and the hardware's counts apart from them, each with its definition."""
    from neurosim.energy.conventions.definitions import HARDWARE, NEUROBENCH
    from neurosim.report.text_neurobench import hardware_counts, measured, neurobench_text
    from neurosim.result import Result

    result = Result.load(path)
    plain = {
        "neurobench": measured(result),
        "hardware": hardware_counts(result),
        "definitions": {"neurobench": NEUROBENCH, "hardware": HARDWARE},
    }
    return plain, lambda: neurobench_text(result)
