"""Layer execution in numba: closed recurrences over tiles, spikes as one bit a timestep. Equal to the reference.

The three units of docs/layer.md need no event queue: when a load, an accumulation or an update ends follows from the
ends of the one before it and of those that hold its buffers.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed

import numpy as np

from neurosim.engine.fast.compile import kernel
from neurosim.engine.fast.layer_phases import accumulate, host, load, mark, mark_past, update
from neurosim.engine.fast.layer_rows import Arrays, Numbers, Sums, up
from neurosim.engine.layer_plan import LAYER_COUNTS, PROJECTION_COUNTS, LayerPlan, LayerResult
from neurosim.snn.trace import SpikeTrace


@kernel
def run_samples(p, a, first_sample, last_sample, ptr, neuron, mask, past, by_column, sums, cycles):
    """Samples first_sample .. last_sample-1, each on its own clock; fills their rows of ``cycles``."""
    for sample in range(first_sample, last_sample):
        # Ends of: the last load and the two last uses of a buffer half; the array; the two last updates.
        load_end = half_before = half_last = np.int64(0)
        now = update_before = update_last = np.int64(0)
        for window in range(cycles.shape[1]):
            start, stop = window * p.window, min((window + 1) * p.window, p.timesteps)
            per_batch = up(p.batch, p.columns)
            n_passes = up(stop - start, p.batch) * per_batch
            mark(p, n_passes, start, stop, sample * p.timesteps, ptr, neuron, mask)
            quanta = host(p, a, 0, a.host_in, stop - start, sums)
            cycles[sample, window, 0] += quanta
            now += quanta
            for layer in range(a.layer_ptr.size - 1):
                began = now
                now += p.layer_cycles
                oldest = start
                if a.history[layer] > 0:
                    # One timestep a window: its spikes and those of the steps before that still count.
                    oldest = max(0, stop - a.history[layer])
                    mark_past(p, oldest, stop, sample * p.timesteps, ptr, neuron, past)
                for w in range(a.layer_ptr[layer], a.layer_ptr[layer + 1]):
                    for first in range(start, stop, p.batch):
                        last = min(first + p.batch, stop)
                        quanta = load(p, a, layer, w, sums)
                        if p.load_hidden:
                            load_end = max(load_end, half_before) + quanta
                            now = max(now, load_end)
                        else:
                            now += quanta
                        for tile in range(a.weight_ptr[w], a.weight_ptr[w + 1]):
                            # A free bank of sums: of two, the one that the update before the last gave back.
                            now = max(now, update_before if p.update_hidden else update_last)
                            at = (first - start) // p.batch * per_batch
                            if a.history[layer] > 0:
                                now += accumulate(p, a, layer, tile, stop - oldest, past, 0, by_column, sums)
                            else:
                                now += accumulate(p, a, layer, tile, last - first, mask, at, by_column, sums)
                            update_before = update_last
                            update_last = max(now, update_last) + update(p, a, layer, tile, first, last, sums)
                        half_before, half_last = half_last, now
                now = max(now, update_last)
                cycles[sample, window, 1 + layer] = now - began
            quanta = host(p, a, 1, a.host_out, stop - start, sums)
            cycles[sample, window, 0] += quanta
            now += quanta


def _numbers(plan: LayerPlan) -> Numbers:
    direct = {name: int(getattr(plan, name)) for name in Numbers._fields if hasattr(plan, name)}
    ports = {"memory": plan.memory, "weight": plan.weights, "spike": plan.spikes, "sum": plan.sums, "map": plan.maps}
    for name, port in ports.items():
        values = {
            "word": port.word_bits, "banks": port.banks, "read": port.read_cycles, "write": port.write_cycles,
        }  # fmt: skip
        direct |= {f"{name}_{k}": v for k, v in values.items() if f"{name}_{k}" in Numbers._fields}
    return Numbers(**direct, state_word=plan.state_word_bits)


def fast_layers(
    plan: LayerPlan,
    trace: SpikeTrace,
    threads: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> LayerResult:
    """Samples shared out over threads; sums are integers, so any sharing gives the same."""
    numbers, arrays = _numbers(plan), Arrays(*(getattr(plan, name) for name in Arrays._fields))
    cycles = np.zeros((trace.n_samples, plan.n_windows, 1 + plan.n_layers), np.int64)
    n_threads = max(1, min(threads or os.cpu_count() or 1, trace.n_samples))
    size = max(1, min(16, -(-trace.n_samples // n_threads)))
    n_passes = -(-plan.window // plan.batch) * -(-plan.batch // plan.columns)
    neuron = trace.neuron.astype(np.int32, copy=False)

    def work(first: int) -> tuple[int, Sums]:
        last = min(first + size, trace.n_samples)
        sums = Sums(
            np.zeros((plan.n_projections, len(PROJECTION_COUNTS)), np.int64),
            np.zeros((plan.n_layers, len(LAYER_COUNTS)), np.int64),
            np.zeros((plan.host_in.size, 2), np.int64),
        )
        mask = np.zeros((n_passes, plan.n_neurons), np.uint64)
        past = np.zeros((-(-int(plan.history.max(initial=0)) // plan.columns), plan.n_neurons), np.uint64)
        by_column = np.zeros(plan.columns, np.int64)
        run_samples(numbers, arrays, first, last, trace.ptr, neuron, mask, past, by_column, sums, cycles)
        return last - first, sums

    done, parts = 0, []
    with ThreadPoolExecutor(n_threads) as pool:
        for future in as_completed([pool.submit(work, first) for first in range(0, trace.n_samples, size)]):
            n, sums = future.result()
            parts.append(sums)
            done += n
            if progress is not None:
                progress(done)
    return LayerResult(cycles, *(sum(part[k] for part in parts) for k in range(3)))
