"""The fast engine equals the reference in every field; results do not depend on threads or chunks."""

from dataclasses import fields, replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from neurosim.engine.check import check_memory
from neurosim.engine.fast import function_plan
from neurosim.engine.fast.function import fast_function
from neurosim.engine.fast.function_lower import lower_function
from neurosim.engine.function import run_function
from neurosim.engine.reference.function import reference_function
from neurosim.errors import NeurosimError
from neurosim.snn import (
    Conv2d,
    Dense,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Relay,
    Sparse,
    Stimulus,
)
from tests.engine.strategies import cases

QUICK = settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
LONG = settings(max_examples=4000, deadline=None, suppress_health_check=list(HealthCheck))


def same(left, right):
    """Every field of two traces, dtypes, signs of zero and NaN included."""
    for field in fields(left):
        a, b = getattr(left, field.name), getattr(right, field.name)
        if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
            assert (a.dtype, a.shape) == (b.dtype, b.shape), field.name
            assert a.tobytes() == b.tobytes(), f"{field.name}: {a} != {b}"
        else:
            assert a is b or a == b, field.name


def outcome(engine, *case, **options):
    """The trace, or the message of the refusal."""
    try:
        return engine(*case, **options)
    except NeurosimError as error:
        return str(error)


def check_equal(case):
    reference, fast = outcome(reference_function, *case), outcome(fast_function, *case, threads=1)
    if isinstance(reference, str):
        assert reference == fast
    else:
        same(reference, fast)


@given(cases())
@QUICK
def test_fast_equals_reference(case):
    check_equal(case)


@pytest.mark.slow
@pytest.mark.ci
@given(cases(max_neurons=120, max_layers=6, max_timesteps=12))
@LONG
def test_fast_equals_reference_at_length(case):
    check_equal(case)


@given(cases(max_samples=7))
@settings(QUICK, max_examples=40)
def test_threads_and_chunks_do_not_matter(case):
    one = outcome(fast_function, *case, threads=1, chunk=7)
    for threads, chunk in ((1, 1), (2, 1), (3, 2), (2, None)):
        other = outcome(fast_function, *case, threads=threads, chunk=chunk)
        if isinstance(one, str):
            assert one == other
        else:
            same(one, other)


@given(cases(max_samples=4))
@settings(QUICK, max_examples=25)
def test_samples_are_independent(case):
    """The first sample alone gives the first rows of the whole run."""
    network, stimulus = case
    whole, alone = outcome(fast_function, *case), outcome(fast_function, network, stimulus.head(1))
    if isinstance(whole, str) or isinstance(alone, str):
        return
    rows = stimulus.timesteps
    end = whole.ptr[rows]
    assert alone.ptr.tobytes() == whole.ptr[: rows + 1].tobytes()
    assert alone.neuron.tobytes() == whole.neuron[:end].tobytes()
    assert alone.active.tobytes() == whole.active[:rows].tobytes()
    assert alone.membrane.tobytes() == whole.membrane[:1].tobytes()


def test_many_spikes_outgrow_the_first_buffer():
    """Every neuron of a population fires in every step; the spike buffer has to grow more than once."""
    populations = [Population("a", (2000,), Lif(1, bias=1, membrane_bits=8)), Population("in", (1,), Input())]
    stimulus = Stimulus(3, 40, 1, np.zeros(121, np.int64), np.zeros(0, np.int32))
    trace = fast_function(Network(populations, []), stimulus, threads=1, chunk=3)
    assert trace.neuron.size == 3 * 40 * 2000
    same(trace, reference_function(Network(populations, []), stimulus))


def test_a_replay_in_float64_by_another_rule_book():
    """The semantics of a published simulator's Loihi-like soma, replayed in float64 on its grid of 1/64.

    v leaks by 15/16 towards zero on the grid (not in the first step), adds bias and the spikes of the step before,
    fires above 64 and returns to 0. Here: 24-bit membranes in units of 1/64, weight_shift 6, delay 1.
    """
    rng = np.random.default_rng(5)
    n, fan_out, steps = 120, 12, 60
    targets = np.stack([np.sort(rng.choice(n, fan_out, replace=False)) for _ in range(n)])
    weights = rng.integers(-2, 3, (n, fan_out))
    bias, start = rng.integers(5, 10, n), rng.integers(0, 64, n)
    model = Lif(
        threshold=64 * 64, leak=Leak("multiply", numerator=15, shift=4, rounding="zero"), compare=">", reset="hard",
        v_init=start * 64, bias=bias * 64, leak_first_step=False, membrane_bits=24,
    )  # fmt: skip
    populations = [Population("in", (1,), Input()), Population("a", (n,), model)]
    loop = Sparse(np.arange(n + 1) * fan_out, targets.ravel(), weights.ravel())
    network = Network(populations, [Projection("a", "a", loop, IntCodec(8), delay=1, weight_shift=6)])
    trace = fast_function(network, Stimulus(1, steps, 1, np.zeros(steps + 1, np.int64), np.zeros(0, np.int32)))
    v, arriving = start.astype(np.float64), np.zeros(n)
    for t in range(steps):
        v = np.trunc((v if t == 0 else v * 0.9375) * 64) / 64 + (bias + arriving)
        fired = v > 64
        v[fired] = 0
        arriving = np.zeros(n)
        for source in np.flatnonzero(fired):
            arriving[targets[source]] += weights[source]
        assert np.array_equal(trace.dense(1, n + 1)[0, t] != 0, fired), f"timestep {t}"
    assert trace.neuron.size > 500
    assert np.array_equal(trace.membrane[0, 1:] / 64, v)


