"""Imposed spikes: as many as asked, through the same counts as any run; both engines agree on them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim import simulate
from neurosim.arch import load_chip
from neurosim.energy.table import LEAKAGE
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Pool2d, Population, Projection, Readout, Relay
from neurosim.snn.trace import Stimulus
from neurosim.study import stand_in as module
from neurosim.study.stand_in import StandIn, imposed_trace, stand_in
from neurosim.workload.workload import load_workload

CHIP = load_chip("edge-28nm")


def network(readout="membrane"):
    lif = Lif(3, membrane_bits=16)
    return Network(
        [Population("in", (1, 6, 6), Input()), Population("conv", (3, 6, 6), lif),
         Population("pool", (3, 3, 3), Relay()), Population("out", (4,), lif)],
        [Projection("in", "conv", Conv2d(np.ones((3, 1, 3, 3), np.int8), padding=1), IntCodec(4)),
         Projection("conv", "pool", Pool2d("max", 2)),
         Projection("pool", "out", Dense(np.ones((27, 4), np.int8)), IntCodec(8))],
        Readout("out", readout),
    )  # fmt: skip


@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_a_stand_in_has_the_shape_and_other_weights(bits):
    original, other = network(), stand_in(network(), bits)
    assert [p.shape for p in other.populations] == [p.shape for p in original.populations]
    for before, after in zip(original.projections, other.projections, strict=True):
        assert np.array_equal(original.fan_out(before), other.fan_out(after))
        if before.connectivity.event == "synapse":
            assert after.codec.bits == bits
            after.codec.check(after.connectivity.weights, "w")
    assert (
        stand_in(network(), bits).content_hash() == other.content_hash() != stand_in(network(), bits, 1).content_hash()
    )


def test_as_many_spikes_as_asked_and_none_where_none_go_out():
    net = network()
    trace = imposed_trace(net, 2, 5, 0.3, seed=4)
    for i, expected in enumerate([round(0.3 * 36 * 5), round(0.3 * 108 * 5), round(0.3 * 27 * 5), 0]):
        dense = trace.dense(net.offsets[i], net.offsets[i + 1])
        assert dense.sum(axis=(1, 2)).tolist() == [expected] * 2 and dense.max(initial=0) <= 1
    assert not np.array_equal(trace.dense(0, 36)[0], trace.dense(0, 36)[1])
    counted = imposed_trace(network("count"), 1, 5, 0.3).dense(net.offsets[3], net.offsets[4])
    assert counted.sum() == round(0.3 * 4 * 5)
    assert imposed_trace(net, 1, 5, 1.0).counts_by_neuron()[:36].tolist() == [5] * 36


@pytest.mark.parametrize("chip", ["edge-28nm", "edge-28nm-layer"])
def test_both_engines_agree(chip):
    runs = [StandIn(stand_in(network(), 4), load_chip(chip), engine).run(3, 0.2) for engine in ("fast", "reference")]
    assert runs[0] == runs[1]


def test_a_recorded_run_imposed_again_costs_what_it_cost(monkeypatch):
    net = network()
    stimulus = Stimulus.from_dense((np.random.default_rng(0).random((2, 4, 36)) < 0.4).astype(np.int32))
    trace = run_function(net, stimulus)
    monkeypatch.setattr(module, "imposed_trace", lambda *_: trace)
    result = simulate(net, "edge-28nm", stimulus)
    imposed = StandIn(net, CHIP).run(4, 0.5, samples=2)
    measured = result.energy.by("component", "action")
    loading = {key for key in measured if key[0] == "loading"}
    assert loading and imposed.energy.by("component", "action") == {k: measured[k] for k in set(measured) - loading}
    assert imposed.rate == result.synaptic_events["effective"] / result.synaptic_events["dense"]


def test_energy_rises_with_rate_and_leakage_is_there():
    runner = StandIn(stand_in(load_workload("mnist-conv-w4").network, 4), CHIP)
    runs = [runner.run(4, rate) for rate in (0.01, 0.1, 1.0)]
    assert [run.pj_per_sample for run in runs] == sorted(run.pj_per_sample for run in runs)
    assert runs[2].rate == pytest.approx(1.0)
    assert all(any(leaf.action == LEAKAGE for leaf in run.energy.leaves) for run in runs)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: stand_in(network(), 0), "weight_bits: got 0"),
        (lambda: stand_in(load_workload("mnist-mlp-float").network, 4), "membranes are float32"),
        (lambda: stand_in(_graded(), 4), "'in' sends graded spikes"),
        (lambda: imposed_trace(network(), 1, 1, 1.5), "rate: got 1.5"),
    ],
)
def test_bad_values_are_named(call, message):
    with pytest.raises(NeurosimError, match=message):
        call()


def _graded():
    net = network()
    first = replace(net.populations[0], model=Input(value_bits=8))
    return replace(net, populations=(first, *net.populations[1:]))
