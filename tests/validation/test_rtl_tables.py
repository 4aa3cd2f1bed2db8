"""Witness: cycle tables of RANC and ReckOn RTL. No row may be off, a changed row must show, and so must a changed chip.

``data/rtl_tables``: ticks of a core, packets on a mesh (one alone, 25 to one core), steps of an e-prop controller.
"""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.validation import rtl_tables
from neurosim.validation.rtl import compare

DATA = Path(__file__).parent / "data" / "rtl_tables"
ROWS = {
    "ranc_core_tick_cycles.csv": 3,
    "ranc_router_convergence.csv": 25,
    "ranc_router_latency.csv": 7,
    "reckon_step_cycles.csv": 56,
}
# What the 25 packets decide: for each way out, which input goes before which.
DECIDED = {
    "north": [("south", "west"), ("west", "east")],
    "south": [("north", "west"), ("west", "east")],
    "local": [("south", "west"), ("west", "east"), ("east", "north")],
}


@pytest.mark.parametrize("engine", ["reference", "fast"])
def test_every_row_as_recorded(engine):
    lines = compare(DATA, engine)
    assert [line.split(": ")[0] for line in lines] == [f"equal         {name} [{engine}]" for name in ROWS]
    assert [int(line.split(": ")[1].split()[0]) for line in lines] == list(ROWS.values())


def spoilt(tmp_path, name, line, column, change):
    lines = (DATA / name).read_text("utf-8").splitlines()
    cells = lines[line - 1].split(",")
    at = lines[0].split(",").index(column)
    cells[at] = change(cells[at])
    lines[line - 1] = ",".join(cells)
    (tmp_path / name).write_text("\n".join(lines) + "\n")
    return tmp_path / name


def one_more(text):
    return str(int(text) + 1)


@pytest.mark.parametrize(
    ("name", "line", "column", "recorded"),
    [
        ("ranc_core_tick_cycles.csv", 4, "cycles_non_idle_per_tick", "66050, recorded 66051"),
        ("ranc_router_convergence.csv", 9, "cycle_scheduler_write", "68, recorded 69"),
        ("ranc_router_latency.csv", 5, "cycles_spike_to_scheduler_write", "8, recorded 9"),
        ("reckon_step_cycles.csv", 7, "cycles_STEP", "100, recorded 101"),
        ("reckon_step_cycles.csv", 7, "cycles_SDONE", "1, recorded 2"),
        ("reckon_step_cycles.csv", 7, "cycles_EPROP", "696, recorded 697"),
        ("reckon_step_cycles.csv", 7, "cycles_scan_CNT", "100, recorded 101"),
        ("reckon_step_cycles.csv", 7, "cycles_event_EVT", "3120, recorded 3121"),
        ("reckon_step_cycles.csv", 7, "cycles_trace_SUPP", "76, recorded 77"),
        ("reckon_step_cycles.csv", 7, "cycles_total", "4093, recorded 4094"),
    ],
)
def test_a_row_that_differs_is_a_miss(tmp_path, name, line, column, recorded):
    (verdict,) = compare(spoilt(tmp_path, name, line, column, one_more), "fast")
    assert verdict == f"miss          {name} [fast]: line {line} {column} {recorded}"


@pytest.mark.parametrize(
    ("name", "line", "column", "value", "message"),
    [
        ("ranc_core_tick_cycles.csv", 2, "n_neurons", "0", "line 2, column n_neurons: got '0', expected a whole"),
        ("ranc_router_latency.csv", 3, "dx", "64", "column dx: got '64'"),
        ("ranc_router_convergence.csv", 3, "src_x", "x", "column src_x: got 'x'"),
        (
            "reckon_step_cycles.csv",
            3,
            "n_output",
            "17",
            "column n_output: got '17', expected a whole number of 1 to 16",
        ),
        ("reckon_step_cycles.csv", 3, "input_events", "17", "step 1, input_events: got 17, expected 0 to 16"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(tmp_path, name, line, column, value, message):
    with pytest.raises(NeurosimError) as caught:
        compare(spoilt(tmp_path, name, line, column, lambda _: value), "fast")
    assert message in str(caught.value) and name in str(caught.value)


def with_order(monkeypatch, way, order):
    chip = load_chip("ranc")
    priority = chip.router.priority.model_copy(update={way: order})
    changed = chip.model_copy(update={"router": chip.router.model_copy(update={"priority": priority})})
    monkeypatch.setattr(rtl_tables, "load_chip", lambda name: changed)
    (line,) = compare(DATA / "ranc_router_convergence.csv", "fast")
    return line.split()[0]


@pytest.mark.parametrize("way", ["east", "west", "north", "south", "local"])
def test_the_order_is_what_the_rows_decide_and_no_more(monkeypatch, way):
    shipped = getattr(load_chip("ranc").router.priority, way)
    for order in itertools.permutations(shipped):
        kept = all(order.index(a) < order.index(b) for a, b in DECIDED.get(way, []))
        assert with_order(monkeypatch, way, order) == ("equal" if kept else "miss"), order


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ({"router": {"arbitration": "round_robin", "priority": None}}, "ranc_router_convergence"),
        ({"router": {"injection_cycles": 3}}, "ranc_router_latency"),
        ({"router": {"queue_depth_flits": 1}}, "ranc_router_convergence"),
    ],
)
def test_another_chip_is_a_miss(monkeypatch, part, change):
    chip = load_chip("ranc")
    changed = chip.model_copy(update={k: getattr(chip, k).model_copy(update=v) for k, v in part.items()})
    monkeypatch.setattr(rtl_tables, "load_chip", lambda name: changed)
    (line,) = compare(DATA / f"{change}.csv", "fast")
    assert line.startswith("miss")
