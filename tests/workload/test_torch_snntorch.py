"""snnTorch models give the framework's own spikes."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")

from torch import nn  # noqa: E402

from neurosim.engine.function import run_function  # noqa: E402
from neurosim.errors import NeurosimError  # noqa: E402
from neurosim.run import read_out  # noqa: E402
from neurosim.snn import Lif  # noqa: E402
from neurosim.validation.torch_spikes import check_layers  # noqa: E402
from neurosim.workload.torch_in import from_torch  # noqa: E402
from tests.workload.torch_models import lively, spikes  # noqa: E402


def held(model, batch, **options):
    work = from_torch(model, batch, **options)
    for check in check_layers(work):
        assert check.within, check
        assert 0 < check.spikes < check.neuron_steps, check
    return work


class Mlp(nn.Module):
    """The tutorial's loop: membranes passed along, spikes and membranes recorded."""

    def __init__(self, make, last=None, batch_first=False):
        super().__init__()
        self.fc1, self.lif1 = nn.Linear(20, 16), make()
        self.fc2, self.lif2 = nn.Linear(16, 5), (last or make)()
        self.batch_first = batch_first

    def called(self, lif, current, state):
        self.spk, *state = lif(current, *state)
        return [self.spk, *state] if isinstance(lif, (snn.RLeaky, snn.RSynaptic)) else state

    def forward(self, x):
        states = [lif.reset_mem() for lif in (self.lif1, self.lif2)]
        states = [list(state) if isinstance(state, tuple) else [state] for state in states]
        spk_rec, mem_rec = [], []
        for step in range(x.size(1) if self.batch_first else x.size(0)):
            given = x[:, step] if self.batch_first else x[step]
            states[0] = self.called(self.lif1, self.fc1(given), states[0])
            states[1] = self.called(self.lif2, self.fc2(self.spk), states[1])
            spk_rec.append(self.spk)
            mem_rec.append(states[1][-1])
        return torch.stack(spk_rec, dim=0), torch.stack(mem_rec, dim=0)


NEURONS = {
    "leaky subtract": lambda: snn.Leaky(beta=0.8),
    "leaky zero": lambda: snn.Leaky(beta=0.7, reset_mechanism="zero", threshold=0.9),
    "leaky none": lambda: snn.Leaky(beta=0.6, reset_mechanism="none"),
    "leaky zero at once": lambda: snn.Leaky(beta=0.7, reset_mechanism="zero", reset_delay=False),
    "leaky learnt": lambda: snn.Leaky(beta=torch.tensor(0.9), learn_beta=True, learn_threshold=True),
    "synaptic subtract": lambda: snn.Synaptic(alpha=0.5, beta=0.8),
    "synaptic zero": lambda: snn.Synaptic(alpha=0.6, beta=0.7, reset_mechanism="zero"),
    "synaptic none": lambda: snn.Synaptic(alpha=0.4, beta=0.5, reset_mechanism="none", threshold=1.5),
    "synaptic zero at once": lambda: snn.Synaptic(0.6, 0.7, reset_mechanism="zero", reset_delay=False),
    "recurrent one to one": lambda: snn.RLeaky(0.8, V=0.4, all_to_all=False),
    "recurrent one to one, zero": lambda: snn.RLeaky(0.8, V=-0.7, all_to_all=False, reset_mechanism="zero"),
    "recurrent synaptic": lambda: snn.RSynaptic(0.5, 0.8, V=0.3, all_to_all=False),
    "recurrent synaptic zero": lambda: snn.RSynaptic(0.5, 0.8, V=0.3, all_to_all=False, reset_mechanism="zero"),
}


@pytest.mark.parametrize("kind", NEURONS)
def test_every_neuron_and_reset_spikes_as_the_framework(kind):
    work = held(lively(Mlp(NEURONS[kind])), spikes(12, 9, 20))
    assert list(work.recorded) == ["lif1", "lif2"] and work.network.readout.kind == "count"
    found = read_out(work.network, run_function(work.network, work.fixed_stimulus))
    assert np.array_equal(found, work.answers)


