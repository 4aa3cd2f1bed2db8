"""Pruning: the smallest weights go, and a removed channel is exactly a silent one."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import neurosim
from neurosim.compress.prune import prune
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.run import synaptic_events
from neurosim.snn import (
    BinaryCodec,
    Conv2d,
    Dense,
    FloatCodec,
    Identity,
    Input,
    IntCodec,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
    Sparse,
    Stimulus,
)
from tests.compress.runnable import runnable
from tests.engine.strategies import cases


def chain(*weights, codec=None, thresholds=None):
    populations, projections = [Population("in", (weights[0].shape[0],), Input())], []
    for i, w in enumerate(weights):
        theta = 1 if thresholds is None else thresholds[i]
        bits = None if w.dtype.kind == "f" else 20
        populations.append(Population(f"p{i}", (w.shape[1],), Lif(theta, membrane_bits=bits)))
        made = codec or (FloatCodec() if bits is None else IntCodec(8))
        projections.append(Projection(populations[-2].name, f"p{i}", Dense(w), made))
    return Network(populations, projections)


def test_smallest_weights_of_each_layer_become_zero():
    weights = np.array([[0.1, -0.5], [0.3, -0.2]], np.float32), np.array([[5.0, -6.0], [7.0, 8.0]], np.float32)
    other, report = prune(chain(*weights), 0.5)
    assert np.allclose(other.projections[0].connectivity.weights, [[0, -0.5], [0.3, 0]])
    assert np.allclose(other.projections[1].connectivity.weights, [[0, 0], [7, 8]])
    assert [row["pruned_weights"] for row in report.projections] == [2, 2]
    assert report.projections[0]["max_error"] == pytest.approx(0.2)
    globally, _ = prune(chain(*weights), 0.5, scope="global")
    assert [int((p.connectivity.weights == 0).sum()) for p in globally.projections] == [4, 0]


def test_magnitudes_count_in_thresholds():
    """A layer of eight times the weights and the thresholds is the same layer, and is pruned alike."""
    rng = np.random.default_rng(0)
    first, second = rng.integers(-9, 10, (6, 5)), rng.integers(-9, 10, (5, 4))
    plain, _ = prune(chain(first, second, thresholds=[9, 9]), 0.4, scope="global")
    scaled, _ = prune(chain(first * 8, second, thresholds=[72, 9]), 0.4, scope="global")
    assert np.array_equal(plain.projections[0].connectivity.weights * 8, scaled.projections[0].connectivity.weights)
    assert np.array_equal(plain.projections[1].connectivity.weights, scaled.projections[1].connectivity.weights)


def test_sparse_storage_has_the_same_spikes_and_fewer_events():
    rng = np.random.default_rng(1)
    network = chain(rng.normal(size=(12, 9)).astype(np.float32), rng.normal(size=(9, 4)).astype(np.float32))
    stimulus = Stimulus.from_dense((rng.random((4, 6, 12)) < 0.5).astype(np.int8))
    dense, _ = prune(network, 0.6)
    sparse, report = prune(network, 0.6, store="sparse")
    a, b = run_function(dense, stimulus), run_function(sparse, stimulus)
    assert np.array_equal(a.neuron, b.neuron) and np.array_equal(a.ptr, b.ptr)
    assert synaptic_events(sparse, b)["effective"] < synaptic_events(dense, a)["effective"]
    assert isinstance(sparse.projections[0].connectivity, Sparse)
    assert report.projections[0]["stored_weights"] == 108 - 64 and report.projections[0]["bits_after"] == 44 * 32
    again, _ = prune(sparse, 0.5, store="sparse")
    assert again.projections[0].connectivity.weights.size == 22


def test_only_the_named_projections():
    network = chain(np.ones((2, 2), np.float32), np.ones((2, 2), np.float32))
    other, _ = prune(network, 0.5, projections=["p0->p1"])
    assert (other.projections[0].connectivity.weights != 0).all()
    with pytest.raises(NeurosimError, match="nowhere"):
        prune(network, 0.5, projections=["nowhere"])


@pytest.mark.parametrize("codec", [BinaryCodec(), IntCodec(2, "odd")])
def test_formats_without_a_zero_are_refused(codec):
    network = chain(np.array([[1, -1], [1, 1]]), codec=codec)
    with pytest.raises(NeurosimError, match=r"in->p0.*cannot store the zeros"):
        prune(network, 0.5)


def test_structured_by_hand():
    first = np.array([[1.0, 0.1, 2.0], [1.0, 0.1, 2.0]], np.float32)
    second = np.array([[1.0], [2.0], [3.0]], np.float32)
    network = chain(first, second)
    other, report = prune(network, 0.34, structured=True)
    assert other.population("p0").shape == (2,) and other.population("p0").kept.tolist() == [0, 2]
    assert np.array_equal(other.projections[0].connectivity.weights, first[:, [0, 2]])
    assert np.array_equal(other.projections[1].connectivity.weights, second[[0, 2]])
    assert report.populations[1]["kept"] == [0, 2] and report.weight_bits == (9 * 32, 6 * 32)
    twice, _ = prune(other, 0.5, structured=True)
    assert twice.population("p0").kept.tolist() == [2]


def test_compensation_gives_the_mean_back():
    """A removed neuron that spikes in every step is a constant; one that spikes in half of them is its mean."""
    first = np.array([[1.0, 0.0, 2.0], [0.0, 1.0, 2.0]], np.float32)
    second = np.array([[0.25], [0.5], [3.0]], np.float32)
    network = chain(first, second)
    stimulus = Stimulus.from_dense(np.array([[[1, 1], [1, 0], [1, 1], [1, 0]]]))
    other, _ = prune(network, 0.67, structured=True, compensate=stimulus)
    assert other.population("p0").kept.tolist() == [2]
    assert other.population("p1").model.bias.tolist() == [0.25 * 1.0 + 0.5 * 0.5]
    integers, _ = prune(residual(), 0.5, structured=True, compensate=Stimulus.from_dense(np.ones((1, 3, 36), np.int8)))
    assert integers.population("b").model.bias.dtype == np.int64
    assert integers.population("o").model.bias.size == 3 and integers.population("o").model.bias.any()


def test_compensation_helps_mnist():
    work = neurosim.load_workload("mnist-conv-float")
    stimulus = work.stimulus(300)
    accuracies = []
    for given_stimulus in (None, stimulus.head(60)):
        other, _ = prune(work.network, 0.4, structured=True, scope="global", compensate=given_stimulus)
        accuracies.append(neurosim.compare(work.network, other, stimulus.part(60, 300)).accuracy_other)
    assert accuracies[1] > accuracies[0] + 0.1


def residual():
    """in -> a -> b with a copy of a added to b's relay, pooled and flattened into the readout."""
    rng = np.random.default_rng(2)
    kernels = lambda *shape: rng.integers(-5, 6, shape)  # noqa: E731
    lif = Lif([6, 7, 8, 9], membrane_bits=16)
    return Network(
        [
            Population("in", (1, 6, 6), Input()), Population("a", (4, 4, 4), lif), Population("b", (4, 4, 4), lif),
            Population("sum", (4, 4, 4), Relay(True, 2)), Population("pool", (4, 2, 2), Relay(True, 8)),
            Population("flat", (16,), Relay(True, 8)), Population("o", (3,), Lif(None, membrane_bits=24)),
        ],
        [
            Projection("in", "a", Conv2d(kernels(4, 1, 3, 3)), IntCodec(4)),
            Projection("a", "b", Conv2d(kernels(4, 4, 3, 3), padding=1), IntCodec(4)),
            Projection("a", "sum", Identity(1), residual="spike"), Projection("b", "sum", Identity(1)),
            Projection("sum", "pool", Pool2d("sum", 2)), Projection("pool", "flat", Identity(1)),
            Projection("flat", "o", Dense(kernels(16, 3)), IntCodec(4)),
        ],
        Readout("o", "membrane"),
    )  # fmt: skip


