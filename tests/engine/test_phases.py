"""Phased execution: both engines on random tables and steps, on a table worked out by hand, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.engine.phases import AmountPlan, CasePlan, PhasePlan, plan_phases, run_phases
from neurosim.errors import NeurosimError

ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])
RECKON = plan_phases(load_chip("reckon"))


@st.composite
def tables(draw):
    n = draw(st.integers(1, 5))
    column = st.integers(0, n - 1)
    amounts = st.builds(AmountPlan, st.lists(column, min_size=1, max_size=3).map(tuple), st.integers(1, 9))
    values = st.frozensets(st.integers(0, 6), min_size=1)
    alternative = st.lists(st.tuples(column, values), min_size=1, max_size=3).map(tuple)
    cases = st.builds(
        CasePlan,
        st.lists(alternative, max_size=3).map(tuple),
        st.none() | amounts,
        st.integers(0, 40),
        st.lists(st.tuples(st.integers(1, 9), amounts), max_size=3).map(tuple),
    )
    phases = draw(st.lists(st.lists(cases, min_size=1, max_size=4).map(tuple), min_size=1, max_size=4))
    names = tuple("abcde"[:n])
    return PhasePlan(names, ((0, 30, None),) * n, tuple(map(str, range(len(phases)))), tuple(phases))


@given(tables(), st.integers(0, 999), st.integers(0, 12))
@settings(max_examples=300, deadline=None)
def test_engines_agree_on_random_tables(plan, seed, n_steps):
    rng = np.random.default_rng(seed)
    steps = rng.integers(0, rng.choice([3, 8, 31]), (n_steps, len(plan.quantities)))
    reference, fast = (run_phases(plan, steps, engine) for engine in ("reference", "fast"))
    assert reference.dtype == fast.dtype == np.int64 and reference.shape == (n_steps, len(plan.phases))
    assert np.array_equal(reference, fast)


def one_step(**changes):
    step = {
        "n_input": 5, "n_recurrent": 33, "n_output": 2, "eprop_mask": 0, "target_valid": 0, "regul_mode": 0,
        "input_events": 3, "recurrent_spikes": 4, "active_indices": 6, "input_events_at_index_ge_n_recurrent": 0,
    }  # fmt: skip
    return np.array([list({**step, **changes}.values())])


@ENGINES
@pytest.mark.parametrize(
    ("changes", "eprop"),
    [
        ({}, 0),
        ({"eprop_mask": 7}, 0),
        ({"target_valid": 1}, 0),
        ({"eprop_mask": 7, "target_valid": 1}, 3 * (32 + 66)),
        ({"eprop_mask": 5, "regul_mode": 6}, 3 * (32 + 66)),
        ({"eprop_mask": 5, "regul_mode": 5}, 0),
        ({"eprop_mask": 4, "regul_mode": 7}, 66),
        ({"eprop_mask": 4, "target_valid": 1}, 66),
    ],
)
def test_reckon_by_hand(engine, changes, eprop):
    (cycles,) = run_phases(RECKON, one_step(**changes), engine)
    assert cycles.tolist() == [33, 1, eprop, 33, 6 * 2 * 17, 0]


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (one_step(n_output=17), "step 0, n_output: got 17, expected 1 to 16"),
        (one_step(n_recurrent=0), "step 0, n_recurrent: got 0, expected 1 to 256"),
        (one_step(input_events=6), "step 0, input_events: got 6, expected 0 to 5"),
        (one_step(active_indices=34), "step 0, active_indices: got 34, expected 0 to 33"),
        (np.vstack([one_step(), one_step(target_valid=2)]), "step 1, target_valid: got 2, expected 0 to 1"),
        (one_step()[:, 1:], r"got int64 (1, 9), expected integers (n_steps, 10)"),
        (one_step() * 1.0, "got float64"),
    ],
)
def test_impossible_steps(steps, message):
    with pytest.raises(NeurosimError) as caught:
        run_phases(RECKON, steps)
    assert message in str(caught.value)


def test_unknown_engine():
    with pytest.raises(NeurosimError, match="engine: got 'quick'"):
        run_phases(RECKON, one_step(), "quick")
