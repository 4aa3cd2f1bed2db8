"""The three stages for a chip that runs a layer for a window of timesteps: the same function, its own timing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.arch.layer import LayerChip
from neurosim.arch.roof import roof
from neurosim.energy.codebook import map_for_trace
from neurosim.energy.conventions.executed import layers_of_run
from neurosim.energy.conventions.neurobench import neurobench_metrics
from neurosim.energy.price_run import price_run
from neurosim.engine.activity import Activity
from neurosim.engine.front_end import check_front_end, front_end_notes, with_front_end
from neurosim.engine.function import run_function
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.layer_activity import count_layer_activity
from neurosim.engine.layer_plan import LayerPlan, LayerResult
from neurosim.engine.raster import first_spikes, spikes_by_step
from neurosim.engine.readout import read_out
from neurosim.errors import NeurosimError
from neurosim.mapping.fit import footprint_by_memory
from neurosim.mapping.layer import LayerMapping, map_layers
from neurosim.mapping.layer_fit import fit_layers
from neurosim.result import Result
from neurosim.run import Progress, by_population, provenance, synaptic_events
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus


@dataclass(frozen=True, eq=False)
class LayerStages:
    """The intermediate products of a run."""

    mapping: LayerMapping
    plan: LayerPlan
    trace: SpikeTrace
    timing: LayerResult


def layer_stages(
    network: Network,
    chip: LayerChip,
    stimulus: Stimulus,
    *,
    engine: str = "fast",
    capacity: str = "refuse",
    threads: int | None = None,
    progress: Progress | None = None,
) -> LayerStages:
    """Cut, run the function, run the timing. Raises NeurosimError when network and chip do not agree."""

    def told(stage: str):
        return None if progress is None else lambda done: progress(stage, done, stimulus.n_samples)

    # First of all whether it can be run; the spikes then choose engines, where the chip leaves the choice.
    open_choice = frozenset() if chip.core.codebook == "auto" else None
    map_layers(network, chip, stimulus.timesteps, capacity=capacity, reuse=open_choice)
    trace = run_function(network, stimulus, engine=engine, threads=threads, progress=told("function"))
    mapping = map_for_trace(network, chip, trace, capacity=capacity, threads=threads)
    plan = plan_layers(network, chip, mapping)
    timing = run_layers(plan, trace, engine, threads=threads, progress=told("timing"))
    return LayerStages(mapping, plan, trace, timing)


def check_laws(network: Network, stages: LayerStages, activity: Activity, events: dict[str, int]) -> None:
    """Conservation, on every run. A failure is a bug of neurosim, never of the user's input."""
    plan, trace = stages.plan, stages.trace
    happened = stages.timing.projection("events").tolist()
    added = sum(
        n
        for p, n, codewords in zip(network.projections, happened, plan.codewords, strict=True)
        if p.connectivity.event == "synapse" and not codewords
    )
    neurons = [network.populations[i].n_neurons for i in stages.plan.layer_population]
    steps = trace.n_samples * trace.timesteps
    laws = {
        "contributions = spikes x fan-out x timesteps they count in, by projection": happened
        == expected_events(network, stages),
        "codeword additions = spikes x windows x codewords, and never more combined than events": _reuse_adds_up(
            network, stages
        ),
        "updates = neurons x timesteps": stages.timing.layer("updates").tolist() == [n * steps for n in neurons],
        "events = spikes x fan-out": plan.history.any()
        or events["effective"]
        == sum(n for p, n in zip(network.projections, happened, strict=True) if p.connectivity.event == "synapse"),
        "accumulates = contributions of what is not reused": added
        == sum(n for a, n in activity.totals().items() if a.startswith(("accumulate_", "multiply_accumulate"))),
    }
    broken = [law for law, holds in laws.items() if not holds]
    if broken:
        raise RuntimeError(f"internal error, please report it: this run broke {'; '.join(broken)}")


def expected_events(network: Network, stages: LayerStages) -> list[int]:
    """Spikes x fan-out by projection; a spike that membranes are worked out from counts in later timesteps too."""
    plan, trace = stages.plan, stages.trace
    history = {network.populations[i].name: int(h) for i, h in zip(plan.layer_population, plan.history, strict=True)}
    step = np.repeat(np.arange(trace.ptr.size - 1), np.diff(trace.ptr)) % trace.timesteps
    counts = {}
    for h in {0, *history.values()}:
        times = np.minimum(h, trace.timesteps - step) if h else np.ones(step.size)
        counts[h] = np.bincount(trace.neuron, times, network.n_neurons).astype(np.int64)
    expected = []
    for p in network.projections:
        k = network.index[p.source]
        here = slice(network.offsets[k], network.offsets[k + 1])
        expected.append(int(counts[history[p.target]][here] @ network.fan_out(p)))
    return expected


