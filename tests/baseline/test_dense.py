"""The int8 vector unit: counts of a tiny network by hand, prices from the tables, sums that close."""

import json
from math import fsum

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.arch.technology.arithmetic import unit_energy
from neurosim.arch.technology.sram import sram_figures
from neurosim.baseline.ann_model import AnnLayer, AnnModel
from neurosim.baseline.dense import cost_ann
from neurosim.errors import NeurosimError


def layer(kind, in_shape, out_shape, weights, last=False, **more):
    channels = out_shape[0]
    multiplier = None if last else np.ones(channels, np.int32)
    return AnnLayer(
        kind, in_shape, out_shape, np.ones(weights, np.int8), np.zeros(channels, np.int32),
        np.ones(channels, np.float32), 1.0, multiplier, 1, **more,
    )  # fmt: skip


def tiny():
    """3 x 4 x 4 -> 20 channels of 3 x 3, padded -> 10 classes."""
    conv = layer("conv", (3, 4, 4), (20, 4, 4), (20, 3, 3, 3), padding=(1, 1))
    return AnnModel((conv, layer("dense", (20, 4, 4), (10,), (320, 10), last=True)))


def counts(cost):
    return {(component, action): n for component, action, n, _, _ in cost["leaves"] if action != "leakage"}


def test_counts_by_hand():
    cost = cost_ann(tiny(), load_chip("edge-28nm"), 1)
    # Conv: 16 pixels x 2 groups of lanes = 32 groups, 27 taps each: 864 steps. Dense: 1 group of 320 taps: 320 steps.
    assert counts(cost) == {
        ("weight_sram", "read_word"): 864 + 320,
        # Every 8 steps of a group: 4 words for 27 taps, 40 for 320.
        ("activation_sram", "read_word"): 32 * 4 + 40,
        # 20 bytes a pixel are 3 words, 10 sums of 32 bits are 5.
        ("activation_sram", "write_word"): 16 * 3 + 5,
        ("lanes", "multiply"): 8640 + 3200,
        ("lanes", "add"): 8640 + 3200,
        ("lanes", "accumulator_write"): 8640 + 3200,
        # The last layer keeps its sums.
        ("requantise", "multiply"): 320,
        ("requantise", "add"): 320,
        ("control", "idle_clock"): cost["cycles"],
    }
    assert cost["macs"] == 11840 == tiny().macs
    assert json.loads(json.dumps(cost)) == cost
    assert cost["cycles"] == 864 + 32 + 320 + 1
    assert cost["latency_s"] == pytest.approx(1217 * 2e-9, rel=1e-12)


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (16, 1), (17, 2), (32, 2)])
def test_only_real_channels_are_counted_but_a_group_takes_its_time(channels, groups):
    cost = cost_ann(AnnModel((layer("dense", (5,), (channels,), (5, channels)),)), load_chip("edge-28nm"), 1)
    assert cost["macs"] == 5 * channels
    assert cost["cycles"] == groups * 5 + groups
    assert counts(cost)[("weight_sram", "read_word")] == groups * 5
    assert counts(cost)[("activation_sram", "read_word")] == groups


def test_a_strided_convolution():
    conv = layer("conv", (1, 5, 5), (2, 2, 2), (2, 1, 2, 3), stride=(2, 2))
    cost = cost_ann(AnnModel((conv,)), load_chip("edge-28nm"), 1)
    assert cost["cycles"] == 4 * 6 + 4
    assert cost["macs"] == 4 * 2 * 6
    assert counts(cost)[("activation_sram", "write_word")] == 4


def prices(cost):
    return {(component, action): pj for component, action, _, pj, _ in cost["leaves"]}


