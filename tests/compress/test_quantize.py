"""Quantising: exact where it can be, an honest report where it cannot, clear refusals elsewhere."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import neurosim
from neurosim.compress.quantize import quantize
from neurosim.compress.relays import quantize_stimulus
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn import (
    Conv2d,
    Dense,
    FloatCodec,
    Identity,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
    Stimulus,
)
from tests.compress.runnable import runnable
from tests.engine.strategies import cases


def spikes(seed, shape, rate=0.4):
    return Stimulus.from_dense((np.random.default_rng(seed).random(shape) < rate).astype(np.int8))


def layered(weights, *models, readout=None):
    """in -> p0 -> p1 ..., dense and float."""
    populations = [Population("in", (weights[0].shape[0],), Input())]
    projections = []
    for i, (w, model) in enumerate(zip(weights, models, strict=True)):
        populations.append(Population(f"p{i}", (w.shape[1],), model))
        source = populations[-2].name
        projections.append(Projection(source, f"p{i}", Dense(w.astype(np.float32)), FloatCodec()))
    return Network(populations, projections, readout)


def same_spikes(network, other, stimulus):
    a, b = run_function(network, stimulus), run_function(other, quantize_stimulus(other, stimulus))
    return np.array_equal(a.ptr, b.ptr) and np.array_equal(a.neuron, b.neuron)


@pytest.mark.parametrize("membrane_bits", [None, 16, 24])
@pytest.mark.parametrize("per_channel", [True, False])
def test_weights_and_thresholds_on_a_grid_stay_exact(membrane_bits, per_channel):
    rng = np.random.default_rng(5)
    first = np.where(np.arange(20)[:, None] == 0, 7, rng.integers(-7, 8, (20, 12))) * 2.0 ** rng.integers(-3, 1, 12)
    if not per_channel:
        first = first / np.abs(first).max(axis=0) * 0.875
    second = np.where(np.arange(12)[:, None] == 0, 7, rng.integers(-7, 8, (12, 6))) / 8.0
    network = layered([first, second], Lif(1.0), Lif(2.0, reset="hard"))
    stimulus = spikes(1, (6, 10, 20))
    other, report = quantize(
        network, 4, membrane_bits, calibration=stimulus, per_channel=per_channel, scale="max", clip=0.0
    )
    assert same_spikes(network, other, stimulus)
    assert [row["rms_error"] for row in report.projections] == [0.0, 0.0] and report.weight_bits == (312 * 32, 312 * 4)
    assert all(p.codec == IntCodec(4) for p in other.projections)
    assert {p.model.membrane_bits for p in other.populations[1:]} == {membrane_bits}


def test_leaks_of_powers_of_two_become_shifts_and_others_fractions():
    models = (Lif(1.0, Leak("multiply", factor=0.875)), Lif(1.0, Leak("multiply", factor=0.9)), Lif(1.0, Leak("none")))
    network = layered([np.ones((3, 3))] * 3, *models)
    other, report = quantize(network, 8, 20, calibration=spikes(0, (2, 5, 3)))
    leaks = [p.model.leak for p in other.populations[1:]]
    assert (leaks[0].kind, leaks[0].shift, leaks[0].rounding) == ("shift", 3, "nearest")
    assert leaks[1].kind == "multiply" and leaks[1].numerator / 2 ** leaks[1].shift == pytest.approx(0.9, abs=2**-13)
    assert leaks[2].kind == "none"
    assert abs(report.populations[1]["leak_error"]) < 2**-12 and report.populations[0]["leak_error"] == 0


def test_decayed_inputs_go_into_the_unit():
    """SpikingJelly's form: the input is scaled by 1 / tau. An exact twin exists, and is found."""
    weights = np.array([[7.0, -3.0], [2.0, 5.0], [1.0, 7.0]]) / 8
    model = Lif(0.5, Leak("multiply", factor=0.5), decay_input=True, reset="hard")
    network = layered([weights], model)
    stimulus = spikes(3, (8, 12, 3))
    other, _ = quantize(network, 4, 24, calibration=stimulus, scale="max")
    assert not other.populations[1].model.decay_input
    assert other.populations[1].unit[0] == pytest.approx(0.5 * other.projections[0].scale[0] / 2**10)
    assert neurosim.compare(network, other, stimulus).populations[0]["differing"] == 0


