"""A search with Optuna: it asks for points, a sweep runs them, what comes back is told. Resumable.

Trials are kept in a journal file in the store, with all their figures, so that a search that was stopped goes on, and
a longer one (more ``trials``) continues a shorter one. Points are run as sweeps of written-out values, so that a trial
is what the same point of a sweep would be.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import __version__
from neurosim.errors import NeurosimError
from neurosim.run import Progress
from neurosim.study.explore.file import FIXED, OBJECTIVES, ExploreStudy
from neurosim.study.file import StudyFile, load_study
from neurosim.study.sweep.expression import parse_constraint
from neurosim.study.sweep.file import Range, SweepStudy
from neurosim.study.sweep.run import run_sweep

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_STORE = Path("neurosim-explorations")
LEFT_OUT = "left out: a constraint does not hold"
_NO_ROW = ("point",)


def run_explore(
    study: str | Path | StudyFile,
    store: Path | None = None,
    *,
    processes: int | None = 1,
    progress: Progress | None = None,
    grown: Callable[[pd.DataFrame], None] | None = None,
) -> pd.DataFrame:
    """Search until the study's number of trials is reached; all trials, one row each, in the order they were asked.

    Columns: ``trial``, the axes, ``error`` (None, or why there are no figures), then every figure of a sweep.
    ``store`` keeps the search (default ``neurosim-explorations``). ``grown`` is told all rows after each batch. Raises
    NeurosimError for a study of another kind, an objective that the chip does not give, and where Optuna is missing.
    """
    file = study if isinstance(study, StudyFile) else load_study(str(study))
    if not isinstance(file.study, ExploreStudy):
        raise NeurosimError(f"{file.path}: kind: got {file.study.kind!r}, expected 'explore'")
    return _Search(file, Path(store or DEFAULT_STORE)).run(processes, progress, grown)


class _Search:
    """One call of `run_explore`."""

    def __init__(self, file: StudyFile, store: Path) -> None:
        self.file, self.asked = file, file.study
        self.optuna = _optuna()
        key = search_key(file.study)
        self.folder = store / f"{file.path.stem}-{key[:16]}"
        self.rules = [parse_constraint(text, list(self.asked.axes)) for text in self.asked.constraints]
        self.known: dict[str, dict[str, Any]] = {}
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise NeurosimError(f"{self.folder}: cannot be written ({error.strerror}); choose another store") from error
        journal = self.optuna.storages.journal.JournalFileBackend(str(self.folder / "trials.journal"))
        storage = self.optuna.storages.JournalStorage(journal)
        directions = [OBJECTIVES[name][1] for name in self.asked.objectives]
        self.search = self.optuna.create_study(
            study_name=key, storage=storage, directions=directions, load_if_exists=True
        )
        trials = self.search.get_trials(deepcopy=False)
        # What was running when a search was stopped is asked anew by whoever goes on.
        for trial in trials:
            if not trial.state.is_finished():
                self.search.tell(trial.number, state=self.optuna.trial.TrialState.FAIL)
        # Another seed for each part of a search: the same one would ask for the same points again.
        self.search.sampler = self._sampler(self.asked.search_seed + len(trials))
        for trial in trials:
            if "row" in trial.user_attrs:
                self.known[_name_of(trial.user_attrs["values"])] = trial.user_attrs["row"]

    def _sampler(self, seed: int):
        samplers = self.optuna.samplers
        kind = self.asked.sampler
        if kind == "nsga2":
            return samplers.NSGAIISampler(seed=seed, population_size=max(4, min(50, self.asked.trials // 4)))
        return samplers.TPESampler(seed=seed) if kind == "tpe" else samplers.RandomSampler(seed=seed)

    def run(self, processes: int | None, progress: Progress | None, grown) -> pd.DataFrame:
        total = self.asked.trials
        while (done := len(self._finished())) < total:
            if progress is not None:
                progress("trials", done, total)
            self._batch(min(self.asked.batch, total - done), processes)
            if grown is not None:
                grown(self.frame())
        if progress is not None:
            progress("trials", total, total)
        return self.frame()

    def _batch(self, size: int, processes: int | None) -> None:
        trials = [self.search.ask() for _ in range(size)]
        values = [{n: _suggest(t, n, given) for n, given in self.asked.axes.items()} for t in trials]
        new: dict[str, dict[str, Any]] = {}
        for point in values:
            if _name_of(point) not in self.known and all(rule.holds(point) for rule in self.rules):
                new[_name_of(point)] = point
        if new:
            self.known |= dict(zip(new, self._rows(list(new.values()), processes), strict=True))
        for trial, point in zip(trials, values, strict=True):
            row = self.known.get(_name_of(point), {"error": LEFT_OUT})
            trial.set_user_attr("values", point)
            trial.set_user_attr("row", row)
            figures = [row.get(OBJECTIVES[name][0]) for name in self.asked.objectives]
            if row.get("error") is None and None in figures:
                name = self.asked.objectives[figures.index(None)]
                self.search.tell(trial, state=self.optuna.trial.TrialState.FAIL)
                raise NeurosimError(
                    f"{self.file.path}: objectives: {name!r} is not known for this workload and chip (no labels, or "
                    "memories that are not derived from the SRAM table); leave it out"
                )
            if row.get("error") is not None:
                self.search.tell(trial, state=self.optuna.trial.TrialState.FAIL)
            else:
                self.search.tell(trial, figures)

    def _rows(self, points: list[dict[str, Any]], processes: int | None) -> list[dict[str, Any]]:
        """Figures of points, by a sweep whose axes step together."""
        axes = {
            name: Range(values=[point[name] for point in points], sets=given.sets)
            for name, given in self.asked.axes.items()
        }
        fixed = {name: getattr(self.asked, name) for name in FIXED}
        made = SweepStudy(
            format=self.asked.format, kind="sweep", title=self.asked.title, axes=axes, combine="zip", **fixed
        )
        file = StudyFile(self.file.path, made, json.dumps(made.model_dump(mode="json", by_alias=True)))
        frame = run_sweep(file, self.folder / "points", processes=processes)
        columns = [c for c in frame.columns if c not in (*_NO_ROW, *axes)]
        return [
            {c: _plain(v) for c, v in zip(columns, row, strict=True)}
            for row in frame[columns].itertuples(index=False, name=None)
        ]

    def _finished(self) -> list:
        return [t for t in self.search.get_trials(deepcopy=False) if "row" in t.user_attrs]

    def frame(self) -> pd.DataFrame:
        import pandas as pd

        rows = [{"trial": t.number, **t.user_attrs["values"], **t.user_attrs["row"]} for t in self._finished()]
        frame = pd.DataFrame(rows)
        frame.attrs = {"title": self.asked.title, "store": str(self.folder), "axes": list(self.asked.axes)}
        return frame


def search_key(study: ExploreStudy) -> str:
    """Of all that decides what a trial is; not of how many there are, nor of the texts."""
    content = study.model_dump(mode="json", exclude={"title", "text", "trials", "batch"})
    return hashlib.sha256(json.dumps([__version__, content], sort_keys=True).encode()).hexdigest()


def sides(study: ExploreStudy) -> tuple[list[str], list[str]]:
    """Columns to make small, columns to make large."""
    chosen = [OBJECTIVES[name] for name in study.objectives]
    return [c for c, way in chosen if way == "minimize"], [c for c, way in chosen if way == "maximize"]


def _optuna():
    try:
        import optuna
    except ImportError as error:
        raise NeurosimError(
            "explore: needs Optuna; install it with: pip install '.[optuna]' in a checkout of neurosim"
        ) from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _suggest(trial, name: str, given: Range) -> Any:
    if given.values is not None:
        # By place: an order helps the search, and any kind of value may stand there.
        return given.values[trial.suggest_int(name, 0, len(given.values) - 1)]
    low, high = given.linear or given.log
    if given.integer:
        return trial.suggest_int(name, math.ceil(low), math.floor(high), log=given.log is not None)
    return float(f"{trial.suggest_float(name, low, high, log=given.log is not None):.12g}")


def _name_of(point: dict[str, Any]) -> str:
    return json.dumps(point, sort_keys=True)


def _plain(value: Any) -> Any:
    """A cell as JSON knows it; what is missing is None."""
    if hasattr(value, "item"):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value