def dense_network(value_bits=1, bits=8, weight=1, **projection):
    populations = [Population("in", (4,), Input(value_bits)), Population("a", (2,), Lif(5, membrane_bits=16))]
    connectivity = Dense(np.full((4, 2), weight, np.int32))
    return Network(populations, [Projection("in", "a", connectivity, IntCodec(bits), **projection)])


def given_spikes(values, n=4):
    return Stimulus.from_dense(np.array(values, np.int32).reshape(1, -1, n))


def pool_network(mode, target, bits=1):
    populations = [Population("in", (1, 2, 2), Input(bits)), Population("a", (1, 1, 1), target)]
    return Network(populations, [Projection("in", "a", Pool2d(mode, (2, 2)))])


ONE = given_spikes([1, 0, 0, 0])
REFUSED = [
    (lambda: (dense_network(), given_spikes([1, 0, 1], 3)), "n_inputs: 3, .* have 4 neurons"),
    (lambda: (dense_network(), given_spikes([2, 0, 0, 1])), "'in' do not fit its value_bits=1"),
    (lambda: (dense_network(4), given_spikes([16, 0, 0, 1])), "value_bits=4 .-8 to 15.; first is 16"),
    (lambda: (dense_network(), replace(ONE, value=np.zeros(1, np.int32))), "contains 0, which is no spike"),
    (lambda: (dense_network(4), replace(ONE, value=np.array([0.5]))), "fractions into an integer network"),
    (lambda: (dense_network(), Stimulus(1, 1, 4, np.array([0, 2]), np.array([3, 3]))), "does not ascend"),
    (lambda: (dense_network(32, 24, 1 << 22, weight_shift=24), ONE), "kept below 2.62"),
    (lambda: (pool_network("max", Relay(True, 8)), ONE), "max pooling into a graded relay"),
    (lambda: (pool_network("max", Lif(3, membrane_bits=8)), ONE), "max pooling into a lif"),
    (lambda: (pool_network("max", Relay(), 8), ONE), "max pooling of 8-bit values"),
    (lambda: (pool_network("average", Relay(True, 8)), ONE), "fold the division"),
    (lambda: (pool_network("sum", Relay(True, 1)), given_spikes([1, 1, 0, 0])), "1 relay value.s. do not fit"),
]


@pytest.mark.parametrize("engine", ["fast", "reference"])
@pytest.mark.parametrize(("make", "message"), REFUSED, ids=[message for _, message in REFUSED])
def test_refusals_say_what_to_do(engine, make, message):
    with pytest.raises(NeurosimError, match=message):
        run_function(*make(), engine)


def test_options_are_checked():
    for options in (dict(engine="slow"), dict(threads=0)):
        with pytest.raises(NeurosimError, match="expected"):
            run_function(dense_network(), ONE, **options)
    with pytest.raises(NeurosimError, match="Run fewer samples"):
        check_memory(dense_network(), ONE, limit_bytes=3)


def test_progress_counts_samples():
    stimulus, done = Stimulus.from_dense(np.ones((5, 2, 4))), []
    run_function(dense_network(), stimulus, threads=2, progress=done.append)
    assert done[-1] == 5
    assert done == sorted(done)


def test_narrow_weights_and_sums():
    """Weights keep the narrowest type that holds them, convolutions are not unrolled, sums are as wide as needed."""
    plan = lower_function(dense_network(weight=100))
    assert (plan.tables.w8.size, plan.tables.w16.size, plan.sum_type) == (8, 0, np.int32)
    assert lower_function(dense_network(32, 24, 1 << 22)).sum_type is np.int64
    conv = Conv2d(np.ones((2, 1, 3, 3), np.int16), padding=1)
    populations = [Population("in", (1, 50, 50), Input()), Population("a", (2, 50, 50), Lif(5, membrane_bits=16))]
    plan = lower_function(Network(populations, [Projection("in", "a", conv, IntCodec(8))]))
    assert plan.tables.w8.size == 18


def test_column_names_are_distinct():
    names = [name for name in vars(function_plan) if name.isupper() and not name.endswith("COLUMNS")]
    columns = [*function_plan.POP_COLUMNS, *function_plan.PROJ_COLUMNS]
    assert len(set(columns)) == len(columns)
    for group in (function_plan.POP_COLUMNS, function_plan.PROJ_COLUMNS):
        assert [getattr(function_plan, name) for name in group] == list(range(len(group)))
    assert set(columns) < set(names)
