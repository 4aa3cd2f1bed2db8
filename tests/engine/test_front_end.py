"""The encoder in front of the port: its line in the energy, in totals and tables, its limits, and chips without one."""

from math import fsum

import numpy as np
import pytest

from neurosim import encode, simulate
from neurosim.arch import chip_from_data, load_chip
from neurosim.arch.actions import ACTIONS
from neurosim.arch.technology.resolve import resolve_prices
from neurosim.errors import NeurosimError
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout
from neurosim.snn.front_end import OPERATIONS

DATA = np.random.default_rng(0).integers(-90, 90, (3, 20, 4)).cumsum(1) // 4
SPEC = "tae:low=4,front_end=true"
CHIPS = pytest.mark.parametrize("name", ["edge-28nm", "edge-28nm-layer"])


def network(inputs=8):
    populations = [Population("in", (inputs,), Input()), Population("a", (3,), Lif(9, membrane_bits=12))]
    weights = np.ones((inputs, 3), np.int8)
    return Network(populations, [Projection("in", "a", Dense(weights), IntCodec(4))], Readout("a"))


def changed(name, **fields):
    data = load_chip(name).model_dump(by_alias=True, exclude_none=True)
    data["front_end"].update(fields)
    return chip_from_data(data, "test.yaml")


def test_operations_are_actions():
    assert {ACTIONS[name].component for name in OPERATIONS} == {"encoder"}
    assert [name for name, action in ACTIONS.items() if action.only_for == "front_end"] == list(OPERATIONS)


@CHIPS
def test_every_operation_is_paid_and_in_the_total(name):
    stimulus = encode(DATA, SPEC)
    on, off = (simulate(network(), name, s) for s in (stimulus, encode(DATA, "tae:low=4")))
    prices = resolve_prices(load_chip(name))
    expected = {a: n * prices[a].pj for a, n in stimulus.front_end.totals().items()}
    assert {a: e for (c, a), e in on.energy.by("component", "action").items() if c == "encoder" and a in expected} == (
        pytest.approx(expected)
    )
    assert all(pj > 0 for pj in expected.values())
    assert on.energy.by_component()["encoder"] == pytest.approx(fsum(expected.values()))
    assert "encoder" not in off.energy.by_component()
    leaks = fsum(
        leaf.energy_pj for leaf in on.energy.leaves if leaf.component == "encoder" and leaf.action == "leakage"
    )
    assert leaks > 0
    assert on.energy_pj == pytest.approx(off.energy_pj + fsum(expected.values()) + leaks)
    assert on.spikes == off.spikes and np.array_equal(on.round_cycles, off.round_cycles)
    assert all(leaf.source for leaf in on.energy.leaves if leaf.component == "encoder")
    assert not on.notes and not off.notes


def test_samples_pay_for_themselves():
    whole = simulate(network(), "edge-28nm", encode(DATA, SPEC))
    parts = [simulate(network(), "edge-28nm", encode(DATA, SPEC).sample(i)) for i in range(3)]
    for action in OPERATIONS:
        assert whole.activity.total(action) == sum(part.activity.total(action) for part in parts)


def test_a_chip_without_one_leaves_it_to_the_host_and_says_so():
    result = simulate(network(), "loihi-silicon", encode(DATA, SPEC))
    assert "encoder" not in result.energy.by_component()
    number = f"{sum(encode(DATA, SPEC).front_end.totals().values()):,}"
    assert [note for note in result.notes if number in note and "not priced" in note]


@CHIPS
@pytest.mark.parametrize(
    ("field", "value", "words"),
    [("channels", 3, "4 channels"), ("width_bits", 4, "9 bits a number"), ("states", 1, "2 num")],
)
def test_limits(name, field, value, words):
    stimulus = encode(DATA, SPEC)
    assert stimulus.front_end.width_bits == 9
    simulate(network(), changed(name), stimulus)
    with pytest.raises(NeurosimError, match=rf"front end: .*needs {words}.*has {value} \(front_end\.{field}\)"):
        simulate(network(), changed(name, **{field: value}), stimulus)


def test_a_front_end_needs_its_prices():
    data = load_chip("edge-28nm").model_dump(by_alias=True, exclude_none=True)
    del data["energy"]["encode_shift"]
    with pytest.raises(NeurosimError, match="no price for encode_shift"):
        chip_from_data(data, "test.yaml")
