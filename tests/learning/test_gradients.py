"""Exactness without reference data: gradients against written-out sums and finite differences, counts against loops."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.learning.counters import as_dict, new_counts
from neurosim.learning.reference import lif as written_out
from neurosim.learning.reference import timing as lines
from neurosim.learning.step_learner import LEAST_SLOPE, StepLearner
from neurosim.learning.time_learner import TimeLearner

SIZES = st.lists(st.integers(1, 12), min_size=2, max_size=4)
MANY = settings(max_examples=150, deadline=None)


def steps(seed, sizes, timesteps, rate=0.3):
    rng = np.random.default_rng(seed)
    spikes = (rng.random((timesteps, sizes[0])) < rate).astype(np.uint8)
    weights = [rng.normal(0.2, 0.8, pair) for pair in pairwise(sizes)]
    thresholds = [rng.uniform(0.3, 1.5, n) for n in sizes[1:-1]]
    ptr = np.concatenate([[0], np.cumsum(spikes.sum(axis=1))]).astype(np.int64)
    return spikes, weights, thresholds, ptr, np.nonzero(spikes)[1].astype(np.int32), rng.normal(0, 1, sizes[-1])


def learned(kind, case, decay):
    spikes, weights, thresholds, ptr, idx, error = case
    learner = StepLearner(kind, [w.copy() for w in weights], thresholds, len(spikes), decay, dtype=np.float64)
    counts = new_counts(len(weights))
    logits = learner.forward(ptr, idx, counts).copy()
    learner.backward(ptr, idx, error, counts)
    return learner, logits, counts


@MANY
@given(st.integers(0, 2**31), SIZES, st.integers(1, 9), st.sampled_from([0.0, 0.8, 1.0]))
@pytest.mark.parametrize("kind", ["bptt-dense", "bptt-held", "bptt", "mpd-ed"])
def test_gradients_equal_the_sums_written_out(kind, seed, sizes, timesteps, decay):
    case = steps(seed, sizes, timesteps)
    learner, logits, _ = learned(kind, case, decay)
    spikes, weights, thresholds, _, _, error = case
    _, _, expected = written_out.run(spikes, weights, thresholds, decay)
    np.testing.assert_allclose(logits, expected, rtol=0, atol=1e-12)
    least = LEAST_SLOPE if kind == "mpd-ed" else -1
    grads, _ = written_out.gradients(spikes, weights, thresholds, decay, 1.0, least, error)
    for got, want in zip(learner.grad, grads, strict=True):
        np.testing.assert_allclose(got, want, rtol=0, atol=1e-12 * max(1, np.abs(want).max(initial=0)))


@MANY
@given(st.integers(0, 2**31), SIZES, st.integers(1, 9))
def test_counts_are_those_of_loops(seed, sizes, timesteps):
    case = steps(seed, sizes, timesteps)
    spikes, weights, thresholds, _, _, error = case
    membranes, trains, _ = written_out.run(spikes, weights, thresholds, 0.8)
    _, d_us = written_out.gradients(spikes, weights, thresholds, 0.8, 1.0, -1, error)
    hidden = range(len(weights) - 1)
    dense, skipping, events = (as_dict(learned(kind, case, 0.8)[2]) for kind in ("bptt-dense", "bptt", "mpd-ed"))
    readout = int(trains[-1].sum()) * sizes[-1]
    assert events["gradient_adds"] == readout + sum(written_out.pairs(trains[i], trains[i + 1]) for i in hidden)
    together = sum(int((trains[i].sum(axis=1) * (d_us[i] != 0).sum(axis=1)).sum()) for i in hidden)
    assert skipping["gradient_adds"] == readout + together
    assert dense["gradient_adds"] == readout + timesteps * sum(weights[i].size for i in hidden)
    held = as_dict(learned("bptt-held", case, 0.8)[2])
    tiles = {i: weights[i].shape[0] * -(-weights[i].shape[1] // 4) for i in range(len(weights))}
    spiked = int(trains[-1].sum()) * -(-sizes[-1] // 4)
    assert held["held_reads"] == timesteps * sum(weights[i].size for i in hidden)
    assert held["gradient_words"] == spiked + sum(tiles[i] for i in hidden)
    assert held["error_words"] == tiles[len(weights) - 1] * (len(weights) > 1) + sum(tiles[i] for i in hidden if i)
    assert dense["gradient_words"] == spiked + timesteps * sum(tiles[i] for i in hidden)
    same = set(dense) - {"held_reads", "gradient_words", "error_words"}
    assert {name: held[name] for name in same} == {name: dense[name] for name in same}
    to_last = weights[-1].size * (len(weights) > 1)
    assert dense["error_products"] == to_last + timesteps * sum(weights[i].size for i in hidden if i)
    assert dense["history_writes"] == timesteps * sum(u.shape[1] for u in membranes)
    fired = sum(int(train.sum()) for train in trains[:-1]) if len(weights) > 1 else int(trains[0].sum())
    assert events["history_writes"] == fired + (int(trains[-1].sum()) if len(weights) > 1 else 0)
    adds = sum(int(trains[i].sum()) * weights[i].shape[1] for i in range(len(weights)))
    assert events["forward_adds"] == skipping["forward_adds"] == adds


def timed(seed, sizes):
    rng = np.random.default_rng(seed)
    times = rng.uniform(0, 1, sizes[0])
    weights = [rng.normal(1.5 / pair[0], 3 / pair[0], pair) for pair in pairwise(sizes)]
    order = np.argsort(times)
    return weights, order.astype(np.int32), times[order], times, rng


@MANY
@given(st.integers(0, 2**31), st.integers(1, 12), st.integers(1, 8), st.integers(1, 4))
def test_spike_times_lie_on_the_lines(seed, n_in, n_out, most):
    weights, idx, at, times, rng = timed(seed, [n_in, n_out, 2])
    thresholds = [rng.uniform(0.05, 0.6, n_out)]
    learner = TimeLearner("std-ed", weights, thresholds, 1.0, most, np.float64)
    learner.forward(idx, at, new_counts(2))
    neurons, when = learner.inputs[1]
    expected = lines.spikes(times, weights[0], thresholds[0], 1.0, most)
    assert [int(j) for j in neurons] == [j for j, _ in expected] or np.ptp(when) == 0
    np.testing.assert_allclose(when, [t for _, t in expected], atol=1e-12)


def loss_of(kind, weights, thresholds, idx, at, most, chosen):
    learner = TimeLearner(kind, weights, thresholds, 1.0, most, np.float64)
    logits = learner.forward(idx, at, new_counts(len(weights)))
    return float(logits @ chosen), [layer.used for layer in learner.layers]


@pytest.mark.parametrize("kind", ["stdbp", "std-ed"])
@pytest.mark.parametrize("seed", range(12))
def test_derivatives_equal_finite_differences(kind, seed):
    sizes = [9, 7, 6, 3] if seed % 2 else [9, 7, 3]
    weights, idx, at, _, rng = timed(seed, sizes)
    weights = [np.abs(w) + 0.2 for w in weights]
    thresholds = [np.full(n, 0.3) for n in sizes[1:]]
    chosen = rng.normal(0, 1, sizes[-1])
    learner = TimeLearner(kind, [w.copy() for w in weights], thresholds, 1.0, 3, np.float64)
    logits = learner.forward(idx, at, new_counts(len(weights)))
    assert np.isfinite(logits).all()
    # The limit on 1 / A is a clip of the rule, not of the derivative: these slopes are far from it.
    assert all((layer.slope[: layer.used] > 0.2).all() and layer.used for layer in learner.layers)
    learner.backward(chosen, 0, new_counts(len(weights)))
    _, spikes = loss_of(kind, weights, thresholds, idx, at, 3, chosen)
    checked = 0
    for number, w in enumerate(weights):
        for place in np.ndindex(*w.shape):
            eps = 1e-6
            sides = []
            for sign in (1, -1):
                moved = [x.copy() for x in weights]
                moved[number][place] += sign * eps
                sides.append(loss_of(kind, moved, thresholds, idx, at, 3, chosen))
            if any(side[1] != spikes for side in sides):
                continue
            slope = (sides[0][0] - sides[1][0]) / (2 * eps)
            assert learner.grad[number][place] == pytest.approx(slope, abs=1e-6)
            checked += abs(slope) > 1e-3
    assert checked > 10
