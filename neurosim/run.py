"""The three stages in a row: function, timing, energy; and the laws that every run must keep."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from typing import Any

import numpy as np

from neurosim import __version__
from neurosim.arch import Chip, LayerChip
from neurosim.arch.roof import roof
from neurosim.energy.conventions.executed import layers_of_run
from neurosim.energy.conventions.neurobench import neurobench_metrics
from neurosim.energy.price_run import price_run
from neurosim.engine.activity import Activity, count_activity
from neurosim.engine.front_end import check_front_end, front_end_notes, with_front_end
from neurosim.engine.function import run_function
from neurosim.engine.lower import lower_timing
from neurosim.engine.network_metrics import network_metrics
from neurosim.engine.plan import TimingPlan, TimingResult
from neurosim.engine.raster import first_spikes, spikes_by_step
from neurosim.engine.readout import read_out
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from neurosim.mapping.fit import fit_report, footprint_by_memory
from neurosim.mapping.map import map_network
from neurosim.mapping.mapping import Mapping
from neurosim.result import Result
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus

MAX_NOTED = 1_000_000
ESTIMATED = (
    "cycles, latency, leakage energy and power are estimates by link reservation, usually too low where queues fill "
    "(docs/estimate.md); every count is exact"
)
Progress = Callable[[str, int, int], None]
"""Called as (stage, done, total)."""


@dataclass(frozen=True, eq=False)
class Stages:
    """The intermediate products of a run, for tests, timelines and studies."""

    mapping: Mapping
    plan: TimingPlan
    trace: SpikeTrace
    timing: TimingResult


def synaptic_events(network: Network, trace: SpikeTrace) -> dict[str, int]:
    """Effective (one spike x one connection), dense (every connection x timestep x sample), and the graded share."""
    counts = trace.counts_by_neuron()
    effective = dense = mac = 0
    for projection in network.projections:
        if projection.connectivity.event != "synapse":
            continue
        start = network.offsets[network.index[projection.source]]
        fan_out = network.fan_out(projection)
        events = int(counts[start : start + fan_out.size] @ fan_out)
        effective += events
        dense += int(fan_out.sum()) * trace.timesteps * trace.n_samples
        if network.multiplies(projection.source):
            mac += events
    return {"effective": effective, "dense": dense, "mac": mac}


def check_laws(network: Network, stages: Stages, activity: Activity, events: dict[str, int]) -> None:
    """Conservation, on every run. A failure is a bug of neurosim, never of the user's input."""
    counts = stages.trace.counts_by_neuron()
    routed = np.repeat(counts, np.diff(stages.mapping.routes.ptr))
    laws = {
        "packets sent = spikes x destinations": np.array_equal(stages.timing.sent, routed),
        "deliveries = packets sent (no drops under back-pressure)": np.array_equal(stages.timing.delivered, routed),
        "spikes updated = spikes in the trace": _updated_spikes(network, stages, counts),
        "events accumulated = spikes x fan-out": events["effective"]
        == sum(n for a, n in activity.totals().items() if a.startswith(("accumulate_", "multiply_accumulate"))),
    }
    broken = [law for law, holds in laws.items() if not holds]
    if broken:
        raise RuntimeError(f"internal error, please report it: this run broke {'; '.join(broken)}")


def _updated_spikes(network: Network, stages: Stages, counts: np.ndarray) -> bool:
    updated = stages.plan.updates[stages.plan.population]
    return np.array_equal(stages.timing.spiked[updated], counts[updated])


def _stalls(timing: TimingResult) -> np.ndarray:
    """(rounds, cores + 1, 1): update units that waited for room; the host has none."""
    return np.pad(timing.update_stall, ((0, 0), (0, 1)))[:, :, None]


