"""A mapping puts every neuron on one core, loses no connection, keeps every limit and says what it cannot do."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.fit import fit_report, footprint_by_memory
from neurosim.mapping.limits import core_limits
from neurosim.mapping.map import map_network
from neurosim.snn import Conv2d, Dense, FloatCodec, Input, IntCodec, Lif, Network, Population, Projection
from tests.mapping.strategies import edge, ints, mlps, one_of_each

SMALL = {"core__neurons": 50, "core__synaptic_memory__capacity_bits": 6000}


def check_mapping(network, chip, mapping):
    """What every mapping must satisfy."""
    for i, population in enumerate(network.populations):
        placed = [b.neurons for b in mapping.blocks if b.population == population.name]
        if population.model.kind == "input":
            assert not placed
            continue
        assert np.array_equal(np.sort(np.concatenate(placed)), np.arange(population.n_neurons))
        for block in mapping.blocks:
            if block.population == population.name:
                assert (mapping.endpoint[block.neurons + network.offsets[i]] == block.core).all()
    routes = mapping.routes
    row_route = np.repeat(np.arange(routes.endpoint.size), np.diff(routes.row_ptr))
    route_source = np.repeat(np.arange(network.n_neurons), np.diff(routes.ptr))
    for j, projection in enumerate(network.projections):
        rows = routes.row_projection == j
        start = network.offsets[network.index[projection.source]]
        source = network.population(projection.source)
        events = np.zeros(source.n_neurons, np.int64)
        np.add.at(events, route_source[row_route[rows]] - start, routes.row_events[rows])
        assert np.array_equal(events, network.fan_out(projection)), projection.name
    cores = np.array([b.core for b in mapping.blocks])
    assert np.array_equal(routes.endpoint[row_route], cores[routes.row_block])
    for source in range(network.n_neurons):
        ends = routes.endpoint[routes.ptr[source] : routes.ptr[source + 1]]
        assert (np.diff(ends) > 0).all()
    limits = core_limits(chip)
    used = {}
    for line in mapping.memory:
        used[line.memory, line.core] = used.get((line.memory, line.core), 0) + line.used_bits
    for (memory, _core), bits in used.items():
        assert limits.get(memory) is None or bits <= limits[memory]


@pytest.mark.parametrize("chip", [edge(), edge(**SMALL), edge(**SMALL, core__synaptic_memory__shared_kernels=False)])
def test_one_of_each(chip):
    network = one_of_each()
    check_mapping(network, chip, map_network(network, chip))


@given(mlps(), st.integers(3, 40), st.integers(600, 20_000), st.integers(16, 64))
@settings(max_examples=60, deadline=None)
def test_random_networks_keep_the_limits_or_are_refused(network, neurons, capacity, word):
    chip = edge(
        core__neurons=neurons,
        core__synaptic_memory__capacity_bits=capacity,
        core__synaptic_memory__word_bits=word,
        mesh__width=6,
    )
    try:
        mapping = map_network(network, chip)
    except NeurosimError as error:
        assert "does not fit" in str(error) and "nearest change that fits" in str(error)
        mapping = map_network(network, chip, capacity="report")
        assert mapping.overflows
        return
    check_mapping(network, chip, mapping)
    assert not mapping.overflows


def test_dense_words_by_hand():
    # 5 weights of 3 bits in words of 8: two a word, three words a row; 4 rows.
    network = Network(
        [Population("in", (4,), Input()), Population("a", (5,), Lif(1, membrane_bits=8))],
        [Projection("in", "a", Dense(np.ones((4, 5), np.int8)), IntCodec(3))],
    )
    mapping = map_network(network, edge(core__synaptic_memory__word_bits=8))
    assert mapping.routes.row_words.tolist() == [3] * 4
    bits = {line.content: line.used_bits for line in mapping.memory if line.memory == "synaptic_memory"}
    assert bits == {"weights": 4 * 5 * 3, "padding": 4 * 3 * 8 - 60}


def test_shared_and_unrolled_convolution_by_hand():
    # 3x3 kernel, 2 -> 4 channels on 4x4, no padding: 2x2 outputs, a corner pixel reaches 1, an inner one 4.
    network = Network(
        [Population("in", (2, 4, 4), Input()), Population("a", (4, 2, 2), Lif(1, membrane_bits=8))],
        [Projection("in", "a", Conv2d(np.ones((4, 2, 3, 3), np.int8)), IntCodec(4))],
    )
    shared = map_network(network, edge())
    assert shared.routes.row_words[0] == 1 and shared.routes.row_events[0] == 4
    inner = 5
    assert shared.routes.row_words[inner] == 4 and shared.routes.row_events[inner] == 16
    bits = {x.content: x.used_bits for x in shared.memory if x.memory == "synaptic_memory"}
    assert bits == {"weights": 4 * 2 * 9 * 4, "padding": 2 * 9 * 64 - 4 * 2 * 9 * 4}
    unrolled = map_network(network, edge(core__synaptic_memory__shared_kernels=False))
    # 16 targets: 4 index bits beside 4 weight bits, eight entries in a 64-bit word.
    assert unrolled.routes.row_words[inner] == 2 and unrolled.routes.row_events[inner] == 16
    bits = {x.content: x.used_bits for x in unrolled.memory if x.memory == "synaptic_memory"}
    connections = 2 * 4 * 4 * 9
    assert bits["weights"] == connections * 4 and bits["indices"] == connections * 4
    assert np.array_equal(shared.routes.row_events, unrolled.routes.row_events)


def test_footprint_adds_up():
    network, chip = one_of_each(), edge()
    mapping = map_network(network, chip)
    table = footprint_by_memory(mapping, chip)
    assert sum(line["used_bits"] for line in table.values()) == sum(line.used_bits for line in mapping.memory)
    assert all(x["provisioned_bits"] is None or x["used_bits"] <= x["provisioned_bits"] for x in table.values())
    report = fit_report(mapping, chip)
    assert report["cores_used"] == len({b.core for b in mapping.blocks}) and not report["overflows"]
    # Three steps of delay on 64 binary axons.
    stored = [line.used_bits for line in mapping.memory if line.part == "b->c" and line.memory == "delay_buffer"]
    assert stored == [3 * 64]


def test_refusal_names_memory_bits_and_a_change_that_works():
    rng = np.random.default_rng(0)
    network = Network(
        [Population("in", (200,), Input()), Population("a", (100,), Lif(1, membrane_bits=8))],
        [Projection("in", "a", Dense(ints(rng, -7, 7, 200, 100)), IntCodec(4))],
    )
    # A core of 12,800 bits holds 200 rows of one 64-bit word: 16 neurons of 4 bits, or 21 of 3 bits.
    chip = edge(core__synaptic_memory__capacity_bits=12_800, mesh__width=3, mesh__height=2)
    with pytest.raises(
        NeurosimError, match=r"synaptic_memory needs 80000 bits, has 76800 \(3200 too many\)"
    ) as refusal:
        map_network(network, chip)
    assert "weights of 3 bits" in str(refusal.value)
    narrow = [
        replace(p, codec=IntCodec(3), connectivity=Dense(np.ones((200, 100), np.int8))) for p in network.projections
    ]
    map_network(Network(network.populations, narrow), chip)


def test_a_large_network_is_refused_without_being_laid_out():
    population = Population("a", (64, 300, 300), Lif(1, membrane_bits=8))
    conv = Conv2d(np.ones((64, 1, 3, 3), np.int8), padding=1)
    network = Network(
        [Population("in", (1, 300, 300), Input()), population], [Projection("in", "a", conv, IntCodec(4))]
    )
    tracemalloc.start()
    with pytest.raises(NeurosimError, match="neurons"):
        map_network(network, edge())
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # A byte a neuron would be more.
    assert peak < 5.7e6


def test_two_fast_neurons_in_a_loop_cannot_run_on_next_step_delivery():
    lif = Lif(1, membrane_bits=8)
    one = Dense(np.ones((2, 2), np.int8))
    network = Network(
        [Population("a", (2,), lif), Population("b", (2,), lif)],
        [Projection("a", "b", one, IntCodec(4)), Projection("b", "a", one, IntCodec(4), delay=1)],
    )
    map_network(network, edge())
    with pytest.raises(NeurosimError, match="next-step delivery"):
        map_network(network, load_chip("loihi-2018"))


@pytest.mark.parametrize(
    ("chip", "change", "message"),
    [
        ("loihi-2018", {"codec": IntCodec(12)}, r"codec: int of 12 bits"),
        ("loihi-2018", {"codec": IntCodec(4, "odd")}, "odd grid"),
        ("loihi-2018", {"delay": 64}, "at most 63"),
        ("loihi-2018", {"lif": Lif(1, membrane_bits=30)}, "membrane_bits: got 30"),
        ("loihi-2018", {"lif": Lif(1, membrane_bits=8, overflow="wrap")}, "overflow: wrap"),
        ("loihi-2018", {"lif": Lif(1.0), "float": True}, "float32"),
        ("loihi-2018", {"input": Input(8)}, "binary spikes only"),
        ("edge-28nm", {"input": Input(12)}, "12 bits"),
    ],
)
def test_unsupported_arithmetic_is_refused_by_field(chip, change, message):
    weights = np.ones((3, 2), np.float32 if change.get("float") else np.int8)
    lif = change.get("lif", Lif(1, membrane_bits=8))
    codec = FloatCodec() if change.get("float") else change.get("codec", IntCodec(4))
    network = Network(
        [Population("in", (3,), change.get("input", Input())), Population("a", (2,), lif)],
        [Projection("in", "a", Dense(weights), codec, delay=change.get("delay", 0))],
    )
    with pytest.raises(NeurosimError, match=message):
        map_network(network, load_chip(chip))


def test_a_core_map_is_followed_and_checked():
    network = one_of_each()
    placement = np.full(network.n_neurons, -1)
    for i, name in enumerate(["a", "b", "c", "p", "o"]):
        k = network.index[name]
        placement[network.offsets[k] : network.offsets[k + 1]] = i % 3
    mapping = map_network(network, edge(), placement=placement)
    assert sorted({b.core for b in mapping.blocks}) == [0, 1, 2]
    check_mapping(network, edge(), mapping)
    with pytest.raises(NeurosimError, match="core 99"):
        map_network(network, edge(), placement=np.where(placement == 2, 99, placement))
    with pytest.raises(NeurosimError, match="one for every neuron"):
        map_network(network, edge(), placement=placement[1:])


def test_mapping_is_a_function_of_its_inputs():
    first, second = (map_network(one_of_each(), edge(**SMALL)) for _ in range(2))
    assert np.array_equal(first.endpoint, second.endpoint)
    assert first.traffic == second.traffic <= first.traffic_before
