"""Published powers and constants, to the digit, and what the tables give beside them."""

from __future__ import annotations

import pytest

from neurosim.arch.technology.arithmetic import unit_energy, verified_rows
from neurosim.arch.technology.sram import sram_figures
from neurosim.energy.conventions.lemaire import INT8, INT32, ram_pj
from neurosim.energy.conventions.proxy import FLOAT32
from neurosim.energy.silicon import (
    ODIN,
    TRUENORTH,
    affine_through,
    odin_from_tables,
    truenorth_events_per_s,
    truenorth_from_tables,
)

HOROWITZ_45_NM = {
    ("add", 8, "int"): 0.03,
    ("add", 16, "int"): 0.05,
    ("add", 32, "int"): 0.1,
    ("mult", 8, "int"): 0.2,
    ("mult", 32, "int"): 3.1,
    ("add", 16, "float"): 0.4,
    ("add", 32, "float"): 0.9,
    ("mult", 16, "float"): 1.1,
    ("mult", 32, "float"): 3.7,
    ("sram_cache_read_8KB", 64, "mem"): 10.0,
    ("sram_cache_read_32KB", 64, "mem"): 20.0,
    ("sram_cache_read_1024KB", 64, "mem"): 100.0,
}


def test_odin_at_both_published_points():
    assert ODIN.watts(75e6, 37.5e6) == pytest.approx(477e-6, rel=0.003)
    assert ODIN.watts(1.3e6, 650e3) == pytest.approx(35e-6, rel=0.003)
    # The headline 12.7 pJ is the whole power over the rate at full speed.
    assert ODIN.watts(75e6, 37.5e6) / 37.5e6 == pytest.approx(12.7e-12, rel=0.002)


def test_truenorth_sweep():
    powers = [TRUENORTH.watts(0, truenorth_events_per_s(hz)) * 1e3 for hz in (11.58, 20.07, 95.93)]
    assert powers[0] == pytest.approx(68, rel=1e-12) and powers[2] == pytest.approx(94, rel=1e-12)
    assert powers[1] == pytest.approx(71, rel=0.006)
    assert TRUENORTH.pj_per_event == pytest.approx(2.297, abs=5e-4)
    assert TRUENORTH.static_w * 1e3 == pytest.approx(64.43, abs=5e-3)


def test_a_line_through_two_points():
    line = affine_through((10.0, 3.0), (30.0, 7.0), 1.0, "by hand")
    assert (line.static_w, line.pj_per_event) == (pytest.approx(1.0), pytest.approx(0.2e12))


@pytest.mark.parametrize(("row", "pj"), HOROWITZ_45_NM.items())
def test_horowitz_to_the_digit(row, pj):
    found = [r for r in verified_rows(*row, 45) if "Horowitz" in r["source"]]
    assert float(found[0]["energy_pj"]) == pj


def test_units_at_45_nm_are_horowitz():
    assert unit_energy("adder", (32,), 45, 0.9)[0] == pytest.approx(0.1, rel=1e-12)
    assert unit_energy("multiplier", (32, 32), 45, 0.9)[0] == pytest.approx(3.1, rel=1e-12)
    assert unit_energy("float_multiply", (32,), 45, 0.9)[0] == pytest.approx(3.7, rel=1e-12)


def test_lemaire_to_the_digit():
    assert (INT32.add, INT32.multiply, INT8.add, INT8.multiply) == (0.1, 3.1, 0.03, 0.2)
    assert ram_pj(0, 32) == 13.2
    assert ram_pj(1_000_000, 8) == pytest.approx(13.2 + 87.2, rel=1e-12)
    # Its line passes Horowitz' three caches, 8, 32 and 1024 KiB, at this distance (pJ a 64-bit word).
    for kib, pj, off in ((8, 10.0, 3.92), (32, 20.0, -3.95), (1024, 100.0, 4.6)):
        assert ram_pj(kib * 8192, 1) - pj == pytest.approx(off, abs=0.06)
    assert (FLOAT32.mac, FLOAT32.ac) == (4.6, 0.9)


def test_odin_from_the_tables_is_low_by_a_stated_factor():
    event, static, area, power = odin_from_tables()
    synapses, state = (sram_figures(k * 8192, w, 28).at_voltage(0.55) for k, w in ((32, 32), (4, 128)))
    memories = synapses.read_pj + synapses.write_pj + state.read_pj + state.write_pj
    assert event.derived > memories > 0.9 * event.derived
    assert (event.published, event.factor) == (8.43, pytest.approx(1.57, abs=0.01))
    # The synapse memory alone agrees with the published 0.68 um2 a synapse.
    assert synapses.area_mm2 == pytest.approx(0.68e-6 * 65536, rel=0.06)
    assert area.factor == pytest.approx(1.61, abs=0.01)
    assert static.factor == pytest.approx(5.2, abs=0.05) and power.factor == pytest.approx(2.31, abs=0.01)


def test_truenorth_from_the_tables_is_low_by_a_stated_factor():
    factors = {line.name: line.factor for line in truenorth_from_tables()}
    assert factors["a bit from memory to controller"] == pytest.approx(2.43, abs=0.01)
    assert factors["a 32-bit packet and hop"] == pytest.approx(3.23, abs=0.01)
    assert factors["area of a core"] == pytest.approx(4.19, abs=0.01)
    assert factors["static power"] == pytest.approx(3.25, abs=0.01)
    assert factors["power at 20.07 Hz"] == pytest.approx(3.57, abs=0.01)
    # An asynchronous event is far more than its add: the tables cannot be held to it.
    assert factors["energy of a synaptic event"] > 50


def test_loihi_query():
    # Frady et al. 2020: 5.12e7 to 5.76e7 events and 4.6e6 updates measured at 1.33 mJ; Davies' constants are above it.
    low, high = (events * 23.6e-12 + 4.6e6 * 52e-12 for events in (5.12e7, 5.76e7))
    assert (low * 1e3, high * 1e3) == (pytest.approx(1.45, abs=0.005), pytest.approx(1.60, abs=0.005))
