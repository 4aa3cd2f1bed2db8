"""The page of a learning study: one file, nothing from outside, no ratio without what belongs to it."""

import base64
import re
from dataclasses import replace

from neurosim.api import learn as api_learn
from neurosim.report.learn_page import headline
from neurosim.study.file import load_study
from neurosim.study.learn import runs as study_runs
from neurosim.study.learn.table import find
from tests.report.test_study_page import Page
from tests.study.learn.small import written


def rendered(learn_study, folder, monkeypatch):
    monkeypatch.setattr(study_runs, "run_study", lambda *_: learn_study[0])
    return api_learn.render_learn(load_study(written(folder)), folder / "out")


def test_page_figures_and_tables(learn_study, tmp_path, monkeypatch):
    made = rendered(learn_study, tmp_path, monkeypatch)
    assert [p.name for p in made["tables"]] == ["study_ratios.csv", "study_map.csv", "study_accuracy.csv"]
    assert [p.name for p in made["figures"]] == [f"study_{n}.png" for n in ("split", "rate", "map", "accuracy")]
    text = made["page"][0].read_text("utf-8")
    page = Page(text)
    assert page.open == []
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    assert [base64.b64decode(src.partition(",")[2]) for src in images] == [p.read_bytes() for p in made["figures"]]
    assert "A study <of> & learning" in page.text and "<of>" not in text
    assert not re.search(r'(src|href)="(?!data:|#)', text)


def test_no_ratio_stands_alone(learn_study, tmp_path, monkeypatch):
    """Every line or table row with a ratio names baseline and rule, batch, prices and the accuracy gap."""
    text = rendered(learn_study, tmp_path, monkeypatch)["page"][0].read_text("utf-8")
    rows = re.findall(r"<(?:tr|li)>(.*?)</(?:tr|li)>", text)
    with_ratio = [row for row in rows if re.search(r"\b\d+(\.\d+)?x\b", row)]
    assert len(with_ratio) > 40
    for row in with_ratio:
        assert re.search(r"(bptt|bptt-dense|bptt-held)( with update skipping)? / ", row), row
        assert re.search(r"batch \d|<td>\d+</td>", row) and re.search(r"edge-28nm-learn|loihi-2018|sata", row), row
        assert re.search(r"accuracy [+-]\d+\.\d points", row), row


def test_same_runs_same_bytes(learn_study, tmp_path, monkeypatch):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    first, second = (rendered(learn_study, tmp_path / name, monkeypatch) for name in "ab")
    for kind in ("page", "figures", "tables"):
        assert [p.read_bytes() for p in first[kind]] == [p.read_bytes() for p in second[kind]]


def test_headline_sets_both_baselines_side_by_side(learn_study):
    found = find(learn_study[0])
    assert len(headline(found)) == 3  # nobody reaches the last target, 99 %
    study = found.runs.study.model_copy(update={"accuracy_targets": [0.99, 0.5]})
    lines = headline(replace(found, runs=replace(found.runs, study=study)))
    assert {line.baseline for line in lines} >= {"bptt-dense", "bptt-held", "bptt", "bptt with update skipping"}
    assert {line.prices for line in lines} == {"edge-28nm-learn"} and {line.batch for line in lines} == {1}
