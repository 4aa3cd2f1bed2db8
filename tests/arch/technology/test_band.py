"""Bands of derived prices: rival rows, published figures, and what a chip's prices make of them."""

import pytest

from neurosim.arch import load_chip
from neurosim.arch.technology.arithmetic import link_energy, logic_scale, router_flit_energy, unit_energy
from neurosim.arch.technology.band import (
    SRAM_ACCESS,
    SRAM_LEAKAGE,
    leakage_band,
    link_band,
    router_band,
    term_band,
    unit_band,
)
from neurosim.arch.technology.resolve import resolve_leakage, resolve_prices
from neurosim.errors import NeurosimError


def test_rival_rows_by_hand():
    # Adder of 32 bits: Horowitz 0.1 at 45 nm; Aladdin 0.21 and 0.0857 at 40; SATA_Sim 0.1895 at 32.
    rivals = [
        0.1 * logic_scale(45, 28), 0.21 * logic_scale(40, 28), 0.0857 * logic_scale(40, 28),
        0.1895 * logic_scale(32, 28),
    ]  # fmt: skip
    assert unit_band("adder") == pytest.approx((min(rivals) / rivals[0], max(rivals) / rivals[0]), rel=1e-12)
    register = [32 * 0.009 * logic_scale(40, 28), 32 * 0.00554 * logic_scale(40, 28), 0.124375 * logic_scale(32, 28)]
    assert unit_band("register") == pytest.approx((min(register) / register[0], 1), rel=1e-12)
    assert unit_band("shifter") == (0.5, 2)


def test_published_hop_and_wire():
    assert router_band()[1] * router_flit_energy(32, 28, 0.775)[0] == pytest.approx(2.3)
    assert link_band()[1] * link_energy(1, 1, 28, 0.775)[0] == pytest.approx(0.3)


@pytest.mark.parametrize(
    "kind",
    ["sram", "router_flit", "link", "adder", "multiplier", "comparator", "and_row", "register", "mux", "float_add"],
)
def test_every_band_holds_the_nominal(kind):
    low, high = term_band(kind)
    assert 0 < low <= 1 <= high


def test_an_unknown_unit_is_named():
    with pytest.raises(NeurosimError, match="band: no rows of divider"):
        unit_band("divider")


def test_a_derived_price_sums_the_ends_of_its_terms():
    prices = resolve_prices(load_chip("edge-28nm"))
    read = prices["synapse_read_word"]
    assert (read.low_pj, read.high_pj) == pytest.approx((read.pj * SRAM_ACCESS[0], read.pj * SRAM_ACCESS[1]))
    add, gate = (unit_energy(name, (w,), 28, 0.9)[0] for name, w in (("adder", 32), ("and_row", 8)))
    dense = prices["accumulate_dense"]
    assert dense.low_pj == pytest.approx(add * unit_band("adder")[0] + gate * unit_band("and_row")[0])
    assert dense.high_pj == pytest.approx(add * unit_band("adder")[1] + gate * unit_band("and_row")[1])
    assert prices["neuron_active"].low_pj is None


def test_leakage_follows_temperature_and_published_figures_have_no_band_of_ours():
    parts = {x.component: x for x in resolve_leakage(load_chip("edge-28nm"))}
    memory, logic = parts["synaptic_memory"], parts["core_logic"]
    low, high = SRAM_LEAKAGE["lstp"]
    assert (memory.low_mw, memory.high_mw) == pytest.approx((memory.power_mw * low, memory.power_mw * high))
    assert (logic.low_mw, logic.high_mw) == pytest.approx((logic.power_mw / 2, logic.power_mw * 2))
    assert leakage_band("adder", "hp") == (0.5, 2)
    loihi = load_chip("loihi-2018")
    assert all(x.low_mw is None for x in resolve_leakage(loihi))
    assert resolve_prices(loihi)["accumulate_dense"].low_pj is None
