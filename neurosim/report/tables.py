"""Tables for papers and spreadsheets: the same rows as CSV and as LaTeX (booktabs), every name escaped in both."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurosim.files import replacing
from neurosim.study.table import spreadsheet_cell

Rows = Sequence[dict[str, Any]]
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "$": r"\$", "&": r"\&", "#": r"\#", "%": r"\%", "_": r"\_",
    "^": r"\textasciicircum{}", "~": r"\textasciitilde{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "µ": r"\textmu{}", "`": r"\textasciigrave{}",
}  # fmt: skip


def csv_text(rows: Rows) -> str:
    """A header and a line a row. Text that a spreadsheet would take for a formula begins with an apostrophe."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([spreadsheet_cell(name) for name in rows[0]])
    for row in rows:
        writer.writerow([spreadsheet_cell(value) for value in row.values()])
    return text.getvalue()


def latex(text: str) -> str:
    """Text that LaTeX prints as it stands and never executes; a control character prints as a question mark."""
    return "".join(_LATEX.get(c, c if c.isprintable() else "?") for c in text)


def latex_text(rows: Rows, caption: str, label: str) -> str:
    """A table environment for the package booktabs: text to the left, numbers to the right, four digits."""
    keys = list(rows[0])
    numeric = [all(not isinstance(row[key], str) for row in rows) for key in keys]
    lines = [
        "% needs \\usepackage{booktabs} and, for the micro sign and quotes, \\usepackage[T1]{fontenc} and {textcomp}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{latex(caption)}}}",
        f"\\label{{tab:{''.join(c if c.isalnum() and c.isascii() else '-' for c in label)}}}",
        f"\\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}",
        "\\toprule",
        " & ".join(latex(key.replace("_", " ")) for key in keys) + " \\\\",
        "\\midrule",
        *(" & ".join(_number(row[key]) for key in keys) + " \\\\" for row in rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _number(value: Any) -> str:
    if value is None:
        return "--"
    if isinstance(value, (bool, str)):
        return latex(str(value))
    if isinstance(value, int):
        return f"{value:,}".replace(",", "\\,")
    if 1e4 <= abs(value) < 1e9:
        return f"{float(f'{value:.4g}'):,.0f}".replace(",", "\\,")
    text = f"{value:.4g}"
    if "e" in text:
        digits, power = text.split("e")
        return f"${digits}\\times 10^{{{int(power)}}}$"
    return text


def write_table(rows: Rows, stem: Path, caption: str, *, latex_too: bool = True) -> list[Path]:
    """``stem`` with .csv and with .tex, each whole or not at all; nothing for no rows."""
    if not rows:
        return []
    stem = Path(stem)
    made = {".csv": csv_text(rows)}
    if latex_too:
        made[".tex"] = latex_text(rows, caption, stem.name)
    written = []
    for suffix, text in made.items():
        path = stem.parent / f"{stem.name}{suffix}"
        with replacing(path) as temporary:
            temporary.write_text(text, "utf-8", newline="")
        written.append(path)
    return written
