"""The crossover map: counts against the closed formula, trained layers, refusals, what is written."""

import csv

import numpy as np
import pytest

from neurosim.api.studies import crossover
from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.report.figure_crossover import crossover_csv, crossover_figure
from neurosim.study.crossover import CrossoverAxes, both_engines, closed_formula, codebook_layer, crossover_map
from neurosim.study.stand_in import imposed_trace

SMALL = CrossoverAxes((0.1, 1.0), (8, 64), (4, 16), in_channels=2, pixels=4, timesteps=4)


@pytest.fixture(scope="module")
def found():
    return crossover(["mnist-conv-s2-k16"], axes=SMALL, samples=3)


def test_the_formula_is_that_of_the_paper_table():
    """Speed-ups of codeword reuse by hand: at every neuron spiking, 9 C / (9 K + C)."""
    assert closed_formula(1.0, 512, 16) == pytest.approx(9 * 512 / (9 * 16 + 512))
    assert closed_formula(0.1, 64, 16) == pytest.approx(1.07, abs=0.005)
    assert closed_formula(0.02, 256, 16) == pytest.approx(1.01, abs=0.005)
    assert closed_formula(0.3, 512, 64) == pytest.approx(2.08, abs=0.005)


def test_where_every_neuron_spikes_the_counts_are_the_formula(found):
    for panel in found["panels"]:
        for w, width in enumerate(SMALL.widths):
            decode, reuse = (panel[engine]["additions"][w][-1] for engine in ("decode", "reuse"))
            windows = SMALL.in_channels * SMALL.pixels**2 * SMALL.timesteps
            assert decode == windows * 9 * width
            assert reuse == windows * (9 * panel["codewords"] + width)
            assert decode / reuse == pytest.approx(panel["formula"][w][-1], rel=1e-12)


def test_random_spikes_come_close_to_the_formula():
    axes = CrossoverAxes((0.1,), (64,), (16,), in_channels=8, pixels=10, timesteps=8)
    network = codebook_layer(axes, 64, 16)
    ratios = []
    for seed in range(3):
        both = both_engines(
            network, load_chip("edge-28nm-layer-reuse"), imposed_trace(network, 1, 8, 0.1, seed), "layer"
        )
        ratios.append(both["decode"]["additions"] / both["reuse"]["additions"])
    assert np.mean(ratios) == pytest.approx(closed_formula(0.1, 64, 16), rel=0.02)


def test_wide_layers_of_few_codewords_pay_and_narrow_ones_of_many_do_not(found):
    few, many = found["panels"]
    assert few["decode"]["pj"][1][1] > few["reuse"]["pj"][1][1]
    assert many["decode"]["pj"][0][0] < many["reuse"]["pj"][0][0]


def test_a_trained_layer_has_fewer_windows_with_spikes_than_independent_ones_would(found):
    (point,) = found["points"]
    assert (point["layer"], point["codewords"], point["width"]) == ("hidden2", 16, 32)
    assert 0 < point["windows"] < point["windows_independent"] < 1
    assert point["decode"]["additions"] / point["reuse"]["additions"] > point["formula"]


def test_what_cannot_be_drawn_is_refused():
    with pytest.raises(NeurosimError, match=r"chip edge-28nm-layer: cannot reuse codewords .*edge-28nm-layer-reuse"):
        crossover_map(load_chip("edge-28nm-layer"), SMALL)
    with pytest.raises(NeurosimError, match="no layer whose codewords could be reused"):
        crossover(["mnist-conv-w4"], axes=SMALL, samples=1)
    for changes, message in (
        ({"rates": (0.5, 0.1)}, r"crossover\.rates: got \[0\.5, 0\.1\], expected rising"),
        ({"rates": (0.5, 1.5)}, r"crossover\.rates: got 1\.5, expected at most 1"),
        ({"codewords": (16, 1024)}, r"crossover\.codewords: got 1024, expected at most 512"),
        ({"pixels": 0}, r"crossover\.pixels: got 0"),
    ):
        with pytest.raises(NeurosimError, match=message):
            CrossoverAxes(**changes)


def test_figure_and_table(found, tmp_path):
    assert crossover_figure(found, tmp_path / "map.png").read_bytes().startswith(b"\x89PNG")
    with crossover_csv(found, tmp_path / "map.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["spikes"] for row in rows] == ["synthetic"] * 8 + ["mnist-conv-s2-k16"]
    first = found["panels"][0]
    assert float(rows[1]["reuse_pj"]) == first["reuse"]["pj"][0][1]
    assert float(rows[0]["decode_additions"]) == first["decode"]["additions"][0][0]
