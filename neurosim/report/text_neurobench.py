"""NeuroBench's metrics and the hardware's counts as a terminal shows them: two tables, each count with its meaning."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from neurosim.energy.conventions.definitions import HARDWARE, NEUROBENCH
from neurosim.errors import NeurosimError
from neurosim.report.text import new_table
from neurosim.result import Result


def measured(r: Result) -> dict[str, Any]:
    """The metrics of a result. Raises NeurosimError for a file of an older version, which holds none."""
    if r.neurobench is None:
        raise NeurosimError(f"{r.workload}: the result holds no NeuroBench metrics (an older file?); run it again")
    return r.neurobench


def hardware_counts(r: Result) -> dict[str, int]:
    """Counts of the chip over all samples, by the names of `definitions.HARDWARE`."""
    totals = r.activity.totals()
    counts = {"spikes": sum(r.spikes.values())}
    counts |= {f"synaptic_events.{key}": n for key, n in r.synaptic_events.items()}
    counts["neuron_access"] = int(totals.get("neuron_access", 0) + totals.get("neuron_access_float", 0))
    return counts | {f"packets.{key}": n for key, n in r.packets.items()}


def neurobench_text(r: Result) -> RenderableType:
    """Both tables; what was not counted says how to count it."""
    metrics = measured(r)
    table = _table(f"NeuroBench's metrics: the network, on {r.samples} samples x {r.timesteps} timesteps")
    for name, value, meaning in _rows(metrics):
        table.add_row(name, value, meaning)
    chip = _table(f"What {r.chip} did, all samples")
    for name, n in hardware_counts(r).items():
        chip.add_row(name, f"{n:,}", HARDWARE[name])
    return Group(table, Text(), chip)


def _table(title: str) -> Table:
    return new_table(title, ("count", "left"), ("value", "right"), ("definition", "left"))


def _rows(metrics: dict[str, Any]) -> Iterator[tuple[str, str, str]]:
    for name, meaning in NEUROBENCH.items():
        value = metrics[name]
        if isinstance(value, dict):
            yield name, "", meaning
            yield from ((f"  {key}", _number(n), "") for key, n in value.items())
        elif name == "Footprint":
            parts = ", ".join(f"{part} {n:,}" for part, n in metrics["footprint_bytes"].items())
            yield name, f"{value:,} ({parts})", meaning
        elif value is None:
            why = "needs a readout and labels" if name == "ClassificationAccuracy" else "run with --neurobench"
            yield name, f"not counted: {why}", meaning
        else:
            yield name, _number(value), meaning


def _number(value: float) -> str:
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.6f}" if value <= 1 and not value.is_integer() else f"{value:,.2f}"
