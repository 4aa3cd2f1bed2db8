"""The speech and motion workloads: every spike of the shipped files against what PyTorch stored, cards, the data."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from neurosim import simulate
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, read_npz
from neurosim.run import read_out
from neurosim.snn import FloatCodec, IntCodec, Stimulus, TernaryCodec
from neurosim.workload.workload import list_workloads, load_workload

ROOT = Path(__file__).resolve().parents[2]
WITNESS = ROOT / "tests" / "validation" / "data" / "signals"
NAMES = sorted(path.stem for path in WITNESS.glob("*.npz"))
WHOLE = [name for name in NAMES if not name.endswith("float")]
FLOAT = [name for name in NAMES if name.endswith("float")]
BINARY = [name for name in NAMES if "onoff" in name]


def rasters(work, trace):
    """Spikes with their signs by population, (samples, timesteps, neurons) int8."""
    ends = zip(work.network.populations[:-1], work.network.offsets[:-1], work.network.offsets[1:], strict=False)
    return {p.name: trace.dense(int(a), int(b)).astype(np.int8) for p, a, b in ends}


def test_all_ship():
    shipped = {name for name in list_workloads() if name.startswith(("speech-", "motion-"))}
    assert set(NAMES) == shipped
    assert {"speech-tae-t2", "speech-onoff", "speech-float", "motion-tae-t2", "motion-onoff"} <= shipped


@pytest.mark.parametrize("name", WHOLE)
def test_every_spike_of_the_whole_test_part_is_that_of_the_framework(name):
    work = load_workload(name)
    header, stored = read_arrays(WITNESS / f"{name}.npz")
    assert work.n_samples == len(stored["membrane"]) == {"speech": 370, "motion": 40}[name.split("-")[0]]
    trace = run_function(work.network, work.stimulus())
    found = rasters(work, trace)
    assert found.keys() == header["sha256"].keys()
    for population, raster in found.items():
        assert np.array_equal(np.abs(raster).sum((1, 2)), stored[f"spikes.{population}"]), population
        assert hashlib.sha256(raster.tobytes()).hexdigest() == header["sha256"][population], population
    assert np.array_equal(trace.membrane[:, work.network.offsets[-2] :], stored["membrane"])
    assert np.array_equal(read_out(work.network, trace), stored["predictions"])


@pytest.mark.parametrize("name", FLOAT)
def test_a_float_network_differs_by_the_order_of_its_sums_alone(name):
    work = load_workload(name)
    _, stored = read_arrays(WITNESS / f"{name}.npz")
    trace = run_function(work.network, work.stimulus())
    found = rasters(work, trace)
    assert np.array_equal(np.abs(found["input"]).sum((1, 2)), stored["spikes.input"])
    for population in ("hidden1", "hidden2"):
        counts = np.abs(found[population]).sum((1, 2))
        assert (counts == stored[f"spikes.{population}"]).mean() > 0.95
    assert (read_out(work.network, trace) == stored["predictions"]).mean() > 0.99


@pytest.mark.parametrize("name", WHOLE[:2])
def test_the_reference_engine_gives_the_same_spikes(name):
    work = load_workload(name)
    stimulus = work.stimulus(2)
    fast, slow = (run_function(work.network, stimulus, engine) for engine in ("fast", "reference"))
    assert np.array_equal(fast.neuron, slow.neuron) and np.array_equal(fast.membrane, slow.membrane)
    assert (fast.value is None) == (slow.value is None)
    assert fast.value is None or np.array_equal(fast.value, slow.value)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_states_what_the_test_part_gives(name):
    work = load_workload(name)
    card = work.card
    predictions = read_arrays(WITNESS / f"{name}.npz")[1]["predictions"]
    accuracy = float((predictions == work.labels).mean())
    assert card["accuracy_frozen_test"] == pytest.approx(accuracy, abs=1e-4)
    assert card["accuracy"]["by_seed"][0] == pytest.approx(accuracy, abs=1e-4)
    assert len(card["seeds"]) == 3
    for key, digit in (("accuracy", 1e-4), ("spikes_a_sample", 0.1), ("synaptic_events_a_sample", 0.1)):
        values = card[key]["by_seed"]
        assert card[key]["mean"] == pytest.approx(np.mean(values), abs=1.01 * digit)
        assert card[key]["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1.01 * digit)
    for field in ("dataset", "data_licence", "stand_in", "command"):
        assert card[field]


@pytest.mark.parametrize("name", NAMES)
def test_numbers_are_those_of_the_name(name):
    work = load_workload(name)
    network, ternary = work.network, name not in BINARY and "mixed" not in name
    assert [network.is_ternary(p.name) for p in network.populations] == [name not in BINARY, ternary, ternary, False]
    codec = FloatCodec() if name in FLOAT else IntCodec(4) if name.endswith("t4") else TernaryCodec()
    assert {p.codec for p in network.projections} == {codec}
    bits = {"u4": 4, "u8": 8, "t4": 8}.get(name.rsplit("-", 1)[-1], None if name in FLOAT else 6)
    assert [p.model.membrane_bits for p in network.populations[1:3]] == [bits] * 2
    assert work.card["membrane_bits"]["hidden1"] == (bits or "float32")


def test_the_control_has_the_same_topology_and_twice_the_inputs():
    for data in ("speech", "motion"):
        sizes = [[p.n_neurons for p in load_workload(f"{data}-{n}").network.populations] for n in ("tae-t2", "onoff")]
        assert sizes[1] == [2 * sizes[0][0], *sizes[0][1:]]
        events = [load_workload(f"{data}-{n}").stimulus() for n in ("tae-t2", "onoff")]
        assert events[0].neuron.size == events[1].neuron.size
        assert np.array_equal(events[0].front_end.counts, events[1].front_end.counts)


@pytest.mark.parametrize("name", ["speech-tae-t2", "motion-onoff"])
def test_it_runs_by_name_and_pays_for_its_encoder(name):
    result = simulate(name, "edge-28nm", samples=20, timing="estimate")
    stored = read_arrays(WITNESS / f"{name}.npz")[1]
    assert np.array_equal(result.predictions, stored["predictions"][:20])
    assert result.energy.by_component()["encoder"] > 0
    ternary = name not in BINARY
    assert (result.activity.total("weight_sign") == result.synaptic_events["effective"]) == ternary
    assert result.synaptic_events["mac"] == 0


def test_a_chip_without_ternary_spikes_refuses_and_the_binary_control_runs_there():
    with pytest.raises(NeurosimError, match=r"spikes of input are \+1 and -1.*loihi-silicon.*edge-28nm"):
        simulate("speech-tae-t2", "loihi-silicon", samples=1)
    result = simulate("speech-onoff", "loihi-silicon", samples=2)
    assert result.energy_pj > 0 and any("not priced" in note for note in result.notes)


def test_another_encoder_of_signals_may_take_its_place():
    own = load_workload("speech-tae-t2").stimulus(3)
    other = load_workload("speech-tae-t2", encoder_spec="step_forward:threshold=8,signed=true,start=zero").stimulus(3)
    assert other.n_inputs == own.n_inputs and other.front_end is None
    with pytest.raises(NeurosimError, match="its data are signals"):
        load_workload("speech-tae-t2", encoder_spec="rate")


def test_a_ternary_network_without_biases_mirrors_its_answer():
    """Thresholds at plus and minus the same value: a mirrored signal gives mirrored membranes, to the last bit."""
    for name, mirrors in (("speech-float", True), ("speech-onoff-float", False)):
        work = load_workload(name)
        stimulus = work.stimulus(20)
        dense = np.zeros((20 * stimulus.timesteps, stimulus.n_inputs), np.int32)
        rows = np.repeat(np.arange(len(dense)), np.diff(stimulus.ptr))
        dense[rows, stimulus.neuron] = 1 if stimulus.value is None else stimulus.value
        dense = dense.reshape(20, stimulus.timesteps, -1)
        half = stimulus.n_inputs // 2
        mirrored = -dense if mirrors else np.concatenate([dense[:, :, half:], dense[:, :, :half]], axis=2)
        last = slice(int(work.network.offsets[-2]), None)
        membranes = [
            run_function(work.network, Stimulus.from_dense(values)).membrane[:, last] for values in (dense, mirrored)
        ]
        assert np.array_equal(membranes[0], -membranes[1]) == mirrors


@pytest.mark.parametrize(("name", "steps", "channels", "classes"), [("speech", 60, 12, 9), ("motion", 100, 6, 4)])
def test_the_data(name, steps, channels, classes):
    arrays = read_npz(ROOT / "workloads" / "data" / f"{name}.npz")
    for part in ("", "train_"):
        signals, labels, index = (arrays[f"{part}{key}"] for key in ("signals", "labels", "index"))
        assert signals.dtype == np.int8 and signals.shape == (len(labels), steps, channels)
        assert sorted(index.tolist()) == list(range(len(labels)))
        assert set(labels.tolist()) == set(range(classes))
    assert abs(arrays["train_signals"].std() / 32 - 1) < 0.2
    assert not {x.tobytes() for x in arrays["signals"]} & {x.tobytes() for x in arrays["train_signals"]}
