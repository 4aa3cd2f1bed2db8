"""Blocks are the longest runs that fit, keep every limit in loops too, and follow the cheaper neuron order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.mapping.layout import Layout
from neurosim.mapping.limits import core_limits, membrane_bits, stored_membranes
from neurosim.mapping.map import map_network
from neurosim.mapping.partition import (
    CoreTooSmall,
    Partitioner,
    _largest,
    partition,
    spread,
)
from neurosim.snn import (
    Conv2d,
    Dense,
    Identity,
    Input,
    IntCodec,
    Lif,
    Network,
    Population,
    Projection,
    Readout,
    Sparse,
)
from tests.mapping.strategies import edge, ints, mlps, one_of_each

LIF = Lif(1, membrane_bits=8)


@given(st.integers(0, 50), st.integers(1, 50), st.data())
def test_largest_finds_the_edge_from_any_guess(answer, longest, data):
    guess = data.draw(st.integers(1, longest))
    asked = []

    def fits(n):
        assert 1 <= n <= longest
        asked.append(n)
        return n <= answer

    assert _largest(fits, longest, guess) == min(answer, longest)
    if answer == 0:
        assert 1 in asked  # the caller reports what a single neuron needs


def ring(n, fan, seed=0):
    """A recurrent population of n neurons with ``fan`` random targets each, and an input."""
    rng = np.random.default_rng(seed)
    targets = np.concatenate([np.sort(rng.choice(n, fan, replace=False)) for _ in range(n)])
    sparse = Sparse(np.arange(n + 1) * fan, targets, ints(rng, -7, 7, n * fan))
    populations = [Population("in", (n,), Input()), Population("a", (n,), LIF)]
    projections = [Projection("in", "a", Identity(1)), Projection("a", "a", sparse, IntCodec(4), delay=1)]
    return Network(populations, projections)


def out_routes(network, parts):
    """Routes that leave each part, counted neuron by neuron from the readable connections."""
    block = {}
    for b, part in enumerate(parts):
        for n in part.neurons.tolist():
            block[part.population, n] = b
    reached = {}
    for projection in network.projections:
        source, target = (network.population(name) for name in (projection.source, projection.target))
        indptr, indices, _ = projection.connectivity.to_csr(source.shape, target.shape)
        for n in range(source.n_neurons):
            here = {block[target.name, t] for t in indices[indptr[n] : indptr[n + 1]].tolist()}
            reached.setdefault((source.name, n), set()).update(here)
    host = network.readout is not None and network.readout.kind != "membrane"
    return [
        sum(
            len(reached.get((part.population, n), ())) + (host and part.population == network.readout.population)
            for n in part.neurons.tolist()
        )
        for part in parts
    ]


@pytest.mark.parametrize("limit", [50, 60, 100, None])
def test_routes_out_of_a_block_are_limited_in_loops_too(limit):
    network = ring(80, 6)
    chip = edge(core__axons_out=limit, core__neurons=40)
    parts = partition(network, chip, Layout(network, chip))
    counted = out_routes(network, parts)
    if limit is None:
        assert len(parts) == 2
    else:
        assert max(counted) <= limit
        assert len(parts) > 2 or limit >= 80  # 40 neurons with at most two destinations each


def test_a_routing_table_too_small_for_the_routes_cuts_smaller_blocks():
    network = one_of_each()
    loose = partition(network, edge(), Layout(network, edge()))
    worst = max(out_routes(network, loose))
    tight = edge(core__routing_table__capacity_bits=(worst - 1) * 32)
    parts = partition(network, tight, Layout(network, tight))
    assert len(parts) > len(loose)
    assert max(out_routes(network, parts)) <= worst - 1


@given(mlps(), st.integers(1, 40), st.integers(800, 5000), st.integers(100, 400))
@settings(max_examples=60, deadline=None)
def test_runs_are_as_long_as_the_limits_allow(network, neurons, capacity, membrane):
    chip = edge(
        core__neurons=neurons,
        core__synaptic_memory__capacity_bits=capacity,
        core__membrane_memory__capacity_bits=membrane,
    )
    partitioner = Partitioner(network, chip, Layout(network, chip))
    population = network.populations[1]
    order = np.arange(population.n_neurons, dtype=np.int32)
    try:
        blocks, routes = partitioner.cut(population, order, None)
    except CoreTooSmall as error:
        one = partitioner.need(population, order[:1], 0)
        assert getattr(one, error.overflow.memory) == error.overflow.needed > error.overflow.limit
        return
    assert np.array_equal(np.concatenate(blocks), order)
    start = 0
    for block in blocks:
        assert not partitioner.broken(partitioner.need(population, block, 0))
        longer = order[start : start + block.size + 1]
        if longer.size > block.size:
            assert partitioner.broken(partitioner.need(population, longer, 0))
        start += block.size
    assert routes == len(blocks) * network.populations[0].n_neurons
    assert partitioner.cut(population, order, routes) is not None
    assert partitioner.cut(population, order, routes - 1) is None


def test_a_source_with_two_projections_is_one_axon_and_two_table_entries():
    populations = [Population("in", (4,), Input()), Population("a", (4,), LIF)]
    dense = Projection("in", "a", Dense(np.ones((4, 4), np.int8)), IntCodec(4))
    network = Network(populations, [dense, Projection("in", "a", Identity(1))])
    chip = edge()
    need = Partitioner(network, chip, Layout(network, chip)).need(populations[1], np.arange(4, dtype=np.int32), 0)
    assert need.axons_in == 4 and need.axon_table == 8 * 32
    mapping = map_network(network, chip)
    assert sum(x.used_bits for x in mapping.memory if x.memory == "axon_table") == 8 * 32
    assert mapping.routes.endpoint.size == 4


def conv_net(shape, channels, kernel=3, groups=1):
    conv = Conv2d(np.ones((channels, shape[0] // groups, kernel, kernel), np.int8), padding=kernel // 2, groups=groups)
    populations = [Population("in", shape, Input()), Population("a", (channels, *shape[1:]), LIF)]
    return Network(populations, [Projection("in", "a", conv, IntCodec(4))])


@pytest.mark.parametrize(
    ("network", "by_pixel"),
    [
        (conv_net((8, 16, 16), 8), True),  # every output channel looks at every input channel
        (conv_net((8, 16, 16), 8, groups=8), False),  # a channel looks at its own input channel only
    ],
)
def test_the_cheaper_neuron_order_wins(network, by_pixel):
    chip = edge(core__neurons=256)
    partitioner = Partitioner(network, chip, Layout(network, chip))
    population = network.populations[1]
    plain, pixel = (partitioner.cut(population, order, None)[1] for order in partitioner.orders(population))
    assert (pixel < plain) == by_pixel and pixel != plain
    blocks = partitioner.best(population)
    channels = {len(set((b // 256).tolist())) for b in blocks}
    assert channels == ({8} if by_pixel else {1})


@given(st.integers(1, 6), st.integers(2, 6), st.integers(3, 9), st.sampled_from([1, 3]), st.integers(2, 80), st.data())
@settings(max_examples=60, deadline=None)
def test_the_cheapest_cut_is_that_of_the_better_order(c_in, c_out, side, kernel, neurons, data):
    network = conv_net((c_in, side, side), c_out, kernel)
    chip = edge(core__neurons=neurons, core__axons_in=data.draw(st.integers(60, 200)))
    partitioner = Partitioner(network, chip, Layout(network, chip))
    population = network.populations[1]
    cuts = [partitioner.cut(population, order, None) for order in partitioner.orders(population)]
    blocks, routes = partitioner.cheapest(population)
    expected_blocks, expected_routes = min(cuts, key=lambda cut: (cut[1], len(cut[0])))
    assert routes == expected_routes
    assert [b.tolist() for b in blocks] == [b.tolist() for b in expected_blocks]


def test_membrane_bits_by_hand():
    chip = edge(core__membrane_memory__accumulator_bits=20)
    shape = (3, 2, 2)
    neurons = np.arange(3, 9)  # the last of channel 0, channel 1, the first of channel 2

    def bits(**fields):
        return membrane_bits(
            Population("a", shape, Lif(**{"threshold": 5, "membrane_bits": 12, **fields})), neurons, chip
        )

    assert bits() == {"membrane": 72, "accumulator": 120, "threshold": 12}
    assert bits(threshold=[1, 2, 3], bias=[0, 0, 1])["threshold"] == 36
    assert bits(threshold=np.arange(12), bias=4) == {
        "membrane": 72, "accumulator": 120, "threshold": 72, "bias": 12,
    }  # fmt: skip
    assert bits(threshold=None) == {"membrane": 72, "accumulator": 120}
    assert bits(refractory=5, reset_delay=True)["refractory"] == 18
    assert bits(refractory=5, reset_delay=True)["spiked"] == 6


def test_membranes_fill_words_as_weights_do():
    """Six neurons of 12 bits in words of 32: two a word; with a threshold of each's own, one record of 24 a word."""
    chip = edge(core__membrane_memory__accumulator_bits=20)
    neurons = np.arange(3, 9)

    def words(**fields):
        model = Lif(**{"threshold": 5, "membrane_bits": 12, **fields})
        stored = stored_membranes(Population("a", (3, 2, 2), model), neurons, chip)
        plain = membrane_bits(Population("a", (3, 2, 2), model), neurons, chip)
        assert {k: v for k, v in stored.items() if k != "padding"} == plain
        return sum(stored.values()) / 32

    assert words() == 3 + 6 + 1
    assert words(threshold=[1, 2, 3]) == 3 + 6 + 2
    assert words(threshold=np.arange(12)) == 6 + 6
    # A membrane, a counter of 3 bits, a bit and an own threshold: 28 bits, still one word a neuron.
    assert words(threshold=np.arange(12), refractory=5, reset_delay=True) == 6 + 6
    # A record of more than a word takes whole words.
    assert words(membrane_bits=20, threshold=np.arange(12)) == 12 + 6


