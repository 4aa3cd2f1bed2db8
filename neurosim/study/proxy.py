"""What narrower weights save on the chip, beside what published formulas say they save.

A family is a set of networks with the same populations; its reference is the one with the widest weights (float32
where there is one). Ratios are energy of the reference / energy of a network, so 2 means half the energy.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import fsum

from neurosim.energy.conventions.claim import Claim
from neurosim.energy.conventions.executed import activity_of_run
from neurosim.energy.conventions.registry import claims
from neurosim.result import Result

PROXY, MAC_AC = "proxy-first-spikes", "proxy-first-once"
"""0.9 pJ an accumulate in every layer; and 4.6 pJ a MAC for the first layer once, 0.9 pJ for all other events."""
WIDTH_AWARE = "ns-ace"


@dataclass(frozen=True)
class Saving:
    """One network against its reference; ``claimed`` by convention, where both have a total that is not 0."""

    name: str
    reference: str
    weight_bits: float
    reference_bits: float
    chip: float
    claimed: dict[str, float]


def mean_weight_bits(result: Result) -> float | None:
    """Bits of a stored weight, the mean over all weights; None without weights."""
    rows = [row for row in result.layers if row.get("weights")]
    total = sum(row["weights"] for row in rows)
    return fsum(row["weights"] * row["weight_bits"] for row in rows) / total if total else None


def claims_of(result: Result) -> dict[str, Claim]:
    """Every convention on the run's activity, by name; empty for a network without layers of synapses."""
    if not result.layers:
        return {}
    return {claim.convention.name: claim for claim in claims(activity_of_run(result.workload, result.layers))}


def savings(results: Sequence[Result]) -> list[Saving]:
    """Every network that has a wider one in its family, against the widest; in the order given."""
    families: dict[tuple, list[Result]] = {}
    for result in results:
        if mean_weight_bits(result) is not None:
            families.setdefault(tuple(result.neurons.items()), []).append(result)
    found = {}
    for members in families.values():
        widest = max(members, key=lambda r: mean_weight_bits(r))
        reference = claims_of(widest)
        for member in members:
            if member is not widest:
                found[id(member)] = _saving(member, widest, reference)
    return [found[id(result)] for result in results if id(result) in found]


def _saving(member: Result, widest: Result, reference: dict[str, Claim]) -> Saving:
    own = claims_of(member)
    totals = {name: (reference[name].total, own[name].total) for name in own if name in reference}
    return Saving(
        member.workload,
        widest.workload,
        mean_weight_bits(member),
        mean_weight_bits(widest),
        (widest.energy_pj / widest.samples) / (member.energy_pj / member.samples),
        {name: wide / narrow for name, (wide, narrow) in totals.items() if wide and narrow},
    )


def extremes(found: Sequence[Saving]) -> list[Saving]:
    """The narrowest network of each family: what 'float to 1 bit' comes to."""
    narrowest: dict[str, Saving] = {}
    for saving in found:
        best = narrowest.get(saving.reference)
        if best is None or saving.weight_bits < best.weight_bits:
            narrowest[saving.reference] = saving
    return list(narrowest.values())
