"""`neurosim.price`: a PyTorch model on a chip in one call."""

import subprocess
import sys

import numpy as np
import pytest

import neurosim
from neurosim.errors import NeurosimError


def test_nothing_imports_torch_before_a_model_comes_in():
    code = "import sys, neurosim; neurosim.price, neurosim.from_torch; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_without_torch_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(NeurosimError, match=r"\.\[torch\]"):
        neurosim.price(object(), np.zeros((1, 1, 1)))


@pytest.fixture(scope="module")
def cnn():
    torch = pytest.importorskip("torch")
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import functional, layer, neuron

    from tests.workload.torch_models import lively, spikes

    net = torch.nn.Sequential(
        layer.Conv2d(1, 4, 3, padding=1, bias=False), layer.BatchNorm2d(4), neuron.IFNode(), layer.MaxPool2d(2),
        layer.Flatten(), layer.Linear(64, 10), neuron.LIFNode(tau=2.0, v_reset=None),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    return lively(net, gain=2.5), spikes(6, 8, 1, 8, 8), torch.arange(8) % 10


def test_a_chip_of_integers_gets_integers_and_the_price_says_so(cnn, capsys):
    net, batch, labels = cnn
    price = neurosim.price(net, batch, labels=labels)
    assert price.result.chip == "loihi-silicon" and price.result.samples == 8 and price.result.timesteps == 6
    assert price.differences == {"2": 0, "6": 0}
    assert price.energy_pj * 8 == pytest.approx(price.result.energy_pj) and price.latency_s > 0
    assert price.spikes["input"] == batch.sum().item() / 8
    assert sum(price.footprint_bits.values()) > 0
    assert 0 <= price.accuracy <= 1 and price.torch_accuracy == (price.workload.answers == labels.numpy()).mean()
    assert price.compression is not None and any("weights rounded: input->2 to 8 bits" in n for n in price.notes)
    price.show()
    text = capsys.readouterr().out
    for part in ("energy", "latency", "footprint", "spikes", "accuracy", "0 of", "note: loihi-silicon computes in int"):
        assert part in text
    assert "held to PyTorch" in price._repr_html_()


def test_a_chip_with_floats_runs_the_network_as_it_is(cnn):
    net, batch, _ = cnn
    price = neurosim.price(net, batch, "edge-28nm")
    assert price.compression is None and price.accuracy is None and not price.notes
    assert price.same_answers == 8
    assert price.result.spikes["2"] == price.workload.recorded["2"].sum()
    asked = neurosim.price(net, batch, "edge-28nm", weight_bits=4, membrane_bits=16)
    assert asked.compression is not None and "as asked" in asked.notes[-1]
    assert asked.energy_pj < price.energy_pj


def test_integers_trained_in_are_kept_on_the_chip(cnn):
    pytest.importorskip("spikingjelly.activation_based")
    from spikingjelly.activation_based import neuron

    from tests.workload.test_torch_integers import cnn as quantised
    from tests.workload.torch_models import spikes

    for bits in (2, 4, 8):
        net, originals = quantised(bits, False, lambda: neuron.IFNode(v_reset=None))
        price = neurosim.price(net, spikes(6, 8, 2, 8, 8))
        note = price.notes[-1]
        assert "integers kept: input->2, 3->6, 6->9" in note and "weights rounded" not in note
        assert [row["max_error"] for row in price.compression.projections] == [0.0] * len(originals)


def test_from_torch_is_a_workload_that_simulate_takes(cnn):
    net, batch, labels = cnn
    work = neurosim.from_torch(net, batch, labels, name="digits")
    result = neurosim.simulate(work, "edge-28nm", samples=None)
    assert result.workload == "digits" and result.samples == 8
    assert result.provenance["network"]["source"].startswith("PyTorch")


def test_what_a_chip_cannot_do_is_refused_with_its_field(cnn):
    pytest.importorskip("snntorch")
    import snntorch as snn
    from torch import nn

    from tests.workload.torch_models import lively, spikes

    net = lively(nn.Sequential(nn.Linear(20, 8), snn.Leaky(0.8, init_hidden=True)))
    with pytest.raises(NeurosimError, match="reset_delay"):
        neurosim.price(net, spikes(5, 4, 20), adapt=False)
    assert neurosim.price(net, spikes(5, 4, 20), "edge-28nm").energy_pj > 0


@pytest.fixture(scope="module")
def late():
    """snnTorch's default neuron: its reset comes in the step after the spike."""
    torch = pytest.importorskip("torch")
    snn = pytest.importorskip("snntorch")

    class Late(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.fc, self.fires = torch.nn.Linear(20, 10), snn.Leaky(beta=0.9)

        def forward(self, x):
            membrane, out = self.fires.init_leaky(), []
            for step in x:
                spikes, membrane = self.fires(self.fc(step), membrane)
                out.append(spikes)
            return torch.stack(out)

    torch.manual_seed(3)
    model = Late()
    with torch.no_grad():
        model.fc.weight.mul_(4)
    return model, (torch.rand(12, 5, 20, generator=torch.Generator().manual_seed(1)) < 0.4).float()


def test_a_chip_that_resets_at_once_does_so_and_the_price_says_so(late):
    model, batch = late
    price = neurosim.price(model, batch)
    assert price.differences == {"fires": 0}
    assert any("loihi-silicon resets in the step of the spike: fires" in note for note in price.notes)
    assert not any("resets in the step" in note for note in neurosim.price(model, batch, "edge-28nm").notes)
    with pytest.raises(NeurosimError, match=r"reset_delay.*edge-28nm"):
        neurosim.price(model, batch, adapt=False)
