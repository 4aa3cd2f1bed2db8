"""Every packet of a recorded run: created, first flit sent, last flit delivered. All must be equal."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from neurosim.engine.noc import simulate_packets
from neurosim.validation.case import EQUAL, MISS, SKIPPED, Case
from neurosim.validation.noc_run import MAX_CYCLE, ROUTER_COLUMNS, left_out, nodes_a_side, router_of
from neurosim.validation.table import Row, read_rows

MARK = frozenset({"case", "src", "dst", "ctime"})
COLUMNS = ("case", *ROUTER_COLUMNS, "src", "dst", "ctime", "itime", "atime")


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """One verdict a case and engine."""
    by_case: dict[str, list[Row]] = {}
    for row in read_rows(path, COLUMNS):
        by_case.setdefault(row.text("case"), []).append(row)
    for name, rows in by_case.items():
        title = f"{path.name} {name}"
        _same_router(rows)
        if reason := left_out(rows[0]):
            yield Case(title, SKIPPED, reason)
            continue
        packets = _packets(rows)
        for engine in engines:
            yield _compare(f"{title} [{engine}]", rows, packets, engine)


def _same_router(rows: list[Row]) -> None:
    for row in rows[1:]:
        for column in ROUTER_COLUMNS:
            if row.cells[column] != rows[0].cells[column]:
                raise row.wrong(column, f"{rows[0].cells[column]!r} as in line {rows[0].line} of the same case")


def _packets(rows: list[Row]) -> dict[str, np.ndarray]:
    """(n_packets,) int64 arrays src, dst, ctime, itime, atime."""
    last_node = nodes_a_side(rows[0]) ** 2 - 1
    limits = {"src": last_node, "dst": last_node, "ctime": MAX_CYCLE, "itime": MAX_CYCLE, "atime": MAX_CYCLE}
    return {c: np.array([row.whole(c, 0, high) for row in rows], np.int64) for c, high in limits.items()}


def _compare(name: str, rows: list[Row], packets: dict[str, np.ndarray], engine: str) -> Case:
    itime, atime = simulate_packets(
        router_of(rows[0]), packets["src"], packets["dst"], packets["ctime"], engine=engine
    )  # fmt: skip
    wrong = np.flatnonzero((itime != packets["itime"]) | (atime != packets["atime"]))
    if not wrong.size:
        return Case(name, EQUAL, f"{itime.size} packets")
    k = int(wrong[np.argmin(packets["atime"][wrong])])
    return Case(
        name, MISS,
        f"{wrong.size} of {itime.size} packets; first line {rows[k].line}: sent {itime[k]}, delivered {atime[k]}; "
        f"recorded {packets['itime'][k]}, {packets['atime'][k]}",
    )  # fmt: skip
