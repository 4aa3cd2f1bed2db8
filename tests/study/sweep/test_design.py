"""Which points a study has."""

import math

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.study.sweep.design import MAX_POINTS, make_design
from neurosim.study.sweep.file import SweepStudy

HEAD = {"format": "neurosim-study/1", "kind": "sweep", "title": "t", "workload": "w"}


def design(**keys):
    return make_design(SweepStudy.model_validate({**HEAD, **keys}), "study")


def points(**keys):
    made = design(**keys)
    return [tuple(made.values(i).values()) for i in range(made.n_points)]


def test_a_grid_the_last_axis_fastest():
    assert points(axes={"a": [1, 2], "b": ["x", "y", "z"]}) == [(a, b) for a in (1, 2) for b in "xyz"]


def test_zip_and_axes_that_step_together():
    assert points(axes={"a": [1, 2], "b": [3, 4]}, combine="zip") == [(1, 3), (2, 4)]
    made = design(axes={"a": [1, 2], "c": [0, 9], "b": [3, 4]}, together=[["a", "b"]])
    found = [made.values(i) for i in range(made.n_points)]
    assert found == [{"a": a, "b": a + 2, "c": c} for a in (1, 2) for c in (0, 9)]


def test_points_written_out_beside_an_axis():
    assert points(list=[{"a": 1, "b": "x"}, {"b": "y", "a": 2}], axes={"c": [7, 8]}) == [
        (1, "x", 7), (1, "x", 8), (2, "y", 7), (2, "y", 8)
    ]  # fmt: skip


def test_ranges():
    assert points(axes={"a": {"linear": [0, 1], "points": 5}}) == [(0,), (0.25,), (0.5,), (0.75,), (1,)]
    assert points(axes={"a": {"log": [1, 256], "points": 9}}) == [(1 << k,) for k in range(9)]
    assert points(axes={"a": {"log": [0.1, 10], "points": 3}}) == [(0.1,), (1.0,), (10.0,)]
    assert points(axes={"a": {"linear": [1, 3], "points": 9, "integer": True}}) == [(1,), (2,), (3,)]
    assert points(axes={"a": {"linear": [4, 4], "points": 1}}) == [(4,)]
    assert all(isinstance(v, int) for (v,) in points(axes={"a": {"log": [1, 256], "points": 9}}))


def test_one_axis_sets_several_fields():
    axes = design(axes={"mesh": {"sets": ["chip.mesh.width", "chip.mesh.height"], "values": [4, [2, 8]]}}).axes
    assert axes[0].settings(0) == [("chip.mesh.width", 4), ("chip.mesh.height", 4)]
    assert axes[0].settings(1) == [("chip.mesh.width", 2), ("chip.mesh.height", 8)]


def test_a_latin_hypercube_has_one_draw_in_each_part():
    axes = {"a": {"linear": [0, 50]}, "b": {"log": [1, 1024]}, "c": ["x", "y"]}
    made = design(axes=axes, combine="latin_hypercube", draws=50, draw_seed=3)
    found = [made.values(i) for i in range(50)]
    assert sorted(math.floor(p["a"]) for p in found) == list(range(50))
    assert sorted(math.floor(math.log2(p["b"]) * 5) for p in found) == list(range(50))
    assert sorted(p["c"] for p in found) == ["x"] * 25 + ["y"] * 25
    again = design(axes=axes, combine="latin_hypercube", draws=50, draw_seed=3)
    other = design(axes=axes, combine="latin_hypercube", draws=50, draw_seed=4)
    assert [again.values(i) for i in range(50)] == found != [other.values(i) for i in range(50)]


def test_random_points_lie_in_their_ranges():
    made = design(
        axes={"a": {"linear": [-1, 1]}, "b": {"linear": [1, 3], "integer": True}}, combine="random", draws=200
    )
    a, b = (np.array(column) for column in zip(*(made.values(i).values() for i in range(200)), strict=True))
    assert -1 <= a.min() < -0.9 and 0.9 < a.max() <= 1 and len(set(a)) == 200
    assert set(b.tolist()) == {1, 2, 3}


def test_repeats_are_seeds():
    assert points(axes={"a": [1, 2]}, repeats=3, seed=5) == [(a, s) for a in (1, 2) for s in (5, 6, 7)]
    with pytest.raises(NeurosimError, match="seed is an axis already"):
        points(axes={"seed": [1, 2]}, repeats=3)


def test_constraints_leave_points_out():
    made = design(axes={"x.a": [1, 2, 3, 4], "b": [2, 3]}, constraints=["a <= b", "a % 2 == 0 or b == 3"])
    assert [tuple(made.values(i).values()) for i in range(made.n_points)] == [(1, 3), (2, 2), (2, 3), (3, 3)]
    assert made.left_out == 4
    with pytest.raises(NeurosimError, match="none of 8 points is left"):
        design(axes={"a": [1, 2, 3, 4], "b": [2, 3]}, constraints=["a > 9"])


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"axes": {c: {"linear": [0, 1], "points": 10**3} for c in "abcd"}}, r"1e\+12 points = 1000 \(a\) x"),
        ({"axes": {"a": {"linear": [0, 1], "points": 10**12}}}, r"axes.a: 1e\+12 points"),
        ({"axes": {"a": [1] * 1001}, "repeats": 1000}, r"1e\+06 points = 1001 \(a\) x 1000 \(repeats\)"),
        ({"axes": {"a": {"linear": [0, 1]}}, "combine": "random", "draws": MAX_POINTS + 1}, "draws"),
        ({"axes": {"a": []}}, "empty range, it has 0 values"),
        ({"axes": {"a": {"linear": [2, 1], "points": 3}}}, "empty range, .2, 1. ends before it begins"),
        ({"axes": {"a": {"log": [0, 1], "points": 3}}}, "expected numbers above 0"),
        ({"axes": {"a": {"linear": [0, math.inf], "points": 3}}}, "finite"),
        ({"axes": {"a": {"linear": [0, 1]}}}, "points: missing"),
        ({"axes": {"a": {"linear": [0, 1], "points": 2}}, "combine": "random", "draws": 3}, "points: expected none"),
        ({"axes": {"a": [1, 2], "b": [1]}, "combine": "zip"}, "equally many values: a has 2, b has 1"),
        ({"axes": {"a": [1, 2]}, "together": [["a", "z"]]}, "'z' is not an axis"),
        ({"axes": {"a": [1], "b": [1], "c": [1]}, "together": [["a", "b"], ["b", "c"]]}, "named twice"),
        ({"list": [{"a": 1}, {"b": 1}]}, "list.1: names"),
        ({"list": [{"a": 1}], "axes": {"a": [1]}}, "is an axis too"),
        ({"axes": {"a": [1]}, "constraints": ["q > 1"]}, "'q' is not an axis"),
    ],
)
def test_refused_before_anything_runs(keys, message):
    with pytest.raises(NeurosimError, match=message):
        design(**keys)


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({}, "at least one axis"),
        ({"axes": {"a": {"points": 3}}}, "exactly one of values, linear and log"),
        ({"axes": {"a": {"values": [1], "points": 3}}}, "are for linear and log"),
        ({"axes": {"a": [1]}, "draws": 3}, "draws: expected none"),
        ({"axes": {"a": {"linear": [0, 1]}}, "combine": "latin_hypercube"}, "draws: expected a number"),
        ({"axes": {"a": [1]}, "together": [["a", "b"]], "combine": "zip"}, "together: expected only"),
    ],
)
def test_files_that_say_nothing_clear(keys, message):
    with pytest.raises(ValueError, match=message):
        SweepStudy.model_validate({**HEAD, **keys})
