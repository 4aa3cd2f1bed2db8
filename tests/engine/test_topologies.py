"""Torus, tree, bus, several chips and multicast, in cases worked out by hand; both engines."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.engine.noc import simulate_packets
from neurosim.engine.plan import TimingPlan
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from tests.engine import topologies as t
from tests.engine.timing_plans import trace_of

ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])


def latency(router, pairs, engine):
    """Latency of each pair, sent one at a time."""
    src, dst = (np.array(x) for x in zip(*pairs, strict=True))
    itime, atime = simulate_packets(router, src, dst, 1000 * np.arange(src.size), engine=engine)
    return (atime - itime).tolist()


@ENGINES
def test_a_torus_goes_the_shorter_way_round_and_ties_go_up(engine):
    router = t.torus(4, 4)
    # links: 0 -> 1, 0 -> 3 (one to the west), 0 -> 2 (two, a tie), 0 -> 15 (one west, one south), 0 -> 10 (two ties)
    assert latency(router, [(0, 1), (0, 3), (0, 2), (0, 15), (0, 10)], engine) == [8, 8, 11, 11, 17]
    times = tuple(range(3, 8))
    tied = replace(router, latency_cycles=times)
    assert latency(tied, [(0, 2), (0, 8), (0, 3)], engine) == [2 + 2 * 3 + 7, 2 + 2 * 5 + 7, 2 + 4 + 7]


@ENGINES
def test_rings_of_full_queues_do_not_wait_for_themselves(engine):
    """Every node of a ring floods the one half way round: without two classes of channels this would never end."""
    router = t.torus(6, 1, queue_depth=1)
    src = np.repeat(np.arange(6), 20)
    itime, atime = simulate_packets(router, src, (src + 3) % 6, np.tile(np.arange(20), 6), engine=engine)
    assert (atime > itime).all()


@ENGINES
def test_a_tree_climbs_to_the_first_common_router(engine):
    router = t.tree(2, 3)
    # links: siblings 2, cousins 4, across the root 6
    assert latency(router, [(0, 0), (0, 1), (0, 2), (0, 7)], engine) == [5, 11, 17, 23]


@ENGINES
def test_a_bus_carries_one_flit_at_a_time(engine):
    router = t.bus(8, interval_cycles=(4,) * 5)
    src, dst = np.arange(4), np.arange(4, 8)
    _, atime = simulate_packets(router, src, dst, np.zeros(4, int), engine=engine)
    # disjoint pairs would not meet in a router; on the bus they follow one another, from the pointer upwards
    assert atime.tolist() == [5, 9, 13, 17]


@ENGINES
def test_links_between_chips_have_their_own_times(engine):
    cut = {"chip_width": 2, "chip_height": 1, "off_chip_latency_cycles": 30, "off_chip_interval_cycles": 10}
    router = t.mesh(4, 1, **cut)
    assert latency(router, [(0, 1), (1, 2), (0, 3)], engine) == [8, 35, 41]
    src = np.zeros(3, int)
    _, atime = simulate_packets(router, src, src + 2, src, engine=engine)
    assert np.diff(atime).tolist() == [10, 10]


def fan_out(router, n_cores: int, source: int, ends: list[int]) -> TimingPlan:
    """One neuron on core ``source`` that spikes once, to all of ``ends``."""
    return TimingPlan(
        router=router, n_cores=n_cores, ingress_depth=8, egress_depth=1, egress_cycles=1, host_cycles=1,
        update_lanes=1, access_cycles=0, active_cycles=0, spike_cycles=0, touched_only=False,
        population=np.zeros(1, np.int32), endpoint=np.array([source], np.int32),
        slot_ptr=(np.arange(n_cores + 1) > source).astype(np.int64), slot_neuron=np.zeros(1, np.int32),
        updates=np.ones(1, bool), route_ptr=np.array([0, len(ends)]), route_endpoint=np.array(ends, np.int32),
        route_busy=np.ones(len(ends), np.int64), round_timestep=np.zeros((1, 1), np.int32), barrier_cycles=0,
    )  # fmt: skip


@ENGINES
@pytest.mark.parametrize(
    ("router", "source", "ends", "links"),
    [
        # 4 x 4 mesh from the corner to the east column: three links east, three north, not 3 + 4 + 5 + 6
        (t.mesh(4, 4), 0, [3, 7, 11, 15], 6),
        (t.mesh(4, 4), 5, [0, 3, 5, 12, 15], 9),
        (t.torus(4, 4), 0, [3, 12, 15], 3),
        (t.tree(2, 3), 0, [1, 2, 3, 4, 5, 6, 7], 14),
        (t.bus(6), 0, [1, 2, 5], 0),
    ],
)
def test_one_flit_a_branch_link(engine, router, source, ends, links):
    n_cores = router.n_tiles * router.cores_per_tile
    trace = trace_of(np.ones((1, 1), bool), np.zeros((1, 1), bool), 1, 1)
    one = run_timing(fan_out(replace(router, multicast=True), n_cores, source, ends), trace, engine, log=True)
    assert one.link_flits[:, : router.first_local].sum() == links
    assert one.link_flits[:, router.first_local :].sum() == len(ends)
    assert (one.injected.sum(), one.sent.tolist(), one.delivered.tolist()) == (1, [1] * len(ends), [1] * len(ends))
    many = run_timing(fan_out(router, n_cores, source, ends), trace, engine, log=True)
    assert many.injected.sum() == len(ends)
    assert many.link_flits[:, : router.first_local].sum() >= links
    assert many.round_cycles.sum() >= one.round_cycles.sum()
    if router.topology == "bus":  # one transaction reaches all
        assert len(set(one.log.arrive.tolist())) == 1


@ENGINES
def test_a_copy_waits_alone_for_its_way(engine):
    """East is busy for long, so the copy to the north leaves first; the flit stays until both are gone."""
    router = t.mesh(2, 2, multicast=True, interval_cycles=(50, 1, 1, 1, 1))
    plan = fan_out(router, 4, 0, [1, 2])
    plan = replace(
        plan, population=np.zeros(2, np.int32), endpoint=np.zeros(2, np.int32), slot_ptr=np.array([0, 2, 2, 2, 2]),
        slot_neuron=np.arange(2, dtype=np.int32), route_ptr=np.array([0, 1, 3]),
        route_endpoint=np.array([1, 1, 2], np.int32), route_busy=np.ones(3, np.int64), egress_depth=2,
    )  # fmt: skip
    trace = trace_of(np.ones((1, 2), bool), np.zeros((1, 2), bool), 1, 1)
    log = run_timing(plan, trace, engine, log=True).log
    first, east, north = log.arrive.tolist()
    assert east - first == 50
    # The first packet keeps its input busy as long as the link that it takes, so both copies go at its end.
    assert north == east


def test_impossible_networks_are_refused():
    trace = trace_of(np.ones((1, 1), bool), np.zeros((1, 1), bool), 1, 1)
    for router, text in (
        (replace(t.torus(2, 2), virtual_channels=1), "expected an even number on a torus"),
        (replace(t.mesh(2, 2), multicast=True, flits_per_packet=2), "flits_per_packet with multicast: got 2"),
        (replace(t.mesh(2, 2), topology="star"), "topology: got 'star', expected mesh, torus, tree, bus"),
        (replace(t.tree(2, 1), width=3), "width: got 3, expected 2 to 2"),
    ):
        with pytest.raises(NeurosimError, match=text):
            run_timing(fan_out(router, 1, 0, [0]), trace)
