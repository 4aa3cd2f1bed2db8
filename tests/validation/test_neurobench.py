"""Witness: NeuroBench's own package, on the stored snnTorch and SpikingJelly models rebuilt in their frameworks.

The first half needs nothing: meta.json holds what NeuroBench 2.3.0 gave when the models were recorded. The second half
runs the package itself, batch by batch, where it is installed.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from neurosim.api.runs import neurobench
from neurosim.workload.recording import read_recording

DATA = Path(__file__).parent / "data" / "interop"
SNNTORCH, SPIKINGJELLY = DATA / "snntorch_mlp_digits", DATA / "spikingjelly_conv_digits"
# SpikingJelly: the order of a float sum decides one spike of 6.2 million; that spike reaches ten weights.
ONE_SPIKE = 1 / (200 * 20 * (1024 + 512 + 10))
TEN_OPERATIONS = 10 / 200


@pytest.fixture(scope="module")
def ours():
    return {folder: neurobench(str(folder)) for folder in (SNNTORCH, SPIKINGJELLY)}


def stored(folder):
    return json.loads((folder / "meta.json").read_text())["neurobench"]


def test_snntorch_every_stored_metric(ours):
    mine, theirs = ours[SNNTORCH], stored(SNNTORCH)
    same = ("ParameterCount", "ConnectionSparsity", "SynapticOperations", "MembraneUpdates")
    assert {key: mine[key] for key in same} == {key: theirs[key] for key in same}
    assert mine["ActivationSparsity"] == pytest.approx(theirs["ActivationSparsity"], abs=1e-15)
    assert mine["ClassificationAccuracy"] == pytest.approx(theirs["ClassificationAccuracy"], abs=1e-7)
    # Their footprint adds thresholds, decays and two numbers a layer, and the membranes of the last batch of one.
    assert theirs["Footprint"] == mine["footprint_bytes"]["parameters"] + 4 * 138 * 2 + 2 * (4 + 8) + 4 * 138


def test_spikingjelly_every_stored_metric_but_for_one_spike(ours):
    mine, theirs = ours[SPIKINGJELLY], stored(SPIKINGJELLY)
    assert (mine["ParameterCount"], mine["ConnectionSparsity"]) == (9914, 0.0)
    operations, expected = mine["SynapticOperations"], theirs["SynapticOperations"]
    assert (operations["Effective_MACs"], operations["Dense"]) == (expected["Effective_MACs"], expected["Dense"])
    assert operations["Effective_ACs"] == pytest.approx(expected["Effective_ACs"] - TEN_OPERATIONS, abs=1e-9)
    assert mine["ActivationSparsity"] == pytest.approx(theirs["ActivationSparsity"] + ONE_SPIKE, abs=1e-15)
    assert mine["footprint_bytes"]["parameters"] == theirs["Footprint"]
    assert mine["ClassificationAccuracy"] == pytest.approx(theirs["ClassificationAccuracy"], abs=1e-7)


def run_package(model, folder, batch, samples):
    """Every metric by NeuroBench itself, on the first ``samples`` recorded samples."""
    torch = pytest.importorskip("torch")
    from neurobench.benchmarks import Benchmark
    from neurobench.metrics import static, workload

    recording = read_recording(folder)
    shape = tuple(np.load(folder / "reference.npz")["input_shape"][2:])
    data = torch.from_numpy(recording.input[:samples].astype(np.float32)).reshape(samples, -1, *shape)
    dataset = torch.utils.data.TensorDataset(data, torch.from_numpy(recording.labels[:samples]))
    loader = torch.utils.data.DataLoader(dataset, batch_size=batch)
    metrics = [
        [static.ParameterCount, static.Footprint, static.ConnectionSparsity],
        [workload.ActivationSparsity, workload.SynapticOperations, workload.MembraneUpdates,
         workload.ClassificationAccuracy],
    ]  # fmt: skip
    with torch.no_grad():
        return Benchmark(model, loader, [], [lambda spikes: spikes.sum(dim=1).argmax(dim=1)], metrics).run(quiet=True)


def snntorch_model(zeros=0):
    """The stored network as snnTorch runs it; the first ``zeros`` input rows of its first layer pruned."""
    torch = pytest.importorskip("torch")
    snn = pytest.importorskip("snntorch")
    from neurobench.models import SNNTorchModel

    state = torch.load(SNNTORCH / "state_dict.pt", weights_only=True)
    leaky = {"init_hidden": True, "reset_mechanism": "subtract"}
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 128), snn.Leaky(state["1.beta"], state["1.threshold"], **leaky),
        torch.nn.Linear(128, 10), snn.Leaky(state["3.beta"], state["3.threshold"], output=True, **leaky),
    )  # fmt: skip
    net.load_state_dict(state)
    net[0].weight.data[:, :zeros] = 0
    return SNNTorchModel(net)


def spikingjelly_model():
    torch = pytest.importorskip("torch")
    neuron = pytest.importorskip("spikingjelly.activation_based.neuron")
    from neurobench.models import NeuroBenchModel
    from spikingjelly.activation_based import functional

    net = torch.nn.Sequential(
        torch.nn.Conv2d(1, 16, 3, padding=1, bias=False), neuron.LIFNode(2.0, True, 0.4), torch.nn.AvgPool2d(2),
        torch.nn.Conv2d(16, 32, 3, padding=1), neuron.IFNode(1.0), torch.nn.Flatten(),
        torch.nn.Linear(512, 10), neuron.LIFNode(3.0, False, 1.0),
    )  # fmt: skip
    net.load_state_dict(torch.load(SPIKINGJELLY / "state_dict.pt", weights_only=True), strict=False)

    class Model(NeuroBenchModel):
        def __init__(self):
            super().__init__()
            self.add_activation_module(neuron.BaseNode)

        def __call__(self, batch):
            functional.reset_net(net)
            return torch.stack([net(batch[:, step]) for step in range(batch.shape[1])], dim=1)

        def __net__(self):
            return net

    return Model()


@pytest.mark.parametrize("batch", [200, 64, 1])
def test_snntorch_as_the_package_counts(batch):
    pytest.importorskip("neurobench")
    samples = 200 if batch > 1 else 20
    theirs = run_package(snntorch_model(), SNNTORCH, batch, samples)
    mine = neurobench(str(SNNTORCH), samples=samples, batch=batch)
    agree(mine, theirs)
    assert mine["MembraneUpdates"] == pytest.approx(theirs["MembraneUpdates"], rel=1e-12)


@pytest.mark.parametrize("batch", [200, 64, 1])
def test_spikingjelly_as_the_package_counts(batch):
    """With a batch of one, calls whose pooled inputs happen to be 0 and 1 only are ACs; both count them so."""
    pytest.importorskip("neurobench")
    samples = 200 if batch > 1 else 20
    theirs = run_package(spikingjelly_model(), SPIKINGJELLY, batch, samples)
    mine = neurobench(str(SPIKINGJELLY), samples=samples, batch=batch)
    agree(mine, theirs, spikes=samples == 200)
    assert mine["footprint_bytes"]["parameters"] == theirs["Footprint"]


def agree(mine, theirs, spikes=0):
    """Equal, but for ``spikes`` spikes of the SpikingJelly model that float summation decides."""
    assert mine["ParameterCount"] == theirs["ParameterCount"]
    assert round(mine["ConnectionSparsity"], 4) == theirs["ConnectionSparsity"]
    operations, expected = mine["SynapticOperations"], theirs["SynapticOperations"]
    for key in ("Effective_MACs", "Dense"):
        assert operations[key] == pytest.approx(expected[key], rel=1e-12), key
    assert abs(operations["Effective_ACs"] - expected["Effective_ACs"]) <= spikes * TEN_OPERATIONS + 1e-9
    assert abs(mine["ActivationSparsity"] - theirs["ActivationSparsity"]) <= spikes * ONE_SPIKE + 1e-12
    assert mine["ClassificationAccuracy"] == pytest.approx(theirs["ClassificationAccuracy"], abs=1e-6)


def test_pruned_weights_as_the_package_counts():
    pytest.importorskip("neurobench")
    from neurosim.snn import Dense, Network, Projection
    from neurosim.workload.workload import load_workload

    theirs = run_package(snntorch_model(zeros=30), SNNTORCH, 50, 50)
    work = load_workload(str(SNNTORCH))
    first, *rest = work.network.projections
    weights = first.connectivity.weights.copy()
    weights[:30] = 0
    first = Projection(first.source, first.target, Dense(weights), first.codec)
    pruned = Network(work.network.populations, [first, *rest], work.network.readout)
    mine = neurobench(pruned, work.stimulus(50), batch=50)
    agree(mine, theirs)
    assert theirs["ConnectionSparsity"] == round(30 * 128 / (74 * 128), 4)
    assert mine["MembraneUpdates"] == pytest.approx(theirs["MembraneUpdates"], rel=1e-12)
