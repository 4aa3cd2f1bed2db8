"""The activity of a run against the connections written out one by one, on random networks."""

import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from neurosim.energy.conventions.executed import activity_of_run, layers_of_run, nonzero_fan_out
from neurosim.errors import NeurosimError
from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Pool2d, Population, Projection, Relay
from tests.engine.strategies import cases


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(cases())
def test_events_and_nonzero_fan_out_by_brute_force(case):
    network = case[0]
    rng = np.random.default_rng(0)
    counts = rng.integers(0, 5, network.n_neurons)
    rows = [row for row in layers_of_run(network, counts, 2, 5) if row["kind"] != "pool"]
    projections = [p for p in network.projections if p.connectivity.event == "synapse"]
    for projection, row in zip(projections, rows, strict=True):
        c = projection.connectivity
        source, target = network.population(projection.source), network.population(projection.target)
        indptr, _, weights = c.to_csr(source.shape, target.shape)
        rows_of = np.repeat(np.arange(source.n_neurons), np.diff(indptr))
        nonzero = np.bincount(rows_of[np.asarray(weights) != 0], minlength=source.n_neurons)
        assert np.array_equal(nonzero_fan_out(network, projection), nonzero)
        at = network.offsets[network.index[projection.source]]
        spikes = counts[at : at + source.n_neurons]
        assert row["events"] == pytest.approx(spikes @ np.diff(indptr) / 2)
        assert row["events_nonzero"] == pytest.approx(spikes @ nonzero / 2)
        assert row["connections"] == indptr[-1]
        assert row["rate_in"] == pytest.approx(spikes.sum() / (source.n_neurons * 10))


def network():
    lif = Lif(5, membrane_bits=16)
    w = np.ones((4, 1, 3, 3), np.int8)
    dense = np.ones((16, 3), np.int8)
    return Network(
        [
            Population("in", (1, 8, 8), Input()), Population("small", (1, 4, 4), Relay()),
            Population("conv", (4, 4, 4), lif), Population("pool", (4, 2, 2), Relay()), Population("out", (3,), lif),
            Population("more", (16,), lif),
        ],
        [
            Projection("in", "small", Pool2d("max", 2)),
            Projection("small", "conv", Conv2d(w, padding=1), IntCodec(4)),
            Projection("conv", "pool", Pool2d("max", 2)),
            Projection("pool", "out", Dense(dense), IntCodec(8)),
            Projection("pool", "more", Dense(np.ones((16, 16), np.int8)), IntCodec(8)),
            Projection("more", "out", Dense(dense), IntCodec(8)),
        ],
    )  # fmt: skip


def test_what_a_layer_is():
    counts = np.arange(network().n_neurons)
    rows = layers_of_run(network(), counts, 3, 7)
    activity = activity_of_run("n", json.loads(json.dumps(rows)))
    assert [layer.kind for layer in activity.layers] == ["pool", "conv", "pool", "dense", "dense", "dense"]
    conv = activity.layers[1]
    assert conv.first and not activity.layers[3].first
    assert (conv.macs, conv.weights, conv.kernel, conv.weight_bits) == (36 * 16, 36, (3, 3), 4.0)
    assert conv.connections < conv.macs
    # Only the first projection into "out" pays for its updates.
    assert [layer.updates for layer in activity.weighted] == [True, True, True, False]
    assert activity.timesteps == 7


def test_rows_of_another_version_are_refused():
    with pytest.raises(NeurosimError, match="holds no layers"):
        activity_of_run("old.npz", [])
    with pytest.raises(NeurosimError, match="another version"):
        activity_of_run("new.npz", [{"name": "x", "colour": "red"}])
