"""Bits and words of a block against a count that writes every row out, entry by entry."""

from math import prod

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.mapping.layout import Layout
from neurosim.mapping.storage import words_of
from neurosim.snn import (
    BinaryCodec,
    CodebookCodec,
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


def words_by_filling(n, width, word):
    """Items put into words one by one, an item never split unless it is wider than a word."""
    words = room = 0
    for _ in range(n):
        if width > word:
            words += -(-width // word)
            continue
        if room < width:
            words, room = words + 1, word
        room -= width
    return words


@given(st.integers(0, 60), st.integers(1, 40), st.integers(1, 70))
def test_words_of_equals_filling_one_by_one(n, width, word):
    assert words_of(n, width, word) == words_by_filling(n, width, word)
    assert words_of(np.array([n, 0]), width, word).tolist() == [words_by_filling(n, width, word), 0]


def one_projection(connectivity, source, codec=None, target_model=None):
    target = connectivity.output_shape(source)
    populations = [Population("in", source, Input()), Population("a", target, target_model or Lif(1, membrane_bits=8))]
    return Network(populations, [Projection("in", "a", connectivity, codec or IntCodec(4))])


@st.composite
def convolutions(draw):
    groups = draw(st.sampled_from([1, 1, 2, 4]))
    kernel = draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
    weights = np.ones((groups * draw(st.integers(1, 3)), draw(st.integers(1, 2)), *kernel), np.int8)
    pair = st.tuples(st.integers(1, 2), st.integers(1, 2))
    padding = (draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1)))
    conv = Conv2d(weights, draw(pair), padding, draw(pair), groups)
    source = (weights.shape[1] * groups, draw(st.integers(5, 7)), draw(st.integers(5, 7)))
    return conv, source


def some_neurons(draw, n):
    chosen = draw(st.lists(st.integers(0, n - 1), unique=True, min_size=1, max_size=n))
    return np.array(chosen, np.int32)


def connections_into(network, neurons):
    """(source, position of target in the block) of every connection into the block, from the readable CSR."""
    projection = network.projections[0]
    source, target = (network.population(name) for name in (projection.source, projection.target))
    indptr, indices, _ = projection.connectivity.to_csr(source.shape, target.shape)
    origin = np.repeat(np.arange(source.n_neurons), np.diff(indptr))
    inside = np.isin(indices, neurons)
    return origin[inside], indices[inside]


