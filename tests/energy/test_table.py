"""Energy is counts times prices, leakage is power times time, and every marginal is an exact sum."""

from math import fsum

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from neurosim.energy.table import EnergyTable, Leaf, LeakagePower, Price, price_activity
from neurosim.errors import NeurosimError

PRICES = {
    "read": Price("memory", 2.5, "table A"),
    "add": Price("lane", 0.125, "table B"),
    "free": Price("lane", 0.0, ""),
}


def small(seconds=1e-6):
    counts = np.array([4, 8, 1])
    return price_activity(
        ("read", "add", "read"), ("core 0", "core 0", "core 1"), ("fc", "fc", "out"), counts, PRICES,
        (LeakagePower("cores", 2.0, 3, "data sheet"),), seconds,
    )  # fmt: skip


def test_total_by_hand():
    table = small()
    assert table.total_pj(leakage=False) == 4 * 2.5 + 8 * 0.125 + 2.5
    # 2 mW x 3 instances x 1 us = 6 nJ.
    assert table.total_pj(leakage=True) == pytest.approx(6000, rel=1e-15)
    assert table.total_pj() == pytest.approx(6013.5, rel=1e-15)


def test_groups():
    table = small()
    assert table.by("place")[("core 1",)] == 2.5
    assert table.by("component", "action")[("memory", "read")] == 12.5
    assert list(table.by_component()) == ["leakage", "memory", "lane"]


def test_leakage_scales_with_time_only():
    assert small(2e-6).total_pj(True) == pytest.approx(2 * small(1e-6).total_pj(True))
    assert small(2e-6).total_pj(False) == small(1e-6).total_pj(False)


def test_an_action_without_a_price_is_refused():
    with pytest.raises(NeurosimError, match="no price for teleport"):
        price_activity(("teleport",), ("core 0",), ("fc",), np.array([1]), PRICES, (), 0.0)


def test_unsourced_share():
    leaves = (Leaf("a", "x", "p", "q", 3, 1.0, "paper"), Leaf("a", "y", "p", "q", 1, 1.0, ""))
    assert EnergyTable(leaves).unsourced_share() == 0.25


@given(st.lists(st.tuples(st.integers(0, 10**9), st.floats(1e-6, 1e3), st.sampled_from("abc"), st.sampled_from("xy"))))
def test_every_marginal_agrees_with_the_total(rows):
    leaves = tuple(Leaf(c, a, "p", "q", n, price, "s") for n, price, c, a in rows)
    table = EnergyTable(leaves)
    for fields in (("component",), ("action",), ("component", "action"), ("place", "part")):
        assert fsum(table.by(*fields).values()) == pytest.approx(table.total_pj(), rel=1e-12)


def banded():
    prices = {"read": Price("memory", 2.5, "A", 1.0, 5.0), "add": Price("lane", 0.5, "B")}
    return price_activity(
        ("read", "add"), ("core 0", "core 0"), ("fc", "fc"), np.array([4, 8]), prices,
        (LeakagePower("cores", 2.0, 3, "data sheet", 1.0, None), LeakagePower("pads", 1.0, 1, "sheet")), 1e-9,
    )  # fmt: skip


def test_bands_by_hand():
    table = banded()
    # Leakage: 6 mW x 1 ns = 6 pJ (low 3), and 1 pJ without a band.
    assert table.band_pj() == pytest.approx((4 + 4 + 3 + 1, 20 + 4 + 6 + 1))
    assert table.band_pj(leakage=True) == pytest.approx((4, 7))
    assert table.bands_by("component")[("memory",)] == (4, 20)
    assert table.bands_by_component()["leakage"] == pytest.approx((4, 7))
    assert table.banded_share() == pytest.approx((10 + 6) / 21)


def test_without_bands_the_total_is_both_ends():
    table = small()
    assert table.band_pj() == (table.total_pj(), table.total_pj()) and table.banded_share() == 0


@given(
    st.lists(
        st.tuples(st.integers(0, 10**6), st.floats(1e-6, 1e3), st.floats(0, 1), st.floats(1, 9), st.sampled_from("abc"))
    )
)
def test_the_total_lies_in_its_band_and_bands_add_up(rows):
    table = EnergyTable(tuple(Leaf(c, "x", "p", "q", n, p, "s", p * low, p * high) for n, p, low, high, c in rows))
    low, high = table.band_pj()
    slack = 1e-9 * table.total_pj()
    assert low <= table.total_pj() + slack and table.total_pj() <= high + slack
    ends = table.bands_by("component").values()
    assert fsum(a for a, _ in ends) == pytest.approx(low, rel=1e-12)
    assert fsum(b for _, b in ends) == pytest.approx(high, rel=1e-12)
