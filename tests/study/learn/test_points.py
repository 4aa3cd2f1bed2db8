"""The four pictures: ratios from executed counts, factors that multiply to them, and no ratio where there is none."""

from math import prod

import pytest

from neurosim.learning.counters import INDEX
from neurosim.study.learn import points
from neurosim.study.learn.runs import BASELINES, DENSE, SKIPPING
from neurosim.study.learn.table import find, memory_rows, ratio_rows, write_rows


def test_factors_multiply_to_the_ratio(learn_study):
    runs, _ = learn_study
    found = points.splits(runs)
    assert len(found) == 3 * 2 * 3  # bptt and two rules, two batch sizes, three price tables
    for split in found:
        assert tuple(split.factors) == points.FACTORS
        assert prod(split.factors.values()) == pytest.approx(split.ratio.number, rel=1e-9)
        assert split.factors["zero skipping"] > 1 and split.factors["write-back"] >= 1
        if split.ratio.rule == SKIPPING:
            assert split.factors["rule"] == 1
    one, four = (
        next(s for s in found if (s.ratio.rule, s.ratio.batch, s.ratio.prices) == ("mpd-ed", batch, "sata"))
        for batch in (1, 4)
    )
    assert four.factors["write-back"] < one.factors["write-back"]


def test_the_place_on_the_axis_is_the_ratio_of_rates(learn_study):
    """1 / (rho_pre x phi_post), from the counters of one run by hand."""
    runs, _ = learn_study
    for point in points.rate_points(runs):
        assert 1 / (point.rate * point.later) == pytest.approx(point.inverse, rel=1e-12)
        if point.ratio.rule != "mpd-ed" or point.encoder.startswith("rate"):
            continue
        job = next(
            j for j in runs.trained if (j.rule, j.timesteps, j.encoder, j.batch) == ("mpd-ed", 4, point.encoder, 1)
        )
        row = runs.trained[job].counts[:, 0].sum(axis=0)
        samples, pairs, spikes = (int(row[INDEX[n]]) for n in ("samples", "gradient_adds", "pre_spikes"))
        assert point.rate == pytest.approx(spikes / (64 * 4 * samples), rel=1e-12)
        assert point.inverse == pytest.approx(64 * 100 * 4 * samples / pairs, rel=1e-12)


def test_every_rule_meets_every_baseline(learn_study):
    runs, _ = learn_study
    found = points.rate_points(runs)
    # Two rules at latency, one at rate; three baselines, three price tables.
    assert len(found) == (2 + 1) * 3 * 3
    assert all(p.ratio.batch == 1 and p.ratio.gap_points is not None for p in found)
    assert {p.ratio.baseline for p in found} == set(BASELINES)
    for p in points.predicted(runs):
        assert p.ratio.gap_points is None and "nothing learned" in str(p.ratio)


def test_the_map_wins_where_little_fires(learn_study):
    runs, _ = learn_study
    found = points.cells(runs)
    assert len(found) == 3 * 2 * 3 * 3
    dense = {
        (r, p.timesteps): p.ratio.number for r, p in found if (p.ratio.baseline, p.ratio.prices) == (DENSE, "sata")
    }
    assert dense[0.02, 8] > 2 * dense[0.1, 8] > 4 * dense[0.4, 8]


def test_curves_add_up(learn_study):
    runs, _ = learn_study
    for curve in points.curves(runs):
        assert len(curve.energy) == len(curve.accuracy) == 1
    dense = [c for c in points.curves(runs) if (c.rule, c.batch, c.prices) == (DENSE, 1, "sata")]
    run = runs.main(DENSE, 1, False)
    samples = run[0].counts[0, 0, INDEX["samples"]]
    each = [points.learning_energy(r, runs.learners[2]) * samples for r in run]
    assert dense[0].energy[-1] == pytest.approx(sum(each) / 2, rel=1e-12)


def test_a_target_that_is_not_reached_has_no_ratio(learn_study):
    found = points.at_equal_accuracy(learn_study[0])
    assert all(r.ratio is None and r.epochs == (None, None) for r in found if r.target == 0.99)
    easy = [r for r in found if r.target == 0.5 and r.batch == 1]
    assert easy and all(r.ratio is not None and "until 50 %" in str(r.ratio) for r in easy)
    assert {r.baseline for r in easy} == {*BASELINES, "bptt with update skipping"}


def test_tables_keep_what_belongs_to_a_ratio(learn_study, tmp_path):
    import csv

    path = write_rows(ratio_rows(find(learn_study[0])), tmp_path / "r.csv")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["picture"] for row in rows} == {"total", "split", "rate", "rate, random", "equal accuracy"}
    assert {row["rule"] for row in rows if row["picture"] == "split"} == {SKIPPING, "mpd-ed", "std-ed"}
    for row in rows:
        if row["picture"] == "split":
            factors = [float(row[f"factor: {name}"]) for name in points.FACTORS]
            assert prod(factors) == pytest.approx(float(row["ratio"]), rel=1e-9)
        assert row["baseline"] and row["batch"] and row["prices"] and row["rule"]
        assert not row["ratio"] or (row["accuracy_gap_points"] != "") == (row["learned"] == "yes")


def test_memory_of_every_learner(learn_study):
    rows = {row["rule"]: row for row in memory_rows(learn_study[0])}
    assert set(rows) == {*BASELINES, "mpd-ed", "std-ed"}
    # 8 steps of 100 membranes with their spike bit.
    assert rows[DENSE]["history"] == 8 * 100 * 33 > rows["mpd-ed"]["history"] > 0