@pytest.mark.parametrize("reset", ["subtract", "zero", "none"])
@pytest.mark.parametrize("kind", [snn.RLeaky, snn.RSynaptic])
def test_recurrent_layers_get_their_own_last_spikes_back(kind, reset):
    first = [0.5, 0.8] if kind is snn.RSynaptic else [0.8]
    net = nn.Sequential(
        nn.Conv2d(1, 4, 3), kind(*first, conv2d_channels=4, kernel_size=3, init_hidden=True, reset_mechanism=reset),
        nn.Flatten(), nn.Linear(64, 7), kind(*first, linear_features=7, init_hidden=True, reset_mechanism=reset),
    )  # fmt: skip
    work = held(lively(net, gain=1.5), spikes(8, 6, 1, 6, 6))
    own = [p for p in work.network.projections if p.source == p.target]
    assert [(p.delay, p.connectivity.kind) for p in own] == [(1, "conv"), (1, "dense")]


def test_a_threshold_for_each_neuron():
    model = Mlp(lambda: snn.Leaky(beta=0.8), lambda: snn.Leaky(0.9, threshold=torch.rand(5) + 0.5))
    held(lively(model), spikes(12, 6, 20))


def test_batch_first_input_is_recognised_by_its_indexing():
    batch = spikes(12, 9, 20)
    first = held(lively(Mlp(NEURONS["leaky subtract"])), batch)
    second = held(lively(Mlp(NEURONS["leaky subtract"], batch_first=True)), batch.transpose(0, 1).contiguous())
    assert np.array_equal(first.recorded["lif2"], second.recorded["lif2"])
    assert first.fixed_stimulus.content_hash() == second.fixed_stimulus.content_hash()


def sequential(**options):
    return lively(nn.Sequential(
        nn.Conv2d(1, 6, 3, padding="same"), nn.BatchNorm2d(6), snn.Leaky(beta=0.7, init_hidden=True, **options),
        nn.MaxPool2d(2), nn.Conv2d(6, 8, 3, groups=2), nn.AvgPool2d(2), snn.Leaky(beta=0.6, init_hidden=True),
        nn.Flatten(), nn.Linear(8, 5), snn.Leaky(beta=0.5, init_hidden=True, output=True),
    ), gain=2.5)  # fmt: skip


def test_hidden_states_and_a_loop_outside():
    work = held(sequential(), spikes(7, 4, 1, 8, 8))
    assert work.timesteps == 7 and len(work.fixed_stimulus.labels or ()) == 0


def test_a_static_image_is_repeated_for_the_timesteps_asked():
    torch.manual_seed(5)
    work = held(sequential(), torch.rand(4, 1, 8, 8), timesteps=6)
    assert work.timesteps == 6 and work.network.population("input").model.value_bits == 32


def test_graded_spikes_carry_their_factor():
    work = held(sequential(graded_spikes_factor=1.0), spikes(5, 4, 1, 8, 8))
    net = nn.Sequential(nn.Linear(20, 16), snn.Leaky(0.8, init_hidden=True, graded_spikes_factor=0.7),
                        nn.Linear(16, 8), snn.Leaky(0.8, init_hidden=True))  # fmt: skip
    work = held(lively(net, gain=2.0), spikes(9, 6, 20))
    assert isinstance(work.network.population("3").model, Lif)


class Encoded(Mlp):
    """Rate coding inside the forward."""

    def forward(self, x):
        return super().forward(snn.spikegen.rate(x, num_steps=8))


def test_an_encoder_in_the_forward_is_taken_as_the_host_ran_it():
    import snntorch.spikegen  # noqa: F401

    torch.manual_seed(2)
    work = held(lively(Encoded(NEURONS["leaky subtract"])), torch.rand(6, 20))
    assert work.timesteps == 8 and work.fixed_stimulus.n_samples == 6
    assert any("taken as given" in note for note in work.notes)


