"""A Dask cluster gives the rows of one process, also when it loses a worker."""

import os
import signal

import pandas as pd
import pytest

from neurosim.errors import NeurosimError
from neurosim.study.sweep.run import run_sweep
from tests.study.sweep.small import study, write_study

distributed = pytest.importorskip("distributed", reason="Dask is not installed (extra dask)")


@pytest.fixture(scope="module")
def cluster():
    """Two worker processes on this machine."""
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None, silence_logs=50
    ) as made:
        yield made


def test_the_rows_of_one_process_although_a_worker_is_killed(tmp_path, cluster):
    axes = {"chip.core.synapse.lanes": list(range(1, 31)), "technology.node_nm": [28, 0], "energy.hop_*.factor": [1, 2]}
    file = study(tmp_path, axes=axes)
    alone = run_sweep(file, tmp_path / "alone", processes=1)
    killed = []

    def told(_, done, total):
        if not killed and total // 5 < done:
            with distributed.Client(cluster, set_as_default=False) as client:
                pid = next(iter(client.run(os.getpid).values()))
            killed.append(pid)
            os.kill(pid, signal.SIGKILL)

    shared = run_sweep(file, tmp_path / "shared", cluster=cluster.scheduler_address, progress=told)
    assert killed
    shared.attrs = alone.attrs
    pd.testing.assert_frame_equal(shared, alone)
    assert alone["error"].notna().sum() == 60
    files = [next((tmp_path / name).glob("*/points.parquet")) for name in ("alone", "shared")]
    assert files[0].read_bytes() == files[1].read_bytes()


def test_a_scheduler_that_is_not_there(tmp_path, monkeypatch):
    monkeypatch.setattr("neurosim.study.sweep.execute.CONNECT_S", 0.5)
    path = write_study(tmp_path, axes={"samples": [1, 2]})
    with pytest.raises(NeurosimError, match="no scheduler answers there"):
        run_sweep(path, tmp_path / "store", cluster="tcp://127.0.0.1:9")
