"""Tiles of a layer against the connections themselves; footprint of the buffers; what does not fit or is refused."""

import re

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from neurosim.errors import NeurosimError
from neurosim.mapping.layer import map_layers
from neurosim.mapping.layer_fit import fit_layers
from neurosim.mapping.layer_sums import sum_bits_needed
from neurosim.mapping.layer_tiles import Cutter, item_bits
from neurosim.snn import (
    Conv2d,
    Dense,
    Input,
    IntCodec,
    Lif,
    Network,
    Population,
    Projection,
    Readout,
)  # fmt: skip
from neurosim.snn.codecs import CodebookCodec
from tests.engine.layer_chips import layer_chip, layer_chips
from tests.engine.strategies import networks
from tests.engine.test_layer import chain


def connections(network, projection):
    """(n_source, n_target) number of connections."""
    source, target = network.population(projection.source), network.population(projection.target)
    indptr, indices, _ = projection.connectivity.to_csr(source.shape, target.shape)
    table = np.zeros((source.n_neurons, target.n_neurons), np.int64)
    np.add.at(table, (np.repeat(np.arange(source.n_neurons), np.diff(indptr)), indices), 1)
    return table


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(max_delay=0, recurrent=False), layer_chips())
def test_tiles_hold_every_neuron_once_and_the_rows_are_its_connections(network, chip):
    cutter = Cutter(network, chip)
    for population in network.populations:
        if population.model.kind == "input":
            continue
        cut = cutter.cut(population)
        neurons = [t.neurons for w in cut for t in w.tiles]
        assert sorted(np.concatenate(neurons).tolist()) == list(range(population.n_neurons))
        assert max(map(len, neurons)) <= chip.core.array.rows
        for w in cut:
            fits = sum(w.fill_words.values()) <= cutter.room_words
            assert fits or len(w.tiles[0].neurons) == 1
            for tile in w.tiles:
                for rows in tile.rows:
                    expected = connections(network, network.projections[rows.projection])[:, tile.neurons].sum(axis=1)
                    assert np.array_equal(rows.source, np.flatnonzero(expected))
                    assert np.array_equal(rows.events.astype(np.int64) * rows.times, expected[expected > 0])


