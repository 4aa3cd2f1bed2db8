"""Bank conflicts against memories written out: every address of a packet's reads and accumulations, put into banks."""

from collections import Counter
from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.engine.work import route_busy
from neurosim.mapping.banks import consecutive_turns
from neurosim.mapping.layout import Layout
from neurosim.mapping.map import map_network
from neurosim.snn import (  # fmt: skip
    Conv2d,
    Dense,
    Identity,
    Input,
    IntCodec,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Relay,
    Sparse,
)
from tests.mapping.strategies import edge
from tests.mapping.test_layout import book, connections_into, convolutions, one_projection, some_neurons

BASE = 13  # where the region begins makes no difference


def fullest(addresses, banks):
    return max(Counter((BASE + a) % banks for a in addresses).values(), default=0)


def turns_of(addresses, lanes, banks, ports):
    groups = [addresses[i : i + lanes] for i in range(0, len(addresses), lanes)]
    return sum(-(-fullest(group, banks) // ports) for group in groups)


def issued(network, neurons, source, by_pixel):
    """Accumulator addresses of one spike's events, in the order in which they are issued."""
    origin, into = connections_into(network, neurons)
    place = {int(n): i for i, n in enumerate(neurons)}
    pixels = prod(network.population("a").shape[1:]) if by_pixel else 1
    pairs = [(t % pixels if by_pixel else 0, place[t]) for t in into[origin == source].tolist()]
    return [i for _, i in sorted(pairs)]


def memory(draw, **more):
    side = st.integers(1, 5)
    return edge(
        core__synapse__lanes=draw(side), core__synaptic_memory__banks=draw(side),
        core__membrane_memory__banks=draw(side),
        core__membrane_memory__ports=draw(st.integers(1, 2)), core__synaptic_memory__ports=draw(st.integers(1, 3)),
        core__synaptic_memory__bank_conflicts=True, core__membrane_memory__bank_conflicts=True, **more,
    )  # fmt: skip


def sides(chip):
    return chip.core.synapse.lanes, chip.core.membrane_memory.banks, chip.core.membrane_memory.ports


def rows_read(conv, source_shape, target_shape, neurons, source, length):
    """(group, row) of every read of one spike: rows are (input channel, tap), ``length`` of them a codeword."""
    channel, pixel = divmod(source, source_shape[1] * source_shape[2])
    y, x = divmod(pixel, source_shape[2])
    group, inner = divmod(channel, conv.weights.shape[1])
    per_group = conv.weights.shape[0] // conv.groups
    pixels = {int(n) % prod(target_shape[1:]) for n in neurons if n // prod(target_shape[1:]) // per_group == group}
    taps = []
    for out in sorted(pixels):
        row, column = divmod(out, target_shape[2])
        for ky in range(conv.kernel[0]):
            for kx in range(conv.kernel[1]):
                here = (
                    row * conv.stride[0] - conv.padding[0] + ky * conv.dilation[0],
                    column * conv.stride[1] - conv.padding[1] + kx * conv.dilation[1],
                )
                if here == (y, x):
                    taps.append(ky * conv.kernel[1] + kx)
    return group, [(inner * prod(conv.kernel) + tap) // length for tap in taps]


@given(st.data(), convolutions(), st.integers(1, 9), st.integers(5, 40), st.booleans())
@settings(max_examples=150, deadline=None)
def test_convolutions(data, case, width, word, shared):
    conv, source_shape = case
    network = one_projection(conv, source_shape, IntCodec(max(width, 2)))
    target_shape = network.population("a").shape
    neurons = some_neurons(data.draw, network.population("a").n_neurons)
    chip = memory(data.draw, core__synaptic_memory__word_bits=word, core__synaptic_memory__shared_kernels=shared)
    feed = Layout(network, chip).feed(0, neurons)
    for k, source in enumerate(feed.sources.tolist()):
        assert feed.turns[k] == turns_of(issued(network, neurons, source, shared), *sides(chip))
        if not shared:
            assert feed.reads[k] == fullest(range(feed.words[k]), chip.core.synaptic_memory.banks)
            continue
        _, rows = rows_read(conv, source_shape, target_shape, neurons, source, 1)
        words = feed.words[k] // len(rows)
        addresses = [row * words + j for row in rows for j in range(words)]
        assert len(addresses) == feed.words[k]
        assert feed.reads[k] == fullest(addresses, chip.core.synaptic_memory.banks)


@given(st.data(), st.sampled_from([1, 3, 9, 18]), st.integers(1, 5))
@settings(max_examples=40, deadline=None)
def test_codebook_kernels(data, length, banks):
    codec = book(5, length)
    conv = Conv2d(codec.decode(np.arange(6 * 18 // length) % 5).reshape(6, 2, 3, 3))
    network = one_projection(conv, (2, 5, 5), codec)
    neurons = some_neurons(data.draw, 54)
    chip = memory(data.draw, core__synaptic_memory__word_bits=16)
    feed = Layout(network, chip).feed(0, neurons)
    for k, source in enumerate(feed.sources.tolist()):
        _, rows = rows_read(conv, (2, 5, 5), (6, 3, 3), neurons, source, length)
        rows = rows[:1] if length % 9 == 0 else rows
        words = feed.words[k] // len(rows)
        addresses = [row * words + j for row in rows for j in range(words)]
        assert feed.reads[k] == fullest(addresses, chip.core.synaptic_memory.banks)


@given(st.data(), st.sampled_from(["sparse", "dense", "pool", "identity"]))
@settings(max_examples=100, deadline=None)
def test_other_connections(data, kind):
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    mask = rng.random((18, 18)) < 0.5
    ptr = np.concatenate([[0], np.cumsum(mask.sum(1))])
    made = {
        "sparse": Sparse(ptr, np.nonzero(mask)[1], np.ones(mask.sum(), np.int8)),
        "dense": Dense(np.ones((18, 18), np.int8)),
        "pool": Pool2d("max", 2, (1, 1)),
        "identity": Identity(1),
    }[kind]
    model = Relay() if kind == "pool" else Lif(1, membrane_bits=8)
    target = made.output_shape((2, 3, 3)) if kind == "pool" else (2, 3, 3)
    populations = [Population("in", (2, 3, 3), Input()), Population("a", target, model)]
    network = Network(populations, [Projection("in", "a", made, IntCodec(4))])
    neurons = some_neurons(data.draw, prod(target))
    chip = memory(data.draw, core__synaptic_memory__word_bits=data.draw(st.integers(5, 40)))
    feed = Layout(network, chip).feed(0, neurons)
    for k, source in enumerate(feed.sources.tolist()):
        assert feed.turns[k] == turns_of(issued(network, neurons, source, False), *sides(chip))
        assert feed.reads[k] == fullest(range(feed.words[k]), chip.core.synaptic_memory.banks)


@given(st.integers(0, 40), st.integers(1, 9), st.integers(1, 9), st.integers(1, 3))
def test_consecutive_accumulators(n, lanes, banks, ports):
    assert consecutive_turns(n, lanes, banks, ports) == turns_of(list(range(n)), lanes, banks, ports)


def test_kernel_rows_in_one_bank_by_hand():
    # Four taps of one word each, rows 0 to 3. Two banks: a spike reads words 0 and 2 from one and 1 and 3 from the
    # other. With stride 2 an input pixel sees taps 0 and 2, or 1 and 3, which lie in the same bank.
    for stride, banks, reads in ((1, 2, 2), (2, 2, 2), (2, 3, 1), (2, 4, 1), (1, 4, 1), (1, 1, 4)):
        conv = Conv2d(np.ones((1, 1, 4, 1), np.int8), stride=(stride, 1), padding=(3, 0))
        network = one_projection(conv, (1, 8, 1), IntCodec(8))
        n = network.population("a").n_neurons
        chip = edge(core__synaptic_memory__banks=banks, core__synaptic_memory__bank_conflicts=True)
        feed = Layout(network, chip).feed(0, np.arange(n, dtype=np.int32))
        assert feed.words[4] == 4 // stride
        assert feed.reads[4] == reads
        assert feed.turns is None


def test_channels_a_bank_apart_conflict_by_hand():
    # Eight channels of 8 output pixels: the eight targets of an output pixel are 8 accumulators apart. Eight lanes on
    # eight banks then all want one bank; on seven banks they want seven, the eighth lane the first of them again.
    conv = Conv2d(np.ones((8, 1, 1, 1), np.int8))
    network = one_projection(conv, (1, 8, 1), IntCodec(8))
    for banks, ports, turns in ((8, 1, 8), (8, 2, 4), (7, 1, 2), (7, 2, 1), (64, 1, 1), (16, 1, 4)):
        chip = edge(
            core__membrane_memory__banks=banks, core__membrane_memory__ports=ports,
            core__membrane_memory__bank_conflicts=True,
        )  # fmt: skip
        mapping = map_network(network, chip)
        busy, conflict = route_busy(network, chip, mapping)
        assert set(mapping.routes.row_turns.tolist()) == {turns}
        assert set(busy.tolist()) == {1 + turns} and set(conflict.tolist()) == {turns - 1}


def test_ports_read_several_words_of_a_bank_at_once():
    network = one_projection(Dense(np.ones((1, 60), np.int8)), (1,), IntCodec(8))  # 60 weights, 8 a word: 8 words
    for banks, ports, fetch in ((1, 1, 8), (2, 1, 4), (2, 2, 2), (3, 1, 3), (3, 2, 2)):
        for conflicts in (False, True):
            chip = edge(
                core__synaptic_memory__banks=banks, core__synaptic_memory__ports=ports, core__synapse__lanes=64,
                core__synaptic_memory__bank_conflicts=conflicts,
            )  # fmt: skip
            busy, conflict = route_busy(network, chip, map_network(network, chip))
            assert busy.tolist() == [1 + fetch] and (conflict.tolist() == [0] if conflicts else conflict is None)
