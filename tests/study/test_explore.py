"""A search finds what all points would show, goes on where it stopped, and repeats itself."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from neurosim.errors import NeurosimError
from neurosim.report.figure_sweep import good, on_front
from neurosim.study.explore import run as module
from neurosim.study.explore.run import LEFT_OUT, run_explore
from neurosim.study.file import load_study
from neurosim.study.sweep.run import run_sweep
from tests.study.sweep.small import write_tiny

pytest.importorskip("optuna")
AXES = {
    "lanes": {"sets": "chip.core.synapse.lanes", "values": [1, 2, 4, 8]},
    "word_bits": {"sets": "chip.core.synaptic_memory.word_bits", "values": [16, 32, 64]},
}
RULE = "lanes * 4 <= word_bits"


def study(folder, kind="explore", **keys):
    if not (folder / "tiny").exists():
        write_tiny(folder)
    own = {"objectives": ["energy", "latency"], "trials": 40, "sampler": "random"} if kind == "explore" else {}
    head = {"format": "neurosim-study/1", "kind": kind, "title": "small", "workload": "tiny", "samples": 3}
    path = folder / f"{kind}.yaml"
    path.write_text(yaml.safe_dump({**head, "axes": AXES, "constraints": [RULE], **own, **keys}, sort_keys=False))
    return load_study(str(path))


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """All points by a sweep, and a search that is long enough to see them all."""
    folder = tmp_path_factory.mktemp("explore")
    return (
        run_sweep(study(folder, "sweep"), folder / "sweep", processes=1),
        run_explore(study(folder, trials=120, batch=40), folder / "search"),
    )


def test_the_front_is_that_of_all_points(both):
    every, searched = both
    fronts = [
        {tuple(row) for row in f.loc[on_front(f, ["energy_pj", "latency_s"]), ["lanes", "word_bits"]].to_numpy()}
        for f in both
    ]
    assert fronts[0] == fronts[1] and fronts[0]
    found = {(r.lanes, r.word_bits) for r in good(searched).itertuples()}
    assert found == {(r.lanes, r.word_bits) for r in every.itertuples()}


def test_a_trial_is_the_point_of_a_sweep(both):
    every, searched = both
    columns = [c for c in every.columns if c not in ("point", "error") and every[c].dtype.kind in "if"]
    for _, row in good(searched).iterrows():
        same = every[(every["lanes"] == row["lanes"]) & (every["word_bits"] == row["word_bits"])].iloc[0]
        for column in columns:
            a, b = float(same[column]), row[column]
            assert a == b or (np.isnan(a) and (b is None or np.isnan(b))), column


def test_constraints_leave_out(both):
    _, searched = both
    out = searched[searched["error"] == LEFT_OUT]
    assert len(out) and (out["lanes"] * 4 > out["word_bits"]).all()
    assert (good(searched)["lanes"] * 4 <= good(searched)["word_bits"]).all()


def test_it_goes_on_where_it_stopped(tmp_path, monkeypatch):
    runs = []
    real = module.run_sweep
    monkeypatch.setattr(module, "run_sweep", lambda *a, **k: runs.append(a) or real(*a, **k))
    grown = []

    def stop(frame):
        grown.append(len(frame))
        if len(grown) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_explore(study(tmp_path, trials=12, batch=4), tmp_path / "s", grown=stop)
    before = run_explore(study(tmp_path, trials=8, batch=4), tmp_path / "s")
    assert grown == [4, 8] and len(before) == 8
    after = run_explore(study(tmp_path, trials=12, batch=4), tmp_path / "s")
    assert len(after) == 12 and after.head(8)["trial"].tolist() == before["trial"].tolist()
    assert after.head(8)["energy_pj"].tolist() == pytest.approx(before["energy_pj"].tolist(), nan_ok=True)
    n = len(runs)
    again = run_explore(study(tmp_path, trials=12, batch=4), tmp_path / "s")
    assert len(runs) == n and again["energy_pj"].equals(after["energy_pj"])
    assert len(list((tmp_path / "s").iterdir())) == 1


def test_a_trial_that_was_running_is_not_waited_for(tmp_path):
    file = study(tmp_path, trials=4, batch=4)
    search = module._Search(file, tmp_path / "s")
    search.search.ask()
    frame = run_explore(file, tmp_path / "s")
    assert len(frame) == 4 and 0 not in frame["trial"].tolist()


def test_another_chip_is_another_search(tmp_path):
    key = module.search_key(study(tmp_path).study)
    assert key == module.search_key(study(tmp_path, trials=99, title="other", batch=2).study)
    assert key != module.search_key(study(tmp_path, samples=2).study)
    assert key != module.search_key(study(tmp_path, sampler="tpe").study)


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random"])
def test_the_same_seed_gives_the_same_search(tmp_path, sampler):
    ranges = {"energy.synapse_read_word.factor": {"log": [0.5, 2.0]}, "lanes": AXES["lanes"]}
    options = {"axes": ranges, "constraints": [], "trials": 12, "batch": 4, "sampler": sampler}
    one, two = (run_explore(study(tmp_path, **options), tmp_path / name) for name in "ab")
    assert one.to_csv() == two.to_csv() and one["energy.synapse_read_word.factor"].between(0.5, 2).all()
    assert one["energy_pj"].nunique() > 6


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"objectives": []}, "objectives"),
        ({"objectives": ["energy", "energy"]}, "one is named twice"),
        ({"objectives": ["speed"]}, "objectives"),
        ({"axes": {"lanes": {"linear": [1, 4], "points": 2}}}, "points: expected none"),
        ({"axes": {"lanes": {"log": [0, 4]}}}, "above 0 for log"),
        ({"axes": {"lanes": {"values": []}}}, "empty range"),
        ({"trials": 0}, "trials"),
    ],
)
def test_what_cannot_be_searched(tmp_path, keys, said):
    with pytest.raises(NeurosimError, match=said):
        study(tmp_path, **keys)


def test_an_objective_that_is_not_known(tmp_path):
    with pytest.raises(NeurosimError, match="objectives: 'area' is not known for this workload and chip"):
        run_explore(study(tmp_path, objectives=["area"], chip="loihi-2018", axes={"samples": [1, 2]}, constraints=[]),
                    tmp_path / "s")  # fmt: skip


def test_without_optuna(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(NeurosimError, match=r"pip install '\.\[optuna\]'"):
        run_explore(study(tmp_path), tmp_path / "s")


def test_a_page_of_it(tmp_path):
    from neurosim import render_report
    from tests.report.pages import assert_self_contained

    file = study(tmp_path, trials=12, batch=6)
    written = render_report(str(file.path), tmp_path / "out")
    page = assert_self_contained(written["page"][0].read_text("utf-8"))
    assert written["figures"][0].name == "explore_energy_pj_latency_s.png"
    assert len([t for t, _ in page.tags if t == "img"]) == len(written["figures"])
    assert all(Path(p).exists() for paths in written.values() for p in paths)
