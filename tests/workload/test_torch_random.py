"""Random models of both frameworks: their spikes are ours, layer by layer."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
snn = pytest.importorskip("snntorch")
pytest.importorskip("spikingjelly.activation_based")

from spikingjelly.activation_based import functional, layer, neuron  # noqa: E402
from torch import nn  # noqa: E402

from neurosim.validation.torch_spikes import check_layers  # noqa: E402
from neurosim.workload.torch_in import from_torch  # noqa: E402
from tests.workload.torch_models import lively, spikes  # noqa: E402


def jelly(draw):
    kind = draw(st.sampled_from(["if", "lif", "plif"]))
    reset = draw(st.sampled_from([None, 0.0, -0.3]))
    keep, tau = draw(st.booleans()), draw(st.sampled_from([1.5, 2.0, 3.3]))
    if kind == "if":
        return neuron.IFNode(v_reset=reset, v_threshold=draw(st.sampled_from([0.7, 1.0])))
    made = neuron.LIFNode if kind == "lif" else neuron.ParametricLIFNode
    return made(tau, decay_input=keep, v_reset=reset)


def torchy(draw):
    how = {"reset_mechanism": draw(st.sampled_from(["subtract", "zero", "none"])), "init_hidden": True}
    how["threshold"] = draw(st.sampled_from([0.8, 1.0]))
    beta = draw(st.sampled_from([0.5, 0.9, 1.0]))
    return snn.Synaptic(0.6, beta, **how) if draw(st.booleans()) else snn.Leaky(beta, **how)


@st.composite
def models(draw):
    """Convolutions, norms, neurons and pools in any order that a network here can hold; then linear layers."""
    sj = draw(st.booleans())
    make = jelly if sj else torchy
    conv, norm, linear = (
        (layer.Conv2d, layer.BatchNorm2d, layer.Linear) if sj else (nn.Conv2d, nn.BatchNorm2d, nn.Linear)
    )
    first = size = draw(st.integers(5, 8))
    channels, parts = 2, []
    for _ in range(draw(st.integers(1, 2))):
        out, kernel = draw(st.sampled_from([4, 6])), draw(st.integers(1, 3))
        stride, padding = draw(st.integers(1, 2)), draw(st.integers(0, 1))
        if size + 2 * padding < kernel:
            continue
        groups = draw(st.sampled_from([1, 2]))
        parts.append(conv(channels, out, kernel, stride, padding, groups=groups, bias=draw(st.booleans())))
        size, channels = (size + 2 * padding - kernel) // stride + 1, out
        if draw(st.booleans()):
            parts.append(norm(channels))
        pool = draw(st.sampled_from(["", "before", "max", "avg"])) if size >= 2 else ""
        average, most = (layer.AvgPool2d, layer.MaxPool2d) if sj else (nn.AvgPool2d, nn.MaxPool2d)
        parts += [average(2)] * (pool == "before") + [make(draw)]
        parts += [most(2)] * (pool == "max") + [average(2)] * (pool == "avg")
        size = size // 2 if pool else size
    parts += [layer.Flatten() if sj else nn.Flatten(), linear(channels * size * size, 6), make(draw)]
    net = lively(nn.Sequential(*parts), seed=draw(st.integers(0, 1000)), gain=2.0)
    if sj:
        functional.set_step_mode(net, draw(st.sampled_from(["s", "m"])))
    return net, first


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(models(), st.integers(1, 5), st.integers(1, 3), st.integers(0, 1000))
def test_any_model_spikes_as_its_framework(drawn, timesteps, samples, seed):
    net, size = drawn
    for check in check_layers(from_torch(net, spikes(timesteps, samples, 2, size, size, seed=seed))):
        assert check.within, check
