"""Event execution: the fast engine is the reference on random chips; closed forms; what is refused."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.engine.event import plan_events, run_events
from neurosim.engine.event_plan import (
    ACCEPT,
    FIRST_OPERATION,
    IDLE,
    RELEASE,
    Environment,
    EventProgram,
    EventResult,
    EventStream,
)
from neurosim.errors import NeurosimError
from tests.engine.event_strategies import environments, plans, programs, streams

ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])
SPIKE, VIRTUAL, TREF_ONE, TREF_ALL = range(4)
TINY = plan_events(load_chip("tinyodin"))


def outcome(plan, program, events, environment, engine, limit) -> EventResult | str:
    try:
        return run_events(plan, program, events, environment, engine, max_cycles=limit)
    except NeurosimError as error:
        return str(error)


def assert_engines_agree(plan, environment, seed, n_events):
    rng = np.random.default_rng(seed)
    program, events = programs(plan, rng), streams(plan, rng, n_events)
    reference, fast = (outcome(plan, program, events, environment, x, 3000) for x in ("reference", "fast"))
    if isinstance(reference, str) or isinstance(fast, str):
        assert reference == fast
    else:
        assert reference.differences(fast) == []


@given(plans(), environments, st.integers(0, 2**32 - 1), st.integers(0, 25))
@settings(max_examples=150, deadline=None)
def test_fast_is_the_reference(plan, environment, seed, n_events):
    assert_engines_agree(plan, environment, seed, n_events)


@pytest.mark.slow
@pytest.mark.ci
@given(plans(), environments, st.integers(0, 2**32 - 1), st.integers(0, 60))
@settings(max_examples=3000, deadline=None)
def test_fast_is_the_reference_at_length(plan, environment, seed, n_events):
    assert_engines_agree(plan, environment, seed, n_events)


def quiet(n=256, **changes) -> EventProgram:
    """No weights, thresholds out of reach."""
    zeros = np.zeros(n, np.int64)
    program = EventProgram(
        active=n, closed_loop=False, controller_output=False, weights=np.zeros((n, n), np.int64),
        threshold=np.full(n, 4095), leak=zeros, membrane=zeros, disabled=zeros,
    )  # fmt: skip
    return replace(program, **changes)


def stream(*events: tuple[int, ...]) -> EventStream:
    """Events (operation, neuron, weight, not before)."""
    table = np.array(events, np.int64).reshape(-1, 4)
    nothing = np.zeros(len(table), np.int64)
    return EventStream(table[:, 0], table[:, 1], nothing, table[:, 2], nothing, nothing, table[:, 3])


@ENGINES
@pytest.mark.parametrize(("active", "release_delay", "start"), [(256, 1, 5), (16, 1, 0), (64, 4, 100), (1, 2, 7)])
def test_a_lone_spike_event(engine, active, release_delay, start):
    # start + 2 N + 9 + release delay, the formula of the recordings
    outside = Environment(release_delay=release_delay)
    result = run_events(TINY, quiet(active=active), stream((SPIKE, 3, 0, start)), outside, engine)
    assert result.cycles == start + 2 * active + 9 + release_delay
    assert result.requests.tolist() == [[start, start + 4, start + 4 + release_delay, start + 7 + release_delay]]
    assert result.counts["neuron_accesses"] == 2 * active and result.counts["neuron_writes"] == active
    assert result.counts["synapse_accesses"] == 2 * -(-active // 8)


@ENGINES
def test_states_of_a_virtual_event(engine):
    result = run_events(TINY, quiet(), stream((VIRTUAL, 3, 2, 0)), Environment(), engine)
    served = FIRST_OPERATION + 2 * VIRTUAL
    assert result.states.tolist() == [
        [0, IDLE, 3], [3, ACCEPT, 1], [4, RELEASE, 4], [8, IDLE, 1], [9, served, 2], [11, IDLE, 0],
    ]  # fmt: skip
    assert result.final_membrane[3] == 2


@ENGINES
@pytest.mark.parametrize(("ack", "ack_release"), [(1, 1), (3, 7), (2, 1)])
def test_a_spike_stalls_the_scan(engine, ack, ack_release):
    membrane = np.zeros(256, np.int64)
    membrane[[10, 20]] = 5
    program = quiet(membrane=membrane, threshold=np.where(membrane > 0, 5, 4095))
    outside = Environment(ack_delay=ack, ack_release_delay=ack_release)
    result = run_events(TINY, program, stream((TREF_ALL, 0, 0, 0)), outside, engine)
    stall = 6 + ack + ack_release
    assert result.spikes.tolist() == [[3 + 21, 10, 0], [3 + 41 + stall, 20, 0]]
    assert result.counts["neuron_accesses"] == 512 + 2 * stall
    assert result.counts["output_busy"] == 2 * stall


@ENGINES
def test_a_full_queue_loses_the_newest(engine):
    plan = replace(TINY, depth=4)
    weights = np.zeros((256, 256), np.int64)
    weights[0, 100:110] = 7  # ten spikes; the head of the queue keeps its place while it is served, so three stay
    program = quiet(weights=weights, threshold=np.full(256, 7), closed_loop=True)
    result = run_events(plan, program, stream((SPIKE, 0, 0, 0)), Environment(), engine)
    assert result.counts["dropped"] == 7 and result.counts["queue_peak"] == 4
    assert result.spikes[:, 2].tolist() == [1, 1, 1, 0, 0, 0, 0, 0, 0, 0]
    assert [flag for _, flag in result.full.tolist()] == [1, 0]
    early = run_events(replace(plan, release_at_end=False), program, stream((SPIKE, 0, 0, 0)), Environment(), engine)
    assert early.counts["dropped"] == 6


@ENGINES
def test_no_events(engine):
    result = run_events(TINY, quiet(), stream(), Environment(), engine)
    assert result.cycles == 0 and result.states.tolist() == [[0, IDLE, 0]] and len(result.spikes) == 0


@ENGINES
def test_states_are_kept_only_if_asked_for(engine):
    events = stream((VIRTUAL, 3, 2, 0))
    kept, left = (
        run_events(TINY, quiet(), events, Environment(), engine, log_states=log) for log in (True, False)
    )  # fmt: skip
    assert kept.membranes.shape == (1, 256) and left.membranes.shape == (0, 256)
    assert set(kept.differences(left)) == {"membranes"}


@ENGINES
def test_a_loop_that_never_ends_is_stopped(engine):
    program = quiet(weights=np.full((256, 256), 7), threshold=np.full(256, 1), closed_loop=True)
    with pytest.raises(NeurosimError, match="not over after 9000 cycles"):
        run_events(TINY, program, stream((SPIKE, 0, 0, 0)), Environment(), engine, max_cycles=9000)


@pytest.mark.parametrize(
    ("program", "events", "environment", "message"),
    [
        (quiet(active=0), stream(), Environment(), r"program\.active: got 0, expected 1 to 256"),
        (quiet(active=257), stream(), Environment(), r"program\.active: got 257"),
        (quiet(weights=np.full((256, 256), 8)), stream(), Environment(), r"weights: 8 to 8, expected -8 to 7"),
        (quiet(leak=np.zeros(3, int)), stream(), Environment(), r"leak: got int64 \(3,\), expected integers \(256,\)"),
        (quiet(leak=np.zeros(256)), stream(), Environment(), r"leak: got float64"),
        (quiet(), stream((VIRTUAL, 16, 1, 0)), Environment(), "event 0 is virtual at 16, expected at most 15"),
        (quiet(), stream((9, 0, 0, 0)), Environment(), r"events\.operation: 9 to 9, expected 0 to 3"),
        (quiet(), stream((SPIKE, 0, 0, -1)), Environment(), r"events\.not_before"),
        (quiet(), stream(), Environment(gap=0), r"environment\.gap: got 0, expected 1 to"),
    ],
)
def test_what_does_not_fit_is_refused(program, events, environment, message):
    with pytest.raises(NeurosimError, match=message):
        run_events(TINY, program, events, environment)


def test_unknown_engine():
    with pytest.raises(NeurosimError, match="engine: got 'slow'"):
        run_events(TINY, quiet(), stream(), Environment(), "slow")
