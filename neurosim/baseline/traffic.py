"""DRAM traffic and waiting of an array with double-buffered memories, over all folds at once.

Each of ifmap, filter and sums has a buffer; half of it is in use while the other half is filled or emptied. What a fold
needs of an operand is a slice. The rules, exactly:

* an operand that fits into its half as a whole is fetched once, slice by slice as folds need them;
* else, if the slice fits, it is fetched when it differs from that of the fold before;
* else it is fetched anew in every fold.

Sums of ws and is grow over the folds along K. They stay on chip if all sums under way fit into their half: one column
slice when rows are walked inside, all of them when columns are; else each fold but the last along K writes its sums to
DRAM and each but the first reads them back. A finished output leaves once, at the width of the next layer.

Both orders of folds are tried and the one that moves fewer bits is taken, rows inside on a tie. Time: while a fold is
computed the next one's slices come in and the results of the one before go out, so that with c cycles of work, i bits
in and o bits out of each fold and w bits a cycle

    total = ceil(i[0] / w) + sum of max(c[f], ceil((i[f+1] + o[f-1]) / w)) + ceil(o[last] / w).

A convolution's input counts once however often windows overlap: slices share its values in proportion.
`neurosim.baseline.traffic_walk` is the specification.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.baseline.systolic import Array, Gemm
from neurosim.errors import NeurosimError

ORDERS = ("rows_inside", "columns_inside")


@dataclass(frozen=True)
class Widths:
    """Bits of an input, a weight, a partial sum, and an output as it leaves for the next layer."""

    ifmap: int
    filter: int
    sums: int
    output: int


@dataclass(frozen=True)
class Buffers:
    """Whole sizes in bits of the double-buffered memories, and the bits that DRAM moves a cycle."""

    ifmap: int
    filter: int
    sums: int
    dram_bits_per_cycle: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if value < 1:
                raise NeurosimError(f"buffers.{name}: got {value}, expected at least 1 bit")


@dataclass(frozen=True)
class Job:
    """A layer: its product, the distinct inputs behind (M, K), and what need not come from or go to DRAM."""

    gemm: Gemm
    inputs: int
    ifmap_on_chip: bool = False
    filter_on_chip: bool = False
    output_on_chip: bool = False


@dataclass(frozen=True)
class Traffic:
    """Bits to and from DRAM over a layer, cycles with waiting, and the order of folds that was taken."""

    ifmap_bits: int
    filter_bits: int
    sum_bits_in: int
    sum_bits_out: int
    output_bits: int
    cycles: int
    order: str

    @property
    def bits(self) -> int:
        return self.ifmap_bits + self.filter_bits + self.sum_bits_in + self.sum_bits_out + self.output_bits


def cut(total: int, position: np.ndarray | int, length: int):
    """Values of ``total`` that lie before ``position`` of ``length``: whole numbers that sum to the total."""
    return total * position // length


def count_traffic(job: Job, array: Array, widths: Widths, buffers: Buffers) -> Traffic:
    """Traffic and cycles of one layer, in the better order of its folds."""
    return min((_ordered(job, array, widths, buffers, order) for order in ORDERS), key=lambda traffic: traffic.bits)


def _edges(length: int, size: int) -> np.ndarray:
    return np.minimum(np.arange(0, length + size, size, dtype=np.int64)[: -(-length // size) + 1], length)


def _slices(total: int, length: int, size: int) -> np.ndarray:
    """Values in each fold's slice of an axis of ``length``."""
    return np.diff(np.array([cut(total, int(p), length) for p in _edges(length, size)], np.int64))


def _fetched(needed: np.ndarray, same: np.ndarray, whole: int, half: int, first: np.ndarray) -> np.ndarray:
    """Bits fetched by each fold, of bits ``needed``; ``same`` slice as the fold before, ``first`` use of it."""
    if whole <= half:
        return np.where(first, needed, 0)
    return np.where(same & (needed <= half), 0, needed)


