"""The questions of a kind of their own, for scripts: where the bits lie, and where spiking breaks even."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.api.runs import check_runnable, simulate
from neurosim.arch import Chip, EventChip, LayerChip, PhaseChip, load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.file import from_column_order, read_placement
from neurosim.run import Progress
from neurosim.snn.network import Network
from neurosim.workload.workload import Workload, list_workloads, load_workload

if TYPE_CHECKING:
    from neurosim.mapping.footprint import Footprint
    from neurosim.mapping.where import Trial
    from neurosim.study.break_even import Axes
    from neurosim.study.crossover import CrossoverAxes


def footprint(
    workload: str | Workload | Network,
    chip: str | Chip | LayerChip = "loihi-2018",
    *,
    layout: str | None = None,
    timesteps: int | None = None,
    profile: str | None = None,
    mapping: Path | None = None,
    where: bool = True,
) -> tuple[Footprint, list[Trial]]:
    """Every bit that a network stores on a chip, and which shipped chips hold it in which layout and width.

    Takes what `simulate` takes, without data. ``layout`` writes the weights as `neurosim.mapping.storage` says instead
    of as the chip does; ``timesteps`` is for layer chips, whose buffers hold a window of them (default: the workload's
    own). ``where=False`` tries no other chip. Raises NeurosimError when the chip cannot compute the network.
    """
    from neurosim.arch import list_chips
    from neurosim.mapping.footprint import footprint as add_up
    from neurosim.mapping.where import trials, with_layout
    from neurosim.workload.workload import load_model

    if timesteps is not None and timesteps < 1:
        raise NeurosimError(f"timesteps: got {timesteps}, expected at least 1")
    target = load_chip(chip) if isinstance(chip, str) else chip
    if isinstance(target, EventChip | PhaseChip):
        check_runnable(target)
    work = None
    if isinstance(workload, str):
        is_file = Path(workload).is_file() and workload not in list_workloads()
        work = None if is_file else load_workload(workload, profile=profile)
        network = load_model(workload, profile) if work is None else work.network
    else:
        work = workload if isinstance(workload, Workload) else None
        network = workload if work is None else work.network
    steps = timesteps if work is None or timesteps is not None else work.timesteps
    if isinstance(target, LayerChip):
        if steps is None:
            raise NeurosimError(
                f"timesteps: missing; chip {target.name} buffers a window of them, which a model file lacks; "
                "give --timesteps"
            )
        if mapping is not None:
            raise NeurosimError(f"chip {target.name}: execution is 'layer', one array; leave the core map out")
    if layout is not None:
        target = with_layout(target, layout)
    placement = None if mapping is None else read_placement(mapping, network)
    if placement is None and work is not None and work.core_of_neuron is not None and isinstance(target, Chip):
        placement = from_column_order(work.core_of_neuron, target)
    found = add_up(network, target, steps or 1, placement)
    tried = trials(network, [load_chip(name) for name in list_chips()], steps) if where else ()
    return found, list(tried)


def break_even(
    workloads: Sequence[str],
    chip: str | Chip | LayerChip = "edge-28nm",
    *,
    axes: Axes | None = None,
    batch: int = 32,
    samples: int = 50,
    draws: int = 2,
    seed: int = 0,
    engine: str = "fast",
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Where spiking costs what the ANN twin costs (`neurosim.study.break_even`), on the shape of the first workload.

    Every workload is run as it is on ``samples`` samples and becomes a point of the map; all must have the shape of the
    first and a twin. ``draws`` imposed samples a value of the map. Raises NeurosimError where that cannot be.
    """
    from neurosim.baseline.ann_model import AnnModel
    from neurosim.study.break_even import Axes, Twin, add_point, break_even_map

    if not workloads:
        raise NeurosimError("breakeven: no workload given; name at least one")
    target = load_chip(chip) if isinstance(chip, str) else chip
    check_runnable(target)
    loaded = [load_workload(name) for name in workloads]
    shape = [(p.name, p.shape) for p in loaded[0].network.populations]
    for work in loaded:
        if work.ann_path is None:
            raise NeurosimError(f"workload {work.name}: has no ANN twin (no 'ann' in its workload.yaml)")
        if [(p.name, p.shape) for p in work.network.populations] != shape:
            raise NeurosimError(f"workload {work.name}: another shape than {loaded[0].name}; the map is of one shape")
    model, images = AnnModel.load(loaded[0].ann_path), loaded[0].data[:samples]
    found = break_even_map(
        loaded[0].network, model, images, target, axes or Axes(), batch=batch, samples=draws, seed=seed, engine=engine,
        progress=progress,
    )  # fmt: skip
    for work in loaded:
        result = simulate(work, target, samples=samples, seed=seed, engine=engine, progress=progress)
        add_point(found, result, work.network, Twin(AnnModel.load(work.ann_path), work.data[:samples]))
    return {"workload": loaded[0].name, "chip": target.name, "batch": batch, **found}


def crossover(
    workloads: Sequence[str] = (),
    chip: str | LayerChip = "edge-28nm-layer-reuse",
    *,
    axes: CrossoverAxes | None = None,
    samples: int = 50,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Where reusing codewords beats decoding them (`neurosim.study.crossover`), on random spike maps.

    Each of ``workloads`` adds its codebook layers as points, at the rate measured on ``samples`` samples. Raises
    NeurosimError for a chip that cannot reuse codewords, or a workload without a layer that could.
    """
    from neurosim.study.crossover import CrossoverAxes, crossover_map, workload_points

    target = load_chip(chip) if isinstance(chip, str) else chip
    loaded = [load_workload(name) for name in workloads]
    found = crossover_map(target, axes or CrossoverAxes(), seed=seed, progress=progress)
    for work in loaded:
        found["points"] += workload_points(work.name, work.network, target, work.stimulus(samples, seed=seed))
    return found


def dataflows(
    workload: str,
    chip: str | LayerChip = "edge-28nm-layer",
    *,
    stored: Sequence[str] = (),
    timesteps: Sequence[int] = (2, 4, 8, 16),
    samples: int = 20,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Membranes in memory, in a register or from history (`neurosim.study.dataflows`), over numbers of timesteps.

    ``stored`` names workloads of other membrane widths, run with membranes in memory alone. Raises NeurosimError for a
    workload whose membranes cannot be left out, or another kind of chip.
    """
    from neurosim.study.dataflows import compare_dataflows

    if not timesteps or min(timesteps) < 1:
        raise NeurosimError(f"timesteps: got {list(timesteps)}, expected numbers of at least 1")
    target = load_chip(chip) if isinstance(chip, str) else chip
    work, others = load_workload(workload), [load_workload(name) for name in stored]

    def stimuli(of: Workload) -> dict:
        return {t: of.stimulus(samples, t, seed) for t in timesteps}

    rows = compare_dataflows(
        work.network, target, stimuli(work), {w.name: (w.network, stimuli(w)) for w in others}, progress=progress
    )
    return {"workload": work.name, "chip": target.name, "timesteps": list(timesteps), "samples": samples, "rows": rows}
