"""Which points a sweep has: axes with their values, the ways to combine them, and what is refused before anything runs.

A point is a choice of one value for each axis. Counts are known from the lengths alone, so that a study of 10^12
points is refused at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import exp, log, prod
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.study.sweep.expression import parse_constraint
from neurosim.study.sweep.file import Range, SweepStudy

MAX_POINTS = 1_000_000
SEED = "seed"


@dataclass(frozen=True)
class Axis:
    """A named list of values and the fields that they set."""

    name: str
    fields: tuple[str, ...]
    values: tuple[Any, ...]

    def settings(self, choice: int) -> list[tuple[str, Any]]:
        """(field, value) of one choice."""
        value = self.values[choice]
        if len(self.fields) == 1:
            return [(self.fields[0], value)]
        each = value if isinstance(value, list) and len(value) == len(self.fields) else [value] * len(self.fields)
        return list(zip(self.fields, each, strict=True))


@dataclass(frozen=True, eq=False)
class Design:
    """Axes and points: ``choice`` (n_points, n_axes) int32, the number of the value that each axis has at each point.

    ``left_out`` is how many points the constraints took away.
    """

    axes: tuple[Axis, ...]
    choice: np.ndarray
    left_out: int

    @property
    def n_points(self) -> int:
        return len(self.choice)

    def values(self, point: int) -> dict[str, Any]:
        """Axis name to value at one point."""
        return {axis.name: axis.values[k] for axis, k in zip(self.axes, self.choice[point], strict=True)}


def make_design(study: SweepStudy, where: str) -> Design:
    """The points of a study. Raises NeurosimError with count and reason for what cannot be swept."""
    axes, choice = _drawn(study, where) if study.draws is not None else _combined(study, where)
    axes, choice = _repeated(study, axes, choice, where)
    if not study.constraints:
        return Design(tuple(axes), choice, 0)
    try:
        rules = [parse_constraint(text, [axis.name for axis in axes]) for text in study.constraints]
        keep = _keep(axes, choice, rules)
    except NeurosimError as error:
        raise NeurosimError(f"{where}: {error}") from None
    if not keep.any():
        raise NeurosimError(f"{where}: constraints: none of {len(choice)} points is left; loosen one of them")
    return Design(tuple(axes), choice[keep], int((~keep).sum()))


def _keep(axes: Sequence[Axis], choice: np.ndarray, rules: Sequence) -> np.ndarray:
    """Points that hold all rules; each rule looks only at the choices of the axes that it names."""
    keep = np.ones(len(choice), bool)
    for rule in rules:
        named = [i for i, axis in enumerate(axes) if axis.name in set(rule.names.values())]
        if not named:
            keep &= rule.holds({})
            continue
        distinct, inverse = np.unique(choice[:, named], axis=0, return_inverse=True)
        held = [
            rule.holds({axes[i].name: axes[i].values[k] for i, k in zip(named, row, strict=True)}) for row in distinct
        ]
        keep &= np.array(held, bool)[inverse.reshape(-1)]
    return keep


def _axis(name: str, given: Range, values: Sequence[Any]) -> Axis:
    fields = (name,) if given.sets is None else (given.sets,) if isinstance(given.sets, str) else tuple(given.sets)
    return Axis(name, fields, tuple(values))


def _check_count(where: str, lengths: dict[str, int]) -> int:
    count = prod(lengths.values())
    if count > MAX_POINTS:
        shown = " x ".join(f"{length} ({name})" for name, length in lengths.items())
        raise NeurosimError(
            f"{where}: {count:.3g} points = {shown}; expected at most {MAX_POINTS}, which is what one study keeps; "
            "take fewer values, or draw points with combine: latin_hypercube"
        )
    return count


def _ends(given: Range, at: str) -> tuple[float, float]:
    first, last = given.linear or given.log
    if not (np.isfinite(first) and np.isfinite(last)):
        raise NeurosimError(f"{at}: got [{first}, {last}], expected finite numbers")
    if last < first:
        raise NeurosimError(f"{at}: empty range, [{first:g}, {last:g}] ends before it begins; swap the two numbers")
    if given.log is not None and first <= 0:
        raise NeurosimError(f"{at}.log: got [{first:g}, {last:g}], expected numbers above 0")
    return first, last


def _place(given: Range, ends: tuple[float, float], share: np.ndarray) -> list[int | float]:
    """Values at shares (0 to 1) of a range; whole numbers where the range asks for them or all of it is whole."""
    first, last = ends
    if given.log is not None:
        found = [exp(log(first) + float(s) * (log(last) - log(first))) for s in share]
    else:
        found = [first + float(s) * (last - first) for s in share]
    # Twelve digits: 4.000000000000001 would be another value than the 4 that was meant.
    found = [min(max(float(f"{v:.12g}"), first), last) for v in found]
    if given.integer:
        return [round(v) for v in found]
    return [int(v) for v in found] if all(v == int(v) for v in found) else found


def _stepped(name: str, given: Range, where: str) -> list[Any]:
    """Values of an axis of a grid or zip."""
    at = f"{where}: axes.{name}"
    if given.values is not None:
        if not given.values:
            raise NeurosimError(f"{at}: empty range, it has 0 values; give at least one")
        return given.values
    ends = _ends(given, at)
    if given.points is None:
        raise NeurosimError(f"{at}: points: missing; say how many values the range has")
    if given.points > MAX_POINTS:
        raise NeurosimError(f"{at}: {given.points:.3g} points; expected at most {MAX_POINTS} in a study")
    found = _place(given, ends, np.linspace(0, 1, given.points) if given.points > 1 else np.zeros(1))
    return list(dict.fromkeys(found)) if given.integer else found


def _combined(study: SweepStudy, where: str) -> tuple[list[Axis], np.ndarray]:
    """Grid or zip: dimensions of one or more axes that step together, the last one fastest."""
    axes = [_axis(name, given, _stepped(name, given, where)) for name, given in study.axes.items()]
    written, listed = _written(study, where)
    groups = [[axis.name for axis in axes]] if study.combine == "zip" and axes else [list(g) for g in study.together]
    dimensions: list[tuple[str, list[Axis], int]] = []
    grouped: dict[str, list[str]] = {}
    for group in groups:
        for name in group:
            if name not in study.axes:
                raise NeurosimError(f"{where}: together: {name!r} is not an axis; axes are {', '.join(study.axes)}")
            if name in grouped:
                raise NeurosimError(f"{where}: together: axis {name!r} is named twice; an axis steps with one group")
            grouped[name] = group
    for axis in axes:
        if any(axis in members for _, members, _ in dimensions):
            continue
        members = [a for a in axes if a.name in grouped.get(axis.name, [axis.name])]
        lengths = {a.name: len(a.values) for a in members}
        if len(set(lengths.values())) > 1:
            shown = ", ".join(f"{name} has {n}" for name, n in lengths.items())
            raise NeurosimError(f"{where}: axes that step together need equally many values: {shown}")
        dimensions.append((" with ".join(lengths), members, len(axis.values)))
    if written:
        dimensions.insert(0, ("list", written, len(listed)))
    lengths = {name: length for name, _, length in dimensions}
    count = _check_count(where, {**lengths, **({"repeats": study.repeats} if study.repeats > 1 else {})})
    count //= study.repeats
    numbers = np.unravel_index(np.arange(count), tuple(lengths.values()))
    every = [axis for _, members, _ in dimensions for axis in members]
    columns = [at for (_, members, _), at in zip(dimensions, numbers, strict=True) for _ in members]
    return every, np.stack(columns, axis=1).astype(np.int32)


def _written(study: SweepStudy, where: str) -> tuple[list[Axis], list[dict[str, Any]]]:
    """Axes of the points that are written out; every point names the same ones."""
    listed = study.list_ or []
    if study.list_ is not None and not listed:
        raise NeurosimError(f"{where}: list: empty, it has 0 points; give at least one")
    for number, point in enumerate(listed):
        if not point or set(point) != set(listed[0]):
            raise NeurosimError(
                f"{where}: list.{number}: names {sorted(point)}, expected {sorted(listed[0])} as the first point does"
            )
    names = list(listed[0]) if listed else []
    twice = sorted(set(names) & set(study.axes))
    if twice:
        raise NeurosimError(f"{where}: list: {twice[0]!r} is an axis too; name it in one of them")
    return [Axis(name, (name,), tuple(point[name] for point in listed)) for name in names], listed


def _drawn(study: SweepStudy, where: str) -> tuple[list[Axis], np.ndarray]:
    """Random points, or a Latin hypercube: each axis cut into as many parts as there are draws, one draw in each."""
    lengths = {"draws": study.draws, **({"repeats": study.repeats} if study.repeats > 1 else {})}
    n = _check_count(where, lengths) // study.repeats
    random = np.random.Generator(np.random.PCG64(study.draw_seed))
    axes, columns = [], []
    for name, given in study.axes.items():
        if given.points is not None:
            raise NeurosimError(f"{where}: axes.{name}: points: expected none with combine: {study.combine}")
        if study.combine == "latin_hypercube":
            share = (random.permutation(n) + random.random(n)) / n
        else:
            share = random.random(n)
        if given.values is not None:
            values = _stepped(name, given, where)
            columns.append(np.minimum((share * len(values)).astype(np.int64), len(values) - 1))
        else:
            found = _place(given, _ends(given, f"{where}: axes.{name}"), share)
            values = sorted(set(found))
            number = {v: k for k, v in enumerate(values)}
            columns.append(np.array([number[v] for v in found]))
        axes.append(_axis(name, given, values))
    return axes, np.stack(columns, axis=1).astype(np.int32)


def _repeated(
    study: SweepStudy, axes: list[Axis], choice: np.ndarray, where: str
) -> tuple[list[Axis], np.ndarray]:  # fmt: skip
    """One more axis, the fastest: the seed."""
    if study.repeats == 1:
        return axes, choice
    if any(SEED in (axis.name, *axis.fields) for axis in axes):
        raise NeurosimError(f"{where}: repeats: got {study.repeats}, but seed is an axis already; keep one of them")
    seeds = Axis(SEED, (SEED,), tuple(range(study.seed, study.seed + study.repeats)))
    repeated = np.repeat(choice, study.repeats, axis=0)
    number = np.tile(np.arange(study.repeats, dtype=np.int32), len(choice))
    return [*axes, seeds], np.column_stack([repeated, number])
