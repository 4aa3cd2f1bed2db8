"""Two results term by term: how much of each difference comes from the count and how much from the constant.

Everything is a sample, so runs of different length can be set side by side. A term of energy is count x constant. Its
difference is split as (change of count) x (mean constant) + (change of constant) x (mean count), which leaves no rest
and favours neither side (the Shapley value of two factors). For leakage the count is time and the constant is power.
A term that only one side has takes its constant from the same action elsewhere on the other side, so that a mapping
that moved work to another core is a difference of counts; an action that the other chip does not have is one too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import fsum
from typing import Any

from neurosim.energy.table import EnergyTable, Leaf
from neurosim.errors import NeurosimError
from neurosim.result import Result

FIELDS = ("component", "action", "part", "place", "group")
"""What terms can be grouped by; ``group`` is the kind of place: cores, tiles, host, chip."""
_GROUPS = {"core": "cores", "tile": "tiles", "router": "routers"}
Key = tuple[str, ...]


@dataclass(frozen=True)
class Term:
    """One group of energy terms, pJ and counts a sample. ``count_pj`` + ``constant_pj`` = ``b_pj`` - ``a_pj``.

    ``a_price_pj`` and ``b_price_pj`` are mean constants (energy / count); None where nothing was counted.
    """

    key: Key
    a_count: float
    b_count: float
    a_pj: float
    b_pj: float
    count_pj: float
    constant_pj: float

    @property
    def difference_pj(self) -> float:
        return self.b_pj - self.a_pj

    @property
    def a_price_pj(self) -> float | None:
        return self.a_pj / self.a_count if self.a_count else None

    @property
    def b_price_pj(self) -> float | None:
        return self.b_pj / self.b_count if self.b_count else None


@dataclass(frozen=True)
class Value:
    """One other figure: ``what`` with its unit, and both sides (None: not known there)."""

    what: str
    a: float | None
    b: float | None

    @property
    def change(self) -> float | None:
        """Relative to A; None where A is 0 or unknown."""
        return None if self.a is None or self.b is None or not self.a else self.b / self.a - 1


@dataclass(frozen=True, eq=False)
class Difference:
    """What `diff` returns; ``terms`` are sorted by the size of the difference, largest first."""

    a: Result
    b: Result
    by: tuple[str, ...]
    terms: tuple[Term, ...]
    values: tuple[Value, ...]
    parameters: tuple[tuple[str, Any, Any], ...]
    notes: tuple[str, ...]

    @property
    def a_pj(self) -> float:
        return self.a.energy_pj / self.a.samples

    @property
    def b_pj(self) -> float:
        return self.b.energy_pj / self.b.samples

    @property
    def count_pj(self) -> float:
        return fsum(term.count_pj for term in self.terms)

    @property
    def constant_pj(self) -> float:
        return fsum(term.constant_pj for term in self.terms)

    def share(self, term: Term) -> float:
        """Of the sum of all differences without their signs: what each term weighs, also where terms cancel."""
        moved = fsum(abs(t.difference_pj) for t in self.terms)
        return abs(term.difference_pj) / moved if moved else 0.0

    def frame(self):
        """The terms as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame([self._plain(term) for term in self.terms])

    def _plain(self, term: Term) -> dict[str, Any]:
        return {
            **dict(zip(self.by, term.key, strict=True)),
            "a_count": term.a_count, "b_count": term.b_count, "a_price_pj": term.a_price_pj,
            "b_price_pj": term.b_price_pj, "a_pj": term.a_pj, "b_pj": term.b_pj, "difference_pj": term.difference_pj,
            "count_pj": term.count_pj, "constant_pj": term.constant_pj, "share": self.share(term),
        }  # fmt: skip

    def to_json(self) -> dict[str, Any]:
        """Plain data; every figure is one of a sample unless its name says otherwise."""
        return {
            "a": {"workload": self.a.workload, "chip": self.a.chip, "samples": self.a.samples},
            "b": {"workload": self.b.workload, "chip": self.b.chip, "samples": self.b.samples},
            "by": list(self.by),
            "energy_pj": {
                "a": self.a_pj, "b": self.b_pj, "difference": self.b_pj - self.a_pj, "of_counts": self.count_pj,
                "of_constants": self.constant_pj,
            },
            "terms": [self._plain(term) for term in self.terms],
            "values": [{"what": v.what, "a": v.a, "b": v.b, "change": v.change} for v in self.values],
            "parameters": [{"name": name, "a": a, "b": b} for name, a, b in self.parameters],
            "notes": list(self.notes),
        }  # fmt: skip

    def _repr_html_(self) -> str:
        from neurosim.study.diff_html import diff_html

        return diff_html(self)


def diff(a: Result, b: Result, by: Sequence[str] = ("component", "action", "part")) -> Difference:
    """Take the difference of two results apart; ``by`` are fields of `FIELDS`.

    Raises NeurosimError for another field. Differences sum exactly to that of the totals, up to rounding.
    """
    unknown = [name for name in by if name not in FIELDS]
    if unknown or not by:
        raise NeurosimError(
            f"diff: by {unknown[0] if unknown else 'nothing'!r}, expected fields of {', '.join(FIELDS)}"
        )
    return Difference(
        a, b, tuple(by), _terms(a, b, tuple(by)), tuple(_values(a, b)), tuple(_parameters(a, b)), tuple(_notes(a, b))
    )


