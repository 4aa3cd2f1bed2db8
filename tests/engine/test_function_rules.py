"""Every neuron rule by small literals: inputs by timestep, then the spikes and membranes a hand computes."""

import numpy as np
import pytest

from neurosim.engine.function import run_function
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
    Relay,
    Sparse,
    Stimulus,
)

ENGINES = pytest.mark.parametrize("engine", ["fast", "reference"])


def one_neuron(inputs, weight=1, **model):
    """Membrane after each timestep and spikes of one neuron fed graded ``inputs`` (0: no spike)."""
    integer = model.setdefault("membrane_bits", 16) is not None
    codec = IntCodec(8) if integer else FloatCodec()
    dtype = np.int32 if integer else np.float32
    populations = [Population("in", (1,), Input(12)), Population("a", (1,), Lif(**model))]
    projection = Projection("in", "a", Dense(np.array([[weight]], dtype)), codec)
    network = Network(populations, [projection])

    def play(engine):
        spikes, membranes, active, clipped = [], [], [], 0
        for end in range(1, len(inputs) + 1):
            trace = run_function(network, Stimulus.from_dense(np.array(inputs[:end], dtype).reshape(1, end, 1)), engine)
            spikes.append(int(trace.dense(1, 2)[0, -1, 0]))
            membranes.append(trace.membrane[0, 1].item())
            active.append(int(trace.active[-1, 0] >> 1))
            clipped = int(trace.saturations[1])
        return spikes, membranes, active, clipped

    return play


def shift(bits, rounding="floor"):
    return Leak("shift", shift=bits, rounding=rounding)


def times(numerator, bits, rounding="floor"):
    return Leak("multiply", numerator=numerator, shift=bits, rounding=rounding)


RULES = {
    # name: (model, inputs, spikes, membranes)
    "integrate": (dict(threshold=9), [3, 3, 3], [0, 0, 1], [3, 6, 0]),
    "above": (dict(threshold=9, compare=">"), [3, 6, 1], [0, 0, 1], [3, 9, 1]),
    "subtract": (dict(threshold=5), [7, 9, 0], [1, 1, 1], [2, 6, 1]),
    "hard": (dict(threshold=5, reset="hard", v_reset=-2), [7, 3], [1, 0], [-2, 1]),
    "no reset": (dict(threshold=5, reset="none"), [7, 0, -3], [1, 1, 0], [7, 7, 4]),
    "integrator": (dict(threshold=None), [7, 0, -9], [0, 0, 0], [7, 7, -2]),
    "bias": (dict(threshold=5, bias=2), [0, 0, 0, 1], [0, 0, 1, 0], [2, 4, 1, 4]),
    "v_init": (dict(threshold=5, v_init=4), [0, 1], [0, 1], [4, 0]),
    "shift floor": (dict(threshold=99, leak=shift(2)), [-7, 0], [0, 0], [-7, -5]),
    "shift zero": (dict(threshold=99, leak=shift(2, "zero")), [-7, 0], [0, 0], [-7, -6]),
    "shift nearest": (dict(threshold=99, leak=shift(2, "nearest")), [6, 0], [0, 0], [6, 4]),
    "shift nearest below": (dict(threshold=99, leak=shift(2, "nearest")), [-6, 0], [0, 0], [-6, -5]),
    "multiply floor": (dict(threshold=99, leak=times(3, 2)), [-7, 0], [0, 0], [-7, -6]),
    "multiply zero": (dict(threshold=99, leak=times(3, 2, "zero")), [-7, 0], [0, 0], [-7, -5]),
    "multiply nearest": (dict(threshold=99, leak=times(3, 2, "nearest")), [6, -6], [0, 0], [6, -1]),
    "subtract leak": (dict(threshold=99, leak=Leak("subtract", amount=3)), [7, 0, 0, 0], [0] * 4, [7, 4, 1, 0]),
    "subtract leak up": (dict(threshold=99, leak=Leak("subtract", amount=3)), [-4, 0, 0], [0] * 3, [-4, -1, 0]),
    "rest": (dict(threshold=99, leak=times(1, 1), v_rest=8), [0, 0, 0], [0] * 3, [4, 6, 7]),
    "rest subtract": (dict(threshold=99, leak=Leak("subtract", amount=5), v_rest=8), [0, 0], [0] * 2, [5, 8]),
    "leak first": (dict(threshold=99, leak=shift(1), v_init=8), [0, 0], [0, 0], [4, 2]),
    "no leak first": (dict(threshold=99, leak=shift(1), v_init=8, leak_first_step=False), [0, 0], [0, 0], [8, 4]),
    "decay input": (dict(threshold=99, leak=times(3, 2), decay_input=True), [8, 8], [0, 0], [2, 3]),
    "decay input shift": (dict(threshold=99, leak=shift(1), decay_input=True, bias=1), [-7], [0], [-3]),
    "decay input nearest": (dict(threshold=99, leak=times(1, 2, "nearest"), decay_input=True), [2, 0], [0, 0], [2, 1]),
    "refractory": (dict(threshold=5, refractory=2, bias=1), [5, 9, 9, 4], [1, 0, 0, 1], [1, 1, 1, 1]),
    "delayed subtract": (dict(threshold=5, reset_delay=True), [7, 0, 3], [1, 0, 1], [7, 2, 5]),
    "delayed hard": (dict(threshold=5, reset_delay=True, reset="hard", v_reset=-1), [7, 9, 9], [1, 0, 1], [7, -1, 8]),
    "delayed and refractory": (
        dict(threshold=5, reset_delay=True, refractory=1), [7, 9, 1, 0], [1, 0, 0, 0], [7, 7, 3, 3],
    ),
    "saturate": (dict(threshold=None, membrane_bits=4), [9, -20, 3], [0, 0, 0], [7, -8, -5]),
    "wrap": (dict(threshold=None, membrane_bits=4, overflow="wrap"), [9, -2, 16], [0, 0, 0], [-7, 7, 7]),
    "spike after saturation": (dict(threshold=7, membrane_bits=4, reset="hard"), [30, 6], [1, 0], [0, 6]),
    "reset limited again": (dict(threshold=-6, membrane_bits=4), [3, -13], [1, 1], [7, 0]),
    "ternary": (dict(threshold=5, ternary=True), [7, -9, -3, -5], [1, -1, -1, -1], [2, -2, 0, 0]),
    "ternary above": (dict(threshold=5, ternary=True, compare=">"), [-5, -1, 6], [0, -1, 0], [-5, -1, 5]),
    "ternary hard": (dict(threshold=5, ternary=True, reset="hard", v_reset=2), [-6, 1, 2], [-1, 0, 1], [2, 3, 2]),
    "ternary, no reset": (dict(threshold=5, ternary=True, reset="none"), [-7, 3], [-1, 0], [-7, -4]),
    "ternary refractory": (dict(threshold=5, ternary=True, refractory=1), [-6, -9, -9], [-1, 0, -1], [-1, -1, -5]),
    "ternary at the bottom": (dict(threshold=7, ternary=True, membrane_bits=4), [-30, 0], [-1, 0], [-1, -1]),
    "ternary leak": (
        dict(threshold=4, ternary=True, leak=times(1, 1, "zero")), [-3, -3, 3], [0, -1, 0], [-3, 0, 3],
    ),
    "32 bits": (dict(threshold=None, membrane_bits=32, v_init=2**31 - 2), [5, -1], [0, 0], [2**31 - 1, 2**31 - 2]),
}  # fmt: skip


