"""The shipped MNIST workloads against what their training stored: formats, accuracies, rasters."""

from pathlib import Path

import numpy as np
import pytest
import yaml

from neurosim.baseline.ann_model import AnnModel
from neurosim.files import read_arrays, read_npz
from neurosim.snn import BinaryCodec, FloatCodec, IntCodec, TernaryCodec
from neurosim.workload.encoders import encode_rate
from neurosim.workload.native import load_network

ROOT = Path(__file__).resolve().parents[2]
WORKLOADS = ROOT / "workloads"
RASTERS = ROOT / "tests" / "validation" / "data" / "mnist"
NAMES = [f"mnist-{topology}-{kind}" for topology in ("mlp", "conv") for kind in ("float", "w8", "w4", "w2", "w1")]
CODECS = {32: FloatCodec(), 8: IntCodec(8), 4: IntCodec(4), 2: TernaryCodec(), 1: BinaryCodec()}


@pytest.fixture(scope="module")
def test_slice():
    return read_npz(WORKLOADS / "data" / "mnist-test.npz")


def _card(name):
    return yaml.safe_load((WORKLOADS / name / "workload.yaml").read_text("utf-8"))["card"]


def _raster(name):
    """Stored spikes by population, (samples, timesteps, neurons) bool, and the other arrays."""
    header, arrays = read_arrays(RASTERS / f"{name}.npz")
    spikes = {}
    for population, shape in header["shapes"].items():
        bits = np.unpackbits(arrays[f"spikes.{population}"], count=int(np.prod(shape)))
        spikes[population] = bits.reshape(shape[0], shape[1], -1).astype(bool)
    return spikes, arrays


def test_test_slice_is_balanced_and_distinct(test_slice):
    assert test_slice["images"].shape == (1000, 28, 28)
    assert test_slice["images"].dtype == np.uint8
    assert np.bincount(test_slice["labels"]).tolist() == [100] * 10
    assert len(set(test_slice["index"].tolist())) == 1000


@pytest.mark.parametrize("name", NAMES)
def test_card_accuracy_is_that_of_the_stored_predictions(name, test_slice):
    hits = _raster(name)[1]["predictions"] == test_slice["labels"]
    assert _card(name)["accuracy_frozen_test"] == pytest.approx(hits.mean(), abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_ann_twin_reaches_the_accuracy_on_its_card(name, test_slice):
    model = AnnModel.load(WORKLOADS / name / "ann.npz")
    hits = model.predict(test_slice["images"]) == test_slice["labels"]
    assert _card(name)["ann_accuracy_test"] == pytest.approx(hits.mean(), abs=1e-9)
    assert _card(name)["ann_twin"]["macs"] == model.macs


@pytest.mark.parametrize("name", NAMES)
def test_ann_twin_has_the_topology_of_the_network(name):
    network = load_network(WORKLOADS / name / "model.npz")
    model = AnnModel.load(WORKLOADS / name / "ann.npz")
    assert [layer.out_shape for layer in model.layers] == [p.shape for p in network.populations[1:]]
    assert [layer.weights.shape for layer in model.layers] == [
        p.connectivity.weights.shape for p in network.projections
    ]


@pytest.mark.parametrize("name", NAMES)
def test_codecs_are_those_of_the_card(name):
    network = load_network(WORKLOADS / name / "model.npz")
    for projection in network.projections:
        assert projection.codec == CODECS[_card(name)["weight_bits"][projection.target]]


def _matrix(network, projection):
    source, target = network.population(projection.source), network.population(projection.target)
    indptr, indices, weights = projection.connectivity.to_csr(source.shape, target.shape)
    rows = np.repeat(np.arange(source.n_neurons), np.diff(indptr))
    matrix = np.zeros((source.n_neurons, target.n_neurons))
    np.add.at(matrix, (rows, indices), weights)
    return matrix


def _run(network, spikes):
    """All layers over (samples, timesteps, inputs) in plain numpy: the integer rule written out once more."""
    rasters = {}
    for projection in network.projections:
        target = network.population(projection.target)
        model, n = target.model, target.n_neurons
        sums = (spikes @ _matrix(network, projection)).astype(np.int64) << projection.weight_shift
        v, fired = np.zeros((len(spikes), n), np.int64), []
        bias = model.per_neuron("bias", target.shape, "")
        for t in range(spikes.shape[1]):
            if model.leak.kind == "shift":
                v = v - (v >> model.leak.shift)
            v = v + sums[:, t] + bias
            if model.threshold is not None:
                threshold = model.per_neuron("threshold", target.shape, "")
                fired.append(v >= threshold)
                v = v - threshold * fired[-1]
        if fired:
            spikes = rasters[target.name] = np.stack(fired, 1)
    return rasters, v


@pytest.mark.parametrize("name", [name for name in NAMES if not name.endswith("float")])
def test_model_file_reproduces_the_stored_spikes(name, test_slice):
    network = load_network(WORKLOADS / name / "model.npz")
    stored, arrays = _raster(name)
    n, timesteps = next(iter(stored.values())).shape[:2]
    stimulus = encode_rate(test_slice["images"][:n], timesteps)
    inputs = np.zeros((n * timesteps, stimulus.n_inputs))
    inputs[np.repeat(np.arange(n * timesteps), np.diff(stimulus.ptr)), stimulus.neuron] = 1
    rasters, membrane = _run(network, inputs.reshape(n, timesteps, -1))
    assert rasters.keys() == stored.keys()
    for population, spikes in stored.items():
        assert np.array_equal(rasters[population], spikes), population
    assert np.array_equal(membrane, arrays["membrane"])
