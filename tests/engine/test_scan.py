"""A core that walks over all its axons and neurons: the length of its tick, and when its spikes leave."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch.core import Scan
from neurosim.engine.lower import lower_timing
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from neurosim.mapping.map import map_network
from neurosim.run import simulate_stages
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection
from neurosim.snn.trace import Stimulus
from tests.mapping.strategies import edge, ints

ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])


def scanning(fixed=2, axon=1, every=True, **changes):
    scan = Scan(fixed_cycles=fixed, axon_cycles=axon, every_neuron=every)
    own = {"core__update__scan": scan, "core__update__lanes": 1, "core__synapse__accumulates": "in_update"}
    return edge(**{"delivery": "next_step", "barrier__cycles": {1: 0}, **own, **changes})


def two_layers(n_in=4, n=6):
    rng = np.random.default_rng(1)
    populations = [Population("in", (n_in,), Input()), Population("a", (n,), Lif(1, membrane_bits=16))]
    populations.append(Population("b", (3,), Lif(1, membrane_bits=16)))
    projections = [
        Projection("in", "a", Dense(ints(rng, 0, 3, n_in, n)), IntCodec(4)),
        Projection("a", "b", Dense(ints(rng, 0, 3, n, 3)), IntCodec(4)),
    ]
    return Network(populations, projections)


@ENGINES
@given(st.integers(1, 30), st.integers(9, 30), st.integers(0, 3), st.integers(0, 3), st.integers(0, 4), st.data())
@settings(max_examples=25, deadline=None)
def test_a_tick_takes_as_long_whatever_happens(engine, axons, neurons, fixed, axon, access, data):
    # Slow enough links would outlast the walk; here a packet takes a few quanta and the walk is made longer than that.
    chip = scanning(
        fixed, axon, core__neurons=neurons, core__axons_in=axons + 10, core__update__access_cycles=access + 20,
        core__update__active_cycles=0, core__update__spike_cycles=0, core__egress_depth=64,
    )  # fmt: skip
    spikes = np.array(data.draw(st.lists(st.integers(0, 1), min_size=8, max_size=8))).reshape(1, 2, 4)
    cores = np.array([-1] * 4 + data.draw(st.lists(st.integers(0, 3), min_size=9, max_size=9)))
    stages = simulate_stages(two_layers(), chip, Stimulus.from_dense(spikes), engine=engine, placement=cores)
    tick = fixed + neurons * (access + 20 + axon * (axons + 10))
    busy = stages.timing.update_busy
    assert (busy == tick).all() and busy.shape[1] == chip.n_cores
    # The last neurons hold nothing, so what the others send has arrived by then, but for a core that is full.
    late = np.bincount(cores[4:]).max() == neurons
    assert late or (stages.timing.round_cycles == tick).all()


@ENGINES
def test_spikes_leave_at_the_end_of_their_own_walk(engine):
    chip = scanning(3, 2, core__neurons=9, core__axons_in=10, core__update__access_cycles=4)
    network = two_layers()
    plan = lower_timing(network, chip, map_network(network, chip, placement=np.array([-1] * 4 + [0] * 6 + [1] * 3)), 2)
    assert plan.update_before == 3 and plan.access_cycles == 24
    assert plan.update_after[:3].tolist() == [3 * 24, 6 * 24, 9 * 24] and plan.update_after.shape == (16,)
    stages = simulate_stages(
        network, chip, Stimulus.from_dense(np.ones((1, 2, 4))), engine=engine, log=True,
        placement=np.array([-1] * 4 + [0] * 6 + [1] * 3),
    )  # fmt: skip
    log = stages.timing.log
    source = np.repeat(np.arange(13), np.diff(plan.route_ptr))[log.route]
    sent = {(int(r), int(n) - 4): int(t) for r, n, t in zip(log.round, source, log.inject, strict=True) if n >= 4}
    assert sent and all(t == 3 + (k + 1) * 24 + 1 for (_, k), t in sent.items())


def test_a_packet_is_only_looked_up():
    network = two_layers()
    for lookup, busy in ((0, 1), (1, 1), (5, 5)):
        chip = scanning(core__synapse__axon_lookup_cycles=lookup)
        assert set(lower_timing(network, chip, map_network(network, chip), 2).route_busy.tolist()) == {busy}


def test_neurons_that_hold_nothing_may_be_left_out():
    network, chip = two_layers(), scanning(every=False)
    plan = lower_timing(network, chip, map_network(network, chip), 2)
    assert plan.update_after is None and plan.update_before == 2
    lanes = scanning(core__update__lanes=4, core__neurons=10, core__axons_in=10, core__update__access_cycles=1)
    plan = lower_timing(network, lanes, map_network(network, lanes, placement=np.array([-1] * 4 + [0] * 9)), 2)
    assert plan.update_after.tolist() == [11, *[33] * 15]


def test_impossible_plans():
    network, chip = two_layers(), scanning()
    plan = lower_timing(network, chip, map_network(network, chip), 1)
    trace = None
    for changes, message in (
        ({"update_before": -1}, r"plan\.update_before: got -1"),
        ({"update_after": np.zeros(3, np.int64)}, r"plan\.update_after: shape \(3,\), expected \(16,\)"),
        ({"update_after": np.full(16, -2)}, r"plan\.update_after: got -2"),
    ):
        with pytest.raises(NeurosimError, match=message):
            run_timing(replace(plan, **changes), trace)
