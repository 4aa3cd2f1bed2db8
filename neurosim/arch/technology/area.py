"""Area of a chip's memories from the SRAM table. The tables hold no area of logic, so logic and wires are not in it."""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.arch.layer import LayerChip
from neurosim.arch.schema import Chip
from neurosim.arch.technology.resolve import memory_figures

MEMORIES = (
    "synaptic_memory", "membrane_memory", "axon_table", "routing_table", "weight_buffer", "spike_buffer",
    "partial_sum_buffer", "partial_map_buffer",
)  # fmt: skip


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
