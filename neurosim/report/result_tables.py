"""The tables of a result as plain rows, units in the names of the columns."""

from __future__ import annotations

from math import fsum
from typing import Any

from neurosim.report.figure_energy import constants_of
from neurosim.result import Result
from neurosim.study.table import energy_band, footprint_bits


def summary_rows(results: list[Result]) -> list[dict[str, Any]]:
    """A line a result."""
    rows = []
    names = [r.workload for r in results]
    # The chip has a column of its own; a number tells apart what is equal in both.
    alike = [(r.workload, r.chip) for r in results]
    names = [f"{n} ({i + 1})" if alike.count(alike[i]) > 1 else n for i, n in enumerate(names)]
    for name, r in zip(names, results, strict=True):
        low, high = energy_band(r) or (None, None)
        interval = r.accuracy_interval or (None, None)
        rows.append({
            "name": name, "chip": r.chip, "samples": r.samples, "timesteps": r.timesteps, "accuracy": r.accuracy,
            "accuracy_low_95": interval[0], "accuracy_high_95": interval[1],
            "energy_nj_per_sample": r.energy_pj / r.samples / 1e3,
            "energy_low_nj": None if low is None else low / 1e3,
            "energy_high_nj": None if high is None else high / 1e3,
            "latency_us_per_sample": r.latency_s * 1e6, "footprint_bits": footprint_bits(r),
            "synaptic_events_per_sample": r.synaptic_events["effective"] / r.samples,
            "spikes_per_sample": sum(r.spikes.values()) / r.samples,
        })  # fmt: skip
    return rows


def energy_rows(result: Result) -> list[dict[str, Any]]:
    """Count, constant and energy a sample of every constant, the most energy first."""
    keys = ("component", "action", "count", "price_pj", "low_price_pj", "high_price_pj", "energy_pj", "source")
    rows = [{key: row[key] for key in keys} for row in constants_of(result)]
    total = result.energy_pj / result.samples
    for row in rows:
        row["share"] = row["energy_pj"] / total
    return sorted(rows, key=lambda row: (-row["energy_pj"], row["component"], row["action"]))


def layer_rows(result: Result) -> list[dict[str, Any]]:
    """Neurons, spikes, rate and the energy of updating the neurons of each layer, connections apart."""
    energy: dict[str, list[float]] = {}
    for leaf in result.energy.leaves:
        energy.setdefault(leaf.part, []).append(leaf.energy_pj)
    per = result.samples * result.timesteps
    return [
        {
            "layer": name, "neurons": n, "spikes_per_sample": result.spikes[name] / result.samples,
            "rate": result.spikes[name] / (n * per), "own_energy_pj_per_sample": fsum(energy.get(name, [])) /
            result.samples,
        }
        for name, n in result.neurons.items()
    ]  # fmt: skip


def footprint_rows(result: Result) -> list[dict[str, Any]]:
    """Used and provided bits of each memory, of all cores."""
    return [
        {"memory": name, "used_bits": sizes["used_bits"], "provisioned_bits": sizes["provisioned_bits"]}
        for name, sizes in result.footprint.items()
    ]