@ENGINES
@pytest.mark.parametrize("name", RULES)
def test_rule(engine, name):
    model, inputs, spikes, membranes = RULES[name]
    played = one_neuron(inputs, **model)(engine)
    assert played[:2] == (spikes, membranes)


@ENGINES
def test_float_rules_round_every_operation(engine):
    f = np.float32
    model = dict(threshold=1.0, leak=Leak("multiply", factor=0.9), v_rest=0.1, bias=0.3, membrane_bits=None)
    inputs = [0.7, 0.2, 0.4]
    v, spikes, membranes = f(0), [], []
    for x in inputs:
        v = f(f(0.1) + f(f(v - f(0.1)) * f(0.9)))
        v = f(f(v + f(f(x) * f(0.7))) + f(0.3))
        spikes.append(int(v >= f(1)))
        v = f(v - f(1)) if spikes[-1] else v
        membranes.append(float(v))
    assert one_neuron(inputs, weight=f(0.7), **model)(engine)[:2] == (spikes, membranes)
    assert 1 in spikes


FLOATS = {
    # Numbers that float32 holds exactly.
    "synaptic current": (dict(threshold=None, current_keep=0.5), [4, 0, 0], [0, 0, 0], [4, 6, 7]),
    "current with bias": (dict(threshold=None, current_keep=0.5, bias=2), [0, 0, 0], [0, 0, 0], [2, 5, 8.5]),
    "current, decayed": (
        dict(threshold=99, current_keep=0.5, leak=Leak("multiply", factor=0.5), decay_input=True),
        [8, 0], [0, 0], [4, 4],
    ),
    "current runs on in refractory steps": (
        dict(threshold=4, current_keep=0.5, refractory=1, reset="hard"), [4, 0, 0], [1, 0, 0], [0, 0, 1],
    ),
    "floor": (dict(threshold=5, v_floor=-1), [-7, 3], [0, 0], [-1, 2]),
    "floor after the reset": (dict(threshold=5, v_floor=2), [6, 0], [1, 0], [2, 2]),
    "floor above v_reset": (dict(threshold=5, v_floor=-1, reset="hard", v_reset=-3), [6, 0], [1, 0], [-1, -1]),
    "several spikes": (dict(threshold=2, max_spikes=255), [7, 0, 1, -9], [3, 0, 1, 0], [1, 1, 0, -9]),
    "at most two": (dict(threshold=2, max_spikes=2), [7], [2], [3]),
    "several, hard reset": (dict(threshold=2, max_spikes=9, reset="hard", v_reset=1), [7, 1], [3, 1], [1, 1]),
}  # fmt: skip


