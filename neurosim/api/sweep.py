"""Sweeps for notebooks and the command line (docs/sweep.md)."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.run import Progress
from neurosim.study.file import StudyFile
from neurosim.study.sweep.run import run_sweep

if TYPE_CHECKING:
    import pandas as pd


def sweep(
    study: str | Path,
    store: Path | None = None,
    *,
    processes: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Run a ``kind: sweep`` study (a shipped name or a file); one row a point. See `run_sweep`.

    A sweep that was stopped goes on from what ``store`` (default ``neurosim-sweeps``) holds. ``processes`` at a time,
    or the workers of the Dask ``cluster`` at that address; the rows are the same. Raises NeurosimError before anything
    runs for a study that cannot be run.
    """
    return run_sweep(study, store, processes=processes, cluster=cluster, progress=progress, say=say)


def render_sweep(
    file: StudyFile, out: Path, *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, list[Path]]:
    """Run a sweep with its store in ``out`` and write its page, figures and tables; see `render_report`."""
    from neurosim.report.points_page import write_points

    frame = run_sweep(file, Path(out) / "store", processes=processes, progress=progress)
    made = write_points(
        frame, frame.attrs["axes"], out, file.path.stem, title=file.study.title, text=file.study.text,
        source=file.source, sha256=file.sha256,
    )  # fmt: skip
    return {"page": [made.page], "figures": made.figures, "vector": made.vector, "tables": made.tables}