def _reuse_adds_up(network: Network, stages: LayerStages) -> bool:
    """Every weight tile builds the partial sums of its codewords anew."""
    plan, timing, mapping = stages.plan, stages.timing, stages.mapping
    tiles = dict(zip(mapping.order, mapping.weight_tiles, strict=True))
    for i in np.flatnonzero(plan.codewords):
        p = network.projections[i]
        channels, n_tiles = p.connectivity.weights.shape[0], len(tiles[network.index[p.target]])
        events, built, combined = (int(timing.projection(name)[i]) for name in ("events", "built", "combined"))
        if built * channels != events * int(plan.codewords[i]) * n_tiles or combined > events:
            return False
    return True


def simulate_layers(
    network: Network,
    chip: LayerChip,
    stimulus: Stimulus,
    *,
    engine: str,
    capacity: str,
    placement: np.ndarray | None,
    threads: int | None,
    progress: Progress | None,
    name: str | None,
    ann: dict[str, Any] | None,
    parameters: dict[str, Any] | None,
    neurobench: bool = False,
) -> Result:
    """`neurosim.run.simulate` for a layer chip. ``round_cycles`` has, window by window, the host and every layer."""
    if placement is not None:
        raise NeurosimError(
            f"core map: chip {chip.name} has one array, which works through the network layer by layer; leave the map "
            "out or choose a chip with execution 'barrier'"
        )
    check_front_end(chip, stimulus)
    stages = layer_stages(
        network, chip, stimulus, engine=engine, capacity=capacity, threads=threads, progress=progress
    )  # fmt: skip
    mapping, timing, trace = stages.mapping, stages.timing, stages.trace
    activity = count_layer_activity(network, stages.plan, timing, trace)
    events = synaptic_events(network, trace)
    check_laws(network, stages, activity, events)
    activity = with_front_end(activity, chip, stimulus)
    total = int(timing.cycles.sum())
    energy = price_run(chip, activity, total, mapping.memory)
    saturations = {p.name: int(n) for p, n in zip(network.populations, trace.saturations, strict=True) if n}
    predictions = read_out(network, trace)
    busy = {unit: int(timing.layer(f"{unit}_busy").sum()) for unit in ("load", "array", "update")}
    return Result(
        workload=name or network.name,
        chip=chip.name,
        engine=engine,
        samples=stimulus.n_samples,
        timesteps=stimulus.timesteps,
        quantum_ps=chip.clock.quantum_ps,
        predictions=predictions,
        labels=stimulus.labels,
        round_cycles=timing.cycles.reshape(stimulus.n_samples, -1),
        spikes=by_population(network, trace.counts_by_neuron()),
        neurons={p.name: p.n_neurons for p in network.populations},
        synaptic_events=events,
        packets={"sent": 0, "delivered": 0, "drops": 0, "flit_hops": 0},
        footprint=footprint_by_memory(mapping, chip),
        footprint_lines=[dict(vars(line)) for line in mapping.memory],
        fit={**fit_layers(mapping, network, chip), "in_layers": _in_layers(network, stages)},
        saturations=saturations,
        activity=activity,
        energy=energy,
        calibration=None if chip.calibration is None else chip.calibration.model_dump(),
        utilisation={unit: [quanta / max(1, total)] for unit, quanta in busy.items()},
        ann=ann,
        layers=layers_of_run(network, trace.counts_by_neuron(), stimulus.n_samples, stimulus.timesteps),
        neurobench=neurobench_metrics(network, trace, predictions, stimulus.labels, updates=neurobench),
        raster=first_spikes(trace),
        spikes_by_step=spikes_by_step(network, trace),
        roof=roof(chip),
        provenance=provenance(network, chip, stimulus, parameters or {}),
        notes=front_end_notes(chip, stimulus)
        + [
            f"{count} membrane updates of {part} were clipped to the membrane width"
            for part, count in saturations.items()
        ],
    )


def _in_layers(network: Network, stages: LayerStages) -> list[dict[str, Any]]:
    """Quanta of all samples by phase, the host first, and what kept each layer's units busy."""
    timing = stages.timing
    cycles = timing.cycles.sum(axis=(0, 1)).tolist()
    phases = [{"phase": "host", "cycles": cycles[0], "loads": 0, "slots": 0, "load": 0, "array": 0, "update": 0}]
    slots = timing.projection("slots")
    for k, position in enumerate(stages.plan.layer_population):
        name = network.populations[position].name
        phases.append({
            "phase": name,
            "cycles": cycles[k + 1],
            "loads": int(timing.layer("loads")[k]),
            "slots": int(sum(n for p, n in zip(network.projections, slots, strict=True) if p.target == name)),
            **{unit: int(timing.layer(f"{unit}_busy")[k]) for unit in ("load", "array", "update")},
        })  # fmt: skip
    return phases
