"""Zero-skipping: counts against windows walked one by one, a layer by hand, sums that close, what skipping must do."""

from __future__ import annotations

import itertools
from dataclasses import replace
from math import fsum

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.api.runs import ann_on_array, matched_numbers
from neurosim.arch.technology.sram import sram_figures
from neurosim.baseline.ann_model import AnnModel
from neurosim.baseline.array import FLOAT32, INT4, INT8, SKIPPING, matched, preset
from neurosim.baseline.zero_skip import SkipArray, count_skipping, rounded, split_of
from neurosim.baseline.zero_skip_cost import compressed_bits, cost_zero_skipping
from neurosim.energy.table import LEAKAGE
from neurosim.errors import NeurosimError
from neurosim.workload.workload import load_workload
from tests.baseline.test_dense import layer, tiny

SPEC = preset("zero-skip-28nm-8x16")


def walked(layer, values, array, value_bits, weight_bits, half):
    """The definition: every window, chunk, tap and value in turn."""
    shared, slices = split_of(layer, len(values), array, weight_bits, half)
    chunks, conv = shared * slices, layer.kind == "conv"
    pieces = layer.in_shape[0] if conv else int(np.prod(layer.in_shape))
    edges = [c * pieces // chunks for c in range(chunks + 1)]
    channels = layer.out_shape[0]
    passes = -(-channels // array.columns)
    windows = []
    for sample in values.reshape(len(values), *layer.in_shape):
        for place in np.ndindex(*layer.out_shape[1:]) if conv else [()]:
            found = []
            for low, high in itertools.pairwise(edges):
                n = 0
                for piece in range(low, high):
                    if not conv:
                        n += int(sample.ravel()[piece] != 0)
                        continue
                    for tap in np.ndindex(*layer.kernel):
                        y, x = (p * s - pad + t for p, s, pad, t in
                                zip(place, layer.stride, layer.padding, tap, strict=True))  # fmt: skip
                        if 0 <= y < layer.in_shape[1] and 0 <= x < layer.in_shape[2]:
                            n += int(sample[piece, y, x] != 0)
                found.append(n)
            windows.append(found)
    taps = int(np.prod(layer.kernel))
    maps = [-(-(high - low) * taps // 64) for low, high in itertools.pairwise(edges)]
    together, cycles = max(1, array.rows // shared), 0
    for s in range(slices):
        for start in range(0, len(windows), together):
            rows = [
                max(window[s * shared + r], maps[s * shared + r])
                for window in windows[start : start + together] for r in range(shared)
            ]  # fmt: skip
            cycles += max(rows)
    every = [n for window in windows for n in window]
    return {
        "cycles": cycles * passes, "macs": sum(every) * channels, "values": sum(every) * passes,
        "map_words": sum(maps) * len(windows) * passes,
        "value_words": sum(-(-n * value_bits // 64) for n in every) * passes,
        "sums_moved": len(windows) * (chunks - 1) * passes,
    }  # fmt: skip


@st.composite
def jobs(draw):
    n, channels = draw(st.integers(1, 3)), draw(st.integers(1, 7))
    if draw(st.booleans()):
        cin, size, kernel = draw(st.integers(1, 4)), draw(st.integers(3, 6)), draw(st.integers(1, 3))
        stride, pad = draw(st.integers(1, 2)), draw(st.integers(0, 1))
        out = (size + 2 * pad - kernel) // stride + 1
        made = layer("conv", (cin, size, size), (channels, out, out), (channels, cin, kernel, kernel),
                     stride=(stride, stride), padding=(pad, pad))  # fmt: skip
    else:
        cin = draw(st.integers(1, 200))
        made = layer("dense", (cin,), (channels,), (cin, channels))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    values = rng.integers(0, 256, (n, *made.in_shape)) * (rng.random((n, *made.in_shape)) < draw(st.floats(0, 1)))
    return made, values.astype(np.uint8)


@settings(max_examples=150, deadline=None)
@given(jobs(), st.integers(1, 8), st.integers(1, 5), st.integers(1, 8), st.integers(1, 8), st.integers(360, 3000))
def test_counts_are_the_walk(job, rows, columns, value_bits, weight_bits, half):
    # 360 bits hold a kernel of 3 x 3 for five columns at 8 bits, the least that is not refused.
    made, values = job
    counts = count_skipping(made, values, SkipArray(rows, columns), value_bits, weight_bits, half)
    expected = walked(made, values, SkipArray(rows, columns), value_bits, weight_bits, half)
    assert {name: getattr(counts, name) for name in expected} == expected
    assert counts.macs <= counts.dense_macs and counts.cycles * rows * columns >= counts.macs


def test_a_dense_layer_by_hand():
    made = layer("dense", (130,), (20,), (130, 20))
    values = np.zeros((1, 130), np.uint8)
    values[0, [0, 1, 2, 64, 129]] = 9
    # Four rows share the sample: inputs 0-31, 32-64, 65-96, 97-129 hold 3, 1, 0 and 1; two passes of 16 channels.
    counts = count_skipping(made, values, SkipArray(4, 16), 8, 8, 1 << 20)
    assert (counts.cycles, counts.macs, counts.weight_words) == (2 * 3, 100, 10)
    assert (counts.map_words, counts.value_words, counts.sums_moved) == (2 * 4, 2 * 3, 2 * 3)
    assert (counts.fetched, counts.fill_words, counts.copies, counts.slices) == (100, 10, 1, 1)
    assert counts.zero_share == pytest.approx(125 / 130)
    # A row's half of 16 x 8 x 10 bits holds ten inputs: 130 / 4 rows in four slices.
    assert count_skipping(made, values, SkipArray(4, 16), 8, 8, 1280).slices == 4
    with pytest.raises(NeurosimError, match="at least 128: the weights of one input channel"):
        count_skipping(made, values, SkipArray(4, 16), 8, 8, 100)


def test_rounding_to_fewer_bits_makes_zeros():
    assert rounded(np.array([0, 15, 16, 47, 48, 255], np.uint8), 3).tolist() == [0, 0, 1, 1, 2, 7]
    assert rounded(np.array([7, 200], np.uint8), 8).tolist() == [7, 200]


def test_compression_never_adds():
    assert compressed_bits(np.array([0, 0, 5, 0]), 8) == 4 + 8
    assert compressed_bits(np.array([1, 2, 3, 4]), 8) == 32


def images(n, share):
    rng = np.random.default_rng(1)
    return (rng.integers(1, 256, (n, 3, 4, 4)) * (rng.random((n, 3, 4, 4)) < share)).astype(np.uint8)


def test_energy_closes_with_sources_and_leakage():
    cost = cost_zero_skipping(tiny(), SPEC, INT8, images(5, 0.3), batch=2)
    assert fsum(n * pj for _, _, n, pj, _ in cost["leaves"]) == pytest.approx(cost["energy_pj"], rel=1e-12)
    assert all(source for *_, source in cost["leaves"])
    leaking = {component for component, action, *_ in cost["leaves"] if action == LEAKAGE}
    assert leaking == {"ifmap_sram", "filter_sram", "sum_sram", "array"}
    low, high = cost["band_pj"]
    assert low < cost["energy_pj"] < high
    price = next(pj for c, a, _, pj, _ in cost["leaves"] if (c, a) == ("filter_sram", "read_word"))
    assert price == sram_figures(64 * 8192 // 8, 128, 28, "lstp").at_voltage(0.9).read_pj


def test_skipping_does_less_the_more_zeros_there_are():
    found = [cost_zero_skipping(tiny(), SPEC, INT8, images(4, share), 4) for share in (0.05, 0.5, 1.0)]
    done = [cost["macs_done"] for cost in found]
    energy = [cost["energy_pj"] for cost in found]
    assert done == sorted(done) and energy == sorted(energy) and done[0] < 0.5 * done[2]
    assert all(cost["utilisation"] <= 1 and cost["efficiency"] >= cost["utilisation"] for cost in found)
    # Without a zero everything but padding is done: 16 windows lack 3 taps on each of four sides, corners once.
    full = next(row for row in found[2]["layers"] if row["layer"] == "0:conv")
    assert full["zero_share"] == 0
    conv = AnnModel((layer("conv", (3, 4, 4), (20, 4, 4), (20, 3, 3, 3), last=True, padding=(1, 1)),))
    assert cost_zero_skipping(conv, SPEC, INT8, images(1, 1.0))["macs_done"] == 20 * 3 * 100


def test_sums_that_do_not_fit_go_out_and_back():
    small = replace(SPEC, buffers=replace(SPEC.buffers, filter=16384 * 8 // 8 * 2, sums=1024))
    wide = AnnModel((layer("conv", (64, 8, 8), (16, 8, 8), (16, 64, 3, 3), last=True, padding=(1, 1)),))
    values = np.ones((1, 64, 8, 8), np.uint8)
    spilt, kept = (cost_zero_skipping(wide, s, INT8, values) for s in (small, replace(small, buffers=SPEC.buffers)))
    slices = spilt["layers"][0]["slices"]
    assert slices > 1
    # 64 pixels of 16 sums of 32 bits, out and back between slices; the input is dense here.
    moved = 2 * (slices - 1) * 64 * 16 * 32
    assert spilt["dram_bits"] - moved == kept["dram_bits"] == 64 * 64 * 8 + 16 * 576 * 8 + 64 * 16 * 32
    assert spilt["sums_read_back"] == (slices - 1) * 64 * 16


def test_formats_batch_and_weights_on_chip():
    values = images(8, 0.4)
    energies = [cost_zero_skipping(tiny(), SPEC, n, values)["energy_pj"] for n in (matched(1, 2), INT4, INT8, FLOAT32)]
    assert energies == sorted(energies)
    one, eight = (cost_zero_skipping(tiny(), SPEC, INT8, values, batch) for batch in (1, 8))
    assert eight["energy_pj"] < one["energy_pj"] and eight["dram_bits"] < one["dram_bits"]
    stored = cost_zero_skipping(tiny(), SPEC, INT8, values, weights="on_chip")
    assert stored["dram_bits"] == sum(compressed_bits(v, 8) for v in values) + 8 * 10 * 32
    assert any(component == "weight_store_sram" for component, *_ in stored["leaves"])


def test_the_matched_twin_has_the_networks_weights_and_as_many_levels_as_timesteps():
    # Four-bit weights, eight timesteps: nine levels, four bits.
    matched_twin = ann_on_array("mnist-conv-w4", "zero-skip-28nm-8x16", samples=4, numbers="matched")
    assert matched_twin["numbers"] == "4x4" and matched_twin["accuracy"] is None
    assert matched_numbers(load_workload("mnist-mlp-w1"), timesteps=4) == "1x3"
    with pytest.raises(NeurosimError, match="weights of 32 bits; use float32"):
        matched_numbers(load_workload("mnist-mlp-float"))


def test_on_a_shipped_workload_it_beats_the_dense_array():
    skipping = ann_on_array("mnist-conv-w4", "zero-skip-28nm-8x16", samples=20, weights="on_chip")
    dense = ann_on_array("mnist-conv-w4", "edge-28nm-16x16", samples=20, weights="on_chip")
    assert skipping["macs"] == dense["macs"] and skipping["accuracy"] == dense["accuracy"]
    assert 0.3 < skipping["macs_done"] / skipping["macs"] < 0.5
    assert skipping["energy_pj"] < 0.6 * dense["energy_pj"]
    assert skipping["efficiency"] > 1 > skipping["utilisation"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: cost_zero_skipping(tiny(), SPEC, INT8, images(1, 1), 0), "batch: got 0"),
        (lambda: cost_zero_skipping(tiny(), SPEC, INT8, images(1, 1), 1, "tape"), "weights: got 'tape'"),
        (lambda: SkipArray(0, 4), "array.rows: got 0"),
        (lambda: preset("zero-skip"), "array: got 'zero-skip', expected one of edge"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(NeurosimError, match=message):
        call()


def test_presets_state_source_and_assumptions():
    for spec in SKIPPING.values():
        assert "NullHop" in spec.source and spec.assumptions
        assert spec.array.elements == 128
