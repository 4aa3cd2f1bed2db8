"""A learning study run and rendered."""

from __future__ import annotations

from pathlib import Path

from neurosim.errors import NeurosimError
from neurosim.learning.engine import list_learners, load_learner
from neurosim.run import Progress
from neurosim.study.file import StudyFile


def render_learn(
    file: StudyFile, out: Path, *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, list[Path]]:
    """Run a ``kind: learn`` study and write its page, figures and tables into ``out``; see `render_report`.

    Raises NeurosimError for an unknown rule or price table, and for two price tables of one name.
    """
    from neurosim.report.compare_plots import safe_stem
    from neurosim.report.figure_style import vector_files
    from neurosim.report.learn_page import draw_learning, write_learn_page
    from neurosim.study.learn.runs import run_study
    from neurosim.study.learn.table import cell_rows, curve_rows, find, ratio_rows, write_rows

    shipped = list_learners()
    learners = [load_learner(file.find(name, shipped)) for name in file.study.prices]
    names = [learner.name for learner in learners]
    if len(set(names)) != len(names):
        raise NeurosimError(f"{file.path}: prices: two files say that their name is the same: {', '.join(names)}")
    found = find(run_study(file.study, learners, processes, progress))
    stem, folder = safe_stem(file.path.stem), Path(out)
    figures = draw_learning(found, folder, stem)
    tables = [
        write_rows(rows, folder / f"{stem}_{name}.csv")
        for name, rows in (
            ("ratios", ratio_rows(found)), ("map", cell_rows(found)), ("accuracy", curve_rows(found)),
        )
    ]  # fmt: skip
    page = write_learn_page(file, found, figures, folder / f"{stem}.html")
    vector = [path for figure in figures for path in vector_files(figure.path)]
    return {"page": [page], "figures": [figure.path for figure in figures], "vector": vector, "tables": tables}
