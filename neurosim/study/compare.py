"""Workloads side by side on one chip: same samples, same chip, same technology, and a word on whatever is not equal."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any

from neurosim.arch import Chip, LayerChip
from neurosim.energy.loading import COMPONENT as LOADING
from neurosim.errors import NeurosimError
from neurosim.result import Result
from neurosim.study.jobs import Outcome, Run, run_jobs
from neurosim.study.proxy import mean_weight_bits
from neurosim.study.waterfall import Waterfall, waterfall
from neurosim.workload.workload import Workload

MAX_WORKLOADS = 200
MAX_DEFAULT_PAIRS = 4
AGAINST = ("ann",)
Told = Callable[[str, int, int], None]


class NothingRuns(NeurosimError):
    """A chip that runs none of the workloads."""


@dataclass(frozen=True, eq=False)
class Row:
    """One workload: its run, or the reason why the chip cannot run it."""

    name: str
    title: str
    result: Result | None
    reason: str | None = None


@dataclass(frozen=True)
class Twin:
    """An ANN that does the job of some of the networks; energy in pJ of one sample."""

    name: str
    of: tuple[str, ...]
    accuracy: float
    energy_pj: float
    band_pj: tuple[float, float] | None
    latency_s: float
    macs: float
    description: str


@dataclass(frozen=True, eq=False)
class Comparison:
    """What `compare` returns. ``notes`` say what is not equal between the rows; ``twins`` is empty unless asked for."""

    chip: Chip | LayerChip
    samples: int
    rows: tuple[Row, ...]
    twins: tuple[Twin, ...]
    waterfalls: tuple[Waterfall, ...]
    notes: tuple[str, ...]
    parameters: dict[str, Any]

    @property
    def results(self) -> list[Result]:
        """Of the workloads that ran, each under its row's name."""
        return [row.result for row in self.rows if row.result is not None]

    def frame(self):
        """The table as a pandas DataFrame, a row a workload (`neurosim.study.table.plain_rows`)."""
        import pandas as pd

        from neurosim.study.table import plain_rows

        return pd.DataFrame(plain_rows(self))

    def _repr_html_(self) -> str:
        from neurosim.study.compare_html import comparison_html

        return comparison_html(self)


def compare(
    run: Run,
    workloads: Sequence[Workload],
    given: Sequence[str | Workload],
    chip: Chip | LayerChip,
    *,
    samples: int = 200,
    timesteps: int | None = None,
    seed: int = 0,
    capacity: str = "refuse",
    against: str | None = None,
    waterfalls: Sequence[tuple[str, str]] | None = None,
    processes: int | None = None,
    progress: Told | None = None,
) -> Comparison:
    """Run every workload on ``chip`` with the same number of samples, the most that all have up to ``samples``.

    ``run`` is `neurosim.api.simulate`; it gets ``given[i]`` (a name that another process can load, or the workload
    itself). ``waterfalls`` are pairs of names; None: widest to narrowest weights of each set of equal populations.
    Raises NeurosimError for arguments out of range, and NothingRuns for a chip that runs none of the workloads.
    """
    _check_arguments(workloads, samples, timesteps, against)
    n = min(samples, *(work.n_samples for work in workloads))
    names = _distinct([work.name for work in workloads])
    pairs = None if waterfalls is None else [_pair(pair, names) for pair in waterfalls]
    common = {
        "chip": chip, "samples": n, "timesteps": timesteps, "seed": seed, "capacity": capacity, "network_samples": 0
    }  # fmt: skip
    tell = None if progress is None else lambda done: progress("workloads", done, len(workloads))
    outcomes = run_jobs(run, [{"workload": work, **common} for work in given], processes, tell)
    rows = tuple(_row(name, work, found) for name, work, found in zip(names, workloads, outcomes, strict=True))
    ran = [i for i, row in enumerate(rows) if row.result is not None]
    if not ran:
        reasons = "; ".join(dict.fromkeys(f"{row.name}: {row.reason}" for row in rows[:3]))
        raise NothingRuns(f"chip {chip.name} runs none of the {len(rows)} workloads. {reasons}")
    if pairs is None:
        pairs = _default_pairs(rows, ran)
    made = []
    for done, (a, b) in enumerate(pairs):
        made.append(_waterfall(rows, workloads, (a, b), chip, n, timesteps, seed, capacity))
        if progress is not None:
            progress("waterfalls", done + 1, len(pairs))
    return Comparison(
        chip,
        n,
        rows,
        _twins([rows[i].result for i in ran]) if against == "ann" else (),
        tuple(made),
        tuple(_notes([rows[i].result for i in ran], n, samples, against)),
        {"samples": n, "timesteps": timesteps, "seed": seed, "capacity": capacity, "against": against},
    )


def _check_arguments(workloads: Sequence[Workload], samples: int, timesteps: int | None, against: str | None) -> None:
    if not 1 <= len(workloads) <= MAX_WORKLOADS:
        raise NeurosimError(f"compare: got {len(workloads)} workloads, expected 1 to {MAX_WORKLOADS}")
    for name, value in (("samples", samples), ("timesteps", timesteps)):
        if value is not None and value < 1:
            raise NeurosimError(f"{name}: got {value}, expected at least 1")
    if against is not None and against not in AGAINST:
        raise NeurosimError(f"against: got {against!r}, expected {' or '.join(AGAINST)}, or leave it out")


