"""What a convention claims: terms of count x price, each filed under what it pays for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import fsum

from neurosim.energy.conventions.activity import NetworkActivity

ARITHMETIC, NEURON, WEIGHTS, MEMBRANE = "arithmetic", "neuron update", "weight fetch", "membrane traffic"
ROUTING, CONTROL, LEAKAGE = "routing", "control", "leakage"
PURPOSES = (ARITHMETIC, NEURON, WEIGHTS, MEMBRANE, ROUTING, CONTROL, LEAKAGE)

PICOJOULES = "pJ"


@dataclass(frozen=True)
class Term:
    """``count`` times ``price``, in the convention's unit."""

    what: str
    purpose: str
    count: float
    price: float = 1.0

    @property
    def value(self) -> float:
        return self.count * self.price


Rule = Callable[[NetworkActivity], list[Term]]


@dataclass(frozen=True)
class Convention:
    """A published rule by name. ``unit`` is pJ, or what is counted instead; ``adds_up``: a sum of its terms means
    something. ``source`` says where rule and constants come from and what of them is not covered.
    """

    name: str
    title: str
    rule: Rule
    source: str
    unit: str = PICOJOULES
    adds_up: bool = True


@dataclass(frozen=True)
class Claim:
    """A convention applied to an activity; ``reason`` and no terms where it cannot be given."""

    convention: Convention
    terms: tuple[Term, ...] = ()
    reason: str = ""

    @property
    def given(self) -> bool:
        return not self.reason

    @property
    def total(self) -> float | None:
        """Sum of the terms in the convention's unit, or None: not given, or terms that do not add up."""
        if not self.given or not self.convention.adds_up:
            return None
        return fsum(term.value for term in self.terms)

    @property
    def pj(self) -> float | None:
        return self.total if self.convention.unit == PICOJOULES else None

    def by_purpose(self) -> dict[str, float]:
        return {
            purpose: fsum(term.value for term in self.terms if term.purpose == purpose)
            for purpose in PURPOSES
            if any(term.purpose == purpose for term in self.terms)
        }
