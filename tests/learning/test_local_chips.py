"""The local rules against the chips that have them: ODIN's event engine, ReckOn's recorded steps, their memories."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.engine.event import plan_events, run_events
from neurosim.engine.event_plan import Environment, EventStream
from neurosim.engine.phases import plan_phases, run_phases
from neurosim.errors import NeurosimError
from neurosim.learning.chip_cycles import chip_cycles, odin_event_cycles, odin_program, reckon_cycles
from neurosim.learning.counters import NAMES, new_counts
from neurosim.learning.data import load_data
from neurosim.learning.engine import load_learner
from neurosim.learning.fast import eprop, sdsp
from neurosim.learning.rules import RULES
from neurosim.learning.run import Settings, learn
from neurosim.learning.summary import summarise

STEPS = Path(__file__).parents[1] / "validation" / "data" / "rtl_tables" / "reckon_step_cycles.csv"
ODIN = plan_events(load_chip("odin"))


def shown(rng, n_in, timesteps, rate=0.2):
    spikes = rng.random((timesteps, n_in)) < rate
    ptr = np.concatenate([[0], np.cumsum(spikes.sum(axis=1))]).astype(np.int64)
    return ptr, np.nonzero(spikes)[1].astype(np.int32)


def as_events(ptr, idx, chip, label, rival):
    """The same sample as ODIN gets it: teacher, input spikes, one time reference a timestep."""
    events = [
        ("virtual", j)
        for j in sorted({label, rival})
        for _ in range(chip[sdsp.FIRE] + (chip[sdsp.LIFT] if j == label else 0))
    ]
    for t in range(ptr.size - 1):
        events += [("spike", int(i)) for i in idx[ptr[t] : ptr[t + 1]]]
        events.append(("tref_all", 0))
    zeros = np.zeros(len(events), np.int64)
    operation = np.array([ODIN.op_names.index(name) for name, _ in events], np.int64)
    weight = np.array([7 if name == "virtual" else 0 for name, _ in events], np.int64)
    return EventStream(operation, np.array([k for _, k in events], np.int64), zeros, weight, zeros, zeros, zeros)


@settings(max_examples=12, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([8, 64]))
def test_sdsp_is_that_of_odin(seed, n_in):
    """Weights, membranes, calcium and spikes of the learner equal those of the chip's event engine."""
    rng = np.random.default_rng(seed)
    n = int(rng.integers(2, 11))
    low, high = [20, 0, 5, 0, 1, 1, 0, 0, 0, 256], [200, 9, 150, 3, 8, 8, 6, 12, 9, 257]
    chip = rng.integers(low, high).astype(np.int64)
    weights = rng.integers(0, 8, (n_in, n))
    ptr, idx = shown(rng, n_in, int(rng.integers(1, 8)))
    label, rival = rng.choice(n, 2, replace=False).tolist()
    program = odin_program(ODIN, weights, chip)
    result = run_events(ODIN, program, as_events(ptr, idx, chip, label, rival), Environment(), log_states=True)
    v, ca, ca_count, flag, fired = (np.zeros(n, np.int64) for _ in range(5))
    count = new_counts(1)
    sdsp.present(
        ptr, idx, chip, weights, v, ca, ca_count, flag, fired, label, rival, True, np.array([1], np.uint64), 8, count[0]
    )  # fmt: skip
    assert (result.final_weights[:n_in, :n] == weights).all()
    assert (result.final_membrane[:n] == v).all() and not result.final_membrane[n:].any()
    assert (result.calcium[-1, :n] == ca).all() and (result.calcium_counts[-1, :n] == ca_count).all()
    assert np.bincount(result.spikes[:, 1], minlength=256)[:n].tolist() == fired.tolist()
    # Each of the learner's words is one of ODIN's, which writes all 32 of a row.
    assert result.counts["synapse_writes"] == 32 * count[0, NAMES.index("replay_spikes")]


@pytest.mark.parametrize(("operation", "cycles"), [("spike", 519), ("virtual", 9), ("tref_all", 520)])
def test_cycles_of_odin_events(operation, cycles):
    assert odin_event_cycles(operation) == cycles


def test_cycles_of_a_sample_on_odin():
    """Without a spike on its way out, the learner's cycles are those of the event engine but for the last handshake."""
    rng = np.random.default_rng(3)
    chip = np.array([255, 1, 40, 0, 7, 7, 0, 6, 4, 256])
    weights = rng.integers(0, 3, (12, 4))
    ptr, idx = shown(rng, 12, 9)
    events = as_events(ptr, idx, chip, 1, 2)
    result = run_events(ODIN, odin_program(ODIN, weights, chip), events, Environment())
    assert not len(result.spikes)
    state, count = [np.zeros(4, np.int64) for _ in range(5)], new_counts(1)
    sdsp.present(ptr, idx, chip, weights, *state, 1, 2, True, np.array([1], np.uint64), 8, count[0])
    assert abs(result.cycles - sum(chip_cycles(None, count, "odin").values())) <= 3


