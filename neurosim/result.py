"""What a run returns: one object that answers, explains, saves to one file, loads again and renders itself.

Tables are pandas DataFrames, made when asked for. Energy keeps every leaf, so any total can be taken apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.energy.conventions.definitions import HARDWARE, NEUROBENCH
from neurosim.energy.table import EnergyTable, Leaf
from neurosim.engine.activity import Activity
from neurosim.engine.plan import WAITS
from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays

if TYPE_CHECKING:
    import pandas as pd

FORMAT = "neurosim-result/1"
WAIT_CAUSES = (*WAITS, "update_queue_full")


def wilson_interval(correct: int, n: int, z: float = 1.959964) -> tuple[float, float]:
    """95 % interval of a proportion (Wilson score), which stays inside 0..1 for small samples and high accuracy."""
    if n == 0:
        return 0.0, 1.0
    p = correct / n
    centre = (p + z * z / (2 * n)) / (1 + z * z / n)
    half = z * sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    return max(0.0, centre - half), min(1.0, centre + half)


@dataclass(frozen=True, eq=False)
class Result:
    """One run of a network on a chip.

    predictions, labels : (samples,) int64 or None without a readout or labels. round_cycles : (samples, rounds)
    int64, barrier included. spikes and mean rates by population; synaptic_events {effective, dense, mac};
    waits : (rounds, cores + 1) x `WAIT_CAUSES` int64 quanta over all samples, the host last; barrier_cycles : (samples,
    rounds) int64, the part of round_cycles after the last work; both None in files of older versions.
    network : `neurosim.engine.network_metrics` of the first samples, or None where it was not measured.
    layers: what `neurosim.energy.conventions` reads, empty in files of older versions.
    neurobench: `neurosim.energy.conventions.neurobench`, of the network and not of the chip; None in older files.
    timing_mode : ``cycle``, or ``estimate`` where quanta (and leakage) are estimated.
    raster, spikes_by_step : `neurosim.engine.raster`; roof: `neurosim.arch.roof`; None in files of older versions.
    calibration: the factor that the chip file states, as its fields, or None; see `calibrated_pj`.
    delivered {packets, drops}; footprint {memory: {used_bits, provisioned_bits}}; ann is None without a twin.
    """

    workload: str
    chip: str
    engine: str
    samples: int
    timesteps: int
    quantum_ps: float
    predictions: np.ndarray | None
    labels: np.ndarray | None
    round_cycles: np.ndarray
    spikes: dict[str, int]
    neurons: dict[str, int]
    synaptic_events: dict[str, int]
    packets: dict[str, int]
    footprint: dict[str, dict[str, int | None]]
    footprint_lines: list[dict[str, Any]]
    fit: dict[str, Any]
    saturations: dict[str, int]
    activity: Activity
    energy: EnergyTable
    utilisation: dict[str, list[float]]
    ann: dict[str, Any] | None
    provenance: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    waits: np.ndarray | None = None
    barrier_cycles: np.ndarray | None = None
    network: dict[str, Any] | None = None
    layers: list[dict[str, Any]] = field(default_factory=list)
    timing_mode: str = "cycle"
    neurobench: dict[str, Any] | None = None
    raster: np.ndarray | None = None
    spikes_by_step: np.ndarray | None = None
    roof: dict[str, Any] | None = None
    calibration: dict[str, Any] | None = None

    @property
    def accuracy(self) -> float | None:
        """Share of predictions equal to the label."""
        if self.predictions is None or self.labels is None:
            return None
        return float((self.predictions == self.labels).mean())

    @property
    def accuracy_interval(self) -> tuple[float, float] | None:
        """95 % Wilson interval of `accuracy`."""
        if self.accuracy is None:
            return None
        return wilson_interval(int((self.predictions == self.labels).sum()), self.labels.size)

    @property
    def confusion(self) -> np.ndarray | None:
        """(classes, classes) counts, true class by row."""
        if self.accuracy is None:
            return None
        n = int(max(self.labels.max(), self.predictions.max())) + 1
        table = np.zeros((n, n), np.int64)
        seen = self.predictions >= 0
        np.add.at(table, (self.labels[seen], self.predictions[seen]), 1)
        return table

    @property
    def cycles_per_sample(self) -> np.ndarray:
        """Quanta of each sample, (samples,) int64."""
        return self.round_cycles.sum(axis=1)

    @property
    def cycles_total(self) -> int:
        return int(self.round_cycles.sum())

    @property
    def waits_total(self) -> dict[str, int]:
        """Quanta that units waited, by cause, summed over cores, rounds and samples."""
        if self.waits is None:
            return {}
        return dict(zip(WAIT_CAUSES, self.waits.sum(axis=(0, 1)).tolist(), strict=True))

    def waits_frame(self) -> pd.DataFrame:
        """round, core (the host's number is that of the cores), cause, quanta; rows of 0 left out."""
        import pandas as pd

        waits = np.zeros((0, 0, len(WAIT_CAUSES)), np.int64) if self.waits is None else self.waits
        found = np.argwhere(waits)
        rows = [(int(r), int(e), WAIT_CAUSES[k], int(waits[r, e, k])) for r, e, k in found]
        return pd.DataFrame(rows, columns=["round", "core", "cause", "quanta"])

    @property
    def seconds(self) -> float:
        """Simulated time of all samples, one after another."""
        return self.cycles_total * self.quantum_ps * 1e-12

    @property
    def latency_s(self) -> float:
        """Mean simulated time of one sample."""
        return self.seconds / self.samples

    @property
    def energy_pj(self) -> float:
        """Dynamic energy and leakage over all samples."""
        return self.energy.total_pj()

    @property
    def calibrated_pj(self) -> tuple[float, float, float] | None:
        """Energy over all samples at the chip's calibration factor, its low and its high end; None without one.

        A factor that the chip file has applied is in every price already, and divided out for the two ends.
        """
        if self.calibration is None:
            return None
        c = self.calibration
        leakage = self.energy.total_pj(leakage=True)
        scaled = self.energy_pj if c["of"] == "all" else self.energy_pj - leakage
        unscaled = self.energy_pj - scaled
        base = scaled / c["factor"] if c["applied"] else scaled
        return tuple(base * c[end] + unscaled for end in ("factor", "low", "high"))

    def to_json(self) -> dict[str, Any]:
        """The summary as plain data, with the keys that `neurosim run --json` promises."""
        used = {memory: line["used_bits"] for memory, line in self.footprint.items()}
        interval = self.accuracy_interval
        by_component = {k: v for k, v in self.energy.by_component().items() if k != "leakage"}
        return {
            "workload": self.workload,
            "chip": self.chip,
            "engine": self.engine,
            "samples": self.samples,
            "timesteps": self.timesteps,
            "accuracy": self.accuracy,
            "accuracy_interval_95": None if interval is None else list(interval),
            "spikes": dict(self.spikes),
            "synaptic_events": dict(self.synaptic_events),
            "packets": dict(self.packets),
            "cycles": {"total": self.cycles_total, "per_sample_mean": self.cycles_total / self.samples},
            "timing": {
                "mode": self.timing_mode,
                "barrier_cycles": None if self.barrier_cycles is None else int(self.barrier_cycles.sum()),
                "waits": self.waits_total,
            },
            "network": self.network,
            "quantum_ps": self.quantum_ps,
            "latency_s": self.latency_s,
            "footprint_bits": {**used, "total": sum(used.values())},
            "fit": self.fit,
            "saturations": dict(self.saturations),
            "energy_pj": {
                "total": self.energy_pj,
                "dynamic": self.energy.total_pj(leakage=False),
                "leakage": self.energy.total_pj(leakage=True),
                "band": dict(zip(("low", "high"), self.energy.band_pj(), strict=True)),
                "banded_share": self.energy.banded_share(),
                "by_component": by_component,
                "unsourced_share": self.energy.unsourced_share(),
            },
            "calibration": None if self.calibration is None else {**self.calibration, "energy_pj": self.calibrated_pj},
            "neurobench": self.neurobench,
            "definitions": {"neurobench": NEUROBENCH, "hardware": HARDWARE},
            "ann": self.ann,
            "notes": list(self.notes),
            "provenance": self.provenance,
        }

    def energy_frame(self) -> pd.DataFrame:
        """Every leaf: component, action, place, part, count, price_pj, energy_pj, source."""
        import pandas as pd

        rows = [{**vars(leaf), "energy_pj": leaf.energy_pj} for leaf in self.energy.leaves]
        columns = ["component", "action", "place", "part", "count", "price_pj", "energy_pj", "source"]
        return pd.DataFrame(rows, columns=columns)

    def activity_frame(self) -> pd.DataFrame:
        """Counts by action, place and part."""
        import pandas as pd

        a = self.activity
        return pd.DataFrame({"action": a.action, "place": a.place, "part": a.part, "count": a.count})

    def footprint_frame(self) -> pd.DataFrame:
        """Bits by core, memory, content and part."""
        import pandas as pd

        return pd.DataFrame(self.footprint_lines, columns=["core", "memory", "content", "part", "used_bits"])

    def save(self, path: Path) -> Path:
        """Write everything to one file (npz with a JSON header); returns the path."""
        header = {key: getattr(self, key) for key in _PLAIN}
        header |= {key: getattr(self, key) for key in _LATER}
        header["format"] = FORMAT
        # JSON objects are written with sorted keys; layers keep their order here.
        header["populations"] = list(self.neurons)
        header["activity"] = {k: list(getattr(self.activity, k)) for k in ("action", "place", "part")}
        header["energy"] = [[x.component, x.action, x.place, x.part, x.source] for x in self.energy.leaves]
        arrays = {
            "round_cycles": self.round_cycles,
            "activity_count": self.activity.count,
            "energy_count": np.array([leaf.count for leaf in self.energy.leaves], np.float64),
            "energy_price_pj": np.array([leaf.price_pj for leaf in self.energy.leaves], np.float64),
            "energy_band_pj": _band_array(self.energy),
        }
        for key in _OPTIONAL:
            if getattr(self, key) is not None:
                arrays[key] = getattr(self, key)
        write_arrays(Path(path), header, arrays)
        return Path(path)

    @classmethod
    def load(cls, path: Path) -> Result:
        """Inverse of `save`. Raises NeurosimError for a file of another kind or version."""
        header, arrays = read_arrays(Path(path))
        if header.get("format") != FORMAT:
            raise NeurosimError(f"{path}: format {header.get('format')!r}, expected {FORMAT!r}; is it a result file?")
        try:
            names = header["activity"]
            for key in ("neurons", "spikes"):
                header[key] = {name: header[key][name] for name in header.get("populations", header[key])}
            activity = Activity(
                tuple(names["action"]), tuple(names["place"]), tuple(names["part"]), arrays["activity_count"]
            )
            # Files of older versions hold no bands.
            bands = arrays.get("energy_band_pj", np.full((len(header["energy"]), 2), np.nan))
            leaves = tuple(
                Leaf(
                    component, action, place, part, float(count), float(price), source,
                    *(None if np.isnan(end) else float(end) for end in band),
                )
                for (component, action, place, part, source), count, price, band in zip(
                    header["energy"], arrays["energy_count"], arrays["energy_price_pj"], bands, strict=True
                )
            )  # fmt: skip
            return cls(
                activity=activity,
                energy=EnergyTable(leaves),
                round_cycles=arrays["round_cycles"],
                **{key: arrays.get(key) for key in _OPTIONAL},
                **{key: header.get(key, default) for key, default in _LATER.items()},
                **{key: header[key] for key in _PLAIN},
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NeurosimError(f"{path}: the result file is damaged ({error!r})") from error

    def _repr_html_(self) -> str:
        from neurosim.result_html import result_html

        return result_html(self)


def _band_array(table: EnergyTable) -> np.ndarray:
    """(leaves, 2) float64: low and high price, NaN where no band is known."""
    ends = [(leaf.low_price_pj, leaf.high_price_pj) for leaf in table.leaves]
    return np.array([[np.nan if p is None else p for p in pair] for pair in ends], np.float64).reshape(-1, 2)


_OPTIONAL = ("predictions", "labels", "waits", "barrier_cycles", "raster", "spikes_by_step")
_PLAIN = (
    "workload", "chip", "engine", "samples", "timesteps", "quantum_ps", "spikes", "neurons", "synaptic_events",
    "packets", "footprint", "footprint_lines", "fit", "saturations", "utilisation", "ann", "provenance", "notes",
)  # fmt: skip
# What files of older versions lack, and what stands for it.
_LATER = {
    "network": None, "timing_mode": "cycle", "neurobench": None, "roof": None, "calibration": None, "layers": [],
}  # fmt: skip
