"""A learning run: it learns, the same settings give the same bytes, and what it saves is the network that learned."""

from dataclasses import replace

import numpy as np
import pytest

from neurosim.engine.function import run_function
from neurosim.engine.readout import read_out
from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX
from neurosim.learning.data import LearningData, fitted, load_data
from neurosim.learning.network_out import learned_network, save_learned
from neurosim.learning.rules import RULES, STEPS, find_rule
from neurosim.learning.run import Settings, learn
from neurosim.workload.workload import load_workload

FEWEST = {
    "bptt-dense": 0.91,
    "bptt-held": 0.91,
    "bptt": 0.91,
    "mpd-ed": 0.91,
    "stdbp": 0.91,
    "std-ed": 0.88,
    "stdp": 0.91,
    "sdsp": 0.78,
    "e-prop": 0.91,
}


@pytest.fixture(scope="module")
def digits() -> LearningData:
    return load_data("digits")


@pytest.fixture(scope="module")
def runs(digits):
    return {
        name: learn(rule, digits, Settings(rule.epochs, rule.rate, weight_bits=16, encoder=rule.encoder))
        for name, rule in RULES.items()
    }


def test_the_parts_do_not_overlap(digits):
    assert len(digits.images) + len(digits.test_images) == 1797
    assert np.bincount(digits.test_labels).min() >= 34


@pytest.mark.parametrize("name", RULES)
def test_digits_are_learned(runs, name):
    assert runs[name].test_accuracy[-1] >= FEWEST[name]


def test_skipping_zeros_changes_no_weight(runs):
    """Time-step learners differ in what they touch: in float32 not one weight differs."""
    dense, held, skipping = (
        learn(find_rule(n), load_data("digits"), Settings(2, 0.02), (20,)) for n in ("bptt-dense", "bptt-held", "bptt")
    )
    for a, b, c in zip(dense.weights, held.weights, skipping.weights, strict=True):
        assert a.tobytes() == b.tobytes() == c.tobytes()
    total = INDEX["gradient_adds"]
    assert dense.counts[:, :, total].sum() > 10 * skipping.counts[:, :, total].sum()


@pytest.mark.parametrize("name", RULES)
def test_stored_weights_lie_on_the_grid(runs, name):
    run = runs[name]
    for w, step in zip(run.weights, run.step, strict=True):
        steps = w / step
        assert (steps == np.rint(steps)).all() and np.abs(steps).max() <= 2**15 - 1
        assert np.log2(step) == np.rint(np.log2(step))


@pytest.mark.parametrize("name", ["mpd-ed", "stdbp", "stdp", "sdsp", "e-prop"])
def test_same_settings_same_bytes(digits, name):
    rule = find_rule(name)
    first, again, other = (
        learn(rule, digits, Settings(1, rule.rate, weight_bits=8, seed=seed), (12,)) for seed in (3, 3, 4)
    )
    assert first.weights[0].tobytes() == again.weights[0].tobytes() != other.weights[0].tobytes()
    assert (first.counts == again.counts).all()


def _answers(run, digits, folder):
    workload = load_workload(str(save_learned(run, digits, folder, {})))
    stimulus = workload.stimulus()
    network = workload.network
    return read_out(network, run_function(network, stimulus))


@pytest.mark.parametrize("name", [n for n, r in RULES.items() if r.works_on == STEPS and n != "sdsp"])
def test_the_saved_network_is_the_one_that_learned(runs, digits, tmp_path, name):
    found = _answers(runs[name], digits, tmp_path / name)
    assert (found == runs[name].answers).all()


@pytest.mark.parametrize("name", ["std-ed", "stdbp"])
def test_spike_times_survive_rounding_to_steps(runs, digits, tmp_path, name):
    found = _answers(runs[name], digits, tmp_path / name)
    assert np.mean(found == digits.test_labels) > runs[name].test_accuracy[-1] - 0.05


def test_neurons_that_decide_spike_by_spike_survive_steps(runs, digits, tmp_path):
    """The saved network of sdsp sums all weights; its neurons lose what is above their threshold when they fire."""
    found = _answers(runs["sdsp"], digits, tmp_path / "sdsp")
    assert np.mean(found == digits.test_labels) > runs["sdsp"].test_accuracy[-1] - 0.05


def test_chips_of_few_lines_get_smaller_images(digits):
    rule = find_rule("e-prop")
    run = learn(rule, digits, Settings(1, rule.rate, weight_bits=8, most_inputs=30, most_hidden=20))
    assert run.sizes == (25, 20, 10)
    averaged = fitted(digits, 16)
    blocks = digits.images.reshape(-1, 4, 2, 4, 2).mean(axis=(2, 4))
    assert (averaged.images == np.rint(blocks)).all()
    paired = fitted(digits, 128, paired=True)
    assert paired.n_inputs == 128 and (paired.images[:, 8:] == 255 - paired.images[:, :8]).all()
    assert fitted(digits, 127, paired=True).n_inputs == 64


@pytest.mark.parametrize(
    ("name", "changed", "hidden", "message"),
    [
        ("stdp", {"batch": 2}, None, "batch: got 2"),
        ("stdp", {"weight_bits": 17}, None, "stdp stores 2 to 16 bits"),
        ("stdp", {}, (9,), "stdp needs one a class"),
        ("e-prop", {"weight_bits": None}, None, "weight_bits: got float32"),
        ("e-prop", {}, (10, 10), "e-prop has 1"),
    ],
)
def test_local_rules_say_what_they_cannot(digits, name, changed, hidden, message):
    rule = find_rule(name)
    with pytest.raises(NeurosimError, match=message):
        learn(rule, digits, Settings(**{"epochs": 1, "rate": rule.rate, "weight_bits": 8, **changed}), hidden)


def test_batches_share_an_update(digits):
    rule = find_rule("bptt-dense")
    small = replace(digits, images=digits.images[:64], labels=digits.labels[:64])
    written = [
        learn(rule, small, Settings(1, 0.02, batch=batch, skip_below=0.0), (8,)).counts[0, 0, INDEX["weights_written"]]
        for batch in (1, 16)
    ]
    assert written[0] == 64 * 64 * 8 and written[1] == 4 * 64 * 8


def test_small_errors_are_passed_over(digits):
    rule = find_rule("bptt")
    never = learn(rule, digits, Settings(1, 0.02, skip_below=0.0), (20,)).counts[0]
    often = learn(rule, digits, Settings(1, 0.02, skip_below=0.5), (20,)).counts[0]
    skipped = INDEX["updates_skipped"]
    assert never[0, skipped] == 0 < often[0, skipped] < len(digits.images)
    assert often[:, INDEX["weights_written"]].sum() < never[:, INDEX["weights_written"]].sum()


def test_networks_of_three_layers_learn(digits):
    for name in ("mpd-ed", "std-ed"):
        rule = find_rule(name)
        run = learn(rule, digits, Settings(4, rule.rate), (60, 40))
        assert run.test_accuracy[-1] > 0.8, name
        assert learned_network(run).n_neurons == 64 + 60 + 40 + 10


@pytest.mark.parametrize("wrong", [{"epochs": 0}, {"batch": 0}, {"weight_bits": 1}, {"rate": 0.0}, {"skip_below": 1.0}])
def test_settings_are_checked(wrong):
    with pytest.raises(NeurosimError, match=next(iter(wrong))):
        Settings(**{"epochs": 1, "rate": 0.1, **wrong})
