"""Reading a CSV of others with suspicion: what is wrong is named by file, line and column.

Lines at the top that begin with ``#`` are remarks and are passed over.
"""

from __future__ import annotations

import csv
import gzip
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import NeurosimError

MAX_BYTES = 1 << 30


@dataclass(frozen=True)
class Row:
    """One line: its cells by column name, and where it stands."""

    path: Path
    line: int
    cells: dict[str, str]

    def wrong(self, column: str, expected: str) -> NeurosimError:
        return NeurosimError(
            f"{self.path}, line {self.line}, column {column}: got {self.cells.get(column, '')!r}, expected {expected}"
        )

    def text(self, column: str, allowed: Iterable[str] = ()) -> str:
        value = self.cells[column]
        if not value or (allowed and value not in allowed):
            raise self.wrong(column, f"one of {', '.join(allowed)}" if allowed else "a name")
        return value

    def whole(self, column: str, low: int, high: int) -> int:
        """An integer of ``low`` to ``high``; '87.0' is one."""
        expected = f"a whole number of {low} to {high}"
        value = self._finite(column, expected)
        if value != int(value) or not low <= value <= high:
            raise self.wrong(column, expected)
        return int(value)

    def number(self, column: str, low: float = -math.inf, high: float = math.inf) -> float:
        expected = "a finite number" if low == -math.inf else f"a number of {low:g} to {high:g}"
        value = self._finite(column, expected)
        if not low <= value <= high:
            raise self.wrong(column, expected)
        return value

    def known(self, column: str) -> bool:
        """Whether the column is there and this line has something in it."""
        return bool(self.cells.get(column, ""))

    def _finite(self, column: str, expected: str) -> float:
        try:
            value = float(self.cells[column])
        except ValueError:
            raise self.wrong(column, expected) from None
        if not math.isfinite(value):
            raise self.wrong(column, expected)
        return value


def read_bytes(path: Path) -> bytes:
    """The content of a CSV, gunzipped. Raises NeurosimError where it cannot be read, or is over `MAX_BYTES`."""
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            content = file.read(MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise NeurosimError(f"{path}: not a readable CSV file ({error})") from error
    if len(content) > MAX_BYTES:
        raise NeurosimError(f"{path}: more than {MAX_BYTES} bytes unpacked; split it")
    return content


def _lines(path: Path) -> tuple[int, list[list[str]]]:
    """How many lines of remarks there are, and the cells of all others."""
    content = read_bytes(path)
    try:
        text = content.decode("utf-8-sig").splitlines()
        remarks = next((i for i, line in enumerate(text) if not line.startswith("#")), len(text))
        return remarks, list(csv.reader(text[remarks:], strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise NeurosimError(f"{path}: not a readable CSV file ({error})") from error


def read_header(path: Path) -> list[str]:
    """The column names, or nothing for an empty file."""
    _, lines = _lines(path)
    return [name.strip() for name in lines[0]] if lines else []


def read_rows(path: Path, required: Iterable[str]) -> list[Row]:
    """All lines. Raises NeurosimError for a missing or doubled column and for a line of another length."""
    remarks, lines = _lines(path)
    header = [name.strip() for name in lines[0]] if lines else []
    missing = [name for name in required if name not in header]
    if missing:
        raise NeurosimError(f"{path}, line {remarks + 1}: missing column {', '.join(missing)}")
    if len(set(header)) != len(header):
        raise NeurosimError(f"{path}, line {remarks + 1}: a column name occurs twice")
    rows = []
    for number, cells in enumerate(lines[1:], start=remarks + 2):
        if not cells:
            continue
        if len(cells) != len(header):
            raise NeurosimError(f"{path}, line {number}: {len(cells)} cells, expected {len(header)} as in the header")
        rows.append(Row(path, number, dict(zip(header, (cell.strip() for cell in cells), strict=True))))
    if not rows:
        raise NeurosimError(f"{path}: a header without lines; nothing to compare")
    return rows
