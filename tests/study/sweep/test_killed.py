"""kill -9 at any moment, then again: nothing lost, nothing run twice, nothing half-written read."""

import os
import sys

import pandas as pd
import pytest

from neurosim.study.sweep import execute
from neurosim.study.sweep.run import run_sweep
from tests.study.sweep.killed import run_killed
from tests.study.sweep.small import write_study

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")


def held_to_an_undisturbed_run(folder, monkeypatch, kills, points, **options):
    path = write_study(
        folder, axes={"chip.core.synapse.lanes": list(range(1, points // 2 + 1)), "technology.node_nm": [28, 45]}
    )
    undisturbed = run_sweep(path, folder / "whole", processes=1)
    store = folder / "store"
    assert 0 < run_killed(path, store, points, kills, **options) < points
    assert not any(store.glob("*/points.parquet"))
    there = {part.name: part.stat().st_mtime_ns for part in store.glob("*/parts/*.parquet")}
    ran, real = [], execute.run_block
    monkeypatch.setattr(execute, "run_block", lambda common, block: (ran.append(block.number), real(common, block))[1])
    resumed = run_sweep(path, store, processes=1)
    resumed.attrs = undisturbed.attrs
    pd.testing.assert_frame_equal(resumed, undisturbed)
    assert sorted([*(int(name[6:12]) for name in there), *ran]) == list(range(points // 2)), "each block once"
    assert all(os.stat(next(store.glob(f"*/parts/{name}"))).st_mtime_ns == then for name, then in there.items())
    files = [next((folder / name).glob("*/points.parquet")) for name in ("whole", "store")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_three_kills(tmp_path, monkeypatch):
    held_to_an_undisturbed_run(tmp_path, monkeypatch, kills=3, points=200)


@pytest.mark.slow
@pytest.mark.ci
@pytest.mark.parametrize(("processes", "kills"), [(1, 20), (2, 5)])
def test_many_kills(tmp_path, monkeypatch, processes, kills):
    held_to_an_undisturbed_run(tmp_path, monkeypatch, kills=kills, points=300, processes=processes, seed=processes)
