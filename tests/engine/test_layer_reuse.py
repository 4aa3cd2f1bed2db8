"""Codeword reuse: the engines agree, counts are those of a brute force over windows, events and spikes never change."""

from math import prod

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.engine.function import run_function
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.mapping.layer import map_layers
from neurosim.mapping.layer_engines import partial_bits, reusable
from neurosim.run_layer import layer_stages
from neurosim.snn import (
    Conv2d,
    Input,
    IntCodec,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Stimulus,
)  # fmt: skip
from neurosim.snn.codecs import CodebookCodec
from tests.engine.layer_chips import layer_chips, reuse_chip

SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))


def codebook_network(
    n_codewords=4, channels=(2, 6), size=(5, 6), kernel=(3, 3), stride=1, padding=1, dilation=1, seed=0, pooled=False
):
    """in -> a, a convolution whose kernels are codewords of signs; with a pooling projection beside it if asked."""
    rng = np.random.default_rng(seed)
    table = rng.choice([-1, 1], (n_codewords, prod(kernel)))
    codec = CodebookCodec(tuple(map(tuple, table.tolist())))
    weights = table[rng.integers(0, n_codewords, (channels[1], channels[0]))].reshape(*channels[::-1], *kernel)
    conv = Conv2d(weights, stride, padding, dilation)
    source = (channels[0], *size)
    target = conv.output_shape(source)
    populations = [Population("in", source, Input()), Population("a", target, Lif(3, membrane_bits=16))]
    projections = [Projection("in", "a", conv, codec)]
    if pooled:
        populations.insert(1, Population("more", target, Input()))
        projections.append(Projection("more", "a", Pool2d("sum", (1, 1))))
    return Network(populations, projections, Readout("a", "count"))


@st.composite
def codebook_cases(draw):
    """A random codebook convolution and spikes of a random density."""
    kernel = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    size = draw(st.integers(3, 7)), draw(st.integers(3, 7))
    network = codebook_network(
        draw(st.integers(1, 20)), (draw(st.integers(1, 3)), draw(st.integers(1, 12))), size, kernel,
        draw(st.integers(1, 2)), draw(st.integers(0, 2)), 1, draw(st.integers(0, 99)), draw(st.booleans()),
    )  # fmt: skip
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    n = sum(p.n_neurons for p in network.populations if p.model.kind == "input")
    shape = draw(st.integers(1, 2)), draw(st.integers(1, 6)), n
    rate = draw(st.sampled_from([0.0, 0.05, 0.3, 1.0]))
    return network, Stimulus.from_dense((rng.random(shape) < rate).astype(np.int8))


def timed(network, chip, stimulus, engine="fast", reuse=None):
    trace = run_function(network, stimulus)
    mapping = map_layers(network, chip, stimulus.timesteps, capacity="report", reuse=reuse)
    return run_layers(plan_layers(network, chip, mapping), trace, engine), mapping


def brute_force(network, stimulus):
    """(spikes in windows, windows with a spike) over all output pixels, input channels and timesteps."""
    conv = network.projections[0].connectivity
    shape, rows = network.population("in").shape, stimulus.n_samples * stimulus.timesteps
    raster = np.zeros((rows, stimulus.n_inputs), bool)
    raster[np.repeat(np.arange(rows), np.diff(stimulus.ptr)), stimulus.neuron] = True
    maps = raster[:, : prod(shape)].reshape(rows, *shape)
    _, height, width = network.population("a").shape
    spikes = windows = 0
    for step in maps:
        for channel in step:
            for y in range(height):
                for x in range(width):
                    inside = 0
                    for dy in range(conv.kernel[0]):
                        for dx in range(conv.kernel[1]):
                            at = y * conv.stride[0] - conv.padding[0] + dy, x * conv.stride[1] - conv.padding[1] + dx
                            if 0 <= at[0] < shape[1] and 0 <= at[1] < shape[2]:
                                inside += int(channel[at])
                    spikes += inside
                    windows += inside > 0
    return spikes, windows


@SLOW
@given(codebook_cases(), layer_chips(codebook=True))
def test_the_fast_engine_is_the_reference(case, chip):
    network, stimulus = case
    fast, slow = (timed(network, chip, stimulus, engine)[0] for engine in ("fast", "reference"))
    assert fast.differences(slow) == []


@SLOW
@given(codebook_cases(), layer_chips(codebook=True))
def test_additions_are_those_of_a_brute_force(case, chip):
    network, stimulus = case
    result, mapping = timed(network, chip, stimulus)
    spikes, windows = brute_force(network, stimulus)
    p = network.projections[0]
    channels, codewords = p.connectivity.weights.shape[0], len(p.codec.table)
    assert result.projection("built")[0] == spikes * codewords * len(mapping.weight_tiles[0])
    assert result.projection("combined")[0] == windows * channels
    decoded, _ = timed(network, chip, stimulus, reuse=frozenset())
    assert result.projection("events")[0] == decoded.projection("events")[0] == spikes * channels
    assert decoded.projection("built")[0] == decoded.projection("combined")[0] == 0
    assert np.array_equal(result.layer("updates"), decoded.layer("updates"))


