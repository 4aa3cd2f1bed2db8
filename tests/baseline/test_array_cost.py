"""An ANN on an array: counts of a tiny network by hand, sums that close, and what batching must do."""

from dataclasses import replace
from math import fsum

import pytest

from neurosim.arch.technology.arithmetic import unit_energy
from neurosim.arch.technology.sram import sram_figures
from neurosim.baseline.anchors import ANCHORS, cost_anchored
from neurosim.baseline.ann_model import AnnModel
from neurosim.baseline.array import FLOAT32, INT4, INT8, PRESETS, matched, numbers, preset
from neurosim.baseline.array_cost import cost_on_array, schedule_batch
from neurosim.baseline.systolic import DATAFLOWS, Array
from neurosim.energy.table import LEAKAGE
from neurosim.errors import NeurosimError
from tests.baseline.test_dense import layer, tiny

SPEC = replace(preset("edge-28nm-8x8"), array=Array(8, 8, "ws", overlapped=True))


def counts(cost):
    found = {}
    for component, action, n, _, _ in cost["leaves"]:
        found[component, action] = found.get((component, action), 0) + n
    return {key: n for key, n in found.items() if key[1] != LEAKAGE}


def test_counts_by_hand():
    # Conv: M 16 pixels, N 20, K 27: 4 x 3 folds. Dense: M 1, N 10, K 320: 40 x 2 folds.
    cost = cost_on_array(tiny(), SPEC, INT8, 1)
    assert counts(cost) == {
        ("array", "multiply"): 8640 + 3200,
        ("array", "add"): 8640 + 3200,
        ("array", "register"): 8640 + 3200,
        # Eight values a word: 16 x 27 x 3 and 320 x 2 of the input, all weights once.
        ("ifmap_sram", "read_word"): 162 + 80,
        ("ifmap_sram", "write_word"): 6 + 40,
        ("filter_sram", "read_word"): 68 + 400,
        ("filter_sram", "write_word"): 68 + 400,
        ("sum_sram", "write_word"): 160 + 50,
        ("sum_sram", "read_back"): 120 + 49,
        ("sum_sram", "read_out"): 40 + 2,
        # 48 bytes of input, 540 + 3200 of weights, ten sums of 32 bits; the 320 outputs between stay.
        ("dram", "bit"): 8 * (48 + 540 + 3200) + 320,
        ("requantise", "multiply"): 320,
        ("requantise", "add"): 320,
        ("control", "idle_clock"): cost["cycles"],
    }
    assert cost["macs"] == 11840 and cost["sums_read_back"] == 16 * 20 * 3 + 10 * 39
    # Overlapped: 8 rows of load once a layer; folds of 16 + 14 and 1 + 14 cycles.
    assert cost["cycles"] - cost["stall_cycles"] == 8 + 12 * 30 + 8 + 80 * 15
    assert cost["utilisation"] == pytest.approx(11840 / (cost["cycles"] * 64))


def test_prices_come_from_the_tables_and_close():
    cost = cost_on_array(tiny(), SPEC, INT8, 3)
    prices = {(c, a): pj for c, a, _, pj, _ in cost["leaves"]}
    assert prices["array", "multiply"] == unit_energy("multiplier", (8, 8), 28, 0.9)[0]
    memory = sram_figures(32 * 8192, 64, 28, "lstp").at_voltage(0.9)
    assert prices["ifmap_sram", "write_word"] == memory.write_pj
    assert prices["dram", "bit"] == 8
    assert fsum(n * pj for _, _, n, pj, _ in cost["leaves"]) == pytest.approx(cost["energy_pj"], rel=1e-12)
    assert all(source for *_, source in cost["leaves"])
    assert cost["energy_pj"] == pytest.approx(3 * cost_on_array(tiny(), SPEC, INT8, 1)["energy_pj"], rel=1e-12)


@pytest.mark.parametrize("dataflow", DATAFLOWS)
def test_dataflows_do_the_same_work_with_other_words(dataflow):
    spec = replace(SPEC, array=Array(8, 8, dataflow))
    cost = cost_on_array(tiny(), spec, INT8, 1)
    assert cost["macs"] == 11840
    assert cost["sums_read_back"] == (0 if dataflow == "os" else 16 * 20 * 3 + 10 * 39)


