"""Area of a chip's memories from the SRAM table, and what measured cores say of the logic around memories.

The tables hold no area of logic. Two published 28 nm cores, whole, over the table's area of their memories give the
span that a core with its logic and wires falls into.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from neurosim.arch.layer import LayerChip
from neurosim.arch.schema import Chip
from neurosim.arch.technology.resolve import memory_figures
from neurosim.arch.technology.sram import sram_figures

MEMORIES = (
    "synaptic_memory", "membrane_memory", "axon_table", "routing_table", "weight_buffer", "spike_buffer",
    "partial_sum_buffer", "partial_map_buffer",
)  # fmt: skip


KIB = 8192


@dataclass(frozen=True)
class MeasuredCore:
    """A published core of ``node_nm``; ``memories`` are (capacity, word) in bits."""

    name: str
    mm2: float
    node_nm: float
    memories: tuple[tuple[int, int], ...]
    source: str

    @property
    def memory_mm2(self) -> float:
        """Of its memories, by the table."""
        return fsum(sram_figures(capacity, word, self.node_nm).area_mm2 for capacity, word in self.memories)

    @property
    def whole_over_memories(self) -> float:
        return self.mm2 / self.memory_mm2


CORES = (
    MeasuredCore("ODIN", 0.086, 28.0, ((32 * KIB, 32), (4 * KIB, 128)), "README of ODIN's authors"),
    MeasuredCore("TrueNorth", 0.0936, 28.0, ((104448, 408),), "Akopyan et al. 2015, as read in a public note"),
)


@dataclass(frozen=True)
class UnitArea:
    """``mm2`` of one memory with all its banks; the chip has ``instances`` of it."""

    component: str
    mm2: float
    instances: int
    source: str

    @property
    def total_mm2(self) -> float:
        return self.mm2 * self.instances


def memory_areas(chip: Chip | LayerChip) -> tuple[UnitArea, ...]:
    """Every memory that prices or leakage are derived from; none for a chip of published constants."""
    specs = [*chip.energy.values(), *chip.leakage]
    derived = {term.sram for spec in specs for term in spec.derive or () if term.sram}
    found = []
    for name in MEMORIES:
        if name in derived:
            figures, banks = memory_figures(chip, name), getattr(getattr(chip.core, name), "banks", 1)
            found.append(UnitArea(name, figures.area_mm2 * banks, chip.n_cores, figures.source))
    return tuple(found)
