"""What `neurosim init` writes is read, runs, says what it is, and is never written over anything."""

import re
import runpy

import pytest
import yaml

from neurosim import Result, explore, load_chip, load_workload, render_report, simulate, sweep
from neurosim.api import init as module
from neurosim.api.init import init, study_kinds
from neurosim.arch.actions import actions_of
from neurosim.errors import NeurosimError
from neurosim.study.file import KINDS, load_study
from tests.study.small import workload


def comments(path):
    return [line for line in path.read_text("utf-8").splitlines() if "#" in line]


def test_a_chip(tmp_path):
    (path,) = init("chip", "my-chip", tmp_path)
    chip = load_chip(str(path))
    assert chip.name == "my-chip" and len(comments(path)) >= 15
    assert set(chip.energy) >= set(actions_of(chip.features))
    result = simulate(workload(), chip)
    assert isinstance(result, Result) and result.energy_pj > 0 and result.energy.unsourced_share() == 0


def test_a_workload_reads_digits(tmp_path):
    written = init("workload", "my-work", tmp_path)
    assert [p.name for p in written] == ["workload.yaml", "build.py", "model.npz", "data.npz"]
    assert all(p.is_file() for p in written) and len(comments(written[0])) >= 6
    work = load_workload(str(tmp_path / "my-work"))
    assert work.name == work.network.name == "my-work"
    # Ten classes: chance is 10 %.
    assert simulate(work, "edge-28nm", samples=200).accuracy > 0.9


def test_the_script_makes_the_same_again(tmp_path):
    _, script, model, data = init("workload", "w", tmp_path)
    before = model.read_bytes(), data.read_bytes()
    model.unlink()
    data.unlink()
    runpy.run_path(str(script))
    assert (model.read_bytes(), data.read_bytes()) == before


@pytest.mark.parametrize("kind", study_kinds())
def test_a_study(tmp_path, kind):
    (path,) = init("study", f"my-{kind}", tmp_path, kind=kind)
    study = load_study(str(path)).study
    assert study.kind == kind and study.title == f"my-{kind}" and len(comments(path)) >= 5


def test_starting_files_are_of_kinds_that_exist():
    assert study_kinds() == ["compare", "explore", "learn", "sweep"] and set(study_kinds()) == set(KINDS)


def test_the_sweep_runs(tmp_path):
    (path,) = init("study", "s", tmp_path, kind="sweep")
    path.write_text(path.read_text("utf-8").replace("samples: 20", "samples: 2"))
    frame = sweep(str(path), tmp_path / "store", processes=1)
    assert len(frame) == 3 and frame["error"].isna().all() and frame["energy_pj"].nunique() == 3


def test_the_search_runs(tmp_path):
    pytest.importorskip("optuna")
    (path,) = init("study", "s", tmp_path, kind="explore")
    path.write_text(path.read_text("utf-8").replace("samples: 20", "samples: 2").replace("trials: 32", "trials: 8"))
    frame = explore(str(path), tmp_path / "store", plots=tmp_path / "figures")
    assert len(frame) == 8 and frame["error"].isna().any()
    assert len(list((tmp_path / "figures").glob("*.png"))) == 3


def test_the_study_of_workloads_runs(tmp_path):
    (path,) = init("study", "s", tmp_path)
    path.write_text(path.read_text("utf-8").replace("samples: 50", "samples: 2"))
    written = render_report(str(path), tmp_path / "out", processes=1)
    assert written["page"][0].name == "s.html" and len(written["figures"]) >= 6


def test_the_study_of_learning_runs(tmp_path):
    (path,) = init("study", "s", tmp_path, kind="learn")
    text = path.read_text("utf-8").replace("epochs: 2 ", "epochs: 1 ").replace("batches: [1, 16]", "batches: [64]")
    path.write_text(text.replace("accuracy_targets: [0.8]", "accuracy_targets: [0.2]"))
    written = render_report(str(path), tmp_path / "out", processes=1)
    assert written["page"][0].name == "s.html" and len(written["figures"]) == 4


@pytest.mark.parametrize("what", ["chip", "study", "workload"])
def test_nothing_is_overwritten(tmp_path, what):
    first = init(what, "x", tmp_path)
    before = {p: p.read_bytes() for p in first}
    with pytest.raises(NeurosimError, match="is already there and is left as it is"):
        init(what, "x", tmp_path)
    assert {p: p.read_bytes() for p in first} == before
    assert [p.name for p in tmp_path.iterdir()] == ["x" if what == "workload" else "x.yaml"]


def test_a_file_that_comes_in_between_stays(tmp_path, monkeypatch):
    real = module.os.link

    def late(source, target):
        target.write_text("mine")
        real(source, target)

    monkeypatch.setattr(module.os, "link", late)
    with pytest.raises(NeurosimError, match="already there"):
        init("chip", "x", tmp_path)
    assert (tmp_path / "x.yaml").read_text() == "mine"


def test_a_failing_script_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(module.runpy, "run_path", lambda path: (_ for _ in ()).throw(OSError(28, "No space left")))
    with pytest.raises(NeurosimError, match="No space left"):
        init("workload", "x", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "x" * 65, "a b", "x\n", "-x", "{{x}}"])
@pytest.mark.parametrize("what", ["chip", "workload"])
def test_names_that_are_no_names(tmp_path, what, name):
    with pytest.raises(NeurosimError, match=re.escape(repr(name[:80]))):
        init(what, name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_does_not_exist(tmp_path):
    with pytest.raises(NeurosimError, match="got 'card', expected one of chip, study, workload"):
        init("card", "x", tmp_path)
    with pytest.raises(NeurosimError, match="kind of study 'swep', expected one of compare"):
        init("study", "x", tmp_path, kind="swep")


def test_templates_are_plain_yaml_until_they_are_filled():
    for path in module.TEMPLATES.glob("*.txt"):
        if path.stem != "build":
            assert yaml.safe_load(path.read_text("utf-8").replace("@NAME@", "n"))
