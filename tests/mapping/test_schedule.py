"""Lags are valid and minimal, levels follow the delay-0 projections, and every population works each timestep once."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.mapping.mapping import IDLE, NOT_IN_ROUND
from neurosim.mapping.schedule import extra_delay, lags, levels, round_table
from neurosim.snn import Identity, Input, Lif, Network, Population, Projection

LIF = Lif(1, membrane_bits=8)


def graph(n, edges, inputs=(0,)):
    """One neuron a population; ``edges`` are (source, target, delay)."""
    populations = [Population(f"p{i}", (1,), Input() if i in inputs else LIF) for i in range(n)]
    return Network(populations, [Projection(f"p{s}", f"p{t}", Identity(1), delay=d) for s, t, d in edges])


def valid(edges, lag):
    return all(d + lag[t] - lag[s] >= 1 for s, t, d in edges)


@st.composite
def graphs(draw):
    """Up to four populations with any delays, loops too, but none without any delay."""
    n = draw(st.integers(1, 4))
    pairs = [(s, t) for s in range(n) for t in range(1, n)]
    chosen = draw(st.lists(st.sampled_from(pairs), unique=True, max_size=6)) if pairs else []
    return n, [(s, t, draw(st.integers(0 if s < t else 1, 3))) for s, t in chosen]


@given(graphs())
@settings(max_examples=150, deadline=None)
def test_lags_are_the_smallest_valid_ones(case):
    n, edges = case
    candidates = [c for c in itertools.product(range(n), repeat=n) if c[0] == 0 and valid(edges, c)]
    network = graph(n, edges)
    if not candidates:
        # A chain of n populations never needs a lag above n - 1, so there is no valid lag at all.
        with pytest.raises(NeurosimError, match="fewer delays than projections"):
            lags(network)
        return
    lag = lags(network)
    assert valid(edges, lag)
    assert lag.tolist() == np.min(candidates, axis=0).tolist()
    assert extra_delay(network, lag, "next_step") == [d + lag[t] - lag[s] - 1 for s, t, d in edges]
    assert extra_delay(network, lag, "same_step") == [d for *_, d in edges]


@given(graphs())
@settings(max_examples=60, deadline=None)
def test_levels_are_longest_paths_without_delay(case):
    n, edges = case
    level = levels(graph(n, edges))
    for i in range(n):
        before = [level[s] + 1 for s, t, d in edges if t == i and d == 0]
        assert level[i] == max(before, default=0)


@pytest.mark.parametrize(
    ("edges", "allowed"),
    [
        ([(1, 1, 1)], True),
        ([(1, 2, 1), (2, 1, 1)], True),
        ([(1, 2, 0), (2, 1, 1)], False),
        ([(1, 2, 0), (2, 1, 2)], True),
        ([(1, 2, 0), (2, 3, 0), (3, 1, 2)], False),
        ([(1, 2, 0), (2, 3, 0), (3, 1, 3)], True),
    ],
)
def test_a_loop_needs_as_many_delays_as_projections(edges, allowed):
    network = graph(4, [(0, 1, 0), *edges])
    if allowed:
        lags(network)
    else:
        with pytest.raises(NeurosimError, match="next-step"):
            lags(network)


def test_round_tables_by_hand():
    network = graph(3, [(0, 1, 0), (1, 2, 0)])
    lag, level = lags(network), levels(network)
    assert lag.tolist() == level.tolist() == [0, 1, 2]
    out, idle = NOT_IN_ROUND, IDLE
    assert round_table(network, lag, level, "next_step", 2).tolist() == [
        [0, idle, idle], [1, 0, idle], [out, 1, 0], [out, idle, 1],
    ]  # fmt: skip
    assert round_table(network, 0 * lag, level, "same_step", 2).tolist() == [
        [0, out, out], [out, 0, out], [out, out, 0], [1, out, out], [out, 1, out], [out, out, 1],
    ]  # fmt: skip


@given(graphs(), st.integers(1, 4), st.sampled_from(["next_step", "same_step"]))
@settings(max_examples=60, deadline=None)
def test_every_population_works_on_every_timestep_once_and_after_its_spikes(case, timesteps, delivery):
    n, edges = case
    network = graph(n, edges)
    try:
        lag = lags(network) if delivery == "next_step" else np.zeros(n, np.int32)
    except NeurosimError:
        return
    table = round_table(network, lag, levels(network), delivery, timesteps)
    rounds = np.array([[np.flatnonzero(table[:, i] == t) for t in range(timesteps)] for i in range(n)])
    assert rounds.shape == (n, timesteps, 1)
    for s, t, d in edges:
        for step in range(timesteps - d):
            assert rounds[t, step + d, 0] > rounds[s, step, 0]