@ENGINES
@pytest.mark.parametrize("name", FLOATS)
def test_float_only_rule(engine, name):
    model, inputs, spikes, membranes = FLOATS[name]
    assert one_neuron(inputs, **model, membrane_bits=None)(engine)[:2] == (spikes, membranes)


@ENGINES
def test_a_value_of_several_spikes_counts_as_many_on_arrival(engine):
    populations = [
        Population("in", (1,), Input(8)), Population("a", (1,), Lif(2.0, max_spikes=9)),
        Population("b", (1,), Lif(None)),
    ]  # fmt: skip
    one = Dense(np.array([[0.5]], np.float32))
    network = Network(populations, [Projection("in", "a", one), Projection("a", "b", one)])
    trace = run_function(network, Stimulus.from_dense(np.array([14, 0]).reshape(1, 2, 1)), engine)
    assert trace.membrane[0].tolist() == [0, 1, 1.5] and trace.value.tolist() == [14, 3]


@ENGINES
def test_active_and_saturations(engine):
    assert one_neuron([0, 3, 0], threshold=9)(engine)[2] == [0, 1, 1], "touched, then away from rest"
    assert one_neuron([0, 3, 0], threshold=3)(engine)[2] == [0, 1, 0], "back at rest"
    assert one_neuron([0, 0], threshold=9, bias=1)(engine)[2] == [1, 1], "a bias is something to do"
    assert one_neuron([0, 2, 0], weight=0, threshold=9)(engine)[2] == [0, 1, 0], "a zero weight touches"
    assert one_neuron([0, 0], threshold=9, v_rest=5, v_init=5)(engine)[2] == [0, 0], "at rest, which is not 0"
    assert one_neuron([9, -20, 3], threshold=None, membrane_bits=4)(engine)[3] == 2
    assert one_neuron([9, -2], threshold=None, membrane_bits=4, overflow="wrap")(engine)[3] == 0
    assert one_neuron([3], threshold=-6, membrane_bits=4)(engine)[3] == 1, "3 + 6 is more than 7"


@ENGINES
def test_delays_and_the_end_of_the_run(engine):
    """Input at t=0 over a delay of 2; a loop of delay 1 keeps the neuron firing; nothing arrives after T."""
    populations = [Population("in", (1,), Input()), Population("a", (1,), Lif(1, membrane_bits=8))]
    one, codec = Dense(np.ones((1, 1), np.int8)), IntCodec(2)
    late = Projection("in", "a", one, codec, delay=2)
    loop = Projection("a", "a", one, codec, delay=1)
    spikes = Stimulus.from_dense(np.array([1, 0, 0, 0, 0, 1]).reshape(1, 6, 1))
    assert run_function(Network(populations, [late]), spikes, engine).dense(1, 2).ravel().tolist() == [0, 0, 1, 0, 0, 0]
    both = run_function(Network(populations, [late, loop]), spikes, engine)
    assert both.dense(1, 2).ravel().tolist() == [0, 0, 1, 1, 1, 1]
    assert both.neuron.tolist() == [0, 1, 1, 1, 0, 1]
    assert both.ptr.tolist() == [0, 1, 1, 2, 3, 4, 6]


@ENGINES
def test_weight_shift_aligns_projections(engine):
    populations = [Population("in", (1,), Input(4)), Population("a", (1,), Lif(None, membrane_bits=16))]
    codec = IntCodec(4)
    projections = [
        Projection("in", "a", Dense(np.array([[w]], np.int8)), codec, weight_shift=s) for w, s in [(3, 2), (-1, 5)]
    ]
    trace = run_function(Network(populations, projections), Stimulus.from_dense(np.full((1, 1, 1), 5)), engine)
    assert trace.membrane[0, 1] == 5 * (3 * 4 - 1 * 32)


def pooled(mode, relay, codec, value=None):
    image = np.zeros((1, 1, 1, 2, 4), np.float32 if codec == FloatCodec() else np.int32)
    image[0, 0, 0, :, 0] = 1 if value is None else value
    image[0, 0, 0, 0, 3] = 1
    populations = [
        Population("in", (1, 2, 4), Input(1 if value is None else 8)),
        Population("pool", (1, 1, 2), relay),
        Population("out", (1,), Lif(None, membrane_bits=None if codec == FloatCodec() else 16)),
    ]
    weights = np.ones((2, 1), np.float32 if codec == FloatCodec() else np.int8)
    projections = [
        Projection("in", "pool", Pool2d(mode, (2, 2))),
        Projection("pool", "out", Dense(weights), codec),
    ]
    return Network(populations, projections), Stimulus.from_dense(image)