def _distinct(names: list[str]) -> list[str]:
    """Names that occur again get a number: two bars of one name would be drawn as one."""
    seen: dict[str, int] = {}
    made = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        made.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return made


def _row(name: str, work: Workload, found: Outcome) -> Row:
    result = found.result if found.result is None else replace(found.result, workload=name)
    return Row(name, work.title, result, found.reason)


def _pair(pair: tuple[str, str], names: list[str]) -> tuple[int, int]:
    for name in pair:
        if name not in names:
            raise NeurosimError(f"waterfall {pair[0]} to {pair[1]}: {name!r} is not compared; have {', '.join(names)}")
    return names.index(pair[0]), names.index(pair[1])


def _default_pairs(rows: Sequence[Row], ran: Sequence[int]) -> list[tuple[int, int]]:
    """From the widest to the narrowest weights of each set of equal populations; first to last where all are equal."""
    families: dict[tuple, list[int]] = {}
    for i in ran:
        families.setdefault(tuple(rows[i].result.neurons.items()), []).append(i)
    pairs = []
    for members in families.values():
        bits = {i: mean_weight_bits(rows[i].result) or 0.0 for i in members}
        start, end = max(members, key=bits.get), min(members, key=bits.get)
        pairs.append((members[0], members[-1]) if bits[start] == bits[end] else (start, end))
    return [pair for pair in pairs if pair[0] != pair[1]][:MAX_DEFAULT_PAIRS]


def _waterfall(rows, workloads, pair, chip, n, timesteps, seed, capacity) -> Waterfall:
    """One waterfall under the rows' names, or the reason why there is none."""
    start, end = (rows[i] for i in pair)
    works = [workloads[i] for i in pair]
    try:
        for row, work in zip((start, end), works, strict=True):
            if row.result is None:
                raise NeurosimError(f"{row.name} did not run: {row.reason}")
            if work.core_of_neuron is not None:
                raise NeurosimError(f"{row.name} brings its own core map, which a network between the two has not")
        if start.result.provenance["stimulus_sha256"] != end.result.provenance["stimulus_sha256"]:
            raise NeurosimError(f"{start.name} and {end.name} were not given the same input")
        networks = [replace(w.network, name=row.name) for w, row in zip(works, (start, end), strict=True)]
        return waterfall(*networks, chip, works[0].stimulus(n, timesteps, seed), capacity)
    except NeurosimError as error:
        return Waterfall(start.name, end.name, reason=str(error))


def _twins(results: Sequence[Result]) -> tuple[Twin, ...]:
    """The ANN twins, one that several networks share once."""
    groups: dict[tuple, list[Result]] = {}
    for result in results:
        if result.ann is not None:
            key = (result.ann["accuracy"], result.ann["energy_pj"], result.ann["cycles"], result.ann["macs"])
            groups.setdefault(key, []).append(result)
    made = []
    for members in groups.values():
        ann, n = members[0].ann, members[0].samples
        names = tuple(r.workload for r in members)
        shared = _common_start(names) or f"{names[0]} and others"
        band = tuple(pj / n for pj in ann["band_pj"]) if ann.get("band_pj") else None
        made.append(Twin(
            f"ANN of {shared}", names, ann["accuracy"], ann["energy_pj"] / n, band, ann["latency_s"],
            ann["macs"] / n, ann["description"],
        ))  # fmt: skip
    labels = _distinct([twin.name for twin in made])
    return tuple(replace(twin, name=label) for twin, label in zip(made, labels, strict=True))


def _common_start(names: Sequence[str]) -> str:
    """The words that all names begin with; words end at a dash, dot, space or underscore."""
    words = [re.findall(r"[^-_ .]+[-_ .]*", name) for name in names]
    same = takewhile(lambda each: len({word.rstrip("-_ .") for word in each}) == 1, zip(*words, strict=False))
    return "".join(each[0] for each in same).rstrip("-_ .")


def _notes(results: Sequence[Result], n: int, asked: int, against: str | None) -> list[str]:
    """What a reader must know before setting the rows side by side."""
    notes = []
    if n < asked:
        notes.append(f"{n} samples instead of {asked}, the most that all workloads have")
    for what, key in (("input", lambda r: r.provenance["stimulus_sha256"]), ("timesteps", lambda r: r.timesteps)):
        groups: dict[Any, list[str]] = {}
        for result in results:
            groups.setdefault(key(result), []).append(result.workload)
        if len(groups) > 1:
            named = "; ".join(
                f"{value if what == 'timesteps' else i + 1}: {', '.join(names)}"
                for i, (value, names) in enumerate(groups.items())
            )
            notes.append(f"not the same {what} for all ({named}); compare within a group")
    for result in results:
        if result.fit.get("overflows"):
            notes.append(f"{result.workload} does not fit the chip: {result.fit['overflows'][0]}")
        notes += [f"{result.workload}: {note}" for note in result.notes]
    if against == "ann" and (without := [r.workload for r in results if r.ann is None]):
        notes.append(f"no ANN twin: {', '.join(without)}")
    if any(leaf.component == LOADING for r in results for leaf in r.energy.leaves):
        notes.append(f"writing the networks into the memories is counted once and shared by {n} samples")
    bare = max(1.0 - r.energy.banded_share() for r in results)
    if bare > 0.005:
        notes.append(
            f"up to {100 * bare:.0f} % of an energy rests on constants without a band, which the bars leave out"
        )
    return notes