class Filled(nn.Module):
    """Spikes written into a tensor made before, and an answer from membranes."""

    def __init__(self, answer):
        super().__init__()
        self.fc, self.lif, self.answer = nn.Linear(20, 5), snn.Leaky(beta=0.8), answer

    def forward(self, x):
        out, mem, rec = torch.zeros(x.size(0), x.size(1), 5), self.lif.reset_mem(), []
        for step, given in enumerate(x):
            spk, mem = self.lif(self.fc(given), mem)
            out[step] = spk
            rec.append(mem)
        return {"spikes": out, "end": mem, "sum": torch.stack(rec).sum(0), "last": spk}[self.answer]


def test_the_readout_is_what_the_model_returns():
    batch = spikes(9, 6, 20)
    kinds = {}
    for answer in ("spikes", "end", "sum"):
        work = held(lively(Filled(answer)), batch)
        kinds[answer] = work.network.readout.kind
        assert any("membrane at the end" in note for note in work.notes) == (answer == "sum")
    assert kinds == {"spikes": "count", "end": "membrane", "sum": "membrane"}
    assert any("timestep 8 of lif alone" in note for note in from_torch(lively(Filled("last")), batch).notes)
    work = from_torch(lively(Filled("end")), batch, readout="first_spike")
    assert work.network.readout.kind == "first_spike"


class Wrong(nn.Module):
    def __init__(self, how):
        super().__init__()
        self.fc, self.lif, self.how = nn.Linear(20, 20), snn.Leaky(beta=0.8), how

    def forward(self, x):
        mem, outs, last = self.lif.reset_mem(), [], torch.zeros(x.size(1), 20)
        for step in range(x.size(0)):
            at = x.size(0) - 1 - step if self.how == "backwards" else step
            cur = self.fc(x[at])
            if self.how == "loop":
                cur = cur + self.fc(last)
            last, mem = self.lif(cur, mem * 0.5 if self.how == "membrane" else mem)
            outs.append(last)
        return torch.stack(outs)


def refused(model, batch, *parts, **options):
    with pytest.raises(NeurosimError) as error:
        from_torch(model, batch, **options)
    for part in parts:
        assert part in str(error.value), str(error.value)


def test_refused_by_layer_name_with_a_next_move():
    batch = spikes(5, 4, 20)
    refused(Wrong("backwards"), batch, "layer 'lif'", "timestep 4", "in order")
    refused(Wrong("membrane"), batch, "layer 'lif'", "membrane", "pass it on unchanged")
    refused(Wrong("loop"), batch, "layer 'lif'", "loop back over time", "RLeaky")

    def net(lif):
        return nn.Sequential(nn.Linear(20, 8), lif)

    for lif in (snn.Alpha(0.8, 0.7, init_hidden=True), snn.Lapicque(0.8, init_hidden=True)):
        refused(net(lif), batch, "layer '1'", type(lif).__name__, "NIR")
    refused(net(snn.Leaky(0.8, init_hidden=True, inhibition=True)), batch, "layer '1'", "inhibition")
    refused(net(snn.Leaky(0.8, init_hidden=True, reset_delay=False)), batch, "layer '1'", "reset_delay=True")
    refused(net(snn.Leaky(torch.rand(8), init_hidden=True)), batch, "layer '1'", "beta has 8 values")
    refused(net(snn.Leaky(0.8, init_hidden=True)), batch, "labels: 3 labels", labels=[1, 2, 3])
    refused(net(snn.Leaky(0.8, init_hidden=True)), batch, "loop: got 'never'", loop="never")
    refused("a model", batch, "torch.nn.Module")
    refused(
        net(snn.Leaky(0.8, init_hidden=True)), spikes(5, 4, 30), "layer '0'", "once a timestep", "(5, 4, 30)", "loop="
    )
    refused(net(snn.Leaky(0.8, init_hidden=True)), batch[0], "batch: shape (4, 20)", "timesteps=N")
