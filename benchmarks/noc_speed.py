"""Nanoseconds per flit-hop of the fast router: 8x8 mesh, pipeline p3, uniform Bernoulli traffic, one thread.

A flit-hop is one passage of one flit through one router, ejection included. Run: python benchmarks/noc_speed.py
"""

from __future__ import annotations

import time

import numpy as np

from neurosim.engine.noc import p3_router, simulate_packets

CASES = ((8, 0.02, 1, 1), (8, 0.1, 1, 1), (8, 0.3, 1, 1), (16, 0.1, 1, 1), (8, 0.1, 2, 1), (8, 0.1, 4, 4))


def uniform(k: int, rate: float, cycles: int, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(src, dst, ctime) of packets that each node creates with probability ``rate`` a cycle."""
    rng = np.random.default_rng(seed)
    ctime, src = np.nonzero(rng.random((cycles, k * k)) < rate)
    return src, rng.integers(0, k * k, src.size), ctime


def measure(k: int, rate: float, vcs: int, flits: int, cycles: int = 20_000, repeats: int = 3) -> float:
    """Best of ``repeats``, in ns a flit-hop."""
    src, dst, ctime = uniform(k, rate / flits, cycles)
    hops = np.abs(src % k - dst % k) + np.abs(src // k - dst // k) + 1
    router = p3_router(k, k, virtual_channels=vcs, queue_depth=8, flits=flits)
    simulate_packets(router, src[:1], dst[:1], ctime[:1])
    best = np.inf
    for _ in range(repeats):
        start = time.process_time()
        simulate_packets(router, src, dst, ctime)
        best = min(best, time.process_time() - start)
    return best * 1e9 / (hops.sum() * flits)


if __name__ == "__main__":
    for k, rate, vcs, flits in CASES:
        print(f"{k}x{k} rate {rate:<4} V={vcs} L={flits}: {measure(k, rate, vcs, flits):6.1f} ns per flit-hop")
