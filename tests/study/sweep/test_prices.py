"""Many sets of constants at once give the figures of one after another, and those of a chip file that says so."""

import numpy as np
import pytest

from neurosim.api.runs import simulate
from neurosim.arch.loader import chip_from_data, load_chip
from neurosim.arch.technology.resolve import resolve_prices
from neurosim.errors import NeurosimError
from neurosim.study.sweep.fields import Constant
from neurosim.study.sweep.prices import energy_metrics, with_constants

CONSTANTS = (
    Constant("energy", "synapse_read_word", "pj", 0.0),
    Constant("energy", "accumulat*", "factor", 0.0),
    Constant("energy", "idle_clock", "factor", 0.0),
    Constant("energy", "*_read", "factor", 0.0),
    Constant("leakage", "*", "factor", 0.0),
    Constant("leakage", "router", "factor", 0.0),
)


@pytest.fixture(scope="module")
def result():
    return simulate("mnist-mlp-w4", "edge-28nm", samples=2, network_samples=0)


def test_equal_bit_for_bit_to_a_table_for_each_point(result):
    values = np.random.default_rng(0).uniform(0.1, 10, (40, len(CONSTANTS)))
    found = energy_metrics(result.energy, CONSTANTS, values, result.samples, result.seconds)
    for i, row in enumerate(values):
        named = [Constant(c.section, c.pattern, c.how, float(v)) for c, v in zip(CONSTANTS, row, strict=True)]
        table = with_constants(result.energy, named)
        assert found["energy_pj"][i] == table.total_pj()
        assert (found["energy_low_pj"][i], found["energy_high_pj"][i]) == table.band_pj()
        assert found["leakage_pj"][i] == table.total_pj(leakage=True)
        assert found["dynamic_pj"][i] == table.total_pj(leakage=False)
        parts = {k: v for k, v in table.by_component().items() if k != "leakage"}
        assert {k[10:]: v[i] for k, v in found.items() if k.startswith("energy_pj.")} == parts
        assert found["power_w"][i] == table.total_pj() * 1e-12 / result.seconds


def test_a_price_for_all_actions_leaves_the_clock_as_it_is(result):
    table = with_constants(result.energy, [Constant("energy", "*", "pj", 0.0)])
    assert {leaf.action for leaf in table.leaves if leaf.energy_pj} == {"leakage", "idle_clock"}


def test_no_constants_are_the_chip_s_own(result):
    found = energy_metrics(result.energy, (), np.zeros((3, 0)), result.samples, result.seconds)
    assert found["energy_pj"] == [result.energy_pj] * 3


@pytest.mark.parametrize(("how", "value"), [("pj", 3.25), ("factor", 1.75)])
def test_equal_to_a_chip_file_with_that_price(result, how, value):
    chip = load_chip("edge-28nm")
    price = value if how == "pj" else resolve_prices(chip)["hop_east"].pj * value
    data = chip.model_dump(mode="json", by_alias=True)
    data["energy"]["hop_east"] = {"pj": price, "source": "neurosim"}
    run = simulate("mnist-mlp-w4", chip_from_data(data, "changed"), samples=2, network_samples=0)
    table = with_constants(result.energy, [Constant("energy", "hop_east", how, value)])
    assert run.energy.by_component() == table.by_component()
    assert run.energy_pj == table.total_pj() != result.energy_pj


def test_loading_follows_the_price_of_the_host_port(result):
    from neurosim.energy.table import EnergyTable, Leaf

    table = EnergyTable((Leaf("loading", "load_host", "core 0", "m", 10, 2.0, "s", 1.0, 4.0),))
    made = with_constants(table, [Constant("energy", "host_inject", "factor", 3.0)])
    assert made.total_pj() == 60.0 and made.band_pj() == (30.0, 120.0)


def test_a_component_that_does_not_leak_is_named(result):
    with pytest.raises(NeurosimError, match=r"leakage.routre: no such component.*router"):
        energy_metrics(result.energy, (Constant("leakage", "routre", "factor", 0.0),), np.ones((1, 1)), 1, 1.0)
