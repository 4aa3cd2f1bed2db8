"""The local learners: fast and written-out forms are equal in every weight, state and counter."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.learning.counters import NAMES, new_counts
from neurosim.learning.fast import eprop, sdsp, stdp
from neurosim.learning.reference import local

MANY = settings(max_examples=60, deadline=None)
SEEDS = st.integers(0, 2**31)


def trains(rng, samples, timesteps, n_in):
    """(trains, ptr, idx) of each sample."""
    found = []
    for _ in range(samples):
        spikes = (rng.random((timesteps, n_in)) < rng.choice([0.1, 0.4])).astype(np.uint8)
        ptr = np.concatenate([[0], np.cumsum(spikes.sum(axis=1))]).astype(np.int64)
        found.append((spikes, ptr, np.nonzero(spikes)[1].astype(np.int32)))
    return found


def counted(count):
    """Counters that are not 0, as the written-out form tallies them."""
    return {(int(i), NAMES[k]): int(count[i, k]) for i, k in zip(*np.nonzero(count), strict=True)}


@MANY
@given(SEEDS, st.integers(1, 9), st.integers(1, 7), st.integers(1, 8), st.integers(1, 8))
def test_sdsp(seed, n_in, n, timesteps, group):
    rng = np.random.default_rng(seed)
    low, high = [1, 0, 1, 0, 0, 1, 0, 0, 0, 0], [60, 9, 50, 3, 8, 8, 4, 12, 9, 300]
    chip = rng.integers(low, high).astype(np.int64)
    weights = rng.integers(0, 8, (n_in, n))
    names = ["threshold", "leak", "middle", "low", "stop_down", "stop_up", "ca_leak", "fire", "lift", "show"]
    assert [getattr(sdsp, name.upper()) for name in names] == list(range(sdsp.N_CHIP))
    slow = local.Sdsp(dict(zip(names, map(int, chip), strict=True)), weights.copy(), local.Generator(seed + 1))
    state, random = [np.zeros(n, np.int64) for _ in range(4)], np.array([seed + 1], np.uint64)
    fired, count, tally = np.zeros(n, np.int64), new_counts(1), local.Tally()
    for number, (spikes, ptr, idx) in enumerate(trains(rng, 4, timesteps, n_in)):
        (label, rival), learns = rng.integers(0, n, 2).tolist(), number < 3
        sdsp.present(ptr, idx, chip, weights, *state, fired, label, rival, learns, random, group, count[0])
        assert slow.present(spikes, label, rival, learns, group, tally) == fired.tolist()
        assert (slow.weights == weights).all()
        assert [slow.v, slow.ca, slow.ca_count, slow.flag] == [part.tolist() for part in state]
    assert counted(count) == dict(tally)


@MANY
@given(SEEDS, st.integers(1, 9), st.integers(1, 4), st.integers(1, 3), st.integers(1, 8), st.sampled_from([4, 9, 16]))
def test_stdp(seed, n_in, n_classes, per_class, timesteps, bits):
    rng = np.random.default_rng(seed)
    top = (1 << (bits - 1)) - 1
    n = n_classes * per_class
    rule = np.array([rng.integers(1, 257), rng.integers(0, 65537), top, rng.integers(0, top), rng.integers(0, top)])
    weights, classes = rng.integers(0, top + 1, (n_in, n)), np.arange(n) % n_classes
    thresholds = rng.integers(1, 1 + top * (1 + n_in // 2), n)
    generator = local.Generator(seed + 1)
    state = np.array([seed + 1], np.uint64)
    named = dict(zip(("keep", "gain", "top", "rise", "push"), map(int, rule), strict=True))
    slow = local.Stdp(named, weights.copy(), thresholds.tolist(), classes.tolist(), n_classes, generator)
    v, x, votes = np.zeros(n, np.int64), np.zeros(n_in, np.int64), np.zeros(n_classes, np.int64)
    count, tally = new_counts(2), local.Tally()
    for number, (spikes, ptr, idx) in enumerate(trains(rng, 5, timesteps, n_in)):
        label, learns = int(rng.integers(n_classes)), number < 4
        stdp.present(
            ptr, idx, rule, weights, thresholds, classes, v, x, votes, label, learns, state, count
        )  # fmt: skip
        assert slow.present(spikes, label, learns, tally) == votes.tolist()
        assert (slow.weights == weights).all() and slow.thresholds == thresholds.tolist()
    assert counted(count) == dict(tally) and generator.state == int(state[0])


@MANY
@given(SEEDS, st.integers(1, 9), st.integers(1, 9), st.integers(1, 4), st.integers(1, 8), st.integers(1, 8))
def test_eprop(seed, n_in, n, n_out, timesteps, group):
    rng = np.random.default_rng(seed)
    f = np.float32
    grids = np.array([2.0**-5, 2.0**-4], f)
    weights = [
        rng.integers(-60, 90, shape).astype(f) * g for shape, g in zip(((n_in, n), (n, n_out)), grids, strict=True)
    ]
    thresholds = rng.uniform(0.2, 1.5, n).astype(f)
    decay, width, most = f(rng.choice([0.0, 0.8, 0.93])), f(rng.choice([0.5, 1.0])), f(rng.choice([1, 8]))
    keep, first = int(rng.integers(0, 257)), int(rng.integers(0, timesteps + 1))
    scales, tops = rng.uniform(0, 0.01, 2).astype(f), f(127) * grids
    state = np.array([seed + 1], np.uint64)
    slow = local.Eprop(
        [w.copy() for w in weights], thresholds, decay, width, keep, first, scales, grids, most, tops,
        local.Generator(seed + 1),
    )  # fmt: skip
    u, s, given_, factors = np.zeros(n, f), np.zeros(n, np.uint8), np.zeros(n, f), np.zeros(n, f)
    x, z, seen = np.zeros(n_in, np.int64), np.zeros(n, np.int64), np.zeros(n_in, np.int64)
    out, step, error, out_factors = (np.zeros(n_out, f) for _ in range(4))
    count, tally = new_counts(2), local.Tally()
    for number, (spikes, ptr, idx) in enumerate(trains(rng, 4, timesteps, n_in)):
        label, learns = int(rng.integers(n_out)), number < 3
        eprop.present(
            ptr, idx, *weights, decay, thresholds, width, keep, first, label, learns, scales, grids, most, tops,
            u, s, given_, x, z, seen, out, step, error, factors, out_factors, state, group, count,
        )  # fmt: skip
        assert slow.present(spikes, label, learns, group, tally).tobytes() == out.tobytes()
        for layer in range(2):
            assert slow.weights[layer].tobytes() == weights[layer].tobytes()
    assert counted(count) == dict(tally) and slow.generator.state == int(state[0])
