"""What an ANN costs on an array, as a terminal shows it."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim import units
from neurosim.report.text import new_table


def array_text(cost: dict[str, Any]) -> RenderableType:
    """Headline, energy by component, layers of a batch's first part, and the published accelerators beside it."""
    n = cost["samples"]
    accuracy = cost["accuracy"]
    known = "not known for these widths" if accuracy is None else units.percent(accuracy)
    stalls = cost["stall_cycles"] / cost["cycles"]
    band = " to ".join(units.energy(end / n) for end in cost["band_pj"])
    lines = [
        f"ANN twin of {cost['workload']} on {cost['array']}: {n} samples, batch {cost['batch']}, {cost['numbers']}",
        f"accuracy      {known}",
        f"latency       {units.time(cost['latency_s'])} a batch; {units.count(cost['cycles'] / n)} cycles a sample, "
        f"{units.percent(stalls)} of them waiting for weights or DRAM",
        f"utilisation   {units.percent(cost['utilisation'])} of the array's multiply-accumulates" + _skipped(cost),
        f"energy        {units.energy(cost['energy_pj'] / n)} a sample (constants all low to all high: {band}), "
        f"{cost['energy_pj'] / cost['macs']:.3g} pJ a multiply-accumulate",
        f"DRAM          {units.bits(round(cost['dram_bits'] / n))} a sample; "
        f"{units.count(cost['sums_read_back'] / n)} partial sums read back a sample",
    ]
    head = Text("\n".join(lines))
    head.stylize("bold", 0, len(lines[0]))
    return Group(
        head, Text(), _components(cost), Text(), _layers(cost), Text(), _anchors(cost),
        Text(cost["description"], style="dim"),
    )  # fmt: skip


def _skipped(cost: dict[str, Any]) -> str:
    if "macs_done" not in cost:
        return ""
    return (
        f"; {units.percent(1 - cost['macs_done'] / cost['macs'])} of the job skipped, efficiency "
        f"{units.percent(cost['efficiency'])}"
    )


def _components(cost: dict[str, Any]):
    table = new_table("Energy by component", ("component", "left"), ("a sample", "right"), ("share", "right"))
    for name, pj in cost["table"].by_component().items():
        table.add_row(name, units.energy(pj / cost["samples"]), units.percent(pj / cost["energy_pj"]))
    return table


def _layers(cost: dict[str, Any]):
    shown = "Layers, all samples" if "macs_done" in cost else "Layers, first part of a batch"
    table = new_table(
        shown, ("layer", "left"), ("M x N x K", "left"), ("cycles", "right"),
        ("waiting", "right"), ("elements filled", "right"), ("utilisation", "right"), ("from and to DRAM", "right"),
    )  # fmt: skip
    for row in cost["layers"]:
        table.add_row(
            row["layer"], f"{row['m']} x {row['n']} x {row['k']}", units.count(row["cycles"]),
            units.count(row["stall_cycles"]), units.percent(row["mapping_efficiency"]),
            units.percent(row["utilisation"]), units.bits(row["dram_bits"]),
        )  # fmt: skip
    return table


def _anchors(cost: dict[str, Any]):
    table = new_table(
        "The same operations at published energies", ("accelerator", "left"), ("low", "right"), ("high", "right"),
        ("what it is", "left"),
    )  # fmt: skip
    for name, found in cost["anchors"].items():
        low, high = (units.energy(found[key] / cost["samples"]) for key in ("low_pj", "high_pj"))
        table.add_row(name, low, high, found["kind"])
    return table
