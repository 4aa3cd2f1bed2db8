"""Comparisons: equal samples, rows with reasons, fronts, savings, plain data."""

import csv
import io
import json

import numpy as np
import pytest

from neurosim import compare_workloads, simulate
from neurosim.errors import NeurosimError
from neurosim.study import table
from neurosim.study.compare import NothingRuns, _common_start
from neurosim.study.proxy import MAC_AC, PROXY, extremes, savings
from neurosim.study.table import caption, on_front, plain_rows, to_csv, to_json
from tests.study.small import workload


@pytest.fixture(scope="module")
def three():
    made = [workload("a-float", codec="float"), workload("a-w8"), workload("a-w1", codec="w1")]
    return compare_workloads(made, "edge-28nm", processes=1)


def test_rows_are_the_runs_themselves(three):
    for row in three.rows:
        alone = simulate(
            workload(row.name, codec={"a-float": "float", "a-w8": "w8", "a-w1": "w1"}[row.name]), "edge-28nm"
        )
        assert row.result.energy_pj == alone.energy_pj and row.result.cycles_total == alone.cycles_total
    rows = plain_rows(three)
    assert [row["name"] for row in rows] == ["a-float", "a-w8", "a-w1"]
    for row, result in zip(rows, three.results, strict=True):
        assert row["energy_pj_per_sample"] == pytest.approx(result.energy_pj / 4, rel=1e-12)
        assert row["energy_low_pj_per_sample"] < row["energy_pj_per_sample"] < row["energy_high_pj_per_sample"]
        groups = sum(row[f"{g}_bits"] for g in ("weights", "indices", "codebooks", "padding", "membranes", "routing"))
        assert groups + row["buffers_bits"] == row["footprint_bits"] == result.to_json()["footprint_bits"]["total"]


def test_processes_do_not_change_a_number(three):
    again = compare_workloads(
        [workload("a-float", codec="float"), workload("a-w8"), workload("a-w1", codec="w1")], "edge-28nm", processes=2
    )
    assert to_json(again) == to_json(three)


def test_shipped_workloads_with_their_twins():
    seen = []
    made = compare_workloads(
        ["mnist-mlp-w4", "mnist-mlp-w1"], samples=3, against="ann", processes=1,
        progress=lambda stage, done, total: seen.append((stage, done, total)),
    )  # fmt: skip
    (twin,) = made.twins
    assert twin.name == "ANN of mnist-mlp" and twin.of == ("mnist-mlp-w4", "mnist-mlp-w1")
    assert twin.energy_pj == pytest.approx(made.results[0].ann["energy_pj"] / 3)
    assert [row["kind"] for row in plain_rows(made)] == ["snn", "snn", "ann"]
    assert seen == [("workloads", 1, 2), ("workloads", 2, 2), ("waterfalls", 1, 1)]
    assert json.loads(json.dumps(to_json(made), allow_nan=False))["rows"][2]["footprint_bits"] is None
    assert list(made.frame()["name"]) == ["mnist-mlp-w4", "mnist-mlp-w1", "ANN of mnist-mlp"]


def test_a_workload_that_the_chip_cannot_run_is_a_row_with_the_reason():
    made = compare_workloads(
        [workload("a-float", codec="float"), workload("a-w8")], "loihi-2018", processes=1,
        waterfalls=[("a-float", "a-w8")],
    )  # fmt: skip
    assert [row.result is None for row in made.rows] == [True, False]
    assert "float32 of 32 bits is not supported by chip loihi-2018" in made.rows[0].reason
    assert "a-float did not run" in made.waterfalls[0].reason
    assert plain_rows(made)[0]["reason"] == made.rows[0].reason and plain_rows(made)[0]["accuracy"] is None


def test_a_chip_that_runs_nothing_says_why():
    with pytest.raises(NothingRuns, match=r"runs none of the 1 workloads\. a-float: .*float32"):
        compare_workloads([workload("a-float", codec="float")], "loihi-2018", processes=1)
    with pytest.raises(NothingRuns, match="execution is 'event'"):
        compare_workloads([workload("a-w8")], "tinyodin", processes=1)


def test_unequal_samples_and_inputs_are_said():
    made = compare_workloads([workload("a", samples=4), workload("b", samples=2)], samples=3, processes=1)
    assert made.samples == 2 and {r.samples for r in made.results} == {2}
    assert any("2 samples instead of 3" in line for line in caption(made))
    assert any("not the same input for all (1: a; 2: b)" in line for line in caption(made))
    same = compare_workloads([workload("a"), workload("b", codec="w4")], samples=4, processes=1)
    assert [note for note in same.notes if "counted once and shared" not in note] == []