def test_batching_fetches_weights_once_and_fills_the_array():
    one, many = (cost_on_array(tiny(), SPEC, INT8, 16, batch) for batch in (1, 16))
    assert many["dram_bits"] == 16 * (48 * 8 + 320) + 8 * 3740
    assert many["energy_pj"] < one["energy_pj"] / 4 and many["utilisation"] > 2 * one["utilisation"]
    uneven = cost_on_array(tiny(), SPEC, INT8, 17, 16)
    assert uneven["macs"] == 17 * 11840
    assert uneven["dram_bits"] == many["dram_bits"] + one["dram_bits"] // 16


def test_a_batch_goes_in_the_parts_that_move_least():
    # Twenty channels of 64 x 64 sums at once do not fit; one sample at a time they do, and weights are kept.
    wide = AnnModel((layer("conv", (1, 64, 64), (4, 64, 64), (4, 1, 3, 3), last=True, padding=(1, 1)),))
    ((first, once), (later, times)) = schedule_batch(
        wide, replace(SPEC, buffers=preset("edge-28nm-32x32").buffers), INT8, 4
    )
    assert (once, times) == (1, 3)
    assert first[0].traffic.filter_bits == 36 * 8 and later[0].traffic.filter_bits == 0
    assert first[0].traffic.sum_bits_out == 0


def test_weights_on_chip_leave_only_inputs_and_outputs():
    cost = cost_on_array(tiny(), SPEC, INT8, 1, weights="on_chip")
    assert cost["dram_bits"] == 48 * 8 + 320
    assert counts(cost)["filter_sram", "write_word"] == 0


def test_formats():
    energies = [cost_on_array(tiny(), SPEC, n, 1)["energy_pj"] for n in (INT4, INT8, FLOAT32)]
    assert energies == sorted(energies)
    assert numbers("4x4").widths == INT4.widths and numbers("int8") is INT8
    assert matched(2, 3).widths.filter == 2 and matched(2, 3).widths.ifmap == 3
    floats = counts(cost_on_array(tiny(), SPEC, FLOAT32, 1))
    assert not any(component == "requantise" for component, _ in floats)


def test_slow_dram_waits():
    slow = replace(SPEC, buffers=replace(SPEC.buffers, dram_bits_per_cycle=1))
    cost = cost_on_array(tiny(), slow, INT8, 1)
    assert cost["cycles"] >= cost["dram_bits"] and cost["stall_cycles"] > 0


def test_every_preset_costs_with_sources():
    for spec in PRESETS.values():
        assert spec.source and spec.assumptions
        assert cost_on_array(tiny(), spec, INT8, 1)["energy_pj"] > 0


def test_anchors():
    eyeriss = cost_anchored("eyeriss-v1", 1_000_000)
    assert eyeriss["low_pj"] == pytest.approx(11.9e6, rel=0.01) and eyeriss["high_pj"] == pytest.approx(
        22.0e6, rel=0.01
    )
    assert eyeriss["dram_accesses"] == pytest.approx((2900, 3500))
    assert eyeriss["seconds"][0] == pytest.approx(1e6 / (35 * 666e6))
    assert cost_anchored("vega", 10)["seconds"] is None
    assert all(a.low_pj_per_mac <= a.pj_per_mac <= a.high_pj_per_mac and a.source for a in ANCHORS.values())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cost_on_array(tiny(), SPEC, INT8, 0), "samples: got 0"),
        (lambda: cost_on_array(tiny(), SPEC, INT8, 1, batch=0), "batch: got 0"),
        (lambda: cost_on_array(tiny(), SPEC, INT8, 1, weights="tape"), "weights: got 'tape'"),
        (lambda: preset("tpu"), "array: got 'tpu'"),
        (lambda: numbers("int3"), "numbers: got 'int3'"),
        (lambda: numbers("0x4"), "numbers.weight_bits: got 0"),
        (lambda: cost_anchored("tpu", 1), "anchor: got 'tpu'"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(NeurosimError, match=message):
        call()
