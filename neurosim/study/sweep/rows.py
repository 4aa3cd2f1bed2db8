"""The metrics of a row, by the stage that gives them. ``energy_pj.router`` is a part of ``energy_pj``."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.arch import Chip, LayerChip
from neurosim.arch.technology.area import memory_areas
from neurosim.energy.conventions.neurobench import neurobench_metrics
from neurosim.engine.layer_plan import LayerResult
from neurosim.engine.plan import WAITS, TimingResult
from neurosim.mapping.fit import footprint_by_memory
from neurosim.mapping.layer import LayerMapping
from neurosim.mapping.mapping import Mapping
from neurosim.result import wilson_interval
from neurosim.run import by_population, synaptic_events
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus
from neurosim.study.bits import grouped_bits

COLUMNS = frozenset((
    "point", "error", "workload", "chip", "samples", "timesteps", "seed", "accuracy", "accuracy_low_95",
    "accuracy_high_95", "spikes", "synaptic_events", "synaptic_events_dense", "macs", "saturations", "neurobench",
    "cycles", "cycles_per_sample", "barrier_cycles", "wait_cycles", "packets_sent", "packets_delivered",
    "packets_injected", "flit_hops", "synapse_busy_share", "update_busy_share", "load_busy_share", "array_busy_share",
    "cores", "cores_used", "footprint_bits", "memory_bits", "broken_limits", "network", "quantum_ps", "latency_s",
    "memory_area_mm2", "energy_pj", "energy_pj_per_sample", "energy_low_pj", "energy_high_pj", "dynamic_pj",
    "leakage_pj", "power_w", "calibrated_pj", "calibrated_low_pj", "calibrated_high_pj",
))  # fmt: skip
"""All columns but axes; those with parts have more behind a dot."""
_NEUROBENCH = ("Footprint", "ConnectionSparsity", "ActivationSparsity", "ParameterCount")


def function_metrics(
    network: Network, stimulus: Stimulus, trace: SpikeTrace, predictions: np.ndarray | None
) -> dict[str, Any]:
    """What depends on network and input alone."""
    spikes = by_population(network, trace.counts_by_neuron())
    events = synaptic_events(network, trace)
    accuracy = low = high = None
    if predictions is not None and stimulus.labels is not None:
        right = predictions == stimulus.labels
        accuracy = float(right.mean())
        low, high = wilson_interval(int(right.sum()), right.size)
    known = neurobench_metrics(network, trace, predictions, stimulus.labels)
    return {
        "samples": trace.n_samples,
        "timesteps": trace.timesteps,
        "accuracy": accuracy,
        "accuracy_low_95": low,
        "accuracy_high_95": high,
        "spikes": sum(spikes.values()),
        **{f"spikes.{name}": count for name, count in spikes.items()},
        "synaptic_events": events["effective"],
        "synaptic_events_dense": events["dense"],
        "macs": events["mac"],
        "saturations": int(trace.saturations.sum()),
        **{f"neurobench.{name}": known[name] for name in _NEUROBENCH},
    }


def _cycles(total: int, samples: int) -> dict[str, Any]:
    return {"cycles": total, "cycles_per_sample": total / samples}


def _footprint(mapping: Mapping | LayerMapping, chip: Chip | LayerChip) -> dict[str, Any]:
    lines = [vars(line) for line in mapping.memory]
    by_memory = footprint_by_memory(mapping, chip)
    return {
        "footprint_bits": sum(line["used_bits"] for line in lines),
        **{f"footprint_bits.{group}": bits for group, bits in grouped_bits(lines).items()},
        **{f"memory_bits.{memory}": used["used_bits"] for memory, used in by_memory.items()},
        "broken_limits": len(mapping.overflows),
    }


def core_metrics(chip: Chip, mapping: Mapping, timing: TimingResult) -> dict[str, Any]:
    """Of a chip of cores: cycles, waits, packets, footprint, cores in use, how busy the busiest is."""
    total = int(timing.round_cycles.sum())
    waits = timing.waits.sum(axis=(0, 1)).tolist()
    busy = {"synapse": timing.synapse_busy, "update": timing.update_busy}
    return {
        **_cycles(total, timing.round_cycles.shape[0]),
        "barrier_cycles": int(timing.barrier_cycles.sum()),
        **{f"wait_cycles.{cause}": int(n) for cause, n in zip(WAITS, waits, strict=True)},
        "wait_cycles.update_queue_full": int(timing.update_stall.sum()),
        "packets_sent": int(timing.sent.sum()),
        "packets_delivered": int(timing.delivered.sum()),
        "packets_injected": int(timing.injected.sum()),
        "flit_hops": int(timing.link_flits.sum()),
        **{f"{unit}_busy_share": float(q.sum(axis=0).max()) / max(1, total) for unit, q in busy.items()},
        "cores": chip.n_cores,
        "cores_used": mapping.cores_used,
        **_footprint(mapping, chip),
    }


def packet_metrics(noted: dict[str, Any] | None) -> dict[str, Any]:
    """Of `neurosim.engine.network_metrics`, where packets were noted."""
    if noted is None:
        return {}
    found = {
        f"{what}_{end}": value for what in ("latency_cycles", "drain_cycles") for end, value in noted[what].items()
    }
    load = max((link["load"] for link in noted["links"]), default=0.0)
    return {f"network.{name}": value for name, value in (*found.items(), ("busiest_link_load", load))}


def layer_metrics(chip: LayerChip, mapping: LayerMapping, timing: LayerResult) -> dict[str, Any]:
    """Of a chip that works layer by layer."""
    total = int(timing.cycles.sum())
    return {
        **_cycles(total, timing.cycles.shape[0]),
        **{
            f"{unit}_busy_share": int(timing.layer(f"{unit}_busy").sum()) / max(1, total)
            for unit in ("load", "array", "update")
        },
        "cores": 1,
        "cores_used": 1,
        **_footprint(mapping, chip),
    }


def calibrated_columns(chip: Chip | LayerChip, energy: dict[str, list]) -> dict[str, list[float]]:
    """Energy columns at the chip's calibration factor, its low and its high end, as `Result.calibrated_pj`; none where
    the chip file states none."""
    c = chip.calibration
    if c is None:
        return {}
    names = {"factor": "calibrated_pj", "low": "calibrated_low_pj", "high": "calibrated_high_pj"}
    columns: dict[str, list[float]] = {name: [] for name in names.values()}
    for total, leakage in zip(energy["energy_pj"], energy["leakage_pj"], strict=True):
        scaled = total if c.of == "all" else total - leakage
        base = scaled / c.factor if c.applied else scaled
        for end, name in names.items():
            columns[name].append(base * getattr(c, end) + (total - scaled))
    return columns


def chip_metrics(chip: Chip | LayerChip, cycles: int, samples: int) -> dict[str, Any]:
    """Seconds and square millimetres: of a chip whose memories are derived from the tables; None where they are not."""
    areas = memory_areas(chip)
    seconds = cycles * chip.clock.quantum_ps * 1e-12
    return {
        "quantum_ps": float(chip.clock.quantum_ps),
        "latency_s": seconds / samples,
        "memory_area_mm2": sum(area.total_mm2 for area in areas) if areas else None,
        **{f"memory_area_mm2.{area.component}": area.total_mm2 for area in areas},
    }
