"""The two timing engines against each other, against counting, and against cases worked out by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.engine.noc import p3_router
from neurosim.engine.plan import IDLE, NOT_IN_ROUND, TimingPlan, TimingResult
from neurosim.engine.reference.ways import way
from neurosim.engine.timing import run_timing
from neurosim.engine.wiring import endpoint_ports, links
from neurosim.errors import NeurosimError
from tests.engine.timing_plans import random_case, trace_of

SEEDS = st.integers(0, 2**32 - 1)
ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])
RELAXED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow]}


def differing(a: TimingResult, b: TimingResult) -> list[str]:
    """Names of the fields that are not equal in value, type and shape, the packet log's included."""
    pairs = {name: (value, getattr(b, name)) for name, value in vars(a).items() if name != "log"}
    if a.log is not None and b.log is not None:
        pairs |= {f"log.{name}": (value, getattr(b.log, name)) for name, value in vars(a.log).items()}
    elif a.log is not b.log:
        return ["log"]
    return [n for n, (x, y) in pairs.items() if x.dtype != y.dtype or x.shape != y.shape or not np.array_equal(x, y)]


def check_equal(seed: int) -> None:
    plan, trace = random_case(seed)
    reference = run_timing(plan, trace, "reference", log=True)
    assert differing(reference, run_timing(plan, trace, "fast", log=True, threads=1 + seed % 2)) == []


@settings(max_examples=300, **RELAXED)
@given(SEEDS)
def test_engines_agree_on_random_plans(seed):
    check_equal(seed)


@pytest.mark.slow
@pytest.mark.ci
@settings(max_examples=5_000, **RELAXED)
@given(SEEDS)
def test_engines_agree_on_many_random_plans(seed):
    check_equal(seed)


@settings(max_examples=60, **RELAXED)
@given(SEEDS)
def test_what_is_sent_arrives_and_what_is_routed_is_sent(seed):
    plan, trace = random_case(seed)
    result = run_timing(plan, trace, log=True)
    per_route = np.repeat(result.spiked, np.diff(plan.route_ptr))
    assert np.array_equal(result.sent, per_route)
    assert np.array_equal(result.delivered, per_route)
    assert np.array_equal(np.bincount(result.log.route, minlength=plan.n_routes), per_route)
    local = result.link_flits[:, plan.router.first_local :].sum()
    assert local == per_route.sum() * plan.router.flits_per_packet
    assert (result.active <= result.accessed).all()
    busy = np.bincount(plan.route_endpoint, per_route * plan.route_busy, plan.n_cores + 1)[:-1]
    bodies = np.bincount(plan.route_endpoint, per_route, plan.n_cores + 1)[:-1] * (plan.router.flits_per_packet - 1)
    assert np.array_equal(result.synapse_busy.sum(axis=0), busy + bodies)


@settings(max_examples=60, **RELAXED)
@given(SEEDS)
def test_no_packet_is_faster_than_the_empty_network(seed):
    plan, trace = random_case(seed)
    log = run_timing(plan, trace, log=True).log
    source = np.repeat(np.arange(plan.n_neurons), np.diff(plan.route_ptr))[log.route]
    for k in range(log.route.size):
        least = zero_load(plan, int(plan.endpoint[source[k]]), int(plan.route_endpoint[log.route[k]]))
        assert log.arrive[k] - log.inject[k] >= least


@settings(max_examples=40, **RELAXED)
@given(SEEDS, st.integers(2, 5))
def test_results_do_not_depend_on_threads(seed, threads):
    plan, trace = random_case(seed)
    for log in (False, True):
        one = run_timing(plan, trace, log=log, threads=1)
        assert differing(one, run_timing(plan, trace, log=log, threads=threads)) == []


def zero_load(plan: TimingPlan, source: int, destination: int) -> int:
    """Injection of the head to arrival of the tail when nothing is in the way."""
    router = plan.router
    places = endpoint_ports(router, plan.n_cores)
    latency = {(link.router, link.port): link.latency for link in links(router)}
    leads = {(link.router, link.port): link.neighbour for link in links(router)}
    at, total = places[source][0], 0
    while at != places[destination][0]:
        step = at, way(router, at, places[destination])
        total += latency[step]
        at = leads[step]
    return router.injection_cycles + total + router.latency_cycles[4] + router.flits_per_packet - 1


