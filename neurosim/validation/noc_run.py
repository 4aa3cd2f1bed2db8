"""What both tables of the kind ``noc`` share: the router a line describes, and why one is left out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.engine.noc import p3_router
from neurosim.engine.plan import RouterPlan
from neurosim.validation.table import Row

ROUTER_COLUMNS = ("topology", "k", "pipeline", "num_vcs", "vc_buf_size", "packet_size")
TOPOLOGIES = ("mesh", "torus")
MAX_NODES_A_SIDE = 64
MAX_CYCLE = 1 << 40
MAX_PACKETS = 10_000_000
MAX_PLACES = 1 << 22


def nodes_a_side(row: Row) -> int:
    return row.whole("k", 1, MAX_NODES_A_SIDE)


def router_of(row: Row) -> RouterPlan:
    """The `p3` mesh or torus of k x k nodes with the line's virtual channels, queue depth and flits a packet."""
    k = nodes_a_side(row)
    vcs, depth = row.whole("num_vcs", 1, 16), row.whole("vc_buf_size", 1, 4096)
    if k * k * vcs * depth > MAX_PLACES:
        raise row.wrong("vc_buf_size", f"at most {MAX_PLACES // (k * k * vcs)} for {k * k} nodes x {vcs} channels")
    router = p3_router(k, k, vcs, depth, row.whole("packet_size", 1, 256))
    return replace(router, topology="torus") if is_torus(row) else router


def burst_size(row: Row) -> int:
    """Packets a node of a burst."""
    return row.whole("batch_size", 1, MAX_PACKETS // nodes_a_side(row) ** 2)


def is_torus(row: Row) -> bool:
    return row.text("topology", TOPOLOGIES) == "torus"


def routers(src: np.ndarray, dst: np.ndarray, k: int, torus: bool = False) -> np.ndarray:
    """Routers passed by each packet on k x k nodes, distance + 1; arrays (n_packets,) of node numbers."""
    axes = np.abs(src % k - dst % k), np.abs(src // k - dst // k)
    return sum(np.minimum(a, k - a) if torus else a for a in axes) + 1


def left_out(row: Row) -> str | None:
    """Why the line's router is outside the timing contract, or None when it is inside."""
    if is_torus(row) and row.whole("num_vcs", 1, 16) % 2:
        return "torus with an odd number of channels; half of them are for each side of the edge"
    if (pipeline := row.text("pipeline")) != "p3":
        return f"pipeline {pipeline}; only p3 is specified to the cycle"
    return None
