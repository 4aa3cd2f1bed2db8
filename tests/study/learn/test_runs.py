"""What a learning study runs: each thing once, told as it goes."""

import pytest

from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX
from neurosim.study.learn.runs import BASELINES, DENSE, SKIPPING, plan, run_study, sweep_job


def test_every_run_is_planned_once(learn_study):
    runs, told = learn_study
    jobs = plan(runs.study)
    assert len(set(jobs)) == len(jobs) == len(runs.trained)
    rated = runs.study.sweep.inputs[1]
    assert sweep_job(runs.study, "std-ed", rated) not in runs.trained
    assert sweep_job(runs.study, "mpd-ed", rated) in runs.trained
    trained = [done for stage, done, total in told if stage == "training" and total == len(jobs)]
    assert trained == list(range(1, len(jobs) + 1))


def test_writing_back_all_changes_the_write_back_alone(learn_study):
    runs, _ = learn_study
    for batch in (1, 4):
        every, touched = (runs.main(SKIPPING, batch, False, write_all)[0] for write_all in (True, False))
        columns = [INDEX[name] for name in ("weights_written", "written_words")]
        assert (every.counts[..., columns] >= touched.counts[..., columns]).all()
        assert every.counts[..., columns].sum() > touched.counts[..., columns].sum()
        rest = [i for i in INDEX.values() if i not in columns]
        assert (every.counts[..., rest] == touched.counts[..., rest]).all()
        assert all(a.tobytes() == b.tobytes() for a, b in zip(every.weights, touched.weights, strict=True))


def test_batches_amortise_the_write_back(learn_study):
    runs, _ = learn_study
    written = INDEX["weights_written"]
    one, four = (runs.main(DENSE, batch, False)[0].counts[..., written].sum() for batch in (1, 4))
    samples = runs.main(DENSE, 1, False)[0].counts[0, 0, INDEX["samples"]]
    assert one / samples == 64 * 100 + 100 * 10
    assert four / one == pytest.approx(-(-samples // 4) / samples)


def test_skipped_updates_are_a_counter_of_their_own(learn_study):
    runs, _ = learn_study
    column = INDEX["updates_skipped"]
    for rule in (SKIPPING, *runs.study.rules):
        assert runs.main(rule, 1, False)[0].counts[..., column].sum() == 0
    assert runs.main(SKIPPING, 1, True)[0].counts[0, 0, column] > 0


def test_an_unknown_rule_is_named_before_anything_runs(learn_study):
    study = learn_study[0].study.model_copy(update={"rules": ["mpd-edd"]})
    with pytest.raises(NeurosimError, match="'mpd-edd': not known"):
        run_study(study, [*learn_study[0].learners])


def test_baselines_learn_the_same(learn_study):
    accuracies = [[run.test_accuracy for run in learn_study[0].main(name, 1, False)] for name in BASELINES]
    assert accuracies[0] == accuracies[1] == accuracies[2]
