"""Kind ``sram``: how far the SRAM model is from memories that it has not seen, and that it returns those it holds.

The witness is a table of memory-compiler runs (columns in `MARK`). Each point of it is left out in turn and estimated
from its neighbours by `neurosim.arch.technology.sram.interpolated_log`, in the logarithm of everything: once along
capacity, once along width, the mean of the two. A gap is two octaves instead of the one octave that the shipped table
leaves, so these errors are an upper estimate of the interpolation's own. The bars are on the median over all points
with neighbours on all four sides. One node and device has only some tens of them, so its own bar is twice as wide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from math import exp, log2
from pathlib import Path

import numpy as np

from neurosim.arch.technology.sram import interpolated_log, sram_figures, table_nodes
from neurosim.csv_rows import Row, read_header, read_rows
from neurosim.errors import NeurosimError
from neurosim.validation.case import EQUAL, MISS, SKIPPED, WITHIN, Case

MARK = frozenset({
    "node_nm", "cell", "periph", "objective", "ports", "temp_K", "capacity_bytes", "width_bits", "read_pJ", "write_pJ",
    "leak_mW", "gate_leak_mW",
})  # fmt: skip
BARS = {"read_pJ": 0.07, "write_pJ": 0.06, "leak_mW": 0.04}
"""Largest median relative error by quantity, over all nodes and devices."""
ALONE = 2
"""How much wider the bars of one node and device are."""
SAME = 1e-9

Grid = dict[tuple[float, float], dict[str, float]]


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """A line a node and device, one for all of them, and one for the points of the shipped table."""
    files = sorted(path.glob("*.csv")) if path.is_dir() else [path]
    known = [file for file in files if set(read_header(file)) >= MARK]
    if not known:
        raise NeurosimError(f"{path}: no table of memories; expected a CSV file with the columns {', '.join(MARK)}")
    for file in known:
        yield from _table_cases(file)


def _table_cases(file: Path) -> Iterator[Case]:
    grids = read_grids(file)
    everything: dict[str, list[float]] = {quantity: [] for quantity in BARS}
    for (node, device, objective), grid in sorted(grids.items()):
        name = f"{file.name} {node:g} nm {device} {objective}"
        errors = {quantity: left_out(grid, quantity) for quantity in BARS}
        if not errors["read_pJ"]:
            yield Case(name, SKIPPED, f"none of {len(grid)} points has neighbours on all four sides")
            continue
        for quantity, found in errors.items():
            everything[quantity] += found
        yield _judged(name, errors, ALONE)
    if everything["read_pJ"]:
        yield _judged(f"{file.name} all nodes and devices", everything, 1)
    yield _same_points(file, grids)


def read_grids(file: Path) -> dict[tuple[float, str, str], Grid]:
    """Points by (node nm, device, objective), each by (log2 bytes, log2 bits); one port, 330 K, one device."""
    grids: dict[tuple[float, str, str], Grid] = defaultdict(dict)
    for row in read_rows(file, MARK):
        plain = row.text("cell") == row.text("periph") and row.text("ports") == "1RW"
        if not plain or row.number("temp_K", 1, 1000) != 330:
            continue
        key = (row.number("node_nm", 1, 1000), row.text("cell"), row.text("objective"))
        place = (log2(row.whole("capacity_bytes", 1, 1 << 40)), log2(row.whole("width_bits", 1, 1 << 20)))
        if place in grids[key]:
            raise row.wrong("capacity_bytes", "a memory that no line before this one has")
        grids[key][place] = _quantities(row)
    return grids


def _quantities(row: Row) -> dict[str, float]:
    return {q: row.number(q, 1e-30, 1e30) for q in ("read_pJ", "write_pJ", "leak_mW")} | {
        "gate_leak_mW": row.number("gate_leak_mW", 0, 1e30)
    }


def left_out(grid: Grid, quantity: str) -> list[float]:
    """Relative error at every point that has a neighbour one octave away on all four sides, the point itself unseen."""
    errors = []
    for (capacity, width), point in sorted(grid.items()):
        pairs = (
            ((capacity - 1, width), (capacity + 1, width)),
            ((capacity, width - 1), (capacity, width + 1)),
        )
        if all(end in grid for pair in pairs for end in pair):
            # The model's own interpolation, with nothing but the two neighbours of one axis to go by.
            along = [interpolated_log(quantity, capacity, width, {end: grid[end] for end in pair})[0] for pair in pairs]
            errors.append(abs(exp(sum(along) / 2) / point[quantity] - 1))
    return errors


def _judged(name: str, errors: dict[str, list[float]], wider: float) -> Case:
    parts, verdict = [], WITHIN
    for quantity, found in errors.items():
        median, bar = float(np.median(found)), wider * BARS[quantity]
        verdict = MISS if median > bar else verdict
        spread = f"{100 * np.quantile(found, 0.9):.1f}/{100 * max(found):.1f}"
        parts.append(f"{quantity.split('_')[0]} {100 * median:.1f}/{spread} % (bar {100 * bar:g})")
    return Case(name, verdict, f"left out {len(errors['read_pJ'])} points, median/p90/max {', '.join(parts)}")


def _same_points(file: Path, grids: dict[tuple[float, str, str], Grid]) -> Case:
    """`sram_figures` at the witness's own points: the shipped table is one of the same runs."""
    name, compared = f"{file.name} the model at the table's own points", 0
    for (node, device, objective), grid in sorted(grids.items()):
        if device not in ("hp", "lstp", "lop") or node not in table_nodes(device, objective):
            continue
        for (capacity, width), point in sorted(grid.items()):
            mine = sram_figures(round(2**capacity) * 8, round(2**width), node, device, objective)
            leakage = point["leak_mW"] + point["gate_leak_mW"]
            pairs = (mine.read_pj, point["read_pJ"]), (mine.write_pj, point["write_pJ"]), (mine.leakage_mw, leakage)
            for got, recorded in pairs:
                if abs(got - recorded) > SAME * recorded:
                    place = f"{node:g} nm {device} {objective} {2**capacity:g} B x {2**width:g} b"
                    return Case(name, MISS, f"{place}: {got:g}, recorded {recorded:g}")
            compared += 1
    if not compared:
        return Case(name, SKIPPED, "the shipped table holds none of these nodes and devices")
    return Case(name, EQUAL, f"{compared} memories, read, write and leakage")
