"""Fixed priority of a router: both engines on random packets, merges worked out by hand, and who has to wait."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.arch import load_chip
from neurosim.engine.lower import router_plan
from neurosim.engine.noc import p3_router, simulate_packets
from neurosim.engine.plan import RouterPlan
from neurosim.engine.timing import check_router
from neurosim.errors import NeurosimError

ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])
EAST, WEST, NORTH, SOUTH, LOCAL = range(5)


def ordered(*sides):
    """The same order for every way out."""
    return (sides,) * 5


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    width, height, per_tile = (int(rng.integers(1, top)) for top in (6, 5, 3))
    router = RouterPlan(
        width=width,
        height=height,
        cores_per_tile=per_tile,
        host_tile=0,
        virtual_channels=int(rng.choice([1, 1, 2, 3])),
        queue_depth=int(rng.integers(1, 6)),
        flits_per_packet=int(rng.choice([1, 1, 2, 3])),
        injection_cycles=int(rng.integers(1, 6)),
        latency_cycles=tuple(rng.integers(1, 5, 5).tolist()),
        interval_cycles=tuple(rng.integers(1, 4, 5).tolist()),
        credit_injection_cycles=int(rng.integers(1, 4)),
        credit_link_cycles=int(rng.integers(1, 4)),
        credit_local_cycles=int(rng.integers(1, 4)),
        priority=tuple(tuple(rng.permutation(5).tolist()) for _ in range(5)),
    )
    if rng.random() < 0.25:
        router = replace(router, topology="torus", virtual_channels=2 * int(rng.integers(1, 3)))
    n, cores = int(rng.integers(1, 80)), width * height * per_tile
    dst = rng.integers(0, cores, n) if rng.random() < 0.5 else np.full(n, rng.integers(cores))
    return router, rng.integers(0, cores, n), dst, rng.integers(0, rng.choice([1, 5, 60]), n)


@given(cases())
@settings(max_examples=300, deadline=None)
def test_engines_agree_on_random_packets(case):
    reference, fast = (simulate_packets(*case, engine=engine) for engine in ("reference", "fast"))
    assert np.array_equal(reference[0], fast[0]) and np.array_equal(reference[1], fast[1])


@ENGINES
def test_three_streams_meet(engine):
    # A row of three; ten packets from the west, the east and the middle itself to the middle, a flit a quantum.
    src, dst = np.repeat([0, 2, 1], 10), np.full(30, 1)
    for order, first in (((WEST, EAST, LOCAL), (0, 2, 1)), ((LOCAL, EAST, WEST), (1, 2, 0))):
        router = replace(p3_router(3, 1, queue_depth=20), priority=ordered(*order, NORTH, SOUTH))
        # Created so that all of them ask from one quantum on: the middle's has one router less to pass.
        ctime = np.concatenate([np.arange(10), np.arange(10), 3 + np.arange(10)])
        _, arrived = simulate_packets(router, src, dst, ctime, engine=engine)
        assert np.array_equal(np.argsort(arrived), np.concatenate([np.flatnonzero(src == node) for node in first]))
        assert np.array_equal(np.sort(arrived), 8 + np.arange(30))


@ENGINES
def test_local_ports_ascend(engine):
    router = replace(p3_router(1, 1), cores_per_tile=3, priority=ordered(LOCAL, EAST, WEST, NORTH, SOUTH))
    _, arrived = simulate_packets(router, [2, 1, 0], [0, 0, 0], [0, 0, 0], engine=engine)
    assert arrived.tolist() == [7, 6, 5]


@ENGINES
def test_each_way_out_has_its_own_order(engine):
    # Two ways out of the middle of a plus, each with traffic from the west and from its far side.
    order = [list(range(5)) for _ in range(5)]
    order[NORTH], order[SOUTH] = [WEST, SOUTH, EAST, NORTH, LOCAL], [NORTH, WEST, EAST, SOUTH, LOCAL]
    router = replace(p3_router(3, 3), priority=tuple(map(tuple, order)))
    west, north, south = 3, 7, 1
    src, dst = [west, south, west, north], [north, north, south, south]
    for packets, first in (((0, 1), 0), ((2, 3), 3)):
        pair = [src[k] for k in packets], [dst[k] for k in packets]
        _, arrived = simulate_packets(router, *pair, [0, 0], engine=engine)
        assert packets[int(np.argmin(arrived))] == first and abs(arrived[0] - arrived[1]) == 1


def test_ranc_in_an_empty_network():
    router = replace(router_plan(load_chip("ranc")), width=7, height=6)
    src, dst = (a.ravel() for a in np.meshgrid(np.arange(42), np.arange(42)))
    _, arrived = simulate_packets(router, src, dst, np.arange(src.size) * 40)
    tiles = np.abs(src % 7 - dst % 7) + np.abs(src // 7 - dst // 7)
    assert np.array_equal(arrived - np.arange(src.size) * 40, 6 + 2 * tiles)


@pytest.mark.parametrize("priority", [((0, 1, 2, 3, 4),) * 4, ((0, 1, 2, 3, 3),) * 5, ((0, 1, 2, 3),) * 5])
def test_an_order_is_all_five(priority):
    with pytest.raises(NeurosimError, match=r"plan\.router\.priority: expected five rows"):
        check_router(replace(p3_router(2, 2), priority=priority))


def test_an_order_is_for_grids():
    router = replace(p3_router(1, 1), topology="bus", priority=ordered(EAST, WEST, NORTH, SOUTH, LOCAL))
    with pytest.raises(NeurosimError, match="got one for a bus, expected it on a mesh or torus only"):
        check_router(router)


def test_sides_that_a_chip_does_not_name_come_last():
    chip = load_chip("ranc")
    named = chip.router.priority.model_copy(update={"south": ("north",), "east": ()})
    plan = router_plan(chip.model_copy(update={"router": chip.router.model_copy(update={"priority": named})}))
    assert plan.priority[SOUTH] == (NORTH, EAST, WEST, SOUTH, LOCAL)
    assert plan.priority[EAST] == (EAST, WEST, NORTH, SOUTH, LOCAL)
    assert plan.input_order(SOUTH) == [2, 0, 1, 3, 4, 5]
