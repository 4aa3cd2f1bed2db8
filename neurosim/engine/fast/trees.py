"""Multicast: the way of a spike's one packet as a tree of routers, made once for all neurons with the same ends.

A node is "the packet at this router"; its branches are the ways out. While multicast, a flit's word holds the neuron
above `ROUTE_SHIFT` and below it the node it is at.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from neurosim.engine.fast import columns as c
from neurosim.engine.fast.layout import Dims, build_chip
from neurosim.engine.fast.queue import direction, passes_edge, tile_of
from neurosim.engine.fast.wheel import pointer
from neurosim.engine.plan import TimingPlan
from neurosim.mapping.keys import destination_groups

PORT, PASSES, NEXT = range(3)


class Trees(NamedTuple):
    """Node k has branches [ptr[k], ptr[k + 1]); all int64. Empty unless the plan is multicast.

    branch : (n_branches, 3) `PORT`, the output it takes; `PASSES`, whether a torus copy has yet to pass the edge of
    its ring; `NEXT`, the node it leads to, or -1 - j for the end: the neuron's j-th route.
    """

    ptr: np.ndarray
    branch: np.ndarray


class Packets(NamedTuple):
    """What a spike of neuron n sends, in order: packets [ptr[n], ptr[n + 1]), int64.

    ``target`` is the endpoint of a packet, int32, or with multicast its word at the source's router, int64.
    """

    ptr: np.ndarray
    target: np.ndarray


def build_packets(plan: TimingPlan, dims: Dims) -> tuple[Packets, Trees]:
    """Packets by neuron, and the trees they follow."""
    route_ptr = np.ascontiguousarray(plan.route_ptr, np.int64)
    if not plan.router.multicast:
        none = Trees(np.zeros(0, np.int64), np.zeros((0, 3), np.int64))
        return Packets(route_ptr, np.ascontiguousarray(plan.route_endpoint, np.int32)), none
    group, firsts = destination_groups(route_ptr, plan.route_endpoint, plan.endpoint)
    starts = route_ptr[firsts]
    ends = route_ptr[firsts + 1]
    roots, *trees = _grow(
        starts,
        ends,
        plan.endpoint[firsts].astype(np.int64),
        plan.route_endpoint.astype(np.int64),
        dims,
        build_chip(plan, dims),
    )
    sends = np.flatnonzero(np.diff(route_ptr) > 0)
    target = (sends << c.ROUTE_SHIFT) | roots[group]
    ptr = np.zeros(plan.n_neurons + 1, np.int64)
    np.cumsum(np.diff(route_ptr) > 0, out=ptr[1:])
    return Packets(ptr, target), Trees(*trees)


@njit(cache=True, nogil=True)
def _grown(array, size):
    if size <= array.size:
        return array
    larger = np.empty(max(size, 2 * array.size), np.int64)
    larger[: array.size] = array
    return larger


@njit(cache=True, nogil=True)
def _grown_rows(array, size):
    if size <= array.shape[0]:
        return array
    larger = np.empty((2 * array.shape[0], array.shape[1]), np.int64)
    larger[: array.shape[0]] = array
    return larger


@njit(cache=True, nogil=True)
def _grow(starts, ends, sources, route_endpoint, dims, chip):
    """Root of each group, then the two arrays of `Trees`. Nodes of a group are numbered breadth first."""
    m = pointer(chip)
    roots = np.empty(starts.size, np.int64)
    ptr, branch = np.zeros(64, np.int64), np.empty((64, 3), np.int64)
    n_nodes = n_branches = 0
    most = 1
    for g in range(starts.size):
        most = max(most, ends[g] - starts[g])
    stops, sorted_stops = np.empty(most, np.int64), np.empty(most, np.int64)
    # Nodes of the group at hand: router and the stretch of ``stops`` below each.
    tile, begin, end = np.empty(64, np.int64), np.empty(64, np.int64), np.empty(64, np.int64)
    n_of_port = np.zeros(dims.ports + 1, np.int64)
    for g in range(starts.size):
        n_stops = ends[g] - starts[g]
        stops[:n_stops] = np.arange(n_stops)
        root = roots[g] = n_nodes
        tile[0] = tile_of(dims, m[dims.ends + sources[g] * c.ENDPOINT_ROW + c.ROUTER])
        begin[0], end[0] = 0, n_stops
        n_nodes += 1
        k = root
        while k < n_nodes:
            here, low, high = tile[k - root], begin[k - root], end[k - root]
            n_of_port[:] = 0
            for i in range(low, high):
                n_of_port[1 + direction(m, dims, here, route_endpoint[starts[g] + stops[i]])] += 1
            for p in range(dims.ports):
                n_of_port[p + 1] += n_of_port[p]
            ptr = _grown(ptr, k + 2)
            for p in range(dims.ports):
                at, n = low + n_of_port[p], n_of_port[p + 1] - n_of_port[p]
                if n == 0:
                    continue
                for i in range(low, high):
                    if direction(m, dims, here, route_endpoint[starts[g] + stops[i]]) == p:
                        sorted_stops[at] = stops[i]
                        at += 1
                at -= n
                branch = _grown_rows(branch, n_branches + 1)
                row = branch[n_branches]
                row[PORT], row[PASSES] = p, 0
                for i in range(at, at + n):
                    row[PASSES] |= passes_edge(m, dims, here, p, route_endpoint[starts[g] + sorted_stops[i]])
                actor = m[m[here + c.OUTPUTS] + p * c.OUTPUT_ROW + c.ACTOR]
                if actor < dims.first_router:
                    row[NEXT] = -1 - sorted_stops[at]
                else:
                    row[NEXT] = n_nodes
                    j = n_nodes - root
                    tile, begin, end = _grown(tile, j + 1), _grown(begin, j + 1), _grown(end, j + 1)
                    tile[j], begin[j], end[j] = tile_of(dims, actor), at, at + n
                    n_nodes += 1
                n_branches += 1
            stops[low:high] = sorted_stops[low:high]
            ptr[k + 1] = n_branches
            k += 1
    return roots, ptr[: n_nodes + 1].copy(), branch[:n_branches].copy()