def test_one_name_twice_stays_two_rows():
    made = compare_workloads([workload("a"), workload("a", codec="w1")], processes=1)
    assert [row.name for row in made.rows] == ["a", "a (2)"]
    assert [r.workload for r in made.results] == ["a", "a (2)"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"samples": 0}, "samples: got 0, expected at least 1"),
        ({"timesteps": 0}, "timesteps: got 0, expected at least 1"),
        ({"against": "gpu"}, "against: got 'gpu', expected ann"),
        ({"processes": 0}, "processes: got 0, expected at least 1"),
        ({"waterfalls": [("a", "z")]}, "'z' is not compared; have a"),
        ({"chip": "edge-28"}, "edge-28"),
    ],
)
def test_wrong_arguments_are_refused_before_the_work(change, message):
    with pytest.raises(NeurosimError, match=message):
        compare_workloads([workload("a")], **{"processes": 1, **change})


def test_no_workloads_and_unknown_ones():
    with pytest.raises(NeurosimError, match="got 0 workloads, expected 1 to 200"):
        compare_workloads([], processes=1)
    with pytest.raises(NeurosimError, match="did you mean 'mnist-mlp-w1'"):
        compare_workloads(["mnist-mlp-w11"], processes=1)


class Point:
    """What `on_front` looks at."""

    def __init__(self, accuracy, energy, labels=(0, 1)):
        self.accuracy, self.energy_pj, self.samples = accuracy, energy, 1
        self.labels = np.array(labels)


def test_the_front_by_definition():
    points = [Point(0.9, 5.0), Point(0.8, 3.0), Point(0.8, 4.0), Point(0.9, 5.0), Point(0.95, 9.0), Point(None, 1.0)]
    assert on_front(points, "energy") == [True, True, False, True, True, False]
    other_questions = [Point(0.9, 5.0), Point(0.99, 1.0, labels=(1, 1))]
    assert on_front(other_questions, "energy") == [True, True]


def test_savings_against_the_widest(three):
    found = savings(three.results)
    assert [(s.name, s.reference, s.weight_bits) for s in found] == [("a-w8", "a-float", 8.0), ("a-w1", "a-float", 1.0)]
    wide, _, narrow = three.results
    assert found[1].chip == pytest.approx(wide.energy_pj / narrow.energy_pj)
    rows = plain_rows(three)
    for name, key in ((PROXY, "proxy_ac_pj_per_sample"), (MAC_AC, "proxy_mac_ac_pj_per_sample")):
        assert found[1].claimed[name] == pytest.approx(rows[0][key] / rows[2][key])
    # The proxy by hand: 0.9 pJ for every synaptic event.
    assert rows[0]["proxy_ac_pj_per_sample"] == pytest.approx(0.9 * rows[0]["synaptic_events_per_sample"])
    assert [s.name for s in extremes(found)] == ["a-w1"]


def test_networks_with_other_populations_are_no_family():
    made = compare_workloads([workload("a"), workload("b", codec="w4", hidden=5)], processes=1)
    assert savings(made.results) == [] and made.waterfalls == ()


def test_the_waterfalls_nobody_asked_for_go_from_wide_to_narrow():
    made = compare_workloads(
        [workload("a", codec="w4"), workload("b", codec="w1"), workload("c"), workload("d", hidden=5),
         workload("e", hidden=5, threshold=4), workload("f", hidden=4)],
        processes=1,
    )  # fmt: skip
    assert [(w.start, w.end) for w in made.waterfalls] == [("c", "b"), ("d", "e")]


def test_csv_has_every_row_and_no_formula():
    made = compare_workloads([workload("=cmd()|'x'"), workload('quote"and,comma')], processes=1)
    rows = list(csv.DictReader(io.StringIO(to_csv(made))))
    assert [row["name"] for row in rows] == ["'=cmd()|'x'", 'quote"and,comma']
    assert float(rows[0]["energy_pj_per_sample"]) == plain_rows(made)[0]["energy_pj_per_sample"]


def test_csv_appears_whole_or_not_at_all(tmp_path, monkeypatch):
    made = compare_workloads([workload("a")], processes=1)
    target = tmp_path / "table.csv"
    table.write_csv(made, target)
    assert [path.name for path in tmp_path.iterdir()] == ["table.csv"]
    before = target.read_text()
    monkeypatch.setattr(table, "to_csv", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        table.write_csv(made, target)
    assert target.read_text() == before and [path.name for path in tmp_path.iterdir()] == ["table.csv"]


@pytest.mark.parametrize(
    ("names", "start"),
    [
        (("mnist-conv-w8", "mnist-conv-w4"), "mnist-conv"),
        (("mnist-conv", "mnist-conv-w1"), "mnist-conv"),
        (("alone-w8",), "alone-w8"),
        (("a", "b"), ""),
    ],
)
def test_what_names_have_in_common(names, start):
    assert _common_start(names) == start
