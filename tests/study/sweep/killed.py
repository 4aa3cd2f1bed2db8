"""What the kill tests run in a process of its own: one sweep, from a server that has everything imported already."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from pathlib import Path

import numpy as np

from neurosim.study.sweep.run import run_sweep


def sweep_in_process(path: str, store: Path, processes: int, began) -> None:
    """Run a sweep; ``began`` is set when its first point is about to run."""
    run_sweep(path, store, processes=processes, progress=lambda *_: began.set())


def run_killed(path: str, store: Path, kills: int, processes: int = 1, seed: int = 0, longest_s: float = 0.6) -> int:
    """Start the sweep and kill it at a random moment of its work, ``kills`` times; how often there were rows already.

    The moment is counted from the first point, so that kills fall into points, writes and claims.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.study.sweep.killed"])
    random, hit = np.random.default_rng(seed), 0
    for _ in range(kills):
        began = context.Event()
        process = context.Process(target=sweep_in_process, args=(path, store, processes, began))
        process.start()
        assert began.wait(120)
        time.sleep(random.uniform(0, longest_s))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        hit += any(store.glob("*/parts/*.parquet")) and not any(store.glob("*/points.parquet"))
    return hit
