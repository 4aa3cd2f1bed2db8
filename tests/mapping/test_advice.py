"""Advice is carried out: every change that a refusal offers makes the network fit."""

import re
import tracemalloc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import NeurosimError
from neurosim.mapping.advice import least_synaptic_bits
from neurosim.mapping.map import map_network
from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Population, Projection
from tests.mapping.strategies import changed, edge, ints, mlps, one_of_each

LIF = Lif(1, membrane_bits=8)


def refusal(network, chip, **options):
    with pytest.raises(NeurosimError) as caught:
        map_network(network, chip, **options)
    return str(caught.value)


def narrowed(network, bits):
    """The network with every wider integer weight clipped into ``bits``."""
    projections = []
    for p in network.projections:
        if p.codec.kind == "int" and p.codec.bits > bits and isinstance(p.connectivity, Dense):
            low, high = IntCodec(bits).limits
            clipped = Dense(np.clip(p.connectivity.weights, low, high))
            p = Projection(p.source, p.target, clipped, IntCodec(bits), p.delay)
        projections.append(p)
    return Network(network.populations, projections, network.readout)


def carried_out(message, network, chip):
    """(network, chip) with each change that the message offers."""
    for bits in re.findall(r"weights of (\d+) bits", message):
        yield narrowed(network, int(bits)), chip
    for field, value in re.findall(r"(core\.[a-z_.]+) of (\d+)", message):
        yield network, changed(chip, field, int(value))
    for cores in re.findall(r"a chip of (\d+) such cores", message):
        yield network, changed(changed(chip, "mesh.width", int(cores)), "mesh.height", 1)
    if "shared_kernels: true" in message:
        yield network, changed(chip, "core.synaptic_memory.shared_kernels", True)


@given(mlps(), st.integers(3, 40), st.integers(600, 20_000), st.sampled_from([None, 20, 60]), st.integers(1, 4))
@settings(max_examples=80, deadline=None)
def test_every_change_offered_fits(network, neurons, capacity, axons_out, width):
    chip = edge(
        core__neurons=neurons,
        core__synaptic_memory__capacity_bits=capacity,
        core__axons_out=axons_out,
        mesh__width=width,
    )
    try:
        map_network(network, chip)
        return
    except NeurosimError as error:
        message = str(error)
    assert "nearest change that fits" in message
    for other_network, other_chip in carried_out(message, network, chip):
        map_network(other_network, other_chip)


def test_narrower_weights_are_the_widest_that_fit():
    rng = np.random.default_rng(0)
    populations = [Population("in", (200,), Input()), Population("a", (256,), LIF)]
    network = Network(populations, [Projection("in", "a", Dense(ints(rng, -100, 100, 200, 256)), IntCodec(8))])
    chip = edge(core__synaptic_memory__capacity_bits=16000)
    message = refusal(network, chip)
    # 200 rows a core; a core of 16000 bits holds one word a row. 16 cores x 64 bits: 16 weights each, 4 bits.
    assert "weights of 4 bits" in message
    map_network(narrowed(network, 4), chip)
    with pytest.raises(NeurosimError):
        map_network(narrowed(network, 5), chip)


def test_sharing_kernels_is_offered_only_where_it_helps():
    network = one_of_each()
    # The unrolled convolutions want more cores than there are; stored once, they fit.
    small = edge(
        core__synaptic_memory__capacity_bits=12_000, core__synaptic_memory__shared_kernels=False, core__neurons=64,
        mesh__width=2,
    )  # fmt: skip
    message = refusal(network, small)
    assert "shared_kernels: true" in message
    map_network(network, changed(small, "core.synaptic_memory.shared_kernels", True))
    crowded = edge(core__neurons=20, core__synaptic_memory__shared_kernels=False)
    assert "shared_kernels" not in refusal(network, crowded)


def test_a_core_map_is_told_what_its_fullest_core_needs():
    network, chip = one_of_each(), edge(core__neurons=50)
    placement = np.full(network.n_neurons, 3)
    placement[: network.offsets[1]] = -1
    message = refusal(network, chip, placement=placement)
    mapped = network.n_neurons - int(network.offsets[1])
    assert f"core 3: neurons needs {mapped} neurons, has 50" in message
    assert f"fits this core map: core.neurons of {mapped}" in message
    map_network(network, edge(core__neurons=mapped), placement=placement)


@given(st.integers(0, 20), st.booleans(), st.sampled_from([None, 3, 9]))
@settings(max_examples=30, deadline=None)
def test_the_lower_bound_is_one(seed, shared, index_bits):
    chip = edge(core__synaptic_memory__shared_kernels=shared, core__synaptic_memory__index_bits=index_bits)
    network = one_of_each(seed)
    used = sum(x.used_bits for x in map_network(network, chip).memory if x.memory == "synaptic_memory")
    bound = least_synaptic_bits(network, chip)
    assert 0 < bound <= used


@pytest.mark.parametrize("shared", [True, False])
def test_large_networks_are_refused_without_being_laid_out(shared):
    conv = Conv2d(np.ones((64, 64, 3, 3), np.int8), padding=1)
    populations = [Population("in", (64, 300, 300), Input()), Population("a", (64, 300, 300), LIF)]
    network = Network(populations, [Projection("in", "a", conv, IntCodec(4))])
    chip = edge(core__synaptic_memory__shared_kernels=shared)
    tracemalloc.start()
    message = refusal(network, chip)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    # 3.3e9 connections: a bit for each would be more.
    assert peak < 4e8
    assert re.search(r"a chip of at least \d+ such cores", message)


def test_a_large_network_that_was_cut_is_told_the_cores_it_took():
    conv = Conv2d(np.ones((16, 4, 3, 3), np.int8), padding=1)
    populations = [Population("in", (4, 48, 48), Input()), Population("a", (16, 48, 48), LIF)]
    network = Network(populations, [Projection("in", "a", conv, IntCodec(4))])
    chip = edge(mesh__width=10, core__synaptic_memory__shared_kernels=False,
                core__synaptic_memory__capacity_bits=300_000)  # fmt: skip
    message = refusal(network, chip)
    cores = int(re.search(r"cores needs (\d+) cores, has 40", message)[1])
    assert f"a chip of {cores} such cores" in message and "shared_kernels: true)" in message
    for other_network, other_chip in carried_out(message, network, chip):
        map_network(other_network, other_chip)
    with pytest.raises(NeurosimError):
        map_network(network, changed(changed(chip, "mesh.width", cores - 1), "mesh.height", 1))


def test_reporting_refuses_nothing_and_lists_the_limits():
    network, chip = one_of_each(), edge(core__neurons=20)
    mapping = map_network(network, chip, capacity="report")
    assert mapping.overflows and all(o.needed > o.limit for o in mapping.overflows)
    with pytest.raises(NeurosimError, match="capacity: got 'maybe'"):
        map_network(network, chip, capacity="maybe")
