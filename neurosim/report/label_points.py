"""Names beside the points of a scatter plot, put where they cover neither each other nor a point."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, hypot, pi, sin
from typing import TYPE_CHECKING

from neurosim.report.figure_style import SMALL_SIZE, plain

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_DISTANCES = (7, 13, 20, 28, 38, 50)
_ANGLES = [k * pi / 8 for k in (0, 1, -1, 8, 7, -7, 4, -4, 2, -2, 6, -6, 3, -3, 5, -5)]
_POINT = 4.0
_LEADER_FROM = 10
_INK = "#222222"


def label_points(axes: Axes, points: Sequence[tuple[float, float]], names: Sequence[str]) -> None:
    """Write each name near its point (data coordinates), with a thin line where it had to move away.

    Greedy, in the order of the points: each name takes the free place that is nearest, or the one that covers least.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.patheffects import withStroke

    figure = axes.figure
    renderer = FigureCanvasAgg(figure).get_renderer()
    figure.draw_without_rendering()
    scale = figure.dpi / 72
    at = [axes.transData.transform(point) for point in points]
    frame = axes.get_window_extent()
    taken = [(x - _POINT * scale, y - _POINT * scale, x + _POINT * scale, y + _POINT * scale) for x, y in at]
    for (px, py), point, name in zip(at, points, names, strict=True):
        text = axes.annotate(
            plain(name), point, xytext=(0, 0), textcoords="offset points", fontsize=SMALL_SIZE, color=_INK, va="center",
            zorder=6, path_effects=[withStroke(linewidth=2.2, foreground="white", alpha=0.85)],
        )  # fmt: skip
        extent = text.get_window_extent(renderer)
        found = [
            (_covered(box, taken, frame) + 0.02 * hypot(dx, dy) * scale, i, dx, dy, box)
            for i, (dx, dy) in enumerate((d * cos(a), d * sin(a)) for d in _DISTANCES for a in _ANGLES)
            for box in [_box(px, py, dx, dy, extent.width, extent.height, scale)]
        ]
        _, _, dx, dy, box = min(found)
        taken.append(box)
        text.set_position((dx, dy))
        text.set_ha("left" if dx > 1 else "right" if dx < -1 else "center")
        if hypot(dx, dy) > _LEADER_FROM:
            axes.annotate(
                "", point, xytext=(dx * 0.94, dy * 0.94), textcoords="offset points",
                arrowprops={"arrowstyle": "-", "linewidth": 0.5, "color": _INK, "shrinkB": 3, "shrinkA": 0},
            )  # fmt: skip


def _box(px: float, py: float, dx: float, dy: float, width: float, height: float, scale: float) -> tuple:
    """Left, bottom, right, top of a text beside its anchor, in pixels."""
    x, y = px + dx * scale, py + dy * scale
    left = x if dx > 1 else x - width if dx < -1 else x - width / 2
    return left, y - height / 2, left + width, y + height / 2


def _covered(box: tuple, taken: Sequence[tuple], frame) -> float:
    """Pixels of a box that lie over others or outside the axes."""
    left, bottom, right, top = box
    inside = max(0.0, min(right, frame.x1) - max(left, frame.x0)) * max(0.0, min(top, frame.y1) - max(bottom, frame.y0))
    over = (right - left) * (top - bottom) - inside
    for a, b, c, d in taken:
        over += max(0.0, min(right, c) - max(left, a)) * max(0.0, min(top, d) - max(bottom, b))
    return over
