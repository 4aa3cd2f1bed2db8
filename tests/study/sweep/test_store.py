"""The store: whole files only, claims that end with their process."""

import multiprocessing
import os
import signal
import threading

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from neurosim.errors import NeurosimError
from neurosim.study.sweep import claim
from neurosim.study.sweep.run import run_sweep
from neurosim.study.sweep.store import Store
from tests.study.sweep.small import study

BLOCKS = [np.array([2, 0]), np.array([1, 3])]


def rows(points, **columns):
    return pa.table({"point": points, "a": [p * 10 for p in points], **columns})


def test_rows_come_out_in_the_order_of_the_points(tmp_path):
    store = Store(tmp_path, "k" * 64, "t", BLOCKS)
    assert store.done() == set() and not store.complete()
    assert store.claim(1)
    store.write(1, rows([1, 3], **{"e.z": [1.0, 2.0], "e": [1, 2], "e.b": [None, 1]}))
    assert store.done() == {1}
    store.write(0, rows([2, 0], **{"e": [2, 2], "q": ["x", None]}))
    table = store.consolidate(["point", "a"])
    found = pd.read_parquet(table)
    assert found["point"].tolist() == [0, 1, 2, 3] and found["a"].tolist() == [0, 10, 20, 30]
    assert found.columns.tolist() == ["point", "a", "e", "e.b", "e.z", "q"]
    assert store.complete() and not Store(tmp_path, "j" * 64, "t", BLOCKS).complete()
    assert not list(store.folder.rglob("*.part"))


def test_a_part_that_is_cut_short_or_of_another_size_runs_again(tmp_path):
    store = Store(tmp_path, "k" * 64, "t", BLOCKS)
    store.write(0, rows([2, 0]))
    store.write(1, rows([1]))
    whole = store.part(0).read_bytes()
    store.part(0).write_bytes(whole[: len(whole) // 2])
    assert store.done() == set()
    assert not store.part(0).exists() and not store.part(1).exists()


def test_a_file_that_was_being_written_is_never_read(tmp_path):
    store = Store(tmp_path, "k" * 64, "t", BLOCKS)
    (store.folder / "parts" / ".block-000000.parquet.abc.part").write_bytes(b"PAR1")
    assert store.done() == set()


def test_a_store_of_another_study_is_refused(tmp_path):
    folder = Store(tmp_path, "k" * 64, "t", BLOCKS).folder
    with pytest.raises(NeurosimError, match="is of another study"):
        Store(tmp_path, "k" * 16 + "j" * 48, "t", BLOCKS)
    (folder / "study.json").write_text("{")
    assert Store(tmp_path, "k" * 64, "t", BLOCKS).done() == set()
    (tmp_path / "file").write_text("")
    with pytest.raises(NeurosimError, match="choose another --store"):
        Store(tmp_path / "file", "k" * 64, "t", BLOCKS)


def test_one_holds_a_claim(tmp_path):
    one, two = Store(tmp_path, "k" * 64, "t", BLOCKS), Store(tmp_path, "k" * 64, "t", BLOCKS)
    assert one.claim(0) and not two.claim(0) and two.claim(1)
    one.write(0, rows([2, 0]))
    assert not two.claim(0), "its rows are there"
    two.release(1)
    assert one.claim(1)


def test_a_folder_that_cannot_be_locked_is_one_line(tmp_path, monkeypatch):
    store = Store(tmp_path, "k" * 64, "t", BLOCKS)
    (store.folder / "claims").rmdir()
    with pytest.raises(NeurosimError, match=r"cannot be locked .*choose another --store"):
        store.claim(0)


def _hold(path, ready):
    assert claim.take(path) is not None
    ready.set()
    signal.pause()


def test_a_claim_ends_with_its_process_however_it_ends(tmp_path):
    context = multiprocessing.get_context("spawn")
    ready, path = context.Event(), tmp_path / "claim"
    holder = context.Process(target=_hold, args=(path, ready))
    holder.start()
    assert ready.wait(60)
    assert claim.take(path) is None
    os.kill(holder.pid, signal.SIGKILL)
    holder.join()
    handle = claim.take(path)
    assert handle is not None
    claim.give(path, handle)
    assert not path.exists()


def test_one_who_waits_gets_it_next(tmp_path):
    path, order = tmp_path / "claim", []
    handle = claim.take(path)

    def wait():
        with claim.waiting_claim(path):
            order.append("second")

    waiter = threading.Thread(target=wait)
    waiter.start()
    order.append("first")
    claim.give(path, handle)
    waiter.join(30)
    assert order == ["first", "second"] and not path.exists()


def test_two_sweeps_on_one_store_share_the_points(tmp_path, monkeypatch):
    file = study(tmp_path, axes={"chip.core.synapse.lanes": list(range(1, 31))})
    alone = run_sweep(file, tmp_path / "alone", processes=1)
    from neurosim.study.sweep import execute

    ran, real = [], execute.run_block
    monkeypatch.setattr(execute, "run_block", lambda common, block: (ran.append(block.number), real(common, block))[1])
    frames = {}
    threads = [
        threading.Thread(target=lambda k=k: frames.update({k: run_sweep(file, tmp_path / "both", processes=1)}))
        for k in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert sorted(ran) == list(range(30)), "each block once, by one of the two"
    for frame in frames.values():
        frame.attrs = alone.attrs
        pd.testing.assert_frame_equal(frame, alone)
    assert len(frames) == 2
