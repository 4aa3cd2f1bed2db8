"""A sweep from its study to its rows: what is there already is kept, the rest is run, and all of it is one table."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import NeurosimError
from neurosim.run import Progress
from neurosim.study.file import StudyFile, load_study
from neurosim.study.sweep.block import Block, Common, Done, failed_block, make_block, mixed
from neurosim.study.sweep.blocks import cut_blocks
from neurosim.study.sweep.design import make_design
from neurosim.study.sweep.estimate import estimated
from neurosim.study.sweep.execute import Executor, make_executor, run_all
from neurosim.study.sweep.file import SweepStudy
from neurosim.study.sweep.inputs import Inputs, read_inputs
from neurosim.study.sweep.store import Store

if TYPE_CHECKING:
    import pandas as pd

DEFAULT_STORE = Path("neurosim-sweeps")
LONG_S = 60.0
_POLL_S = 0.2
DIED = (
    "the process that ran this point was killed, which most often means that memory ran out; take fewer samples or "
    "a machine with more memory"
)


def run_sweep(
    study: str | Path | StudyFile,
    store: Path | None = None,
    *,
    processes: int | None = None,
    cluster: str | None = None,
    progress: Progress | None = None,
    say: Callable[[str], None] | None = None,
) -> pd.DataFrame:
    """Run what is missing of a ``kind: sweep`` study (a shipped name, a file, or one that is loaded); all its rows.

    One row a point, in the order of the study: ``point``, the axes, ``error`` (None, or why the point has no metrics),
    what ran, then every metric (docs/sweep.md). ``store`` is the folder that keeps the rows (default
    ``neurosim-sweeps``); a sweep that was stopped, however, goes on from there. ``processes`` at a time on this machine
    (None: one a CPU), or the workers of the Dask ``cluster`` at that address. ``say`` is told, line by line, what is
    about to happen; a study of more than a minute is announced with an estimate of its time and memory.

    Raises NeurosimError before anything runs for a study that cannot: unknown axis, empty range, too many points.
    """
    file = study if isinstance(study, StudyFile) else load_study(str(study))
    if not isinstance(file.study, SweepStudy):
        raise NeurosimError(
            f"{file.path}: kind: got {file.study.kind!r}, expected 'sweep' (neurosim report runs others)"
        )
    if processes is not None and processes < 1:
        raise NeurosimError(f"processes: got {processes}, expected at least 1")
    return _Sweep(file, store or DEFAULT_STORE, progress, say or (lambda _: None)).run(
        processes or os.cpu_count() or 1, cluster
    )


class _Sweep:
    """One call of `run_sweep`."""

    def __init__(self, file: StudyFile, store: Path, progress: Progress | None, say: Callable[[str], None]) -> None:
        self.file, self.progress, self.say = file, progress, say
        design = make_design(file.study, str(file.path))
        self.inputs: Inputs = read_inputs(file, design)
        self.design = design
        self.blocks, self.timings = cut_blocks(design)
        self.store = Store(store, self.inputs.key, file.study.title, self.blocks)
        self.pending: list[int] = []
        self.finished = 0

    def run(self, processes: int, cluster: str | None) -> pd.DataFrame:
        if not self.store.complete():
            done = self.store.done()
            self.pending = [number for number in range(len(self.blocks)) if number not in done]
            self.finished = sum(len(self.blocks[number]) for number in done)
            self._announce()
            if self.pending:
                self._run_pending(processes, cluster)
            self.store.consolidate(self.columns)
        else:
            self.say(f"all {self.design.n_points} points are in {self.store.final}")
        return self.frame()

    @property
    def columns(self) -> list[str]:
        return ["point", *(axis.name for axis in self.design.axes), "error"]

    def frame(self) -> pd.DataFrame:
        import pyarrow.parquet as pq

        frame = pq.read_table(self.store.final).to_pandas()
        frame.attrs = {
            "title": self.file.study.title, "store": str(self.store.folder), "axes": [a.name for a in self.design.axes],
        }  # fmt: skip
        return frame

    def _announce(self) -> None:
        shown = ", ".join(f"{axis.name} ({len(axis.values)} values)" for axis in self.design.axes)
        left_out = f" ({self.design.left_out} more left out by constraints)" if self.design.left_out else ""
        self.say(f"{self.design.n_points} points{left_out} over {shown}")
        if self.finished:
            self.say(f"{self.finished} points are in {self.store.folder} already")

    def _common(self, folder: Path | None, threads: int | None) -> Common:
        axes = tuple((axis.name, mixed(axis.values)) for axis in self.design.axes)
        i = self.inputs
        return Common(i.key, i.base, axes, i.chips, i.workloads, i.mappings, folder, threads)

    def _run_pending(self, processes: int, cluster: str | None) -> None:
        # Where all points share one timing there is little to share out, and a process takes seconds to start.
        executor = make_executor(min(processes, len(self.pending), self.timings), cluster)
        folder = (self.store.folder / "traces").absolute()
        common = self._common(folder, 1 if executor.width > 1 or cluster is not None else None)
        try:
            self._tell()
            timed = list(self._run(executor, common, self._probe(executor.width)))
            guess = estimated(timed, self.design.n_points - self.finished, executor.width)
            if guess is not None and guess.seconds > LONG_S:
                self.say(str(guess))
            while self.pending:
                for _ in self._run(executor, common, list(self.pending)):
                    pass
                self._look_for_others()
        finally:
            executor.close()

    def _probe(self, width: int) -> list[int]:
        """A few blocks spread over what is to be done, by which the rest is estimated; none where there is little."""
        wanted = 3 * width
        if len(self.pending) < 3 * wanted:
            return []
        step = len(self.pending) // wanted
        return self.pending[: step * wanted : step]

    def _run(self, executor: Executor, common: Common, numbers: list[int]) -> Iterator[Done]:
        """Run those of the blocks that no other process holds, and keep their rows."""

        def blocks() -> Iterator[Block]:
            for number in numbers:
                if number in waiting and (number in self.store.held or self.store.claim(number)):
                    yield make_block(number, self.blocks[number], self.design)

        def split(block: Block) -> list[Done]:
            return [_point_by_point(executor, common, block)]

        waiting = set(self.pending)
        for done in run_all(executor, common, blocks, split):
            self.store.write(done.number, done.table)
            waiting.discard(done.number)
            self._is_done(done.number)
            yield done

    def _is_done(self, number: int) -> None:
        self.pending.remove(number)
        self.finished += len(self.blocks[number])
        self._tell()

    def _tell(self) -> None:
        if self.progress is not None:
            self.progress("points", self.finished, self.design.n_points)

    def _look_for_others(self) -> None:
        """Blocks that another sweep on this store has ended; a pause where it is still at all that are left."""
        ended = [number for number in self.pending if self.store.has(number)]
        for number in ended:
            self._is_done(number)
        if self.pending and not ended:
            time.sleep(_POLL_S)


def _point_by_point(executor: Executor, common: Common, block: Block) -> Done:
    """A block that has cost processes their life: each point alone; one that does it again is a row that says so."""
    import pyarrow as pa

    tables: list[Any] = []
    for i in range(len(block.points)):
        one = Block(block.number, block.points[i : i + 1], block.values[i : i + 1], block.settings[i : i + 1])
        for _, done in executor.run(common, [one]):
            tables.append((done or failed_block(common, one, DIED)).table)
    return Done(block.number, pa.concat_tables(tables, promote_options="permissive"), (), 0)
