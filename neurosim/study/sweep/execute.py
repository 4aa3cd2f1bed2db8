"""Blocks on processes: one, several on this machine, or those of a Dask cluster. The same call, the same tables.

A block is asked for only when there is room for it, so that two sweeps on one store share the work. A block whose
process dies is tried again, then point by point; a point that takes its process with it becomes a row that says so.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from neurosim.errors import NeurosimError
from neurosim.study.sweep.block import Block, Common, Done, run_block

CONNECT_S = 20.0
_WATCH_S = 0.5

Ended = tuple[Block, Done | None]
"""A block and its rows, or None where the process that had it died."""


class Executor(Protocol):
    """Where blocks run; ``width`` of them at a time."""

    width: int

    def run(self, common: Common, blocks: Iterable[Block]) -> Iterator[Ended]:
        """Each block once, as they end. ``blocks`` is read no faster than there is room."""

    def close(self) -> None:
        """Let go of what the executor has opened."""


class Here:
    """One after another, in this process."""

    width = 1

    def run(self, common: Common, blocks: Iterable[Block]) -> Iterator[Ended]:
        for block in blocks:
            yield block, run_block(common, block)

    def close(self) -> None:
        return


class Processes:
    """joblib's processes on this machine."""

    def __init__(self, width: int) -> None:
        self.width = width

    def run(self, common: Common, blocks: Iterable[Block]) -> Iterator[Ended]:
        from joblib import Parallel, delayed
        from joblib.externals.loky.process_executor import TerminatedWorkerError

        waiting: dict[int, Block] = {}

        def tasks() -> Iterator[Any]:
            for block in blocks:
                waiting[block.number] = block
                yield delayed(_watched)(os.getpid(), common, block)

        pool = Parallel(n_jobs=self.width, return_as="generator_unordered", batch_size=1, pre_dispatch=self.width + 1)
        try:
            for done in pool(tasks()):
                yield waiting.pop(done.number), done
        except TerminatedWorkerError:
            # Which of them did it is not known, so all that were under way go back.
            for block in list(waiting.values()):
                yield block, None

    def close(self) -> None:
        return  # joblib keeps idle processes for the next call, and ends them itself


_WATCHING: list[threading.Thread] = []


def _watched(parent: int, common: Common, block: Block) -> Done:
    """`run_block` in a process that ends soon after ``parent`` does, even when that was killed: it would stay idle for
    minutes otherwise, with all its memory."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(_WATCH_S)
        os._exit(1)

    if not _WATCHING and os.name == "posix":
        _WATCHING.append(threading.Thread(target=watch, daemon=True))
        _WATCHING[0].start()
    return run_block(common, block)


class Cluster:
    """The workers of a Dask cluster at ``address``."""

    def __init__(self, address: str) -> None:
        try:
            from distributed import Client
        except ImportError as error:
            raise NeurosimError(
                "--cluster: needs Dask; install it with: pip install '.[dask]' in a checkout of neurosim, here and on "
                "the workers"
            ) from error
        try:
            self.client = Client(address, timeout=CONNECT_S, set_as_default=False)
        except (OSError, TimeoutError, ValueError) as error:
            raise NeurosimError(
                f"--cluster {address}: no scheduler answers there ({error}); start one with: dask scheduler"
            ) from error
        self.width = max(1, sum(self.client.nthreads().values()))

    def run(self, common: Common, blocks: Iterable[Block]) -> Iterator[Ended]:
        from distributed import as_completed

        queue = iter(blocks)
        waiting: dict[Any, Block] = {}
        ended = as_completed(loop=self.client.loop)

        def send() -> bool:
            block = next(queue, None)
            if block is None:
                return False
            future = self.client.submit(run_block, common, block, pure=False)
            waiting[future.key] = block
            ended.add(future)
            return True

        room = self.width + 1
        while len(waiting) < room and send():
            pass
        while waiting:
            future = next(ended)
            block = waiting.pop(future.key)
            yield block, self._result(future)
            del future
            send()

    @staticmethod
    def _result(future: Any) -> Done | None:
        from distributed import KilledWorker
        from distributed.client import FutureCancelledError

        try:
            return future.result()
        except (KilledWorker, FutureCancelledError):
            return None

    def close(self) -> None:
        self.client.close()


def make_executor(processes: int, cluster: str | None) -> Executor:
    """Dask where an address is given, else this many processes."""
    if cluster is not None:
        return Cluster(cluster)
    return Here() if processes == 1 else Processes(processes)


def run_all(
    executor: Executor,
    common: Common,
    blocks: Callable[[], Iterable[Block]],
    split: Callable[[Block], list[Done]],
) -> Iterator[Done]:
    """Every block's rows, as they end. ``blocks()`` gives what is still to do; ``split`` takes a block apart that has
    cost two processes their life."""
    deaths: dict[int, int] = {}
    while True:
        lost: list[Block] = []
        for block, done in executor.run(common, blocks()):
            if done is not None:
                yield done
                continue
            deaths[block.number] = deaths.get(block.number, 0) + 1
            lost.append(block)
        if not lost:
            return
        for block in lost:
            if deaths[block.number] >= 2:
                yield from split(block)
