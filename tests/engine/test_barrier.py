"""Barriers made of messages: the closed forms against messages that travel, and cases worked out by hand."""

import heapq
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch.schema import Barrier
from neurosim.engine.barrier import barrier_plan
from neurosim.engine.noc import p3_router, simulate_packets
from neurosim.engine.plan import RouterPlan
from neurosim.engine.reference.barrier import all_done
from neurosim.engine.reference.ways import way
from neurosim.engine.timing import run_timing
from neurosim.engine.wiring import endpoint_ports, links
from neurosim.errors import NeurosimError
from tests.engine.test_timing import ENGINES, all_spike, chain

MESSAGES = {"kind": "messages", "root_cycles": 5}


@st.composite
def networks(draw, even=True):
    """Any topology; (router, its cores). ``even``: equal intervals and queues deep enough for a flit every interval."""
    side, latency = st.integers(1, 4), st.integers(1, 9)
    kind = draw(st.sampled_from(["mesh", "torus", "tree", "bus"]))
    interval = (draw(st.integers(1, 3)),) * 5 if even else tuple(draw(latency) for _ in range(5))
    router = replace(
        p3_router(draw(side), draw(side), virtual_channels=2, queue_depth=64 if even else draw(side)),
        latency_cycles=tuple(draw(latency) for _ in range(5)),
        interval_cycles=interval,
        injection_cycles=draw(latency),
        cores_per_tile=draw(st.integers(1, 3)),
        topology=kind,
    )
    if kind == "tree":
        arity, levels = draw(st.integers(2, 3)), draw(st.integers(0, 2))
        router = replace(router, arity=arity, levels=levels, width=arity**levels, height=1)
    if kind == "bus":
        router = replace(router, width=1, height=1)
    return router, router.n_tiles * router.cores_per_tile


def some(draw, n_cores):
    """Who takes part, and when each endpoint's work ended."""
    takes_part = np.array(draw(st.lists(st.booleans(), min_size=n_cores + 1, max_size=n_cores + 1)))
    top = draw(st.sampled_from([3, 30, 300]))
    ends = np.array(draw(st.lists(st.integers(0, top), min_size=n_cores + 1, max_size=n_cores + 1)))
    return takes_part, ends


