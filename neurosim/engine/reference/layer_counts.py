"""What each phase of layer execution takes and touches, one row and one timestep at a time. See docs/layer.md."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.engine.layer_plan import (
    DROP_EMPTY_ROWS,
    LAYER_COUNTS,
    NONE,
    PROJECTION_COUNTS,
    LayerPlan,
    Port,
)  # fmt: skip
from neurosim.mapping.layer_tiles import ADD, BUILD


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
        plan, neurons = self.plan, int(self.plan.lane_count[tile])
        history = int(plan.history[load.layer])
        quanta = 0
        oldest = max(0, load.last - history) if history else load.first
        for first, last in chunks(oldest, load.last, plan.columns):
            columns = spikes[first:last]
            quanta += plan.fill_cycles
            for segment in range(plan.tile_ptr[tile], plan.tile_ptr[tile + 1]):
                if plan.segment_kind[segment] == ADD:
                    quanta += self.segment(segment, columns)
                else:
                    quanta += self.codewords(segment, columns, neurons)
            if history:
                quanta += len(columns)
                self.add(load.layer, folds=neurons * len(columns))
            else:
                quanta += self.drain(load.layer, neurons * len(columns))
        if history:
            quanta += self.drain(load.layer, neurons)
        self.add(load.layer, array_busy=quanta)
        return quanta

    def drain(self, layer: int, n_sums: int) -> int:
        """Sums that leave the array."""
        sums = words(n_sums * self.plan.sum_bits, self.plan.sums.word_bits)
        self.add(layer, sum_writes=sums)
        return accesses(sums, self.plan.sums) * self.plan.sums.write_cycles

    def codewords(self, segment: int, columns: list[set[int]], neurons: int) -> int:
        """Rows whose codewords are reused, an input channel after the other: partial sums made, or added to neurons."""
        plan = self.plan
        projection, group = int(plan.segment_projection[segment]), int(plan.segment_group[segment])
        build = plan.segment_kind[segment] == BUILD
        n_codewords, partial = int(plan.codewords[projection]), int(plan.partial_bits[projection])
        here = plan.row_source[plan.segment_first[segment] : plan.segment_last[segment]].tolist()
        row = self.row_words(
            n_codewords if build else neurons, int((plan.item_bits if build else plan.index_bits)[projection])
        )
        slots = weight_reads = map_words = drain = adds = happened = 0
        by_column = [0] * len(columns)
        for channel in [here[k : k + group] for k in range(0, len(here), group)] if group else []:
            hits = [[c for c, spiking in enumerate(columns) if source in spiking] for source in channel]
            touched = sorted({c for found in hits for c in found})
            # Building walks the rows of the channel; combining has one row, its map, with what exists of it.
            rows = hits if build else [touched]
            happened += 0 if build else sum(map(len, hits)) * neurons
            adds += sum(map(len, rows)) * (n_codewords if build else neurons)
            for found in rows:
                for c in found:
                    by_column[c] += 1
                if plan.packing == NONE or (plan.packing == DROP_EMPTY_ROWS and found):
                    slots += 1
                    weight_reads += row
                elif found:
                    weight_reads += row * len(found)
            alone = plan.packing not in (NONE, DROP_EMPTY_ROWS) and not build
            width = n_codewords * partial * (1 if alone else len(columns))
            if plan.packing == NONE or touched:
                n = words(width, plan.maps.word_bits) * (len(touched) if alone else 1)
                map_words += n
                drain += accesses(n, plan.maps) * plan.maps.write_cycles
        if plan.packing not in (NONE, DROP_EMPTY_ROWS):
            slots = max(by_column)
        slots *= -(-n_codewords // plan.rows) if build else 1
        spike_reads = words(len(here) * len(columns) * int(plan.value_bits[projection]), plan.spikes.word_bits) * build
        self.add_projection(
            projection, slots=slots, weight_reads=weight_reads, spike_reads=spike_reads, events=happened,
            **({"built": adds, "map_writes": map_words} if build else {"combined": adds, "map_reads": map_words}),
        )  # fmt: skip
        reading = 0 if build else accesses(map_words, plan.maps) * plan.maps.read_cycles
        return (drain if build else 0) + max(
            slots * int(plan.slot_cycles[projection]),
            accesses(weight_reads, plan.weights) * plan.weights.read_cycles,
            accesses(spike_reads, plan.spikes) * plan.spikes.read_cycles,
            reading,
        )

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
            row = self.row_words(connections, int(plan.item_bits[projection]))
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

    def row_words(self, connections: int, item: int) -> int:
        """Words of the weight buffer that hold one row of items of so many bits."""
        word = self.plan.weights.word_bits
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
        stored = not plan.history[layer]
        carried = state if load.first > 0 and stored else 0
        kept = state if (load.last < plan.timesteps and stored) or plan.kept_at_end[layer] else 0
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