def test_residual_sums_lose_their_channels_together():
    other, _ = prune(residual(), 0.5, structured=True)
    shapes = [p.shape for p in other.populations]
    assert shapes == [(1, 6, 6), (2, 4, 4), (2, 4, 4), (2, 4, 4), (2, 2, 2), (8,), (3,)]
    kept = other.population("a").kept
    assert kept.tolist() == other.population("b").kept.tolist() == other.population("sum").kept.tolist()
    assert other.projections[-1].connectivity.weights.shape == (8, 3)


def test_depthwise_kernels_go_with_their_inputs():
    rng = np.random.default_rng(0)
    network = Network(
        [Population("in", (1, 4, 4), Input())] + [Population(n, (4, 4, 4), Lif(1.0)) for n in "abo"],
        [
            Projection("in", "a", Conv2d(rng.normal(size=(4, 1, 1, 1)).astype(np.float32))),
            Projection("a", "b", Conv2d(rng.normal(size=(4, 1, 3, 3)).astype(np.float32), padding=1, groups=4)),
            Projection("b", "o", Conv2d(rng.normal(size=(4, 4, 1, 1)).astype(np.float32))),
        ],
    )
    other, _ = prune(network, 0.5, structured=True)
    assert other.projections[1].connectivity.groups == 2
    assert other.population("a").kept.tolist() == other.population("b").kept.tolist()
    assert other.population("o").shape == (4, 4, 4)


