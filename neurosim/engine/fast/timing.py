"""Rounds of all samples, shared out over threads in chunks, and their sums."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from threading import local

import numpy as np

from neurosim.engine.fast.barrier import build_barrier
from neurosim.engine.fast.columns import FLITS
from neurosim.engine.fast.layout import build_chip, dims_of, outputs_of
from neurosim.engine.fast.rounds import Tally, kind_of, new_log, new_tally, new_work, routes_of, run_rounds
from neurosim.engine.fast.walk import build_spikes, build_walk
from neurosim.engine.plan import PacketLog, TimingPlan, TimingResult
from neurosim.snn.trace import SpikeTrace


class Worker:
    """One thread's chip, scratch and sums. Rounds are independent and sums are integers, so any sharing is the same."""

    def __init__(self, plan: TimingPlan, log: bool) -> None:
        self.clock = 0
        self.chip = build_chip(plan, dims_of(plan))
        self.work = new_work(plan.n_cores + 1, plan.n_neurons)
        self.tally = new_tally(plan)
        self.log = new_log(plan, log)
        self.mark = np.full(plan.n_neurons, -1, np.int64)
        self.barrier = build_barrier(plan)


class Job:
    """A plan and a trace lowered for the kernels, and what the workers produce."""

    def __init__(self, plan: TimingPlan, trace: SpikeTrace, log: bool, estimate: bool = False) -> None:
        self.plan, self.want_log, self.estimate = plan, log, estimate
        self.dims = dims_of(plan)
        self.routes, self.trees = routes_of(plan, self.dims, log)
        self.walk, self.spikes = build_walk(plan), build_spikes(trace)
        self.round_cycles = np.zeros((trace.n_samples, plan.n_rounds), np.int64)
        self.barrier_cycles = np.zeros_like(self.round_cycles)
        self.workers: list[Worker] = []
        self.logs: dict[int, np.ndarray] = {}
        self.mine = local()

    def run(self, first: int, last: int) -> int:
        """Rounds first .. last-1 on the calling thread's own chip; returns how many."""
        worker = getattr(self.mine, "worker", None)
        if worker is None:
            worker = self.mine.worker = Worker(self.plan, self.want_log)
            self.workers.append(worker)
        if self.estimate:
            from neurosim.engine.fast.estimate import estimate_rounds

            worker.clock = estimate_rounds(
                first, last, worker.clock, self.dims, worker.chip, self.walk, self.spikes, self.routes, worker.work,
                worker.tally, worker.mark, worker.barrier, self.round_cycles, self.barrier_cycles,
                self.trees if self.plan.router.multicast else None
            )  # fmt: skip
            return last - first
        worker.clock = run_rounds(
            first, last, worker.clock, self.dims, worker.chip, self.walk, self.spikes, self.routes, worker.work,
            worker.tally, worker.log, worker.mark, worker.barrier, self.round_cycles, self.barrier_cycles,
            *kind_of(self.plan, self.trees)
        )  # fmt: skip
        if self.want_log:
            rows = worker.log.rows
            self.logs[first] = rows[1 : rows[0, 0] + 1].copy()
            rows[0, 0] = 0
        return last - first


def fast_timing(
    plan: TimingPlan,
    trace: SpikeTrace,
    *,
    log: bool = False,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    estimate: bool = False,
) -> TimingResult:
    """Cycles and counts of ``trace`` on ``plan``. ``progress(done)`` is told how many samples' worth is done."""
    job = Job(plan, trace, log, estimate)
    total = trace.n_samples * plan.n_rounds
    threads = max(1, threads or os.cpu_count() or 1)
    size = 1 if log else max(1, min(256, total // (4 * threads)))
    chunks = [(first, min(first + size, total)) for first in range(0, total, size)]
    done = 0

    def tell(rounds: int) -> None:
        nonlocal done
        done += rounds
        if progress is not None:
            progress(done // plan.n_rounds)

    if threads == 1:
        for chunk in chunks:
            tell(job.run(*chunk))
        return collect(job)
    with ThreadPoolExecutor(threads) as pool:
        for future in as_completed([pool.submit(job.run, *chunk) for chunk in chunks]):
            tell(future.result())
    return collect(job)


def collect(job: Job) -> TimingResult:
    plan = job.plan
    router = plan.router
    tallies = [worker.tally for worker in job.workers] or [new_tally(plan)]
    total = Tally(*(sum(parts[1:], parts[0]) for parts in zip(*tallies, strict=True)))
    sends = np.diff(job.routes.packets.ptr)
    sent = np.repeat(total.sent, np.diff(plan.route_ptr)[sends > 0]) if router.multicast else total.sent
    if not np.array_equal(sent, total.delivered):
        raise RuntimeError(f"internal error: {total.delivered.sum()} of {sent.sum()} packets were delivered")
    injected = np.zeros(plan.n_cores + 1, np.int64)
    np.add.at(injected, np.repeat(plan.endpoint, sends), total.sent)
    links = np.zeros((router.n_routers, job.dims.ports), np.int64)
    for worker in job.workers:
        links += outputs_of(worker.chip, job.dims)[:, :, FLITS]
    return TimingResult(
        round_cycles=job.round_cycles,
        barrier_cycles=job.barrier_cycles,
        accessed=total.counts[:, 0].copy(),
        active=total.counts[:, 1].copy(),
        spiked=total.counts[:, 2].copy(),
        delivered=total.delivered,
        sent=sent,
        link_flits=links,
        injected=injected,
        synapse_busy=total.synapse_busy[:, :-1].copy(),
        update_busy=total.update_busy[:, :-1].copy(),
        update_stall=total.update_stall[:, :-1].copy(),
        waits=total.waits,
        log=packet_log(job) if job.want_log else None,
    )


def packet_log(job: Job) -> PacketLog:
    """A neuron spikes at most once a round, so a route carries at most one packet and is the order within it."""
    numbers = sorted(job.logs)
    rows = [job.logs[k][np.argsort(job.logs[k][:, 0])] for k in numbers]
    table = np.concatenate([*rows, np.zeros((0, 3), np.int64)])
    number = np.repeat(np.array(numbers, np.int64), [len(r) for r in rows])
    sample, r = np.divmod(number, job.plan.n_rounds)
    narrow = [a.astype(np.int32) for a in (sample, r, table[:, 0])]
    return PacketLog(*narrow, table[:, 1].copy(), table[:, 2].copy())
