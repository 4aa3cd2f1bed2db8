"""Studies for notebooks and the command line: workloads compared on one chip."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from neurosim.api import runs as api
from neurosim.arch import Chip, LayerChip, load_chip
from neurosim.arch.loader import list_chips
from neurosim.errors import NeurosimError
from neurosim.run import Progress
from neurosim.study.compare import Comparison, NothingRuns, compare
from neurosim.study.file import StudyFile
from neurosim.study.table import write_csv
from neurosim.workload.workload import Workload, load_workload


def compare_workloads(
    workloads: Sequence[str | Workload],
    chip: str | Chip | LayerChip = "edge-28nm",
    *,
    samples: int = 200,
    timesteps: int | None = None,
    seed: int = 0,
    capacity: str = "refuse",
    against: str | None = None,
    waterfalls: Sequence[tuple[str, str]] | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run workloads (names, folders or objects) on one chip with the same samples; see `Comparison` for what returns.

    A workload that the chip cannot run is a row with the reason. ``against='ann'`` adds the ANN twins. ``waterfalls``
    are pairs of names to take apart into quantise, prune and firing change (None: widest to narrowest weights of each
    set of equal populations; docs/compare.md). ``processes`` run at a time (None: one a CPU). Raises
    NeurosimError for a workload or chip that cannot be found, and NothingRuns when the chip runs none of them.
    """
    target = load_chip(chip) if isinstance(chip, str) else chip
    try:
        api.check_runnable(target)
    except NeurosimError as error:
        raise NothingRuns(str(error)) from error
    loaded = [load_workload(work) if isinstance(work, str) else work for work in workloads]
    return compare(
        api.simulate, loaded, workloads, target, samples=samples, timesteps=timesteps, seed=seed, capacity=capacity,
        against=against, waterfalls=waterfalls, processes=processes, progress=progress,
    )  # fmt: skip


def render_compare(
    file: StudyFile, out: Path, *, processes: int | None = None, progress: Progress | None = None
) -> dict[str, list[Path]]:
    """Run a ``kind: compare`` study and write its page, figures and tables into ``out``; see `render_report`.

    A chip that runs none of the workloads is a section with the reason.
    """
    from neurosim.report.compare_plots import draw_comparison, safe_stem
    from neurosim.report.figure_style import vector_files
    from neurosim.report.study_page import Section, write_page

    asked, shipped = file.study, list_chips()
    chips = [load_chip(file.find(name, shipped)) for name in asked.chips]
    given = file.workloads(asked.workloads)
    loaded = [load_workload(name) for name in given]
    # A pair may name workloads as the study lists them, or as their own files do.
    names = dict(zip(asked.workloads, [work.name for work in loaded], strict=True))
    pairs = [tuple(names.get(name, name) for name in pair) for pair in asked.waterfalls]
    stem, sections, tables = safe_stem(file.path.stem), [], []
    for number, chip in enumerate(chips):
        told = None if progress is None else _of_chip(progress, chip.name)
        try:
            made = compare_workloads(
                given, chip, samples=asked.samples, timesteps=asked.timesteps, seed=asked.seed,
                capacity=asked.capacity, against=asked.against, waterfalls=pairs, processes=processes, progress=told,
            )  # fmt: skip
        except NothingRuns as error:
            sections.append(Section(chip, None, failed=str(error)))
            continue
        prefix = stem if len({c.name for c in chips}) == len(chips) else f"{stem}_{number + 1}"
        figures = draw_comparison(made, out, prefix)
        tables.append(write_csv(made, Path(out) / f"{prefix}_{safe_stem(chip.name)}.csv"))
        sections.append(Section(chip, made, tuple(figures)))
    page = write_page(file, sections, Path(out) / f"{stem}.html")
    figures = [f.path for s in sections for f in s.figures]
    vector = [path for figure in figures for path in vector_files(figure)]
    return {"page": [page], "figures": figures, "vector": vector, "tables": tables}


def _of_chip(progress: Progress, chip: str) -> Progress:
    return lambda stage, done, total: progress(f"{chip}: {stage}", done, total)
