"""What `neurosim show` prints: for each kind of thing its plain data, and a readable view made when asked for."""

from __future__ import annotations

from collections.abc import Callable
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
        lines = [f"{work.name}: {work.title}", f"{work.n_samples} samples, {work.timesteps} timesteps, {work.encoder}"]
        lines += ["", "layers"]
        lines += [
            f"  {x['population']:<12} {x['shape']!s:<16} {units.count(x['neurons']):>8} {x['model']}" for x in layers
        ]
        lines += ["", "projections"]
        lines += [
            f"  {x['projection']:<24} {x['kind']:<9} {x['bits_per_weight']:>5g}-bit {x['codec']:<8} "
            f"{units.count(x['weights']):>10} weights {units.count(x['connections']):>12} connections"
            for x in projections
        ]
        lines += ["", "card"]
        lines += [f"  {key:<28} {value}" for key, value in work.card.items()]
        return Group(Text("\n".join(lines)))

    return plain, readable


def show_result(name: str) -> View:
    """A saved result, as the run printed it."""
    from neurosim.report.text import result_text
    from neurosim.result import Result

    result = Result.load(Path(name))
    return result.to_json(), lambda: result_text(result)
