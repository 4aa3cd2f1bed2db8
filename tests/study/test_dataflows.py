"""Three dataflows of one network: the same spikes, what each stores and moves, finer weights, refusals."""

import csv

import numpy as np
import pytest

from neurosim.api.studies import dataflows
from neurosim.arch import load_chip
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.mapping.layer_engines import history_planes
from neurosim.report.figure_dataflows import dataflows_csv, dataflows_figure
from neurosim.study.dataflows import finer, with_dataflow
from neurosim.workload.workload import load_workload


@pytest.fixture(scope="module")
def found():
    return dataflows("mnist-conv-mfp-w1-history", stored=["mnist-conv-q-u4"], timesteps=(2, 4), samples=3)


def rows_of(found, flow, network="mnist-conv-mfp-w1-history"):
    return [r for r in found["rows"] if (r["dataflow"], r["network"]) == (flow, network)]


def test_only_stored_membranes_are_stored_and_only_registers_fetch_weights_once(found):
    for stored, register, history in zip(
        *(rows_of(found, f) for f in ("step_outer", "t_inner", "history")), strict=True
    ):
        steps = stored["timesteps"]
        neurons = 3136 + 1568
        assert stored["membrane_memory_bits"] == (neurons + 10) * 24
        assert register["membrane_memory_bits"] == history["membrane_memory_bits"] == 10 * 24
        assert stored["membrane_words"] > 100 * register["membrane_words"]
        assert history["membrane_words"] < stored["membrane_words"] / 50
        # Every plane of the history is added again in every later timestep.
        assert history["additions"] > stored["additions"] == register["additions"]
        assert history["events"] == stored["events"] == register["events"]
        assert register["weights_pj"] < stored["weights_pj"] < history["weights_pj"]
        assert register["spike_buffer_bits"] == neurons * steps
        assert history["spike_buffer_bits"] == (784 + 3136) * steps + 1568
        assert stored["accuracy"] == register["accuracy"] == history["accuracy"]


def test_shares_add_up_to_the_total(found):
    for row in found["rows"]:
        parts = ("membranes", "spikes", "sums", "weights", "additions", "other")
        assert sum(row[f"{name}_pj"] for name in parts) == pytest.approx(row["total_pj"], rel=1e-12)


def test_another_width_is_run_with_its_membranes_stored(found):
    narrow = rows_of(found, "step_outer", "mnist-conv-q-u4")
    assert [row["timesteps"] for row in narrow] == [2, 4]
    assert all(row["membrane_bits"] == 4 for row in narrow)
    assert rows_of(found, "history", "mnist-conv-q-u4") == []
    assert all(row["stored_because"] == {} for row in narrow)
    assert rows_of(found, "history")[0]["stored_because"] == {"output": "the host reads its membranes"}


def test_finer_weights_reach_as_far_as_the_run_and_nearly_always_spike_alike():
    work = load_workload("mnist-conv-mfp-w1-history")
    assert finer(work.network, 8) is work.network
    longer = finer(work.network, 16)
    for p in longer.populations[1:3]:
        stored = work.network.population(p.name)
        assert history_planes(work.network, stored, 16)[0] == 0
        assert "halving would round" in history_planes(work.network, stored, 16)[1]
        assert history_planes(longer, p, 16) == (16, "")
    ours, theirs = (run_function(n, work.stimulus(5, 16)) for n in (longer, work.network))
    counts = [trace.counts_by_neuron().sum() for trace in (ours, theirs)]
    assert counts[0] == pytest.approx(counts[1], rel=0.002)


def test_what_has_no_such_dataflow_is_refused():
    with pytest.raises(
        NeurosimError, match=r"no layer can do without its membranes \(hidden1: its shift leak keeps no power"
    ):
        dataflows("mnist-mlp-w4", timesteps=(2,), samples=1)
    with pytest.raises(NeurosimError, match="chip edge-28nm: these are dataflows of a chip with execution 'layer'"):
        dataflows("mnist-conv-mfp-w1-history", "edge-28nm", timesteps=(2,), samples=1)
    with pytest.raises(NeurosimError, match=r"timesteps: got \[0\]"):
        dataflows("mnist-conv-mfp-w1-history", timesteps=(0,))
    chip = load_chip("edge-28nm-layer")
    priceless = chip.model_copy(update={"energy": {k: v for k, v in chip.energy.items() if k != "history_fold"}})
    with pytest.raises(NeurosimError, match="no price for history_fold"):
        with_dataflow(priceless, "history")


def test_a_network_that_forgets_needs_the_spikes_of_one_timestep():
    rows = dataflows("mnist-conv-mfp-w1", timesteps=(4,), samples=2)["rows"]
    stored, register, history = rows
    assert history["additions"] > stored["additions"] == register["additions"]
    # One fold a neuron and timestep, and nothing is added twice.
    assert history["additions"] - stored["additions"] == 4 * (3136 + 1568)


def test_figure_and_table(found, tmp_path):
    assert dataflows_figure(found, tmp_path / "flows.png").read_bytes().startswith(b"\x89PNG")
    with dataflows_csv(found, tmp_path / "flows.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert np.allclose([float(r["total_pj"]) for r in rows], [r["total_pj"] for r in found["rows"]], rtol=1e-15)