@ENGINES
@pytest.mark.parametrize(
    ("case", "expected"),
    [
        (("sum", Relay(True, 3), IntCodec(4)), [2, 1]),
        (("max", Relay(), IntCodec(4)), [1, 1]),
        (("sum", Relay(), IntCodec(4)), [1, 1]),
        (("sum", Relay(True, 8), IntCodec(4), -7), [-14, 1]),
        (("average", Relay(True, 8), FloatCodec()), [0.5, 0.25]),
    ],
)
def test_relays(engine, case, expected):
    trace = run_function(*pooled(*case), engine)
    assert trace.dense(8, 10).ravel().tolist() == expected
    assert trace.membrane[0].tolist() == [0] * 10 + [sum(expected)]


@ENGINES
def test_float_sums_follow_projection_then_source(engine):
    """1 + 1e8 - 1e8 differs by order in float32: sources ascend, and projections come as listed."""
    populations = [Population("in", (3,), Input()), Population("a", (1,), Lif(None))]
    stimulus = Stimulus.from_dense(np.ones((1, 1, 3)))

    def membrane(*rows):
        projections = [Projection("in", "a", Dense(np.array(row, np.float32).reshape(3, 1))) for row in rows]
        return run_function(Network(populations, projections), stimulus, engine).membrane[0, 3]

    assert membrane([1, 1e8, -1e8]) == 0
    assert membrane([1e8, -1e8, 1]) == 1
    assert membrane([1e8, 0, 0], [-1e8, 0, 0], [1, 0, 0]) == 1
    assert membrane([1, 0, 0], [1e8, 0, 0], [-1e8, 0, 0]) == 0


@ENGINES
@pytest.mark.parametrize(("groups", "stride", "dilation"), [(1, 1, 1), (2, 2, 1), (1, 2, 2), (4, 1, 1)])
def test_convolution_by_its_definition(engine, groups, stride, dilation):
    """All pixels of an image into an integrator, a residual copy on top: the sum over the padded window."""
    rng = np.random.default_rng(groups + 10 * stride)
    weights = rng.integers(-9, 10, (4, 4 // groups, 3, 3))
    image = rng.integers(0, 6, (4, 7, 6))
    conv = Conv2d(weights, (stride,) * 2, (1, 2), (dilation,) * 2, groups)
    shape = conv.output_shape(image.shape)
    populations = [
        Population("in", image.shape, Input(3)),
        Population("a", shape, Lif(None, membrane_bits=24)),
        Population("b", shape, Lif(5, membrane_bits=24, bias=7)),
    ]
    projections = [
        Projection("in", "a", conv, IntCodec(5)),
        Projection("b", "a", Identity(100)),
    ]
    network = Network(populations, projections)
    trace = run_function(network, Stimulus.from_dense(image[None, None]), engine)
    padded = np.pad(image, ((0, 0), (1, 1), (2, 2)))
    per_group = 4 // groups
    for o, y, x in np.ndindex(shape):
        group = slice(o // per_group * per_group, (o // per_group + 1) * per_group)
        rows, columns = (slice(k * stride, k * stride + 2 * dilation + 1, dilation) for k in (y, x))
        expected = (padded[group, rows, columns] * weights[o]).sum() + 100
        assert trace.membrane[0, image.size + np.ravel_multi_index((o, y, x), shape)] == expected


@ENGINES
def test_dense_and_sparse_into_the_target_of_a_convolution(engine):
    """The input sums of a convolution are kept channel-last; whatever else arrives must find its neuron."""
    weights = np.arange(1, 13).reshape(1, 12)
    populations = [
        Population("image", (1, 2, 3), Input()),
        Population("in", (1,), Input()),
        Population("a", (2, 2, 3), Lif(None, membrane_bits=16)),
    ]
    projections = [
        Projection("image", "a", Conv2d(np.array([1000, 2000]).reshape(2, 1, 1, 1)), IntCodec(12)),
        Projection("in", "a", Dense(weights), IntCodec(8)),
        Projection("in", "a", Sparse(np.array([0, 2]), np.array([1, 9]), np.array([100, 200])), IntCodec(9)),
    ]
    stimulus = Stimulus.from_dense(np.array([0, 0, 1, 0, 0, 0, 1]).reshape(1, 1, 7))
    expected = np.arange(1, 13)
    expected[[1, 9]] += [100, 200]
    expected[[2, 8]] += [1000, 2000]
    trace = run_function(Network(populations, projections), stimulus, engine)
    assert trace.membrane[0, 7:].tolist() == expected.tolist()
