"""SpikingJelly models give the framework's own spikes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
sj = pytest.importorskip("spikingjelly.activation_based")

from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402

from neurosim.errors import NeurosimError  # noqa: E402
from neurosim.snn import Identity, Lif, Pool2d, Relay  # noqa: E402
from neurosim.validation.torch_spikes import check_layers  # noqa: E402
from neurosim.workload.torch_in import from_torch  # noqa: E402
from tests.workload.torch_models import lively, spikes  # noqa: E402


def held(model, batch, **options):
    """The workload of ``model``, every layer of it checked, none of them silent."""
    work = from_torch(model, batch, **options)
    for check in check_layers(work):
        assert check.within, check
        assert 0 < check.spikes < check.neuron_steps, check
    return work


NEURONS = {
    "if": lambda: neuron.IFNode(),
    "if soft": lambda: neuron.IFNode(v_reset=None, v_threshold=0.8),
    "if reset elsewhere": lambda: neuron.IFNode(v_reset=-0.25),
    "lif": lambda: neuron.LIFNode(tau=2.5),
    "lif soft": lambda: neuron.LIFNode(tau=3.0, v_reset=None),
    "lif input kept": lambda: neuron.LIFNode(tau=2.0, decay_input=False),
    "lif input kept, soft": lambda: neuron.LIFNode(tau=1.7, decay_input=False, v_reset=None),
    "lif reset elsewhere": lambda: neuron.LIFNode(tau=2.0, v_reset=0.2, decay_input=False),
    "plif": lambda: neuron.ParametricLIFNode(init_tau=3.0),
    "plif input kept": lambda: neuron.ParametricLIFNode(init_tau=1.5, decay_input=False, v_reset=None),
}


def cnn(make, mode="m"):
    net = nn.Sequential(
        layer.Conv2d(2, 6, 3, padding=1, bias=False), layer.BatchNorm2d(6), make(), layer.MaxPool2d(2),
        layer.Conv2d(6, 8, 3, stride=2, padding=1), layer.BatchNorm2d(8), make(), layer.AvgPool2d(2),
        layer.Flatten(), layer.Dropout(0.5), layer.Linear(8, 10), make(),
    )  # fmt: skip
    functional.set_step_mode(net, mode)
    return lively(net, gain=2.5)


@pytest.mark.parametrize("kind", NEURONS)
def test_every_neuron_behind_folded_batch_norm_spikes_as_the_framework(kind):
    work = held(cnn(NEURONS[kind]), spikes(8, 3, 2, 8, 8))
    assert [type(p.model) for p in work.network.populations].count(Lif) == 3
    assert work.network.readout.population == "11"


def test_the_reference_engine_says_the_same():
    work = from_torch(cnn(NEURONS["lif"]), spikes(3, 2, 2, 8, 8))
    assert check_layers(work, "reference") == check_layers(work)


def test_step_mode_s_is_looped_outside_and_gives_the_same():
    batch = spikes(8, 3, 2, 8, 8)
    many, single = held(cnn(NEURONS["lif"]), batch), held(cnn(NEURONS["lif"], "s"), batch)
    assert many.network.content_hash() == single.network.content_hash()
    for name, recorded in many.recorded.items():
        assert np.array_equal(recorded, single.recorded[name])


def test_a_batch_of_one_and_one_timestep():
    held(cnn(NEURONS["if"]), spikes(8, 1, 2, 8, 8))
    assert from_torch(cnn(NEURONS["if"]), spikes(1, 3, 2, 8, 8)).timesteps == 1


def test_max_pooling_is_an_or_relay_and_average_pooling_a_graded_one():
    network = held(cnn(NEURONS["if"]), spikes(6, 2, 2, 8, 8)).network
    pools = [p.connectivity for p in network.projections if isinstance(p.connectivity, Pool2d)]
    assert [p.mode for p in pools] == ["max", "average"]
    relays = [p.model for p in network.populations if isinstance(p.model, Relay)]
    assert [(r.graded, r.value_bits) for r in relays] == [(False, 1), (True, 3)]


class Direct(nn.Module):
    """Direct coding as in SpikingJelly's examples: a static encoder layer, then all timesteps."""

    def __init__(self, T=5):
        super().__init__()
        self.T = T
        self.static = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4))
        self.body = nn.Sequential(neuron.IFNode(), layer.SeqToANNContainer(nn.MaxPool2d(2), nn.Flatten()),
                                  layer.Linear(64, 20), neuron.LIFNode(), layer.VotingLayer(2))  # fmt: skip
        functional.set_step_mode(self.body, "m")

    def forward(self, x):
        x = self.static(x)
        return self.body(x.unsqueeze(0).repeat(self.T, 1, 1, 1, 1)).mean(0)


