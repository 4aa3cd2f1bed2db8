"""A comparison as plain data: rows with units in their names, the Pareto front, JSON and CSV."""

from __future__ import annotations

import csv
import hashlib
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from neurosim.files import replacing
from neurosim.result import Result, wilson_interval
from neurosim.study.bits import GROUPS, grouped_bits
from neurosim.study.compare import Comparison, Row, Twin
from neurosim.study.proxy import MAC_AC, PROXY, WIDTH_AWARE, claims_of, mean_weight_bits, savings
from neurosim.study.sources import named_sources

# What each Pareto front trades accuracy against.
QUANTITIES = {
    "energy": "energy_pj_per_sample", "footprint": "footprint_bits", "latency": "latency_s_per_sample"
}  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r")


def _task(result: Result) -> bytes:
    """Equal for results that were asked the same questions."""
    return b"" if result.labels is None else result.labels.tobytes()


def on_front(results: Sequence[Result], quantity: str) -> list[bool]:
    """For each result whether no other with the same labels is at least as accurate and at least as cheap, and better
    in one. False without an accuracy. ``quantity`` is ``energy``, ``footprint`` or ``latency``."""
    points = [(r.accuracy, cost(r, quantity), _task(r)) for r in results]

    def beaten(a: float, c: float, task: bytes) -> bool:
        return any(
            other is not None and t == task and other >= a and price <= c and (other > a or price < c)
            for other, price, t in points
        )

    return [a is not None and not beaten(a, c, task) for a, c, task in points]


def cost(result: Result, quantity: str) -> float:
    """pJ a sample, bits, or seconds a sample."""
    if quantity == "energy":
        return result.energy_pj / result.samples
    return float(footprint_bits(result)) if quantity == "footprint" else result.latency_s


def footprint_bits(result: Result) -> int:
    """All used bits."""
    return sum(int(line["used_bits"]) for line in result.footprint_lines)


def energy_band(result: Result) -> tuple[float, float] | None:
    """pJ of one sample with all constants at one end of their bands; None where no constant has one."""
    if not result.energy.banded_share():
        return None
    low, high = result.energy.band_pj()
    return low / result.samples, high / result.samples


def _ran(result: Result, fronts: dict[str, bool]) -> dict[str, Any]:
    low, high = energy_band(result) or (None, None)
    interval = result.accuracy_interval
    own = claims_of(result)
    n = result.samples
    return {
        "accuracy": result.accuracy,
        "accuracy_low_95": None if interval is None else interval[0],
        "accuracy_high_95": None if interval is None else interval[1],
        "weight_bits_mean": mean_weight_bits(result),
        "energy_pj_per_sample": result.energy_pj / n,
        "energy_low_pj_per_sample": low,
        "energy_high_pj_per_sample": high,
        "leakage_pj_per_sample": result.energy.total_pj(leakage=True) / n,
        "latency_s_per_sample": result.latency_s,
        "footprint_bits": footprint_bits(result),
        **{f"{group}_bits": bits for group, bits in grouped_bits(result.footprint_lines).items()},
        "spikes_per_sample": sum(result.spikes.values()) / n,
        "synaptic_events_per_sample": result.synaptic_events["effective"] / n,
        "proxy_ac_pj_per_sample": own[PROXY].total if PROXY in own else None,
        "proxy_mac_ac_pj_per_sample": own[MAC_AC].total if MAC_AC in own else None,
        **{f"on_{quantity}_front": yes for quantity, yes in fronts.items()},
        "samples": n,
        "timesteps": result.timesteps,
        "labels_sha256": hashlib.sha256(_task(result)).hexdigest(),
    }


_EMPTY_RAN = (
    "accuracy", "accuracy_low_95", "accuracy_high_95", "weight_bits_mean", "energy_pj_per_sample",
    "energy_low_pj_per_sample", "energy_high_pj_per_sample", "leakage_pj_per_sample", "latency_s_per_sample",
    "footprint_bits", *(f"{group}_bits" for group in GROUPS), "spikes_per_sample", "synaptic_events_per_sample",
    "proxy_ac_pj_per_sample", "proxy_mac_ac_pj_per_sample", *(f"on_{q}_front" for q in QUANTITIES), "samples",
    "timesteps", "labels_sha256",
)  # fmt: skip