@settings(max_examples=100, deadline=None)
@given(st.data(), st.booleans(), st.sampled_from(["reference", "fast"]))
def test_single_messages_against_packets_in_the_network(data, even, engine):
    """The root's port hears of everybody when the last of real packets, sent when the work ended, arrives there.

    With links slower than that port, or queues too short for their rate, packets take longer than the closed form says.
    """
    router, n_cores = data.draw(networks(even))
    takes_part, ends = some(data.draw, n_cores)
    takes_part[-1] = False  # packets of the traffic simulator come from cores
    tile = data.draw(st.integers(0, router.n_tiles - 1))
    plan = barrier_plan(
        Barrier(**MESSAGES, root=(tile % router.width, tile // router.width)), router, n_cores, takes_part
    )
    if plan.endpoint.size == 0:
        return
    sink = np.full(plan.endpoint.size, tile * router.cores_per_tile)
    _, arrive = simulate_packets(router, plan.endpoint, sink, ends[plan.endpoint], engine=engine)
    heard = all_done(plan, ends.tolist())
    assert heard == arrive.max() if even else heard <= arrive.max()


def travelled(barrier: Barrier, router: RouterPlan, n_cores: int, takes_part, ends):
    """(root has heard from all, last release, hops) with every message an event of its own."""
    ports = endpoint_ports(router, n_cores)
    to = {(link.router, link.port): link for link in links(router)}
    root = ports[-1][0]
    if barrier.root != "host":
        root = router.first_tile + barrier.root[0] + router.width * barrier.root[1]
    senders = [e for e in np.flatnonzero(takes_part).tolist() if not (barrier.root == "host" and e == n_cores)]
    local = router.latency_cycles[4]

    def onward(place):
        return to[place, way(router, place, (root, -1))]

    waits_for = {}  # messages that a router combines: its own cores' and its branches'
    for e in senders:
        place = ports[e][0]
        waits_for[place] = waits_for.get(place, 0) + 1
    for place in list(waits_for):
        while place != root:
            following = onward(place).neighbour
            new = following not in waits_for
            waits_for[following] = waits_for.get(following, 0) + 1
            if not new:
                break
            place = following
    events = [(int(ends[e]) + router.injection_cycles, ports[e][0]) for e in senders]
    heapq.heapify(events)
    got, hops, heard, tree = dict.fromkeys(waits_for, 0), 0, 0, set()
    if barrier.root == "host" and takes_part[n_cores]:
        heard = int(ends[n_cores])
    arrivals = []
    while events:
        now, place = heapq.heappop(events)
        got[place] += 1
        if barrier.combine:
            if got[place] < waits_for[place]:
                continue
            now += barrier.combine_cycles
        hops += 1
        if place == root:
            arrivals.append(now + local)
        else:
            link = onward(place)
            tree.add((link.neighbour, link.entry))
            heapq.heappush(events, (now + link.latency, link.neighbour))
    free = 0
    for at in sorted(arrivals):
        heard = max(heard, at, free)
        free = max(at, free) + (0 if barrier.combine else router.interval_cycles[4])
    # The release goes out by the ports at which messages came in.
    last, reached = 0, [(heard + barrier.root_cycles + router.injection_cycles, root)]
    while reached and senders:
        now, place = reached.pop()
        hops += sum(ports[e][0] == place for e in senders)
        if any(ports[e][0] == place for e in senders):
            last = max(last, now + local)
        for router_, port in tree:
            if router_ == place:
                link = to[router_, port]
                hops += 1
                reached.append((now + link.latency, link.neighbour))
    return heard, last if senders else heard, hops


@settings(max_examples=300, deadline=None)
@given(st.data(), networks(), st.booleans())
def test_messages_that_travel(data, network, combine):
    router, n_cores = network
    takes_part, ends = some(data.draw, n_cores)
    tile = data.draw(st.integers(0, router.n_tiles - 1))
    root = data.draw(st.sampled_from(["host", (tile % router.width, tile // router.width)]))
    barrier = Barrier(**MESSAGES, root=root, combine=combine, combine_cycles=data.draw(st.integers(0, 3)))
    plan = barrier_plan(barrier, router, n_cores, takes_part)
    heard = all_done(plan, ends.tolist())
    assert travelled(barrier, router, n_cores, takes_part, ends) == (heard, heard + plan.release, plan.hops)


def messages(**more):
    """Both cores of `chain` and no host, to the tile of core 1 (p3: 2 to inject, 3 a link, 3 to leave)."""
    return barrier_plan(Barrier(**MESSAGES, root=(1, 0), **more), p3_router(2, 1), 2, np.array([True, True, False]))


@ENGINES
def test_round_with_messages_by_hand(engine):
    # Core 0 sends its spike at 2 and is done; its message takes 2 + 3 + 3 and is there at 10. Core 1 works on the
    # packet from 10 to 11; its message takes 2 + 3 to the port: 16. The root takes 5, the way back to core 0 2 + 3 + 3.
    result = run_timing(chain(1, barrier=messages()), all_spike(1), engine)
    assert result.round_cycles.tolist() == [[16 + 5 + 8]]
    assert result.barrier_cycles.tolist() == [[29 - 11]]


@ENGINES
def test_messages_queue_at_the_root(engine):
    # Without work everybody is done at 0: messages at 8 and 5. With one flit in 6 quanta the second is taken at 11.
    router = replace(p3_router(2, 1), interval_cycles=(6,) * 5)
    plan = barrier_plan(Barrier(**MESSAGES, root=(1, 0)), router, 2, np.array([True, True, False]))
    quiet = chain(1, router=router, barrier=plan, access_cycles=0)
    spikes = replace(all_spike(1), neuron=np.zeros(0, np.int32), ptr=np.zeros(2, np.int64))
    assert run_timing(quiet, spikes, engine).round_cycles.tolist() == [[11 + 5 + 8]]
    # Combined: one quantum in each router, one message at the port at 2 + 1 + 3 + 1 + 3.
    plan = barrier_plan(Barrier(**MESSAGES, root=(1, 0), combine=True), router, 2, np.array([True, True, False]))
    assert run_timing(replace(quiet, barrier=plan), spikes, engine).round_cycles.tolist() == [[10 + 5 + 8]]
    # A link and the root's port there, a link and two cores' ports back; alone: two ports there.
    assert plan.hops == 2 + 3 and quiet.barrier.hops == 3 + 3


@pytest.mark.parametrize(
    ("changes", "place"),
    [
        ({"endpoint": np.array([0])}, "missing"),
        ({"gather": np.array([1])}, "gather"),
        ({"gather": np.array([1, -1])}, "gather"),
        ({"interval": -1}, "interval"),
        ({"root": 3}, "root"),
        ({"endpoint": np.array([1, 1])}, "endpoint"),
    ],
)
def test_impossible_barriers_are_refused(changes, place):
    plan = chain(1, barrier=replace(messages(), **changes))
    if "endpoint" in changes and changes["endpoint"].size == 1:
        plan = replace(plan, barrier=replace(plan.barrier, gather=np.array([1])))
    with pytest.raises(NeurosimError, match=place):
        run_timing(plan, all_spike(1))
