"""A chip's picojoules beside what every convention claims, and the ratio taken apart.

For a claim in picojoules, chip / claim = 1 + sum over purposes of (chip's share - claim's share) / claim: each term
says how much of the claim it adds because the convention leaves it out or prices it otherwise. It is an identity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from neurosim.energy.conventions.claim import (
    ARITHMETIC,
    CONTROL,
    LEAKAGE,
    MEMBRANE,
    NEURON,
    PURPOSES,
    ROUTING,
    WEIGHTS,
    Claim,
)
from neurosim.energy.table import LEAKAGE as LEAKAGE_ACTION
from neurosim.energy.table import EnergyTable

PURPOSE_OF_COMPONENT = {
    "accumulate": ARITHMETIC,
    "product": ARITHMETIC,
    "neuron_update": NEURON,
    "synaptic_memory": WEIGHTS,
    "weight_buffer": WEIGHTS,
    "membrane_memory": MEMBRANE,
    "partial_sum_buffer": MEMBRANE,
    "partial_map_buffer": MEMBRANE,
    "axon_table": ROUTING,
    "routing_table": ROUTING,
    "egress": ROUTING,
    "router": ROUTING,
    "io": ROUTING,
    "spike_buffer": ROUTING,
    "barrier": CONTROL,
    "array": CONTROL,
    "encoder": CONTROL,
}
"""What each component's actions pay for; a component not named here is control."""


@dataclass(frozen=True)
class Compared:
    """One claim beside the chip. ``differences`` by purpose, as multiples of the claim; empty without a ratio."""

    claim: Claim
    ratio: float | None
    differences: dict[str, float]


def chip_purposes(table: EnergyTable, samples: int) -> dict[str, float]:
    """pJ of one sample by purpose; they sum to the table's total over ``samples``."""
    shares: dict[str, list[float]] = {purpose: [] for purpose in PURPOSES}
    for leaf in table.leaves:
        leaks = leaf.action == LEAKAGE_ACTION
        purpose = LEAKAGE if leaks else PURPOSE_OF_COMPONENT.get(leaf.component, CONTROL)
        shares[purpose].append(leaf.energy_pj / samples)
    return {purpose: fsum(values) for purpose, values in shares.items()}


def included(table: EnergyTable) -> list[str]:
    """Actions that the chip's source does not price apart: 'neuron_active (included in neuron_access)'."""
    return sorted({f"{x.action} ({x.source})" for x in table.leaves if x.source.startswith("included in")})


def compare(purposes: dict[str, float] | None, claims: Sequence[Claim]) -> list[Compared]:
    """Every claim beside the chip's energy of one inference, or alone (None)."""
    total = fsum((purposes or {}).values())
    rows = []
    for claim in claims:
        if purposes is None or not claim.pj:
            rows.append(Compared(claim, None, {}))
            continue
        own = claim.by_purpose()
        differences = {p: (purposes[p] - own.get(p, 0.0)) / claim.pj for p in PURPOSES}
        rows.append(Compared(claim, total / claim.pj, differences))
    return rows


def plain(name: str, purposes: dict[str, float] | None, rows: Sequence[Compared]) -> dict[str, Any]:
    """The comparison as JSON data; ``purposes`` None: no chip, claims alone."""
    return {
        "activity": name,
        "chip_pj": None if purposes is None else {"total": fsum(purposes.values()), **purposes},
        "conventions": [
            {
                "name": row.claim.convention.name,
                "title": row.claim.convention.title,
                "unit": row.claim.convention.unit,
                "given": row.claim.given,
                "reason": row.claim.reason or None,
                "total": row.claim.total,
                "chip_over_claim": row.ratio,
                "difference_by_purpose": row.differences or None,
                "terms": [{**vars(term), "value": term.value} for term in row.claim.terms],
                "source": row.claim.convention.source,
            }
            for row in rows
        ],
    }
