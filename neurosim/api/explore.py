"""Searches for notebooks and the command line (docs/explore.md)."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.run import Progress
from neurosim.study.explore.run import run_explore, sides
from neurosim.study.file import StudyFile, load_study

if TYPE_CHECKING:
    import pandas as pd


def explore(
    study: str | Path | StudyFile,
    store: Path | None = None,
    *,
    processes: int | None = 1,
    progress: Progress | None = None,
    plots: Path | None = None,
) -> pd.DataFrame:
    """Run a ``kind: explore`` study (a shipped name or a file), or what is missing of it; one row a trial.

    ``plots`` is a folder in which the fronts are drawn after every batch. See `run_explore` for the rest.
    """
    file = study if isinstance(study, StudyFile) else load_study(str(study))
    return run_explore(
        file, store, processes=processes, progress=progress,
        grown=None if plots is None else lambda frame: draw_fronts(frame, file, plots),
    )  # fmt: skip


def draw_fronts(frame: pd.DataFrame, file: StudyFile, folder: Path) -> list[Path]:
    """The front of every two objectives as it grew so far."""
    from neurosim.report.compare_plots import safe_stem
    from neurosim.report.figure_explore import growing_front

    small, large = sides(file.study)
    made = []
    for first, second in combinations([*small, *large], 2):
        if first in frame and second in frame:
            name = safe_stem(f"{file.path.stem}_{first}_{second}")
            made.append(growing_front(frame, first, second, Path(folder) / f"{name}.png", large=large))
    return [path for path in made if path is not None]


def render_explore(
    file: StudyFile, out: Path, *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, list[Path]]:
    """Run a search with its store in ``out`` and write its page, figures and tables; see `render_report`."""
    from neurosim.report.figure_style import vector_files
    from neurosim.report.points_page import write_points

    frame = explore(file, Path(out) / "store", processes=processes or 1, progress=progress)
    fronts = draw_fronts(frame, file, out)
    made = write_points(
        frame, frame.attrs["axes"], out, file.path.stem, title=file.study.title, text=file.study.text,
        source=file.source, sha256=file.sha256, objectives=sides(file.study), first=fronts,
    )  # fmt: skip
    vector = [path for figure in fronts for path in vector_files(figure)]
    return {
        "page": [made.page], "figures": [*fronts, *made.figures], "vector": [*vector, *made.vector],
        "tables": made.tables,
    }  # fmt: skip