def test_spread_uses_the_chip_and_loses_no_neuron():
    network, chip = one_of_each(), edge()
    parts = spread(network, chip, Layout(network, chip))
    assert len(parts) <= chip.n_cores
    for population in network.populations[1:]:
        held = np.concatenate([p.neurons for p in parts if p.population == population.name])
        assert np.array_equal(np.sort(held), np.arange(population.n_neurons))


def test_a_readout_at_the_host_is_a_route_out():
    populations = [Population("in", (4,), Input()), Population("a", (6,), LIF)]
    projection = Projection("in", "a", Dense(np.ones((4, 6), np.int8)), IntCodec(4))
    for kind, routes in (("count", 6), ("first_spike", 6), ("membrane", 0)):
        network = Network(populations, [projection], Readout("a", kind))
        assert Partitioner(network, edge(), Layout(network, edge())).routes_out(populations[1]).sum() == routes
    chip = edge(core__axons_out=4)
    network = Network(populations, [projection], Readout("a", "count"))
    assert [p.neurons.size for p in partition(network, chip, Layout(network, chip))] == [3, 3]
    assert core_limits(chip)["axons_out"] == 4


def test_a_million_neurons_are_cut():
    network = conv_net((3, 256, 256), 16)
    chip = edge(mesh__width=64, mesh__height=64)
    mapping = map_network(network, chip)
    assert mapping.cores_used == 1024 and not mapping.overflows
