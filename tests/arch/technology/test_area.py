"""Area of memories: table entries, banks and cores; nothing invented for chips of published constants."""

from __future__ import annotations

from math import fsum

import pytest

from neurosim.arch import load_chip
from neurosim.arch.technology.area import memory_areas
from neurosim.arch.technology.arithmetic import link_energy, logic_scale, router_clock_energy, router_flit_energy
from neurosim.arch.technology.sram import sram_figures


def test_area_is_table_entries_times_banks_and_cores():
    found = {x.component: x for x in memory_areas(load_chip("edge-28nm"))}
    assert set(found) == {"synaptic_memory", "membrane_memory", "axon_table", "routing_table"}
    # Two banks of 64 KiB, words of 64 bits, 16 cores.
    bank = sram_figures(524288, 64, 28, "lstp").area_mm2
    assert found["synaptic_memory"].mm2 == pytest.approx(2 * bank, rel=1e-12)
    assert found["synaptic_memory"].total_mm2 == pytest.approx(32 * bank, rel=1e-12)
    total = fsum(x.total_mm2 for x in found.values())
    # 16 cores of 180 KiB: TrueNorth's whole core of 13 KiB, logic included, is 0.0936 mm2 at this node.
    assert 1 < total < 16 * 180 / 13 * 0.0936


def test_layer_chips_and_published_ones():
    layered = {x.component: x for x in memory_areas(load_chip("edge-28nm-layer"))}
    assert {"weight_buffer", "spike_buffer", "partial_sum_buffer"} < set(layered)
    assert all(x.instances == 1 and x.mm2 > 0 for x in layered.values())
    assert memory_areas(load_chip("loihi-2018")) == ()


def test_routers_and_links_follow_the_supply():
    for energy in (
        lambda v: router_flit_energy(32, 28, v), lambda v: link_energy(32, 0.5, 28, v),
        lambda v: router_clock_energy(32, 28, v),
    ):  # fmt: skip
        assert energy(0.45)[0] == pytest.approx(energy(0.9)[0] / 4, rel=1e-12)
        assert energy(0.9)[1].endswith("supply not stated") and energy(0.45)[1].endswith("at 0.45 V")


def test_router_clock_rows():
    assert router_clock_energy(32, 22)[0] == pytest.approx(0.097855)
    assert router_clock_energy(64, 32)[0] == pytest.approx(0.29435)


def test_memories_and_logic_shrink_by_factors_of_their_own():
    # From 45 to 22 nm logic falls by more than memories; one factor for both would be wrong by a third.
    memory = [sram_figures(65536, 64, node, "hp").read_pj for node in (22, 45)]
    assert memory[0] / memory[1] == pytest.approx(0.28, abs=0.06)
    assert logic_scale(45, 22) == pytest.approx(0.34, abs=0.02)
