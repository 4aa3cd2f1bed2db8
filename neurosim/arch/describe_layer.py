"""A layer chip as a person reads it: array, window, buffers and the quanta of every phase."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from neurosim.arch.layer import LayerChip

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

_PACKING = {
    "none": "every row of the spike matrix takes a slot",
    "drop_empty_rows": "rows without a spike in a pass are skipped",
    "pack": "only spikes take slots; each column walks its own",
}
_CODEBOOK = {
    "reuse": "each codeword is convolved once with an input channel, and its map reused by all output channels",
    "auto": "decoded, or each codeword convolved once and reused, by layer: what costs less energy",
}
MEMORIES = ("synaptic_memory", "weight_buffer", "spike_buffer", "partial_sum_buffer", "membrane_memory")


def layer_facts(chip: LayerChip) -> Iterable[tuple[str, str]]:
    """Name and value of what the chip is built of."""
    core, t = chip.core, chip.technology
    yield "execution", "one layer for a window of timesteps, then the next layer"
    window = "the whole sample" if core.time_window == "all" else f"{core.time_window} timesteps"
    yield "window", window
    yield "weights", f"a weight tile is fetched once {'a window' if core.weight_reuse_over_time else 'a timestep'}"
    yield "spike packing", _PACKING[core.spike_packing]
    yield "array", f"{core.array.rows} output neurons x {core.array.columns} timesteps"
    yield "loading", _when(core.weight_buffer.load, "the work of the tile before")
    if core.codebook != "decode":
        yield "codebooks", _CODEBOOK[core.codebook]
    if core.membranes == "from_history":
        yield "membranes", "worked out from the spikes of earlier timesteps, wherever that is exact; none stored"
    lanes = f"{core.update.lanes} lane{'s' * (core.update.lanes > 1)}"
    yield "update", f"{lanes} after each tile, {_when(core.update.when, 'the accumulation of the next')}"
    yield "technology", f"{t.node_nm:g} nm, {t.voltage_v:g} V, {t.device} devices, memories optimised for {t.objective}"
    kind = "synchronous" if chip.clock.synchronous else "asynchronous"
    yield "clock", f"{kind}, quantum {chip.clock.quantum_ps / 1000:,.4g} ns"
    payload = f", payload of {chip.io.payload_bits} b" if chip.io.payload_bits else ""
    yield "host port", f"words of the spike buffer, {chip.io.cycles_per_word} quanta each{payload}"


def _when(when: str, behind: str) -> str:
    return f"hidden behind {behind}" if when == "hidden" else "exposed: the array waits"


def buffers_table(chip: LayerChip, table: Table) -> RenderableType:
    """Fill ``table`` (memory, size, word, banks, read, notes)."""
    core = chip.core
    notes = {
        "synaptic_memory": "kernels shared"
        + f", indices of {core.synaptic_memory.index_bits} b" * bool(core.synaptic_memory.index_bits),
        "weight_buffer": "two halves" if core.weight_buffer.load == "hidden" else "",
        "partial_map_buffer": "partial sums of codewords",
        "partial_sum_buffer": f"sums of {core.partial_sum_buffer.sum_bits} b"
        + ", two banks of them" * (core.update.when == "hidden"),
    }
    for name in (*MEMORIES, *(("partial_map_buffer",) if core.partial_map_buffer else ())):
        memory = getattr(core, name)
        read = getattr(memory, "read_cycles", None)
        cycles = "-" if read is None else f"{read}"
        size = f"{memory.capacity_bits / 8192:,.4g} KiB"
        table.add_row(name, size, f"{memory.word_bits} b", str(memory.banks), cycles, notes.get(name, ""))
    return table


def layer_timing_table(chip: LayerChip, table: Table) -> RenderableType:
    """Fill ``table`` (what, quanta, of)."""
    core = chip.core
    rows = [("layer start", core.layer_cycles, "each layer of a window")]
    rows += [("array fill", core.array.fill_cycles, "each pass")]
    rows += [(f"slot, {kind}", n, "one row of the spike matrix") for kind, n in core.array.cycles_per_slot]
    lanes = f"one group of {core.update.lanes} neurons"
    rows += [("state in and out", core.update.state_cycles, lanes)]
    rows += [("scan", core.update.step_cycles, f"one timestep of {lanes}")]
    for what, quanta, of in rows:
        table.add_row(what, str(quanta), of)
    return table
