"""A study of many points as a page: what matters is ranked, the front is the front, failures are said."""

import csv

import numpy as np
import pandas as pd
import pytest

from neurosim.report.figure_sweep import on_front
from neurosim.report.points_page import influence, write_points
from tests.report.pages import EVIL, assert_self_contained


def points(draws=0):
    """Energy is lanes x 10 + banks; ``draws`` adds a continuous axis that does nothing."""
    rng = np.random.default_rng(0)
    rows = []
    for lanes in (1, 2, 4):
        for banks in (1, 2):
            for word in ("a", EVIL):
                for _ in range(max(1, draws)):
                    row = {
                        "point": len(rows), "lanes": lanes, "banks": banks, "word": word, "error": None,
                        "energy_pj": 10.0 * lanes + banks, "latency_s": 1e-6 / lanes,
                        "accuracy": 0.9 + 0.01 * (word == "a"),
                    }  # fmt: skip
                    rows.append(row | ({"x": float(rng.random())} if draws else {}))
    rows[-1] |= {"error": f"does not fit {EVIL}", "energy_pj": np.nan, "latency_s": np.nan, "accuracy": np.nan}
    return pd.DataFrame(rows)


def test_influence_by_hand():
    frame = points().iloc[:-1]
    # A full grid but for the last point, so take away its twin of the other word as well.
    frame = frame[frame["word"] == "a"]
    shares = influence(frame, ["banks", "lanes", "word"], "energy_pj")
    lanes, banks = np.var([10, 20, 40]), np.var([1, 2])
    assert list(shares) == ["lanes", "banks", "word"]
    assert shares["lanes"] == pytest.approx(lanes / (lanes + banks)) and shares["word"] == 0.0
    assert influence(frame, ["lanes"], "accuracy") == {"lanes": 0.0}


def test_many_values_are_binned():
    shares = influence(points(draws=60), ["lanes", "x"], "energy_pj")
    assert shares["lanes"] > 0.9 and shares["x"] < 0.1


def test_a_page(tmp_path):
    frame = points()
    made = write_points(
        frame, ["lanes", "banks", "word"], tmp_path, "s", title=f"T {EVIL}", text=EVIL, source=EVIL, sha256="abc"
    )
    page = assert_self_contained(made.page.read_text("utf-8"))
    assert (
        page.text.count(EVIL) >= 4 and "1 of them have no figures" in page.text and f"does not fit {EVIL}" in page.text
    )
    images = [attributes for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(made.figures) == 6 and len(made.vector) == 12
    assert sorted([made.page, *made.figures, *made.vector, *made.tables]) == sorted(tmp_path.iterdir())
    rows = list(csv.DictReader((tmp_path / "s_points.csv").open()))
    assert len(rows) == len(frame) and rows[-1]["error"] == f"does not fit {EVIL}" and rows[-1]["energy_pj"] == ""
    front = list(csv.DictReader((tmp_path / "s_front.csv").open()))
    assert len(front) == on_front(frame, ["energy_pj", "latency_s"], ["accuracy"]).sum() == 3


def test_nothing_ran(tmp_path):
    frame = points().assign(error="no", energy_pj=np.nan, latency_s=np.nan)
    made = write_points(frame, ["lanes"], tmp_path, "s", title="t")
    assert made.figures == [] and "12 of them have no figures" in made.page.read_text("utf-8")
