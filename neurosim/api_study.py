"""Studies for notebooks and the command line: workloads compared on one chip."""

from __future__ import annotations

from collections.abc import Sequence

from neurosim import api
from neurosim.arch import Chip, LayerChip, load_chip
from neurosim.run import Progress
from neurosim.study.compare import Comparison, compare
from neurosim.workload.workload import Workload, load_workload


def compare_workloads(
    workloads: Sequence[str | Workload],
    chip: str | Chip | LayerChip = "edge-28nm",
    *,
    samples: int = 200,
    timesteps: int | None = None,
    seed: int = 0,
    capacity: str = "refuse",
    against: str | None = None,
    waterfalls: Sequence[tuple[str, str]] | None = None,
    processes: int | None = None,
    progress: Progress | None = None,
) -> Comparison:
    """Run workloads (names, folders or objects) on one chip with the same samples; see `Comparison` for what returns.

    A workload that the chip cannot run is a row with the reason. ``against='ann'`` adds the ANN twins. ``waterfalls``
    are pairs of names to take apart into quantise, prune and firing change (docs/compare.md). ``processes`` run at a
    time (None: one a CPU). Raises NeurosimError for a workload or chip that cannot be found, and when nothing runs.
    """
    target = load_chip(chip) if isinstance(chip, str) else chip
    api._check_runnable(target)
    loaded = [load_workload(work) if isinstance(work, str) else work for work in workloads]
    return compare(
        api.simulate, loaded, workloads, target, samples=samples, timesteps=timesteps, seed=seed, capacity=capacity,
        against=against, waterfalls=waterfalls, processes=processes, progress=progress,
    )  # fmt: skip
