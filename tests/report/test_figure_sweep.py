"""Figures of tables of points: what is on a front, which unit an axis has, what happens to points that failed."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.report.figure_sweep import heat_map, lines, on_front, pareto, scale_of
from tests.report.pages import EVIL

PNG = b"\x89PNG\r\n\x1a\n"


def points():
    """Lanes x word widths, two seeds, one point that failed."""
    rows = [
        {
            "lanes": lanes, "word_bits": word, "seed": seed, "kind": EVIL if word == 64 else "$x_1",
            "accuracy": 0.9 + 0.01 * seed, "energy_pj": 1e5 * lanes + 1e4 * word + seed, "latency_s": 1e-5 / lanes,
            "low_pj": 5e4 * lanes, "high_pj": 2e5 * lanes, "error": None,
        }
        for lanes in (1, 4, 32) for word in (32, 64) for seed in (0, 1)
    ]  # fmt: skip
    rows[-1] |= {"error": "did not fit", "energy_pj": np.nan, "accuracy": np.nan}
    return pd.DataFrame(rows)


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(0, 4)), min_size=1, max_size=25))
def test_the_front_by_definition(rows):
    frame = pd.DataFrame(rows, columns=["a_pj", "b_s", "accuracy"])
    found = on_front(frame, minimise=["a_pj", "b_s"], maximise=["accuracy"])
    signed = [(a, b, -c) for a, b, c in rows]
    for one, yes in zip(signed, found, strict=True):
        beaten = any(all(o <= v for o, v in zip(other, one, strict=True)) and other != one for other in signed)
        assert yes == (not beaten)


def test_failed_points_are_on_no_front():
    frame = points()
    frame.loc[0, ["error", "energy_pj"]] = ["failed", 1.0]
    best = on_front(frame, ["energy_pj"], ["accuracy"])
    assert best.any() and not best[0] and not best[len(frame) - 1]


@pytest.mark.parametrize(
    ("column", "values", "scale", "label"),
    [
        ("energy_pj", [2e6, 3e6], 1e6, "energy (µJ)"),
        ("energy_pj_per_sample", [2e3], 1e3, "energy a sample (nJ)"),
        ("energy_pj.router", [5.0], 1.0, "energy of router (pJ)"),
        ("latency_s", [2e-3], 1e-3, "latency (ms)"),
        ("footprint_bits", [8192.0 * 9], 8192, "footprint (KiB)"),
        ("memory_area_mm2", [2.0], 1.0, "memory area (mm²)"),
        ("accuracy", [0.5], 0.01, "accuracy (%)"),
        ("chip.core.lanes", [2], 1.0, "chip.core.lanes"),
    ],
)
def test_units(column, values, scale, label):
    assert scale_of(pd.DataFrame({column: values}), column) == (scale, label)


def test_a_column_that_is_not_there_is_named(tmp_path):
    with pytest.raises(NeurosimError, match=r"no column 'energy'; there are lanes, word_bits"):
        lines(points(), "lanes", "energy", tmp_path / "x.png")
    with pytest.raises(NeurosimError, match="need numbers"):
        lines(points(), "kind", "energy_pj", tmp_path / "x.png")
    failed = points().assign(error="no")
    with pytest.raises(NeurosimError, match="every point failed"):
        pareto(failed, "energy_pj", "accuracy", tmp_path / "x.png")
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    def draw(folder):
        frame = points()
        return [
            heat_map(frame, "lanes", "word_bits", "energy_pj", folder / "heat.png"),
            heat_map(frame, "lanes", "kind", "latency_s", folder / "kinds.png"),
            lines(frame, "lanes", "energy_pj", folder / "lines.png", by="kind"),
            lines(frame, "lanes", "energy_pj", folder / "band.png", band=("low_pj", "high_pj")),
            pareto(frame, "energy_pj", "accuracy", folder / "pareto.png", by="word_bits", name="kind"),
            pareto(frame, "energy_pj", "latency_s", folder / "two.png", quality_is_good=False),
        ]  # fmt: skip

    return [draw(tmp_path_factory.mktemp(name)) for name in "ab"]


def test_every_figure_is_written_and_the_same_again(drawn):
    first, second = drawn
    for a, b in zip(first, second, strict=True):
        assert a.read_bytes().startswith(PNG)
        for suffix in (".png", ".svg", ".pdf"):
            assert a.with_suffix(suffix).read_bytes() == b.with_suffix(suffix).read_bytes()
