"""Random networks: they fire at the rate asked for, all learners meet the same spikes, and nothing is learned."""

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX
from neurosim.learning.random_run import random_runs

RULES = ["bptt-dense", "bptt-held", "bptt", "mpd-ed"]


def made(rate=0.1, timesteps=8, sizes=(40, 30, 5), samples=6, rules=None):
    return random_runs(rules or RULES, rate, timesteps, sizes, samples, 3, {"weight_bits": 16})


@pytest.mark.parametrize("rate", [0.02, 0.1, 0.4])
def test_hidden_neurons_fire_at_the_rate(rate):
    found = made(rate, 16, (60, 50, 50, 5), 8)
    for run in found.values():
        assert run.hidden_rate == pytest.approx(rate, rel=0.1)
        assert run.input_rate == pytest.approx(rate, rel=0.35)


def test_all_learners_meet_the_same_spikes():
    found = made()
    columns = [INDEX[name] for name in ("samples", "pre_spikes", "post_spikes", "forward_adds", "neuron_updates")]
    first = found[RULES[0]].counts[:, columns]
    for run in found.values():
        assert (run.counts[:, columns] == first).all()
        assert run.counts[0, INDEX["samples"]] == 6


def test_nothing_is_learned_and_every_write_is_counted():
    found = made()
    for a, b in zip(found["bptt-dense"].run.weights, found["mpd-ed"].run.weights, strict=True):
        assert a.tobytes() == b.tobytes()
    written = INDEX["weights_written"]
    assert found["bptt-dense"].counts[:, written].tolist() == [6 * 40 * 30, 6 * 30 * 5]
    assert 0 < found["mpd-ed"].counts[0, written] <= found["bptt"].counts[0, written] < 6 * 40 * 30


def test_same_seed_same_counts():
    assert all((made()[name].counts == made()[name].counts).all() for name in RULES)
    other = random_runs(RULES, 0.1, 8, (40, 30, 5), 6, 4, {"weight_bits": 16})
    assert not np.array_equal(other["bptt"].counts, made()["bptt"].counts)


@pytest.mark.parametrize("rule", ["std-ed", "e-prop"])
def test_spike_times_and_local_rules_have_no_map(rule):
    with pytest.raises(NeurosimError, match=f"{rule!r} is local or works on spike times"):
        made(rules=["bptt", rule])