def test_average_pools_become_sums_and_the_division_moves_on():
    kernels = np.array([7, -2, 3, 1, 5, -7, 2, 2], np.float32).reshape(2, 1, 2, 2) / 8
    dense = np.array([[7, -7], [3, 2], [1, 5], [-4, 6], [2, 1], [0, 3], [-1, 2], [5, 7]], np.float32) / 4
    network = Network(
        [
            Population("in", (1, 5, 5), Input()), Population("c", (2, 4, 4), Lif(1.0)),
            Population("pool", (2, 2, 2), Relay(True, 32)), Population("out", (2,), Lif(1.0)),
        ],
        [
            Projection("in", "c", Conv2d(kernels)), Projection("c", "pool", Pool2d("average", 2)),
            Projection("pool", "out", Dense(dense)),
        ],
    )  # fmt: skip
    stimulus = spikes(2, (6, 8, 25))
    other, _ = quantize(network, 4, 20, calibration=stimulus, scale="max", clip=0.0)
    assert other.projections[1].connectivity.mode == "sum" and other.population("pool").model.value_bits == 3
    assert neurosim.compare(network, other, stimulus).populations[-1]["differing"] == 0
    assert other.population("pool").unit.tolist() == [0.25]


def test_residual_sums_share_their_unit():
    """Two weighted branches and a copy of spikes meet in one membrane."""
    rng = np.random.default_rng(0)
    a = np.where(np.eye(4) > 0, 7, rng.integers(-7, 8, (4, 4))).astype(np.float32) / 8
    network = Network(
        [Population("in", (4,), Input()), Population("a", (4,), Lif(1.0)), Population("b", (4,), Lif(1.0))],
        [
            Projection("in", "a", Dense(a)), Projection("a", "b", Dense(a / 4)), Projection("in", "b", Dense(a * 2)),
            Projection("a", "b", Identity(1.0), residual="spike"),
        ],
    )  # fmt: skip
    stimulus = spikes(7, (9, 9, 4))
    other, _ = quantize(network, 4, 20, calibration=stimulus, scale="max", clip=0.0)
    shifts = {p.name: p.weight_shift for p in other.projections if p.connectivity.event == "synapse"}
    assert shifts["in->b"] - shifts["a->b"] == 3
    assert other.projections[-1].residual == "spike"
    assert same_spikes(network, other, stimulus)


def test_narrow_membranes_widen_the_step_and_say_so():
    rng = np.random.default_rng(1)
    network = layered([rng.normal(size=(40, 10)) * 0.3], Lif(1.0, Leak("multiply", factor=0.875)))
    stimulus = spikes(4, (20, 8, 40))
    other, report = quantize(network, 8, 8, calibration=stimulus, clip=0.0)
    row = report.projections[0]
    assert row["coarsened"] > 0 and "widened" in " ".join(report.notes)
    population = report.populations[0]
    trace = run_function(other, stimulus)
    assert population["clipped"] == trace.saturations[1]
    assert population["lowest"] < 0 < population["highest"]
    unit = other.population("p0").unit
    assert (unit * 127 >= 1.0).all() and population["unit_min"] == unit.min()
    # The scale that the projection carries is the one its integers stand for.
    real = other.projections[0].connectivity.weights * other.projections[0].scale
    error = np.asarray(real, np.float64) - network.projections[0].connectivity.weights
    assert row["rms_error"] == pytest.approx(np.sqrt((error**2).mean()), rel=1e-6)
    assert row["max_error"] == pytest.approx(np.abs(error).max(), rel=1e-6)


def test_auto_clipping_is_never_worse_on_the_calibration_data():
    work = neurosim.load_workload("mnist-conv-float")
    stimulus = work.stimulus(40)
    made = {clip: quantize(work.network, 4, 7, calibration=stimulus, clip=clip)[0] for clip in ("auto", 0.0)}
    same = {clip: neurosim.compare(work.network, n, stimulus).same_answers for clip, n in made.items()}
    assert same["auto"] > same[0.0]


