"""Kind ``noc``: the routers held to BookSim 2 with the router pipeline `p3` (docs/model.md).

Two tables, told apart by their columns: every packet of a run (`noc_packets`) and one line a run (`noc_mesh`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neurosim.errors import NeurosimError
from neurosim.validation import noc_mesh, noc_packets
from neurosim.validation.case import Case
from neurosim.validation.table import read_header

TABLES = (noc_packets, noc_mesh)


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """Verdicts on a table, or on every table of a folder; other files of a folder are passed over."""
    files = sorted(f for f in path.iterdir() if f.name.endswith((".csv", ".csv.gz"))) if path.is_dir() else [path]
    known = [(file, table) for file in files if (table := _table(file)) is not None]
    if not known:
        marks = " or ".join(f"{', '.join(sorted(table.MARK))}" for table in TABLES)
        raise NeurosimError(f"{path}: no table of packets or runs; expected a CSV file with the columns {marks}")
    return (case for file, table in known for case in table.cases(file, engines))


def _table(file: Path):
    header = set(read_header(file))
    return next((table for table in TABLES if header >= table.MARK), None)