def chain(n: int, **changes) -> TimingPlan:
    """``n`` neurons of one updating population on core 0 of a 2x1 mesh; each sends to core 1. p3, costs of 1."""
    fields = {
        "router": p3_router(2, 1, queue_depth=8),
        "n_cores": 2,
        "ingress_depth": 8,
        "egress_depth": 64,
        "egress_cycles": 1,
        "host_cycles": 1,
        "update_lanes": 1,
        "access_cycles": 1,
        "active_cycles": 0,
        "spike_cycles": 0,
        "touched_only": False,
        "population": np.zeros(n, np.int32),
        "endpoint": np.zeros(n, np.int32),
        "slot_ptr": np.array([0, n, n]),
        "slot_neuron": np.arange(n, dtype=np.int32),
        "updates": np.array([True]),
        "route_ptr": np.arange(n + 1),
        "route_endpoint": np.ones(n, np.int32),
        "route_busy": np.ones(n, np.int64),
        "round_timestep": np.zeros((1, 1), np.int32),
        "barrier_cycles": 0,
    }
    return TimingPlan(**fields | changes)


def all_spike(n: int, active: bool = False):
    return trace_of(np.ones((1, n), bool), np.full((1, n), active), 1, 1)


@ENGINES
def test_one_spike_in_an_empty_network(engine):
    # updated at 1, popped at 1, ready and sent at 2; 2 + 3 * 2 quanta on the way; one quantum of synapse work
    result = run_timing(chain(1, barrier_cycles=7), all_spike(1), engine, log=True)
    assert (result.log.inject[0], result.log.arrive[0]) == (2, 10)
    assert result.round_cycles.tolist() == [[10 + 1 + 7]]


@ENGINES
def test_a_round_without_work_costs_the_barrier(engine):
    plan = chain(3, round_timestep=np.full((1, 1), NOT_IN_ROUND, np.int32), barrier_cycles=5)
    result = run_timing(plan, all_spike(3), engine)
    assert result.round_cycles.tolist() == [[5]]
    assert result.accessed.tolist() == [0, 0, 0]


@ENGINES
def test_idle_population_is_accessed_and_never_spikes(engine):
    plan = chain(3, round_timestep=np.full((1, 1), IDLE, np.int32), access_cycles=4, active_cycles=9, spike_cycles=9)
    result = run_timing(plan, all_spike(3, active=True), engine)
    assert result.round_cycles.tolist() == [[12]]
    assert (result.accessed.tolist(), result.active.sum(), result.spiked.sum()) == ([1, 1, 1], 0, 0)


@ENGINES
def test_touched_only_skips_what_has_nothing_to_do(engine):
    plan = chain(5, touched_only=True, update_lanes=2, access_cycles=3, active_cycles=2, route_ptr=np.zeros(6, int),
                 route_endpoint=np.zeros(0, np.int32), route_busy=np.zeros(0, int))  # fmt: skip
    active = np.array([[True, False, True, False, True]])
    result = run_timing(plan, trace_of(np.zeros((1, 5), bool), active, 1, 1), engine)
    assert result.accessed.tolist() == [1, 0, 1, 0, 1]
    assert result.update_busy.tolist() == [[2 * 5, 0]]  # slots 0 and 2 side by side, then slot 4


@ENGINES
def test_a_full_queue_stalls_the_update_unit(engine):
    # One lane, one place, 4 quanta a packet. Spike 0 is pushed at 1 and popped at once; spike 1 takes the place at 2
    # and waits for the unit, which sends spike 0 at 5 and pops in that quantum; spike 2 is done at 3 and goes in at 6.
    # Spike 3 is done at 7, the place is free at 10.
    result = run_timing(chain(4, egress_depth=1, egress_cycles=4), all_spike(4), engine, log=True)
    assert result.log.inject.tolist() == [5, 9, 13, 17]
    assert result.update_busy.tolist() == [[4, 0]]
    assert result.update_stall.tolist() == [[(6 - 3) + (10 - 7), 0]]
    assert result.round_cycles.tolist() == [[17 + 8 + 1]]


