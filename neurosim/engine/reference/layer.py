"""Layer execution as three SimPy processes: the loader, the array and the update unit. See docs/layer.md.

The array walks window by window, layer by layer, tile by tile and pass by pass; `layer_counts` says what a phase takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import simpy

from neurosim.engine.layer_plan import LayerPlan, LayerResult
from neurosim.engine.reference.layer_counts import Counts, Load, chunks
from neurosim.snn.trace import SpikeTrace


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
