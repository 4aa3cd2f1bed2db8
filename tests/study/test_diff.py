"""Differences add up, and each has the cause that was put in."""

import json
from io import StringIO

import pytest
from rich.console import Console

from neurosim import simulate
from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.report.text_diff import diff_text
from neurosim.result import Result
from neurosim.study.diff import FIELDS, diff
from tests.study.small import workload


def dearer(chip, action, times):
    """The chip with one price multiplied."""
    data = chip.model_dump(mode="json", by_alias=True)
    table = simulate(workload(), chip).energy
    (price,) = {leaf.price_pj for leaf in table.leaves if leaf.action == action}
    data["energy"][action] = {"pj": price * times, "source": "neurosim"}
    return type(chip).model_validate(data)


@pytest.fixture(scope="module")
def runs():
    chip = load_chip("edge-28nm")
    return {
        "a": simulate(workload("net"), chip),
        "half": simulate(workload("net"), chip, samples=2),
        "w1": simulate(workload("net", codec="w1"), chip),
        "dear": simulate(workload("net"), dearer(chip, "synapse_read_word", 3)),
        "layer": simulate(workload("net"), "edge-28nm-layer"),
    }


@pytest.mark.parametrize("by", [("component", "action", "part"), ("group",), ("place", "component"), FIELDS])
@pytest.mark.parametrize("other", ["half", "w1", "dear", "layer"])
def test_terms_sum_to_the_difference(runs, other, by):
    d = diff(runs["a"], runs[other], by)
    assert sum(t.difference_pj for t in d.terms) == pytest.approx(d.b_pj - d.a_pj, rel=1e-9, abs=1e-6)
    assert d.count_pj + d.constant_pj == pytest.approx(d.b_pj - d.a_pj, rel=1e-9, abs=1e-6)
    for t in d.terms:
        assert t.count_pj + t.constant_pj == pytest.approx(t.difference_pj, rel=1e-9, abs=1e-6)
    sizes = [abs(t.difference_pj) for t in d.terms]
    assert sizes == sorted(sizes, reverse=True)
    assert sum(d.share(t) for t in d.terms) == pytest.approx(1.0)


def test_the_other_way_round_is_the_negative(runs):
    there, back = diff(runs["a"], runs["w1"]), diff(runs["w1"], runs["a"])
    mirrored = {t.key: (-t.count_pj, -t.constant_pj) for t in back.terms}
    for t in there.terms:
        assert (t.count_pj, t.constant_pj) == pytest.approx(mirrored[t.key], abs=1e-9)


def test_a_dearer_constant_is_a_constant(runs):
    d = diff(runs["a"], runs["dear"])
    moved = [t for t in d.terms if abs(t.difference_pj) > 1e-9]
    assert {t.key[:2] for t in moved} == {("synaptic_memory", "synapse_read_word")}
    for t in moved:
        assert t.count_pj == 0.0 and t.a_count == t.b_count
        assert t.constant_pj == pytest.approx(2 * t.a_pj) and t.b_price_pj == pytest.approx(3 * t.a_price_pj)
    assert [name for name, _, _ in d.parameters] == ["chip_sha256"]
    assert [v.what for v in d.values if v.a != v.b] == []


def test_narrower_weights_are_counts(runs):
    d = diff(runs["a"], runs["w1"])
    words = [t for t in d.terms if t.key[1] == "synapse_read_word"]
    assert words and all(t.constant_pj == 0.0 for t in words)
    assert "network_sha256" in [name for name, _, _ in d.parameters]
    memory = {v.what: v for v in d.values}["memory (bits): synaptic_memory"]
    assert (memory.a, memory.b) == tuple(r.footprint["synaptic_memory"]["used_bits"] for r in (runs["a"], runs["w1"]))


def test_the_same_result_differs_in_nothing(runs):
    d = diff(runs["a"], runs["a"])
    assert not any(t.difference_pj or t.count_pj or t.constant_pj for t in d.terms)
    assert d.parameters == () and d.notes == () and all(v.a == v.b for v in d.values)
    assert d.share(d.terms[0]) == 0.0


def test_work_that_moved_to_another_core_is_a_count(runs, tmp_path):
    a = runs["a"]
    leaves = tuple(
        type(x)(**{**vars(x), "place": "core 15"}) if x.place == "core 1" else x for x in a.energy.leaves
    )  # fmt: skip
    moved = Result(**{**vars(a), "energy": type(a.energy)(leaves)})
    assert [x for x in leaves if x.place == "core 15"]
    d = diff(a, moved, ("place",))
    assert d.constant_pj == 0.0 and {t.key[0] for t in d.terms if t.difference_pj} == {"core 1", "core 15"}
    assert not any(t.difference_pj for t in diff(a, moved, ("group",)).terms)


def test_unequal_inputs_are_said(runs):
    notes = diff(runs["a"], runs["half"]).notes
    assert any("inputs differ" in note for note in notes) and any("2 x 5" in note for note in notes)


def test_plain_and_readable(runs):
    d = diff(runs["a"], runs["layer"])
    plain = json.loads(json.dumps(d.to_json(), allow_nan=False))
    assert plain["energy_pj"]["difference"] == pytest.approx(d.b_pj - d.a_pj)
    assert len(plain["terms"]) == len(d.terms) == len(d.frame())
    shown = Console(width=200, record=True, file=StringIO())
    shown.print(diff_text(d, top=3))
    text = shown.export_text()
    assert "--top shows more" in text and "from counts" in text and "Given otherwise" in text
    assert "<table>" in d._repr_html_()


def test_names_are_escaped(runs):
    evil = Result(**{**vars(runs["a"]), "workload": "<script>[red]x"})
    assert "<script>" not in diff(evil, runs["a"])._repr_html_()


def test_unknown_fields_are_refused(runs):
    with pytest.raises(NeurosimError, match="'layer', expected fields of component"):
        diff(runs["a"], runs["a"], ("layer",))