@ENGINES
def test_egress_sends_a_packet_every_egress_cycles(engine):
    plan = chain(2, update_lanes=2, egress_cycles=5, route_ptr=np.array([0, 2, 4]),
                 route_endpoint=np.array([0, 1, 0, 1], np.int32), route_busy=np.ones(4, int))  # fmt: skip
    assert run_timing(plan, all_spike(2), engine, log=True).log.inject.tolist() == [6, 11, 16, 21]


@ENGINES
def test_synapse_unit_is_the_bottleneck(engine):
    # Ten packets arrive a quantum apart from 10 on; each keeps the unit busy for 6.
    plan = chain(10, update_lanes=10, route_busy=np.full(10, 6), ingress_depth=64)
    result = run_timing(plan, all_spike(10), engine, log=True)
    assert result.log.arrive.tolist() == list(range(10, 20))
    assert result.round_cycles.tolist() == [[10 + 10 * 6]]
    assert result.synapse_busy.tolist() == [[0, 60]]


@ENGINES
def test_links_take_a_flit_every_interval(engine):
    router = replace(p3_router(2, 1, queue_depth=32), interval_cycles=(7, 7, 1, 1, 1))
    plan = chain(5, router=router, update_lanes=5, ingress_depth=64)
    assert run_timing(plan, all_spike(5), engine, log=True).log.arrive.tolist() == [10 + 7 * k for k in range(5)]


@ENGINES
def test_host_spikes_wait_in_ascending_order(engine):
    plan = chain(4, endpoint=np.full(4, 2, np.int32), updates=np.array([False]), slot_ptr=np.zeros(3, int),
                 slot_neuron=np.zeros(0, np.int32), host_cycles=3)  # fmt: skip
    result = run_timing(plan, all_spike(4), engine, log=True)
    assert result.log.inject.tolist() == [3, 6, 9, 12]
    assert result.accessed.tolist() == [0, 0, 0, 0]
    assert result.spiked.tolist() == [1, 1, 1, 1]
    assert result.link_flits[0].tolist() == [4, 0, 0, 0, 0, 0]


@ENGINES
def test_input_slots_on_a_core_stand_between_groups(engine):
    # Slots: update, input, update, update, two lanes. The input slot closes the first group after one slot of cost 5,
    # so the groups end at 5 and 10; the input spike is pushed at 5, behind the first group's.
    plan = chain(4, update_lanes=2, access_cycles=5, population=np.array([0, 1, 0, 0], np.int32),
                 updates=np.array([True, False]), round_timestep=np.zeros((1, 2), np.int32))  # fmt: skip
    result = run_timing(plan, all_spike(4), engine, log=True)
    assert result.log.inject.tolist() == [6, 7, 11, 12]
    assert result.accessed.tolist() == [1, 0, 1, 1]
    assert result.update_busy.tolist() == [[10, 0]]


@ENGINES
def test_duplicate_spikes_are_refused(engine):
    trace = replace(all_spike(2), neuron=np.array([1, 1], np.int32))
    with pytest.raises(NeurosimError, match="at most once a timestep"):
        run_timing(chain(2), trace, engine)


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"egress_depth": 0}, "egress_depth"),
        ({"route_busy": np.zeros(2, np.int64)}, "route_busy"),
        ({"route_endpoint": np.full(2, 3, np.int32)}, "route_endpoint"),
        ({"endpoint": np.ones(2, np.int32)}, "slot_neuron"),
        ({"slot_neuron": np.zeros(2, np.int32)}, "slot_neuron"),
        ({"round_timestep": np.full((1, 1), 1, np.int32)}, "round_timestep"),
        ({"router": replace(p3_router(2, 1), injection_cycles=0)}, "router.injection_cycles"),
        ({"router": replace(p3_router(2, 1), host_tile=2)}, "router.host_tile"),
    ],
)
def test_impossible_plans_are_refused(changes, place):
    with pytest.raises(NeurosimError, match=place):
        run_timing(chain(2, **changes), all_spike(2))


def test_unknown_engine():
    with pytest.raises(NeurosimError, match="'fast' or 'reference'"):
        run_timing(chain(1), all_spike(1), "slow")
