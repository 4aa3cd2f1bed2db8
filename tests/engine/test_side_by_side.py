"""What the units of a core do side by side, by hand: look-up, pipeline fill, injection, a shared port, waits."""

from dataclasses import replace

import numpy as np
import pytest

from neurosim.engine.plan import WAITS
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from tests.engine.test_timing import ENGINES, all_spike, chain
from tests.engine.timing_plans import trace_of


def waits(result, endpoint):
    """Quanta by cause in round 0, those that are not 0."""
    return {name: int(n) for name, n in zip(WAITS, result.waits[0, endpoint], strict=True) if n}


@ENGINES
def test_lookup_beside_the_work_before_it(engine):
    # Three packets arrive at 10, 11, 12. In turn: 2 of look-up and 5 of work each, 10 + 3 * 7.
    burst = {"update_lanes": 3, "ingress_depth": 64}
    plan = chain(3, route_busy=np.full(3, 7), **burst)
    assert run_timing(plan, all_spike(3), engine).round_cycles.tolist() == [[31]]
    # Side by side: looked up 10 to 12, worked on 12 to 17; the second is looked up 12 to 14 and waits until 17; the
    # third is popped at 17 and waits from 19 to 22.
    plan = chain(3, route_busy=np.full(3, 5), overlap_lookup=True, lookup_cycles=2, **burst)
    result = run_timing(plan, all_spike(3), engine)
    assert result.round_cycles.tolist() == [[12 + 3 * 5]]
    assert result.synapse_busy.tolist() == [[0, 15]]
    # A look-up longer than the work is what counts: 10 + 3 * 6 and the work of the last.
    plan = chain(3, route_busy=np.full(3, 5), overlap_lookup=True, lookup_cycles=6, **burst)
    assert run_timing(plan, all_spike(3), engine).round_cycles.tolist() == [[10 + 3 * 6 + 5]]


@ENGINES
def test_a_pipeline_fills_once(engine):
    # Work of 4 a packet back to back, the last result 9 quanta later: 10 + 2 * 4 + 9.
    plan = chain(2, update_lanes=2, route_busy=np.full(2, 4), fill_cycles=9)
    result = run_timing(plan, all_spike(2), engine)
    assert result.round_cycles.tolist() == [[27]]
    assert result.synapse_busy.tolist() == [[0, 8]]


@ENGINES
def test_injection_in_turn_with_updates(engine):
    # Groups of 3 quanta, packets made in 2. Beside each other: pushed at 3, 6, 9, sent at 5, 8, 11.
    plan = chain(3, access_cycles=3, egress_cycles=2)
    assert run_timing(plan, all_spike(3), engine, log=True).log.inject.tolist() == [5, 8, 11]
    # In turn: sent at 5, so the next group runs 6 to 9 and is sent at 11, the last 12 to 15, sent at 17.
    result = run_timing(replace(plan, serial_egress=True), all_spike(3), engine, log=True)
    assert result.log.inject.tolist() == [5, 11, 17]
    assert waits(result, 0) == {"update_injection": 3 + 3}
    assert result.round_cycles.tolist() == [[17 + 8 + 1]]


def to_itself(n, **changes):
    """Every neuron of core 0 sends to its own core: packets arrive 5 quanta after they are sent."""
    return chain(n, route_endpoint=np.zeros(n, np.int32), **changes)


@ENGINES
def test_updates_and_packets_share_a_port(engine):
    # One group of 2 quanta, then three of 6 without spikes. The spike is pushed at 2, sent at 3, there at 8. Groups run
    # 0-2, 2-8, 8-14, 14-20: at 8 and 14 the update unit goes first. The packet's 4 quanta begin at 20.
    plan = to_itself(
        4, shared_port=True, access_cycles=0, active_cycles=6, spike_cycles=2, route_busy=np.full(4, 4)
    )  # fmt: skip
    spikes, active = np.array([[True, False, False, False]]), np.array([[False, True, True, True]])
    result = run_timing(plan, trace_of(spikes, active, 1, 1), engine, log=True)
    assert result.log.arrive.tolist() == [8]
    assert result.round_cycles.tolist() == [[24]]
    assert waits(result, 0) == {"synapse_shared_port": 12}
    alone = run_timing(replace(plan, shared_port=False), trace_of(spikes, active, 1, 1), engine)
    assert alone.round_cycles.tolist() == [[20]] and waits(alone, 0) == {}


