"""Closed forms of the router alone, on both engines."""

from __future__ import annotations

from math import ceil

import numpy as np
import pytest

from neurosim.engine.noc import p3_router, simulate_packets
from neurosim.errors import NeurosimError

ENGINES = pytest.mark.parametrize("engine", ["reference", "fast"])


@ENGINES
@pytest.mark.parametrize("flits", [1, 2, 5])
def test_zero_load_latency(engine, flits):
    # one packet at a time, far apart, from every node of a row to every node: 2 + 3 H + (L - 1)
    src, dst = (a.ravel() for a in np.meshgrid(np.arange(16), np.arange(16)))
    ctime = np.arange(256) * 100
    itime, atime = simulate_packets(p3_router(4, 4), src, dst, ctime, flits, engine)
    hops = np.abs(src % 4 - dst % 4) + np.abs(src // 4 - dst // 4) + 1
    assert np.array_equal(itime, ctime)
    assert np.array_equal(atime - itime, 2 + 3 * hops + flits - 1)


def burst_to_one(k: int, each: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    src = np.repeat(np.arange(k * k), each)
    return src, np.full(src.size, k + 1), np.tile(np.arange(each), k * k)


@ENGINES
@pytest.mark.parametrize(("k", "each", "vcs", "depth"), [(4, 4, 1, 5), (4, 8, 1, 8), (3, 5, 2, 4), (4, 3, 4, 2)])
def test_all_to_one_burst_drains_a_flit_a_quantum(engine, k, each, vcs, depth):
    _, atime = simulate_packets(p3_router(k, k, vcs, depth), *burst_to_one(k, each), engine=engine)
    assert atime.max() + 1 == k * k * each + 5


@ENGINES
def test_all_to_one_burst_with_queues_shorter_than_the_credit_loop(engine):
    _, atime = simulate_packets(p3_router(4, 4, queue_depth=4), *burst_to_one(4, 5), engine=engine)
    assert atime.max() + 1 == 5 * (ceil(80 / 4) - 1) + 9


def test_no_packets():
    itime, atime = simulate_packets(p3_router(2, 2), [], [], [])
    assert itime.size == atime.size == 0


def test_wrong_node():
    with pytest.raises(NeurosimError, match=r"packets\.dst: 4 to 4, expected 0 to 3"):
        simulate_packets(p3_router(2, 2), [0], [4], [0])
