"""What the kill tests run in a process of its own: one sweep, from a server that has everything imported already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np

from neurosim.study.sweep.run import run_sweep


def sweep_in_process(path: str, store: Path, processes: int, finished) -> None:
    """Run a sweep; ``finished`` follows the number of points whose rows are kept."""

    def told(_: str, done: int, __: int) -> None:
        finished.value = done

    run_sweep(path, store, processes=processes, progress=told)


def run_killed(path: str, store: Path, points: int, kills: int, processes: int = 1, seed: int = 0) -> int:
    """Start the sweep and kill it, ``kills`` times, each a random number of points and milliseconds later.

    Gives back how many points had rows at the last kill.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.study.sweep.killed", "tests.study.sweep.warm"])
    random, target = np.random.default_rng(seed), 0
    for _ in range(kills):
        target += int(random.integers(1, max(2, points * 9 // (10 * kills))))
        finished = context.Value("q", 0)
        process = context.Process(target=sweep_in_process, args=(path, store, processes, finished))
        process.start()
        while finished.value < target and process.is_alive():
            time.sleep(0.001)
        time.sleep(random.uniform(0, 0.03))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        target = max(target, finished.value)
    assert process.exitcode == -signal.SIGKILL
    return target
