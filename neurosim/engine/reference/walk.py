"""What the update units will do in one round of one sample: the plan's slots and the trace's spikes, as groups."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.engine.plan import IDLE, NOT_IN_ROUND, TimingPlan
from neurosim.engine.reference.core import Group
from neurosim.snn.trace import SpikeTrace


@dataclass(eq=False)
class UpdateCounts:
    """(n_neurons,) int64 each: updates done, updates with something to do, spikes emitted."""

    accessed: np.ndarray
    active: np.ndarray
    spiked: np.ndarray


class RoundView:
    """The part of a trace that one round of one sample sees: each population at its own timestep."""

    def __init__(self, plan: TimingPlan, trace: SpikeTrace, sample: int, number: int) -> None:
        self.plan, self.trace = plan, trace
        self.timestep = plan.round_timestep[number]
        self.row = sample * trace.timesteps
        used = {int(t) for t in self.timestep if t >= 0}
        self.spikes = {t: set(self._spikes_at(t)) for t in used}

    def _spikes_at(self, timestep: int) -> list[int]:
        row = self.row + timestep
        return self.trace.neuron[self.trace.ptr[row] : self.trace.ptr[row + 1]].tolist()

    def in_round(self, neuron: int) -> bool:
        return self.timestep[self.plan.population[neuron]] != NOT_IN_ROUND

    def spiked(self, neuron: int) -> bool:
        t = int(self.timestep[self.plan.population[neuron]])
        return t >= 0 and neuron in self.spikes[t]

    def active(self, neuron: int) -> bool:
        t = int(self.timestep[self.plan.population[neuron]])
        if t in (NOT_IN_ROUND, IDLE):
            return False
        return bool(self.trace.active[self.row + t, neuron >> 3] >> (neuron & 7) & 1)

    def host_spikes(self) -> list[int]:
        """Input spikes that enter at the host, ascending neuron number."""
        at_host = self.plan.endpoint == self.plan.n_cores
        return [int(n) for n in np.flatnonzero(at_host) if self.spiked(int(n))]


def routed(plan: TimingPlan, neurons: list[int]) -> list[int]:
    return [n for n in neurons if plan.route_ptr[n + 1] > plan.route_ptr[n]]


def groups_of_core(plan: TimingPlan, view: RoundView, core: int, counts: UpdateCounts) -> list[Group]:
    """Cut the walk over the core's slots into groups of ``update_lanes``; input slots stand between groups."""
    groups = [Group(plan.update_before)] if plan.update_before else []
    costs: list[int] = []
    spikes: list[int] = []

    def close() -> None:
        if costs:
            groups.append(Group(max(costs), routed(plan, spikes)))
            costs.clear()
            spikes.clear()

    for neuron in plan.slot_neuron[plan.slot_ptr[core] : plan.slot_ptr[core + 1]].tolist():
        if not view.in_round(neuron):
            continue
        spiked = view.spiked(neuron)
        counts.spiked[neuron] += spiked
        if not plan.updates[plan.population[neuron]]:
            close()
            groups.append(Group(0, routed(plan, [neuron] * spiked)))
            continue
        active = view.active(neuron)
        if plan.touched_only and not (active or spiked):
            continue
        counts.accessed[neuron] += 1
        counts.active[neuron] += active
        access = plan.access_cycles
        if plan.product_cycles is not None:
            access += int(plan.product_cycles[plan.population[neuron]])
        costs.append(access + active * plan.active_cycles + spiked * plan.spike_cycles)
        if spiked:
            spikes.append(neuron)
        if len(costs) == plan.update_lanes:
            close()
    close()
    if plan.update_after is not None and plan.update_after[core]:
        groups.append(Group(int(plan.update_after[core])))
    return groups
