"""Figures of many points: a heat map over two axes, lines with bands over one, a Pareto front of any two objectives.

They take a DataFrame with one row a point: axis columns, figure columns with units at the end of their names (``_pj``,
``_s``, ``_bits``, ``_mm2``, ``accuracy``), and an ``error`` column that is empty where a point has figures (optional).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.report.figure_activity import LINES
from neurosim.report.figure_style import (
    COLUMN_INCHES,
    SIZE,
    SMALL_SIZE,
    digits,
    house_axes,
    paper_figure,
    plain,
    save,
    unit_for,
)

if TYPE_CHECKING:
    import pandas as pd

MAX_LINES, MAX_CELLS_NAMED, MAX_TICKS = 7, 100, 16
_LOG_FROM = 20.0


def scale_of(frame: pd.DataFrame, column: str) -> tuple[float, str]:
    """What to divide a column by, and the label of its axis with the unit in brackets. A column of another kind keeps
    its name. Raises NeurosimError for a column that is not there."""
    if column not in frame:
        raise NeurosimError(f"figure: no column {column!r}; there are {', '.join(map(str, frame.columns))[:400]}")
    name = plain(column.replace("_", " "))
    if column == "accuracy" or column.startswith("accuracy."):
        return 0.01, f"{name} (%)"
    kinds = (("_pj", "energy"), ("_s", "latency"), ("_bits", "footprint"))
    head = column.split(".")[0]
    per = " a sample" if head.endswith("_per_sample") else ""
    head = head.removesuffix("_per_sample")
    for suffix, quantity in kinds:
        if head.endswith(suffix) and frame[column].dtype.kind in "if":
            finite = [float(v) for v in frame[column] if np.isfinite(v)]
            scale, unit = unit_for(finite, quantity)
            # The unit's letters are said in brackets, scaled; the part behind the dot says whose.
            part = f" of {column.split('.', 1)[1]}" if "." in column else ""
            return scale, f"{plain((head.removesuffix(suffix) + part).replace('_', ' '))}{per} ({unit})"
    if head.endswith("_mm2"):
        return 1.0, f"{plain(head.removesuffix('_mm2').replace('_', ' '))} (mm²)"
    return 1.0, name


def name_of(frame: pd.DataFrame, column: str) -> str:
    """A column in words, without its unit."""
    return scale_of(frame, column)[1].split(" (")[0]


def good(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows without an error."""
    if "error" not in frame:
        return frame
    return frame[frame["error"].isna() | (frame["error"] == "")]


def _known(frame: pd.DataFrame, columns: Sequence[str | None]) -> pd.DataFrame:
    """The rows that have figures. Raises NeurosimError for missing columns, and where no row is left."""
    for column in columns:
        if column is not None:
            scale_of(frame, column)
    rows = good(frame).dropna(subset=[c for c in columns if c is not None])
    if rows.empty:
        raise NeurosimError(f"figure: no row has {', '.join(c for c in columns if c)}; every point failed or lacks it")
    return rows


def heat_map(
    frame: pd.DataFrame, x: str, y: str, value: str, path: Path, *, title: str = "", caption: Sequence[str] = ()
) -> Path:
    """``value`` as a colour over two axes; cells with several points show their mean, cells with none are grey."""
    rows = _known(frame, (x, y, value))
    scale, label = scale_of(rows, value)
    xs, ys = (sorted(set(frame[c].dropna()), key=_order) for c in (x, y))
    table = np.full((len(ys), len(xs)), np.nan)
    for (at_x, at_y), group in rows.groupby([x, y]):
        table[ys.index(at_y), xs.index(at_x)] = group[value].mean() / scale
    most = int(rows.groupby([x, y]).size().max())
    said = [f"A cell is the mean of up to {most} points." if most > 1 else "A cell is a point."]
    if np.isnan(table).any():
        said.append("Grey: no point, or one that failed.")
    figure = paper_figure(1.1 + 0.26 * len(ys), title or f"{name_of(frame, value)} over {x} and {y}", [*said, *caption])
    axes = house_axes(figure.subplots())
    axes.set_facecolor("#DDDDDD")
    image = axes.imshow(table, origin="lower", aspect="auto", cmap="viridis")
    bar = figure.colorbar(image, ax=axes)
    bar.set_label(label, fontsize=SMALL_SIZE)
    bar.ax.tick_params(labelsize=SMALL_SIZE)
    if table.size <= MAX_CELLS_NAMED:
        middle = (np.nanmin(table) + np.nanmax(table)) / 2
        for i, j in zip(*np.nonzero(~np.isnan(table)), strict=True):
            ink = "white" if table[i, j] < middle else "black"
            axes.text(j, i, digits(table[i, j]), ha="center", va="center", fontsize=SMALL_SIZE - 1, color=ink)
    _ticks(axes.set_xticks, xs)
    _ticks(axes.set_yticks, ys)
    axes.set_xlabel(scale_of(frame, x)[1] if frame[x].dtype.kind == "O" else plain(x.replace("_", " ")), fontsize=SIZE)
    axes.set_ylabel(plain(y.replace("_", " ")), fontsize=SIZE)
    return save(figure, path)


