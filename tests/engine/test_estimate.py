"""The estimate: both engines equal; its counts are those of the cycle engine; equal in time where nothing meets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from tests.engine.test_timing import differing
from tests.engine.timing_plans import random_case

SEEDS = st.integers(0, 2**32 - 1)
RELAXED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}
QUANTA = {"round_cycles", "barrier_cycles", "update_stall", "waits"}


@settings(max_examples=250, **RELAXED)
@given(SEEDS)
def test_engines_agree(seed):
    plan, trace = random_case(seed)
    reference = run_timing(plan, trace, "reference", mode="estimate")
    assert differing(reference, run_timing(plan, trace, mode="estimate", threads=1 + seed % 2)) == []


@settings(max_examples=150, **RELAXED)
@given(SEEDS)
def test_counts_are_the_cycle_engines(seed):
    plan, trace = random_case(seed)
    cycle, estimate = run_timing(plan, trace), run_timing(plan, trace, mode="estimate")
    assert set(differing(cycle, estimate)) <= QUANTA
    assert np.array_equal(cycle.waits[:, :, 0], estimate.waits[:, :, 0])


@settings(max_examples=150, **RELAXED)
@given(SEEDS)
def test_a_lone_packet_is_timed_exactly(seed):
    """One spike to one place, everything side by side that can be: nothing to wait for, so nothing to estimate."""
    plan, trace = random_case(seed)
    plan = replace(
        plan, serial_egress=False, shared_port=False, ingress_depth=64,
        router=replace(plan.router, queue_depth=64, interval_cycles=(1,) * 5, off_chip_interval_cycles=1),
    )  # fmt: skip
    routed = np.flatnonzero(np.diff(plan.route_ptr) == 1)
    if routed.size == 0:
        return
    keep = trace.neuron == routed[0]
    before = np.concatenate([[0], np.cumsum(keep)])
    trace = replace(trace, neuron=trace.neuron[keep], ptr=before[trace.ptr])
    cycle, estimate = run_timing(plan, trace), run_timing(plan, trace, mode="estimate")
    assert np.array_equal(cycle.round_cycles, estimate.round_cycles)


def test_what_it_cannot_do():
    plan, trace = random_case(1)
    with pytest.raises(NeurosimError, match="expected 'cycle' or 'estimate'"):
        run_timing(plan, trace, mode="guess")
    with pytest.raises(NeurosimError, match="has no packet log"):
        run_timing(plan, trace, mode="estimate", log=True)