def _twin(twin: Twin, samples: int) -> dict[str, Any]:
    low, high = twin.band_pj or (None, None)
    least, most = wilson_interval(round(twin.accuracy * samples), samples)
    return {
        "accuracy": twin.accuracy, "accuracy_low_95": least, "accuracy_high_95": most,
        "energy_pj_per_sample": twin.energy_pj, "energy_low_pj_per_sample": low,
        "energy_high_pj_per_sample": high, "latency_s_per_sample": twin.latency_s,
    }  # fmt: skip


def plain_rows(comparison: Comparison) -> list[dict[str, Any]]:
    """Every workload, then every ANN twin: the same keys each, None where there is nothing to say."""
    results = comparison.results
    fronts = {quantity: on_front(results, quantity) for quantity in QUANTITIES}
    place = {id(result): i for i, result in enumerate(results)}

    def plain(row: Row | Twin) -> dict[str, Any]:
        made = {"name": row.name, "kind": "ann" if isinstance(row, Twin) else "snn", **dict.fromkeys(_EMPTY_RAN)}
        if isinstance(row, Twin):
            return {**made, **_twin(row, comparison.samples), "samples": comparison.samples, "reason": None}
        if row.result is not None:
            made |= _ran(row.result, {q: f[place[id(row.result)]] for q, f in fronts.items()})
        return {**made, "reason": row.reason}

    return [plain(row) for row in (*comparison.rows, *comparison.twins)]


def caption(comparison: Comparison, twins: bool = True) -> list[str]:
    """What holds for every figure: samples, chip, technology, whose constants, what the ANN twins run on, what is not
    equal."""
    t = comparison.chip.technology
    samples = "1 sample" if comparison.samples == 1 else f"mean of the same {comparison.samples} samples"
    lines = [
        f"Chip {comparison.chip.name} ({t.node_nm:g} nm, {t.voltage_v:g} V) for all; {samples}.",
        f"Constants: {', '.join(named_sources(r.energy for r in comparison.results))}.",
    ]
    if twins:
        lines += [f"ANN twins: {text}." for text in dict.fromkeys(twin.description for twin in comparison.twins)]
    return lines + [f"Note: {note}." for note in comparison.notes]


def to_json(comparison: Comparison) -> dict[str, Any]:
    """Everything that the page shows, as JSON data."""
    found, technology = savings(comparison.results), comparison.chip.technology
    return {
        "kind": "compare",
        "chip": comparison.chip.name,
        "technology": {"node_nm": technology.node_nm, "voltage_v": technology.voltage_v},
        "parameters": comparison.parameters,
        "caption": caption(comparison),
        "rows": plain_rows(comparison),
        "savings": [
            {
                "name": s.name, "reference": s.reference, "weight_bits_mean": s.weight_bits,
                "reference_weight_bits_mean": s.reference_bits, "chip_ratio": s.chip,
                "proxy_ac_ratio": s.claimed.get(PROXY), "proxy_mac_ac_ratio": s.claimed.get(MAC_AC),
                "width_aware_ratio": s.claimed.get(WIDTH_AWARE), "all_conventions": s.claimed,
            }
            for s in found
        ],
        "waterfalls": [
            {
                "from": w.start, "to": w.end, "from_pj": w.start_pj, "to_pj": w.end_pj,
                "steps": [{"step": name, "pj": pj} for name, pj in w.steps],
                "by_component_pj": [{"step": name, **parts} for name, parts in w.by_component], "reason": w.reason,
            }
            for w in comparison.waterfalls
        ],
        "provenance": {row.name: row.result.provenance for row in comparison.rows if row.result is not None},
    }  # fmt: skip


def to_csv(comparison: Comparison) -> str:
    """`plain_rows` with a header. Text that a spreadsheet would take for a formula begins with an apostrophe."""
    rows = plain_rows(comparison)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    for row in rows:
        writer.writerow([spreadsheet_cell(value) for value in row.values()])
    return text.getvalue()


def spreadsheet_cell(value: Any) -> Any:
    """Text that a spreadsheet would take for a formula gets an apostrophe in front; numbers stay."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_RISKY) else value


def write_csv(comparison: Comparison, path: Path) -> Path:
    """`to_csv` into a file, which is there whole or not at all."""
    with replacing(Path(path)) as temporary:
        temporary.write_text(to_csv(comparison), "utf-8", newline="")
    return Path(path)
