"""Rounds of all samples, one after another, and their sums."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.engine.plan import WAITS, PacketLog, TimingPlan, TimingResult
from neurosim.engine.reference.round import Round
from neurosim.engine.reference.walk import RoundView, UpdateCounts, groups_of_core, routed
from neurosim.snn.trace import SpikeTrace


def empty_result(plan: TimingPlan, n_samples: int) -> TimingResult:
    router = plan.router

    def zeros(*shape: int) -> np.ndarray:
        return np.zeros(shape, np.int64)

    return TimingResult(
        round_cycles=zeros(n_samples, plan.n_rounds),
        accessed=zeros(plan.n_neurons),
        active=zeros(plan.n_neurons),
        spiked=zeros(plan.n_neurons),
        delivered=zeros(plan.n_routes),
        sent=zeros(plan.n_routes),
        link_flits=zeros(router.n_routers, router.n_ports),
        injected=zeros(plan.n_cores + 1),
        synapse_busy=zeros(plan.n_rounds, plan.n_cores),
        update_busy=zeros(plan.n_rounds, plan.n_cores),
        update_stall=zeros(plan.n_rounds, plan.n_cores),
        barrier_cycles=zeros(n_samples, plan.n_rounds),
        waits=zeros(plan.n_rounds, plan.n_cores + 1, len(WAITS)),
    )


def reference_timing(
    plan: TimingPlan, trace: SpikeTrace, *, log: bool = False, progress: Callable[[int], None] | None = None
) -> TimingResult:
    """Cycles and counts of ``trace`` on ``plan``, with a log of every packet if asked for.

    ``progress`` is called with the number of samples done.
    """
    result = empty_result(plan, trace.n_samples)
    counts = UpdateCounts(result.accessed, result.active, result.spiked)
    rows: list[tuple[int, int, int, int, int]] = []
    for sample in range(trace.n_samples):
        for number in range(plan.n_rounds):
            view = RoundView(plan, trace, sample, number)
            groups = [groups_of_core(plan, view, core, counts) for core in range(plan.n_cores)]
            host = view.host_spikes()
            counts.spiked[host] += 1
            finished = Round(plan, groups, routed(plan, host))
            worked = finished.run()
            length = finished.length()
            result.round_cycles[sample, number] = length
            result.barrier_cycles[sample, number] = length - worked
            add_round(result, finished, number)
            rows += [(sample, number, r, p.inject, at) for p in finished.packets for r, at in p.arrived.items()]
        if progress is not None:
            progress(sample + 1)
    return with_log(result, rows) if log else result


def add_round(result: TimingResult, finished: Round, number: int) -> None:
    for packet in finished.packets:
        result.injected[packet.source] += 1
        for route, _ in packet.stops:
            result.sent[route] += 1
    for unit in finished.synapse:
        for route in unit.delivered:
            result.delivered[route] += 1
    for core, unit in enumerate(finished.update):
        result.update_busy[number, core] += unit.busy
        result.update_stall[number, core] += unit.stall
        result.synapse_busy[number, core] += finished.synapse[core].busy
    for endpoint, unit in enumerate(finished.synapse):
        conflict = finished.conflict(unit.delivered)
        result.waits[number, endpoint] += (conflict, unit.port_wait, 0, 0, finished.egress[endpoint].network_wait)
    for core, unit in enumerate(finished.update):
        result.waits[number, core] += (0, 0, unit.port_wait, unit.injection_wait, 0)
    for tile, router in enumerate(finished.routers):
        result.link_flits[tile] += [output.flits for output in router.outputs]


def with_log(result: TimingResult, rows: list[tuple[int, int, int, int, int]]) -> TimingResult:
    table = np.array(sorted(rows), np.int64).reshape(-1, 5)
    narrow = [table[:, k].astype(np.int32) for k in range(3)]
    fields = {name: value for name, value in vars(result).items() if name != "log"}
    return TimingResult(**fields, log=PacketLog(*narrow, table[:, 3].copy(), table[:, 4].copy()))