def test_mnist_at_8_bits_keeps_its_accuracy():
    work = neurosim.load_workload("mnist-conv-float")
    stimulus = work.stimulus(300)
    other, report = quantize(work.network, 8, 24, calibration=stimulus.head(50))
    found = neurosim.compare(work.network, other, stimulus.part(50, 300))
    assert found.accuracy_other >= found.accuracy - 0.01 and found.same_answers > 0.98
    assert all(row["sqnr_db"] > 35 for row in report.projections)
    assert report.weight_bits[1] * 4 == report.weight_bits[0] and found.clipped == {}


def test_graded_float_inputs_get_a_step():
    rng = np.random.default_rng(2)
    network = layered([rng.normal(size=(6, 5))], Lif(1.0, Leak("multiply", factor=0.5)))
    network = replace(network, populations=(Population("in", (6,), Input(32)), *network.populations[1:]))
    values = Stimulus.from_dense(rng.normal(size=(12, 6, 6)).astype(np.float32))
    with pytest.raises(NeurosimError, match="input_bits"):
        quantize(network, 8, 24, calibration=values)
    other, _ = quantize(network, 8, 24, calibration=values, input_bits=8)
    given_values = quantize_stimulus(other, values)
    assert given_values.value.dtype == np.int32 and np.abs(given_values.value).max() == 127
    assert other.population("in").model.value_bits == 8
    assert neurosim.compare(network, other, values).populations[0]["differing_of_spikes"] < 0.2


def test_codebook_and_mixed_formats():
    rng = np.random.default_rng(3)
    network = Network(
        [Population("in", (2, 6, 6), Input()), Population("c", (8, 4, 4), Lif(1.0)), Population("o", (3,), Lif(1.0))],
        [
            Projection("in", "c", Conv2d(rng.normal(size=(8, 2, 3, 3)).astype(np.float32))),
            Projection("c", "o", Dense(rng.normal(size=(128, 3)).astype(np.float32))),
        ],
    )
    stimulus = spikes(0, (3, 5, 72))
    formats = {"in->c": "codebook:8", "default": "odd:2"}
    other, report = quantize(network, formats, 16, calibration=stimulus)
    assert len(other.projections[0].codec.table) == 8 and report.projections[0]["codec"] == "codebook8x9"
    assert report.projections[0]["bits_after"] == 16 * 3 + 72
    assert set(np.unique(other.projections[1].connectivity.weights)) <= {-3, -1, 1, 3}
    run_function(other, stimulus, engine="reference")
    with pytest.raises(NeurosimError, match=r"c->o.*codebook"):
        quantize(network, "codebook:8", 16, calibration=stimulus)


def test_an_integer_network_is_requantised_and_its_scales_compose():
    rng = np.random.default_rng(4)
    network = layered([rng.normal(size=(20, 8))], Lif(1.0, Leak("multiply", factor=0.75)))
    stimulus = spikes(5, (10, 8, 20))
    first, _ = quantize(network, 8, 24, calibration=stimulus)
    second, _ = quantize(first, 4, 16, calibration=stimulus)
    real = second.projections[0].connectivity.weights * second.projections[0].scale
    exact = network.projections[0].connectivity.weights
    assert np.sqrt(((real - exact) ** 2).mean()) < 0.2 * exact.std()
    theta = second.population("p0").model.threshold * second.population("p0").unit
    assert np.allclose(theta, 1.0, atol=0.02)


def test_a_trained_integer_network_stays_exact_where_its_format_holds_it():
    work = neurosim.load_workload("mnist-conv-w4")
    stimulus = work.stimulus(30)
    other, report = quantize(work.network, 4, 24, calibration=stimulus)
    assert same_spikes(work.network, other, stimulus)
    assert all(row["max_error"] == 0 for row in report.projections)
    assert other.metadata["quantised"].startswith("weights 4, membranes 24")


