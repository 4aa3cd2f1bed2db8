"""Fake-quantised layers become integer layers with the same spikes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("spikingjelly.activation_based")

from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402
from torch.nn.utils import parametrize  # noqa: E402

from neurosim.snn import FloatCodec, IntCodec, TernaryCodec  # noqa: E402
from neurosim.validation.torch_spikes import check_layers  # noqa: E402
from neurosim.workload.torch_in import from_torch  # noqa: E402
from tests.workload.torch_models import lively, spikes  # noqa: E402


def held(model, batch, **options):
    work = from_torch(model, batch, **options)
    for check in check_layers(work):
        assert check.within, check
        assert 0 < check.spikes < check.neuron_steps, check
    return work


class Fake(nn.Module):
    """Symmetric quantiser, a scale a tensor or a channel."""

    def __init__(self, bits, per_channel):
        super().__init__()
        self.top, self.per_channel = 2 ** (bits - 1) - 1, per_channel

    def scale(self, w):
        largest = w.abs().flatten(1).amax(1).reshape(-1, *[1] * (w.ndim - 1)) if self.per_channel else w.abs().max()
        return largest / self.top

    def forward(self, w):
        scale = self.scale(w.detach())
        return torch.clamp(torch.round(w / scale), -self.top, self.top) * scale


def cnn(bits, per_channel, make=neuron.LIFNode):
    net = nn.Sequential(
        layer.Conv2d(2, 6, 3, padding=1, bias=False), layer.BatchNorm2d(6), make(), layer.MaxPool2d(2),
        layer.Conv2d(6, 8, 3, padding=1), layer.BatchNorm2d(8), make(), layer.Flatten(), layer.Linear(128, 10), make(),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    lively(net, gain=2.5)
    net[1].weight.data[1] = -0.8  # the channel's signs must flip
    originals = {}
    for name, module in net.named_modules():
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            fake = Fake(bits, per_channel)
            originals[name] = torch.round(module.weight / fake.scale(module.weight)).detach().numpy().astype(int)
            parametrize.register_parametrization(module, "weight", fake)
    return net, originals


@pytest.mark.parametrize("per_channel", [False, True])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_parametrised_weights_keep_their_integers_behind_batch_norm(bits, per_channel):
    net, originals = cnn(bits, per_channel)
    work = held(net, spikes(8, 3, 2, 8, 8))
    stored = [p for p in work.network.projections if p.connectivity.event == "synapse"]
    assert len(stored) == 3
    first = next(iter(originals.values()))
    for projection, original in zip(stored, originals.values(), strict=True):
        weights = projection.connectivity.weights
        weights = weights.T if weights.ndim == 2 else weights
        assert weights.dtype.kind == "i"
        # Batch normalisation with a negative gain flips a channel; nothing else may change.
        signs = np.sign((weights * original).reshape(len(weights), -1).sum(1)).reshape(-1, *[1] * (weights.ndim - 1))
        assert np.array_equal(weights * signs, original) and (signs == -1).any() == (original is first)
        assert projection.codec == (TernaryCodec() if bits == 2 else IntCodec(bits))
        population = work.network.population(projection.target)
        assert np.array_equal(projection.scale, population.unit) and (projection.scale > 0).all()
    # Behind the last layer is no batch normalisation: integers times scale are the weights.
    assert np.allclose(weights * stored[-1].scale.reshape(-1, 1), net[8].weight.detach().numpy(), rtol=1e-6, atol=0)
    assert any("scale per channel" in n if per_channel else "scale per tensor" in n for n in work.notes)


def test_soft_resets_and_a_reset_value_scale_too():
    net, _ = cnn(4, True, lambda: neuron.LIFNode(tau=2.0, v_reset=None))
    assert len([n for n in held(net, spikes(8, 3, 2, 8, 8)).notes if "weights of 4 bits" in n]) == 3
    net, _ = cnn(4, False, lambda: neuron.IFNode(v_reset=-0.2))
    notes = held(net, spikes(8, 3, 2, 8, 8)).notes
    assert [("stay float32" in n) for n in notes] == [True, True, False], notes


class TwoScales(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = nn.Linear(20, 12), nn.Linear(20, 12)
        for fc in (self.one, self.two):
            parametrize.register_parametrization(fc, "weight", Fake(4, False))
        self.lif = neuron.LIFNode(step_mode="m")

    def forward(self, x):
        return self.lif(self.one(x) + self.two(x))


def test_two_scales_in_one_membrane_stay_float_and_say_so():
    work = held(lively(TwoScales(), gain=2.0), spikes(6, 4, 20))
    assert all(isinstance(p.codec, FloatCodec) for p in work.network.projections)
    assert "several layers add up" in work.notes[0]


def test_brevitas_layers_give_the_integers_brevitas_names():
    qnn = pytest.importorskip("brevitas.nn")
    conv = qnn.QuantConv2d(2, 6, 3, padding=1, bias=False, weight_bit_width=4)
    linear = qnn.QuantLinear(6 * 64, 10, bias=True, weight_bit_width=3)
    net = nn.Sequential(
        layer.SeqToANNContainer(conv, nn.BatchNorm2d(6)), neuron.LIFNode(),
        layer.SeqToANNContainer(nn.Flatten(), linear), neuron.IFNode(),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    lively(net, gain=2.5)
    work = held(net.eval(), spikes(8, 3, 2, 8, 8))
    for projection, module in zip(work.network.projections, (net[0][0], net[2][1]), strict=True):
        integers = module.quant_weight().int().numpy()
        weights = projection.connectivity.weights
        weights = weights.T if weights.ndim == 2 else weights
        assert np.array_equal(np.abs(weights), np.abs(integers)), module
        assert projection.codec == IntCodec(module.weight_quant.bit_width().int().item())
