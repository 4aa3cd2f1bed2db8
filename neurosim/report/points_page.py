"""A study of many points as a page: fronts, what each axis does, the best points, and what failed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim import __version__
from neurosim.report.compare_plots import Drawn, safe_stem
from neurosim.report.figure_style import plain, vector_files
from neurosim.report.figure_sweep import good, heat_map, lines, on_front, pareto, scale_of
from neurosim.report.results_page import Written, inline, render
from neurosim.report.tables import write_table

if TYPE_CHECKING:
    import pandas as pd

TEMPLATE = "points.html.j2"
MAX_VALUES, BINS, MAX_LINES_DRAWN, BEST = 24, 12, 6, 8
COSTS = ("energy_pj_per_sample", "energy_pj", "latency_s", "footprint_bits")


def influence(frame: pd.DataFrame, axes: Sequence[str], value: str) -> dict[str, float]:
    """Share of the variance of ``value`` that lies between the means of each axis's values, the largest first; an axis
    of one value, and a value that never changes, have 0. Axes of many values count by bins."""
    rows = good(frame)
    rows = rows[np.isfinite(rows[value].astype(float))]
    total = float(rows[value].var(ddof=0)) if len(rows) else 0.0
    found = {}
    for axis in axes:
        groups = rows.groupby(_binned(rows, axis), dropna=False)[value]
        between = float(((groups.mean() - rows[value].mean()) ** 2 * groups.size()).sum()) / max(1, len(rows))
        found[axis] = between / total if total > 1e-24 else 0.0
    return dict(sorted(found.items(), key=lambda item: (-item[1], item[0])))


def _binned(frame: pd.DataFrame, axis: str):
    """The axis, or for a number of many values the median of each of `BINS` equally full bins."""
    import pandas as pd

    column = frame[axis]
    if column.dtype.kind not in "if":
        return column.map(str)
    if column.nunique() <= MAX_VALUES:
        return column
    bins = pd.qcut(column, BINS, duplicates="drop")
    return column.groupby(bins, observed=True).transform("median")


def draw_points(frame: pd.DataFrame, axes: Sequence[str], folder: Path, stem: str, said: Sequence[str]) -> list[Drawn]:
    """Fronts of the objectives that vary, heat maps over the two axes that matter most, lines over each number."""
    rows = good(frame).copy()
    energy = next((c for c in COSTS[:2] if c in rows), None)
    if rows.empty or energy is None:
        return []
    rows[list(axes)] = rows[list(axes)].apply(lambda column: _binned(rows, column.name))
    ranked = {cost: influence(rows, axes, cost) for cost in (energy, "latency_s") if cost in rows}
    drawn: list[Drawn] = []

    def add(name: str, title: str, make: Callable[..., Path], *columns: str, **options: Any) -> None:
        path = Path(folder) / f"{stem}_{name}.png"
        drawn.append(Drawn(make(rows, *columns, path, title=title, caption=said, **options), title))

    strongest = list(ranked[energy])
    by = next((axis for axis in strongest if 1 < rows[axis].nunique() <= 8), None)
    if rows.get("accuracy") is not None and rows["accuracy"].nunique() > 1:
        add("accuracy", "Accuracy against energy", pareto, energy, "accuracy", by=by)
    if "latency_s" in rows and rows["latency_s"].nunique() > 1:
        add("front", "Latency against energy", pareto, energy, "latency_s", quality_is_good=False, by=by)
    for cost, order in ranked.items():
        two = _two_free(rows, [axis for axis, share in order.items() if rows[axis].nunique() > 1 and share > 0])
        what = scale_of(rows, cost)[1].split(" (")[0]
        if len(two) == 2:
            title = f"{what} over {two[0]} and {two[1]}"
            add(f"map_{safe_stem(cost)}", title, heat_map, two[0], two[1], cost)
    numbers = [axis for axis in strongest if rows[axis].dtype.kind in "if" and rows[axis].nunique() > 1]
    for axis in numbers[:MAX_LINES_DRAWN]:
        title = f"energy over {axis}, all points"
        add(f"over_{safe_stem(axis)}", title, lines, axis, energy)
    return drawn


def _two_free(rows: pd.DataFrame, axes: Sequence[str]) -> list[str]:
    """The first two axes that do not step with each other: a map over two that do is a diagonal."""
    for other in axes[1:]:
        if all(rows.groupby(a, dropna=False)[b].nunique().max() > 1 for a, b in ((axes[0], other), (other, axes[0]))):
            return [axes[0], other]
    return []


def write_points(
    frame: pd.DataFrame, axes: Sequence[str], folder: Path, name: str, *, title: str, text: str = "", source: str = "",
    sha256: str = "", objectives: tuple[Sequence[str], Sequence[str]] | None = None,
    first: Sequence[Path] = (),
) -> Written:  # fmt: skip
    """The page, figures (PNG, SVG, PDF), all rows (CSV) and the best ones (CSV, LaTeX), in ``folder``.

    ``objectives`` are columns to make small and columns to make large; by default energy and latency, and accuracy.
    ``first`` are figures that stand before the others on the page.
    """
    folder, stem = Path(folder), safe_stem(name)
    rows = good(frame)
    counts = f"{len(frame)} points over {', '.join(axes)}; {len(frame) - len(rows)} of them have no figures."
    said = [f"{plain(title, 100)}; {len(rows)} points."]
    small, large = objectives or _objectives(rows)
    figures = draw_points(frame, axes, folder, stem, said)
    best = rows[on_front(rows, small, large)] if small or large else rows.head(0)
    best = best.sort_values([*small, *large]) if len(best) else best
    shown = [*axes, *small, *large]
    every = [dict(zip(frame.columns, map(_plain, row), strict=True)) for row in frame.itertuples(index=False)]
    tables = write_table(every, folder / f"{stem}_points", title, latex_too=False)
    front = [{column: _plain(row[column]) for column in shown} for _, row in best.iterrows()]
    tables += write_table(front, folder / f"{stem}_front", f"{title}: the front")
    made = [_effects(rows, axes, small)] if len(rows) else []
    made.append({
        "title": "The front", "columns": shown, "rows": [[_text(v) for v in row.values()] for row in front], "text": 0,
        "note": f"No other point is as good in all of {', '.join([*small, *large])} and better in one.",
    })  # fmt: skip
    failed = frame[~frame.index.isin(rows.index)]
    if len(failed):
        reasons = failed["error"].value_counts()
        lines_ = [(str(n), str(reason)) for reason, n in reasons.head(40).items()]
        made.append({
            "title": "Points without figures", "columns": ("points", "why"), "rows": lines_, "text": 1, "note": ""
        })  # fmt: skip
    page = folder / f"{stem}.html"
    pictures = [*(Drawn(path, title) for path in first), *figures]
    render(TEMPLATE, page, {
        "title": title, "text": text, "counts": counts, "figures": [inline(d) for d in pictures], "tables": made,
        "version": __version__, "file": name, "sha256": sha256, "source": source,
    })  # fmt: skip
    paths = [d.path for d in figures]
    return Written(page, paths, [v for path in paths for v in vector_files(path)], tables)


def _objectives(rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    energy = next((c for c in COSTS[:2] if c in rows), None)
    small = [c for c in (energy, "latency_s") if c in rows]
    return small, [c for c in ("accuracy",) if c in rows and rows[c].notna().any()]


def _effects(rows: pd.DataFrame, axes: Sequence[str], costs: Sequence[str]) -> dict[str, Any]:
    """What share of the variance of each cost lies between the values of each axis."""
    shares = [influence(rows, axes, cost) for cost in costs]
    order = list(shares[0]) if shares else list(axes)
    counts = {axis: str(rows[axis].map(str).nunique()) for axis in order}
    lines_ = [(axis, counts[axis], *(f"{100 * share[axis]:.1f} %" for share in shares)) for axis in order]
    note = (
        "Share of the variance that lies between the means of an axis's values; the rest is other axes and their mix."
    )
    return {
        "title": "What each axis does", "columns": ("axis", "values", *costs), "rows": lines_, "text": 0, "note": note
    }  # fmt: skip


def _plain(value: Any) -> Any:
    """A cell as a plain Python value; what is missing is None."""
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and not np.isfinite(value)):
        return None
    return value if isinstance(value, (str, int, float, bool)) else str(value)


def _text(value: Any) -> str:
    return "" if value is None else f"{value:,.5g}" if isinstance(value, float) else str(value)
