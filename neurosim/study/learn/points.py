"""The four pictures as numbers, all from counts that were executed, priced at each table.

P1 `rate_points`, P2 `splits`, P3 `cells`, P4 `curves` and `at_equal_accuracy`. Every ratio is a `Ratio`.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np

from neurosim.learning.cost import cost_of
from neurosim.learning.counters import INDEX
from neurosim.learning.engine import Learner
from neurosim.learning.random_run import RandomRun
from neurosim.learning.ratio import Ratio, saved
from neurosim.learning.rules import find_rule
from neurosim.learning.run import LearningRun
from neurosim.study.learn.runs import BASELINES, DENSE, SKIPPING, Runs, runs_at, sweep_job

FACTORS = ("zero skipping", "write-back", "rule", "update skipping")


def learning_energy(run: LearningRun, learner: Learner, counts: np.ndarray | None = None) -> float:
    """Energy of backward and update of a training sample, in the learner's unit, over all epochs (or ``counts``).

    A learner whose words hold several weights stores them as wide as the run did.
    """
    if learner.group > 1 and not learner.events:
        learner = learner.storing(run.settings.weight_bits)
    return cost_of(run, run.counts.sum(axis=0) if counts is None else counts, learner).learning


def _points(value: float, baseline: float) -> float:
    return 100 * (value - baseline)


# P1 ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class RatePoint:
    """A ratio at one firing rate. ``inverse`` = 1 / (rho_pre x phi_post): gradient sums of the dense learner over those
    of the rule, in layers below the readout; ``rate`` is rho_pre, spikes an input of these layers and timestep."""

    ratio: Ratio
    encoder: str
    timesteps: int
    inverse: float
    rate: float
    later: float


def _sums(counts: np.ndarray) -> tuple[int, int]:
    """Gradient sums, or visits of a local rule, and input spikes below the readout; of all layers if that is all."""
    pairs = counts[:, [INDEX["gradient_adds"], INDEX["plastic_pairs"]]].sum(axis=1)
    below = slice(None, -1) if pairs[:-1].any() else slice(None)
    return int(pairs[below].sum()), int(counts[below, INDEX["pre_spikes"]].sum())


def _place(dense: np.ndarray, rule: np.ndarray, sizes: tuple[int, ...], timesteps: int) -> tuple[float, float, float]:
    """1 / (rho_pre x phi_post), rho_pre and phi_post, from the counts of the dense learner and of the rule."""
    samples = int(rule[0, INDEX["samples"]])
    (steps, _), (pairs, spikes) = _sums(dense), _sums(rule)
    whole = steps / int(dense[0, INDEX["samples"]]) * samples
    rate = spikes / (sum(sizes[:-2] or sizes[:-1]) * timesteps * samples)
    return whole / pairs, rate, pairs / whole / rate


def rate_points(runs: Runs) -> list[RatePoint]:
    """Every rule at every input, against both baselines, at every price table."""
    study, found = runs.study, []
    for point in study.sweep.inputs:
        bases = {name: runs.trained[sweep_job(study, name, point)] for name in BASELINES}
        dense = bases[DENSE].counts.sum(axis=0)
        for rule in (r for r in study.rules if runs_at(r, point)):
            run = runs.trained[sweep_job(study, rule, point)]
            place = _place(dense, run.counts.sum(axis=0), run.sizes, point.timesteps)
            for learner in runs.learners:
                for name, base in bases.items():
                    ratio = saved(
                        (learning_energy(base, learner), learning_energy(run, learner)), rule=rule, baseline=name,
                        batch=1, prices=learner.name, gap_points=_points(run.test_accuracy[-1], base.test_accuracy[-1]),
                    )  # fmt: skip
                    found.append(RatePoint(ratio, point.encoder, point.timesteps, *place))
    return found


def _random_point(
    cell: dict[str, RandomRun], rule: str, timesteps: int, learner: Learner, baseline: str
) -> RatePoint:  # fmt: skip
    made, base = cell[rule], cell[baseline]
    ratio = saved(
        (learning_energy(base.run, learner, base.counts), learning_energy(made.run, learner, made.counts)),
        rule=rule, baseline=baseline, batch=1, prices=learner.name, gap_points=None,
    )  # fmt: skip
    place = _place(cell[DENSE].counts, made.counts, made.run.sizes, timesteps)
    return RatePoint(ratio, "random", timesteps, *place)


def predicted(runs: Runs) -> list[RatePoint]:
    """What random networks of the learned sizes say at each rate: the lines of P1."""
    return [
        _random_point(cell, runs.study.map.rule, runs.study.timesteps, learner, baseline)
        for learner in runs.learners
        for baseline in BASELINES
        for cell in runs.line.values()
        if _sums(cell[runs.study.map.rule].counts)[0]
    ]


# P2 ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Split:
    """A ratio to the dense learner taken apart: ``factors`` by name, each from one thing turned on after those before;
    their product is the ratio."""

    ratio: Ratio
    factors: dict[str, float]


def splits(runs: Runs) -> list[Split]:
    """``bptt`` and every rule, batch size and price table; energies and accuracies are means of the seeds.

    The line of ``bptt`` has a rule factor of 1: it shows what the other three things give a time-step learner.
    """
    found = []
    for batch in runs.study.batches:
        first = [runs.main(DENSE, batch, False), runs.main(SKIPPING, batch, False, True)]
        first.append(runs.main(SKIPPING, batch, False))
        for rule in (SKIPPING, *runs.study.rules):
            chain = [*first, runs.main(rule, batch, False), runs.main(rule, batch, True)]
            if not chain[-1]:
                continue
            gap = _points(_last(chain[-1]), _last(chain[0]))
            for learner in runs.learners:
                energies = [float(np.mean([learning_energy(run, learner) for run in same])) for same in chain]
                factors = dict(zip(FACTORS, (a / b for a, b in pairwise(energies)), strict=True))
                ratio = saved(
                    (energies[0], energies[-1]), rule=rule, baseline=DENSE, batch=batch, prices=learner.name,
                    gap_points=gap,
                )  # fmt: skip
                assert abs(prod(factors.values()) / ratio.number - 1) < 1e-9
                found.append(Split(ratio, factors))
    return found


def totals(runs: Runs) -> list[Ratio]:
    """Every rule against both baselines with and without passing over samples, batch sizes and price tables."""
    found = []
    for batch in runs.study.batches:
        for learner in runs.learners:
            for baseline in BASELINES:
                for rule in runs.study.rules:
                    for skip in (False, True):
                        base, own = runs.main(baseline, batch, False), runs.main(rule, batch, skip)
                        if not own or (skip and find_rule(rule).local):
                            continue
                        found.append(saved(
                            tuple(float(np.mean([learning_energy(run, learner) for run in x])) for x in (base, own)),
                            rule=rule + " with update skipping" * skip, baseline=baseline, batch=batch,
                            prices=learner.name, gap_points=_points(_last(own), _last(base)),
                        ))  # fmt: skip
    return found


def _last(runs: list[LearningRun]) -> float:
    return float(np.mean([run.test_accuracy[-1] for run in runs]))


# P3 ------------------------------------------------------------------------------------------------------------------


def cells(runs: Runs) -> list[tuple[float, RatePoint]]:
    """Every cell of the map against both baselines at every price table, each with the rate that was asked for.

    A cell in which no neuron met anything has no ratio and is left out.
    """
    return [
        (rate, _random_point(cell, runs.study.map.rule, steps, learner, baseline))
        for learner in runs.learners
        for baseline in BASELINES
        for (rate, steps), cell in runs.cells.items()
        if _sums(cell[runs.study.map.rule].counts)[0]
    ]


# P4 ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Curve:
    """One learner: test accuracy after each epoch and learning energy until then, means of the seeds.

    ``energy`` is of the whole training part, in ``unit``; ``skips`` says that it passes over samples that are right.
    """

    rule: str
    skips: bool
    batch: int
    prices: str
    unit: str
    energy: tuple[float, ...]
    accuracy: tuple[float, ...]

    @property
    def name(self) -> str:
        return f"{self.rule} with update skipping" if self.skips else self.rule

    def until(self, target: float) -> int | None:
        """The first epoch (from 0) after which the accuracy is at least ``target``; None: never."""
        return next((i for i, reached in enumerate(self.accuracy) if reached >= target), None)


def curves(runs: Runs) -> list[Curve]:
    """Baselines as they are, ``bptt`` with update skipping too, rules with it; all batch sizes and price tables."""
    found = []
    for batch in runs.study.batches:
        learned = [
            *((name, False) for name in BASELINES),
            (SKIPPING, True),
            *((rule, not find_rule(rule).local) for rule in runs.study.rules if runs.main(rule, batch, True)),
        ]
        for rule, skips in learned:
            same = runs.main(rule, batch, skips)
            accuracy = tuple(np.mean([run.test_accuracy for run in same], axis=0).tolist())
            for learner in runs.learners:
                energy = np.mean([_by_epoch(run, learner) for run in same], axis=0)
                found.append(Curve(
                    rule, skips, batch, learner.name, learner.unit, tuple(np.cumsum(energy).tolist()), accuracy
                ))  # fmt: skip
    return found


def _by_epoch(run: LearningRun, learner: Learner) -> list[float]:
    return [learning_energy(run, learner, epoch) * int(epoch[0, INDEX["samples"]]) for epoch in run.counts]


@dataclass(frozen=True)
class Reached:
    """A target and, where both learners reach it, the ratio of energies spent until then."""

    target: float
    rule: str
    baseline: str
    batch: int
    prices: str
    epochs: tuple[int | None, int | None]
    ratio: Ratio | None


def at_equal_accuracy(runs: Runs) -> list[Reached]:
    """Every rule against the dense learner and ``bptt`` with and without update skipping, at each accuracy target."""
    found, drawn = [], curves(runs)
    for target in runs.study.accuracy_targets:
        for batch in runs.study.batches:
            for learner in runs.learners:
                here = [c for c in drawn if c.batch == batch and c.prices == learner.name]
                bases = [c for c in here if c.rule in BASELINES]
                found += [_reached(target, base, c) for c in here if c.rule not in BASELINES for base in bases]
    return found


def _reached(target: float, base: Curve, rule: Curve) -> Reached:
    ends = base.until(target), rule.until(target)
    ratio = None
    if ends[0] is not None and ends[1] is not None:
        gap = _points(rule.accuracy[ends[1]], base.accuracy[ends[0]])
        ratio = saved(
            (base.energy[ends[0]], rule.energy[ends[1]]), rule=rule.name, baseline=base.name, batch=rule.batch,
            prices=rule.prices, gap_points=gap, of=f"learning energy until {100 * target:g} %",
        )  # fmt: skip
    shown = tuple(None if end is None else end + 1 for end in ends)
    return Reached(target, rule.name, base.name, rule.batch, rule.prices, shown, ratio)
