"""A layer chip from the workload to the report: the barrier chip's spikes, its own time, and every joule explained."""

from math import fsum

import numpy as np
import pytest
from rich.console import Console

from neurosim.api.runs import simulate
from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.report.text import result_text
from neurosim.result import Result
from neurosim.run import simulate_stages
from neurosim.run_layer import layer_stages
from neurosim.workload.workload import load_workload
from tests.engine.layer_chips import layer_chip
from tests.engine.test_layer import chain

WORKLOADS = ["mnist-conv-w4", "mnist-mlp-w1", "mnist-conv-float"]


@pytest.fixture(scope="module")
def result():
    return simulate("mnist-conv-w4", "edge-28nm-layer", samples=12)


@pytest.mark.parametrize("name", WORKLOADS)
def test_spikes_are_the_barrier_chips(name):
    layer, barrier = (simulate(name, chip, samples=8) for chip in ("edge-28nm-layer", "edge-28nm"))
    assert layer.spikes == barrier.spikes and layer.synaptic_events == barrier.synaptic_events
    assert np.array_equal(layer.predictions, barrier.predictions)
    work = load_workload(name)
    stimulus = work.stimulus(4)
    ours = layer_stages(work.network, load_chip("edge-28nm-layer"), stimulus).trace
    theirs = simulate_stages(work.network, load_chip("edge-28nm"), stimulus).trace
    for field in ("ptr", "neuron", "active", "membrane"):
        assert np.array_equal(getattr(ours, field), getattr(theirs, field))


def test_both_engines_on_a_shipped_workload():
    work = load_workload("mnist-conv-w4")
    for chip in (layer_chip(), layer_chip(time_window=3, spike_packing="pack", weight_buffer={"load": "exposed"})):
        fast, slow = (layer_stages(work.network, chip, work.stimulus(2), engine=e) for e in ("fast", "reference"))
        assert fast.timing.differences(slow.timing) == []


def test_every_joule_is_a_count_times_a_price(result):
    prices = {leaf.action: leaf.price_pj for leaf in result.energy.leaves}
    dynamic = fsum(n * prices[action] for action, n in result.activity.totals().items())
    parts = result.energy.by_component()
    beside = parts["loading"] + parts["core_clock"]
    assert result.energy.total_pj(leakage=False) == pytest.approx(dynamic + beside, rel=1e-12)
    assert result.energy.unsourced_share() == 0
    assert {"array_slot", "weight_buffer_read", "spike_buffer_read", "partial_sum_write", "host_word"} <= set(prices)
    # The whole sample is one window: no state is read, and only the answer's membranes are written.
    assert result.activity.total("membrane_write") == 12 * -(-10 * 24 // 64)
    assert result.activity.total("readout_read") == 12 * 10
    assert result.activity.total("neuron_access") == 12 * 8 * (3136 + 1568 + 10)
    assert result.activity.total("neuron_active") + result.activity.total("neuron_inactive") == 12 * 8 * 4714


def test_cycles_by_layer_add_up_and_the_result_keeps_them(result, tmp_path):
    phases = result.fit["in_layers"]
    assert [p["phase"] for p in phases] == ["host", "hidden1", "hidden2", "output"]
    assert result.round_cycles.shape == (12, 4)
    assert [p["cycles"] for p in phases] == result.round_cycles.sum(axis=0).tolist()
    # 784 bits x 8 timesteps in words of 64 bits, a cycle each.
    assert (result.round_cycles[:, 0] == 98).all()
    loaded = Result.load(result.save(tmp_path / "layer.npz"))
    assert loaded.to_json() == result.to_json() and loaded.fit == result.fit


def test_both_buffers_are_in_the_footprint(result):
    used = {memory: line["used_bits"] for memory, line in result.footprint.items()}
    assert used["spike_buffer"] == 8 * (3136 + 1568)
    assert used["partial_sum_buffer"] == 2 * 16 * 8 * 32
    assert used["weight_buffer"] == 2 * 1568 * 64
    assert all(line["provisioned_bits"] >= line["used_bits"] for line in result.footprint.values())


def test_a_step_at_a_time_fetches_eight_times_the_weights(result):
    work = load_workload("mnist-conv-w4")
    step = simulate(work, layer_chip(time_window=1), samples=12)
    words = [r.activity.total("synapse_read_word") for r in (step, result)]
    assert words[0] == 8 * words[1]
    assert step.footprint["spike_buffer"]["used_bits"] * 8 == result.footprint["spike_buffer"]["used_bits"]
    assert step.spikes == result.spikes


def test_the_report_shows_layers_in_the_place_of_packets(result):
    console = Console(width=140, color_system=None)
    with console.capture() as captured:
        console.print(result_text(result))
    text = captured.get()
    assert "windows       1 a sample of 8 timesteps, 8 to a load" in text and "packets" not in text
    assert "Time by layer" in text and "partial sum buffer" in text
    assert result._repr_html_()


def test_maps_and_timelines_are_refused(tmp_path):
    for options in ({"mapping": tmp_path / "map.yaml"}, {"trace": tmp_path / "t.json"}):
        with pytest.raises(NeurosimError, match="chip edge-28nm-layer: execution is 'layer'"):
            simulate("mnist-conv-w4", "edge-28nm-layer", samples=1, **options)
    network, stimulus = chain(4, 3)
    from neurosim.run import simulate as run

    with pytest.raises(NeurosimError, match="core map: chip edge-28nm-layer has one array"):
        run(network, layer_chip(), stimulus, placement=np.zeros(7, int))


def test_too_long_a_window_can_be_reported_all_the_same():
    network, stimulus = chain(20, 40, 10)
    chip = layer_chip(partial_sum_buffer={"capacity_bits": 512})
    with pytest.raises(NeurosimError, match="partial_sum_buffer needs 8192 bits, has 512"):
        simulate(network, chip, stimulus)
    forced = simulate(network, chip, stimulus, capacity="report")
    assert forced.fit["overflows"] == ["chip: partial_sum_buffer needs 8192 bits, has 512 (7680 too many)"]


def test_the_report_says_how_a_layer_was_computed():
    console = Console(width=160, color_system=None)
    for chip, expected in (
        (load_chip("edge-28nm-layer-reuse"), "hidden2, codewords decoded"),
        (layer_chip(time_window=1, membranes="from_history"), "hidden1, history of 8"),
    ):
        name = "mnist-conv-s2-k16" if "reuse" in chip.features else "mnist-conv-mfp-w1-history"
        with console.capture() as captured:
            console.print(result_text(simulate(name, chip, samples=2)))
        assert expected in captured.get()
