"""Each convention on a layer or two by hand."""

from dataclasses import replace
from math import fsum

import pytest

from neurosim.arch.technology.arithmetic import _rows
from neurosim.energy.conventions import counts
from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity, NotGiven
from neurosim.energy.conventions.counts import bit_budget, keras_spiking, neurobench, ns_ace, s_ace, sata, yan_compute
from neurosim.energy.conventions.lemaire import INT8, lemaire, ram_pj
from neurosim.energy.conventions.proxy import INT8_SUM32, ann, proxy, sdt, sdtrack, syops
from neurosim.energy.conventions.registry import CONVENTIONS, claim, claims
from neurosim.energy.conventions.syna import MaxPool, syna, syna_counts
from neurosim.errors import NeurosimError

# 2 x 8 x 8 -> 3 x 3 of stride 2, padded -> 4 x 4 x 4 -> 10 classes; T = 5.
CONV = LayerActivity(
    "conv", "conv", 2, 4, (3, 3), (2, 2), h_out=4, w_out=4, timesteps=5, macs=9 * 16 * 8, weights=72, neurons_in=128,
    neurons_out=64, first=True, rate_in=0.25, rate_out=0.125, weight_bits=4, input_bits=1, leaky=False,
)  # fmt: skip
DENSE = LayerActivity(
    "fc", "dense", 64, 10, timesteps=5, macs=640, weights=640, neurons_in=64, neurons_out=10, rate_in=0.125,
    rate_out=0.1, weight_bits=8, input_bits=1, leaky=False,
)  # fmt: skip
NET = NetworkActivity("net", (CONV, DENSE))
ANALOG = NetworkActivity("analog", (replace(CONV, analog=True, input_bits=8), DENSE))
ATTENTION = LayerActivity(
    "ktv", "attention_ktv", 64, 8, timesteps=5, macs=512, rate_in=0.2, rate_k=0.2, rate_v=0.3, dense_ops=2560
)  # fmt: skip


def pj(terms):
    return fsum(term.value for term in terms)


def test_proxy_and_its_rules_for_the_first_layer():
    other = 0.9 * 0.125 * 5 * 640
    assert pj(ann(NET)) == pytest.approx(4.6 * (1152 + 640))
    assert pj(proxy(NET)) == pytest.approx(4.6 * 1152 + other)
    assert pj(proxy(NET, "every_step")) == pytest.approx(4.6 * 0.25 * 5 * 1152 + other)
    assert pj(proxy(ANALOG, "every_step")) == pytest.approx(4.6 * 5 * 1152 + other)
    assert pj(proxy(NET, "spikes")) == pytest.approx(0.9 * 0.25 * 5 * 1152 + other)
    assert pj(proxy(NET, prices=INT8_SUM32)) == pytest.approx(0.30 * 1152 + 0.10 * 400)
    with pytest.raises(NotGiven, match="analog"):
        proxy(ANALOG, "spikes")


def test_families():
    assert pj(sdt(NET)) == pj(proxy(NET))
    levels = NetworkActivity("levels", (CONV, replace(DENSE, levels=4)))
    assert pj(sdtrack(levels)) == pytest.approx(4.6 * 1152 + 4 * 0.9 * 400)
    for rule in (proxy, sdt, sdtrack, lemaire):
        with pytest.raises(NotGiven, match="layer ktv"):
            rule(NetworkActivity("a", (CONV, ATTENTION)))


def test_syops_and_its_switches():
    net = NetworkActivity("a", (ANALOG.layers[0], ATTENTION, replace(DENSE, bias=True)))
    head = 0.9 * (640 + 10) * 5 * 0.125
    assert pj(syops(net)) == pytest.approx(4.6 * 5 * 1152 + 0.9 * 2560 * 0.2 + head)
    assert pj(syops(net, attention="product")) == pytest.approx(4.6 * 5 * 1152 + 0.9 * 2560 * 0.06 + head)
    assert pj(syops(net, first="once")) == pytest.approx(4.6 * 1152 + 0.9 * 2560 * 0.2 + head)
    with pytest.raises(NotGiven, match="K and V apart"):
        syops(NetworkActivity("a", (replace(ATTENTION, rate_v=None),)), attention="product")


def test_syna_script():
    second = replace(CONV, name="c2", cin=4, first=False, rate_in=0.125)
    pruned = replace(second, name="gone", live=False)
    net = NetworkActivity("s", (CONV, second, pruned, replace(DENSE, rate_in=None)))
    found = syna_counts(net, MaxPool(4, 2, 2, 3))
    batch_norm = 2 * 64 * 5
    assert found.mac == 17 * 64 * 5 + batch_norm
    assert found.ac == 35 * 64 * 5 * 0.125 + 4 * 2 * 2 * 9 * 5
    assert (found.classifier_multiplies, found.classifier_adds) == (64 * 10 * 5, 64 * 64 * 5)
    assert found.spikes == 2 * 0.125 * 64 * 5 and found.neurons == 128
    expected = 3.7 * (found.mac + 3200) + 0.9 * (found.mac + found.ac + 64 * 64 * 5)
    assert pj(syna(net, MaxPool(4, 2, 2, 3))) == pytest.approx(expected)
    assert syna_counts(net, batch_norm="folded").mac == 17 * 64 * 5
    with pytest.raises(NotGiven, match="one classifier"):
        syna(NetworkActivity("s", (CONV, DENSE, DENSE)))
    with pytest.raises(NotGiven, match="first convolution"):
        syna(NetworkActivity("s", (DENSE,)))