@given(st.data(), convolutions(), st.integers(1, 9), st.integers(5, 40), st.booleans())
@settings(max_examples=150, deadline=None)
def test_convolution_against_every_row_written_out(data, case, width, word, shared):
    conv, source = case
    network = one_projection(conv, source, BinaryCodec() if width == 1 else IntCodec(width))
    neurons = some_neurons(data.draw, network.population("a").n_neurons)
    chip = edge(core__synaptic_memory__word_bits=word, core__synaptic_memory__shared_kernels=shared)
    layout = Layout(network, chip)
    feed = layout.feed(0, neurons)
    origin, into = connections_into(network, neurons)
    sources, events = np.unique(origin, return_counts=True)
    assert feed.sources.tolist() == sources.tolist()
    assert feed.events.tolist() == events.tolist()
    pixels = prod(network.population("a").shape[1:])
    if shared:
        # Channels of the block by group; a row of them for every input channel and tap, read once an output pixel.
        per_group = conv.weights.shape[0] // conv.groups
        held = [len({n // pixels for n in neurons if n // pixels // per_group == g}) for g in range(conv.groups)]
        row = [words_by_filling(n, width, word) for n in held]
        group = sources // (source[1] * source[2]) // conv.weights.shape[1]
        reads = [len({t % pixels for t in into[origin == s]}) for s in sources]
        assert feed.words.tolist() == [r * row[g] for r, g in zip(reads, group, strict=True)]
        rows = prod(conv.weights.shape[1:])
        assert feed.bits["weights"] == rows * sum(held) * width
        assert feed.total_bits == rows * sum(row) * word
    else:
        index = max(1, (neurons.size - 1).bit_length())
        words = [words_by_filling(n, width + index, word) for n in events]
        assert feed.words.tolist() == words
        assert feed.bits["weights"] == events.sum() * width and feed.bits["indices"] == events.sum() * index
        assert feed.total_bits == sum(words) * word
    assert layout.size(0, neurons) == (sources.size, feed.total_bits)
    # Scratch is left as it was found.
    assert layout.feed(0, neurons).bits == feed.bits


@given(st.data(), st.integers(1, 12), st.integers(1, 12), st.integers(1, 9), st.integers(5, 40))
@settings(max_examples=100, deadline=None)
def test_sparse_and_dense_against_every_row_written_out(data, n, m, width, word):
    mask = np.array(data.draw(st.lists(st.lists(st.booleans(), min_size=m, max_size=m), min_size=n, max_size=n)))
    fixed_index = data.draw(st.sampled_from([None, 1, 7]))
    chip = edge(core__synaptic_memory__word_bits=word, core__synaptic_memory__index_bits=fixed_index)
    neurons = some_neurons(data.draw, m)
    populations = [Population("in", (n,), Input()), Population("a", (m,), Lif(1, membrane_bits=8))]
    ptr = np.concatenate([[0], np.cumsum(mask.sum(1))])
    sparse = Sparse(ptr, np.nonzero(mask)[1], np.zeros(mask.sum(), np.int8))
    codec = IntCodec(width)
    layout = Layout(Network(populations, [Projection("in", "a", sparse, codec)]), chip)
    feed = layout.feed(0, neurons)
    events = mask[:, neurons].sum(1)
    index = max(fixed_index or 1, (neurons.size - 1).bit_length())
    assert feed.sources.tolist() == np.flatnonzero(events).tolist()
    assert feed.events.tolist() == events[events > 0].tolist()
    assert feed.words.tolist() == [words_by_filling(e, width + index, word) for e in events[events > 0]]
    assert feed.total_bits == feed.words.sum() * word
    assert layout.size(0, neurons) == (feed.sources.size, feed.total_bits)

    layout = Layout(Network(populations, [Projection("in", "a", Dense(np.zeros((n, m), np.int8)), codec)]), chip)
    feed = layout.feed(0, neurons)
    assert feed.sources.tolist() == list(range(n)) and set(feed.events) == {neurons.size}
    assert set(feed.words) == {words_by_filling(neurons.size, width, word)}
    assert feed.bits["weights"] == n * neurons.size * width
    assert feed.total_bits == feed.words.sum() * word
    assert layout.size(0, neurons) == (n, feed.total_bits)


def test_pool_and_identity_store_no_weights():
    pool = one_projection(Pool2d("max", 2), (3, 4, 4), target_model=Relay())
    feed = Layout(pool, edge()).feed(0, np.array([0, 11], np.int32))
    assert feed.sources.tolist() == [0, 1, 4, 5, 42, 43, 46, 47]
    assert feed.events.tolist() == [1] * 8 and feed.words.tolist() == [0] * 8 and feed.total_bits == 0
    assert Layout(pool, edge()).size(0, np.array([0, 11], np.int32)) == (8, 0)
    identity = one_projection(Identity(1), (5,))
    feed = Layout(identity, edge()).feed(0, np.array([4, 1], np.int32))
    assert feed.sources.tolist() == [1, 4] and feed.total_bits == 0


def book(n_words, length):
    rng = np.random.default_rng(n_words)
    return CodebookCodec(tuple(tuple(int(v) for v in rng.choice([-3, 3], length)) for _ in range(n_words)))


@pytest.mark.parametrize(
    ("length", "rows", "reads"),
    [
        (1, 18, 4),  # a number for every weight; the middle pixel of 3x3 windows on 4x4 is read four times
        (3, 6, 4),  # a row of the kernel
        (9, 2, 1),  # a kernel
        (18, 1, 1),  # both kernels of an output channel
    ],
)
def test_codebook_rows_by_hand(length, rows, reads):
    codec = book(5, length)
    weights = codec.decode(np.arange(6 * 18 // length) % 5).reshape(6, 2, 3, 3)
    network = one_projection(Conv2d(weights), (2, 4, 4), codec)
    feed = Layout(network, edge(core__synaptic_memory__word_bits=16)).feed(0, np.arange(24, dtype=np.int32))
    # Six codeword numbers of 3 bits, five a word of 16.
    assert feed.words[5] == 2 * reads
    assert feed.bits == {
        "indices": rows * 6 * 3,
        "codebook": 5 * length * 3,
        "padding": rows * 2 * 16 - rows * 18,
    }


def test_unrolled_codebooks_store_decoded_values():
    codec = book(5, 9)  # values -3 and 3: three bits each
    weights = codec.decode(np.arange(12) % 5).reshape(6, 2, 3, 3)
    network = one_projection(Conv2d(weights), (2, 4, 4), codec)
    feed = Layout(network, edge(core__synaptic_memory__shared_kernels=False)).feed(0, np.arange(24, dtype=np.int32))
    assert feed.bits["weights"] == 24 * 18 * 3


def test_dense_codebook_counts_the_codewords_a_block_touches():
    codec = book(4, 4)
    weights = codec.decode(np.arange(6) % 4).reshape(2, 12)
    network = one_projection(Dense(weights), (2,), codec)
    feed = Layout(network, edge()).feed(0, np.array([3, 4, 5], np.int32))
    assert feed.bits["indices"] == 2 * 2 * 2  # two sources, codewords 0 and 1, two bits
