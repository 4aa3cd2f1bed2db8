"""Network and stimulus to spike trace with the numba kernels: samples in chunks, chunks on threads."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np

from neurosim.engine.check import check_memory, check_network, check_relays, check_stimulus
from neurosim.engine.fast.function_lower import lower_function
from neurosim.engine.fast.function_plan import FunctionPlan
from neurosim.engine.fast.steps import collect, run_steps
from neurosim.errors import NeurosimError
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus

MOST_SAMPLES_A_CHUNK = 64
MOST_SPIKES_AT_FIRST = 1 << 20
# A larger plan is lowered anew in every call: its copy of the weights would stand in the way of the later stages.
MOST_BYTES_KEPT = 64 << 20
_plans: WeakKeyDictionary[Network, FunctionPlan] = WeakKeyDictionary()


def fast_function(
    network: Network,
    stimulus: Stimulus,
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
    chunk: int | None = None,
) -> SpikeTrace:
    """Run ``network`` on every sample of ``stimulus``; equal to `reference_function` in every field.

    ``threads`` defaults to the processors this process may use; ``chunk`` is how many samples a thread takes at a
    time. Neither changes a byte of the result. ``progress`` is called with the number of samples done.
    """
    plan = plan_of(network)
    check_stimulus(network, stimulus)
    check_memory(network, stimulus)
    for name, number in (("threads", threads), ("chunk", chunk)):
        if number is not None and number < 1:
            raise NeurosimError(f"{name}: got {number}, expected at least 1, or None for automatic")
    threads = threads or _processors()
    chunk = chunk or max(1, min(MOST_SAMPLES_A_CHUNK, -(-stimulus.n_samples // (4 * threads))))
    bounds = [(a, min(a + chunk, stimulus.n_samples)) for a in range(0, stimulus.n_samples, chunk)]
    run = _Run(plan, network, stimulus)
    parts = run.in_threads(bounds, min(threads, len(bounds)), progress)
    check_relays(network, sum(part.broken for part in parts))
    return run.joined(parts)


def plan_of(network: Network) -> FunctionPlan:
    """The network checked and lowered; kept while the network lives (networks never change), unless it is large."""
    plan = _plans.get(network)
    if plan is None:
        check_network(network)
        plan = lower_function(network)
        if plan.n_bytes <= MOST_BYTES_KEPT:
            _plans[network] = plan
    return plan


def _processors() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1


def _joined(arrays: list[np.ndarray]) -> np.ndarray:
    return arrays[0] if len(arrays) == 1 else np.concatenate(arrays)


@dataclass(frozen=True)
class _Part:
    """The spikes of one chunk of samples in their final order, and its counters."""

    samples: int
    per_step: np.ndarray
    neuron: np.ndarray
    value: np.ndarray
    saturations: np.ndarray
    broken: np.ndarray


class _Run:
    """One run: the plan, the stimulus as the kernels take it, and the arrays that every chunk writes its rows of."""

    def __init__(self, plan: FunctionPlan, network: Network, stimulus: Stimulus) -> None:
        self.plan, self.stimulus = plan, stimulus
        steps = stimulus.n_samples * stimulus.timesteps
        value = np.zeros(0, plan.narrow) if stimulus.value is None else stimulus.value.astype(plan.narrow)
        self.spikes_in = (
            np.ascontiguousarray(stimulus.ptr, np.int64),
            np.ascontiguousarray(stimulus.neuron, np.int32),
            value,
        )
        self.active = np.empty((steps, -(-network.n_neurons // 8)), np.uint8)
        self.membrane = np.empty((stimulus.n_samples, network.n_neurons), plan.narrow)

    def in_threads(self, bounds: list[tuple[int, int]], threads: int, progress) -> list[_Part]:
        with nullcontext() if threads == 1 else ThreadPoolExecutor(threads) as pool:
            parts, done = [], 0
            for part in map(self.chunk, bounds) if pool is None else pool.map(self.chunk, bounds):
                parts.append(part)
                done += part.samples
                if progress is not None:
                    progress(done)
        return parts

    def chunk(self, bounds: tuple[int, int]) -> _Part:
        """Samples ``bounds[0]`` .. ``bounds[1]``; the spike buffer doubles when it is nearly full."""
        plan, timesteps = self.plan, self.stimulus.timesteps
        rows = (bounds[1] - bounds[0]) * timesteps
        first = np.zeros((rows, plan.n_populations), np.int64)
        last = np.zeros_like(first)
        given = int(self.spikes_in[0][bounds[1] * timesteps] - self.spikes_in[0][bounds[0] * timesteps])
        work, neuron, value = plan.take_scratch(max(2 * given, min(rows * plan.n_neurons // 8, MOST_SPIKES_AT_FIRST)))
        sample, timestep, used = bounds[0], 0, 0
        while True:
            sample, timestep, used = run_steps(
                plan.tables, work, self.spikes_in, timesteps, bounds, sample, timestep, used, first, last, neuron,
                value, self.active, self.membrane,
            )  # fmt: skip
            if sample == bounds[1]:
                break
            neuron = np.concatenate([neuron, np.empty(neuron.size + plan.n_neurons, np.int32)])
            value = np.concatenate([value, np.empty(neuron.size - value.size if plan.graded else 0, plan.narrow)])
        part = self.part(bounds, first, last, neuron[:used], value[:used], work)
        plan.give_back((work, neuron, value))
        return part

    def part(self, bounds, first, last, neuron, value, work) -> _Part:
        if self.plan.in_order:
            neuron, value = neuron.copy(), value.copy()
        else:
            update_order = neuron, value
            neuron, value = np.empty_like(neuron), np.empty_like(value)
            collect(first, last, *update_order, neuron, value)
        per_step = (last - first).sum(axis=1)
        return _Part(bounds[1] - bounds[0], per_step, neuron, value, work.saturations.copy(), work.broken.copy())

    def joined(self, parts: list[_Part]) -> SpikeTrace:
        value = _joined([part.value for part in parts])
        ptr = np.zeros(self.active.shape[0] + 1, np.int64)
        np.cumsum(_joined([part.per_step for part in parts]), out=ptr[1:])
        # The last few are looked at first: graded spikes are seldom all 1, and a short run notices the whole look.
        return SpikeTrace(
            n_samples=self.stimulus.n_samples,
            timesteps=self.stimulus.timesteps,
            n_neurons=self.plan.n_neurons,
            ptr=ptr,
            neuron=_joined([part.neuron for part in parts]),
            value=None if (value[-1024:] == 1).all() and (value == 1).all() else value,
            active=self.active,
            membrane=self.membrane,
            saturations=sum(part.saturations for part in parts),
        )
