"""A network is checked when it is made; topological order, offsets and hashes."""

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.snn import (
    Dense,
    Identity,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Population,
    Projection,
    Readout,
)

W8 = IntCodec(8)


def lif(**changes):
    return Lif(**{"threshold": 5, "membrane_bits": 16, **changes})


def dense(n, m, value=1):
    return Dense(np.full((n, m), value, np.int8))


def chain(**projection):
    populations = [Population("in", (3,), Input()), Population("a", (2,), lif()), Population("b", (2,), lif())]
    projections = [
        Projection("in", "a", dense(3, 2), W8, **projection),
        Projection("a", "b", dense(2, 2), W8),
    ]
    return Network(populations, projections, Readout("b"))


def test_offsets_and_order():
    network = chain()
    assert network.offsets.tolist() == [0, 3, 5, 7]
    assert network.n_neurons == 7
    assert network.update_order == (0, 1, 2)
    assert network.input_names == ("in",)


def test_order_follows_the_projections_not_the_listing():
    populations = [Population("b", (2,), lif()), Population("a", (2,), lif()), Population("in", (3,), Input())]
    projections = [Projection("in", "a", dense(3, 2), W8), Projection("a", "b", dense(2, 2), W8)]
    assert Network(populations, projections).update_order == (2, 1, 0)


def test_a_loop_needs_a_delay():
    populations = [Population("in", (2,), Input()), Population("a", (2,), lif())]
    forward = Projection("in", "a", dense(2, 2), W8)
    with pytest.raises(NeurosimError, match="loop without delay"):
        Network(populations, [forward, Projection("a", "a", dense(2, 2), W8)])
    Network(populations, [forward, Projection("a", "a", dense(2, 2), W8, delay=1)])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (dict(source="x"), "population 'x' is not one of"),
        (dict(delay=-1), "delay: got -1"),
        (dict(weight_shift=30), "weight_shift"),
        (dict(connectivity=dense(3, 3)), "expected .3, 2."),
        (dict(connectivity=Dense(np.full((3, 2), 200))), "outside the format"),
        (dict(connectivity=Dense(np.full((3, 2), 0.5))), "integer"),
        (dict(connectivity=Identity(1)), "3 source and 2 target"),
    ],
)
def test_wrong_projections_are_refused_by_name(change, message):
    fields = {"source": "in", "target": "a", "connectivity": dense(3, 2), "codec": W8, **change}
    populations = [Population("in", (3,), Input()), Population("a", (2,), lif())]
    with pytest.raises(NeurosimError, match=message):
        Network(populations, [Projection(**fields)])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Population("a", (0,), lif()), "positive sizes"),
        (lambda: Population("a", (4, 3), lif(threshold=np.arange(1, 6))), "1, 4 .channels. or 12"),
        (lambda: lif(compare="=>"), "compare"),
        (lambda: lif(threshold=float("nan")), "NaN"),
        (lambda: lif(threshold=0.5), "whole numbers"),
        (lambda: lif(threshold=1 << 20), "at most 32768"),
        (lambda: lif(membrane_bits=40), "2 to 32"),
        (lambda: lif(leak=Leak("multiply", factor=0.5)), "numerator and shift"),
        (lambda: lif(decay_input=True), "decay_input"),
        (lambda: lif(leak=Leak("subtract", amount=0.5)), "leak.amount: got 0.5"),
        (lambda: lif(v_reset=1 << 15), "v_reset: got 32768"),
        (lambda: lif(refractory=-1), "refractory"),
        (lambda: lif(current_keep=0.5), "current_keep: got 0.5; only float32"),
        (lambda: lif(v_floor=0), "v_floor: got 0; only float32"),
        (lambda: Lif(1.0, current_keep=float("nan")), "current_keep: contains NaN"),
        (lambda: Lif(1.0, max_spikes=2, ternary=True), "neuron.ternary"),
        (lambda: Lif(1, reset_delay=True, ternary=True, membrane_bits=8), "a reset in the same step"),
        (lambda: Lif([1, 0], ternary=True, membrane_bits=8), "thresholds above 0"),
        (lambda: Lif(None, ternary=True, membrane_bits=8), "thresholds above 0"),
        (lambda: Input(1, ternary=True), "value_bits: got 1, ternary spikes carry 2 bits"),
        (lambda: Lif(1.0, max_spikes=0), "max_spikes: got 0, expected 1 to 255"),
        (lambda: Lif(1.0, max_spikes=2, compare=">"), "compare"),
        (lambda: Lif(0.0, max_spikes=2), "positive thresholds"),
        (lambda: Lif(None, max_spikes=2), "positive thresholds"),
        (lambda: Leak("evaporate"), "leak.kind"),
        (lambda: Leak("shift"), "needs shift"),
        (lambda: Readout("b", "loudest"), "readout.kind"),
        (lambda: Network([Population("a", (1,), lif()), Population("a", (1,), lif())], []), "distinct"),
        (lambda: Network([Population("a", (1,), lif())], [], Readout("z")), "readout.population"),
        (
            lambda: Network([Population("a", (1,), lif()), Population("b", (1,), Lif(1.0))], []),
            "cannot be mixed",
        ),
    ],
)
def test_impossible_parts_are_refused(make, message):
    with pytest.raises(NeurosimError, match=message):
        make()


def test_per_channel_values_spread_over_pixels():
    model = lif(threshold=[3, 7])
    assert model.per_neuron("threshold", (2, 1, 3), "a").tolist() == [3, 3, 3, 7, 7, 7]


def test_the_hash_sees_every_parameter():
    base = chain().content_hash()
    assert chain().content_hash() == base
    assert chain(delay=1).content_hash() != base
    assert chain(weight_shift=1).content_hash() != base
    assert len({lif().kind, base}) == 2
