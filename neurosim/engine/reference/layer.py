"""Layer execution as three SimPy processes: the loader, the array and the update unit. See docs/layer.md.

The array walks window by window, layer by layer, tile by tile and pass by pass. Spikes are looked up one row and one
timestep at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import simpy

from neurosim.engine.layer_plan import (
    DROP_EMPTY_ROWS,
    LAYER_COUNTS,
    NONE,
    PROJECTION_COUNTS,
    LayerPlan,
    LayerResult,
    Port,
)  # fmt: skip
from neurosim.snn.trace import SpikeTrace


def words(n: int, port_bits: int) -> int:
    """Words that ``n`` bits lying together take."""
    return -(-n // port_bits)


def accesses(n_words: int, port: Port) -> int:
    """Accesses of all banks for some words."""
    return -(-n_words // port.banks)


def chunks(first: int, last: int, size: int) -> list[tuple[int, int]]:
    return [(a, min(a + size, last)) for a in range(first, last, size)]


@dataclass(frozen=True)
class Load:
    """One load: a weight tile for the timesteps first..last-1."""

    layer: int
    weight_tile: int
    first: int
    last: int


class Sample:
    """One sample on its own clock."""

    def __init__(self, plan: LayerPlan, spikes: list[set[int]], counts: Counts) -> None:
        self.plan, self.spikes, self.counts = plan, spikes, counts
        self.env = simpy.Environment()
        self.half_free = simpy.Store(self.env)
        self.loaded = simpy.Store(self.env)
        self.bank_free = simpy.Store(self.env)
        self.to_update = simpy.Store(self.env)
        self.updated = simpy.Store(self.env)
        for _ in range(2):
            self.half_free.put(None)
        for _ in range(2 if plan.update_hidden else 1):
            self.bank_free.put(None)
        self.cycles = np.zeros((plan.n_windows, 1 + plan.n_layers), np.int64)

    def run(self) -> np.ndarray:
        if self.plan.load_hidden:
            self.env.process(self.loader())
        self.env.process(self.updater())
        self.env.run(self.env.process(self.array()))
        return self.cycles

    def loads_of(self, layer: int, first: int, last: int) -> Iterator[Load]:
        """The loads of a layer in a window: each weight tile for each batch."""
        for weight_tile in range(self.plan.layer_ptr[layer], self.plan.layer_ptr[layer + 1]):
            for a, b in chunks(first, last, self.plan.batch):
                yield Load(layer, weight_tile, a, b)

    def loader(self):
        """Hidden loads: the next one begins as soon as a half of the buffer is free, whatever the array is doing."""
        plan = self.plan
        for first, last in chunks(0, plan.timesteps, plan.window):
            for layer in range(plan.n_layers):
                for load in self.loads_of(layer, first, last):
                    yield self.half_free.get()
                    yield self.env.timeout(self.counts.load(load))
                    self.loaded.put(load)

    def array(self):
        plan = self.plan
        for window, (first, last) in enumerate(chunks(0, plan.timesteps, plan.window)):
            yield self.env.timeout(self.host(window, 0, plan.host_in, last - first))
            for layer in range(plan.n_layers):
                start = self.env.now
                yield self.env.timeout(plan.layer_cycles)
                for load in self.loads_of(layer, first, last):
                    yield from self.weight_tile(load)
                for _ in range(self.tiles_of(layer) * len(chunks(first, last, plan.batch))):
                    yield self.updated.get()
                self.cycles[window, 1 + layer] = self.env.now - start
            yield self.env.timeout(self.host(window, 1, plan.host_out, last - first))

    def host(self, window: int, way: int, value_bits: np.ndarray, steps: int) -> int:
        quanta = self.counts.host(way, value_bits, steps)
        self.cycles[window, 0] += quanta
        return quanta

    def tiles_of(self, layer: int) -> int:
        plan = self.plan
        return int(plan.weight_ptr[plan.layer_ptr[layer + 1]] - plan.weight_ptr[plan.layer_ptr[layer]])

    def weight_tile(self, load: Load):
        """All tiles behind one load."""
        plan = self.plan
        if plan.load_hidden:
            yield self.loaded.get()
        else:
            yield self.env.timeout(self.counts.load(load))
        for tile in range(plan.weight_ptr[load.weight_tile], plan.weight_ptr[load.weight_tile + 1]):
            yield self.bank_free.get()
            yield self.env.timeout(self.counts.accumulate(load, tile, self.spikes))
            self.to_update.put((load, tile))
        if plan.load_hidden:
            self.half_free.put(None)

    def updater(self):
        while True:
            load, tile = yield self.to_update.get()
            yield self.env.timeout(self.counts.update(load, tile))
            self.bank_free.put(None)
            self.updated.put(tile)


class Counts:
    """What every phase takes and touches; returns its quanta and adds to the sums."""

    def __init__(self, plan: LayerPlan) -> None:
        self.plan = plan
        self.by_projection = np.zeros((plan.n_projections, len(PROJECTION_COUNTS)), np.int64)
        self.by_layer = np.zeros((plan.n_layers, len(LAYER_COUNTS)), np.int64)
        self.host_words = np.zeros((plan.host_in.size, 2), np.int64)

    def add(self, layer: int, **counts: int) -> None:
        for name, n in counts.items():
            self.by_layer[layer, LAYER_COUNTS.index(name)] += n

    def add_projection(self, projection: int, **counts: int) -> None:
        for name, n in counts.items():
            self.by_projection[projection, PROJECTION_COUNTS.index(name)] += n

    def host(self, way: int, value_bits: np.ndarray, steps: int) -> int:
        """Spikes of one window between host and spike buffer."""
        total = 0
        for position, bits in enumerate(value_bits):
            neurons = int(self.plan.offsets[position + 1] - self.plan.offsets[position])
            n = words(neurons * steps * int(bits), self.plan.spikes.word_bits)
            self.host_words[position, way] += n
            total += n
        return total * self.plan.host_cycles

    def load(self, load: Load) -> int:
        plan = self.plan
        reads, writes = plan.load_reads[load.weight_tile], plan.load_writes[load.weight_tile]
        for projection in range(plan.n_projections):
            self.add_projection(projection, fetched=reads[projection], filled=writes[projection])
        quanta = max(
            accesses(int(reads.sum()), plan.memory) * plan.memory.read_cycles,
            accesses(int(writes.sum()), plan.weights) * plan.weights.write_cycles,
        )
        self.add(load.layer, loads=int(reads.sum() > 0), load_busy=quanta)
        return quanta

    def accumulate(self, load: Load, tile: int, spikes: list[set[int]]) -> int:
        """All passes of one tile over the timesteps of its load."""
        plan = self.plan
        quanta = 0
        for first, last in chunks(load.first, load.last, plan.columns):
            columns = spikes[first:last]
            quanta += plan.fill_cycles
            for segment in range(plan.tile_ptr[tile], plan.tile_ptr[tile + 1]):
                quanta += self.segment(segment, columns)
            sums = words(int(plan.lane_count[tile]) * len(columns) * plan.sum_bits, plan.sums.word_bits)
            quanta += accesses(sums, plan.sums) * plan.sums.write_cycles
            self.add(load.layer, sum_writes=sums)
        self.add(load.layer, array_busy=quanta)
        return quanta

    def segment(self, segment: int, columns: list[set[int]]) -> int:
        """The rows that one projection brings to one tile in one pass."""
        plan = self.plan
        projection = int(plan.segment_projection[segment])
        here = slice(plan.segment_first[segment], plan.segment_last[segment])
        sources, events = plan.row_source[here], plan.row_events[here] * plan.segment_times[segment]
        slots = weight_reads = happened = 0
        by_column = [0] * len(columns)
        for source, connections in zip(sources.tolist(), events.tolist(), strict=True):
            hits = [c for c, spiking in enumerate(columns) if source in spiking]
            row = self.row_words(projection, connections)
            happened += connections * len(hits)
            for c in hits:
                by_column[c] += 1
            if plan.packing == NONE or (plan.packing == DROP_EMPTY_ROWS and hits):
                slots += 1
                weight_reads += row
            elif hits:
                weight_reads += row * len(hits)
        if plan.packing not in (NONE, DROP_EMPTY_ROWS):
            slots = max(by_column)
        spike_reads = words(sources.size * len(columns) * int(plan.value_bits[projection]), plan.spikes.word_bits)
        self.add_projection(
            projection, slots=slots, weight_reads=weight_reads, spike_reads=spike_reads, events=happened
        )
        return max(
            slots * int(plan.slot_cycles[projection]),
            accesses(weight_reads, plan.weights) * plan.weights.read_cycles,
            accesses(spike_reads, plan.spikes) * plan.spikes.read_cycles,
        )

    def row_words(self, projection: int, connections: int) -> int:
        """Words of the weight buffer that hold one row's weights."""
        item, word = int(self.plan.item_bits[projection]), self.plan.weights.word_bits
        if item == 0:
            return 0
        return connections * -(-item // word) if item > word else -(-connections // (word // item))

    def update(self, load: Load, tile: int) -> int:
        """The scan of one tile over the timesteps of its load, in order."""
        plan, layer = self.plan, load.layer
        neurons, steps = int(plan.lane_count[tile]), load.last - load.first
        sums = words(neurons * steps * plan.sum_bits, plan.sums.word_bits)
        spikes = words(neurons * steps * int(plan.write_bits[layer]), plan.spikes.word_bits)
        state, own = int(plan.state_bits[layer]), int(plan.own_bits[layer])
        carried = state if load.first > 0 else 0
        kept = state if load.last < plan.timesteps or plan.kept_at_end[layer] else 0
        quanta = max(
            -(-neurons // plan.update_lanes) * (plan.state_cycles + steps * plan.step_cycles),
            accesses(sums, plan.sums) * plan.sums.read_cycles,
            accesses(spikes, plan.spikes) * plan.spikes.write_cycles,
        )
        self.add(
            layer,
            sum_reads=sums,
            state_reads=words(neurons * (carried + own), plan.state_word_bits),
            state_writes=words(neurons * kept, plan.state_word_bits),
            updates=neurons * steps,
            spike_writes=spikes,
            update_busy=quanta,
        )
        return quanta


def reference_layers(plan: LayerPlan, trace: SpikeTrace, progress: Callable[[int], None] | None = None) -> LayerResult:
    """Every sample after the other."""
    counts = Counts(plan)
    cycles = []
    for sample in range(trace.n_samples):
        rows = range(sample * trace.timesteps, (sample + 1) * trace.timesteps)
        spikes = [set(trace.neuron[trace.ptr[row] : trace.ptr[row + 1]].tolist()) for row in rows]
        cycles.append(Sample(plan, spikes, counts).run())
        if progress is not None:
            progress(sample + 1)
    return LayerResult(np.array(cycles), counts.by_projection, counts.by_layer, counts.host_words)
