"""The routers alone: packets created at given moments, ideal sinks. For witnesses, traffic studies and speed tests.

A node is the egress unit of a core that prepares one packet a quantum from an unlimited queue: a packet created at t
is popped one quantum earlier and sent at t at the earliest, so the network runs on a clock that is one quantum ahead
of the caller's. A sink is a synapse unit that works one quantum on everything.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.engine.plan import RouterPlan, TimingPlan
from neurosim.errors import NeurosimError

AHEAD = 1


def p3_router(width: int, height: int, virtual_channels: int = 1, queue_depth: int = 8, flits: int = 1) -> RouterPlan:
    """The pipeline `p3`: three quanta a router, credit loops of five (injection: four), one core a tile."""
    return RouterPlan(
        width=width,
        height=height,
        cores_per_tile=1,
        host_tile=0,
        virtual_channels=virtual_channels,
        queue_depth=queue_depth,
        flits_per_packet=flits,
        injection_cycles=2,
        latency_cycles=(3, 3, 3, 3, 3),
        interval_cycles=(1, 1, 1, 1, 1),
        credit_injection_cycles=2,
        credit_link_cycles=2,
        credit_local_cycles=2,
    )


@dataclass(frozen=True, eq=False)
class NodeProgram:
    """Packets in sending order: ``order`` sorts the caller's packets by (source, creation, position).

    Packet k of that order is "neuron" k with the single route k. ``ptr`` (n_cores + 1,) cuts them into nodes;
    ``wait`` (n_packets,) quanta between the previous packet of the node (or the start) and this one's creation.
    """

    plan: TimingPlan
    order: np.ndarray
    ptr: np.ndarray
    wait: np.ndarray


def simulate_packets(
    router: RouterPlan,
    src: np.ndarray,
    dst: np.ndarray,
    ctime: np.ndarray,
    flits: int | None = None,
    engine: str = "fast",
) -> tuple[np.ndarray, np.ndarray]:
    """(itime, atime), (n_packets,) int64: first flit sent, last flit at the destination, in the caller's order.

    ``src``, ``dst`` (n_packets,) core numbers, ``ctime`` (n_packets,) quantum of creation; packets created together
    at one node leave in the order given. ``flits`` overrides the plan's flits a packet. Sinks have queue_depth places.
    """
    program = _node_program(router, src, dst, ctime, flits)
    if engine == "reference":
        inject, arrive = _reference(program)
    elif engine == "fast":
        from neurosim.engine.fast.noc import run_packets

        inject, arrive = run_packets(program)
    else:
        raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
    itime, atime = np.empty_like(inject), np.empty_like(arrive)
    itime[program.order] = inject - AHEAD
    atime[program.order] = arrive - AHEAD
    return itime, atime


def _node_program(router: RouterPlan, src, dst, ctime, flits: int | None) -> NodeProgram:
    src, dst, ctime = (np.asarray(a, np.int64) for a in (src, dst, ctime))
    n_cores = router.n_tiles * router.cores_per_tile
    if not src.shape == dst.shape == ctime.shape or src.ndim != 1:
        raise NeurosimError(f"packets: src {src.shape}, dst {dst.shape}, ctime {ctime.shape}; expected three equal")
    for name, ends in (("src", src), ("dst", dst)):
        if ends.size and not 0 <= ends.min() <= ends.max() < n_cores:
            raise NeurosimError(f"packets.{name}: {ends.min()} to {ends.max()}, expected 0 to {n_cores - 1}")
    if ctime.size and ctime.min() < 0:
        raise NeurosimError(f"packets.ctime: {ctime.min()}, expected 0 or more")
    if flits is not None:
        router = replace(router, flits_per_packet=int(flits))
    order = np.lexsort((np.arange(src.size), ctime, src))
    ptr = np.searchsorted(src[order], np.arange(n_cores + 1))
    wait = np.diff(ctime[order], prepend=0)
    starts = ptr[:-1][np.diff(ptr) > 0]
    wait[starts] = ctime[order][starts]
    return NodeProgram(_plan(router, n_cores, src[order], dst[order]), order, ptr.astype(np.int64), wait)


def _plan(router: RouterPlan, n_cores: int, src: np.ndarray, dst: np.ndarray) -> TimingPlan:
    n = src.size
    return TimingPlan(
        router=router,
        n_cores=n_cores,
        ingress_depth=router.queue_depth,
        egress_depth=max(1, n),
        egress_cycles=1,
        host_cycles=1,
        update_lanes=1,
        access_cycles=0,
        active_cycles=0,
        spike_cycles=0,
        touched_only=False,
        population=np.zeros(n, np.int32),
        endpoint=src.astype(np.int32),
        slot_ptr=np.searchsorted(src, np.arange(n_cores + 1)).astype(np.int64),
        slot_neuron=np.arange(n, dtype=np.int32),
        updates=np.ones(1, bool),
        route_ptr=np.arange(n + 1, dtype=np.int64),
        route_endpoint=dst.astype(np.int32),
        route_busy=np.ones(n, np.int64),
        round_timestep=np.zeros((1, 1), np.int32),
        barrier_cycles=0,
    )


def _reference(program: NodeProgram) -> tuple[np.ndarray, np.ndarray]:
    from neurosim.engine.reference.core import Group
    from neurosim.engine.reference.round import Round

    groups = [
        [Group(int(program.wait[k]), [k]) for k in range(program.ptr[core], program.ptr[core + 1])]
        for core in range(program.plan.n_cores)
    ]
    finished = Round(program.plan, groups, [])
    finished.run()
    times = np.zeros((2, program.order.size), np.int64)
    for packet in finished.packets:
        times[:, packet.route] = packet.inject, packet.arrived[packet.route]
    return times[0], times[1]
