"""Layer execution: network, chip and cut lowered to a plan; a spike trace and a plan in, quanta and counts out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from neurosim.arch.layer import LayerChip
from neurosim.engine.activity import bits_of_own_parameters
from neurosim.engine.layer_plan import PACKINGS, LayerPlan, LayerResult, Port
from neurosim.errors import NeurosimError
from neurosim.mapping.layer import LayerMapping, spikes_read
from neurosim.mapping.layer_engines import partial_bits, reuse_projections
from neurosim.mapping.layer_tiles import cut_by_channel, item_bits
from neurosim.snn.network import Network
from neurosim.snn.trace import SpikeTrace


def _slot_cycles(network: Network, chip: LayerChip) -> np.ndarray:
    cycles = []
    for p in network.projections:
        kind = p.connectivity.kind
        if p.connectivity.event != "synapse":
            kind = "pool"
        elif network.multiplies(p.source):
            kind = "mac"
        elif kind == "conv" and not cut_by_channel(network, network.population(p.target)):
            kind = "sparse"
        cycles.append(getattr(chip.core.array.cycles_per_slot, kind))
    return np.array(cycles, np.int64)


def _pointers(sizes: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)


class _RowTable:
    """Rows of all segments; tiles that are brought the same rows share them."""

    def __init__(self, network: Network) -> None:
        self.network, self.size = network, 0
        self.parts: list[tuple[np.ndarray, np.ndarray]] = []
        self.known: dict[int, int] = {}

    def add(self, rows) -> tuple[int, int]:
        key = id(rows.source)
        if key not in self.known:
            projection = self.network.projections[rows.projection]
            offset = self.network.offsets[self.network.index[projection.source]]
            self.known[key] = self.size
            self.parts.append((rows.source + offset, rows.events))
            self.size += rows.source.size
        return self.known[key], self.known[key] + rows.source.size

    def arrays(self) -> tuple[np.ndarray, np.ndarray]:
        empty = np.zeros(0, np.int32)
        return tuple(np.concatenate([empty, *(p[k] for p in self.parts)]).astype(np.int32) for k in (0, 1))


def plan_layers(network: Network, chip: LayerChip, mapping: LayerMapping) -> LayerPlan:
    """The plan of a run of ``mapping.timesteps``."""
    core, n_projections = chip.core, len(network.projections)
    weight_tiles = [w for layer in mapping.weight_tiles for w in layer]
    tiles = [t for w in weight_tiles for t in w.tiles]
    reads = np.zeros((len(weight_tiles), n_projections), np.int64)
    writes = np.zeros_like(reads)
    for k, w in enumerate(weight_tiles):
        for i, contents in w.stored.items():
            reads[k, i] = -(-sum(contents.values()) // core.synaptic_memory.word_bits)
        for i, words in w.fill_words.items():
            writes[k, i] = words
    table = _RowTable(network)
    spans = np.array([table.add(rows) for t in tiles for rows in t.rows], np.int64).reshape(-1, 2)
    segments = np.array([(r.projection, r.times, r.kind, r.group) for t in tiles for r in t.rows], np.int64).reshape(
        -1, 4
    )
    books = _codebooks(network, mapping)
    row_source, row_events = table.arrays()
    populations = [network.populations[i] for i in mapping.order]
    readout = network.readout
    answer = None if readout is None or readout.kind == "membrane" else readout.population
    state = None if readout is None or readout.kind != "membrane" else readout.population
    bits = [network.value_bits(p.name) for p in network.populations]
    unit, buffer = core.update, core.partial_sum_buffer
    return LayerPlan(
        n_neurons=network.n_neurons,
        timesteps=mapping.timesteps,
        window=mapping.window,
        batch=mapping.batch,
        packing=PACKINGS.index(core.spike_packing),
        rows=core.array.rows,
        columns=core.array.columns,
        fill_cycles=core.array.fill_cycles,
        layer_cycles=core.layer_cycles,
        update_lanes=unit.lanes,
        state_cycles=unit.state_cycles,
        step_cycles=unit.step_cycles,
        update_hidden=unit.when == "hidden",
        load_hidden=core.weight_buffer.load == "hidden",
        sum_bits=buffer.sum_bits,
        host_cycles=chip.io.cycles_per_word,
        memory=Port(core.synaptic_memory.word_bits, core.synaptic_memory.banks, core.synaptic_memory.read_cycles, 1),
        weights=_port(core.weight_buffer),
        spikes=_port(core.spike_buffer),
        sums=_port(buffer),
        maps=_port(core.partial_map_buffer or buffer),
        state_word_bits=core.membrane_memory.word_bits,
        offsets=network.offsets,
        host_in=np.array(
            [
                b * (p.model.kind == "input" and spikes_read(network, p.name))
                for p, b in zip(network.populations, bits, strict=True)
            ],
            np.int64,
        ),
        host_out=np.array([b * (p.name == answer) for p, b in zip(network.populations, bits, strict=True)], np.int64),
        layer_population=np.array(mapping.order, np.int64),
        layer_ptr=_pointers([len(layer) for layer in mapping.weight_tiles]),
        weight_ptr=_pointers([len(w.tiles) for w in weight_tiles]),
        tile_ptr=_pointers([len(t.rows) for t in tiles]),
        lane_count=np.array([t.neurons.size for t in tiles], np.int64),
        write_bits=np.array([network.value_bits(p.name) * spikes_read(network, p.name) for p in populations], np.int64),
        state_bits=np.array([sum(s.width_bits for s in p.model.states) for p in populations], np.int64),
        own_bits=np.array([bits_of_own_parameters(p) for p in populations], np.int64),
        kept_at_end=np.array([p.name == state for p in populations], bool),
        history=np.array(mapping.history, np.int64),
        load_reads=reads,
        load_writes=writes,
        segment_projection=segments[:, 0].copy(),
        segment_first=spans[:, 0].copy(),
        segment_last=spans[:, 1].copy(),
        segment_times=segments[:, 1].copy(),
        segment_kind=segments[:, 2].copy(),
        segment_group=segments[:, 3].copy(),
        row_source=row_source,
        row_events=row_events,
        item_bits=item_bits(network, chip),
        slot_cycles=_slot_cycles(network, chip),
        value_bits=np.array([network.value_bits(p.source) for p in network.projections], np.int64),
        codewords=books[:, 0].copy(),
        index_bits=books[:, 1].copy(),
        partial_bits=books[:, 2].copy(),
    )


def _codebooks(network: Network, mapping: LayerMapping) -> np.ndarray:
    """(n_projections, 3): codewords, bits of an index and of a partial sum, where codewords are reused; else 0."""
    found = np.zeros((len(network.projections), 3), np.int64)
    for name in mapping.reuse:
        for i in reuse_projections(network, network.population(name)):
            codec = network.projections[i].codec
            found[i] = len(codec.table), codec.index_bits, partial_bits(codec)
    return found


def _port(buffer) -> Port:
    return Port(buffer.word_bits, buffer.banks, buffer.read_cycles, buffer.write_cycles)


def run_layers(
    plan: LayerPlan,
    trace: SpikeTrace,
    engine: str = "fast",
    *,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> LayerResult:
    """Time ``trace`` on ``plan``. The engines give equal results; ``threads`` are the fast one's.

    Raises NeurosimError for a trace of another network or length.
    """
    if trace.n_neurons != plan.n_neurons or trace.timesteps != plan.timesteps:
        raise NeurosimError(
            f"trace: {trace.n_neurons} neurons over {trace.timesteps} timesteps, expected the plan's "
            f"{plan.n_neurons} over {plan.timesteps}"
        )
    if engine == "fast":
        from neurosim.engine.fast.layer import fast_layers

        return fast_layers(plan, trace, threads=threads, progress=progress)
    if engine == "reference":
        from neurosim.engine.reference.layer import reference_layers

        return reference_layers(plan, trace, progress)
    raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