def _ordered(job: Job, array: Array, widths: Widths, buffers: Buffers, order: str) -> Traffic:
    gemm = job.gemm
    on_rows, on_columns, streamed = array.mapped(gemm)
    n_rows, n_columns = array.folds(gemm)
    if order == "rows_inside":
        column, row = (a.ravel() for a in np.meshgrid(np.arange(n_columns), np.arange(n_rows), indexing="ij"))
    else:
        row, column = (a.ravel() for a in np.meshgrid(np.arange(n_rows), np.arange(n_columns), indexing="ij"))
    same_row = np.concatenate([[False], row[1:] == row[:-1]])
    same_column = np.concatenate([[False], column[1:] == column[:-1]])
    first_of_row, first_of_column = column == 0, row == 0
    height, width = np.diff(_edges(on_rows, array.rows)), np.diff(_edges(on_columns, array.columns))
    tile, nothing, always = height[row] * width[column], np.zeros(row.size, bool), np.ones(row.size, bool)
    by_row = (same_row, first_of_row)
    by_column = (same_column, first_of_column)
    # Values of each operand in a fold, and along which axis its slices lie.
    if array.dataflow == "os":
        ifmap, ifmap_by = _slices(job.inputs, on_rows, array.rows)[row], by_row
        weights, weights_by = width[column] * streamed, by_column
    elif array.dataflow == "ws":
        ifmap, ifmap_by = _slices(job.inputs, on_rows, array.rows)[row], by_row
        weights, weights_by = tile, (nothing, always)
    else:
        ifmap, ifmap_by = _tiles_of(job.inputs, gemm, array)[row, column], (nothing, always)
        weights, weights_by = height[row] * streamed, by_row
    halves = buffers.ifmap // 2, buffers.filter // 2, buffers.sums // 2
    ifmap_in = _fetched(ifmap * widths.ifmap, ifmap_by[0], job.inputs * widths.ifmap, halves[0], ifmap_by[1])
    filter_bits = gemm.k * gemm.n * widths.filter
    filter_in = _fetched(weights * widths.filter, weights_by[0], filter_bits, halves[1], weights_by[1])
    ifmap_in = ifmap_in * (not job.ifmap_on_chip)
    filter_in = filter_in * (not job.filter_on_chip)
    sums_in, sums_out, out = np.zeros((3, row.size), np.int64)
    if array.dataflow == "os":
        out = tile * widths.output
    else:
        outputs = width[column] * streamed
        out = np.where(row == n_rows - 1, outputs * widths.output, 0)
        under_way = int(width.max()) * streamed if order == "rows_inside" else gemm.m * gemm.n
        if under_way * widths.sums > halves[2] and n_rows > 1:
            sums_in = np.where(row > 0, outputs * widths.sums, 0)
            sums_out = np.where(row < n_rows - 1, outputs * widths.sums, 0)
    out = out * (not job.output_on_chip)
    cycles = _cycles(array, gemm, ifmap_in + filter_in + sums_in, out + sums_out, buffers.dram_bits_per_cycle)
    totals = (int(values.sum()) for values in (ifmap_in, filter_in, sums_in, sums_out, out))
    return Traffic(*totals, cycles, order)


def _tiles_of(inputs: int, gemm: Gemm, array: Array) -> np.ndarray:
    """Distinct inputs in each (K, M) tile of is: those of a K slice, shared over M in proportion."""
    rows = _slices(inputs, gemm.k, array.rows)
    return np.stack([_slices(int(values), gemm.m, array.columns) for values in rows])


def _cycles(array: Array, gemm: Gemm, into: np.ndarray, out: np.ndarray, bits_per_cycle: int) -> int:
    load, stream = array.fold_cycles(gemm)
    work = np.full(into.size, stream + (0 if array.overlapped else load), np.int64)
    work[0] = stream + load
    moving = np.concatenate([into[1:], [0]]) + np.concatenate([[0], out[:-1]])
    waits = np.maximum(work, -(-moving // bits_per_cycle))
    return int(-(-into[0] // bits_per_cycle) + waits.sum() + -(-out[-1] // bits_per_cycle))
