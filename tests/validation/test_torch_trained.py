"""Trained models as PyTorch modules: the recorded spikes, the recorded answers, and prices."""

from pathlib import Path

import numpy as np
import pytest

import neurosim
from neurosim.validation.torch_spikes import check_layers
from neurosim.workload.recording import read_recording

torch = pytest.importorskip("torch")

DATA = Path(__file__).parent / "data" / "interop"


def loaded(folder, net, samples):
    recording = read_recording(DATA / folder)
    net.load_state_dict(torch.load(DATA / folder / "state_dict.pt", weights_only=True), strict=False)
    batch = torch.from_numpy(np.moveaxis(recording.input[:samples].astype(np.float32), 1, 0).copy())
    return recording, net, batch


def test_snntorch_mlp_on_a_chip_answers_as_recorded():
    snn = pytest.importorskip("snntorch")
    net = torch.nn.Sequential(
        torch.nn.Linear(64, 128), snn.Leaky(0.9 * torch.ones(128), threshold=torch.ones(128), init_hidden=True),
        torch.nn.Linear(128, 10), snn.Leaky(0.9 * torch.ones(10), threshold=torch.ones(10), init_hidden=True),
    )  # fmt: skip
    recording, net, batch = loaded("snntorch_mlp_digits", net, 200)
    price = neurosim.price(net, batch, "edge-28nm", labels=recording.labels)
    assert price.differences == {"1": 0, "3": 0} and price.same_answers == 200
    assert price.accuracy == price.torch_accuracy == 0.95
    for ours, theirs in zip(price.workload.recorded.values(), recording.layers.values(), strict=True):
        assert np.array_equal(ours, theirs)
    # NeuroBench's count of the same run, recorded with it.
    assert price.result.synaptic_events["effective"] / 200 == pytest.approx(73_098.79, abs=0.005)


def test_spikingjelly_cnn_differs_in_the_one_spike_at_the_threshold():
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import functional, layer, neuron

    net = torch.nn.Sequential(
        layer.Conv2d(1, 16, 3, padding=1, bias=False), neuron.LIFNode(2.0, v_threshold=0.4), layer.AvgPool2d(2),
        layer.Conv2d(16, 32, 3, padding=1), neuron.IFNode(), layer.Flatten(), layer.Linear(512, 10),
        neuron.LIFNode(3.0, decay_input=False),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    recording, net, batch = loaded("spikingjelly_conv_digits", net, 40)
    batch = batch.reshape(*batch.shape[:2], 1, 8, 8)
    work = neurosim.from_torch(net, batch, recording.labels[:40])
    for check in check_layers(work):
        assert check.within, check
    for ours, theirs in zip(work.recorded.values(), recording.layers.values(), strict=True):
        assert (ours != theirs[:40].reshape(ours.shape)).sum() <= 1
    price = neurosim.price(net, batch, "edge-28nm", recording.labels[:40], weight_bits=8)
    assert price.torch_accuracy == (recording.predictions[:40] == recording.labels[:40]).mean()
    assert price.accuracy >= price.torch_accuracy - 0.05 and price.compression is not None
