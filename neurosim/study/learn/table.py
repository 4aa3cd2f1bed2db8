"""The learning study as tables: a line a ratio with all that belongs to it, a line a point of a curve."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from neurosim.files import replacing
from neurosim.learning.cost import memory_bits
from neurosim.learning.ratio import Ratio
from neurosim.study.learn import points
from neurosim.study.learn.points import Curve, RatePoint, Reached, Split
from neurosim.study.learn.runs import BASELINES, Runs


@dataclass(frozen=True, eq=False)
class Found:
    """Everything that a page, a figure or a table of the study shows."""

    runs: Runs
    rate: list[RatePoint]
    lines: list[RatePoint]
    splits: list[Split]
    totals: list[Ratio]
    cells: list[tuple[float, RatePoint]]
    curves: list[Curve]
    reached: list[Reached]


def find(runs: Runs) -> Found:
    """The four pictures of what ran."""
    return Found(
        runs, points.rate_points(runs), points.predicted(runs), points.splits(runs), points.totals(runs),
        points.cells(runs), points.curves(runs), points.at_equal_accuracy(runs),
    )  # fmt: skip


def ratio_rows(found: Found) -> list[dict[str, Any]]:
    """Totals, splits with their factors, points against the firing rate, and ratios at equal accuracy."""
    rows = [{"picture": "total", **ratio.row()} for ratio in found.totals]
    for s in found.splits:
        rows.append({"picture": "split", **s.ratio.row(), **{f"factor: {name}": f for name, f in s.factors.items()}})
    for name, some in (("rate", found.rate), ("rate, random", found.lines)):
        rows += [{"picture": name, **p.ratio.row(), **_place(p)} for p in some]
    for r in found.reached:
        ends = {"target": r.target, "baseline epochs": r.epochs[0], "rule epochs": r.epochs[1]}
        row = {"rule": r.rule, "baseline": r.baseline, "batch": r.batch, "prices": r.prices}
        rows.append({"picture": "equal accuracy", **(row if r.ratio is None else r.ratio.row()), **ends})
    return rows


def cell_rows(found: Found) -> list[dict[str, Any]]:
    """The map: a line a cell, baseline and price table."""
    return [{"asked rate": rate, **p.ratio.row(), **_place(p)} for rate, p in found.cells]


def curve_rows(found: Found) -> list[dict[str, Any]]:
    """Accuracy after every epoch and learning energy until then."""
    return [
        {
            "learner": c.name, "batch": c.batch, "prices": c.prices, "epoch": i + 1, "test_accuracy": accuracy,
            "learning_energy": energy, "unit": c.unit,
        }
        for c in found.curves
        for i, (accuracy, energy) in enumerate(zip(c.accuracy, c.energy, strict=True))
    ]  # fmt: skip


def memory_rows(runs: Runs) -> list[dict[str, Any]]:
    """Bits that each learner needs beside its network, by memory, on the first engine; batch of the study's first."""
    rows = []
    for rule in (*BASELINES, *runs.study.rules):
        run = runs.main(rule, runs.study.batches[0], False)[0]
        rows.append({"rule": rule, **memory_bits(run, runs.learners[0])})
    return rows


def _place(point: RatePoint) -> dict[str, Any]:
    return {
        "encoder": point.encoder, "timesteps": point.timesteps, "1 / (rho_pre phi_post)": point.inverse,
        "rho_pre": point.rate, "phi_post": point.later,
    }  # fmt: skip


def write_rows(rows: Sequence[dict[str, Any]], path: Path) -> Path:
    """A CSV with every key of every row as a column, which is there whole or not at all."""
    text = StringIO()
    columns = list(dict.fromkeys(key for row in rows for key in row))
    writer = csv.DictWriter(text, columns, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    with replacing(Path(path)) as temporary:
        temporary.write_text(text.getvalue(), "utf-8", newline="")
    return Path(path)
