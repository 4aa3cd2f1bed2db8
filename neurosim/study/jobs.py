"""Independent runs over processes: one result or one reason each, in the order they were asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from neurosim.errors import NeurosimError
from neurosim.result import Result

Run = Callable[..., Result]
"""Called with the keywords of one job."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """A result, or why there is none."""

    result: Result | None
    reason: str | None = None


def attempt(run: Run, job: dict[str, Any]) -> Outcome:
    """One job. Only what the user can be told becomes a reason; a bug still ends everything."""
    try:
        return Outcome(run(**job))
    except NeurosimError as error:
        return Outcome(None, str(error))


def run_jobs(
    run: Run, jobs: Sequence[dict[str, Any]], processes: int | None, done: Callable[[int], None] | None = None
) -> list[Outcome]:
    """Every job by ``run``, ``processes`` at a time (None: one a CPU), each in one thread where there are several.

    ``done`` is told how many have ended. Raises NeurosimError for processes < 1 or a process that was killed.
    """
    if processes is not None and processes < 1:
        raise NeurosimError(f"processes: got {processes}, expected at least 1")
    wanted = min(len(jobs), processes or os.cpu_count() or 1)
    tell = done or (lambda _: None)
    if wanted <= 1:
        outcomes = []
        for job in jobs:
            outcomes.append(attempt(run, job))
            tell(len(outcomes))
        return outcomes
    from joblib import Parallel, delayed
    from joblib.externals.loky.process_executor import TerminatedWorkerError

    tasks = (delayed(_numbered)(i, run, {**job, "threads": 1}) for i, job in enumerate(jobs))
    found: dict[int, Outcome] = {}
    try:
        for number, outcome in Parallel(n_jobs=wanted, return_as="generator_unordered", batch_size=1)(tasks):
            found[number] = outcome
            tell(len(found))
    except TerminatedWorkerError as error:
        raise NeurosimError(
            f"processes: one of {wanted} was killed, which most often means that memory ran out; take fewer "
            "(--processes 1) or fewer samples"
        ) from error
    return [found[i] for i in range(len(jobs))]


def _numbered(number: int, run: Run, job: dict[str, Any]) -> tuple[int, Outcome]:
    return number, attempt(run, job)
