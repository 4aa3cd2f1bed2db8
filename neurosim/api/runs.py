"""What a notebook imports: find a workload and a chip, run one on the other, get a `Result`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from neurosim.arch import Chip, EventChip, LayerChip, PhaseChip, load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.file import from_column_order, read_placement
from neurosim.result import Result
from neurosim.run import Progress
from neurosim.run import simulate as run_stages
from neurosim.snn.network import Network
from neurosim.snn.trace import Stimulus
from neurosim.workload.workload import Workload, load_workload


def _twin(workload: Workload, chip: Chip | LayerChip, samples: int) -> dict[str, Any] | None:
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


def _workload(
    workload: str | Workload | Network,
    stimulus: Stimulus | None,
    input: Path | None,
    labels: Path | None,
    timesteps: int | None,
    profile: str | None,
    encoder: str | None,
) -> Workload:
    """The workload named or given; a network alone needs its stimulus."""
    if isinstance(workload, Network):
        if stimulus is None:
            raise NeurosimError("simulate: a network alone has no input; give a Stimulus, or a workload by name")
        return Workload(workload.name, "", workload, None, None, None, stimulus.timesteps, fixed_stimulus=stimulus)
    if isinstance(workload, str):
        return load_workload(workload, input, labels, timesteps, profile, encoder)
    return workload if encoder is None else replace(workload, encoder=encoder)


def _check_counts(**counts: int | None) -> None:
    for name, value in counts.items():
        if value is not None and value < 1:
            raise NeurosimError(f"{name}: got {value}, expected at least 1")


def check_runnable(chip: Chip | EventChip | LayerChip | PhaseChip) -> None:
    """Raises NeurosimError that says why, for a chip on which no workload can be run to an energy."""
    if isinstance(chip, EventChip):
        why = (
            "execution is 'event', which takes a stream of events and no timesteps (neurosim.engine.event, "
            "docs/events.md)"
        )
    elif isinstance(chip, PhaseChip):
        why = "execution is 'phases', which times steps from their counts and runs no network (docs/phases.md)"
    elif isinstance(chip, Chip) and chip.without_energy is not None:
        reason = " ".join(chip.without_energy.split())
        why = f"has no energies ({reason}); it is there for its timing (neurosim show chip)"
    else:
        return
    raise NeurosimError(f"chip {chip.name}: {why}; choose a chip with execution 'barrier' and prices")


def simulate(
    workload: str | Workload | Network,
    chip: str | Chip | LayerChip = "loihi-2018",
    stimulus: Stimulus | None = None,
    *,
    samples: int | None = 200,
    timesteps: int | None = None,
    seed: int = 0,
    engine: str = "fast",
    mapping: Path | None = None,
    capacity: str = "refuse",
    input: Path | None = None,
    labels: Path | None = None,
    profile: str | None = None,
    encoder: str | None = None,
    threads: int | None = None,
    progress: Progress | None = None,
    trace: Path | None = None,
    trace_sample: int = 0,
    trace_steps: tuple[int, int] | None = None,
    network_samples: int | None = None,
    timing: str = "cycle",
    synapse_unit: str | None = None,
    neurobench: bool = False,
) -> Result:
    """Run a workload (name, folder, file or object) or a network with its stimulus on a chip (name, file or object).

    ``samples`` caps the number of samples of a workload (None: all); ``mapping`` is a core map file; ``profile`` says
    how a NIR file runs (``snntorch``, ``spikingjelly``, ``sinabs``, ``norse``, ``nir:dt=...``); ``encoder``
    how data become spikes (docs/encoders.md). ``trace`` also writes a timeline of one sample (and of timesteps first
    to one past last) for the Perfetto viewer; ``timing='estimate'`` trades exact cycles for speed (docs/estimate.md);
    ``synapse_unit`` puts every connection on one kind of synapse unit; ``neurobench`` counts NeuroBench's
    MembraneUpdates too (docs/neurobench.md); ``network_samples`` samples have every packet noted, for latencies (None:
    a few, where that is cheap). Raises NeurosimError when anything named cannot be found, read or fitted.
    """
    _check_counts(samples=samples, timesteps=timesteps)
    choices = (
        ("engine", engine, ("fast", "reference")), ("capacity", capacity, ("refuse", "report")),
        ("timing", timing, ("cycle", "estimate")),
    )  # fmt: skip
    for name, value, allowed in choices:
        if value not in allowed:
            raise NeurosimError(f"{name}: got {value!r}, expected {allowed[0]!r} or {allowed[1]!r}")
    target = load_chip(chip) if isinstance(chip, str) else chip
    check_runnable(target)
    if isinstance(target, LayerChip) and (trace is not None or mapping is not None):
        what = "a timeline shows cores and routers" if mapping is None else "a core map places neurons on cores"
        raise NeurosimError(
            f"chip {target.name}: execution is 'layer', one array without cores; {what}; leave it out or choose a chip "
            "with execution 'barrier'"
        )
    work = _workload(workload, stimulus, input, labels, timesteps, profile, encoder)
    spikes = work.stimulus(samples, timesteps, seed) if stimulus is None else stimulus
    if mapping is not None:
        placement = read_placement(mapping, work.network)
    else:
        one_array = work.core_of_neuron is None or isinstance(target, LayerChip)
        placement = None if one_array else from_column_order(work.core_of_neuron, target)
    parameters = {
        "workload": work.name, "chip": target.name, "samples": spikes.n_samples, "timesteps": spikes.timesteps,
        "seed": seed, "engine": engine, "timing": timing, "synapse_unit": synapse_unit, "capacity": capacity,
        "encoder": encoder, "mapping": None if mapping is None else str(mapping),
    }  # fmt: skip
    result = run_stages(
        work.network, target, spikes, engine=engine, capacity=capacity, placement=placement, threads=threads,
        progress=progress, name=work.name, ann=_twin(work, target, spikes.n_samples), parameters=parameters,
        network_samples=network_samples, timing=timing, synapse_unit=synapse_unit, neurobench=neurobench,
    )  # fmt: skip
    if trace is not None:
        from neurosim.report.timeline import write_timeline

        write_timeline(
            trace, work.network, target, spikes, sample=trace_sample, steps=trace_steps, capacity=capacity,
            placement=placement,
        )  # fmt: skip
    return result


def matched_numbers(workload: Workload, timesteps: int | None = None) -> str:
    """Bits of the fair ANN twin as `ann_on_array` takes them: the widest weights of the network, and activations of
    ceil(log2(T + 1)) bits, as many values as T spikes can tell apart (Yan et al. 2024). Raises NeurosimError for
    floating weights.
    """
    from math import ceil

    from neurosim.energy.conventions.counts import yan_twin_bits

    bits = [p.codec.bits for p in workload.network.projections if p.connectivity.event == "synapse"]
    if max(bits) > 16:
        raise NeurosimError(f"numbers: workload {workload.name} has weights of {max(bits):g} bits; use float32 or int8")
    return f"{ceil(max(bits))}x{yan_twin_bits(workload.timesteps if timesteps is None else timesteps)}"


def neurobench(
    workload: str | Workload | Network,
    stimulus: Stimulus | None = None,
    *,
    samples: int | None = 200,
    timesteps: int | None = None,
    seed: int = 0,
    engine: str = "fast",
    input: Path | None = None,
    labels: Path | None = None,
    profile: str | None = None,
    encoder: str | None = None,
    batch: int | None = None,
) -> dict[str, Any]:
    """NeuroBench's metrics of a workload, by NeuroBench's names, with ``definitions``; no chip has a part in them.

    Arguments as `simulate`; ``batch`` samples go through a layer in one call, which decides between MACs and ACs
    (None: all of them). MembraneUpdates is None for a network too large to replay. Raises NeurosimError as `simulate`.
    """
    from neurosim.energy.conventions.definitions import NEUROBENCH
    from neurosim.energy.conventions.neurobench import neurobench_metrics
    from neurosim.engine.function import run_function
    from neurosim.run import read_out

    _check_counts(samples=samples, timesteps=timesteps, batch=batch)
    work = _workload(workload, stimulus, input, labels, timesteps, profile, encoder)
    spikes = work.stimulus(samples, timesteps, seed) if stimulus is None else stimulus
    trace = run_function(work.network, spikes, engine=engine)
    predictions = read_out(work.network, trace)
    metrics = neurobench_metrics(work.network, trace, predictions, spikes.labels, batch=batch, updates=True)
    return {**metrics, "definitions": NEUROBENCH}


def ann_on_array(
    workload: str | Workload,
    array: str = "edge-28nm-16x16",
    *,
    samples: int = 200,
    batch: int = 1,
    numbers: str = "int8",
    weights: str = "dram",
) -> dict[str, Any]:
    """The workload's ANN twin on a systolic array (`neurosim.baseline.array_cost`) or one that skips zeros
    (`neurosim.baseline.zero_skip_cost`), and on published accelerators.

    ``numbers`` are ``int8``, ``int4``, ``float32``, bits like ``4x3``, or ``matched`` (`matched_numbers`). Adds
    ``accuracy`` (None unless ``numbers`` are the twin's own int8), ``samples`` and ``anchors``. Raises
    NeurosimError for a workload without a twin and for anything that the array does not know.
    """
    from neurosim.baseline.anchors import ANCHORS, cost_anchored
    from neurosim.baseline.ann_model import AnnModel
    from neurosim.baseline.array import numbers as number_format
    from neurosim.baseline.array import preset
    from neurosim.baseline.array_cost import cost_on_array
    from neurosim.baseline.zero_skip import SkipArray
    from neurosim.baseline.zero_skip_cost import cost_zero_skipping

    work = load_workload(workload) if isinstance(workload, str) else workload
    if work.ann_path is None:
        raise NeurosimError(f"workload {work.name}: has no ANN twin (no 'ann' in its workload.yaml)")
    if samples < 1:
        raise NeurosimError(f"samples: got {samples}, expected at least 1")
    model, labels = AnnModel.load(work.ann_path), work.labels[:samples]
    numbers = matched_numbers(work) if numbers == "matched" else numbers
    spec, widths = preset(array), number_format(numbers)
    if isinstance(spec.array, SkipArray):
        cost = cost_zero_skipping(model, spec, widths, work.data[: len(labels)], batch, weights)
    else:
        cost = cost_on_array(model, spec, widths, len(labels), batch, weights)
    predicted = model.predict(work.data[:samples]) if numbers == "int8" else None
    return {
        "workload": work.name, "array": array, "samples": len(labels), "numbers": numbers, "weights": weights, **cost,
        "accuracy": None if predicted is None else float((predicted == labels).mean()),
        "anchors": {name: cost_anchored(name, cost["macs"]) for name in ANCHORS},
    }  # fmt: skip


def to_nir(workload: str | Workload | Network, path: Path, dt: float = 1e-4) -> None:
    """Write the network of a workload (name, folder, model file or object) to a NIR file, ``dt`` seconds a timestep.

    `simulate` and `neurosim.workload.nir_in.read_nir` read it back to the same spikes. Raises NeurosimError naming what
    NIR cannot hold: integer membranes, refractory times, linear leaks, max pooling.
    """
    from neurosim.workload.nir_out import write_nir
    from neurosim.workload.workload import load_model

    if isinstance(workload, str):
        network = load_model(workload)
    else:
        network = workload if isinstance(workload, Network) else workload.network
    write_nir(network, Path(path), dt)