def test_nothing_to_remove_is_said():
    with pytest.raises(NeurosimError, match="no channel can be removed"):
        prune(chain(np.ones((2, 2), np.float32)), 0.5, structured=True)
    with pytest.raises(NeurosimError, match="p7"):
        prune(residual(), 0.5, structured=True, populations=["p7"])
    only_a, _ = prune(chain(*[np.ones((4, 4), np.float32)] * 3), 0.5, structured=True, populations=["p0"])
    assert [p.shape for p in only_a.populations] == [(4,), (2,), (4,), (4,)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"share": 1}, "share"), ({"share": -0.1}, "share"), ({"share": 0.5, "scope": "all"}, "scope"),
        ({"share": 0.5, "store": "csr"}, "store"), ({"share": 0.5, "populations": ["p0"]}, "structured"),
        ({"share": 0.5, "structured": True, "projections": ["in->p0"]}, "structured"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_named(arguments, message):
    with pytest.raises(NeurosimError, match=message):
        prune(chain(np.ones((2, 2), np.float32)), **arguments)


def silenced(network, kept):
    """``network`` with the neurons of removed channels given a threshold that no membrane reaches."""
    populations = []
    for p in network.populations:
        if isinstance(p.model, Lif) and p.model.threshold is not None:
            gone = np.repeat(~np.isin(np.arange(p.shape[0]), kept[p.name]), p.n_neurons // p.shape[0])
            theta = p.model.per_neuron("threshold", p.shape, p.name)
            theta = np.where(gone, 1 << (p.model.membrane_bits - 1), theta)
            p = replace(p, model=replace(p.model, threshold=theta))
        populations.append(p)
    return replace(network, populations=tuple(populations))


@settings(deadline=None, max_examples=150)
@given(cases(integer=True), st.sampled_from([0.2, 0.5, 0.9]), st.sampled_from(["layer", "global"]))
def test_a_removed_channel_is_a_silent_one(case, share, scope):
    network, stimulus = case
    # The lowest membrane is minus the threshold below, where a ternary neuron fires.
    assume(not any(isinstance(p.model, Lif) and p.model.ternary for p in network.populations))
    assume(runnable(network, stimulus))
    try:
        other, _ = prune(network, share, structured=True, scope=scope)
    except NeurosimError as error:
        assert "prune" in str(error)
        return
    kept = {p.name: np.arange(p.shape[0]) if p.kept is None else p.kept for p in other.populations}
    found = neurosim.compare(silenced(network, kept), other, stimulus)
    assert [row["differing"] for row in found.populations] == [0] * len(found.populations)
    assert all(row["spikes_pruned"] == 0 for row in found.populations)
    assert sum(p.n_neurons for p in other.populations) <= network.n_neurons


@settings(deadline=None, max_examples=60)
@given(cases(), st.sampled_from([0.0, 0.3, 0.8]), st.sampled_from(["same", "sparse"]))
def test_any_network_can_lose_weights(case, share, store):
    network, stimulus = case
    assume(runnable(network, stimulus))
    other, report = prune(network, share, store=store)
    run_function(other, stimulus)
    assert share or store == "sparse" or other.content_hash() == network.content_hash()
    assert [row["pruned_weights"] for row in report.projections] == [
        int(share * p.connectivity.weights.size + 1e-9)
        for p in network.projections
        if p.connectivity.event == "synapse"
    ]
