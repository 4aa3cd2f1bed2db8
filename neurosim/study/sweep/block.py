"""One block of points: what a process is given, what it does with it, and the table that it gives back."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.study.sweep.design import Design
from neurosim.study.sweep.fields import CONSTANT, Setup, stage_of, with_settings
from neurosim.study.sweep.prices import energy_metrics
from neurosim.study.sweep.rows import calibrated_columns, chip_metrics
from neurosim.study.sweep.stages import Worker

if TYPE_CHECKING:
    import pyarrow as pa

RUN_COLUMNS = ("workload", "chip", "samples", "timesteps", "seed")
Setting = tuple[str, Any]
Columns = dict[str, Any]


@dataclass(frozen=True, eq=False)
class Common:
    """What all blocks of a sweep share; see `neurosim.study.sweep.inputs.Inputs` and `Worker`.

    ``axes`` : name of each axis, and whether its column is JSON text because its values are of several kinds;
    ``folder`` keeps traces, None where nothing can be written.
    """

    key: str
    base: Setup
    axes: tuple[tuple[str, bool], ...]
    chips: dict[str, dict[str, Any]]
    workloads: dict[str, tuple[str, str]]
    mappings: dict[str, str]
    folder: Path | None
    threads: int | None


@dataclass(frozen=True, eq=False)
class Block:
    """Points in the order in which they run. ``values`` and ``settings``: of each point, axis by axis."""

    number: int
    points: tuple[int, ...]
    values: tuple[tuple[Any, ...], ...]
    settings: tuple[tuple[Setting, ...], ...]


@dataclass(frozen=True, eq=False)
class Done:
    """A block's rows as a table, the seconds of each group of points, and the process's peak memory in bytes."""

    number: int
    table: pa.Table
    seconds: tuple[tuple[int, float], ...]
    peak_bytes: int


_WORKERS: dict[str, Worker] = {}


def worker_of(common: Common) -> Worker:
    """This process's stages for a sweep; those of an earlier sweep are dropped."""
    if common.key not in _WORKERS:
        _WORKERS.clear()
        _WORKERS[common.key] = Worker(
            common.chips, common.workloads, common.mappings, common.folder, common.threads
        )  # fmt: skip
    return _WORKERS[common.key]


def make_block(number: int, points: Sequence[int], design: Design) -> Block:
    """The block of these points of a design."""
    chosen = [design.choice[p].tolist() for p in points]
    values = tuple(tuple(axis.values[k] for axis, k in zip(design.axes, row, strict=True)) for row in chosen)
    settings = tuple(
        tuple(pair for axis, k in zip(design.axes, row, strict=True) for pair in axis.settings(k)) for row in chosen
    )
    return Block(number, tuple(int(p) for p in points), values, settings)


def run_block(common: Common, block: Block) -> Done:
    """Every point of a block. A point that fails is a row with its error; only the end of the process stops it."""
    worker = worker_of(common)
    parts: list[Columns] = []
    seconds = []
    for indices in _groups(block):
        start = time.perf_counter()
        parts.append(_columns(common, block, indices, worker))
        seconds.append((len(indices), time.perf_counter() - start))
    return Done(block.number, to_table(parts), tuple(seconds), _peak_bytes())


def failed_block(common: Common, block: Block, reason: str) -> Done:
    """A block whose points cannot be run at all."""
    return Done(block.number, to_table([_named(common, block, list(range(len(block.points))), {}, reason)]), (), 0)


def _groups(block: Block) -> Iterator[list[int]]:
    """Consecutive points that differ in energy constants alone."""

    def apart(i: int) -> str:
        return repr([pair for pair in block.settings[i] if stage_of(pair[0]) != CONSTANT])

    for _, group in groupby(range(len(block.points)), apart):
        yield list(group)


def _columns(common: Common, block: Block, indices: list[int], worker: Worker) -> Columns:
    """The three stages of points that differ in energy constants alone."""
    try:
        setup = with_settings(common.base, block.settings[indices[0]])
        function = worker.function(setup)
        chip = worker.chip(setup)
        timed = worker.timed(setup, function, chip)
        samples = function.trace.n_samples
        seconds = timed.cycles * chip.clock.quantum_ps * 1e-12
        values = [[v for name, v in block.settings[i] if stage_of(name) == CONSTANT] for i in indices]
        energy = energy_metrics(
            worker.priced(chip, timed), setup.constants, np.array(values, np.float64), samples, seconds
        )  # fmt: skip
        energy |= calibrated_columns(chip, energy)
        shared = {**function.metrics, **timed.metrics, **chip_metrics(chip, timed.cycles, samples)}
        return _named(common, block, indices, {**shared, **energy})
    except NeurosimError as error:
        reason = str(error)
    except Exception as error:
        # A bug or a lack of memory at one point must not cost the others; the row says which kind it was.
        reason = f"{type(error).__name__}: {error}"
    return _named(common, block, indices, {}, reason)


def _named(
    common: Common, block: Block, indices: list[int], metrics: Columns, error: str | None = None
) -> Columns:  # fmt: skip
    """point, axes, error, what ran, metrics. What is no list is the same for all points."""
    setup = with_settings(common.base, block.settings[indices[0]])
    axes = {}
    for k, (name, as_text) in enumerate(common.axes):
        column = [block.values[i][k] for i in indices]
        axes[name] = [json.dumps(value, sort_keys=True) for value in column] if as_text else column
    ran = {name: getattr(setup, name) for name in RUN_COLUMNS}
    points = [block.points[i] for i in indices]
    return {"point": points, **axes, "error": error, **{**ran, **metrics, **axes}}


def mixed(values: Iterable[Any]) -> bool:
    """Whether one column cannot hold these values as they are: lists, or texts and numbers together."""
    kinds = {type(value) for value in values if value is not None}
    return bool(kinds & {list, dict}) or (len(kinds) > 1 and kinds != {int, float})


def to_table(parts: list[Columns]) -> pa.Table:
    """Parts below each other, with the union of their columns in the order of first appearance."""
    import pyarrow as pa

    columns: dict[str, list[Any]] = {name: [] for part in parts for name in part}
    for part in parts:
        n = len(part["point"])
        for name, column in columns.items():
            value = part.get(name)
            column += value if isinstance(value, list) else [value] * n
    return pa.table({name: _column(values) for name, values in columns.items()})


def _column(values: list[Any]) -> pa.Array:
    """Whole numbers where all are whole, else floats."""
    import pyarrow as pa

    kinds = set(map(type, values))
    if {int, float} <= kinds:
        values = [None if value is None else float(value) for value in values]
    return pa.array(values)


def _peak_bytes() -> int:
    """The most memory that this process has had, or 0 where the system does not say."""
    try:
        import resource
        import sys
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