def test_keep_narrows_membranes_alone_or_refuses():
    work = neurosim.load_workload("mnist-conv-w1")
    stimulus = work.stimulus(40)
    other, report = quantize(work.network, "keep", {"default": 14, "output": 16}, calibration=stimulus)
    for p, q in zip(work.network.projections, other.projections, strict=True):
        assert p.codec == q.codec and np.array_equal(p.connectivity.weights, q.connectivity.weights)
    assert neurosim.compare(work.network, other, stimulus).same_answers > 0.9
    assert [row["membrane_bits"] for row in report.populations] == [14, 14, 16]
    with pytest.raises(NeurosimError, match="cannot be kept"):
        quantize(work.network, "keep", 4, calibration=stimulus)
    with pytest.raises(NeurosimError, match="integers already"):
        quantize(layered([np.ones((3, 2))], Lif(1.0)), "keep", 12, calibration=spikes(0, (2, 3, 3)))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"membrane_bits": 1}, "membrane_bits"), ({"membrane_bits": 33}, "membrane_bits"),
        ({"membrane_bits": {"p9": 8}}, "p9"), ({"membrane_bits": {"p0": 8, "p1": None}}, "p1"),
        ({"calibration": None}, "calibration"), ({"scale": "best"}, "scale"), ({"clip": 0.6}, "clip"),
        ({"clip": "some"}, "clip"), ({"rounding": "up"}, "rounding"), ({"weight_bits": {"x->y": 4}}, "x->y"),
        ({"weight_bits": {"in->p0": 4}}, "p0->p1"), ({"weight_bits": 40}, "weight format"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(changes, message):
    network = layered([np.ones((3, 2)), np.ones((2, 2))], Lif(1.0), Lif(1.0))
    arguments = {"weight_bits": 4, "membrane_bits": 12, "calibration": spikes(0, (2, 3, 3))} | changes
    with pytest.raises(NeurosimError, match=message):
        quantize(network, **arguments)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (Lif(1.0, current_keep=0.5), "current_keep"), (Lif(1.0, v_floor=0.0), "v_floor"),
        (Lif(1.0, max_spikes=3), "max_spikes"), (Lif([1.0, 1e-9]), "threshold.*rounds to 0"),
        (Lif(1.0, Leak("subtract", amount=1e-9)), "leak.amount"),
    ],
)  # fmt: skip
def test_what_integers_cannot_do_is_refused_by_name(model, message):
    network = layered([np.ones((3, 2))], model)
    with pytest.raises(NeurosimError, match=message):
        quantize(network, 4, 12, calibration=spikes(0, (2, 3, 3)), per_channel=False)


def test_membrane_readouts_share_one_unit():
    rng = np.random.default_rng(6)
    network = layered([rng.normal(size=(9, 4))], Lif(None), readout=Readout("p0", "membrane"))
    other, _ = quantize(network, 8, 24, calibration=spikes(0, (4, 6, 9)))
    assert other.population("p0").unit.size == 1 and other.projections[0].scale.size == 1


@settings(deadline=None, max_examples=120)
@given(
    cases(), st.sampled_from([2, 4, 8, "odd:3", "sign", "ternary"]), st.sampled_from([None, 6, 12, 24]), st.booleans()
)
def test_any_network_is_quantised_or_refused(case, weight_bits, membrane_bits, per_channel):
    """Never a crash, never a network that the engines refuse; integers that fit; the two engines agree on it."""
    network, stimulus = case
    assume(runnable(network, stimulus))
    try:
        other, report = quantize(
            network, weight_bits, membrane_bits, calibration=stimulus, per_channel=per_channel, input_bits=8
        )
    except NeurosimError as error:
        assert "quantize" in str(error) or "kept below 2^62" in str(error)
        return
    ours = quantize_stimulus(other, stimulus)
    fast, slow = run_function(other, ours), run_function(other, ours, engine="reference")
    assert np.array_equal(fast.neuron, slow.neuron) and np.array_equal(fast.ptr, slow.ptr)
    assert other.is_integer == (membrane_bits is not None) or not any(
        isinstance(p.model, Lif) for p in other.populations
    )
    for row, p in zip(report.projections, [p for p in other.projections if p.scale is not None], strict=True):
        assert row["name"] == p.name and np.isfinite(row["rms_error"])
