"""Witness: 222 runs of SCALE-Sim 3.0.0. Every count equal on both engines, and a changed one shows."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.errors import NeurosimError
from neurosim.validation import validate
from neurosim.validation.case import EQUAL, MISS, summary

DATA = Path(__file__).parent / "data" / "systolic" / "scalesim.csv"


def test_every_row_is_equal_on_both_engines():
    found = list(validate("systolic", DATA))
    assert summary(found) == {EQUAL: 444, "within": 0, MISS: 0, "not compared": 0}


def rows():
    lines = DATA.read_text().splitlines()
    head = next(i for i, line in enumerate(lines) if not line.startswith("#"))
    return lines[:head], lines[head].split(","), [line.split(",") for line in lines[head + 1 :]]


def spoilt(tmp_path, row, column, value):
    remarks, header, body = rows()
    body[row][header.index(column)] = value(body[row][header.index(column)])
    path = tmp_path / "spoilt.csv"
    path.write_text("\n".join([*remarks, ",".join(header), *map(",".join, body)]) + "\n")
    return path, len(remarks) + 2 + row


@pytest.mark.parametrize(
    "column",
    [
        "demand_cycles", "ifmap_sram_reads", "filter_sram_reads", "ofmap_sram_writes", "calc_report_cycles",
        "user_report_cycles",
    ],
)  # fmt: skip
def test_a_word_or_cycle_off_is_a_miss(tmp_path, column):
    path, line = spoilt(tmp_path, 0, column, lambda old: str(int(old) + 1))
    (miss,) = (case for case in validate("systolic", path, "fast") if case.verdict == MISS)
    assert miss.name.startswith(f"spoilt.csv:{line} ") and column in miss.detail


@pytest.mark.parametrize("column", ["util_pct", "mapping_eff_pct", "compute_util_pct"])
def test_the_sixth_digit_of_a_percentage_counts(tmp_path, column):
    path, _ = spoilt(tmp_path, 0, column, lambda old: f"{float(old) * 1.00002:.6g}")
    assert summary(validate("systolic", path, "fast"))[MISS] == 1


def test_both_definitions_stand_in_the_line():
    os_line, ws_line, _ = (case.detail for case in list(validate("systolic", DATA, "fast"))[:3])
    assert "ofmap writes 1024 (SCALE-Sim's 3072 adds 16 a fold)" in os_line
    assert "sums read back 99328" in ws_line and "with its longer folds" in ws_line


def test_bad_cells_and_foreign_tables_are_named(tmp_path):
    path, line = spoilt(tmp_path, 2, "dataflow", lambda _: "rs")
    with pytest.raises(NeurosimError, match=f"line {line}, column dataflow: got 'rs'"):
        list(validate("systolic", path))
    (tmp_path / "foreign.csv").write_text("a\n1\n")
    with pytest.raises(NeurosimError, match="no table of array runs"):
        list(validate("systolic", tmp_path / "foreign.csv"))
