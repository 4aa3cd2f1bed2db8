"""Witness: cycle recordings of tinyODIN and ODIN RTL (docs/events.md). Nothing may be off, and a miss must show.

``data/rtl``: a JSON file (events, edges, totals) and an npz (weights, states, membranes) a case.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.validation.rtl import compare

DATA = Path(__file__).parent / "data" / "rtl"
CASES = sorted(path.stem for path in DATA.glob("*.json"))
CORNERS = "tiny_v_f_corner_cases"
ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])


def test_all_cases_are_there():
    assert len(CASES) == 10 and sum(name.startswith("tiny") for name in CASES) == 7


@ENGINES
@pytest.mark.parametrize("case", CASES)
def test_every_value_as_recorded(case, engine):
    (line,) = compare(DATA / f"{case}.json", engine)
    assert line.split()[:3] == ["equal", case, f"[{engine}]:"], line


def test_a_folder_gives_a_line_a_case():
    lines = compare(DATA, "fast")
    assert [line.split()[1] for line in lines] == CASES


def test_tables_come_after_the_recordings(copied):
    path, _ = copied
    table = DATA.parent / "rtl_tables" / "ranc_router_latency.csv"
    shutil.copyfile(table, path.parent / table.name)
    (path.parent / "something_else.csv").write_text("a\n1\n")
    lines = compare(path.parent, "fast")
    assert [line.split()[1] for line in lines] == [CORNERS, table.name]


@pytest.fixture
def copied(tmp_path):
    """A case that may be spoilt: its path, and how to change its JSON and arrays."""
    for suffix in (".json", ".npz"):
        shutil.copyfile(DATA / f"{CORNERS}{suffix}", tmp_path / f"{CORNERS}{suffix}")
    path = tmp_path / f"{CORNERS}.json"

    def spoil(record=None, arrays=None):
        data = json.loads(path.read_text())
        if record is not None:
            record(data)
        path.write_text(json.dumps(data))
        if arrays is not None:
            with np.load(path.with_suffix(".npz")) as stored:
                values = dict(stored)
            arrays(values)
            np.savez_compressed(path.with_suffix(".npz"), **values)

    return path, spoil


def _add(values, index, amount=1):
    values[index] += amount


@pytest.mark.parametrize(
    ("record", "arrays", "message"),
    [
        (lambda d: _add(d["totals"], "total_cycles"), None, "total_cycles 590, recorded 591"),
        (lambda d: _add(d["events"][7], "ack_fall"), None, "handshakes [7, 3]: 71, recorded 72 (1 differ)"),
        (lambda d: _add(d["output_spikes"]["rows"][1], 0), None, "output_spikes [1, 0]: 492, recorded 493"),
        (lambda d: d["aer_out"]["rows"].pop(), None, "aer_out: 2 rows, recorded 1"),
        (lambda d: d["fifo_full_changes"].append([3, 1]), None, "fifo_full_changes: 0 rows, recorded 1"),
        (lambda d: _add(d["totals"], "synapse_sram_access_cycles"), None, "synapse_sram_access_cycles 20, recorded 21"),
        (lambda d: _add(d["totals"], "fifo_dropped_pushes"), None, "fifo_dropped_pushes 0, recorded 1"),
        (None, lambda a: _add(a["state_runs"], (9, 1)), "state_runs [9, 1]"),
        (None, lambda a: _add(a["v_after_op"], (40, 5)), "v_after_op [40, 5]"),
        (None, lambda a: _add(a["threshold"], 0, 9), "output_spikes"),
    ],
)
def test_a_recording_that_differs_is_a_miss(copied, record, arrays, message):
    path, spoil = copied
    spoil(record, arrays)
    (line,) = compare(path, "fast")
    assert line.split()[:3] == ["miss", CORNERS, "[fast]:"] and message in line


@pytest.mark.parametrize(
    ("record", "arrays", "message"),
    [
        (lambda d: d.pop("handshake"), None, "'handshake' is missing"),
        (lambda d: d.update(format="other"), None, "expected an object with format 'rtl-golden-1'"),
        (lambda d: d.update(design="Loihi"), None, "design 'Loihi', expected one of tinyODIN, ODIN"),
        (lambda d: d["events"][0].update(type="burst"), None, "event type 'burst'"),
        (lambda d: d["events"][0].update(neuron=99), None, "event 0 is virtual at 99, expected at most 15"),
        (lambda d: d["events"][0].update(weight="x"), None, "malformed"),
        (lambda d: d.update(events=3), None, "malformed"),
        (lambda d: d["config"].update(fifo_depth=0), None, "fifo_depth 0; expected"),
        (lambda d: d.update(state_names={}), None, "state_names"),
        (None, lambda a: a.pop("leak"), "'leak' is missing"),
        (None, lambda a: a.update(weights=a["weights"][:5]), r"program.weights: got int8 (5, 256)"),
    ],
)
def test_a_recording_that_cannot_be_used_is_refused(copied, record, arrays, message):
    path, spoil = copied
    spoil(record, arrays)
    with pytest.raises(NeurosimError) as caught:
        compare(path, "fast")
    assert message in str(caught.value) and str(path.parent) in str(caught.value)


def test_nothing_to_compare(tmp_path):
    with pytest.raises(NeurosimError, match="no recording of tinyODIN, ODIN, RANC or ReckOn"):
        compare(tmp_path)
    with pytest.raises(NeurosimError, match="no such file or folder"):
        compare(tmp_path / "absent.json")
    (tmp_path / "bad.json").write_text("{")
    with pytest.raises(NeurosimError, match="not a readable JSON file"):
        compare(tmp_path)
