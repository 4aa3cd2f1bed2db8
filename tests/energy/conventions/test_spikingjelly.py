"""Proxies and Lemaire's rules against SpikingJelly's own estimators, on networks that both run to the same spikes."""

from __future__ import annotations

from math import fsum

import numpy as np
import pytest

from neurosim.energy.conventions.executed import activity_of_run, layers_of_run
from neurosim.energy.conventions.lemaire_interpolated import access_pj
from neurosim.energy.conventions.registry import claim
from neurosim.engine.function import run_function
from neurosim.snn import Conv2d, Dense, FloatCodec, Input, Leak, Lif, Network, Population, Projection
from neurosim.snn.trace import Stimulus

STEPS = 5


def test_access_follows_three_straight_lines():
    assert [access_pj(kib * 1024) for kib in (0, 4, 8, 20, 32, 1024, 4096)] == [0, 5, 10, 15, 20, 100, 100]


def build(torch, sj, leaky, conv, bias):
    """The same network twice: a SpikingJelly module and ours. Weights are sixty-fourths, so that sums are exact."""
    from spikingjelly.activation_based import layer, neuron

    torch.manual_seed(7)
    kind = (lambda: neuron.LIFNode(tau=2.0, v_reset=None)) if leaky else (lambda: neuron.IFNode(v_reset=None))
    if conv:
        modules = [
            layer.Conv2d(2, 4, 3, padding=1, bias=bias), kind(), layer.Conv2d(4, 3, 3, stride=2, bias=bias), kind(),
            layer.Flatten(), layer.Linear(27, 6, bias=bias), kind(),
        ]  # fmt: skip
    else:
        modules = [layer.Linear(128, 32, bias=bias), kind(), layer.Linear(32, 6, bias=bias), kind()]
    net = torch.nn.Sequential(*modules)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.copy_(torch.randint(-12, 40, parameter.shape) / 64)
    sj.functional.set_step_mode(net, "m")
    weighted = [m for m in net if hasattr(m, "weight")]
    model = {"leak": Leak("multiply", factor=0.5), "decay_input": True} if leaky else {}
    size = (2, 8, 8) if conv else (128,)
    populations, projections, before = [Population("in", size, Input())], [], "in"
    shapes = [(4, 8, 8), (3, 3, 3), (6,)] if conv else [(32,), (6,)]
    for i, (m, shape) in enumerate(zip(weighted, shapes, strict=True)):
        values = m.weight.detach().numpy()
        # Ours decays the input but not the bias, which it adds after; theirs decays both.
        biases = 0.0 if m.bias is None else m.bias.detach().numpy() * (0.5 if leaky else 1.0)
        if m.bias is not None and len(shape) == 3:
            biases = np.broadcast_to(biases[:, None, None], shape).ravel()
        lif = Lif(1.0, bias=np.asarray(biases, np.float32), membrane_bits=None, **model)
        populations.append(Population(f"p{i}", shape, lif))
        link = Conv2d(values, m.stride[0], m.padding[0]) if values.ndim == 4 else Dense(np.ascontiguousarray(values.T))
        projections.append(Projection(before, f"p{i}", link, FloatCodec()))
        before = f"p{i}"
    return net, Network(populations, projections), size


@pytest.fixture(params=[(False, True, False), (True, True, True), (False, False, False), (True, False, True)],
                ids=["if-conv", "lif-conv-bias", "if-dense", "lif-dense-bias"])  # fmt: skip
def both(request):
    torch = pytest.importorskip("torch")
    sj = pytest.importorskip("spikingjelly.activation_based")
    pytest.importorskip("spikingjelly.activation_based.op_counter.simple_energy")
    from spikingjelly.activation_based import functional
    from spikingjelly.activation_based.op_counter import estimate_lemaire_energy, estimate_simple_energy
    from spikingjelly.activation_based.op_counter.simple_energy import SimpleEnergyConfig

    sj.functional = functional
    leaky, conv, bias = request.param
    net, ours, size = build(torch, sj, leaky, conv, bias)
    x = (np.random.default_rng(3).random((STEPS, 1, *size)) < 0.3).astype(np.float32)
    spikes = {}
    hooks = [m.register_forward_hook(lambda m, i, o, n=n: spikes.__setitem__(n, float(o.detach().sum()))) for n, m in
             enumerate(net) if hasattr(m, "v_threshold")]  # fmt: skip
    inputs = torch.from_numpy(x)
    net(inputs)
    for hook in hooks:
        hook.remove()
    functional.reset_net(net)
    neurons = [type(m) for m in net if hasattr(m, "v_threshold")]
    simple = estimate_simple_energy(net, inputs, config=SimpleEnergyConfig(extra_ignore_modules=neurons))
    functional.reset_net(net)
    lemaire = strict_lemaire(estimate_lemaire_energy, net, inputs)
    trace = run_function(ours, Stimulus.from_dense(x[:, 0].reshape(1, STEPS, -1)))
    counts = trace.counts_by_neuron()
    mine = [int(counts[a:b].sum()) for a, b in zip(ours.offsets[1:], ours.offsets[2:], strict=False)]
    assert mine == list(spikes.values()) and min(mine) > 0
    return activity_of_run("both", layers_of_run(ours, counts, 1, STEPS)), simple, lemaire, conv


def strict_lemaire(estimate, net, inputs):
    from spikingjelly.activation_based.op_counter import LemaireEnergyConfig

    with pytest.warns(RuntimeWarning) if any(type(m).__name__ == "Flatten" for m in net) else _nothing():
        return estimate(net, inputs, config=LemaireEnergyConfig(strict=False))


def _nothing():
    from contextlib import nullcontext

    return nullcontext()


def test_proxies(both):
    activity, simple, _, conv = both
    # Its estimator also counts additions of its own: the sum over positions by which it finds a spike's windows.
    own = sum(STEPS * x.h_out * x.w_out - 1 for x in activity.weighted if x.kind == "conv")
    theirs = simple.energy_compute_pj - 0.9 * own
    assert claim("proxy-counted", activity).pj == pytest.approx(theirs, rel=1e-12)
    published = claim("proxy-first-spikes", activity).pj
    if conv:
        # rate x T x FL counts operations on padding, which no spike can take part in.
        assert own == 363 and 1.05 * theirs < published < 1.3 * theirs
    else:
        assert own == 0 and published == pytest.approx(theirs, rel=1e-12)


def test_lemaire_term_by_term(both):
    activity, _, report, _ = both
    made = claim("lemaire-interpolated", activity)
    parts = {
        "ops_pj": ("accumulations", "bias additions", "reset additions", "leak"),
        "addressing_pj": ("address additions", "address multiplications"),
        "inout_pj": ("input reads", "output writes"),
        "params_pj": ("weight reads", "bias reads"),
        "potential_pj": ("potential reads and writes of events", "potential reads and writes of updates"),
    }
    for name, whats in parts.items():
        mine = fsum(term.value for term in made.terms if term.what.partition(": ")[2] in whats)
        assert mine == pytest.approx(report.breakdown_pj[name], rel=1e-12), name
    assert made.pj == pytest.approx(report.total_pj, rel=1e-12)


def test_the_two_readings_of_lemaire_differ_in_small_memories(both):
    activity, *_ = both
    reference, article = claim("lemaire-int32", activity), claim("lemaire-interpolated", activity)
    assert reference.pj > 2 * article.pj
