"""Small pictures as SVG text, for notebooks: no drawing library, a few hundred bytes, every name escaped.

Figures for papers are in `neurosim.report`; these are what an object shows of itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442", "#000000")
"""Okabe and Ito's palette, as in figures."""
_ROW, _LEFT, _WIDE = 18, 170, 380
_FONT = "font-family='sans-serif' font-size='11'"


def bars(rows: Sequence[tuple[str, float, str]]) -> str:
    """Horizontal bars: (name, value, what stands behind the bar); values are not below 0."""
    most = max((value for _, value, _ in rows), default=0.0) or 1.0
    parts = []
    for i, (name, value, text) in enumerate(rows):
        y, width = i * _ROW, _WIDE * value / most
        parts.append(
            f"<text x='{_LEFT - 6}' y='{y + 13}' text-anchor='end'>{_short(name)}</text>"
            f"<rect x='{_LEFT}' y='{y + 3}' width='{width:.1f}' height='{_ROW - 5}' fill='{COLOURS[0]}'/>"
            f"<text x='{_LEFT + width + 5:.1f}' y='{y + 13}'>{escape(text)}</text>"
        )
    return _picture(_LEFT + _WIDE + 110, _ROW * len(rows) + 4, parts)


def scatter(points: Sequence[tuple[float, float, str]], x_label: str, y_label: str) -> str:
    """Points with a number each, in the order given; the name shows when the pointer rests on one."""
    if not points:
        return ""
    xs, ys = [p[0] for p in points], [p[1] for p in points]
    width, height, edge = 460, 230, 50

    def at(value: float, values: list[float], length: int) -> float:
        low, high = min(values), max(values)
        return length / 2 if high == low else length * (0.05 + 0.9 * (value - low) / (high - low))

    parts = [
        f"<path d='M{edge} 5V{height}H{edge + width}' fill='none' stroke='#888'/>",
        *(
            f"<text x='{edge - 4}' y='{height - at(v, ys, height) + 4:.1f}' text-anchor='end'>{v:.4g}</text>"
            for v in sorted({min(ys), max(ys)})
        ),
        *(
            f"<text x='{edge + at(v, xs, width):.1f}' y='{height + 15}' text-anchor='middle'>{v:.4g}</text>"
            for v in sorted({min(xs), max(xs)})
        ),
        f"<text x='{edge + width / 2:.0f}' y='{height + 32}' text-anchor='middle'>{escape(x_label)}</text>",
        f"<text transform='translate(11 {height / 2:.0f}) rotate(-90)' text-anchor='middle'>{escape(y_label)}</text>",
    ]
    for i, (x, y, name) in enumerate(points):
        px, py = edge + at(x, xs, width), height - at(y, ys, height)
        parts.append(
            f"<g><title>{escape(name)}</title><circle cx='{px:.1f}' cy='{py:.1f}' r='4' fill='{COLOURS[i % 6]}'/>"
            f"<text x='{px + 6:.1f}' y='{py - 4:.1f}'>{i + 1}</text></g>"
        )
    return _picture(edge + width + 30, height + 40, parts)


def _picture(width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{height}' {_FONT} role='img'>"
        f"{''.join(parts)}</svg>"
    )


def _short(name: str) -> str:
    shown = "".join(c if c.isprintable() else "?" for c in name)
    return escape(shown if len(shown) <= 26 else f"{shown[:23]}...")