def group_of(place: str) -> str:
    """``core 3`` is one of the cores; a place without a number is a group of its own."""
    return _GROUPS.get(place.split(" ")[0], place)


def _terms(a: Result, b: Result, by: tuple[str, ...]) -> tuple[Term, ...]:
    sides = [_leaves(a), _leaves(b)]
    prices = [_prices(r.energy) for r in (a, b)]
    sums: dict[Key, list[list[float]]] = {}
    for full in dict.fromkeys((*sides[0], *sides[1])):
        (count_a, price_a), (count_b, price_b) = (side.get(full, (0.0, None)) for side in sides)
        if price_a is None:
            price_a = prices[0].get(full[:2], price_b)
        if price_b is None:
            price_b = prices[1].get(full[:2], price_a)
        of_count = (count_b - count_a) * (price_a + price_b) / 2
        of_price = (price_b - price_a) * (count_a + count_b) / 2
        fields = dict(zip(("component", "action", "part", "place", "group"), full, strict=True))
        row = sums.setdefault(tuple(fields[name] for name in by), [[] for _ in range(6)])
        for values, value in zip(
            row, (count_a, count_b, count_a * price_a, count_b * price_b, of_count, of_price), strict=True
        ):
            values.append(value)
    terms = [Term(key, *(fsum(values) for values in row)) for key, row in sums.items()]
    return tuple(sorted(terms, key=lambda t: (-abs(t.difference_pj), -t.b_pj, t.key)))


def _leaves(result: Result) -> dict[Key, tuple[float, float]]:
    """Count a sample and mean constant, by component, action, part, place and group."""
    found = _sums(result.energy, lambda x: (x.component, x.action, x.part, x.place, group_of(x.place)))
    return {key: (count / result.samples, price) for key, (count, price) in found.items()}


def _prices(table: EnergyTable) -> dict[Key, float]:
    """Mean constant of each action of each component."""
    return {key: price for key, (_, price) in _sums(table, lambda x: (x.component, x.action)).items()}


def _sums(table: EnergyTable, key: Callable[[Leaf], Key]) -> dict[Key, tuple[float, float]]:
    """Count and mean constant of each group that counted anything."""
    groups: dict[Key, list[Leaf]] = {}
    for leaf in table.leaves:
        groups.setdefault(key(leaf), []).append(leaf)
    made = {}
    for name, leaves in groups.items():
        prices, count = {leaf.price_pj for leaf in leaves}, fsum(leaf.count for leaf in leaves)
        if count:
            # One constant stays as it is: a mean of equal numbers could differ in the last digit.
            mean = prices.pop() if len(prices) == 1 else fsum(leaf.energy_pj for leaf in leaves) / count
            made[name] = (count, mean)
    return made


def _values(a: Result, b: Result) -> list[Value]:
    rows = [
        Value("accuracy", a.accuracy, b.accuracy),
        Value("cycles a sample", a.cycles_total / a.samples, b.cycles_total / b.samples),
        Value("latency a sample (s)", a.latency_s, b.latency_s),
    ]
    for key in ("effective", "dense", "mac"):
        pair = (r.synaptic_events.get(key, 0) / r.samples for r in (a, b))
        rows.append(Value(f"synaptic events a sample, {key}", *pair))
    rows += _by_name(a, b, "packets a sample", lambda r: {k: n / r.samples for k, n in r.packets.items()})
    rows += _by_name(a, b, "spikes a sample", lambda r: {k: n / r.samples for k, n in r.spikes.items()})
    rows += _by_name(a, b, "memory (bits)", lambda r: {k: sizes["used_bits"] for k, sizes in r.footprint.items()})
    rows += _by_name(a, b, "waiting a sample (quanta)", lambda r: {k: n / r.samples for k, n in r.waits_total.items()})
    return [row for row in rows if row.a or row.b]


def _by_name(a: Result, b: Result, what: str, of) -> list[Value]:
    left, right = of(a), of(b)
    return [Value(f"{what}: {name}", left.get(name), right.get(name)) for name in dict.fromkeys((*left, *right))]


def _parameters(a: Result, b: Result) -> list[tuple[str, Any, Any]]:
    """What the runs were given and differs: parameters, versions, hashes of inputs."""
    left, right = _flat(a), _flat(b)
    return [
        (name, left.get(name), right.get(name))
        for name in dict.fromkeys((*left, *right))
        if left.get(name) != right.get(name)
    ]


def _flat(result: Result) -> dict[str, Any]:
    made = {"engine": result.engine, "timing": result.timing_mode, "quantum_ps": result.quantum_ps}
    p = result.provenance
    made |= p.get("parameters", {})
    made |= {k: v for k, v in p.items() if not isinstance(v, dict)}
    return made | {f"network.{k}": v for k, v in (p.get("network") or {}).items()}


def _notes(a: Result, b: Result) -> list[str]:
    notes = []
    if a.provenance.get("stimulus_sha256") != b.provenance.get("stimulus_sha256"):
        notes.append("the inputs differ; part of every difference may come from that")
    if (a.samples, a.timesteps) != (b.samples, b.timesteps):
        notes.append(f"A: {a.samples} samples x {a.timesteps} timesteps, B: {b.samples} x {b.timesteps}")
    if (a.timing_mode == "estimate") != (b.timing_mode == "estimate"):
        notes.append("one of the two has estimated cycles, so its leakage is an estimate too")
    return notes
