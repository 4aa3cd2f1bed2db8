"""Every action counted by hand on networks small enough to hold in one's head."""

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.run import simulate
from neurosim.snn import (
    Conv2d,
    Dense,
    FloatCodec,
    Identity,
    Input,
    IntCodec,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
    Stimulus,
)


def counts(network, stimulus, chip="edge-28nm", placement=None):
    """Totals by action, without those that are zero."""
    result = simulate(network, load_chip(chip), stimulus, placement=placement)
    return {action: n for action, n in result.activity.totals().items() if n}


def spikes(steps, n, *at):
    """One sample of ``steps`` timesteps with a spike of value 1 (or given) at each (step, neuron[, value])."""
    raster = np.zeros((1, steps, n), np.int32)
    for step, neuron, *value in at:
        raster[0, step, neuron] = value[0] if value else 1
    return Stimulus.from_dense(raster)


# Inputs 0 and 1 spike in step 0 and make all three neurons reach 4; input 2 alone in step 1 does not.
PAIR = Network(
    [Population("in", (4,), Input()), Population("a", (3,), Lif(4, membrane_bits=12))],
    [Projection("in", "a", Dense(np.full((4, 3), 2, np.int8)), IntCodec(4))],
    Readout("a", "count"),
)
STIMULUS = spikes(2, 4, (0, 0), (0, 1), (1, 2))
WORK = {
    "host_inject": 3,
    "axon_read": 3,
    "synapse_read_word": 3,
    "accumulate_dense": 9,
    # nine contributions, and a read-and-clear in each of 2 steps x 3 neurons
    "accumulator_read": 15,
    "accumulator_write": 15,
    "membrane_read": 6,
    "membrane_write": 6,
    "neuron_access": 6,
    "neuron_active": 6,
    "neuron_spike": 3,
    "routing_read": 3,
    "axon_out": 3,
    "inject": 3,
    "hop_local": 6,
    # two levels, so two rounds a timestep
    "barrier": 4,
}


def test_beside_the_host():
    assert counts(PAIR, STIMULUS) == {**WORK, "router_flit": 6}


def test_hops_by_direction():
    # Core 6 is tile (2, 1) of the 4 x 4 mesh, the host is at (0, 0): two east and one north in, back the other way out.
    placement = np.array([-1, -1, -1, -1, 6, 6, 6])
    hops = {"hop_east": 6, "hop_north": 3, "hop_west": 6, "hop_south": 3, "router_flit": 24}
    assert counts(PAIR, STIMULUS, placement=placement) == {**WORK, **hops}


def test_next_step_delivery_adds_the_idle_update():
    # Population a runs one step late: three rounds, in the first of which it is idle.
    expected = {**WORK, "router_flit": 6, "barrier": 3, "neuron_access": 9, "neuron_inactive": 3}
    expected |= {"accumulator_read": 18, "accumulator_write": 18, "membrane_read": 9, "membrane_write": 9}
    assert counts(PAIR, STIMULUS, "loihi-2018") == expected


def test_own_parameters_are_read_with_the_state_and_untouched_neurons_are_inactive():
    # 12 bits of membrane and 12 of its own threshold fit one 32-bit word; 20 + 20 bits take two.
    for bits, words in ((12, 1), (20, 2)):
        model = Lif([4, 5, 6], membrane_bits=bits)
        network = Network(
            [Population("in", (4,), Input()), Population("a", (3,), model)], PAIR.projections, Readout("a", "membrane")
        )
        found = counts(network, spikes(2, 4))
        assert found == {
            "accumulator_read": 6,
            "accumulator_write": 6,
            "membrane_read": 6 * words,
            "membrane_write": 6,
            "neuron_access": 6,
            "neuron_inactive": 6,
            "barrier": 4,
            "readout_read": 3,
        }


def one_layer(connectivity, codec, source, target, model):
    populations = [Population("in", source[0], source[1]), Population("a", target, model)]
    return Network(populations, [Projection("in", "a", connectivity, codec)])


