"""A study file or saved results rendered: one page, its figures and its tables."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from neurosim.api.compare import render_compare
from neurosim.api.explore import render_explore
from neurosim.api.learn import render_learn
from neurosim.api.sweep import render_sweep
from neurosim.errors import NeurosimError
from neurosim.result import Result
from neurosim.run import Progress
from neurosim.study.file import load_study

RENDERERS: dict[str, Callable[..., dict[str, list[Path]]]] = {
    "compare": render_compare,
    "learn": render_learn,
    "sweep": render_sweep,
    "explore": render_explore,
}

MAX_RESULTS = 40


def render_report(
    study: str, out: Path = Path("neurosim-reports"), *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, list[Path]]:
    """Run a study (a shipped name or a file) and write its page, figures and tables into ``out``.

    Returns the files by kind: ``page`` (one HTML file with everything inside), ``figures`` (PNG), ``vector`` (SVG and
    PDF of the same), ``tables`` (CSV). The same study and version give the same page. Raises NeurosimError for a study,
    workload or chip that cannot be found or read.
    """
    file = load_study(study)
    return RENDERERS[file.study.kind](file, Path(out), processes=processes, progress=progress)


def render_results(
    files: Sequence[str | Path], out: Path = Path("neurosim-reports"), *, title: str | None = None
) -> dict[str, list[Path]]:
    """Render saved result files into ``out``: one page, figures (PNG, SVG, PDF) and tables (CSV, LaTeX).

    Returns the files by kind, as `render_report`. The same files give the same bytes. Raises NeurosimError for a file
    that is missing, damaged or no result.
    """
    from neurosim.report.results_page import Loaded, write_results

    if not 1 <= len(files) <= MAX_RESULTS:
        raise NeurosimError(f"report: got {len(files)} result files, expected 1 to {MAX_RESULTS}")
    loaded = []
    for file in map(Path, files):
        result = Result.load(file)
        loaded.append(Loaded(result, file.name, hashlib.sha256(file.read_bytes()).hexdigest()))
    made = write_results(loaded, Path(out), title)
    return {"page": [made.page], "figures": made.figures, "vector": made.vector, "tables": made.tables}


def draw(result: Result, folder: Path = Path("neurosim-reports")) -> dict[str, Path]:
    """Every figure that one result has data for, into ``folder`` as PNG, SVG and PDF; the PNGs by the figure's name
    (``energy``, ``tornado``, ``footprint``, ``spikes``, ``utilisation``, ``roofline``, ``latency``, ``confusion``)."""
    from neurosim.report.compare_plots import safe_stem
    from neurosim.report.results_page import draw_result

    drawn, _ = draw_result(result, Path(folder), safe_stem(f"{result.workload}_{result.chip}"))
    return {d.path.stem.rsplit("_", 1)[1]: d.path for d in drawn}