def test_direct_coding_repeats_the_image_and_the_vote_is_the_answer():
    torch.manual_seed(3)
    model, images = lively(Direct(), gain=2.0), torch.rand(4, 1, 8, 8)
    work = held(model, images)
    assert work.timesteps == 5 and work.fixed_stimulus.value is not None
    assert work.network.readout.kind == "membrane"
    from neurosim.engine.function import run_function
    from neurosim.run import read_out

    assert np.array_equal(read_out(work.network, run_function(work.network, work.fixed_stimulus)), work.answers)


class Sew(nn.Module):
    """Two residual blocks that add spikes, the second with a downsampling shortcut."""

    def __init__(self):
        super().__init__()
        self.first = nn.Sequential(layer.Conv2d(2, 4, 3, padding=1), neuron.IFNode())
        self.one = nn.Sequential(layer.Conv2d(4, 4, 3, padding=1), layer.BatchNorm2d(4), neuron.IFNode())
        self.two = nn.Sequential(layer.Conv2d(4, 8, 3, 2, padding=1), layer.BatchNorm2d(8), neuron.IFNode())
        self.down = nn.Sequential(layer.Conv2d(4, 8, 1, 2), layer.BatchNorm2d(8), neuron.IFNode())
        self.three = nn.Sequential(layer.Conv2d(8, 8, 3, padding=1), layer.BatchNorm2d(8), neuron.IFNode())
        self.pool, self.head = layer.AdaptiveAvgPool2d((1, 1)), layer.Linear(8, 5)
        functional.set_step_mode(self, "m")

    def forward(self, x):
        x = self.first(x)
        x = self.one(x) + x
        x = self.down(x) + self.two(x)
        x = self.three(x) + x
        return self.head(torch.flatten(self.pool(x), 2)).mean(0)


def test_sew_residuals_add_spikes_into_graded_relays():
    work = held(lively(Sew(), gain=2.0), spikes(6, 3, 2, 8, 8))
    adds = [p for p in work.network.populations if "add" in p.name]
    assert [(p.model.graded, p.model.value_bits) for p in adds] == [(True, 2), (True, 2), (True, 2)]
    copies = [p for p in work.network.projections if isinstance(p.connectivity, Identity)]
    assert len(copies) == 6 and {p.residual for p in copies} == {"spike"}
    assert vars(work.network.coding) == {"kind": "spikes", "timesteps": 6}


