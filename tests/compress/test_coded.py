"""Networks over every codec and note: each is quantised, pruned and compared, or refused by name; never a crash."""

from dataclasses import replace

import numpy as np
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

import neurosim
from neurosim.errors import NeurosimError
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout, Stimulus
from neurosim.workload.native import load_network, save_network
from tests.compress.runnable import runnable
from tests.engine.strategies import stimuli
from tests.workload.network_files import coded_networks, same_notes

RELAXED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}


def saved(tmp_path, network):
    """What a file gives back is the same, notes included."""
    save_network(network, tmp_path / "n.npz")
    again = load_network(tmp_path / "n.npz")
    assert again.content_hash() == network.content_hash() and same_notes(again, network)


@settings(max_examples=80, **RELAXED)
@given(coded_networks(), st.sampled_from([0.3, 0.7]), st.booleans(), st.sampled_from(["layer", "global"]), st.data())
def test_pruned_or_refused(tmp_path, network, share, structured, scope, data):
    stimulus = data.draw(stimuli(network, 2, 4))
    assume(runnable(network, stimulus))
    extra = {"compensate": data.draw(st.sampled_from([None, stimulus]))} if structured else {}
    extra |= {} if structured else {"store": data.draw(st.sampled_from(["same", "sparse"]))}
    try:
        other, _ = neurosim.prune(network, share, structured=structured, scope=scope, **extra)
    except NeurosimError as error:
        assert str(error).startswith("prune")
        return
    saved(tmp_path, other)
    found = neurosim.compare(network, other, stimulus)
    assert len(found.populations) == len([p for p in network.populations if _spikes(p)])
    for p, q in zip(network.populations, other.populations, strict=True):
        assert q.kept is None or p.kept is None or set(q.kept) <= set(p.kept)


def _spikes(population):
    return population.model.kind == "relay" or getattr(population.model, "threshold", None) is not None


@settings(max_examples=80, **RELAXED)
@given(coded_networks(), st.sampled_from(["keep", 3, "odd:2"]), st.sampled_from([8, 16, 30]), st.data())
def test_quantised_or_refused(tmp_path, network, weight_bits, membrane_bits, data):
    stimulus = data.draw(stimuli(network, 2, 4))
    assume(runnable(network, stimulus))
    try:
        other, _ = neurosim.quantize(network, weight_bits, membrane_bits, calibration=stimulus, input_bits=6)
    except NeurosimError as error:
        assert "quantize" in str(error) or "kept below 2^62" in str(error)
        return
    saved(tmp_path, other)
    if weight_bits == "keep":
        for p, q in zip(network.projections, other.projections, strict=True):
            if p.connectivity.event == "synapse":
                assert np.array_equal(p.connectivity.weights, q.connectivity.weights) and p.codec == q.codec


def test_signs_stay_signs_whatever_the_unit():
    """A ternary input carries +1 and -1 only, also for data without a negative value."""
    model = Input(2, ternary=True)
    out = Population("out", (1,), Lif(1, membrane_bits=8))
    weights = Projection("in", "out", Dense(np.ones((3, 1), np.int8)), IntCodec(4))
    network = Network([Population("in", (3,), model, unit=np.array([0.25])), out], [weights], Readout("out", "count"))
    stimulus = replace(Stimulus.from_dense(np.array([[[1, 0, 1]]], np.int32)), value=np.ones(2, np.int32))
    assert set(neurosim.quantize_stimulus(network, stimulus).value.tolist()) == {1}