@pytest.mark.parametrize(
    ("network", "stimulus", "expected"),
    [
        # A corner pixel under a 3x3 kernel without padding reaches one output pixel: 4 channels, one row, one word.
        (
            one_layer(
                Conv2d(np.ones((4, 1, 3, 3), np.int8)), IntCodec(4), ((1, 4, 4), Input()), (4, 2, 2),
                Lif(99, membrane_bits=12),
            ),
            spikes(1, 16, (0, 0)),
            {"accumulate_conv": 4, "synapse_read_word": 1},
        ),
        # An inner pixel reaches all four output pixels.
        (
            one_layer(
                Conv2d(np.ones((4, 1, 3, 3), np.int8)), IntCodec(4), ((1, 4, 4), Input()), (4, 2, 2),
                Lif(99, membrane_bits=12),
            ),
            spikes(1, 16, (0, 5)),
            {"accumulate_conv": 16, "synapse_read_word": 4},
        ),
        # A graded spike is one multiply-accumulate a connection, whatever its value.
        (
            one_layer(
                Dense(np.ones((2, 5), np.int8)), IntCodec(8), ((2,), Input(8)), (5,), Lif(9999, membrane_bits=20)
            ),
            spikes(1, 2, (0, 1, 77)),
            {"multiply_accumulate": 5, "synapse_read_word": 1},
        ),
        # Pooling and copies have contributions and no weights.
        (
            one_layer(Pool2d("max", 2), FloatCodec(), ((1, 4, 4), Input()), (1, 2, 2), Relay()),
            spikes(1, 16, (0, 0), (0, 1)),
            {"pool_accumulate": 2, "synapse_read_word": 0},
        ),
        (
            one_layer(Identity(3), FloatCodec(), ((4,), Input()), (2, 2), Lif(99, membrane_bits=12)),
            spikes(1, 4, (0, 3)),
            {"pool_accumulate": 1, "synapse_read_word": 0},
        ),
        # Two float32 weights to a 64-bit word.
        (
            one_layer(Dense(np.ones((2, 5), np.float32)), FloatCodec(), ((2,), Input()), (5,), Lif(99.0)),
            spikes(1, 2, (0, 0)),
            {"accumulate_float": 5, "synapse_read_word": 3, "neuron_access_float": 5, "neuron_access": 0},
        ),
    ],
)  # fmt: skip
def test_each_kind_of_connection_pays_its_own_action(network, stimulus, expected):
    found = counts(network, stimulus)
    assert {action: found.get(action, 0) for action in expected} == expected
    kinds = [a for a in found if a.startswith(("accumulate_", "multiply_accumulate", "pool_accumulate"))]
    assert len(kinds) == 1


def test_ternary_spikes_are_accumulated_and_turn_a_sign():
    populations = [
        Population("in", (2,), Input(2, ternary=True)),
        Population("a", (3,), Lif(2, membrane_bits=8, ternary=True)),
        Population("b", (1,), Lif(None, membrane_bits=8)),
    ]
    weights = np.array([[2, -2, 1], [0, 1, 1]], np.int8)
    projections = [
        Projection("in", "a", Dense(weights), IntCodec(4)),
        Projection("a", "b", Dense(np.array([[1], [3], [5]], np.int8)), IntCodec(4)),
    ]
    network = Network(populations, projections, Readout("b", "membrane"))
    result = simulate(network, load_chip("edge-28nm"), spikes(1, 2, (0, 0, -1)))
    done = result.activity.totals()
    # -1 over three weights: a is at -2, 2, -1, so it sends -1 and +1, each over one connection: b is at -1 + 3.
    assert (done["accumulate_dense"], done["weight_sign"]) == (5, 5) and "multiply_accumulate" not in done
    assert result.synaptic_events == {"effective": 5, "dense": 9, "mac": 0}
    assert result.energy.by("action")[("weight_sign",)] > 0
    assert result.predictions.tolist() == [0] and result.spikes["a"] == 2
    for engine in ("fast", "reference"):
        again = simulate(network, load_chip("edge-28nm"), spikes(1, 2, (0, 0, -1)), engine=engine)
        assert again.activity.totals() == done


def test_an_unrolled_convolution_counts_as_sparse():
    chip = load_chip("edge-28nm")
    memory = chip.core.synaptic_memory.model_copy(update={"shared_kernels": False})
    chip = chip.model_copy(update={"core": chip.core.model_copy(update={"synaptic_memory": memory})})
    network = one_layer(
        Conv2d(np.ones((4, 1, 3, 3), np.int8)), IntCodec(4), ((1, 4, 4), Input()), (4, 2, 2), Lif(99, membrane_bits=12)
    )
    result = simulate(network, chip, spikes(1, 16, (0, 5)))
    assert result.activity.total("accumulate_sparse") == 16 and result.activity.total("accumulate_conv") == 0
