"""Three dataflows as a terminal shows them: a line a dataflow and number of timesteps."""

from __future__ import annotations

from typing import Any

from rich.console import Group, RenderableType
from rich.text import Text

from neurosim.report.text import new_table

TITLES = {"step_outer": "stored", "t_inner": "in a register", "history": "from history"}
PARTS = ("membranes", "spikes", "sums", "weights", "additions", "other", "total")


def title(row: dict[str, Any], workload: str) -> str:
    """A row's dataflow and, where membranes are stored, their bits; its network where that is not the compared one."""
    name = TITLES[row["dataflow"]] + (f", {row['membrane_bits']} b" if row["dataflow"] == "step_outer" else "")
    return name if row["network"] == workload else f"{name}: {row['network'].removeprefix('mnist-conv-')}"


def dataflows_text(found: dict[str, Any]) -> RenderableType:
    """Energy a sample by what it is spent on, then time, work and storage."""
    head = Text(f"What {found['workload']} remembers, three ways on {found['chip']}", style="bold")
    note = (
        f"A sample, mean of {found['samples']}, leakage included. The first three dataflows run one network and give "
        "the same spikes: membranes stored and one timestep after the other, in a register for all timesteps of a "
        "layer, and worked out from the history of spikes."
    )
    energy = new_table("Energy, nJ", ("membranes", "left"), ("T", "right"), *((name, "right") for name in PARTS))
    columns = ("cycles", "additions", "membrane words", "membranes, bits", "spikes, bits")
    work = new_table(
        "Time, work, storage", ("membranes", "left"), ("T", "right"), *((name, "right") for name in columns)
    )
    for row in found["rows"]:
        start = title(row, found["workload"]), str(row["timesteps"])
        energy.add_row(*start, *(f"{row[f'{name}_pj'] / 1000:,.1f}" for name in PARTS))
        fields = ("quanta", "additions", "membrane_words", "membrane_memory_bits", "spike_buffer_bits")
        work.add_row(*start, *(f"{row[field]:,.0f}" for field in fields))
    kept = {layer: why for row in found["rows"] for layer, why in row["stored_because"].items()}
    notes = [Text(f"{layer} keeps its membranes: {why}", style="dim") for layer, why in kept.items()]
    return Group(head, Text(note, style="dim"), Text(), energy, Text(), work, *notes)
