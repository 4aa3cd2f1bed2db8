"""Lowering to the timing plan: a packet's work by the formula; slots, rounds and router numbers as the chip's."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.engine.lower import lower_timing
from neurosim.engine.work import route_busy
from neurosim.mapping.map import map_network
from neurosim.mapping.schedule import round_table
from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout
from tests.mapping.strategies import edge, ints, one_of_each


def busy_by_hand(network, chip, mapping):
    """Lookup, then rows one after another: fetch against accumulate."""
    unit, memory, routes = chip.core.synapse, chip.core.synaptic_memory, mapping.routes
    busy = []
    for r, end in enumerate(routes.endpoint.tolist()):
        if end == chip.n_cores:
            busy.append(chip.io.input_interval_cycles)
            continue
        quanta = unit.axon_lookup_cycles
        for row in range(routes.row_ptr[r], routes.row_ptr[r + 1]):
            projection = network.projections[routes.row_projection[row]]
            kind = projection.connectivity.kind
            if kind in ("pool", "identity"):
                each = unit.pool_cycles_per_group
            elif network.value_bits(projection.source) > 1:
                each = unit.mac_cycles_per_group
            elif kind == "conv" and not memory.shared_kernels:
                each = unit.cycles_per_group.sparse
            else:
                each = getattr(unit.cycles_per_group, kind)
            fetch = -(-int(routes.row_words[row]) // memory.banks) * memory.read_cycles
            accumulate = -(-int(routes.row_events[row]) // unit.lanes) * each
            quanta += max(fetch, accumulate) if unit.overlap == "pipelined" else fetch + accumulate
        busy.append(max(1, quanta))
    return busy


def graded(network):
    """The network with an input of four bits, which makes its first projection multiply."""
    first = network.populations[0]
    populations = (Population(first.name, first.shape, Input(4)), *network.populations[1:])
    return Network(populations, network.projections, network.readout)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_work_of_a_packet(data):
    small = st.integers(1, 5)
    chip = edge(
        core__synapse__axon_lookup_cycles=data.draw(st.integers(0, 3)),
        core__synapse__lanes=data.draw(small),
        core__synapse__cycles_per_group__dense=data.draw(small),
        core__synapse__cycles_per_group__sparse=data.draw(small),
        core__synapse__cycles_per_group__conv=data.draw(small),
        core__synapse__mac_cycles_per_group=data.draw(st.integers(6, 9)),
        core__synapse__pool_cycles_per_group=data.draw(small),
        core__synapse__overlap=data.draw(st.sampled_from(["pipelined", "serial"])),
        core__synaptic_memory__banks=data.draw(small),
        core__synaptic_memory__read_cycles=data.draw(small),
        core__synaptic_memory__shared_kernels=data.draw(st.booleans()),
        io__input_interval_cycles=data.draw(small),
    )
    network = one_of_each()
    network = graded(network) if data.draw(st.booleans()) else network
    placement = None
    if data.draw(st.booleans()):
        placement = np.random.default_rng(0).integers(0, 3, network.n_neurons)
    mapping = map_network(network, chip, placement=placement)
    busy, conflict = route_busy(network, chip, mapping)
    assert busy.tolist() == busy_by_hand(network, chip, mapping)
    assert conflict is None


@pytest.mark.parametrize("delivery", ["same_step", "next_step"])
def test_plan_holds_every_neuron_in_update_order(delivery):
    network, chip = one_of_each(), edge(core__neurons=30, delivery=delivery)
    mapping = map_network(network, chip)
    plan = lower_timing(network, chip, mapping, 7)
    inputs = int(network.offsets[1])
    assert sorted(plan.slot_neuron.tolist()) == list(range(inputs, network.n_neurons))
    for block in mapping.blocks:
        held = plan.slot_neuron[plan.slot_ptr[block.core] : plan.slot_ptr[block.core + 1]]
        start = network.offsets[network.index[block.population]]
        assert held.tolist() == (block.neurons + start).tolist()
    assert (plan.endpoint[:inputs] == chip.n_cores).all()
    assert plan.updates.tolist() == [False] + [True] * 5
    assert np.array_equal(plan.population, np.repeat(np.arange(6), [p.n_neurons for p in network.populations]))
    table = round_table(network, mapping.lag, mapping.level, delivery, 7)
    assert np.array_equal(plan.round_timestep, table)
    assert plan.n_rounds == (7 * 6 if delivery == "same_step" else 7 + 5)
    assert plan.barrier_cycles == chip.barrier.cycles_for(mapping.tiles_used)


def test_router_numbers_are_the_chips():
    chip = load_chip("loihi-2018").model_copy(update={"io": edge().io.model_copy(update={"tile": (3, 2)})})
    weights = ints(np.random.default_rng(0), -7, 7, 3, 2)
    network = Network(
        [Population("in", (3,), Input()), Population("a", (2,), Lif(1, membrane_bits=8))],
        [Projection("in", "a", Dense(weights), IntCodec(8))],
        Readout("a"),
    )
    plan = lower_timing(
        network, chip, map_network(network, chip.model_copy(update={"io": load_chip("loihi-2018").io})), 4
    )
    router, r = plan.router, chip.router
    assert (router.width, router.height, router.cores_per_tile, router.host_tile) == (8, 4, 4, 19)
    # East, west, north, south, local: ports 0 to 3 and the local ones, y growing to the north.
    assert router.latency_cycles == (41, 41, 65, 65, 21) and router.interval_cycles == (3, 3, 3, 3, 3)
    assert router.credit_local_cycles == r.credit_cycles.local and router.queue_depth == r.queue_depth_flits
    assert (plan.egress_cycles, plan.host_cycles) == (chip.core.egress.cycles_per_packet, chip.io.input_interval_cycles)


def test_barrier_counts_tiles_in_use():
    conv = Conv2d(np.ones((4, 2, 3, 3), np.int8), padding=1)
    network = Network(
        [Population("in", (2, 8, 8), Input()), Population("a", (4, 8, 8), Lif(1, membrane_bits=8))],
        [Projection("in", "a", conv, IntCodec(4))],
    )
    for neurons, tiles, cycles in ((256, 1, 4), (128, 2, 5), (16, 16, 12)):
        chip = edge(core__neurons=neurons)
        mapping = map_network(network, chip)
        assert mapping.tiles_used == tiles
        assert lower_timing(network, chip, mapping, 1).barrier_cycles == cycles