def _order(value: object) -> tuple:
    """Numbers by size, then texts."""
    return (0, float(value), "") if isinstance(value, (int, float, np.number)) else (1, 0.0, str(value))


def _ticks(put, values: Sequence[object]) -> None:
    step = max(1, -(-len(values) // MAX_TICKS))
    put(range(0, len(values), step), [_text(v) for v in values[::step]], fontsize=SMALL_SIZE)


def _text(value: object) -> str:
    number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
    return f"{value:.4g}" if number else plain(str(value), 20)


def lines(
    frame: pd.DataFrame,
    x: str,
    value: str,
    path: Path,
    *,
    by: str | None = None,
    band: tuple[str, str] | None = None,
    title: str = "",
    caption: Sequence[str] = (),
) -> Path:
    """``value`` over a number ``x``, a line for each value of ``by``. The band is between two columns (low, high), or
    from the smallest to the largest of points with equal ``x`` (repeats)."""
    rows = _known(frame, (x, value, by, *(band or ())))
    if rows[x].dtype.kind not in "if":
        raise NeurosimError(f"figure: lines over {x!r} need numbers; it holds {_text(rows[x].iloc[0])!r}")
    scale, label = scale_of(rows, value)
    groups = [(None, rows)] if by is None else [(k, g) for k, g in rows.groupby(by)]
    groups = sorted(groups, key=lambda item: _order(item[0]))[:MAX_LINES]
    what = f"Bands: {band[0]} to {band[1]}." if band else "Bands: smallest to largest of points alike."
    repeated = any(group[x].duplicated().any() for _, group in groups)
    said = [what] if band or repeated else []
    if by is not None and rows[by].nunique() > MAX_LINES:
        said.append(f"{rows[by].nunique() - MAX_LINES} more lines are not drawn.")
    figure = paper_figure(2.4, title or f"{name_of(frame, value)} over {x}", [*said, *caption], COLUMN_INCHES)
    axes = house_axes(figure.subplots())
    for i, (name, group) in enumerate(groups):
        made = group.groupby(x)
        low, high = (made[band[0]].mean(), made[band[1]].mean()) if band else (made[value].min(), made[value].max())
        mean, colour = made[value].mean() / scale, LINES[i % len(LINES)]
        text = None if name is None else f"{plain(str(by).split('.')[-1].replace('_', ' '), 20)} {_text(name)}"
        axes.plot(mean.index, mean, color=colour, marker=".", markersize=4, linewidth=1.1, label=text)
        if said:
            axes.fill_between(mean.index, low / scale, high / scale, color=colour, alpha=0.18, linewidth=0)
    positive = rows[x][rows[x] > 0]
    if len(positive) == len(rows) and positive.max() / positive.min() >= _LOG_FROM:
        axes.set_xscale("log")
    axes.set_xlabel(plain(x.replace("_", " ")), fontsize=SIZE)
    axes.set_ylabel(label, fontsize=SIZE)
    axes.grid(alpha=0.25, linewidth=0.5)
    if by is not None:
        axes.legend(fontsize=SMALL_SIZE - 0.5, framealpha=0.9, edgecolor="none")
    return save(figure, path)


def on_front(frame: pd.DataFrame, minimise: Sequence[str] = (), maximise: Sequence[str] = ()) -> np.ndarray:
    """(rows,) bool: no other row is at least as good in every objective and better in one. A row without one of the
    figures is never on it."""
    columns = [*minimise, *maximise]
    for column in columns:
        scale_of(frame, column)
    signs = np.array([1.0] * len(minimise) + [-1.0] * len(maximise))
    values = frame[columns].to_numpy(np.float64) * signs
    valid = np.isfinite(values).all(axis=1) & frame.index.isin(good(frame).index)
    best = np.zeros(len(frame), bool)
    # Sorted by the first objective, a row can only be beaten by one that is already kept or stands level.
    order = np.lexsort(values[:, ::-1].T)
    kept = np.zeros((0, len(columns)))
    for i in (k for k in order if valid[k]):
        row = values[i]
        beaten = ((kept <= row).all(axis=1) & (kept < row).any(axis=1)).any()
        if not beaten:
            best[i] = True
            kept = np.vstack([kept, row])
    return best


def pareto(
    frame: pd.DataFrame,
    cost: str,
    quality: str,
    path: Path,
    *,
    quality_is_good: bool = True,
    by: str | None = None,
    name: str | None = None,
    title: str = "",
    caption: Sequence[str] = (),
) -> Path:
    """Every point, and the front of the smallest ``cost`` for the largest ``quality`` (or the smallest, with
    ``quality_is_good`` false). ``by`` colours the points; ``name`` labels those on the front."""
    from neurosim.report.label_points import label_points

    rows = _known(frame, (cost, quality, by, name))
    aims = ([cost], [quality]) if quality_is_good else ([cost, quality], [])
    best = on_front(rows, *aims)
    (x_scale, x_label), (y_scale, y_label) = scale_of(rows, cost), scale_of(rows, quality)
    xs, ys = rows[cost].to_numpy(float) / x_scale, rows[quality].to_numpy(float) / y_scale
    said = [f"Ringed, with a line: the front, {int(best.sum())} of {len(rows)} points."]
    figure = paper_figure(3.0, title or f"{name_of(frame, quality)} against {name_of(frame, cost)}", [*said, *caption])
    axes = house_axes(figure.subplots())
    kinds = [None] if by is None else sorted(set(rows[by]), key=_order)
    for i, kind in enumerate(kinds):
        mine = np.ones(len(rows), bool) if by is None else (rows[by] == kind).to_numpy()
        colour = LINES[i % len(LINES)]
        text = None if by is None else f"{plain(by.split('.')[-1].replace('_', ' '), 20)} {_text(kind)}"
        axes.plot(xs[mine & ~best], ys[mine & ~best], ".", color=colour, markersize=4, alpha=0.5)
        ring = {"markeredgecolor": "black", "markeredgewidth": 0.9}
        axes.plot(xs[mine & best], ys[mine & best], "o", color=colour, markersize=5, zorder=4, **ring)
        axes.plot([], [], "o", color=colour, markersize=5, label=text)
    front = sorted(zip(xs[best], ys[best], strict=True))
    axes.step(*zip(*front, strict=True), where="post", color="#555555", linewidth=1.0, zorder=3)
    if xs.min() > 0 and xs.max() / xs.min() >= _LOG_FROM:
        axes.set_xscale("log")
    axes.set_xlabel(x_label, fontsize=SIZE)
    axes.set_ylabel(y_label, fontsize=SIZE)
    axes.grid(alpha=0.25, linewidth=0.5)
    if by is not None and len(kinds) <= 2 * MAX_LINES:
        figure.legend(fontsize=SMALL_SIZE, frameon=False, loc="outside right upper")
    if name is not None:
        chosen = [(x, y, str(n)) for x, y, n, b in zip(xs, ys, rows[name], best, strict=True) if b]
        label_points(axes, [(x, y) for x, y, _ in chosen], [n for _, _, n in chosen])
    return save(figure, path)
