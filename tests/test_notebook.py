"""What a notebook shows of each object: well-formed, escaped, with numbers that are the object's."""

import re
from xml.etree import ElementTree

import pytest

from neurosim import compare_workloads, simulate, units
from neurosim.study.diff import diff
from neurosim.study.file import load_study
from neurosim.svg import bars, scatter
from tests.report.pages import EVIL, Page
from tests.study.small import workload


@pytest.fixture(scope="module")
def shown():
    """(object, its HTML), under names that must stay text."""
    one = simulate(workload(EVIL), "edge-28nm")
    made = compare_workloads([workload(EVIL, codec="float"), workload("b", codec="w4")], "loihi-2018", processes=1)
    both = compare_workloads([workload("a"), workload(EVIL, codec="w4")], processes=1)
    objects = {"result": one, "refused": made, "comparison": both, "diff": diff(one, both.results[1])}
    return {name: (thing, thing._repr_html_()) for name, thing in objects.items()}


@pytest.mark.parametrize("name", ["result", "refused", "comparison", "diff"])
def test_well_formed_and_escaped(shown, name):
    _, html = shown[name]
    page = Page(html)
    assert page.open == [] and not {tag for tag, _ in page.tags} & {"script", "img", "iframe", "object"}
    assert not [a for _, attributes in page.tags for a in attributes if a.startswith("on")]
    assert EVIL in page.text and {tag for tag, _ in page.tags} >= {"table", "svg"}
    for picture in re.findall(r"<svg.*?</svg>", html):
        ElementTree.fromstring(picture)
    assert len(html) < 20_000


def test_the_numbers_are_the_object_s(shown):
    result, html = shown["result"]
    largest = max(result.energy.by_component().values())
    assert f">{units.energy(largest / result.samples)}</text>" in html
    widths = [float(w) for w in re.findall(r"<rect [^>]*width='([\d.]+)'", html)]
    energies = [pj for pj in result.energy.by_component().values() if pj]
    assert [w / widths[0] for w in widths] == pytest.approx([pj / energies[0] for pj in energies], abs=2e-3)


def test_what_did_not_run_is_said(shown):
    assert "float32 of 32 bits is not supported by chip loihi-2018" in shown["refused"][1]


def test_a_study_shows_its_file():
    html = load_study("compression")._repr_html_()
    assert "kind: compare" in html and Page(html).open == []


def test_pictures_of_little():
    assert scatter([], "x", "y") == ""
    for picture in (bars([]), bars([("a", 0.0, "0")]), scatter([(1.0, 2.0, "one")], "x", "y")):
        ElementTree.fromstring(picture)
        assert "nan" not in picture