def test_lemaire_by_hand():
    assert ram_pj(1000, 32) == pytest.approx(13.2 + 0.3488)
    into, out, updates = 0.25 * 128 * 5, 0.125 * 64 * 5, 5 * 64
    touched, arrived = into * 4 * 9, into * 4 * 4
    conv = (
        into * ram_pj(128, 8) + touched * ram_pj(72, 8) + 2 * (touched + updates) * ram_pj(64, 8)
        + updates * ram_pj(4, 8) + out * ram_pj(64, 8) + 0.03 * (arrived + updates + out)
        + 2 * into * 0.23 + into * 9 * 0.03
    )  # fmt: skip
    assert pj(lemaire(NetworkActivity("c", (CONV,)), INT8)) == pytest.approx(conv)
    into, out, updates = 0.125 * 64 * 5, 0.1 * 10 * 5, 5 * 10
    dense = (
        into * ram_pj(64, 8) + into * 10 * ram_pj(640, 8) + 2 * (into * 10 + updates) * ram_pj(10, 8)
        + 0.03 * (into * 10 + updates + out)
    )  # fmt: skip
    assert pj(lemaire(NetworkActivity("d", (DENSE,)), INT8)) == pytest.approx(dense)
    leak = pj(lemaire(NetworkActivity("c", (replace(CONV, leaky=True),)), INT8)) - conv
    assert leak == pytest.approx(5 * 64 * 0.23)
    for layer in (replace(CONV, groups=2), replace(DENSE, kind="sparse"), replace(CONV, analog=True)):
        with pytest.raises(NotGiven, match=r"layer (conv|fc)"):
            lemaire(NetworkActivity("x", (layer,)))


def test_counts():
    found = {term.what: term.value for term in neurobench(NET)}
    assert found == {"Dense": 5 * 1792, "Eff_MACs": 0, "Eff_ACs": 1440 + 400, "neuron updates": 5 * 74}
    measured = NetworkActivity("m", (replace(ANALOG.layers[0], connections=1000, events_nonzero=77.0),))
    assert [term.value for term in neurobench(measured)] == [5000, 77, 0, 320]
    assert pj(keras_spiking(NET)) == pytest.approx(27.1 * 1840 + 81 * 370)
    assert [term.value for term in bit_budget(NET)] == [5 * 4, 5 * 8]
    assert pj(s_ace(NET)) == 1152 * 20 + 640 * 40
    assert pj(ns_ace(NET)) == 0.25 * 1152 * 20 + 0.125 * 640 * 40
    with pytest.raises(NotGiven, match="bits of its weights"):
        s_ace(NetworkActivity("x", (replace(CONV, weight_bits=None),)))


def test_only_one_projection_into_a_population_updates_it():
    twice = NetworkActivity("t", (DENSE, replace(DENSE, updates=False)))
    assert pj(keras_spiking(twice)) == pytest.approx(27.1 * 800 + 81 * 50)


def test_sata_units_are_those_of_its_table():
    names = {"and": "and_gate", "mux": "mux2", "register": "register_word"}
    for name, unit in counts.SATA_UNITS.items():
        (row,) = (r for r in _rows() if r["op"] == names.get(name, name) and "unit not stated in file" in r["note"])
        assert float(row["energy_pj"]) == unit
    lif = 0.00967 + 0.00309 + 2 * 0.00172 + 3 * 0.0301 + 0.00605
    assert pj(sata(NET)) == pytest.approx((5 * 1792 * (0.000794 + 0.0389) + 370 * lif) / 0.2779)


def test_yan():
    out = 0.125 * 64 * 5 + 0.1 * 10 * 5
    assert pj(yan_compute(NET)) == pytest.approx(0.05448 * (1840 + 370 + out))
    with pytest.raises(NotGiven, match="layer conv"):
        yan_compute(ANALOG)
    assert [counts.yan_twin_bits(t) for t in (1, 3, 4, 7, 8)] == [1, 2, 3, 3, 4]
    assert counts.yan_rate_bounds(5, 0.5) == (0.1, 0.5)
    assert counts.yan_computes_less(5, 0.1, 0.5, 2) and not counts.yan_computes_less(5, 0.2, 0.5, 2)


def test_a_convention_that_cannot_be_given_says_why():
    blank = NetworkActivity("blank", (replace(CONV, rate_in=None), DENSE))
    given = claim("ann-fp32", blank)
    assert given.given and given.pj == pytest.approx(4.6 * 1792)
    missing = claim("keras-spiking", blank)
    assert not missing.given and missing.pj is None and "layer conv: no firing rate" in missing.reason
    assert [c.convention.name for c in claims(NET)] == list(CONVENTIONS)
    assert claim("s-ace", NET).pj is None and claim("s-ace", NET).total > 0
    assert claim("neurobench", NET).total is None
    with pytest.raises(NeurosimError, match="convention: got 'x'"):
        claim("x", NET)