@SLOW
@given(codebook_cases())
def test_adding_selected_partial_sums_gives_the_same_sums(case):
    """Why the spikes cannot change: a neuron's sum is the sum over input channels of the map that its index names."""
    network, stimulus = case
    p = network.projections[0]
    conv, table = p.connectivity, np.array(p.codec.table)
    source, target = network.population("in"), network.population("a")
    indptr, indices, weights = conv.to_csr(source.shape, target.shape)
    raster = np.zeros(source.n_neurons, np.int64)
    first = stimulus.neuron[: stimulus.ptr[1]]
    raster[first[first < source.n_neurons]] = 1
    sums = np.zeros(target.n_neurons, np.int64)
    np.add.at(sums, indices, np.repeat(raster, np.diff(indptr)) * weights)
    index = p.codec.encode(conv.weights).reshape(conv.weights.shape[:2])
    books = Conv2d(table.reshape(len(table), 1, *conv.kernel), conv.stride, conv.padding, conv.dilation)
    one = (1, *source.shape[1:])
    ptr, at, w = books.to_csr(one, books.output_shape(one))
    combined = np.zeros(target.shape, np.int64)
    for channel, image in enumerate(raster.reshape(source.shape)):
        maps = np.zeros(len(table) * prod(target.shape[1:]), np.int64)
        np.add.at(maps, at, np.repeat(image.ravel(), np.diff(ptr)) * w)
        assert np.abs(maps).max(initial=0) < 1 << (partial_bits(p.codec) - 1)
        combined += maps.reshape(len(table), *target.shape[1:])[index[:, channel]]
    assert np.array_equal(combined.ravel(), sums)


def test_every_quantum_of_one_pixel():
    """Two input channels of four pixels, one output pixel, three codewords, five output channels in tiles of two."""
    network = codebook_network(3, (2, 5), (2, 2), (2, 2), padding=0)
    spikes = np.zeros((1, 2, 8), np.int8)
    # Channel 0 has three spikes in the first timestep and one of them again in the second; channel 1 is silent.
    spikes[0, 0, [0, 1, 3]] = spikes[0, 1, 3] = 1
    chip = reuse_chip(
        "reuse",
        array={"rows": 2, "columns": 8, "fill_cycles": 3},
        weight_buffer={"word_bits": 2, "banks": 1, "load": "exposed"},
        spike_buffer={"word_bits": 4, "banks": 1},
        partial_sum_buffer={"word_bits": 32, "banks": 1},
        partial_map_buffer={"word_bits": 8, "banks": 1, "read_cycles": 1, "write_cycles": 2},
        layer_cycles=0,
        update={"lanes": 8, "state_cycles": 0, "step_cycles": 1, "when": "exposed"},
    )
    result, mapping = timed(network, chip, Stimulus.from_dense(spikes))
    assert [[t.neurons.tolist() for t in w.tiles] for w in mapping.weight_tiles[0]] == [[[0, 1], [2, 3], [4]]]
    # Sums of four signs are -4 to 4: four bits. Three of them for two timesteps are 24 bits, three words.
    assert partial_bits(network.projections[0].codec) == 4
    # Three rows spike; three codewords take two runs of the array's two rows; a row of three signs is two words.
    build = max(3 * 2, 3 * 2, 8 * 2 // 4) + 3 * 2
    # One channel has a map: a slot, a word of indices (2 bits) for each neuron, and three words of the map.
    combine = [max(1, neurons, 3) for neurons in (2, 2, 1)]
    # Five channels x two timesteps of 32 bits go out a word at a time.
    assert result.layer("array_busy").tolist() == [3 * 3 + build + sum(combine) + 5 * 2]
    names = ("slots", "weight_reads", "spike_reads", "events", "built", "combined", "map_writes", "map_reads")
    assert [int(result.projection(n)[0]) for n in names] == [6 + 3, 6 + 5, 4, 4 * 5, 4 * 3, 2 * 5, 3, 9]
    # The weight buffer is filled with four taps of two words and, for either channel, an index a word.
    assert result.projection("filled").tolist() == [4 * 2 + 2 * 5]


def test_only_whole_kernels_of_binary_spikes_can_be_reused():
    assert reusable(codebook_network()) == {"a"}
    assert reusable(codebook_network(pooled=True)) == {"a"}
    plain = codebook_network()
    conv = plain.projections[0].connectivity
    integers = Network(plain.populations, [Projection("in", "a", conv, IntCodec(2))], plain.readout)
    assert reusable(integers) == frozenset()
    halves = CodebookCodec(tuple((a, b, c) for a in (-1, 1) for b in (-1, 1) for c in (-1, 1)))
    assert reusable(Network(plain.populations, [Projection("in", "a", conv, halves)], plain.readout)) == frozenset()
    graded = (Population("in", plain.populations[0].shape, Input(4)), plain.populations[1])
    assert reusable(Network(graded, plain.projections, plain.readout)) == frozenset()


@pytest.mark.parametrize(("engine", "expected"), [("decode", "decode"), ("reuse", "reuse"), ("auto", "decode")])
def test_auto_takes_what_costs_less(engine, expected):
    """Few output channels and many codewords: building all partial sums cannot pay."""
    network = codebook_network(16, (2, 4), seed=3)
    stimulus = Stimulus.from_dense((np.random.default_rng(0).random((1, 8, 60)) < 0.1).astype(np.int8))
    stages = layer_stages(network, reuse_chip(engine), stimulus)
    assert ("reuse" if stages.mapping.reuse else "decode") == expected


def test_auto_reuses_where_outputs_are_many_and_spikes_dense():
    network = codebook_network(2, (4, 256), (4, 4), seed=3)
    stimulus = Stimulus.from_dense((np.random.default_rng(0).random((1, 8, 64)) < 0.6).astype(np.int8))
    assert layer_stages(network, reuse_chip("auto"), stimulus).mapping.reuse == {"a"}
    # A buffer that cannot hold the partial sums leaves no choice.
    small = reuse_chip("auto", partial_map_buffer={"capacity_bits": 128})
    assert layer_stages(network, small, stimulus).mapping.reuse == frozenset()
