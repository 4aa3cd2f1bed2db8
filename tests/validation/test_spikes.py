"""Witness: what snnTorch and SpikingJelly recorded of their own networks. Every layer, all 200 samples, both ways in.

``data/interop``: model.nir, reference.npz, meta.json and state_dict.pt a framework; see the README there.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest

from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.run import synaptic_events
from neurosim.snn import Dense, Input, Lif, Network, Population, Projection, Stimulus
from neurosim.validation import spikes, validate
from neurosim.validation.case import EQUAL, MISS, SKIPPED, WITHIN
from neurosim.validation.spikes_layer import layer_network, membranes
from neurosim.workload.nir_in import read_nir
from neurosim.workload.recording import read_recording
from neurosim.workload.workload import load_workload

DATA = Path(__file__).parent / "data" / "interop"
SNNTORCH, SPIKINGJELLY = DATA / "snntorch_mlp_digits", DATA / "spikingjelly_conv_digits"


def verdicts(path, engine="fast"):
    return {case.name: case for case in validate("spikes", path, engine)}


@pytest.mark.parametrize("engine", ["fast", "reference"])
def test_snntorch_every_spike_of_every_layer(engine):
    found = verdicts(SNNTORCH, engine)
    layers = [f"snntorch_mlp_digits/{layer} [nir, {engine}]" for layer in ("lif1", "lif2", "end to end")]
    assert [found[name].verdict for name in layers] == [EQUAL] * 3
    assert "640000 neuron-steps, 216267 spikes" in found[layers[0]].detail
    assert "50000 neuron-steps, 5822 spikes" in found[layers[1]].detail
    assert "200 of 200 predictions equal" in found[layers[2]].detail


def test_spikingjelly_every_spike_but_the_one_at_the_threshold():
    """The one spike that the order of a float sum decides; the recording's README names it too."""
    found = verdicts(SPIKINGJELLY)
    lines = {name.split("/")[1]: case for name, case in found.items() if "[nir, fast]" in name}
    assert [case.verdict for case in lines.values()] == [EQUAL, WITHIN, EQUAL, WITHIN]
    assert lines["if2 [nir, fast]"].detail.startswith("1 of 2048000 neuron-steps, 216538 spikes")
    assert "200 of 200 predictions equal" in lines["end to end [nir, fast]"].detail


@pytest.mark.slow
def test_spikingjelly_on_the_reference_engine():
    assert {case.verdict for case in verdicts(SPIKINGJELLY, "reference").values()} <= {EQUAL, WITHIN, SKIPPED}


@pytest.mark.parametrize("folder", [SNNTORCH, SPIKINGJELLY])
def test_through_the_checkpoint(folder):
    pytest.importorskip("torch")
    found = verdicts(folder)
    nir = [case.verdict for name, case in found.items() if "[nir" in name]
    assert [case.verdict for name, case in found.items() if "[state dict" in name] == nir


def test_without_torch_the_checkpoint_is_said_to_be_left_out(monkeypatch):
    def missing(path):
        raise ImportError("No module named 'torch'")

    monkeypatch.setattr(spikes, "read_state_dict", missing)
    left_out = [case for case in validate("spikes", SNNTORCH, "fast") if case.verdict == SKIPPED]
    assert [case.name for case in left_out] == ["snntorch_mlp_digits [state dict]"] and "torch" in left_out[0].detail


def test_synaptic_events_are_neurobenchs_operations():
    """meta.json holds NeuroBench's own counts per sample; the conv net lacks the ten operations of its one spike."""
    for folder, missing in ((SNNTORCH, 0), (SPIKINGJELLY, 10)):
        work = load_workload(str(folder))
        events = synaptic_events(work.network, run_function(work.network, work.stimulus()))
        theirs = json.loads((folder / "meta.json").read_text())["neurobench"]["SynapticOperations"]
        assert events["mac"] == round(200 * theirs["Effective_MACs"])
        assert events["effective"] == round(200 * (theirs["Effective_MACs"] + theirs["Effective_ACs"])) - missing


@pytest.fixture
def copied(tmp_path):
    """A recording that may be spoilt."""
    shutil.copytree(SNNTORCH, tmp_path / "net")
    (tmp_path / "net" / "state_dict.pt").unlink()
    return tmp_path / "net"


def spoil(folder, change):
    arrays = dict(np.load(folder / "reference.npz"))
    change(arrays)
    np.savez(folder / "reference.npz", **arrays)


def meta(folder, **entries):
    data = json.loads((folder / "meta.json").read_text()) | entries
    (folder / "meta.json").write_text(json.dumps(data))


def test_one_changed_spike_is_a_miss(copied):
    def flip(arrays):
        arrays["lif2.spikes"] = arrays["lif2.spikes"].copy()
        arrays["lif2.spikes"][7, 3, 0] ^= 1

    spoil(copied, flip)
    found = verdicts(copied)
    assert [case.verdict for case in found.values()] == [EQUAL, MISS, WITHIN]
    assert "first at sample 7, timestep 3, neuron 0" in found["net/lif2 [nir, fast]"].detail


