"""What a learning study runs: every learner, batch size, seed and firing rate once, over processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

from neurosim.errors import NeurosimError
from neurosim.learning.data import load_data
from neurosim.learning.engine import Learner
from neurosim.learning.random_run import RandomRun, random_runs
from neurosim.learning.rules import STEPS, find_rule
from neurosim.learning.run import LearningRun, Settings, learn
from neurosim.study.jobs import run_jobs
from neurosim.study.learn.file import InputPoint, LearnStudy

Progress = Callable[[str, int, int], None]
DENSE, HELD, SKIPPING = "bptt-dense", "bptt-held", "bptt"
BASELINES = (DENSE, HELD, SKIPPING)
MOST_RATE = 100.0


@dataclass(frozen=True)
class Job:
    """One training run; fields as in `Settings`. Equal jobs run once."""

    rule: str
    epochs: int
    batch: int
    seed: int
    skip_below: float
    timesteps: int
    encoder: str
    write_all: bool = False


@dataclass(frozen=True, eq=False)
class Runs:
    """All that ran. ``trained`` by job; ``cells`` by (rate, timesteps), each with its rules; ``line`` by rate: random
    networks of the learned network's sizes at the study's timesteps."""

    study: LearnStudy
    learners: tuple[Learner, ...]
    trained: dict[Job, LearningRun]
    cells: dict[tuple[float, int], dict[str, RandomRun]]
    line: dict[float, dict[str, RandomRun]]

    def main(self, rule: str, batch: int, skip: bool, write_all: bool = False) -> list[LearningRun]:
        """The runs of one learner, one a seed; none for a local rule at a batch above 1."""
        return [self.trained[job] for job in main_jobs(self.study, rule, batch, skip, write_all)]


def main_jobs(study: LearnStudy, rule: str, batch: int, skip: bool, write_all: bool = False) -> list[Job]:
    """One learner on the data, coded as the rule takes them, a job a seed.

    A local rule changes weights while a sample runs: it has no batch but 1, and passes over samples in its own way.
    """
    known = find_rule(rule)
    if known.local and batch != 1:
        return []
    below = study.skip_below if skip and not known.local else 0.0
    return [
        Job(rule, study.epochs, batch, seed, below, study.timesteps, known.encoder, write_all) for seed in study.seeds
    ]


def sweep_job(study: LearnStudy, rule: str, point: InputPoint) -> Job:
    """One learner at one input: batch 1, first seed, no sample passed over."""
    return Job(rule, study.sweep.epochs, 1, study.seeds[0], 0.0, point.timesteps, point.encoder)


def runs_at(rule: str, point: InputPoint) -> bool:
    """Whether a rule can take an input: spike times come from latency coding alone."""
    return find_rule(rule).works_on == STEPS or point.encoder.partition(":")[0] == "latency"


def plan(study: LearnStudy) -> list[Job]:
    """Every training run of the study, each once, in a fixed order. Raises NeurosimError for an unknown rule."""
    jobs = []
    for batch in study.batches:
        for rule in (DENSE, HELD):
            jobs += main_jobs(study, rule, batch, False)
        jobs += main_jobs(study, SKIPPING, batch, False, True)
        for rule in (SKIPPING, *study.rules):
            jobs += main_jobs(study, rule, batch, False) + main_jobs(study, rule, batch, True)
    for point in study.sweep.inputs:
        jobs += [sweep_job(study, rule, point) for rule in (*BASELINES, *study.rules) if runs_at(rule, point)]
    for job in jobs:
        find_rule(job.rule)
    return list(dict.fromkeys(jobs))


def _train(job: Job, data: str, weight_bits: int, word_bits: int, threads: int = 1) -> LearningRun:
    """Run a job; ``threads`` is what `run_jobs` says, and one is all a learner takes."""
    fields = asdict(job)
    rule = find_rule(fields.pop("rule"))
    rate = min(MOST_RATE, rule.rate * job.batch)
    return learn(rule, load_data(data), Settings(rate=rate, weight_bits=weight_bits, word_bits=word_bits, **fields))


def _random(threads: int = 1, **what) -> dict[str, RandomRun]:
    return random_runs(**what)


def run_study(
    study: LearnStudy, learners: list[Learner], processes: int | None = None, progress: Progress | None = None
) -> Runs:
    """Run everything. Raises NeurosimError for a rule that is unknown or cannot do what is asked of it."""
    own, jobs = learners[0], plan(study)
    widths = {"weight_bits": own.weight_bits, "word_bits": own.word_bits}
    trained = _all(
        _train, [{"job": job, "data": study.data, **widths} for job in jobs], "training", processes, progress
    )
    asked, runs = study.map, dict(zip(jobs, trained, strict=True))
    sizes = runs[jobs[0]].sizes
    common = {"rules": [*BASELINES, asked.rule], "samples": asked.samples, "seed": asked.seed, "settings": widths}
    places = [(rate, steps) for steps in asked.timesteps for rate in asked.rates]
    cells = [{"rate": rate, "timesteps": steps, "sizes": tuple(asked.sizes), **common} for rate, steps in places]
    line = [{"rate": rate, "timesteps": study.timesteps, "sizes": sizes, **common} for rate in asked.rates]
    found = _all(_random, cells + line, "map", processes, progress)
    return Runs(
        study, tuple(learners), runs, dict(zip(places, found[: len(cells)], strict=True)),
        dict(zip(asked.rates, found[len(cells) :], strict=True)),
    )  # fmt: skip


def _all(run, jobs: list[dict], stage: str, processes: int | None, progress: Progress | None) -> list:
    tell = None if progress is None else (lambda done: progress(stage, done, len(jobs)))
    outcomes = run_jobs(run, jobs, processes, tell)
    reasons = [outcome.reason for outcome in outcomes if outcome.reason is not None]
    if reasons:
        raise NeurosimError(reasons[0])
    return [outcome.result for outcome in outcomes]
