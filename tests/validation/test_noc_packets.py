"""Witness: BookSim 2 with the router pipeline p3 (docs/model.md). Every packet of thirteen runs, to the cycle.

``data/booksim_packets.csv.gz``: one row a packet, with creation, first flit sent and last flit delivered.
"""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
import pytest

from neurosim.engine.noc import p3_router, simulate_packets

DATA = Path(__file__).parent / "data" / "booksim_packets.csv.gz"


def load_cases() -> dict[str, list[dict[str, str]]]:
    cases: dict[str, list[dict[str, str]]] = {}
    with gzip.open(DATA, "rt") as file:
        for row in csv.DictReader(file):
            cases.setdefault(row["case"], []).append(row)
    return cases


CASES = load_cases()


def test_all_cases_are_there():
    assert len(CASES) == 13
    assert sum(len(rows) for rows in CASES.values()) == 4929


@pytest.mark.parametrize("engine", ["reference", "fast"])
@pytest.mark.parametrize("case", sorted(CASES))
def test_every_packet_as_in_booksim(case, engine):
    rows = CASES[case]
    first = {name: int(rows[0][name]) for name in ("k", "num_vcs", "vc_buf_size", "packet_size")}
    assert rows[0]["pipeline"] == "p3"
    router = p3_router(first["k"], first["k"], first["num_vcs"], first["vc_buf_size"], first["packet_size"])
    column = {name: np.array([int(row[name]) for row in rows]) for name in ("src", "dst", "ctime", "itime", "atime")}
    itime, atime = simulate_packets(router, column["src"], column["dst"], column["ctime"], engine=engine)
    assert np.flatnonzero(itime != column["itime"]).size == 0
    assert np.flatnonzero(atime != column["atime"]).size == 0
