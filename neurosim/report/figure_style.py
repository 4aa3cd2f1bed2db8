"""One look for figures that go into papers: size, type, colours, units, a caption under the picture, safe names.

A figure is one or two columns of a page wide. It is written three times: as PNG with its title and its caption, to be
passed around; as SVG and PDF without them, for a paper that has its own. The same figure gives the same bytes.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.files import replacing

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH_INCHES = 7.0
"""Across both columns of a page."""
COLUMN_INCHES = 3.4
"""One column."""
VECTOR = ("svg", "pdf")
DPI = 200
SIZE, SMALL_SIZE, CAPTION_SIZE = 8.0, 7.0, 6.3
CAPTION_LINE_INCHES = 0.115
MAX_CAPTION_LINES = 12
MAX_NAME = 48
_ENERGY = ((1e12, "J"), (1e9, "mJ"), (1e6, "µJ"), (1e3, "nJ"), (1.0, "pJ"))
_BITS = ((8 * 1024 * 1024, "MiB"), (8 * 1024, "KiB"), (8, "B"))
_TIME = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
STEPS = {"energy": _ENERGY, "footprint": _BITS, "latency": _TIME}


def new_figure(height_inches: float, title: str, caption: Sequence[str]) -> tuple[Figure, Axes]:
    """An empty figure with its title on top and its caption below, which adds to the height."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH_INCHES, height_inches), layout="constrained", dpi=DPI)
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL_SIZE)
    figure.suptitle(plain(title, 110), x=0.01, ha="left", fontsize=SIZE + 1)
    figure.supxlabel(
        _wrapped(figure, " ".join(caption)), x=0.01, ha="left", fontsize=CAPTION_SIZE, color="#444444", linespacing=1.25
    )
    return figure, axes


def paper_figure(body_inches: float, title: str, caption: Sequence[str], width_inches: float = WIDTH_INCHES) -> Figure:
    """A figure without axes, ``body_inches`` high plus what title and caption take."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_inches, body_inches), layout="constrained", dpi=DPI)
    shown = textwrap.fill(plain(title, 110), round(width_inches * 13))
    text = _wrapped(figure, " ".join(caption))
    figure.suptitle(shown, x=0.01, ha="left", fontsize=SIZE + 1)
    figure.supxlabel(text, x=0.01, ha="left", fontsize=CAPTION_SIZE, color="#444444", linespacing=1.25)
    figure.set_size_inches(width_inches, body_inches + _said_inches(figure))
    return figure


def house_axes(axes: Axes) -> Axes:
    """No box, small ticks."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=SMALL_SIZE)
    return axes


def _said_inches(figure: Figure) -> float:
    """Height of title and caption."""
    lines = [text.count("\n") + 1 if text else 0 for text in (figure.get_suptitle(), figure.get_supxlabel())]
    return 0.15 * lines[0] + CAPTION_LINE_INCHES * lines[1]


def _wrapped(figure: Figure, text: str) -> str:
    """Lines as wide as the figure allows, by the width of the letters and not by their number; the first ones of a text
    that would fill the page."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.font_manager import FontProperties

    renderer, font = FigureCanvasAgg(figure).get_renderer(), FontProperties(size=CAPTION_SIZE)
    widest = 0.97 * figure.get_figwidth() * DPI
    letters = round(100 * figure.get_figwidth() / WIDTH_INCHES)
    lines = [""]
    for word in (part for long in plain(text, None).split() for part in textwrap.wrap(long, letters)):
        longer = f"{lines[-1]} {word}".strip()
        if renderer.get_text_width_height_descent(longer, font, False)[0] <= widest:
            lines[-1] = longer
        else:
            lines.append(word)
    most = MAX_CAPTION_LINES if figure.get_figwidth() > COLUMN_INCHES else 2 * MAX_CAPTION_LINES
    if len(lines) > most:
        lines = [*lines[: most - 1], "... (the table and the page have all of it)"]
    return "\n".join(lines)


def save(figure: Figure, path: Path) -> Path:
    """Write ``path`` (PNG) and, beside it, SVG and PDF; each is there whole or not at all. Returns ``path``."""
    import matplotlib

    path = Path(path)
    title = figure.get_suptitle().replace("\n", " ")
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", metadata={"Software": None})
    bare = max(1.0, figure.get_figheight() - _said_inches(figure))
    figure.suptitle("")
    figure.supxlabel("")
    figure.set_size_inches(figure.get_figwidth(), bare)
    # No date, no version and no random names inside. Letters stay text that can be edited in a PDF.
    settings = {"svg.hashsalt": "neurosim", "pdf.fonttype": 42}
    empty = {"svg": {"Date": None, "Creator": None}, "pdf": {"CreationDate": None, "Creator": None, "Producer": None}}
    for kind in VECTOR:
        with matplotlib.rc_context(settings), replacing(path.with_suffix(f".{kind}")) as temporary:
            figure.savefig(temporary, format=kind, metadata={**empty[kind], "Title": title})
    return path


def vector_files(path: Path) -> list[Path]:
    """What `save` wrote beside a PNG."""
    return [Path(path).with_suffix(f".{kind}") for kind in VECTOR]


def plain(text: str, most: int | None = MAX_NAME) -> str:
    """A name as it stands: a dollar sign starts no formula, a control character prints as a question mark."""
    shown = "".join(c if c.isprintable() else "?" for c in text)
    if most is not None and len(shown) > most:
        shown = f"{shown[: most - 3]}..."
    return shown.replace("$", r"\$")


def unit_for(values: Iterable[float], quantity: str) -> tuple[float, str]:
    """What to divide by, and the unit: the largest in which no value is below 1, unless some would have more than four
    digits before the point. ``quantity`` as in `STEPS`."""
    found = [abs(v) for v in values if v]
    steps = STEPS[quantity]
    if not found:
        return steps[-1]
    largest = [(size, unit) for size, unit in steps if max(found) >= size] or [steps[-1]]
    fine = [(size, unit) for size, unit in largest if min(found) >= size and max(found) < 1e4 * size]
    return (fine or largest)[0]


def digits(value: float) -> str:
    """Three significant digits, thousands separated."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