@ENGINES
def test_an_update_waits_for_the_packet_in_hand(engine):
    # One place in the egress queue, 8 quanta a packet. Spikes: pushed at 1 (popped at once), 2; the third group ends
    # at 3 and stalls until 10, when the first packet (sent at 9) has made room. It arrived at 14, in the middle of
    # nothing: the port is free. Group four may start at 10 and ends at 11; it waits for room until 18.
    plan = to_itself(5, shared_port=True, egress_depth=1, egress_cycles=8, route_busy=np.full(5, 6), ingress_depth=64)
    result = run_timing(plan, all_spike(5), engine, log=True)
    # Packet 0 is worked on 14 to 20. Spike 3 is pushed at 18; group five would start then and waits until 20.
    assert result.log.inject.tolist() == [9, 17, 25, 33, 41]
    assert waits(result, 0) == {"update_shared_port": 2}
    # It ends at 21, and its spike is pushed at 26.
    assert result.update_stall.tolist() == [[(10 - 3) + (18 - 11) + (26 - 21), 0]]


@ENGINES
def test_shared_port_backs_up_into_the_network(engine):
    # Core 1 updates for 100 quanta while ten packets come in: its queue of 2 and the router's of 2 and 2 fill up, and
    # core 0 waits for credits.
    n = 11
    plan = chain(
        n, router=replace(chain(1).router, queue_depth=2), ingress_depth=2, shared_port=True, update_lanes=10,
        access_cycles=0, active_cycles=100, population=np.repeat([0, 1], [10, 1]), updates=np.array([True, True]),
        endpoint=np.repeat([0, 1], [10, 1]), slot_ptr=np.array([0, 10, 11]),
        route_ptr=np.append(np.arange(11), 10), route_endpoint=np.ones(10, np.int32), route_busy=np.ones(10, np.int64),
        round_timestep=np.zeros((1, 2), np.int32),
    )  # fmt: skip
    active = np.zeros((1, n), bool)
    active[0, 10] = True
    spikes = ~active
    result = run_timing(plan, trace_of(spikes, active, 1, 1), engine, log=True)
    first = int(result.log.arrive[0])
    assert waits(result, 1) == {"synapse_shared_port": 100 - first}
    held = waits(result, 0)["egress_network"]
    free = run_timing(replace(plan, shared_port=False), trace_of(spikes, active, 1, 1), engine)
    assert held > 80 + waits(free, 0).get("egress_network", 0)
    assert result.round_cycles[0, 0] > 100 >= free.round_cycles[0, 0]


@ENGINES
def test_waiting_for_credits_is_counted(engine):
    # A link that takes a flit every 7 quanta and queues of one place: what the units sent late is counted as waiting.
    router = replace(chain(1).router, queue_depth=1, interval_cycles=(7, 7, 1, 1, 1))
    result = run_timing(chain(4, router=router, update_lanes=4), all_spike(4), engine, log=True)
    ready = result.log.inject[0]
    waited, at = 0, ready
    for sent in result.log.inject[1:]:
        waited += sent - (at + 1)
        at = sent
    assert waits(result, 0) == {"egress_network": waited} and waited > 0


@ENGINES
def test_conflicts_are_counted_where_they_happen(engine):
    plan = chain(3, route_busy=np.full(3, 6), route_conflict=np.array([1, 0, 4]))
    assert waits(run_timing(plan, all_spike(3), engine), 1) == {"synapse_bank_conflict": 5}


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"lookup_cycles": -1}, "lookup_cycles"),
        ({"fill_cycles": -1}, "fill_cycles"),
        ({"route_conflict": np.array([0, 2])}, "route_conflict"),
        ({"route_conflict": np.zeros(3, np.int64)}, "route_conflict"),
    ],
)
def test_impossible_settings_are_refused(changes, place):
    with pytest.raises(NeurosimError, match=place):
        run_timing(chain(2, **changes), all_spike(2))