def test_cycles_of_a_sample_on_reckon():
    """What a sample counted, put into the step model at once, is the sum of its steps one by one."""
    rng, f = np.random.default_rng(1), np.float32
    n_in, n, n_out, timesteps = 40, 24, 3, 12
    ptr, idx = shown(rng, n_in, timesteps, 0.3)
    weights = rng.normal(0.3, 0.5, (n_in, n)).astype(f), rng.normal(0, 0.5, (n, n_out)).astype(f)
    zeros = np.zeros(n_out, f)

    def run(steps, count):
        s = np.zeros(n, np.uint8)
        eprop.present(
            ptr[: steps + 1], idx, *(w.copy() for w in weights), f(0.9), np.ones(n, f), f(1), 230, 5, 1, True,
            np.full(2, 1e-4, f), np.full(2, 2.0**-6, f), f(1), np.full(2, 4, f), np.zeros(n, f), s, np.zeros(n, f),
            np.zeros(n_in, np.int64), np.zeros(n, np.int64), np.zeros(n_in, np.int64), zeros.copy(), zeros.copy(),
            zeros.copy(), np.zeros(n, f), zeros.copy(), np.array([1], np.uint64), 8, count,
        )  # fmt: skip
        return s

    plan, rows = plan_phases(load_chip("reckon")), []
    for t in range(timesteps):
        spikes = run(t + 1, new_counts(2))
        here = idx[ptr[t] : ptr[t + 1]]
        fired = np.flatnonzero(spikes)
        rows.append(
            {
                "n_input": n_in,
                "n_recurrent": n,
                "n_output": n_out,
                "eprop_mask": 5,
                "target_valid": int(t >= 5),
                "regul_mode": 0,
                "input_events": here.size,
                "recurrent_spikes": fired.size,
                "active_indices": np.union1d(here, fired).size,
                "input_events_at_index_ge_n_recurrent": int((here >= n).sum()),
            }
        )
    steps = np.array([[int(row[name]) for name in plan.quantities] for row in rows])
    count = new_counts(2)
    run(timesteps, count)
    total = dict(zip(NAMES, count.sum(axis=0).tolist(), strict=True))
    assert sum(reckon_cycles((n_in, n, n_out), total).values()) == run_phases(plan, steps).sum()


def test_cycles_of_every_recorded_step_of_reckon():
    """The learner's cycle count at the counts of a recorded step is the recorded length, whatever learns in it."""
    with STEPS.open(encoding="utf-8") as stream:
        rows = [{name: int(value) for name, value in row.items()} for row in csv.DictReader(stream)]
    assert len(rows) == 56
    for row in rows:
        learns = row["eprop_mask"] > 0 and (row["target_valid"] == 1 or row["regul_mode"] in (6, 7))
        total = dict.fromkeys(NAMES, 0) | {
            "steps": 1, "labelled_steps": int(learns), "active_indices": row["active_indices"],
            "late_inputs": row["input_events_at_index_ge_n_recurrent"],
        }  # fmt: skip
        sizes = row["n_input"], row["n_recurrent"], row["n_output"]
        assert sum(reckon_cycles(sizes, total, row["eprop_mask"]).values()) == row["cycles_total"]


def test_traces_of_reckon_are_0_78_percent_of_its_memory():
    learner = load_learner("reckon")
    assert round(100 * learner.trace_share, 2) == 0.78
    assert learner.traces.count * learner.traces.bits == 256 * (12 + 12 + 10)


def test_full_network_fills_the_memory_of_its_traces():
    """256 inputs and 256 hidden neurons keep 22 bits each; the 12 of a recurrent trace are not used without one."""
    from neurosim.learning.cost_local import stored_traces
    from neurosim.learning.run import LearningRun

    run = LearningRun(RULES["e-prop"], Settings(1, 0.1), (256, 256, 16), "", [], [], np.zeros(2))
    traces = load_learner("reckon").traces
    assert stored_traces(run) == traces.count * (traces.bits - 12)


@pytest.mark.parametrize(("chip", "rule"), [("odin", "sdsp"), ("reckon", "e-prop"), ("loihi-2018", "stdp")])
def test_chips_price_their_own_rule(chip, rule):
    learner, rule = load_learner(chip), RULES[rule]
    limits = {"most_inputs": learner.limits.inputs, "most_hidden": learner.limits.hidden}
    bits = rule.weight_bits or learner.weight_bits
    settings_ = Settings(
        1, rule.rate, weight_bits=bits, word_bits=learner.word_bits, encoder=rule.encoder, **limits
    )  # fmt: skip
    run = learn(rule, load_data("digits"), settings_)
    found = summarise(run, [learner])["costs"][0]
    assert found["learning_a_sample"] > 0 and found["unsourced_share"] == 0 and found["seconds_a_sample"] > 0
    assert found["memory_bits"]["gradients"] == 0 < found["memory_bits"]["traces"]
    other = RULES["bptt"]
    if learner.rules:
        with pytest.raises(NeurosimError, match="alone, not bptt"):
            learner.check_rule(other.name)
