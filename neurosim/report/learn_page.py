"""A learning study as one HTML page that needs nothing else, with its four figures."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from neurosim import __version__, units
from neurosim.files import replacing
from neurosim.learning.ratio import Ratio, times
from neurosim.learning.rules import find_rule
from neurosim.report.compare_plots import Drawn, safe_stem
from neurosim.report.figures_learn_energy import curve_figure, split_figure
from neurosim.report.figures_learn_rate import map_figure, rate_figure
from neurosim.study.file import StudyFile
from neurosim.study.learn.points import Reached
from neurosim.study.learn.runs import BASELINES
from neurosim.study.learn.table import Found, memory_rows

TEMPLATE = "learn.html.j2"


def draw_learning(found: Found, folder: Path, stem: str) -> list[Drawn]:
    """The four figures, in reading order. Raises NeurosimError if it cannot write."""

    def to(name: str) -> Path:
        return Path(folder) / f"{safe_stem(stem)}_{name}.png"

    runs = found.runs
    return [
        Drawn(split_figure(runs, found.splits, to("split")), "The ratio taken apart"),
        Drawn(rate_figure(runs, found.rate, found.lines, to("rate")), "The ratio against how few pairs meet"),
        Drawn(map_figure(runs, found.cells, to("map")), "The ratio over firing rate and timesteps"),
        Drawn(curve_figure(runs, found.curves, to("accuracy")), "Accuracy against learning energy"),
    ]


def write_learn_page(file: StudyFile, found: Found, figures: list[Drawn], path: Path) -> Path:
    """Render to ``path``, which is there whole or not at all. Every name is escaped, images are inside, no script."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    runs = found.runs
    page = environment.get_template(TEMPLATE).render(
        study=file.study,
        lines=[str(ratio) for ratio in headline(found)],
        totals=[_cells(ratio) for ratio in found.totals],
        reached=[_reached(reached) for reached in found.reached],
        figures=[{"title": d.title, "data": base64.b64encode(d.path.read_bytes()).decode()} for d in figures],
        rules=[_rule(name) for name in (*BASELINES, *runs.study.rules)],
        memory=[_memory(row) for row in memory_rows(runs)],
        memories=[key for key in memory_rows(runs)[0] if key != "rule"],
        prices=[(learner.name, learner.title, learner.assumptions) for learner in runs.learners],
        version=__version__,
        file=file.path.name,
        sha256=file.sha256,
        source=file.source,
    )
    with replacing(Path(path)) as temporary:
        temporary.write_text(page, "utf-8")
    return Path(path)


def headline(found: Found) -> list[Ratio]:
    """The first rule at the first prices and batch against each baseline: in all, and until the last target."""
    runs = found.runs
    first = (runs.study.batches[0], runs.learners[0].name)
    lines = [r for r in found.totals if (r.batch, r.prices) == first and r.rule == runs.study.rules[0]]
    rules = {runs.study.rules[0], f"{runs.study.rules[0]} with update skipping"}
    return lines + [
        r.ratio
        for r in found.reached
        if r.ratio is not None
        and (r.batch, r.prices, r.target) == (*first, runs.study.accuracy_targets[-1])
        and r.rule in rules
    ]


def _cells(ratio: Ratio) -> list[str]:
    return [f"{ratio.baseline} / {ratio.rule}", times(ratio.number), str(ratio.batch), ratio.prices, ratio.gap]


def _reached(reached: Reached) -> list[str]:
    epochs = " and ".join("never" if epoch is None else str(epoch) for epoch in reached.epochs)
    start = [f"{100 * reached.target:g} %", f"{reached.baseline} / {reached.rule}"]
    if reached.ratio is None:
        return [*start, "none: not reached", str(reached.batch), reached.prices, "", epochs]
    return [*start, *_cells(reached.ratio)[1:], epochs]


def _rule(name: str) -> list[str]:
    rule = find_rule(name)
    return [name, rule.title, rule.source, rule.stand_in]


def _memory(row: dict[str, Any]) -> list[str]:
    return [row["rule"], *(units.bits(value) for key, value in row.items() if key != "rule")]
