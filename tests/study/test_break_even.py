"""The map: its values are runs, its contour is where the ratio passes 1, the closed form is its formula."""

from __future__ import annotations

import json
from math import inf, log

import pytest

from neurosim.api import runs as api
from neurosim.api import studies as api_studies
from neurosim.arch import load_chip
from neurosim.arch.technology.arithmetic import unit_energy
from neurosim.baseline.ann_model import AnnModel
from neurosim.energy.chip_prices import chip_prices
from neurosim.errors import NeurosimError
from neurosim.report.figure_break_even import break_even_figure
from neurosim.report.text import console
from neurosim.report.text_break_even import break_even_text
from neurosim.study.break_even import Axes, Twin, crossing, main_width, rivals
from neurosim.study.closed_form import Synapse, ann_synapse, snn_synapse
from neurosim.study.stand_in import StandIn, stand_in
from neurosim.workload.workload import load_workload

AXES = Axes((1, 4), (0.005, 0.05, 0.5), (1, 8))


@pytest.fixture(scope="module")
def found():
    return api_studies.break_even(["mnist-conv-w8", "mnist-conv-w1"], axes=AXES, samples=6, draws=1)


def test_crossing_is_straight_in_the_logarithms():
    assert crossing((0.01, 0.1, 1.0), [0.5, 2.0, 9.0]) == pytest.approx(0.01 * 10**0.5)
    assert crossing((0.01, 0.1), [1.0, 4.0]) == pytest.approx(0.01)
    assert crossing((0.01, 0.1), [0.1, 0.9]) is None and crossing((0.01, 0.1), [1.1, 3.0]) is None


def test_every_value_is_a_run(found):
    network = load_workload("mnist-conv-w8").network
    runner = StandIn(stand_in(network, 8), load_chip("edge-28nm"))
    panel = found["panels"][1]
    assert panel["weight_bits"] == 8
    for i, steps in enumerate(AXES.timesteps):
        for j, rate in enumerate(AXES.rates):
            run = runner.run(steps, rate)
            assert panel["snn_pj"][i][j] == run.pj_per_sample
            assert panel["rate"][i][j] == run.rate == pytest.approx(rate, rel=0.2)


def test_the_contour_lies_where_a_run_costs_what_the_rival_does(found):
    # Between the map's rates the contour is a straight line; a run at its rate must be near the rival.
    panel = found["panels"][1]
    rate, cost = panel["break_even"]["dense"][0], panel["ann"]["dense"][0]["pj"]
    assert 0.05 < rate < 0.5
    runner = StandIn(stand_in(load_workload("mnist-conv-w8").network, 8), load_chip("edge-28nm"))
    assert abs(log(runner.run(1, rate, 3).pj_per_sample / cost)) < 0.25


def test_rivals_are_told_apart(found):
    for panel in found["panels"]:
        for i in range(len(AXES.timesteps)):
            dense, reuse, skipping = (panel["ann"][r.name][i] for r in rivals(32))
            assert reuse["pj"] < dense["pj"] and skipping["pj"] < 0.6 * dense["pj"]
            assert dense["skipped"] == reuse["skipped"] == 0 < skipping["skipped"] < 1
            assert all(0 < cost["utilisation"] <= 1 and cost["seconds"] > 0 for cost in (dense, reuse, skipping))
    assert [r["array"] for r in found["rivals"]] == ["edge-28nm-16x16", "edge-28nm-16x16", "zero-skip-28nm-8x16"]


def test_rivals_cost_what_neurosim_ann_says():
    work = load_workload("mnist-conv-w4")
    twin = Twin(AnnModel.load(work.ann_path), work.data[:5])
    for rival in (rivals(4)[0], rivals(4)[2]):
        cost = api.ann_on_array(work, rival.array, samples=5, batch=1, numbers="4x3", weights="on_chip")
        assert twin.cost(rival, 4, 3)["pj"] == pytest.approx(cost["energy_pj"] / 5, rel=1e-12)


