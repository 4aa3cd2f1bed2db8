"""Latencies, drain, load and disorder: small cases by hand, and a plain recount on random runs."""

from __future__ import annotations

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st

from neurosim.engine.network_metrics import link_rows, network_metrics, spike_disorder
from neurosim.engine.timing import run_timing
from tests.engine import topologies as t
from tests.engine.timing_plans import random_case


def plain_disorder(rounds, destination, inject, arrive) -> float:
    n = len(inject)
    same = [[rounds[i] == rounds[j] and destination[i] == destination[j] for j in range(n)] for i in range(n)]
    late = sum(any(same[i][j] and inject[j] > inject[i] and arrive[j] < arrive[i] for j in range(n)) for i in range(n))
    return late / n if n else 0.0


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2)] * 2, *[st.integers(0, 6)] * 2), max_size=25))
def test_disorder_is_that_of_a_plain_count(rows):
    columns = np.array(sorted(rows), np.int64).reshape(-1, 4).T
    assert spike_disorder(*columns) == plain_disorder(*columns)


def test_disorder_by_hand():
    zeros = np.zeros(3, np.int64)
    assert spike_disorder(zeros, zeros, np.array([0, 1, 2]), np.array([9, 5, 6])) == 1 / 3
    assert spike_disorder(zeros, zeros, np.array([0, 1, 2]), np.array([5, 5, 5])) == 0
    assert spike_disorder(zeros, np.arange(3), np.array([2, 1, 0]), np.array([5, 6, 7])) == 0


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1))
@example(204993)  # an off-chip link whose last flits outlast their rounds
def test_metrics_of_random_runs(seed):
    plan, trace = random_case(seed)
    timing = run_timing(plan, trace, log=True)
    cycles = int(timing.round_cycles.sum())
    found = network_metrics(plan, timing.log, timing.link_flits, cycles)
    latency = sorted((timing.log.arrive - timing.log.inject).tolist())
    assert found["deliveries"] == len(latency) == timing.delivered.sum()
    if latency:
        assert found["latency_cycles"]["max"] == latency[-1]
        assert found["latency_cycles"]["mean"] == np.mean(latency)
        p99 = found["latency_cycles"]["p99"]
        share = np.mean(np.array(latency) <= p99)
        assert share >= 0.99 and np.mean(np.array(latency) < p99) < 0.99
        assert found["drain_cycles"]["max"] <= timing.round_cycles.max()
    assert sum(link["flits"] for link in found["links"]) == timing.link_flits[:, : plan.router.first_local].sum()
    assert all(0 <= link["load"] <= 1 for link in found["links"])


def test_rows_of_links_name_both_ends():
    flits = np.zeros((4, 6), np.int64)
    flits[0, 0] = 5
    rows = link_rows(t.mesh(2, 2, interval_cycles=(4, 1, 1, 1, 1)), flits, 100)
    assert rows[0] == {
        "from": "tile 0",
        "to": "tile 1",
        "direction": "east",
        "off_chip": False,
        "flits": 5,
        "load": 0.2,
    }
    names = [(row["from"], row["to"], row["direction"]) for row in link_rows(t.tree(2, 1), np.zeros((3, 5)), 1)]
    assert names == [
        ("router 0", "tile 0", "down"), ("router 0", "tile 1", "down"), ("tile 0", "router 0", "up"),
        ("tile 1", "router 0", "up"),
    ]  # fmt: skip
