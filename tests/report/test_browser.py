"""Rendered pages open in a browser without a word on its console, and every picture is drawn."""

import pytest

from neurosim import render_report, render_results, simulate
from tests.report.browser import console_lines, look
from tests.report.pages import EVIL
from tests.study.small import workload


@pytest.fixture(scope="module")
def results_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    simulate(workload(EVIL, 8), "edge-28nm", samples=8).save(folder / "a.npz")
    return render_results([folder / "a.npz"], folder / "out")


@pytest.fixture(scope="module")
def study_page(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    study = folder / "s.yaml"
    study.write_text(
        f"format: neurosim-study/1\nkind: compare\ntitle: 't {EVIL}'\nchips: [edge-28nm]\n"
        "workloads: [mnist-mlp-w4]\nsamples: 2\n"
    )
    return render_report(str(study), folder / "out", processes=1)


@pytest.mark.parametrize("page", ["results_page", "study_page"])
def test_a_page_opens_clean(page, request, tmp_path):
    written = request.getfixturevalue(page)
    (path,) = written["page"]
    assert console_lines(path) == []
    seen = look(path, tmp_path)
    assert len(seen["seen"]) == len(written["figures"]) > 0
    assert [alt for alt, width in seen["seen"] if width < 600] == []
    assert seen["wide"] == 0 and seen["outside"] == []


def test_the_check_sees_what_is_broken(results_page, tmp_path):
    text = results_page["page"][0].read_text("utf-8")
    broken = tmp_path / "broken.html"
    start = text.index("data:image/png;base64,") + len("data:image/png;base64,")
    broken.write_text(text[:start] + "AAAA" + text[start + 4000 :], "utf-8")
    assert [width for _, width in look(broken, tmp_path)["seen"]].count(0) == 1
    broken.write_text(text.replace("</body>", "<script>boom()</script></body>"), "utf-8")
    # The page's own rule refuses the script, and says so.
    assert any("Content Security Policy" in line for line in console_lines(broken))
