"""Kind ``systolic``: arrays held to SCALE-Sim 3.0.0, row by row; every count must be equal.

Two of its figures are not what an array does, and are compared under its own definition while the line also gives ours:

* ``ofmap_sram_writes`` of os adds R + C words a fold to the M N outputs; of ws and is it counts partial sums, whose
  reading back nothing counts (`Counts.sum_reads` does);
* ``compute_util_pct`` of ws and is divides by folds that are C - 1 cycles longer than the schedule's.

The engine ``fast`` is the closed form, ``reference`` walks the folds. DRAM columns are not compared: they count whole
prefetch lines and refetches of an order of demand that is not ours.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from neurosim.baseline.systolic import DATAFLOWS, Array, Counts, Gemm, count_product
from neurosim.baseline.systolic_walk import walk
from neurosim.csv_rows import Row, read_header, read_rows
from neurosim.errors import NeurosimError
from neurosim.validation.case import EQUAL, MISS, Case

MARK = frozenset({
    "layer", "M", "N", "K", "array", "dataflow", "demand_cycles", "util_pct", "mapping_eff_pct", "compute_util_pct",
    "ifmap_sram_reads", "filter_sram_reads", "ofmap_sram_writes",
})  # fmt: skip
_LIMIT = 1 << 53
_DIGITS = 6
ENGINES = {"fast": count_product, "reference": walk}


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """A line a row and engine of a table, or of every table of a folder."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    known = [file for file in files if set(read_header(file)) >= MARK]
    if not known:
        raise NeurosimError(f"{path}: no table of array runs; expected a CSV file with the columns {', '.join(MARK)}")
    return (_verdict(row, engine) for file in known for row in read_rows(file, MARK) for engine in engines)


def _verdict(row: Row, engine: str) -> Case:
    gemm = Gemm(*(row.whole(column, 1, 1 << 31) for column in ("M", "N", "K")))
    size = row.whole("array", 1, 1 << 16)
    array = Array(size, size, row.text("dataflow", DATAFLOWS))
    counts = ENGINES[engine](gemm, array)
    listed = f"{row.text('list')} " if row.known("list") else ""
    name = f"{row.path.name}:{row.line} {listed}{row.text('layer')} {size}x{size} {array.dataflow} [{engine}]"
    found, compared = [], 0
    for column, mine in (_whole(row, gemm, array, counts) | _printed(row, gemm, array, counts)).items():
        recorded = row.number(column, 0, _LIMIT)
        same = mine == recorded if isinstance(mine, int) else f"{mine:.{_DIGITS}g}" == f"{recorded:.{_DIGITS}g}"
        compared += 1
        if not same:
            found.append(f"{column}: {mine:.12g}, recorded {recorded:.12g}")
    if found:
        return Case(name, MISS, "; ".join(found))
    return Case(name, EQUAL, f"{counts.cycles} cycles, {compared} values; {_ours(row, array, counts)}")


def _whole(row: Row, gemm: Gemm, array: Array, counts: Counts) -> dict[str, int]:
    """Figures that are whole numbers, under the tool's definitions."""
    extra = counts.folds * (array.rows + array.columns) if array.dataflow == "os" else 0
    values = {
        "demand_cycles": counts.cycles,
        "ifmap_sram_reads": counts.ifmap_reads,
        "filter_sram_reads": counts.filter_reads,
        "ofmap_sram_writes": counts.sum_writes + extra,
    }
    # The report prints the index of the last cycle.
    if row.known("calc_report_cycles"):
        values["calc_report_cycles"] = counts.cycles - 1
    if row.known("user_report_cycles"):
        # Its stalls come from its own prefetcher; that they are added and nothing else is, is what is compared.
        values["user_report_cycles"] = counts.cycles - 1 + row.whole("user_stall_cycles", 0, _LIMIT)
    return values


def _printed(row: Row, gemm: Gemm, array: Array, counts: Counts) -> dict[str, float]:
    """Percentages, which the witness prints to six digits."""
    longer = 0 if array.dataflow == "os" else counts.folds * (array.columns - 1)
    return {
        "util_pct": 100 * counts.utilisation,
        "mapping_eff_pct": 100 * counts.mapping_efficiency,
        "compute_util_pct": 100 * gemm.macs / ((counts.cycles + longer) * array.elements),
    }


def _ours(row: Row, array: Array, counts: Counts) -> str:
    recorded = row.whole("ofmap_sram_writes", 0, _LIMIT)
    writes = f"ofmap writes {counts.sum_writes}"
    if recorded != counts.sum_writes:
        writes += f" (SCALE-Sim's {recorded} adds {array.rows + array.columns} a fold)"
    printed = row.number("compute_util_pct", 0, 100)
    used = f"utilisation {100 * counts.utilisation:.4g} %"
    if f"{printed:.4g}" != f"{100 * counts.utilisation:.4g}":
        used += f" ({printed:.4g} with its longer folds)"
    return f"{writes}, sums read back {counts.sum_reads}, {used}"
