"""A study file rendered: one page, its figures and its tables, by the kind of the study."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neurosim.api.compare import render_compare
from neurosim.api.learn import render_learn
from neurosim.run import Progress
from neurosim.study.file import load_study

RENDERERS: dict[str, Callable[..., dict[str, list[Path]]]] = {"compare": render_compare, "learn": render_learn}


def render_report(
    study: str, out: Path = Path("neurosim-reports"), *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, list[Path]]:
    """Run a study (a shipped name or a file) and write its page, figures and tables into ``out``.

    Returns the files by kind: ``page`` (one HTML file with everything inside), ``figures`` (PNG), ``tables`` (CSV). The
    same study and version give the same page. Raises NeurosimError for a study, workload or chip that cannot be found
    or read.
    """
    file = load_study(study)
    return RENDERERS[file.study.kind](file, Path(out), processes=processes, progress=progress)