class Membrane(nn.Module):
    """MS-ResNet's way: the residual adds currents before the neuron."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(layer.Conv2d(2, 4, 3, padding=1), layer.BatchNorm2d(4))
        self.one = nn.Sequential(neuron.LIFNode(), layer.Conv2d(4, 4, 3, padding=1), layer.BatchNorm2d(4))
        self.two = nn.Sequential(neuron.LIFNode(), layer.Conv2d(4, 4, 3, padding=1), layer.BatchNorm2d(4))
        self.end = nn.Sequential(neuron.LIFNode(), layer.Flatten(), layer.Linear(4 * 36, 5), neuron.IFNode())
        functional.set_step_mode(self, "m")

    def forward(self, x):
        x = self.stem(x)
        x = self.one(x) + x
        x = self.two(x) + x
        return self.end(x)


def test_currents_that_add_up_are_computed_once():
    work = held(lively(Membrane(), gain=2.5), spikes(6, 3, 2, 6, 6))
    convolutions = [p for p in work.network.projections if p.connectivity.kind == "conv"]
    assert len(convolutions) == 3
    assert [p.residual for p in work.network.projections].count("pre_neuron") == 2


def test_containers_and_loops_over_time_inside_a_model():
    net = nn.Sequential(
        layer.MultiStepContainer(nn.Conv2d(2, 4, 3), nn.BatchNorm2d(4), neuron.IFNode()),
        layer.SeqToANNContainer(nn.Flatten(), nn.Linear(4 * 36, 12)), neuron.LIFNode(step_mode="m"),
    )  # fmt: skip
    held(lively(net, gain=2.0), spikes(5, 3, 2, 8, 8))


def test_batch_norm_before_a_convolution_scales_its_input_channels():
    net = nn.Sequential(
        layer.Conv2d(2, 4, 3, padding=1), neuron.IFNode(), layer.BatchNorm2d(4), layer.Conv2d(4, 6, 3, padding=1),
        neuron.IFNode(), layer.Flatten(), layer.BatchNorm1d(6 * 16), layer.Linear(6 * 16, 7), neuron.IFNode(),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    work = held(lively(net, gain=2.0), spikes(6, 3, 2, 4, 4))
    assert len(work.network.populations) == 4


class Reshaping(nn.Module):
    """Flat neurons seen as an image, an image seen as rows, and means over all positions."""

    def __init__(self):
        super().__init__()
        self.fc, self.one = layer.Linear(20, 32), neuron.IFNode()
        self.conv, self.two = layer.Conv2d(2, 6, 3, padding=1), neuron.IFNode()
        self.rows, self.three = layer.Conv1d(6, 8, 3), neuron.IFNode()
        self.skip, self.head, self.last = layer.Linear(6, 8), layer.Linear(8, 5), neuron.IFNode()
        functional.set_step_mode(self, "m")

    def forward(self, x):
        x = self.one(self.fc(x))
        x = self.two(self.conv(x.view(*x.shape[:2], 2, 4, 4)))
        wide = self.three(self.rows(x.flatten(3)))
        return self.last(self.head(wide.mean(-1) + self.skip(x.mean((3, 4)))))


def test_reshapes_and_means_over_positions():
    work = held(lively(Reshaping(), gain=2.0), spikes(7, 4, 20))
    assert work.network.population("one").shape == (2, 4, 4)
    assert work.network.population("three").shape == (8, 1, 14)


def test_one_dimensional_layers_are_images_of_one_row():
    net = nn.Sequential(
        layer.Conv1d(3, 4, 3, padding=1), layer.BatchNorm1d(4), neuron.LIFNode(), layer.MaxPool1d(2),
        layer.Conv1d(4, 6, 3, stride=2, dilation=2, groups=2), neuron.IFNode(), layer.AvgPool1d(2), layer.Flatten(),
        layer.Linear(12, 5), neuron.IFNode(v_reset=None),
    )  # fmt: skip
    functional.set_step_mode(net, "m")
    work = held(lively(net, gain=2.0), spikes(6, 3, 3, 24))
    assert [work.network.population(n).shape for n in ("2", "3", "5", "6")] == [
        (4, 1, 24), (4, 1, 12), (6, 1, 4), (6, 1, 2),
    ]  # fmt: skip


def test_the_model_keeps_its_mode_and_a_fresh_membrane():
    net = cnn(NEURONS["lif"]).train()
    net[1].eval()
    from_torch(net, spikes(4, 2, 2, 8, 8))
    assert net.training and not net[1].training and net[2].v == 0
    assert not any(hasattr(p, "_neurosim_value") for p in net.parameters())


def refused(model, batch, *parts, **options):
    with pytest.raises(NeurosimError) as error:
        from_torch(lively(model, gain=2.0), batch, **options)
    for part in parts:
        assert part in str(error.value), str(error.value)


def multi(*modules):
    net = nn.Sequential(*modules)
    functional.set_step_mode(net, "m")
    return net


def test_refused_by_layer_name_with_a_next_move():
    batch = spikes(4, 2, 2, 8, 8)
    conv = layer.Conv2d(2, 4, 3, padding=1)
    refused(multi(conv, layer.MaxPool2d(2), neuron.IFNode()), batch, "layer '1'", "OR", "neuron before the pool")
    refused(multi(conv, neuron.EIFNode()), batch, "layer '1'", "EIFNode", "IFNode, LIFNode")
    refused(multi(conv, nn.Sigmoid(), neuron.IFNode()), batch, "layer '2'", "sigmoid", "'0'", "leave it out")
    refused(multi(conv, neuron.IFNode(), layer.AvgPool2d(3, ceil_mode=True)), batch, "layer '2'", "ceil_mode")
    norm = layer.BatchNorm2d(4, track_running_stats=False)
    refused(multi(conv, norm, neuron.IFNode()), batch, "layer '1'", "statistics of the batch")
    refused(nn.Sequential(nn.Flatten(), nn.Linear(4, 4)), batch, "no neuron")
    upward = layer.ConvTranspose2d(2, 4, 3)
    refused(multi(upward, neuron.IFNode()), batch, "layer '0'", "conv_transpose2d", "use one of these")
    shared = neuron.IFNode()
    refused(multi(conv, shared, layer.Conv2d(4, 4, 3), shared), batch, "layer '1'", "one module stands for one layer")
    refused(multi(nn.Conv2d(2, 4, 3), neuron.IFNode()), batch[0], "layer '1'", "step mode")
    soft = multi(conv, neuron.IFNode(), layer.AvgPool2d(2), neuron.IFNode(), layer.MaxPool2d(2), nn.GELU())
    from_torch(lively(soft), batch)


class Product(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.two = (multi(layer.Conv2d(2, 4, 3), neuron.IFNode()) for _ in range(2))
        self.three = multi(layer.Conv2d(4, 4, 3), neuron.IFNode())

    def forward(self, x):
        return self.three(self.one(x) * self.two(x))


def test_products_of_spikes_are_refused_where_they_arrive():
    refused(Product(), spikes(4, 2, 2, 8, 8), "layer 'three.0'", "product", "one.1")