def test_points_are_the_trained_networks_as_measured(found):
    first, second = found["points"]
    assert (first["workload"], first["weight_bits"], second["weight_bits"]) == ("mnist-conv-w8", 8, 1)
    result = api.simulate("mnist-conv-w8", "edge-28nm", samples=6)
    assert first["snn_pj"] == result.energy_pj / 6 and first["timesteps"] == 8
    assert first["rate"] == result.synaptic_events["effective"] / result.synaptic_events["dense"]
    # Eight timesteps are outside this map of one and four.
    assert first["map_pj"] is None
    assert set(first["ratio"]) == {"dense", "reuse", "skipping"}


def test_a_trained_network_lies_near_its_stand_in():
    inside = api_studies.break_even(["mnist-conv-w8"], axes=Axes((4, 8), (0.05, 0.1, 0.2), (8,)), samples=10)
    point = inside["points"][0]
    assert point["map_pj"] == pytest.approx(point["snn_pj"], rel=0.15)


def test_main_width():
    assert main_width(load_workload("mnist-conv-w1").network) == 1
    assert main_width(load_workload("mnist-conv-w4").network) == 4


def test_closed_form_by_hand():
    synapse = Synapse(event=2.0, step=0.1, bit=0.01)
    assert synapse.break_even(4, 1.2) == pytest.approx((1.2 / 4 - 0.1) / 2)
    assert synapse.break_even(20, 1.2) < 0
    chip = load_chip("edge-28nm")
    mac = unit_energy("multiplier", (4, 3), 28, 0.9)[0] + unit_energy("adder", (32,), 28, 0.9)[0]
    mac += unit_energy("register", (35,), 28, 0.9)[0]
    assert ann_synapse(chip, 4, 3, 0.5, 0.25, 8) == pytest.approx(0.75 * (mac + 4 * 0.5 / 8), rel=1e-12)
    assert ann_synapse(chip, 4, 3, 0.5, 0.0, inf) == pytest.approx(mac, rel=1e-12)


def test_the_synapse_is_the_chips_prices():
    chip, work = load_chip("edge-28nm"), load_workload("mnist-mlp-w4")
    prices = {name: price.pj for name, price in chip_prices(chip).items()}
    synapse = snn_synapse(work.network, chip, 4)
    accumulator = prices["accumulator_read"] + prices["accumulator_write"]
    bit = prices["synapse_read_word"] / 64
    assert synapse.event == pytest.approx(prices["accumulate_dense"] + 4 * bit + accumulator, rel=1e-12)
    # 410 neurons of one word of state, 317,600 synapses.
    update = prices["neuron_access"] + accumulator + prices["membrane_read"] + prices["membrane_write"]
    assert synapse.step == pytest.approx(update * 410 / 317600, rel=1e-12)
    layered = snn_synapse(work.network, load_chip("edge-28nm-layer"), 4)
    assert layered.event < 0.5 * synapse.event


def test_it_is_plain_data_and_can_be_shown_and_drawn(found, tmp_path, capsys):
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    with console().capture() as shown:
        console().print(break_even_text(found))
    del shown
    drawn = break_even_figure(found, tmp_path / "one.png").read_bytes()
    assert drawn.startswith(b"\x89PNG") and drawn == break_even_figure(found, tmp_path / "two.png").read_bytes()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Axes(timesteps=(2, 1)), "breakeven.timesteps: got"),
        (lambda: Axes(rates=(0.1, 2.0)), "rates: got 2"),
        (lambda: Axes(weight_bits=()), "weight_bits: got"),
        (lambda: api_studies.break_even([]), "no workload given"),
        (lambda: api_studies.break_even(["mnist-conv-w4", "mnist-mlp-w4"]), "mnist-mlp-w4: another shape"),
        (lambda: api_studies.break_even(["mnist-conv-w4"], axes=AXES, batch=1), "got batch 1"),
        (lambda: api_studies.break_even(["mnist-conv-w4"], "odin"), "choose a chip with"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(NeurosimError, match=message):
        call()
