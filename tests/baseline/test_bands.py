"""Bands on the ANN's leaves: the factors of the chips' tables, memory by memory and unit by unit."""

import pytest

from neurosim.arch import load_chip
from neurosim.arch.technology.band import SRAM_ACCESS, SRAM_LEAKAGE, unit_band
from neurosim.baseline.array import FLOAT32, INT8, preset
from neurosim.baseline.array_cost import cost_on_array
from neurosim.baseline.bands import with_bands
from neurosim.baseline.dense import cost_ann
from neurosim.energy.table import LEAKAGE, EnergyTable, Leaf
from tests.baseline.test_dense import tiny


def banded(component, action, **more):
    (leaf,) = with_bands(EnergyTable((Leaf(component, action, "ann", "x", 1, 2.0, "s"),)), "lstp", **more).leaves
    return leaf.low_price_pj, leaf.high_price_pj


def test_factors():
    assert banded("filter_sram", "read_word") == tuple(2 * f for f in SRAM_ACCESS)
    assert banded("filter_sram", LEAKAGE) == tuple(2 * f for f in SRAM_LEAKAGE["lstp"])
    assert banded("array", LEAKAGE) == (1, 4)
    assert banded("array", "multiply") == tuple(2 * f for f in unit_band("multiplier"))
    assert banded("array", "multiply", floating=True) == (1, 4)
    assert banded("lanes", "accumulator_write") == tuple(2 * f for f in unit_band("register"))
    assert banded("dram", "bit", dram=(0.5, 5)) == (1, 10)
    assert banded("dram", "bit") == (None, None)


@pytest.mark.parametrize("numbers", [INT8, FLOAT32])
def test_every_joule_of_the_array_has_a_band(numbers):
    cost = cost_on_array(tiny(), preset("edge-28nm-8x8"), numbers, 2)
    low, high = cost["band_pj"]
    assert 0 < low < cost["energy_pj"] < high
    assert cost["table"].banded_share() == 1


def test_the_vector_unit_has_one_too():
    cost = cost_ann(tiny(), load_chip("edge-28nm"), 1)
    assert 0 < cost["band_pj"][0] < cost["energy_pj"] < cost["band_pj"][1]
