"""Figures of a comparison: they are drawn, are the same again, and survive any name."""

import numpy as np
import pytest

from neurosim import compare_workloads
from neurosim.errors import NeurosimError
from neurosim.report.compare_plots import draw_comparison, safe_stem
from neurosim.report.figure_style import digits, new_figure, plain, unit_for, vector_files
from neurosim.report.label_points import label_points
from tests.study.small import workload

PNG = b"\x89PNG\r\n\x1a\n"
EVIL = "<script>alert(1)</script>$\\frac{x"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drawn")
    made = compare_workloads(
        [workload("a", codec="float"), workload(EVIL), workload("_b\x1b[31m", codec="w1"), workload("a", codec="w4")],
        processes=1, waterfalls=[("a", EVIL), ("a", "_b\x1b[31m")],
    )  # fmt: skip
    return made, folder, draw_comparison(made, folder, "my/../study")


def test_every_figure_is_there_under_a_safe_name(drawn):
    _, folder, figures = drawn
    names = [
        "accuracy_energy", "accuracy_footprint", "accuracy_latency", "energy", "bits", "savings", "waterfall_1",
        "waterfall_2",
    ]  # fmt: skip
    assert [f.path.name for f in figures] == [f"my_.._study_edge-28nm_{name}.png" for name in names]
    assert sorted(folder.iterdir()) == sorted(p for f in figures for p in (f.path, *vector_files(f.path)))
    assert all(f.path.read_bytes().startswith(PNG) for f in figures)


def test_the_same_comparison_gives_the_same_bytes(drawn, tmp_path):
    made, _, figures = drawn
    again = draw_comparison(made, tmp_path, "my/../study")
    assert [f.path.read_bytes() for f in again] == [f.path.read_bytes() for f in figures]


def test_one_workload_without_labels_has_no_accuracy_to_draw(tmp_path):
    from dataclasses import replace

    made = compare_workloads([replace(workload("a"), labels=None)], processes=1)
    assert [f.path.name for f in draw_comparison(made, tmp_path)] == [
        "compare_edge-28nm_energy.png", "compare_edge-28nm_bits.png"
    ]  # fmt: skip


def test_nothing_half_written_stays(drawn, tmp_path, monkeypatch):
    from matplotlib.figure import Figure

    def fails(self, path, **_):
        path.write_bytes(PNG)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Figure, "savefig", fails)
    with pytest.raises(NeurosimError, match="No space left"):
        draw_comparison(drawn[0], tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "stem"),
    [
        ("edge-28nm", "edge-28nm"), ("../../etc/passwd", "etc_passwd"), ("a b\n", "a_b"), ("..", "unnamed"),
        ("x" * 99, "x" * 60),
    ],
)  # fmt: skip
def test_safe_stem(text, stem):
    assert safe_stem(text) == stem


@pytest.mark.parametrize(("word", "times"), [("iii", 200), ("WWWW", 60), ("x" * 300, 3), ("200", 1)])
def test_captions_stay_inside_the_figure(word, times):
    figure, _ = new_figure(4.0, "title", [" ".join([word] * times)])
    figure.draw_without_rendering()
    extent = figure._supxlabel.get_window_extent()
    assert extent.x0 >= 0 and extent.x1 <= figure.bbox.x1
    assert figure._supxlabel.get_text().replace("\n", "").replace(" ", "") == word * times


def test_a_caption_that_would_fill_the_page_is_cut():
    figure, _ = new_figure(4.0, "title", ["WWWW " * 1000])
    assert figure._supxlabel.get_text().count("\n") == 11 and "the table" in figure._supxlabel.get_text()


def test_names_are_shown_as_they_stand():
    assert plain("a$b\x1b") == "a\\$b?" and plain("x" * 60) == "x" * 45 + "..."


@pytest.mark.parametrize(
    ("values", "quantity", "unit"),
    [
        ([2.2e6, 0.9e6], "energy", "nJ"), ([2e6, 1e6], "energy", "µJ"), ([2e9, 900.0], "energy", "mJ"),
        ([0.5], "energy", "pJ"), ([], "energy", "pJ"), ([8192.0, 80000.0], "footprint", "KiB"),
        ([3e-5], "latency", "µs"),
    ],
)  # fmt: skip
def test_units(values, quantity, unit):
    assert unit_for(values, quantity)[1] == unit


@pytest.mark.parametrize(("value", "text"), [(1281.4, "1,281"), (94.25, "94.2"), (0.0909, "0.0909"), (100.0, "100")])
def test_digits(value, text):
    assert digits(value) == text


def test_labels_do_not_cover_each_other():
    figure, axes = new_figure(4.0, "title", ["caption"])
    points = [(x, y) for x, y in np.random.default_rng(0).normal(0.5, 0.05, (8, 2))]
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    label_points(axes, points, [f"point-{i}" for i in range(8)])
    figure.draw_without_rendering()
    boxes = [text.get_window_extent() for text in axes.texts if text.get_text()]
    assert len(boxes) == 8
    overlaps = [(i, j) for i in range(8) for j in range(i) if boxes[i].padded(-1).overlaps(boxes[j].padded(-1))]
    assert overlaps == []
