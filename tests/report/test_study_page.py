"""The page of a study: one file, nothing from outside, every name escaped."""

import re
from io import StringIO

import pytest
from rich.console import Console

from neurosim import render_report
from neurosim.api import compare as api_compare
from neurosim.errors import NeurosimError
from neurosim.report.text_compare import compare_text
from neurosim.study.file import load_study
from neurosim.workload.native import save_network
from tests.report.pages import EVIL, Page, assert_self_contained
from tests.study.small import network, workload


@pytest.fixture
def evil_loader(monkeypatch):
    """Workloads by name that need no files."""
    made = {name: workload(name, codec=codec) for name, codec in ((EVIL, "float"), ("b", "w4"), ("c", "w1"))}
    real = api_compare.compare_workloads
    monkeypatch.setattr(api_compare, "load_workload", lambda name: name if not isinstance(name, str) else made[name])
    monkeypatch.setattr(
        api_compare, "compare_workloads", lambda names, chip, **k: real([made[n] for n in names], chip, **k)
    )
    return made


def study(folder, chips="[edge-28nm, loihi-2018, tinyodin]"):
    path = folder / "my study.yaml"
    path.write_text(
        "format: neurosim-study/1\nkind: compare\n"
        f"title: 'T {EVIL}'\ntext: 'X {EVIL}'\nchips: {chips}\nworkloads: ['{EVIL}', b, c]\n"
        f"samples: 3\nwaterfalls: [['{EVIL}', c]]\n"
    )
    return path


def test_a_page_in_one_file(tmp_path, evil_loader):
    written = render_report(str(study(tmp_path)), tmp_path / "out", processes=1)
    (path,) = written["page"]
    text = path.read_text("utf-8")
    page = assert_self_contained(text)
    assert path.name == "my_study.html" and len(written["tables"]) == 2 and len(written["figures"]) >= 12
    assert sorted(p for paths in written.values() for p in paths) == sorted((tmp_path / "out").iterdir())
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert len(images) == len(written["figures"]) and all(src.startswith("data:image/png;base64,") for src in images)
    assert not re.search(r"url\(|@import", text)


def test_names_are_text_and_nothing_else(tmp_path, evil_loader):
    written = render_report(str(study(tmp_path)), tmp_path / "out", processes=1)
    page = Page(written["page"][0].read_text("utf-8"))
    # The title, the text, a row of each chip that ran something, the waterfalls, the study file, the provenance.
    assert page.text.count(EVIL) >= 6


def test_what_did_not_run_says_why(tmp_path, evil_loader):
    written = render_report(str(study(tmp_path)), tmp_path / "out", processes=1)
    text = Page(written["page"][0].read_text("utf-8")).text
    assert "float32 of 32 bits is not supported by chip loihi-2018" in text
    assert "execution is 'event'" in text


def test_the_same_study_gives_the_same_page(tmp_path, evil_loader):
    path = str(study(tmp_path, "[edge-28nm]"))
    pages = [render_report(path, tmp_path / name, processes=1)["page"][0].read_bytes() for name in ("a", "b")]
    assert pages[0] == pages[1]


def test_provenance_names_study_and_inputs(tmp_path, evil_loader):
    path = study(tmp_path, "[edge-28nm]")
    text = Page(render_report(str(path), tmp_path / "out", processes=1)["page"][0].read_text("utf-8")).text
    assert load_study(str(path)).sha256 in text and evil_loader["c"].network.content_hash() in text
    assert "CACTI 7 table" in text and str(tmp_path) not in text.split("Provenance")[0]


def test_nothing_is_written_for_a_study_that_cannot_be_read(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text("format: neurosim-study/1\nkind: compare\ntitle: t\nchips: [edge-28nm]\nworklods: [a]\n")
    with pytest.raises(NeurosimError, match="worklods: unknown key; did you mean 'workloads'"):
        render_report(str(path), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_terminal_shows_names_without_their_markup(evil_loader):

    made = api_compare.compare_workloads(
        [EVIL, "b", "c"], "loihi-2018", processes=1, waterfalls=[("b", "c"), (EVIL, "c")]
    )
    console = Console(width=300, record=True, file=StringIO())
    console.print(compare_text(made))
    text = console.export_text()
    assert f"not run  {EVIL}: projection" in text and "[red]" in text
    assert "From b to c, a sample" in text and f"no waterfall from {EVIL} to c" in text


def test_model_files_are_found_beside_the_study(tmp_path):
    save_network(network("m", "w8"), tmp_path / "m.npz")
    path = tmp_path / "s.yaml"
    path.write_text("format: neurosim-study/1\nkind: compare\ntitle: t\nchips: [edge-28nm]\nworkloads: [m.npz]\n")
    with pytest.raises(NeurosimError, match="a model file alone has no data"):
        render_report(str(path), tmp_path / "out")