@pytest.mark.parametrize(
    "rules", ["snntorch:reset_delay=false", "snntorch:reset=hard", "snntorch:decay=exp", "snntorch:reset=none"]
)
def test_another_reading_is_a_miss(copied, rules):
    """Most of these keep nearly every prediction; the spikes tell them apart."""
    meta(copied, profile=rules)
    assert MISS in {case.verdict for case in verdicts(copied).values()}


def test_a_changed_weight_is_a_miss(copied):
    with h5py.File(copied / "model.nir", "a") as file:
        file["node/nodes/2/weight"][0, 0] += 0.05
    assert [case.verdict for case in verdicts(copied).values()] == [EQUAL, MISS, WITHIN]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda folder: meta(folder, framework="Brian"), "framework 'Brian' has no profile"),
        (lambda folder: meta(folder, spiking_layers=["lif1"]), "has 2 spiking layers"),
        (lambda folder: meta(folder, spiking_layers=["lif2", "lif1"]), "layer of 10 recorded for population '1'"),
        (lambda folder: meta(folder, spiking_layers=["a", "b"]), "array 'a.spike_counts' is missing"),
        (lambda folder: meta(folder, spiking_layers=7), "expected a list of names"),
        (lambda folder: (folder / "meta.json").write_text("{"), "not valid JSON"),
        (lambda folder: (folder / "model.nir").write_bytes(b"x"), "not a readable NIR file"),
        (lambda folder: (folder / "meta.json").unlink(), "no folder with model.nir"),
        (lambda folder: spoil(folder, lambda a: a.update(labels=np.zeros(3, int))), "expected 200 integers"),
        (lambda folder: spoil(folder, lambda a: a.update(input_shape=np.array([200, 25, 90]))), "packed bits"),
        (lambda folder: spoil(folder, lambda a: a.update(input_shape=np.array([1, 2]))), "(samples, timesteps, ...)"),
    ],
)
def test_unusable_recordings_say_why(copied, change, expected):
    change(copied)
    with pytest.raises(NeurosimError) as error:
        verdicts(copied)
    assert expected in str(error.value)


def test_a_checkpoint_of_another_model(copied):
    torch = pytest.importorskip("torch")
    state = torch.load(SNNTORCH / "state_dict.pt", weights_only=True)
    for change, expected in (
        ({"2.weight": torch.zeros(3, 3)}, "not of one model"),
        ({"9.weight": torch.zeros(3, 3)}, "9.weight belong to no node"),
        ({"1.reset_mechanism_val": torch.tensor(1)}, "says reset 'hard'"),
    ):
        torch.save(state | change, copied / "state_dict.pt")
        with pytest.raises(NeurosimError) as error:
            verdicts(copied)
        assert expected in str(error.value)
    (copied / "state_dict.pt").write_bytes(b"not a checkpoint")
    with pytest.raises(NeurosimError, match="not a state dict"):
        verdicts(copied)


def test_a_checkpoint_that_would_run_code_is_refused(copied):
    torch = pytest.importorskip("torch")
    torch.save({"0.weight": Path("/tmp")}, copied / "state_dict.pt")
    with pytest.raises(NeurosimError, match="not a state dict of tensors"):
        verdicts(copied)


def test_membranes_held_to_recorded_resets():
    """By hand: leak a half, subtract one step late; the recorded spike at step 1 decides the reset at step 2."""
    leak = read_nir(SNNTORCH / "model.nir", "snntorch").population("1").model.leak
    plain = Population("a", (1,), Lif(1.0, reset="hard", v_reset=0.25))
    current = np.array([[0.5], [0.75], [0.5]])
    recorded = np.array([[0], [1], [0]])
    assert membranes(plain, current, recorded, np.array([0])).ravel().tolist() == [0.5, 1.25, 0.75]
    keep = np.float64(np.float32(leak.factor))
    late = Population("a", (1,), Lif(1.0, leak, compare=">", reset_delay=True))
    v = [0.5, 0.5 * keep + 0.75]
    v.append(v[1] * keep + 0.5 - 1)
    np.testing.assert_allclose(membranes(late, current, recorded, np.array([0])).ravel(), v, rtol=1e-12)


def test_a_recurrent_layer_gets_its_own_recorded_spikes():
    eye = Dense(np.eye(2, dtype=np.float32))
    network = Network(
        [Population("in", (2,), Input()), Population("a", (2,), Lif(1.0))],
        [Projection("in", "a", eye), Projection("a", "a", eye, delay=1)],
    )  # fmt: skip
    alone, sources = layer_network(network, "a")
    assert sources == ["in", "a"] and alone.input_names == ("in", "a as recorded")
    given = np.zeros((1, 3, 4), np.int8)
    given[0, 1, 2] = 1
    assert run_function(alone, Stimulus.from_dense(given)).dense(4, 6)[0].tolist() == [[0, 0], [0, 0], [1, 0]]


def test_a_folder_of_one_recording_reads_as_a_workload():
    recorded = read_recording(SNNTORCH)
    work = load_workload(str(SNNTORCH))
    assert work.data.shape == recorded.input.shape == (200, 25, 64) and work.labels.shape == (200,)
    assert work.network.metadata["profile"].startswith("snntorch: dt 0.0001")
    assert load_workload(str(SNNTORCH), profile="norse").network.metadata["profile"].startswith("norse")