def picture(groups=1, codec=None, channels=6):
    rng = np.random.default_rng(0)
    weights = rng.integers(-3, 4, (channels, 4 // groups, 3, 3))
    populations = [Population("in", (4, 5, 5), Input()), Population("a", (channels, 5, 5), Lif(5, membrane_bits=12))]
    conv = Conv2d(weights, padding=1, groups=groups)
    return populations, [Projection("in", "a", conv, codec or IntCodec(4))]


def test_a_convolution_shares_its_weight_tile_over_all_pixels():
    network = Network(*picture())
    chip = layer_chip(array={"rows": 4})
    mapping = map_layers(network, chip, 8)
    assert [[len(w.tiles) for w in layer] for layer in mapping.weight_tiles] == [[25, 25]]
    assert [t.neurons.tolist() for t in mapping.weight_tiles[0][1].tiles[:2]] == [[100, 125], [101, 126]]
    # 4 channels of 4 bits for each of 36 rows: a word each, in the memory and in the buffer.
    assert mapping.weight_tiles[0][0].stored == {0: {"weights": 36 * 16, "padding": 36 * 48}}
    assert mapping.weight_tiles[0][0].fill_words == {0: 36}
    assert fit_layers(mapping, network, chip)["layers"] == [
        {"layer": "a", "weight_tiles": 2, "tiles": 50, "rows_filled_percent": 75.0}
    ]


def test_a_group_of_channels_meets_only_its_own_inputs():
    network = Network(*picture(groups=2))
    tile = map_layers(network, layer_chip(array={"rows": 4}), 8).weight_tiles[0][0].tiles[12]
    # Channels 0 to 3 are three of the first group and one of the second; each has two input channels of nine pixels.
    assert tile.rows[0].events.tolist() == [3] * 18 + [1] * 18


def test_another_weighted_projection_makes_the_cut_flat():
    populations, projections = picture()
    populations.append(Population("more", (3,), Input()))
    projections.append(Projection("more", "a", Dense(np.ones((3, 150), int)), IntCodec(4)))
    network = Network(populations, projections)
    mapping = map_layers(network, layer_chip(), 8)
    assert [len(layer) for layer in mapping.weight_tiles] == [10]
    # A convolution in a flat tile needs the number of the array row with each weight.
    assert item_bits(network, layer_chip()).tolist() == [4 + 4, 4]


def test_rows_give_way_to_a_small_weight_buffer():
    network, _ = chain(100, 32)
    assert len(map_layers(network, layer_chip(), 8).weight_tiles[0]) == 2
    # Half of the buffer is 100 words of 5 weights each.
    small = layer_chip(weight_buffer={"capacity_bits": 4000, "word_bits": 20})
    cut = map_layers(network, small, 8).weight_tiles[0]
    assert [w.tiles[0].neurons.size for w in cut] == [5] * 6 + [2]
    exposed = layer_chip(weight_buffer={"capacity_bits": 4000, "word_bits": 20, "load": "exposed"})
    assert [w.tiles[0].neurons.size for w in map_layers(network, exposed, 8).weight_tiles[0]] == [10, 10, 10, 2]


def test_a_codebook_is_stored_small_and_decoded_on_the_way():
    book = CodebookCodec(tuple(map(tuple, np.random.default_rng(1).permutation([-1, 1] * 18).reshape(4, 9).tolist())))
    weights = book.decode(np.random.default_rng(0).integers(0, 4, 24)).reshape(6, 4, 3, 3)
    populations, _ = picture()
    network = Network(populations, [Projection("in", "a", Conv2d(weights, padding=1), book)])
    w = map_layers(network, layer_chip(), 8).weight_tiles[0][0]
    assert set(w.stored[0]) == {"indices", "codebook", "padding"}
    assert w.stored[0]["indices"] == 24 * 2
    assert w.fill_words == {0: 36}


def used(network, chip, timesteps=8):
    bits = {}
    for line in map_layers(network, chip, timesteps).memory:
        bits[line.memory] = bits.get(line.memory, 0) + line.used_bits
    return bits


def test_buffers_grow_with_the_window_and_nothing_else_does():
    network, _ = chain(20, 40, 10)
    one, four, whole = (used(network, layer_chip(time_window=w)) for w in (1, 4, "all"))
    for memory in ("spike_buffer", "partial_sum_buffer"):
        assert four[memory] == 4 * one[memory] and whole[memory] == 8 * one[memory]
    for memory in ("synaptic_memory", "weight_buffer"):
        assert one[memory] == four[memory] == whole[memory]
    # 20 inputs and 40 neurons; the last layer's spikes are read by nobody. Two banks of 16 sums of 32 bits.
    assert one["spike_buffer"] == 60 and one["partial_sum_buffer"] == 2 * 16 * 32
    # State waits for the next window, except when there is none: then only the host's membrane does.
    assert one["membrane_memory"] - whole["membrane_memory"] == 40 * 16
    again = used(network, layer_chip(weight_reuse_over_time=False))
    assert again["partial_sum_buffer"] == one["partial_sum_buffer"]
    assert again["spike_buffer"] == whole["spike_buffer"]
    assert again["membrane_memory"] == one["membrane_memory"]


def test_spikes_stay_in_the_buffer_until_their_last_reader():
    """in (20) -> l1 (40) -> l2 (10), and in -> l2 as well: all three at once in the second layer."""
    network, _ = chain(20, 40, 10)
    skip = Projection("in", "l2", Dense(np.ones((20, 10), int)), IntCodec(4))
    longer = Network(network.populations, [*network.projections, skip], Readout("l2", "count"))
    assert used(longer, layer_chip(time_window=1))["spike_buffer"] == 70


def test_what_does_not_fit_names_a_window_that_does():
    network, _ = chain(20, 40, 10)
    tight = {"spike_buffer": {"capacity_bits": 200, "word_bits": 8}}
    with pytest.raises(NeurosimError) as refusal:
        map_layers(network, layer_chip(**tight), 8)
    text = str(refusal.value)
    assert "spike_buffer needs 480 bits, has 200 (280 too many)" in text
    steps = int(re.search(r"core\.time_window to at most (\d+)", text)[1])
    assert map_layers(network, layer_chip(time_window=steps, **tight), 8).overflows == ()
    with pytest.raises(NeurosimError, match="spike_buffer"):
        map_layers(network, layer_chip(time_window=steps + 1, **tight), 8)
    assert [o.memory for o in map_layers(network, layer_chip(**tight), 8, capacity="report").overflows] == [
        "spike_buffer"
    ]
    with pytest.raises(NeurosimError, match="capacity: got 'maybe'"):
        map_layers(network, layer_chip(), 8, capacity="maybe")


def test_one_row_that_is_wider_than_the_weight_buffer_is_refused():
    network, _ = chain(100, 32)
    with pytest.raises(NeurosimError, match=r"weight_buffer needs 12800 bits, has 6400 .*capacity_bits 12800"):
        map_layers(network, layer_chip(weight_buffer={"capacity_bits": 6400}), 8)


@settings(deadline=None, suppress_health_check=list(HealthCheck))
@given(networks(integer=True, max_delay=0, recurrent=False))
def test_no_sum_can_be_wider_than_said(network):
    for population in network.populations:
        into = [p for p in network.projections if p.target == population.name]
        worst = np.zeros(population.n_neurons, object)
        for p in into:
            _, indices, weights = p.connectivity.to_csr(network.population(p.source).shape, population.shape)
            if weights.dtype.kind == "f":
                return
            value = (1 << network.value_bits(p.source)) - 1 if network.multiplies(p.source) else 1
            np.add.at(worst, indices, np.abs(weights.astype(object)) * value << p.weight_shift)
        assert max(worst) < 1 << (sum_bits_needed(network, population.name) - 1)


def test_sums_that_could_be_cut_are_refused():
    network, _ = chain(20, 40)
    needed = sum_bits_needed(network, "l1")
    assert map_layers(network, layer_chip(partial_sum_buffer={"sum_bits": needed}), 8).overflows == ()
    narrow = layer_chip(partial_sum_buffer={"sum_bits": needed - 1})
    with pytest.raises(
        NeurosimError, match=rf"sum_bits needs {needed} bits, has {needed - 1} .*sum_bits {needed}, bec"
    ):
        map_layers(network, narrow, 8)
    assert map_layers(network, narrow, 8, capacity="report").overflows


def test_recurrent_projections_and_delays_are_refused_by_name():
    network, _ = chain(4, 6, 5)
    back = Projection("l2", "l1", Dense(np.ones((5, 6), int)), IntCodec(4), delay=1)
    with pytest.raises(NeurosimError, match=r"projection l1->l2: recurrent.*execution 'barrier'"):
        map_layers(Network(network.populations, [*network.projections, back]), layer_chip(), 8)
    own = Projection("l1", "l1", Dense(np.ones((6, 6), int)), IntCodec(4), delay=2)
    with pytest.raises(NeurosimError, match=r"projection l1->l1: recurrent"):
        map_layers(Network(network.populations, [*network.projections, own]), layer_chip(), 8)
    late = Projection("in", "l2", Dense(np.ones((4, 5), int)), IntCodec(4), delay=3)
    with pytest.raises(NeurosimError, match=r"projection in->l2\.delay: got 3 timesteps.*delay 0"):
        map_layers(Network(network.populations, [*network.projections, late]), layer_chip(), 8)


def test_arithmetic_is_checked_as_on_any_chip():
    network, _ = chain(4, 3, bits=12)
    with pytest.raises(NeurosimError, match=r"projection in->l1\.codec: int of 12 bits"):
        map_layers(network, layer_chip(), 8)
