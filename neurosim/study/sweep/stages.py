"""The three stages of a point, each computed once for what it reads and kept while points that share it are at hand.

Function is kept by (network, stimulus, engine). Timing is kept by that and the lowered plan, which is all that it
reads; mapping and counts by the parts of the chip file that they read. Function traces also go to the store's folder,
so that no other process and no later run computes them again.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.arch import Chip, LayerChip
from neurosim.arch.loader import chip_from_data
from neurosim.energy.price_run import price_run
from neurosim.energy.table import EnergyTable
from neurosim.engine.activity import Activity, count_activity
from neurosim.engine.function import run_function
from neurosim.engine.layer import plan_layers, run_layers
from neurosim.engine.layer_activity import count_layer_activity
from neurosim.engine.lower import lower_timing
from neurosim.engine.readout import read_out
from neurosim.engine.timing import run_timing
from neurosim.errors import NeurosimError
from neurosim.mapping.file import from_column_order, read_placement
from neurosim.mapping.layer import map_layers
from neurosim.mapping.map import map_network
from neurosim.run import Stages, check_laws, noted_network, synaptic_events
from neurosim.run_layer import LayerStages
from neurosim.run_layer import check_laws as check_layer_laws
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace, Stimulus
from neurosim.study.sweep.fields import ENERGY_SECTIONS, Setup, changed_chip
from neurosim.study.sweep.inputs import workload_hash
from neurosim.study.sweep.rows import core_metrics, function_metrics, layer_metrics, packet_metrics
from neurosim.study.sweep.trace_file import kept_trace
from neurosim.workload.workload import Workload, load_workload

CALIBRATION_SAMPLES = 100


@dataclass(frozen=True, eq=False)
class Function:
    """Stage 1: the spikes of a network on a stimulus, and the columns that follow from them."""

    key: str
    work: Workload
    network: Network
    stimulus: Stimulus
    trace: SpikeTrace
    events: dict[str, int]
    metrics: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Timed:
    """Stage 2: counts, quanta and what prices need of the mapping, and the columns that follow from them."""

    activity: Activity
    cycles: int
    memory: tuple
    cores_used: int | None
    metrics: dict[str, Any]


class Kept:
    """The last results of a stage by key; counts how often something was made."""

    def __init__(self, most: int) -> None:
        self.most, self.made = most, 0
        self.items: OrderedDict[Any, Any] = OrderedDict()

    def get(self, key: Any, make: Callable[[], Any]) -> Any:
        if key in self.items:
            self.items.move_to_end(key)
            return self.items[key]
        value = make()
        self.made += 1
        self.items[key] = value
        while len(self.items) > self.most:
            self.items.popitem(last=False)
        return value


def content_of(value: Any, digest: Any = None) -> str:
    """SHA-256 of a dataclass of plain values and arrays: what it says, not where it lies."""
    digest = digest or hashlib.sha256()
    if is_dataclass(value):
        for f in fields(value):
            digest.update(f.name.encode())
            content_of(getattr(value, f.name), digest)
    elif isinstance(value, np.ndarray):
        digest.update(repr((value.shape, value.dtype.str)).encode())
        digest.update(np.ascontiguousarray(value).tobytes())
    else:
        digest.update(repr(value).encode())
    return digest.hexdigest()


class Worker:
    """One process's stages. ``folder`` keeps function traces for others (None: nothing is written)."""

    def __init__(
        self,
        chips: dict[str, dict[str, Any]],
        workloads: dict[str, tuple[str, str]],
        mappings: dict[str, str],
        folder: Path | None,
        threads: int | None,
    ) -> None:
        self.chips, self.workloads, self.mappings, self.folder = chips, workloads, mappings, folder
        self.threads = threads
        self.works, self.networks, self.functions, self.traces = Kept(4), Kept(8), Kept(4), Kept(4)
        self.maps, self.timings, self.built = Kept(8), Kept(8), Kept(16)

    def work(self, name: str) -> Workload:
        def load() -> Workload:
            path, known = self.workloads[name]
            found = load_workload(path)
            if workload_hash(found) != known:
                raise NeurosimError(f"workload {name}: {path} has changed since the sweep began, or differs here")
            return found

        return self.works.get(name, load)

    def function(self, setup: Setup) -> Function:
        """Stage 1 of a point."""
        facts = (
            setup.workload,
            setup.encoder,
            setup.quantize,
            setup.samples,
            setup.timesteps,
            setup.seed,
            setup.engine,
        )
        return self.functions.get(repr(facts), lambda: self._function(setup))

    def _function(self, setup: Setup) -> Function:
        work = self.work(setup.workload)
        if setup.encoder is not None:
            work = load_workload(self.workloads[setup.workload][0], encoder_spec=setup.encoder)
        network = work.network
        if setup.quantize:
            network = self.networks.get(
                repr((setup.workload, setup.encoder, setup.quantize)), lambda: _quantized(work, setup)
            )
        stimulus = work.stimulus(setup.samples, setup.timesteps, setup.seed)
        key = hashlib.sha256(
            f"{network.content_hash()} {stimulus.content_hash()} {setup.engine}".encode()
        ).hexdigest()  # fmt: skip

        def run() -> SpikeTrace:
            return kept_trace(
                self.folder, key, lambda: run_function(network, stimulus, setup.engine, threads=self.threads)
            )

        trace = self.traces.get(key, run)
        metrics = function_metrics(network, stimulus, trace, read_out(network, trace))
        return Function(key, work, network, stimulus, trace, synaptic_events(network, trace), metrics)

    def chip(self, setup: Setup) -> Chip | LayerChip:
        """The chip of a point. Raises ChipError as the loader does."""

        def build() -> Chip | LayerChip:
            data = changed_chip(self.chips[setup.chip], setup.chip_changes)
            return chip_from_data(data, f"chip {setup.chip}")

        return self.built.get(repr((setup.chip, setup.chip_changes)), build)

    def timed(self, setup: Setup, function: Function, chip: Chip | LayerChip) -> Timed:
        """Stage 2 of a point."""
        read = chip.model_dump_json(by_alias=True, exclude=set(ENERGY_SECTIONS))
        facts = (
            function.key, read, setup.capacity, setup.mapping, setup.synapse_unit, setup.timing, setup.engine,
            setup.network_samples,
        )  # fmt: skip
        made = self._timed_layers if isinstance(chip, LayerChip) else self._timed_cores
        return self.maps.get(facts, lambda: made(setup, function, chip))

    def _timed_cores(self, setup: Setup, function: Function, chip: Chip) -> Timed:
        network, trace, work = function.network, function.trace, function.work
        placement = None
        if setup.mapping is not None:
            placement = read_placement(Path(self.mappings[setup.mapping]), network)
        elif work.core_of_neuron is not None:
            placement = from_column_order(work.core_of_neuron, chip)
        mapping = map_network(
            network, chip, capacity=setup.capacity, placement=placement, synapse_unit=setup.synapse_unit
        )
        plan = lower_timing(network, chip, mapping, function.stimulus.timesteps)
        timing = self.timings.get(
            (content_of(plan), function.key, setup.timing, setup.engine),
            lambda: run_timing(plan, trace, setup.engine, threads=self.threads, mode=setup.timing),
        )
        activity = count_activity(network, chip, mapping, plan, timing, trace)
        stages = Stages(mapping, plan, trace, timing)
        check_laws(network, stages, activity, function.events)
        noted = noted_network(stages, setup.engine, setup.network_samples) if setup.timing == "cycle" else None
        metrics = {**core_metrics(chip, mapping, timing), **packet_metrics(noted)}
        return Timed(activity, int(timing.round_cycles.sum()), mapping.memory, mapping.cores_used, metrics)

    def _timed_layers(self, setup: Setup, function: Function, chip: LayerChip) -> Timed:
        for name in ("mapping", "synapse_unit"):
            if getattr(setup, name) is not None:
                raise NeurosimError(f"{name}: chip {chip.name} works layer by layer on one array; leave it out")
        if setup.timing != "cycle":
            raise NeurosimError(f"timing: got {setup.timing!r}; chip {chip.name} works layer by layer, use 'cycle'")
        network, trace = function.network, function.trace
        mapping = map_layers(network, chip, function.stimulus.timesteps, capacity=setup.capacity)
        plan = plan_layers(network, chip, mapping)
        timing = self.timings.get(
            (content_of(plan), function.key, setup.engine),
            lambda: run_layers(plan, trace, setup.engine, threads=self.threads),
        )
        activity = count_layer_activity(network, plan, timing, trace)
        check_layer_laws(network, LayerStages(mapping, plan, trace, timing), activity, function.events)
        cycles = int(timing.cycles.sum())
        return Timed(activity, cycles, mapping.memory, None, layer_metrics(chip, mapping, timing))

    def priced(self, chip: Chip | LayerChip, timed: Timed) -> EnergyTable:
        """Stage 3 at the chip's own prices."""
        return price_run(chip, timed.activity, timed.cycles, timed.memory, timed.cores_used)


def _quantized(work: Workload, setup: Setup) -> Network:
    from neurosim.compress.quantize import quantize

    asked = dict(setup.quantize)
    samples = asked.pop("calibration_samples", CALIBRATION_SAMPLES)
    try:
        return quantize(work.network, **{"membrane_bits": 24, **asked}, calibration=work.stimulus(samples))[0]
    except (TypeError, AttributeError) as error:
        raise NeurosimError(f"quantize: {asked}: cannot be used ({error})") from error


def made(workers: Sequence[Worker]) -> dict[str, int]:
    """How often each stage was computed, over workers."""
    names = ("traces", "maps", "timings")
    return {name: sum(getattr(worker, name).made for worker in workers) for name in names}
