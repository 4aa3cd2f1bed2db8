"""What a block stores and a spike reads in a layout that was asked for, against rows that are really packed."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.mapping.layout import Layout
from neurosim.mapping.pack import fetch, pack_rows, unpack_rows
from neurosim.mapping.storage import LAYOUTS, Widths
from neurosim.run import simulate, simulate_stages
from neurosim.snn import BinaryCodec, Conv2d, Dense, IntCodec, Sparse, Stimulus
from tests.mapping.strategies import edge, one_of_each
from tests.mapping.test_layout import convolutions, one_projection, some_neurons


def widths(codec, word, n_indexed, weights, pointers=False, zero=False):
    distinct = set(np.unique(weights).tolist()) | ({0} if zero else set())
    return Widths(int(codec.bits), max(1, (n_indexed - 1).bit_length()), word, max(1, len(distinct)), pointers)


def thin(rng, bits, shape, share=0.4):
    codec = IntCodec(bits)
    low, high = codec.limits
    return np.where(rng.random(shape) < share, rng.integers(low, high + 1, shape), 0).astype(np.int32), codec


def check(network, chip, neurons, expected_bits, expected_words):
    layout = Layout(network, chip)
    feed = layout.feed(0, neurons)
    assert feed.layout == chip.core.synaptic_memory.layout
    assert feed.total_bits == expected_bits
    assert feed.words.tolist() == expected_words
    assert layout.size(0, neurons) == (feed.sources.size, feed.total_bits)
    by_kind = Layout(network, edge(core__synaptic_memory__shared_kernels=chip.core.synaptic_memory.shared_kernels))
    plain = by_kind.feed(0, neurons)
    np.testing.assert_array_equal(feed.sources, plain.sources)
    np.testing.assert_array_equal(feed.events, plain.events)


def memory(name, word, **more):
    return edge(core__synaptic_memory__layout=name, core__synaptic_memory__word_bits=word, **more)


@pytest.mark.parametrize("name", LAYOUTS)
@given(st.data(), st.integers(1, 12), st.integers(1, 12), st.integers(1, 16), st.integers(1, 70))
@settings(max_examples=30, deadline=None)
def test_dense(name, data, n, m, bits, word):
    weights, codec = thin(np.random.default_rng(n * m), bits, (n, m))
    neurons = some_neurons(data.draw, m)
    w = widths(codec, word, len(neurons), weights)
    block = weights[:, neurons]
    # The table is the projection's, so a block's own values may be fewer; the count is of the projection's.
    words = [fetch(pack_rows(name, block, codec, w), row, w)[1] for row in range(n)]
    extra = table_bits(name, weights, block, w)
    packed = len(pack_rows(name, block, codec, w).image) * word + extra
    check(one_projection(Dense(weights), (n,), codec), memory(name, word), neurons, packed, words)


def table_bits(name, weights, block, w):
    """Bits of the projection's table beyond the values that this block has."""
    if name != "codebook":
        return 0

    def words(n):
        return n * -(-w.item // w.word) if w.item > w.word else -(-n // (w.word // w.item))

    return (words(w.distinct) - words(np.unique(block).size)) * w.word


@pytest.mark.parametrize("name", LAYOUTS)
@pytest.mark.parametrize("shared", [True, False])
@given(st.data(), convolutions(), st.integers(1, 16), st.integers(1, 70))
@settings(max_examples=25, deadline=None)
def test_convolution(name, shared, data, case, bits, word):
    conv, source = case
    weights, codec = thin(np.random.default_rng(conv.weights.size + bits), bits, conv.weights.shape)
    conv = Conv2d(weights, conv.stride, conv.padding, conv.dilation, conv.groups)
    network = one_projection(conv, source, codec)
    target = network.population("a").shape
    neurons = some_neurons(data.draw, network.population("a").n_neurons)
    chip = memory(name, word, core__synaptic_memory__shared_kernels=shared)
    indptr, indices, values = conv.to_csr(source, target)
    if not shared:
        check(network, chip, neurons, *listed(name, word, indptr, indices, values, neurons, codec, weights))
        return
    per_group = weights.shape[0] // conv.groups
    channels = np.unique(neurons // (target[1] * target[2]))
    w = widths(codec, word, min(per_group, channels.size), weights, pointers=True)
    groups, bits_stored, tables = [], 0, 0
    for g in range(conv.groups):
        members = channels[channels // per_group == g]
        block = weights[members].reshape(members.size, weights[0].size).T
        groups.append(pack_rows(name, block, codec, w) if members.size else None)
        if members.size:
            bits_stored += len(groups[-1].image) * word + table_bits(name, weights, block, w)
            tables += 1
    if name == "codebook":
        per_table = w.distinct * -(-w.item // word) if w.item > word else -(-w.distinct // (word // w.item))
        bits_stored -= (tables - 1) * per_table * word
    check(network, chip, neurons, bits_stored, conv_words(conv, source, target, neurons, groups, w))


def conv_words(conv, source, target, neurons, groups, w):
    """For each source, the row of every (output pixel, tap) that it reaches, fetched one by one."""
    per_group, in_group = conv.weights.shape[0] // conv.groups, conv.weights.shape[1]
    windows = {(n // (target[1] * target[2]) // per_group, *divmod(n % (target[1] * target[2]), target[2]))
               for n in neurons.tolist()}  # fmt: skip
    read: dict[int, int] = {}
    for g, y, x in windows:
        for tap in range(conv.kernel[0] * conv.kernel[1]):
            ky, kx = divmod(tap, conv.kernel[1])
            at_y = y * conv.stride[0] - conv.padding[0] + ky * conv.dilation[0]
            at_x = x * conv.stride[1] - conv.padding[1] + kx * conv.dilation[1]
            if not (0 <= at_y < source[1] and 0 <= at_x < source[2]):
                continue
            for c in range(in_group):
                n = ((g * in_group + c) * source[1] + at_y) * source[2] + at_x
                row = c * conv.kernel[0] * conv.kernel[1] + tap
                read[n] = read.get(n, 0) + fetch(groups[g], row, w)[1]
    return [read[n] for n in sorted(read)]


def listed(name, word, indptr, indices, values, neurons, codec, weights):
    """Bits and words of rows of listed connections, packed."""
    rows, present = [], []
    place = {int(n): i for i, n in enumerate(neurons)}
    for source in range(indptr.size - 1):
        row, exists = np.zeros(len(neurons), np.int64), np.zeros(len(neurons), bool)
        for e in range(indptr[source], indptr[source + 1]):
            if int(indices[e]) in place:
                row[place[int(indices[e])]], exists[place[int(indices[e])]] = values[e], True
        if exists.any():
            rows.append(row)
            present.append(exists)
    if not rows:
        rows, present = np.zeros((0, len(neurons)), np.int64), np.zeros((0, len(neurons)), bool)
    block, present = np.array(rows), np.array(present)
    w = widths(codec, word, len(neurons), weights, zero=True)
    packed = pack_rows(name, block, codec, w, present)
    np.testing.assert_array_equal(unpack_rows(packed, codec, w)[0], block)
    words = [fetch(packed, row, w)[1] for row in range(len(block))]
    return len(packed.image) * word + table_bits(name, weights, block, w), words


@pytest.mark.parametrize("name", LAYOUTS)
@given(st.data(), st.integers(1, 10), st.integers(1, 12), st.integers(1, 16), st.integers(1, 70))
@settings(max_examples=30, deadline=None)
def test_sparse(name, data, n, m, bits, word):
    rng = np.random.default_rng(n * m)
    mask = rng.random((n, m)) < 0.4
    weights, codec = thin(rng, bits, int(mask.sum()), 0.8)
    connectivity = Sparse(np.concatenate([[0], np.cumsum(mask.sum(1))]), np.nonzero(mask)[1], weights)
    target = connectivity.output_shape((n,))[0]
    neurons = some_neurons(data.draw, target)
    expected = listed(
        name, word, connectivity.indptr, connectivity.indices, connectivity.weights, neurons, codec, weights
    )
    check(one_projection(connectivity, (n,), codec), memory(name, word), neurons, *expected)


@pytest.mark.parametrize("name", [*LAYOUTS, "best"])
def test_spikes_stay_and_words_follow_the_layout_in_both_engines(name):
    """One of each connection, run by both engines: what is computed stays, what is read is the layout's."""
    network = one_of_each()
    rng = np.random.default_rng(1)
    stimulus = Stimulus.from_dense((rng.random((2, 6, 128)) < 0.2).astype(np.int8))
    wide = {"int_bits": (1, 24), "codebook": True, "binary": True, "membrane_bits_max": 32}
    chips = [edge(), edge(core__synaptic_memory__layout=name)]
    chips = [c.model_copy(update={"arithmetic": c.arithmetic.model_copy(update=wide)}) for c in chips]
    plain, fast = (simulate_stages(network, chip, stimulus) for chip in chips)
    np.testing.assert_array_equal(plain.trace.counts_by_neuron(), fast.trace.counts_by_neuron())
    slow = simulate_stages(network, chips[1], stimulus, engine="reference")
    np.testing.assert_array_equal(slow.timing.round_cycles, fast.timing.round_cycles)
    used = {n for names in fast.mapping.layouts.values() for n in names}
    assert used == {name} if name != "best" else used <= set(LAYOUTS)


def test_a_row_without_zero_cannot_hold_a_place_without_connection():
    connectivity = Sparse([0, 1, 2], [0, 1], np.array([1, -1], np.int8))
    network = one_projection(connectivity, (2,), BinaryCodec())
    for name in ("dense", "codebook"):
        with pytest.raises(NeurosimError, match="no zero"):
            Layout(network, memory(name, 64)).feed(0, np.arange(2))
    assert Layout(network, memory("best", 64)).feed(0, np.arange(2)).layout in ("csr", "bitmap", "run_length")


def test_kernel_rows_of_different_length_have_no_bank_model():
    conv = Conv2d(np.ones((2, 1, 3, 3), np.int8))
    chip = memory("csr", 64, core__synaptic_memory__bank_conflicts=True)
    with pytest.raises(NeurosimError, match="bank_conflicts"):
        Layout(one_projection(conv, (1, 6, 6)), chip).feed(0, np.arange(4))


def test_reading_is_charged_by_the_words_of_the_rows():
    """One input of two, 600 weights of 8 bits in words of 64, every tenth or none of them not 0; three spikes each."""
    weights = np.zeros((2, 600), np.int8)
    weights[0, ::10] = 1
    network = one_projection(Dense(weights), (2,), IntCodec(8))
    spikes = np.zeros((1, 4, 2), np.int8)
    spikes[0, :3] = 1
    found = {}
    for name in LAYOUTS:
        for engine in ("fast", "reference"):
            result = simulate(network, memory(name, 64), Stimulus.from_dense(spikes), engine=engine, network_samples=0)
            leaves = [leaf for leaf in result.energy.leaves if leaf.action == "synapse_read_word"]
            words = sum(leaf.count for leaf in leaves)
            found.setdefault(name, set()).add((words, round(sum(x.energy_pj for x in leaves) / words, 9)))
    prices = {price for reads in found.values() for _, price in reads}
    assert len(prices) == 1
    # Dense: 75 words a row. csr: 60 entries of 8 + 10 bits, 3 a word. Bitmap: 10 words, then 8 for 60 weights.
    # Run length: runs of 9 zeros, so 4 bits beside 8, 5 a word. Codebook: two values, one bit a weight.
    expected = {"dense": 3 * (75 + 75), "csr": 3 * 20, "bitmap": 3 * (18 + 10), "run_length": 3 * 12, "codebook": 60}
    assert {name: {words for words, _ in reads} for name, reads in found.items()} == {
        name: {n} for name, n in expected.items()
    }
