"""Witness: a CACTI 7 table with points left out (28 nm lstp and 45 nm hp of it here). A spoilt model must show."""

from __future__ import annotations

import csv
from math import log2
from pathlib import Path

import pytest

from neurosim.errors import NeurosimError
from neurosim.validation import sram, validate
from neurosim.validation.case import EQUAL, MISS, SKIPPED, WITHIN
from neurosim.validation.sram import left_out, read_grids

DATA = Path(__file__).parent / "data" / "sram" / "cacti_sram.csv"


def verdicts(path=DATA):
    return {case.name.removeprefix(f"{path.name} "): case for case in validate("sram", path)}


def test_every_bar_is_kept_and_the_model_returns_what_it_holds():
    found = verdicts()
    assert found["28 nm lstp ED^2"].verdict == WITHIN
    assert found["45 nm hp ED^2"].verdict == WITHIN
    assert found["all nodes and devices"].verdict == WITHIN
    assert found["the model at the table's own points"].verdict == EQUAL
    assert found["the model at the table's own points"].detail.startswith("185 memories")


def test_a_point_is_estimated_from_its_four_neighbours_alone():
    grid = {(float(c), float(w)): {"read_pJ": 2.0 ** (0.5 * c + w)} for c in range(8, 11) for w in range(3, 6)}
    assert left_out(grid, "read_pJ") == pytest.approx([0.0], abs=1e-12)
    grid[9.0, 4.0]["read_pJ"] *= 2
    assert left_out(grid, "read_pJ") == pytest.approx([0.5], abs=1e-12)
    # Along width the estimate doubles, along capacity it stays: the mean of the logarithms is root 2.
    grid[9.0, 4.0]["read_pJ"] /= 2
    for width in (3.0, 5.0):
        grid[9.0, width]["read_pJ"] *= 2
    assert left_out(grid, "read_pJ") == pytest.approx([2**0.5 - 1], rel=1e-12)
    del grid[8.0, 4.0]
    assert left_out(grid, "read_pJ") == []


def test_the_shipped_folder_of_tables_can_be_named(tmp_path):
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    (tmp_path / "memories.csv").write_text(DATA.read_text())
    assert len(list(validate("sram", tmp_path))) == 4


def spoilt(tmp_path, change):
    lines = DATA.read_text().splitlines()
    rows = list(csv.DictReader(lines[1:]))
    change(rows)
    path = tmp_path / "spoilt.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_value_that_the_model_does_not_hold_is_a_miss(tmp_path):
    def change(rows):
        rows[40]["read_pJ"] = str(float(rows[40]["read_pJ"]) * 1.001)

    found = verdicts(spoilt(tmp_path, change))
    assert found["the model at the table's own points"].verdict == MISS


def test_a_jagged_table_breaks_the_bar(tmp_path):
    def change(rows):
        for row in rows:
            if log2(float(row["capacity_bytes"])) % 2:
                row["write_pJ"] = str(2 * float(row["write_pJ"]))

    assert verdicts(spoilt(tmp_path, change))["all nodes and devices"].verdict == MISS


def test_other_ports_temperatures_and_mixed_devices_are_passed_over(tmp_path):
    def change(rows):
        for row, (column, value) in zip(rows, (("ports", "2R1W"), ("temp_K", "300"), ("periph", "lop")), strict=False):
            row[column] = value

    grids = read_grids(spoilt(tmp_path, change))
    assert sum(map(len, grids.values())) == 185 - 3


def test_few_points_are_not_compared(tmp_path):
    path = spoilt(tmp_path, lambda rows: rows.__delitem__(slice(3, None)))
    assert verdicts(path)["28 nm lstp ED^2"].verdict == SKIPPED


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [("read_pJ", "nan", "column read_pJ"), ("capacity_bytes", "0", "column capacity_bytes")],
)
def test_bad_cells_are_named(tmp_path, column, value, message):
    path = spoilt(tmp_path, lambda rows: rows[0].__setitem__(column, value))
    with pytest.raises(NeurosimError, match=message):
        verdicts(path)


def test_a_doubled_memory_and_a_foreign_table_are_refused(tmp_path):
    with pytest.raises(NeurosimError, match="no line before"):
        verdicts(spoilt(tmp_path, lambda rows: rows.append(rows[0])))
    (tmp_path / "foreign.csv").write_text("a\n1\n")
    with pytest.raises(NeurosimError, match="no table of memories"):
        list(sram.cases(tmp_path / "foreign.csv", ("fast",)))
