"""Whose constants a total rests on, in a few words for a caption."""

from __future__ import annotations

import re
from collections.abc import Iterable
from math import fsum

from neurosim.energy.table import EnergyTable

# The tables that prices are derived from, as they name themselves in a leaf's source.
_TABLES = (
    ("CACTI 7", "CACTI 7"),
    ("Horowitz ISSCC 2014", "Horowitz ISSCC 2014"),
    ("Aladdin", "Aladdin's 40 nm tables"),
    ("DSENT", "DSENT"),
    ("SATA_Sim", "SATA_Sim"),
)
_INCLUDED = "included in"
_MAX_TEXT = 90


def short_sources(source: str) -> tuple[str, ...]:
    """The tables that a source's text names, or the text itself without the chip file's key and remarks."""
    named = tuple(short for word, short in _TABLES if word in source)
    if named:
        return named
    text = re.sub(r"^([\w-]+: )?(derived: )?", "", source).split(";")[0].strip()
    return (text if len(text) <= _MAX_TEXT else f"{text[: _MAX_TEXT - 3]}...",) if text else ()


def named_sources(tables: Iterable[EnergyTable]) -> list[str]:
    """Short names of all sources of what costs anything, the one behind most energy first."""
    shares: dict[str, list[float]] = {}
    for table in tables:
        total = table.total_pj() or 1.0
        for leaf in table.leaves:
            if leaf.source.startswith(_INCLUDED) or not leaf.energy_pj:
                continue
            for name in short_sources(leaf.source):
                shares.setdefault(name, []).append(leaf.energy_pj / total)
    return sorted(shares, key=lambda name: (-fsum(shares[name]), name))


def full_sources(table: EnergyTable) -> list[tuple[str, str, float]]:
    """(component, source as the leaf states it, share of the total), largest share first."""
    total = table.total_pj() or 1.0
    return [(component, source, pj / total) for (component, source), pj in table.by("component", "source").items()]
