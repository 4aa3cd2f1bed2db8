"""Writing a network into a chip's memories, once: every word written, and every word through the host's port.

Words are those of the footprint; state, sums and queues start empty and are not written. Hops from the port to the core
and key tables of routers are left out. Only for chips whose memories are derived from the tables: no source gives a
write of the others.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Protocol

from neurosim.arch import Chip, LayerChip
from neurosim.arch.technology.band import term_band
from neurosim.arch.technology.resolve import calibrated_source, dynamic_factor, memory_figures
from neurosim.energy.chip_prices import chip_prices
from neurosim.energy.table import EnergyTable, Leaf
from neurosim.errors import NeurosimError

COMPONENT = "loading"
CONTENTS = frozenset({"weights", "indices", "codebook", "padding", "entries", "threshold", "bias", "scale"})
"""What the host writes; everything else of a footprint is state."""


class Line(Protocol):
    """A line of a footprint (`neurosim.mapping.mapping.MemoryUse`)."""

    core: int
    memory: str
    content: str
    used_bits: int


def loading_leaves(chip: Chip | LayerChip, lines: Iterable[Line]) -> tuple[Leaf, ...]:
    """Leaves of loading once, by core and memory. Raises NeurosimError for a chip of published constants."""
    if not any(term.sram for spec in chip.energy.values() for term in spec.derive or ()):
        raise NeurosimError(
            f"chip {chip.name}: standing.loading: its prices are published ones, and no source gives the energy of a "
            "write; leave loading out"
        )
    bits: dict[tuple[str, str], int] = {}
    for line in lines:
        if line.content in CONTENTS and hasattr(chip.core, line.memory):
            key = (f"core {line.core}", line.memory)
            bits[key] = bits.get(key, 0) + line.used_bits
    layered = isinstance(chip, LayerChip)
    host = chip_prices(chip)["host_word" if layered else "host_inject"]
    width = chip.core.spike_buffer.word_bits if layered else chip.router.packet_bits
    low, high = term_band("sram")
    factor = dynamic_factor(chip)
    leaves = []
    for (place, memory), used in bits.items():
        figures, word = memory_figures(chip, memory), getattr(chip.core, memory).word_bits
        count, pj = -(-used // word), figures.write_pj * factor
        source = f"{memory} write: {figures.source}"
        if factor != 1:
            source = calibrated_source(chip, source)
        leaves += [
            Leaf(COMPONENT, "load_write", place, memory, count, pj, source, pj * low, pj * high),
            Leaf(
                COMPONENT, "load_host", place, memory, count * -(-word // width), host.pj, host.source, host.low_pj,
                host.high_pj,
            ),
        ]  # fmt: skip
    return tuple(leaves)


def with_loading(table: EnergyTable, chip: Chip | LayerChip, lines: Iterable[Line]) -> EnergyTable:
    """The table with the loading of the network in it, where the chip file asks for that."""
    if chip.standing is None or chip.standing.loading == "never":
        return table
    return replace(table, leaves=table.leaves + loading_leaves(chip, lines))
