"""Random NIR files, written by the nir package, give the spikes of an interpreter that walks the graph in float64."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from neurosim.engine.function import run_function
from neurosim.snn import Stimulus
from neurosim.snn.neuron import Lif
from neurosim.workload.nir_in import read_nir
from neurosim.workload.profiles import profile
from tests.workload.nir_graphs import graphs
from tests.workload.nir_interpreter import Interpreter

SPECS = (
    "snntorch", "spikingjelly", "sinabs", "norse", "nir:dt=0.125", "sinabs:multi_spike=false,v_min=-1",
    "nir:dt=0.25,reset=none,compare=>=", "snntorch:reset=hard", "nir:dt=0.5,decay=exp,norm_input=false",
    "sinabs:norm_input=false,decay=euler",
)  # fmt: skip


@pytest.mark.parametrize("spec", SPECS)
@settings(max_examples=30, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_spikes_of_the_interpreter(spec, data, tmp_path_factory):
    rules = profile(spec)
    drawn = data.draw(graphs(rules))
    path = drawn.write(tmp_path_factory.mktemp("nir") / "a.nir")
    network = read_nir(path, spec)
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    shape = drawn.shapes["in"]
    spikes = (rng.random((2, 5, *shape)) < 0.5).astype(np.int8)
    expected = []
    nearest = np.inf
    for sample in spikes:
        interpreter = Interpreter(drawn.nodes, drawn.edges, drawn.order, rules)
        expected.append(interpreter.run({"in": sample.astype(float)}))
        nearest = min(nearest, interpreter.nearest)
    # Sums that miss a threshold by a float32 rounding decide nothing about the reading.
    assume(nearest > 1e-4)
    for engine in ("fast", "reference"):
        trace = run_function(network, Stimulus.from_dense(spikes), engine=engine)
        for i, p in enumerate(network.populations):
            if not isinstance(p.model, Lif):
                continue
            start, stop = network.offsets[i : i + 2]
            wanted = np.stack([run[p.name] for run in expected]).reshape(2, 5, -1)
            if p.model.threshold is None:
                np.testing.assert_allclose(trace.membrane[:, start:stop], wanted[:, -1], rtol=1e-5, atol=1e-4)
            else:
                np.testing.assert_array_equal(trace.dense(start, stop), wanted, err_msg=f"{p.name} {engine}")


@pytest.mark.parametrize(("spec", "bits"), [("sinabs", 8), ("sinabs:multi_spike=false", 1)])
def test_a_pool_of_neurons_that_spike_several_times_is_wide_enough(tmp_path, spec, bits):
    """Up to 255 spikes a step and neuron, and one neuron a window: eight bits; with one spike each, one."""
    import nir

    ones = np.ones((1, 2, 2), np.float32)
    nodes = {
        "in": nir.Input({"input": np.array([1, 2, 2])}),
        "a": nir.IF(ones, ones),
        "pool": nir.SumPool2d(np.array([1, 1]), np.array([1, 1]), np.array([0, 0])),
        "b": nir.IF(ones, ones),
        "out": nir.Output({"output": np.array([1, 2, 2])}),
    }
    path = tmp_path / "m.nir"
    names = list(nodes)
    nir.write(str(path), nir.NIRGraph(nodes, list(pairwise(names)), type_check=False))
    network = read_nir(path, spec, input_bits=3)
    assert network.value_bits("pool") == bits
    spikes = run_function(network, Stimulus.from_dense(np.full((1, 2, 4), 3)))
    assert spikes.dense(*network.offsets[[2, 3]])[0, 0].tolist() == [3 if bits == 8 else 1] * 4
