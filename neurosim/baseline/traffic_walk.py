"""The specification of `neurosim.baseline.traffic`: folds one after another, with what lies in the buffers."""

from __future__ import annotations

from collections.abc import Iterator

from neurosim.baseline.systolic import Array
from neurosim.baseline.traffic import ORDERS, Buffers, Job, Traffic, Widths, cut


def walk_traffic(job: Job, array: Array, widths: Widths, buffers: Buffers) -> Traffic:
    """`neurosim.baseline.traffic.count_traffic`, fold by fold."""
    found = [_walk(job, array, widths, buffers, order) for order in ORDERS]
    return found[0] if found[0].bits <= found[1].bits else found[1]


def _folds(job: Job, array: Array, order: str) -> Iterator[tuple[int, int]]:
    rows, columns = array.folds(job.gemm)
    if order == "rows_inside":
        for column in range(columns):
            for row in range(rows):
                yield row, column
    else:
        for row in range(rows):
            for column in range(columns):
                yield row, column


class _Operand:
    """One operand's half buffer: which slices it has ever held, and which one it held last."""

    def __init__(self, whole_bits: int, half: int) -> None:
        self.fits, self.half = whole_bits <= half, half
        self.seen: set = set()
        self.last: object = None

    def fetch(self, name: object, bits: int) -> int:
        there = name in self.seen if self.fits else name == self.last and bits <= self.half
        self.seen.add(name)
        self.last = name
        return 0 if there else bits


def _walk(job: Job, array: Array, widths: Widths, buffers: Buffers, order: str) -> Traffic:
    gemm, os = job.gemm, array.dataflow == "os"
    on_rows, on_columns, streamed = array.mapped(gemm)
    n_rows, _ = array.folds(gemm)
    ifmap = _Operand(job.inputs * widths.ifmap, buffers.ifmap // 2)
    weights = _Operand(gemm.k * gemm.n * widths.filter, buffers.filter // 2)
    totals = dict.fromkeys(("ifmap", "filter", "sums_in", "sums_out", "output"), 0)
    into, out = [], []
    for row, column in _folds(job, array, order):
        top, bottom = row * array.rows, min((row + 1) * array.rows, on_rows)
        left, right = column * array.columns, min((column + 1) * array.columns, on_columns)
        height, width = bottom - top, right - left
        values = cut(job.inputs, bottom, on_rows) - cut(job.inputs, top, on_rows)
        if array.dataflow == "is":
            values = cut(values, right, on_columns) - cut(values, left, on_columns)
            needs = ((row, column), values, row, height * streamed)
        elif os:
            needs = (row, values, column, width * streamed)
        else:
            needs = (row, values, (row, column), height * width)
        a = 0 if job.ifmap_on_chip else ifmap.fetch(needs[0], needs[1] * widths.ifmap)
        b = 0 if job.filter_on_chip else weights.fetch(needs[2], needs[3] * widths.filter)
        outputs = height * width if os else width * streamed
        finished = os or bottom == on_rows
        under_way = gemm.m * gemm.n if order == "columns_inside" else min(array.columns, on_columns) * streamed
        spills = not os and under_way * widths.sums > buffers.sums // 2
        back = outputs * widths.sums if spills and row > 0 else 0
        away = outputs * widths.sums if spills and row < n_rows - 1 else 0
        done = outputs * widths.output if finished and not job.output_on_chip else 0
        for name, bits in zip(totals, (a, b, back, away, done), strict=True):
            totals[name] += bits
        into.append(a + b + back)
        out.append(away + done)
    return Traffic(*totals.values(), _time(array, job, into, out, buffers.dram_bits_per_cycle), order)


def _time(array: Array, job: Job, into: list[int], out: list[int], bits_per_cycle: int) -> int:
    def transfer(bits: int) -> int:
        return (bits + bits_per_cycle - 1) // bits_per_cycle

    load, stream = array.fold_cycles(job.gemm)
    clock = transfer(into[0])
    for f in range(len(into)):
        work = stream + (load if f == 0 or not array.overlapped else 0)
        coming = into[f + 1] if f + 1 < len(into) else 0
        going = out[f - 1] if f > 0 else 0
        clock += max(work, transfer(coming + going))
    return clock + transfer(out[-1])
