"""The clock that an array cannot switch off: the same few words of control registers that a core of our chips has."""

from __future__ import annotations

from neurosim.arch.technology.arithmetic import unit_energy
from neurosim.energy.table import IDLE_CLOCK, Leaf

UNGATED_WORDS, WORD_BITS = 4, 32
"""As `standing.idle_clock` of edge-28nm states them, so that both sides of a comparison pay alike."""


def control_clock(cycles: int, node_nm: float, voltage_v: float) -> Leaf:
    """One leaf for the whole job: the count is cycles, the price that of all ungated registers a cycle."""
    pj, source = unit_energy("register", (WORD_BITS,), node_nm, voltage_v)
    return Leaf("control", IDLE_CLOCK, "ann", "control", cycles, UNGATED_WORDS * pj, f"{UNGATED_WORDS} x {source}")
