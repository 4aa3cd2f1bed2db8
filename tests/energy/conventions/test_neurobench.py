"""NeuroBench's metrics by hand; the package itself stands in tests/validation/test_neurobench.py."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given, reject, settings

from neurosim.energy.conventions.definitions import HARDWARE, NEUROBENCH
from neurosim.energy.conventions.neurobench import footprint_bits, neurobench_metrics, parameter_count
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Pool2d, Population, Projection, Relay, Stimulus
from neurosim.snn.connectivity import Sparse
from tests.engine.strategies import cases


def metrics(network, spikes, **how):
    stimulus = Stimulus.from_dense(np.asarray(spikes))
    return neurobench_metrics(network, run_function(network, stimulus), None, None, **how)


def small():
    """Two inputs, three neurons; one weight of six is zero, and thresholds that input 0 reaches at once."""
    weights = np.array([[5, 0, 5], [1, 1, 1]], np.int8)
    return Network(
        [Population("in", (2,), Input()), Population("out", (3,), Lif(5, bias=[0, 1, 0], membrane_bits=8))],
        [Projection("in", "out", Dense(weights), IntCodec(4))],
    )


def test_by_hand():
    """Step 0: input 0 gives v = 5, 1, 5 and spikes at 0 and 2. Step 1: input 1 gives 1, 3, 1. Step 2: only the bias."""
    found = metrics(small(), [[[1, 0], [0, 1], [0, 0]]], updates=True)
    assert found["ParameterCount"] == 6 + 3
    assert found["Footprint"] == -(-(6 * 4 + 3 * 8 + 3 * 8) // 8)
    assert found["ConnectionSparsity"] == 1 / 6
    assert found["ActivationSparsity"] == 7 / 9
    assert found["ActivationSparsityByLayer"] == {"out": 7 / 9}
    assert found["SynapticOperations"] == {"Effective_MACs": 0, "Effective_ACs": 2 + 3, "Dense": 18}
    assert found["MembraneUpdates"] == 3 + 3 + 1
    assert found["ClassificationAccuracy"] is None


def test_membranes_are_counted_only_when_asked():
    assert metrics(small(), [[[1, 0]]])["MembraneUpdates"] is None


def test_accuracy():
    network = small()
    trace = run_function(network, Stimulus.from_dense(np.ones((4, 1, 2))))
    found = neurobench_metrics(network, trace, np.array([0, 1, 2, 2]), np.array([0, 1, 1, 2]))
    assert found["ClassificationAccuracy"] == 0.75


def test_a_convolution_leaves_padding_out_and_shares_its_biases():
    kernel = np.ones((2, 1, 3, 3), np.float32)
    kernel[0, 0, 0, 0] = 0
    out = Lif(100.0, bias=np.repeat([0.5, 0.25], 4))
    network = Network(
        [Population("in", (1, 2, 2), Input()), Population("out", (2, 2, 2), out)],
        [Projection("in", "out", Conv2d(kernel, padding=1))],
    )
    found = metrics(network, np.ones((1, 1, 4)))
    assert found["ParameterCount"] == 18 + 2
    assert found["SynapticOperations"] == {"Effective_MACs": 0, "Effective_ACs": 31, "Dense": 32}


def test_a_sparse_projection_lacks_what_it_does_not_store():
    csr = Sparse(np.array([0, 1, 3]), np.array([1, 0, 2]), np.array([1.0, 0.0, 2.0], np.float32))
    network = Network(
        [Population("in", (2,), Input()), Population("out", (3,), Lif(9.0))], [Projection("in", "out", csr)]
    )
    found = metrics(network, np.ones((1, 2, 2)))
    assert (found["ParameterCount"], found["ConnectionSparsity"]) == (3, 4 / 6)
    assert found["SynapticOperations"] == {"Effective_MACs": 0, "Effective_ACs": 4, "Dense": 12}


def pooled():
    populations = [Population("in", (1, 2, 2), Input()), Population("pool", (1, 1, 1), Relay(True, 3))]
    projections = [
        Projection("in", "pool", Pool2d("average", 2)),
        Projection("pool", "out", Dense(np.ones((1, 5), np.float32))),
    ]
    return Network([*populations, Population("out", (5,), Lif(9.0))], projections)


@pytest.mark.parametrize(("batch", "macs", "acs"), [(None, 10, 0), (2, 10, 0), (1, 5, 5)])
def test_a_call_is_of_one_kind(batch, macs, acs):
    """Sample 0 pools to 1, sample 1 to a quarter: in one call both multiply, in calls of their own only the second."""
    spikes = np.array([[[1, 1, 1, 1]], [[1, 0, 0, 0]]])
    found = metrics(pooled(), spikes, batch=batch)["SynapticOperations"]
    assert found == {"Effective_MACs": macs / 2, "Effective_ACs": acs / 2, "Dense": 5}


def test_a_batch_of_nothing():
    with pytest.raises(NeurosimError, match="batch: got 0"):
        metrics(small(), [[[1, 0]]], batch=0)


def test_no_parameters():
    network = Network([Population("in", (2,), Input())], [])
    found = metrics(network, [[[1, 0]]])
    assert (found["ParameterCount"], found["ConnectionSparsity"], found["ActivationSparsity"]) == (0, 0.0, 0.0)
    assert footprint_bits(network) == (0, 0) and parameter_count(network) == 0


def test_every_metric_has_its_definition():
    assert set(NEUROBENCH) < set(metrics(small(), [[[1, 0]]]))
    assert all(len(text) > 20 for text in [*NEUROBENCH.values(), *HARDWARE.values()])


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_random_networks(case):
    """MACs and ACs by counting spikes one at a time; the shares stay shares."""
    network, stimulus = case
    try:
        trace = run_function(network, stimulus)
    except NeurosimError:
        reject()  # Some networks drawn are refused by both engines.
    found = neurobench_metrics(network, trace, None, None, updates=True)
    ops = found["SynapticOperations"]
    expected = 0
    for projection in network.projections:
        if projection.connectivity.event == "synapse":
            source = network.index[projection.source]
            shapes = network.populations[source].shape, network.population(projection.target).shape
            indptr, _, weights = projection.connectivity.to_csr(*shapes)
            mine = trace.neuron[
                (trace.neuron >= network.offsets[source]) & (trace.neuron < network.offsets[source + 1])
            ]
            for neuron in mine - network.offsets[source]:
                expected += int((weights[indptr[neuron] : indptr[neuron + 1]] != 0).sum())
    assert ops["Effective_MACs"] + ops["Effective_ACs"] == pytest.approx(expected / trace.n_samples)
    assert 0 <= found["ConnectionSparsity"] <= 1 and found["ActivationSparsity"] <= 1
