"""What a notebook imports: find a workload and a chip, run one on the other, get a `Result`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from neurosim.arch import Chip, load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.file import read_placement
from neurosim.result import Result
from neurosim.run import Progress, simulate
from neurosim.workload.workload import Workload, load_workload


def _twin(workload: Workload, chip: Chip, samples: int) -> dict[str, Any] | None:
    """The ANN that does the same job on the same samples, or None when the workload has none."""
    if workload.ann_path is None:
        return None
    from neurosim.baseline.ann_model import AnnModel
    from neurosim.baseline.dense import cost_ann

    model = AnnModel.load(workload.ann_path)
    labels = workload.labels[:samples]
    cost = cost_ann(model, chip, len(labels))
    accuracy = float((model.predict(workload.data[:samples]) == labels).mean())
    return {"accuracy": accuracy, **cost}


def run(
    workload: str | Workload,
    chip: str | Chip = "loihi-2018",
    *,
    samples: int | None = 200,
    timesteps: int | None = None,
    seed: int = 0,
    engine: str = "fast",
    mapping: Path | None = None,
    capacity: str = "refuse",
    input: Path | None = None,
    labels: Path | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Result:
    """Run a workload (name, folder, file or object) on a chip (name, file or object).

    ``samples`` caps the number of samples (None: all); ``mapping`` is a core map file. Raises NeurosimError when
    anything named cannot be found, read or fitted.
    """
    if samples is not None and samples < 1:
        raise NeurosimError(f"samples: got {samples}, expected at least 1")
    if timesteps is not None and timesteps < 1:
        raise NeurosimError(f"timesteps: got {timesteps}, expected at least 1")
    if engine not in ("fast", "reference"):
        raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
    if capacity not in ("refuse", "report"):
        raise NeurosimError(f"capacity: got {capacity!r}, expected 'refuse' or 'report'")
    target = load_chip(chip) if isinstance(chip, str) else chip
    work = load_workload(workload, input, labels, timesteps) if isinstance(workload, str) else workload
    placement: np.ndarray | None = work.core_of_neuron
    if mapping is not None:
        placement = read_placement(mapping, work.network)
    stimulus = work.stimulus(samples, timesteps, seed)
    parameters = {
        "workload": work.name, "chip": target.name, "samples": stimulus.n_samples, "timesteps": stimulus.timesteps,
        "seed": seed, "engine": engine, "capacity": capacity, "mapping": None if mapping is None else str(mapping),
    }  # fmt: skip
    return simulate(
        work.network, target, stimulus, engine=engine, capacity=capacity, placement=placement, threads=threads,
        progress=progress, name=work.name, ann=_twin(work, target, stimulus.n_samples), parameters=parameters,
    )  # fmt: skip
