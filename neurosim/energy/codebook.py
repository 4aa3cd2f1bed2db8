"""Decode or reuse, layer by layer, on a chip that leaves the choice open (``codebook: auto``).

Both engines are run on the same spikes and their counts priced. A layer takes the engine with which it needs less
energy: everything counted for the layer and the projections into it, and all standing power for the quanta it takes.
One choice for a whole run, made on the run's own spikes, as a compiler would make it on representative ones. Reuse that
does not fit the chip is not chosen.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from neurosim.arch import ACTIONS, LayerChip
from neurosim.energy.price_run import price_run
from neurosim.engine.activity import Activity
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.layer_activity import count_layer_activity
from neurosim.mapping.layer import LayerMapping, map_layers
from neurosim.mapping.layer_engines import reusable
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace


@dataclass(frozen=True)
class LayerCost:
    """One layer over all samples; ``pj`` with standing powers over its ``quanta``, without loading the network."""

    pj: float
    additions: int
    quanta: int


def map_for_trace(
    network: Network, chip: LayerChip, trace: SpikeTrace, *, capacity: str = "refuse", threads: int | None = None
) -> LayerMapping:
    """`map_layers`, with the engine of each codebook layer chosen where the chip says ``auto``."""
    candidates = reusable(network)
    if chip.core.codebook != "auto" or not candidates:
        return map_layers(network, chip, trace.timesteps, capacity=capacity)

    def overflows(reuse: frozenset[str]) -> set[str]:
        found = map_layers(network, chip, trace.timesteps, capacity="report", reuse=reuse).overflows
        return {o.memory for o in found}

    anyway = overflows(frozenset())
    candidates = frozenset(name for name in candidates if overflows(frozenset({name})) <= anyway)
    cost = {}
    for name, reuse in (("decode", frozenset()), ("reuse", candidates)):
        mapping = map_layers(network, chip, trace.timesteps, capacity="report", reuse=reuse)
        cost[name] = layer_costs(network, chip, mapping, trace, threads)
    chosen = frozenset(name for name in candidates if cost["reuse"][name].pj < cost["decode"][name].pj)
    return map_layers(network, chip, trace.timesteps, capacity=capacity, reuse=chosen)


def layer_costs(
    network: Network, chip: LayerChip, mapping: LayerMapping, trace: SpikeTrace, threads: int | None = None
) -> dict[str, LayerCost]:
    """What each layer costs on the spikes of ``trace``, by name."""
    plan = plan_layers(network, chip, mapping)
    timing = run_layers(plan, trace, threads=threads)
    activity = count_layer_activity(network, plan, timing, trace)
    costs = {}
    for k, position in enumerate(mapping.order):
        name = network.populations[position].name
        here = _of_parts(activity, {name, *(p.name for p in network.projections if p.target == name)})
        quanta = int(timing.cycles[:, :, 1 + k].sum())
        additions = sum(n for action, n in here.totals().items() if ACTIONS[action].component == "accumulate")
        costs[name] = LayerCost(price_run(chip, here, quanta, ()).total_pj(), additions, quanta)
    return costs


def _of_parts(activity: Activity, parts: set[str]) -> Activity:
    keep = np.array([part in parts for part in activity.part], bool)
    kept = {f: tuple(np.array(getattr(activity, f), object)[keep]) for f in ("action", "place", "part")}
    return replace(activity, **kept, count=activity.count[keep])