def test_prices_are_those_of_the_chips_tables():
    found = prices(cost_ann(tiny(), load_chip("edge-28nm"), 1))

    def memory(size, word):
        return sram_figures(size * 8, word, 28, "lstp", "ED^2").at_voltage(0.9)

    # 540 + 3200 weights need 4 KiB, 48 + 320 activations the smallest memory.
    assert found[("weight_sram", "read_word")] == memory(4096, 128).read_pj
    assert found[("activation_sram", "read_word")] == memory(1024, 64).read_pj
    assert found[("activation_sram", "write_word")] == memory(1024, 64).write_pj
    for key, unit, widths in [
        (("lanes", "multiply"), "multiplier", (8, 8)),
        (("lanes", "add"), "adder", (32,)),
        (("lanes", "accumulator_write"), "register", (32,)),
        (("requantise", "multiply"), "multiplier", (32, 16)),
        (("requantise", "add"), "adder", (48,)),
    ]:
        assert found[key] == unit_energy(unit, widths, 28, 0.9)[0]
    # Powers in mW x 1e-3: 16 lanes of a multiplier, an adder and a register; 16 requantisers.
    assert found[("weight_sram", "leakage")] == pytest.approx(memory(4096, 128).leakage_mw * 1e-3, rel=1e-12)
    assert found[("activation_sram", "leakage")] == pytest.approx(memory(1024, 64).leakage_mw * 1e-3, rel=1e-12)
    assert found[("lanes", "leakage")] == pytest.approx(16e-3 * (0.05 / 16 + 0.0024 + 32 * 7e-5), rel=1e-12)
    assert found[("requantise", "leakage")] == pytest.approx(16e-3 * (0.05 / 2 + 0.0024 * 1.5), rel=1e-12)


@pytest.mark.parametrize("chip", ["edge-28nm", "loihi-2018", "loihi-silicon"])
def test_sums_close_and_leakage_is_there(chip):
    cost = cost_ann(tiny(), load_chip(chip), 7)
    assert cost["energy_pj"] == fsum(n * pj for _, _, n, pj, _ in cost["leaves"])
    leaks = {component: n for component, action, n, _, _ in cost["leaves"] if action == "leakage"}
    assert set(leaks) == {"weight_sram", "activation_sram", "lanes", "requantise"}
    assert all(n == pytest.approx(7 * cost["latency_s"] * 1e12, rel=1e-12) for n in leaks.values())
    assert all(pj > 0 and source for _, _, _, pj, source in cost["leaves"])


def test_batch_1_every_sample_costs_the_same():
    chip = load_chip("edge-28nm")
    one, many = cost_ann(tiny(), chip, 1), cost_ann(tiny(), chip, 1000)
    assert many["latency_s"] == one["latency_s"]
    for name in ("energy_pj", "cycles", "macs"):
        assert many[name] == pytest.approx(1000 * one[name], rel=1e-12)
    assert "batch 1 (no weight is kept from one output pixel or sample to the next)" in one["description"]


def test_technology_of_the_description():
    edge = cost_ann(tiny(), load_chip("edge-28nm"), 1)["description"]
    assert edge.startswith("int8 vector unit of 16 lanes, 28 nm, 0.9 V, 500 MHz, batch 1") and "\n" not in edge
    loihi = cost_ann(tiny(), load_chip("loihi-2018"), 1)
    # 14 nm is not in the SRAM table; 22 nm is, at 0.8 V, and an asynchronous chip lends no clock.
    assert "22 nm (the tables' nearest to the chip's 14 nm, at their supply), 0.8 V, 500 MHz" in loihi["description"]
    assert prices(loihi)[("lanes", "add")] == unit_energy("adder", (32,), 22, 0.8)[0]
    assert prices(loihi)[("weight_sram", "read_word")] == sram_figures(4096 * 8, 128, 22).read_pj


def test_a_slower_clock_costs_leakage_only():
    chip = load_chip("edge-28nm")
    slow = chip.model_copy(update={"clock": chip.clock.model_copy(update={"quantum_ps": 4000.0})})
    a, b = cost_ann(tiny(), chip, 1), cost_ann(tiny(), slow, 1)
    assert b["latency_s"] == pytest.approx(2 * a["latency_s"], rel=1e-12)
    assert counts(a) == counts(b) and prices(a) == prices(b)
    leakage = fsum(n * pj for _, action, n, pj, _ in a["leaves"] if action == "leakage")
    assert b["energy_pj"] - a["energy_pj"] == pytest.approx(leakage, rel=1e-9)
    assert "250 MHz" in b["description"]


def test_no_samples_and_no_table():
    chip = load_chip("edge-28nm")
    with pytest.raises(NeurosimError, match="samples: got 0, expected at least 1"):
        cost_ann(tiny(), chip, 0)
    odd = chip.technology.model_copy(update={"device": "lop", "objective": "ED"})
    with pytest.raises(NeurosimError, match="no SRAM of lop devices for ED"):
        cost_ann(tiny(), chip.model_copy(update={"technology": odd}), 1)
