"""The specification of `neurosim.baseline.systolic`, twice: data moved through the array, and folds walked one by one.

`multiply` moves words from register to register, cycle by cycle, and gives the product with the cycles; it is for
small arrays. `walk` goes through the folds of any product and asks of each cycle which words enter and leave.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from neurosim.baseline.systolic import Array, Counts, Gemm


def tiles(array: Array, gemm: Gemm) -> Iterator[tuple[slice, slice]]:
    """The part of the rows' and of the columns' dimension in every fold, columns outside, rows inside."""
    on_rows, on_columns, _ = array.mapped(gemm)
    for c in range(0, on_columns, array.columns):
        for r in range(0, on_rows, array.rows):
            yield slice(r, min(r + array.rows, on_rows)), slice(c, min(c + array.columns, on_columns))


@lru_cache(maxsize=64)
def _fold(array: Array, gemm: Gemm, rows: int, columns: int) -> tuple[int, int, int, int, int]:
    """Of a fold with so many rows and columns filled: cycles to load and to stream; words from top, from left, out."""
    streamed = array.mapped(gemm)[2]
    load = top = left = 0
    if array.dataflow != "os":
        for cycle in range(array.rows):
            # Rows of what stays come in last row first and sink; those beyond the filled ones are empty.
            load += 1
            top += columns if array.rows - 1 - cycle < rows else 0
    for _ in range(streamed):
        left += rows
        top += columns if array.dataflow == "os" else 0
    # The word of the last row enters R - 1 cycles after that of the first, and crosses C columns.
    stream = streamed + (array.rows - 1) + (array.columns - 1)
    out = rows * columns if array.dataflow == "os" else streamed * columns
    return load, stream, top, left, out


def walk(gemm: Gemm, array: Array) -> Counts:
    """`neurosim.baseline.systolic.count_product`, fold by fold."""
    cycles = folds = top = left = out = back = held = 0
    for on_rows, on_columns in tiles(array, gemm):
        rows, columns = on_rows.stop - on_rows.start, on_columns.stop - on_columns.start
        load, stream, from_top, from_left, written = _fold(array, gemm, rows, columns)
        cycles += stream + (load if folds == 0 or not array.overlapped else 0)
        folds += 1
        top, left, out, held = top + from_top, left + from_left, out + written, held + rows * columns
        if array.dataflow != "os" and on_rows.start > 0:
            back += written
    ifmap, weights = (top, left) if array.dataflow == "is" else (left, top)
    elements = array.elements
    return Counts(
        cycles, folds, ifmap, weights, out, back, gemm.macs, held / (folds * elements),
        gemm.macs / (cycles * elements),
    )  # fmt: skip


def multiply(ifmap: np.ndarray, weights: np.ndarray, array: Array) -> tuple[np.ndarray, int, int]:
    """(M, K) times (K, N), int64, by moving data: the product, the cycles of serial folds, and multiplications done."""
    gemm = Gemm(ifmap.shape[0], weights.shape[1], ifmap.shape[1])
    product = np.zeros((gemm.m, gemm.n), np.int64)
    cycles = done = 0
    for r, c in tiles(array, gemm):
        if array.dataflow == "os":
            part, spent, macs = _outputs_stay(ifmap[r], weights[:, c], array)
            product[r, c] = part
        elif array.dataflow == "ws":
            part, spent, macs = _operand_stays(ifmap[:, r], weights[r, c], array)
            product[:, c] += part
        else:
            part, spent, macs = _operand_stays(weights[r].T, ifmap[c, r].T, array)
            product[c] += part.T
        cycles, done = cycles + spent, done + macs
    return product, cycles, done


def _shift(values: np.ndarray, axis: int, entering: np.ndarray) -> np.ndarray:
    """Every word one element on, new ones at the edge; what was at the far edge is gone."""
    moved = np.roll(values, 1, axis)
    if axis == 0:
        moved[0] = entering
    else:
        moved[:, 0] = entering
    return moved


def _skewed(words: np.ndarray, size: int, cycle: int) -> tuple[np.ndarray, np.ndarray]:
    """Words (lanes, steps) at an edge of ``size`` lanes in a cycle, each lane a cycle later; which are real."""
    values, real = np.zeros(size, np.int64), np.zeros(size, bool)
    for lane in range(len(words)):
        if 0 <= cycle - lane < words.shape[1]:
            values[lane], real[lane] = words[lane, cycle - lane], True
    return values, real


def _outputs_stay(left: np.ndarray, top: np.ndarray, array: Array) -> tuple[np.ndarray, int, int]:
    """(rows, K) from the left meets (K, columns) from the top; every element keeps its sum."""
    shape = (array.rows, array.columns)
    a, b, sums = (np.zeros(shape, np.int64) for _ in range(3))
    real_a, real_b = np.zeros(shape, bool), np.zeros(shape, bool)
    done = cycle = 0
    scheduled = left.shape[1] + array.rows + array.columns - 2
    while cycle < scheduled:
        values, real = _skewed(left, array.rows, cycle)
        a, real_a = _shift(a, 1, values), _shift(real_a, 1, real)
        values, real = _skewed(top.T, array.columns, cycle)
        b, real_b = _shift(b, 0, values), _shift(real_b, 0, real)
        sums += np.where(real_a & real_b, a * b, 0)
        done += int((real_a & real_b).sum())
        cycle += 1
    return sums[: len(left), : top.shape[1]], cycle, done


def _operand_stays(left: np.ndarray, held: np.ndarray, array: Array) -> tuple[np.ndarray, int, int]:
    """(T, rows) from the left past ``held`` (rows, columns); sums fall and leave below: (T, columns)."""
    shape = (array.rows, array.columns)
    stays, filled = np.zeros(shape, np.int64), np.zeros(shape, bool)
    cycle = done = 0
    while cycle < array.rows:
        row = array.rows - 1 - cycle
        values, real = np.zeros(array.columns, np.int64), np.zeros(array.columns, bool)
        if row < len(held):
            values[: held.shape[1]], real[: held.shape[1]] = held[row], True
        stays, filled = _shift(stays, 0, values), _shift(filled, 0, real)
        cycle += 1
    out = np.zeros((len(left), held.shape[1]), np.int64)
    a, real_a, sums = np.zeros(shape, np.int64), np.zeros(shape, bool), np.zeros(shape, np.int64)
    scheduled = cycle + len(left) + array.rows + array.columns - 2
    start = cycle
    while cycle < scheduled:
        values, real = _skewed(left.T, array.rows, cycle - start)
        a, real_a = _shift(a, 1, values), _shift(real_a, 1, real)
        sums = _shift(sums, 0, np.zeros(array.columns, np.int64)) + np.where(real_a & filled, a * stays, 0)
        done += int((real_a & filled).sum())
        for column in range(held.shape[1]):
            step = cycle - start - (array.rows - 1) - column
            if 0 <= step < len(left):
                out[step, column] = sums[-1, column]
        cycle += 1
    return out, cycle, done