def noted_network(stages: Stages, engine: str, samples: int | None) -> dict[str, Any] | None:
    """`network_metrics` of the first samples, or None when there is nothing cheap to measure and nobody asked."""
    trace, plan, timing = stages.trace, stages.plan, stages.timing
    wanted = min(4, trace.n_samples // 8) if samples is None else min(samples, trace.n_samples)
    if samples is None and wanted * int(timing.sent.sum()) > MAX_NOTED * trace.n_samples:
        return None
    if wanted == 0:
        return None
    log = run_timing(plan, trace.first(wanted), engine=engine, log=True).log
    return {"samples": wanted, **network_metrics(plan, log, timing.link_flits, int(timing.round_cycles.sum()))}


def by_population(network: Network, values: np.ndarray) -> dict[str, int]:
    """Sums over the neurons of each population."""
    ends = zip(network.populations, network.offsets[:-1], network.offsets[1:], strict=True)
    return {p.name: int(values[a:b].sum()) for p, a, b in ends}


@cache
def _version(package: str) -> str:
    return metadata.version(package)


def provenance(
    network: Network, chip: Chip | LayerChip, stimulus: Stimulus, parameters: dict[str, Any]
) -> dict[str, Any]:
    """Versions, parameters and hashes of the inputs: enough to make the result again. No clock, no host name."""
    packages = ("numpy", "numba", "simpy", "pydantic")
    return {
        "neurosim": __version__,
        "python": platform.python_version(),
        **{name: _version(name) for name in packages},
        "network_sha256": network.content_hash(),
        "stimulus_sha256": stimulus.content_hash(),
        "chip_sha256": chip.content_hash(),
        "network": dict(network.metadata),
        "parameters": parameters,
    }


def simulate_stages(
    network: Network,
    chip: Chip,
    stimulus: Stimulus,
    *,
    engine: str = "fast",
    capacity: str = "refuse",
    placement: np.ndarray | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    log: bool = False,
    timing: str = "cycle",
    synapse_unit: str | None = None,
) -> Stages:
    """Map, run the function, run the timing. ``placement`` is a core number for each neuron, or None: automatic.

    ``timing`` is ``cycle`` or ``estimate``, as `run_timing`'s mode.
    """

    def told(stage: str) -> Callable[[int], None] | None:
        return None if progress is None else lambda done: progress(stage, done, stimulus.n_samples)

    mapping = map_network(network, chip, capacity=capacity, placement=placement, synapse_unit=synapse_unit)
    plan = lower_timing(network, chip, mapping, stimulus.timesteps)
    trace = run_function(network, stimulus, engine=engine, threads=threads, progress=told("function"))
    timed = run_timing(plan, trace, engine=engine, log=log, threads=threads, progress=told("timing"), mode=timing)
    return Stages(mapping, plan, trace, timed)


def simulate(
    network: Network,
    chip: Chip | LayerChip,
    stimulus: Stimulus,
    *,
    engine: str = "fast",
    capacity: str = "refuse",
    placement: np.ndarray | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    name: str | None = None,
    ann: dict[str, Any] | None = None,
    parameters: dict[str, Any] | None = None,
    network_samples: int | None = None,
    timing: str = "cycle",
    synapse_unit: str | None = None,
    neurobench: bool = False,
) -> Result:
    """Run ``network`` on ``chip`` for every sample of ``stimulus``; see `Result` for what comes back.

    ``engine`` is ``fast`` (numba) or ``reference`` (SimPy; the same numbers, slowly). ``capacity='report'`` runs a
    network that overfills the chip and says by how much. ``network_samples`` is how many samples are timed once more
    with every packet noted, for latencies and disorder; None: one in eight, at most four, if their packets are few.
    ``synapse_unit`` (``dense``, ``sparse``, ``conv``) puts all connections on one unit of the cores, as `map_network`.
    ``timing='estimate'`` gives the same counts and estimated quanta, several times faster (docs/estimate.md).
    ``neurobench`` counts NeuroBench's MembraneUpdates as well, which replays every membrane (docs/neurobench.md).
    Raises NeurosimError when network and chip do not agree.
    """
    if isinstance(chip, LayerChip):
        if timing != "cycle":
            raise NeurosimError(f"timing: got {timing!r}; chip {chip.name} works layer by layer, use 'cycle'")
        if synapse_unit is not None:
            raise NeurosimError(f"synapse_unit: got {synapse_unit!r}; chip {chip.name} has one array for everything")
        from neurosim.run_layer import simulate_layers

        return simulate_layers(
            network, chip, stimulus, engine=engine, capacity=capacity, placement=placement, threads=threads,
            progress=progress, name=name, ann=ann, parameters=parameters, neurobench=neurobench,
        )  # fmt: skip
    check_front_end(chip, stimulus)
    if timing == "estimate" and network_samples:
        raise NeurosimError("network_samples: got an estimate, which follows no single packets; use timing 'cycle'")
    stages = simulate_stages(
        network, chip, stimulus, engine=engine, capacity=capacity, placement=placement, threads=threads,
        progress=progress, timing=timing, synapse_unit=synapse_unit,
    )  # fmt: skip
    mode, network_samples = timing, 0 if timing == "estimate" else network_samples
    mapping, timing, trace = stages.mapping, stages.timing, stages.trace
    activity = count_activity(network, chip, mapping, stages.plan, timing, trace)
    events = synaptic_events(network, trace)
    check_laws(network, stages, activity, events)
    activity = with_front_end(activity, chip, stimulus)
    energy = price_run(chip, activity, int(timing.round_cycles.sum()), mapping.memory, mapping.cores_used)
    saturations = {p.name: int(n) for p, n in zip(network.populations, trace.saturations, strict=True) if n}
    total = max(1, int(timing.round_cycles.sum()))
    predictions = read_out(network, trace)
    return Result(
        workload=name or network.name,
        chip=chip.name,
        engine=engine,
        samples=stimulus.n_samples,
        timesteps=stimulus.timesteps,
        quantum_ps=chip.clock.quantum_ps,
        predictions=predictions,
        labels=stimulus.labels,
        round_cycles=timing.round_cycles,
        spikes=by_population(network, trace.counts_by_neuron()),
        neurons={p.name: p.n_neurons for p in network.populations},
        synaptic_events=events,
        packets={
            "sent": int(timing.sent.sum()),
            "delivered": int(timing.delivered.sum()),
            # What was sent and never taken out; queues hold back, so the laws above allow none.
            "drops": int(timing.sent.sum() - timing.delivered.sum()),
            "injected": int(timing.injected.sum()),
            "flit_hops": int(timing.link_flits.sum()),
        },
        footprint=footprint_by_memory(mapping, chip),
        footprint_lines=[dict(vars(line)) for line in mapping.memory],
        fit=fit_report(mapping, chip),
        saturations=saturations,
        activity=activity,
        energy=energy,
        calibration=None if chip.calibration is None else chip.calibration.model_dump(),
        utilisation={
            "synapse": (timing.synapse_busy.sum(axis=0) / total).tolist(),
            "update": (timing.update_busy.sum(axis=0) / total).tolist(),
        },
        ann=ann,
        waits=np.concatenate([timing.waits, _stalls(timing)], axis=2),
        barrier_cycles=timing.barrier_cycles,
        layers=layers_of_run(network, trace.counts_by_neuron(), stimulus.n_samples, stimulus.timesteps),
        network=noted_network(stages, engine, network_samples),
        timing_mode=mode,
        neurobench=neurobench_metrics(network, trace, predictions, stimulus.labels, updates=neurobench),
        raster=first_spikes(trace),
        spikes_by_step=spikes_by_step(network, trace),
        roof=roof(chip),
        provenance=provenance(network, chip, stimulus, parameters or {}),
        notes=[ESTIMATED] * (mode == "estimate")
        + front_end_notes(chip, stimulus)
        + [
            f"{count} membrane updates of {part} were clipped to the membrane width"
            for part, count in saturations.items()
        ],
    )
