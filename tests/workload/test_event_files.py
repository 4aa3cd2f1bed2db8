"""Event streams through files, there and back, and files that are not what they say."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.workload import event_files
from neurosim.workload.event_files import read_events, write_events
from neurosim.workload.event_stream import EVENT
from tests.workload.test_event_stream import random_events


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 10**6), st.integers(1, 3))
def test_there_and_back(tmp_path, seed, several):
    parts = [random_events(seed + k, n=10 + k) for k in range(several)]
    write_events(tmp_path / "e.csv", parts)
    back = read_events(tmp_path / "e.csv")
    assert len(back) == several and all(np.array_equal(a, b) for a, b in zip(parts, back, strict=True))
    for name in ("one.csv", "one.npy"):
        write_events(tmp_path / name, parts[0])
        (alone,) = read_events(tmp_path / name)
        assert alone.dtype == EVENT and np.array_equal(alone, parts[0])


def test_columns_in_any_order_with_remarks_and_packed(tmp_path):
    text = "# from a camera\np, t, x, y, note\n1, 30, 1, 2, a\n-1, 20, 3, 4, b\n"
    want = np.array([(3, 4, 20, False), (1, 2, 30, True)], EVENT)
    (tmp_path / "e.csv").write_text(text)
    (tmp_path / "e.csv.gz").write_bytes(gzip.compress(text.encode()))
    for name in ("e.csv", "e.csv.gz"):
        assert np.array_equal(read_events(tmp_path / name)[0], want)


def test_archives(tmp_path):
    events = random_events(3)
    np.savez(tmp_path / "a.npz", events=events)
    np.savez(tmp_path / "b.npz", **{name: events[name] for name in "xytp"}, sample=np.arange(50) % 2)
    assert np.array_equal(read_events(tmp_path / "a.npz")[0], events)
    assert [part.size for part in read_events(tmp_path / "b.npz")] == [25, 25]


def test_a_sample_without_events(tmp_path):
    (tmp_path / "e.csv").write_text("x,y,t,p,sample\n0,0,1,1,0\n0,0,1,1,2\n")
    assert [part.size for part in read_events(tmp_path / "e.csv")] == [1, 0, 1]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y,t\n1,2,3\n", "line 1: missing column p"),
        ("1,2,3,1\n", "line 1: missing column"),
        ("x,y,t,p\n", "a header without lines"),
        ("", "missing column"),
        ("x,y,t,p\n1,2,3,1\n1,2,soon,1\n", "line 3, column t: got 'soon'"),
        ("x,y,t,p\n1,2,3,1\n1,2,3\n", "line 3: 3 cells, expected 4"),
        ("x,y,t,p\n1.5,2,3,1\n", "line 2, column x: got '1.5', expected a whole number of 0 to 32767"),
        ("x,y,t,p\n99999,2,3,1\n", "x of event 0: got 99999"),
        ("x,y,t,p\n1,2,99999999999999999999,1\n", "line 2, column t"),
        ("x,y,t,p,sample\n1,2,3,1,-1\n", "numbers of -1 to 0"),
        ("x,y,t,p,sample\n1,2,3,1,1000000000\n", "for 1 events; count from 0"),
    ],
)
def test_bad_tables_are_named_by_line(tmp_path, text, said):
    (tmp_path / "e.csv").write_text(text)
    with pytest.raises(NeurosimError) as error:
        read_events(tmp_path / "e.csv")
    assert said in str(error.value) and "e.csv" in str(error.value)


def test_other_bad_files(tmp_path, monkeypatch):
    with pytest.raises(NeurosimError, match=r"no\.csv: not a readable"):
        read_events(tmp_path / "no.csv")
    np.save(tmp_path / "o.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(NeurosimError, match=r"o\.npy"):
        read_events(tmp_path / "o.npy")
    np.savez(tmp_path / "s.npz", x=np.zeros(2), y=np.zeros(2), t=np.zeros(2), p=np.zeros(2), sample=np.zeros(3, int))
    with pytest.raises(NeurosimError, match="sample: int64"):
        read_events(tmp_path / "s.npz")
    monkeypatch.setattr("neurosim.csv_rows.MAX_BYTES", 10)
    (tmp_path / "big.csv.gz").write_bytes(gzip.compress(b"x,y,t,p\n1,1,1,1\n"))
    with pytest.raises(NeurosimError, match="more than 10 bytes unpacked"):
        read_events(tmp_path / "big.csv.gz")
    with pytest.raises(NeurosimError, match=r"name it \.csv"):
        write_events(tmp_path / "e.npy", [random_events(1)])


def test_aedat4_without_its_library(tmp_path, monkeypatch):
    monkeypatch.setattr(event_files, "find_spec", lambda name: None)
    with pytest.raises(NeurosimError, match=r"pip install '\.\[events\]'"):
        read_events(tmp_path / "e.aedat4")


def test_aedat4(tmp_path, monkeypatch):
    """Written by the camera maker's own library, uncompressed and compressed; read by ours."""
    pytest.importorskip("aedat")
    dv = pytest.importorskip("dv_processing")
    events = random_events(5)
    store = dv.EventStore()
    for x, y, t, p in events.tolist():
        store.push_back(t, x, y, p)
    for compression in (dv.CompressionType.NONE, dv.CompressionType.LZ4):
        path = tmp_path / "e.aedat4"
        config = dv.io.MonoCameraWriter.Config("camera", compression)
        config.addEventStream((5, 4))
        writer = dv.io.MonoCameraWriter(dv.Path(str(path)), config)
        writer.writeEvents(store)
        del writer
        (back,) = read_events(path)
        assert np.array_equal(back, events)
    monkeypatch.setattr(event_files, "MAX_EVENTS", 10)
    with pytest.raises(NeurosimError, match="over 10 events"):
        read_events(path)


def test_damaged_aedat4(tmp_path):
    pytest.importorskip("aedat")
    (tmp_path / "e.aedat4").write_bytes(b"#!AER-DAT4.0\r\n" + bytes(range(200)))
    for name, said in (("e.aedat4", "not a readable AEDAT4 file"), ("none.aedat4", "no such file")):
        with pytest.raises(NeurosimError, match=said):
            read_events(tmp_path / name)


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("import os; os.abort()", "its reader stopped; damaged or truncated?"),
        ("import sys; print('no streams', file=sys.stderr); sys.exit(3)", "no streams"),
        ("import time; time.sleep(60)", "not read within 2 s"),
    ],
)
def test_a_reader_that_fails_takes_nobody_along(tmp_path, monkeypatch, program, said):
    (tmp_path / "aedat4_worker.py").write_text(program)
    (tmp_path / "e.aedat4").write_bytes(b"")
    monkeypatch.setattr(event_files, "__file__", str(tmp_path / "event_files.py"))
    monkeypatch.setattr(event_files, "find_spec", lambda name: True)
    with pytest.raises(NeurosimError) as error:
        event_files.read_aedat4(tmp_path / "e.aedat4", seconds=2)
    assert said in str(error.value)
