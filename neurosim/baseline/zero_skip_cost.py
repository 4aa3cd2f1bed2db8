"""What an ANN costs on an array that skips zeros: its own activations, walked; every word and bit priced.

As `neurosim.baseline.array_cost`, on the same tables, with these differences. Activations travel and lie compressed: a
bit a value, and the values that are not zero. Weights come once a part of a batch, from DRAM or from a store on chip,
and are copied into the rows' own memories, a word a cycle; of a dense layer those whose input is zero in every sample
of the part stay behind. Sums stay in registers; those of a cut window go through the sum memory, and through DRAM where
half of it does not hold them. A layer takes the longest of its work, its filling of row memories and its DRAM
transfers; a layer's first fill is taken to be behind the layer before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.arch.technology.arithmetic import unit_energy, unit_leakage
from neurosim.arch.technology.sram import SramFigures, sram_figures
from neurosim.baseline.array import ArraySpec, Numbers
from neurosim.baseline.array_cost import REQUANTISE_SCALE_BITS, WEIGHTS
from neurosim.baseline.bands import with_bands
from neurosim.baseline.clock import control_clock
from neurosim.baseline.zero_skip import MAP_BITS, SkipCounts, count_skipping, rounded
from neurosim.energy.table import LEAKAGE, EnergyTable, Leaf
from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from neurosim.baseline.ann_model import AnnModel


@dataclass(frozen=True)
class SkipRun:
    """One layer of one part of a batch; ``stored_words`` of activations written into the input memory."""

    name: str
    counts: SkipCounts
    cycles: int
    dram_bits: int
    stored_words: int
    requantised: int

    @property
    def stall_cycles(self) -> int:
        return self.cycles - self.counts.cycles


def compressed_bits(values: np.ndarray, bits: int) -> int:
    """A bit a value and those that are not zero; or all of them, where that is less."""
    return min(values.size + int(np.count_nonzero(values)) * bits, values.size * bits)


def run_part(
    model: AnnModel, activations: list[np.ndarray], spec: ArraySpec, numbers: Numbers, there: bool
) -> list[SkipRun]:
    """Every layer on ``activations`` (inputs of each layer and the answer, all samples of the part)."""
    w, buffers, runs, stays = numbers.widths, spec.buffers, [], False
    values = [rounded(a, w.ifmap) for a in activations[:-1]]
    for number, layer in enumerate(model.layers):
        half = buffers.filter // spec.array.rows // 2
        counts = count_skipping(layer, values[number], spec.array, w.ifmap, w.filter, half)
        last = layer.multiplier is None
        outputs = prod(layer.out_shape) * len(values[number])
        into = compressed_bits(values[number], w.ifmap)
        out = outputs * w.sums if last else compressed_bits(values[number + 1], w.ifmap)
        fits = not last and out <= buffers.ifmap // 2
        dram = (0 if stays else into) + (0 if there else counts.fetched * w.filter) + (0 if fits else out)
        channels = layer.out_shape[0] if layer.kind == "conv" else prod(layer.out_shape)
        waiting = counts.windows * min(channels, spec.array.columns) * w.sums
        if counts.slices > 1 and waiting > buffers.sums // 2:
            dram += 2 * (counts.slices - 1) * outputs * w.sums
        cycles = max(counts.cycles, counts.fill_words, -(-dram // buffers.dram_bits_per_cycle))
        stored = (0 if stays else -(-into // MAP_BITS)) + (-(-out // MAP_BITS) if fits else 0)
        runs.append(SkipRun(f"{number}:{layer.kind}", counts, cycles, dram, stored, 0 if last else outputs))
        stays = fits
    return runs


@dataclass(frozen=True)
class _Memories:
    ifmap: SramFigures
    row: SramFigures
    sums: SramFigures
    store: SramFigures | None


def _memories(spec: ArraySpec, numbers: Numbers, weight_bits: int, weights: str) -> _Memories:
    def sram(bits: int, width: int) -> SramFigures:
        # The table holds no memory of fewer than 32 words.
        size = max(bits, 32 * width)
        return sram_figures(size, width, spec.node_nm, spec.device, spec.objective).at_voltage(spec.voltage_v)

    a, w, b = spec.array, numbers.widths, spec.buffers
    store = None
    if weights == "on_chip":
        store = sram(1 << (weight_bits - 1).bit_length(), a.columns * w.filter)
    return _Memories(
        sram(b.ifmap, MAP_BITS), sram(b.filter // a.rows, a.columns * w.filter), sram(b.sums, a.columns * w.sums), store
    )


def _dynamic(run: SkipRun, spec: ArraySpec, numbers: Numbers, m: _Memories) -> list[tuple]:
    """(component, action, count, price in pJ, source) of one layer of one part."""
    w, c = numbers.widths, run.counts

    def unit(name: str, *widths: int) -> tuple[float, str]:
        return unit_energy(name, widths, spec.node_nm, spec.voltage_v)

    multiply = unit("float_multiply", 32) if numbers.floating else unit("multiplier", w.ifmap, w.filter)
    add = unit("float_add", 32) if numbers.floating else unit("adder", w.sums)
    rows = [
        ("array", "multiply", c.macs, *multiply),
        ("array", "add", c.macs + c.sums_moved * spec.array.columns, *add),
        ("array", "register", c.macs, *unit("register", w.sums + w.filter)),
        ("rows", "register", c.values, *unit("register", w.ifmap)),
        ("ifmap_sram", "read_word", c.map_words + c.value_words, m.ifmap.read_pj, m.ifmap.source),
        ("ifmap_sram", "write_word", run.stored_words, m.ifmap.write_pj, m.ifmap.source),
        ("filter_sram", "read_word", c.weight_words, m.row.read_pj, m.row.source),
        ("filter_sram", "write_word", c.fill_words * c.copies, m.row.write_pj, m.row.source),
        ("sum_sram", "write_word", c.sums_moved, m.sums.write_pj, m.sums.source),
        ("sum_sram", "read_back", c.sums_moved, m.sums.read_pj, m.sums.source),
        ("dram", "bit", run.dram_bits, spec.dram_pj_per_bit, spec.dram_source),
    ]
    if m.store is not None:
        rows.append(("weight_store_sram", "read_word", c.fill_words, m.store.read_pj, m.store.source))
    if run.requantised and not numbers.floating:
        rows += [
            ("requantise", "multiply", run.requantised, *unit("multiplier", w.sums, REQUANTISE_SCALE_BITS)),
            ("requantise", "add", run.requantised, *unit("adder", w.sums + REQUANTISE_SCALE_BITS)),
        ]
    return rows


def _leakage(spec: ArraySpec, numbers: Numbers, m: _Memories) -> list[tuple[str, float, str]]:
    """(component, mW, source). A float unit is taken as its mantissa multiplier and an adder."""
    w, n = numbers.widths, spec.array.elements
    factors = (24, 24) if numbers.floating else (w.ifmap, w.filter)
    units = [unit_leakage("multiplier", factors), unit_leakage("adder", (w.sums,))]
    units.append(unit_leakage("register", (w.filter + w.sums,)))
    rows = [
        ("ifmap_sram", m.ifmap.leakage_mw, m.ifmap.source),
        ("filter_sram", spec.array.rows * m.row.leakage_mw, f"{spec.array.rows} x {m.row.source}"),
        ("sum_sram", m.sums.leakage_mw, m.sums.source),
        ("array", n * fsum(mw for mw, _ in units), " + ".join(f"{n} x {source}" for _, source in units)),
    ]
    if m.store is not None:
        rows.append(("weight_store_sram", m.store.leakage_mw, m.store.source))
    return rows


def _part_size(model, activations, spec, numbers, batch: int, there: bool) -> int:
    """Samples that go together: of the batch's equal parts the ones that move the fewest bits over the first batch."""
    samples = min(batch, len(activations[0]))

    def moved(part: int) -> tuple[int, int]:
        runs = [
            run
            for low in range(0, samples, part)
            for run in run_part(model, [a[low : low + part] for a in activations], spec, numbers, there)
        ]
        return sum(run.dram_bits for run in runs), sum(run.cycles for run in runs)

    return min((n for n in range(1, samples + 1) if samples % n == 0), key=moved)


def cost_zero_skipping(
    model: AnnModel, spec: ArraySpec, numbers: Numbers, images: np.ndarray, batch: int = 1, weights: str = "dram"
) -> dict[str, Any]:
    """Energy and time of classifying ``images`` (n, ...) uint8 in batches (the last may be smaller).

    Returns what `neurosim.baseline.array_cost.cost_on_array` does; ``macs`` are those of the job with nothing skipped,
    ``macs_done`` those that were done, ``utilisation`` the share of element-cycles that multiply, ``efficiency`` the
    job's multiply-accumulates over element-cycles, which skipping brings above 1. Activations are the model's own at
    8 bits, rounded to the width of ``numbers``; float32 takes the zeros of 8 bits, in favour of the ANN.

    Raises NeurosimError for no images, batch < 1, another place for weights, or a filter memory that is too small.
    """
    if len(images) < 1 or batch < 1:
        raise NeurosimError(f"batch: got {batch} of {len(images)} samples, expected at least 1 of each")
    if weights not in WEIGHTS:
        raise NeurosimError(f"weights: got {weights!r}, expected one of {', '.join(WEIGHTS)}")
    there, n = weights == "on_chip", len(images)
    activations = model.activations(images)
    weight_bits = sum(layer.weights.size for layer in model.layers) * numbers.widths.filter
    memories = _memories(spec, numbers, weight_bits, weights)
    part = _part_size(model, activations, spec, numbers, batch, there)
    runs: list[SkipRun] = []
    for start in range(0, n, batch):
        stop = min(start + batch, n)
        for low in range(start, stop, part):
            runs += run_part(model, [a[low : min(low + part, stop)] for a in activations], spec, numbers, there)
    sums: dict[tuple, float] = {}
    for run in runs:
        for component, action, count, pj, source in _dynamic(run, spec, numbers, memories):
            key = (component, action, run.name, pj, source)
            sums[key] = sums.get(key, 0) + count
    leaves = [Leaf(c, a, "ann", name, count, pj, source) for (c, a, name, pj, source), count in sums.items()]
    period_ps, cycles = 1e6 / spec.clock_mhz, sum(run.cycles for run in runs)
    leaves += [
        Leaf(component, LEAKAGE, "ann", component, cycles * period_ps, mw * 1e-3, source)
        for component, mw, source in _leakage(spec, numbers, memories)
    ]
    leaves.append(control_clock(cycles, spec.node_nm, spec.voltage_v))
    dram_band = (spec.dram_low_pj / spec.dram_pj_per_bit, spec.dram_high_pj / spec.dram_pj_per_bit)
    table = with_bands(EnergyTable(tuple(leaves)), spec.device, numbers.floating, dram_band)
    done, slots = sum(run.counts.macs for run in runs), cycles * spec.array.elements
    return {
        "energy_pj": table.total_pj(),
        "band_pj": list(table.band_pj()),
        "cycles": cycles,
        "stall_cycles": sum(run.stall_cycles for run in runs),
        "latency_s": cycles / n * min(batch, n) * period_ps * 1e-12,
        "seconds": cycles * period_ps * 1e-12,
        "macs": model.macs * n,
        "macs_done": done,
        "utilisation": done / slots,
        "efficiency": model.macs * n / slots,
        "dram_bits": sum(run.dram_bits for run in runs),
        "sums_read_back": sum(run.counts.sums_moved for run in runs) * spec.array.columns,
        "batch": batch,
        "description": (
            f"{spec.title}; {numbers.label}, batch {batch} in parts of {part}, weights "
            f"{'on chip' if there else 'from DRAM'}, {spec.node_nm:g} nm, {spec.voltage_v:g} V, {spec.clock_mhz:g} MHz;"
            f" {100 * done / (model.macs * n):.3g} % of the multiply-accumulates done; leaves out wires and "
            "most of control"
        ),
        "layers": [_layer_row(model, number, runs, spec) for number in range(len(model.layers))],
        "leaves": [[x.component, x.action, x.count, x.price_pj, x.source] for x in leaves],
        "table": table,
    }  # fmt: skip


def _layer_row(model: AnnModel, number: int, runs: list[SkipRun], spec: ArraySpec) -> dict[str, Any]:
    """One layer over all parts: mean share of zeros, and what was done."""
    layer, own = model.layers[number], runs[number :: len(model.layers)]
    channels = layer.out_shape[0] if layer.kind == "conv" else prod(layer.out_shape)
    cycles, macs = sum(run.cycles for run in own), sum(run.counts.macs for run in own)
    lanes = -(-channels // spec.array.columns) * spec.array.columns
    return {
        "layer": own[0].name, "m": own[0].counts.windows, "n": channels, "k": layer.weights.size // channels,
        "cycles": cycles, "stall_cycles": sum(run.stall_cycles for run in own),
        "dram_bits": sum(run.dram_bits for run in own), "utilisation": macs / (cycles * spec.array.elements),
        "mapping_efficiency": channels / lanes, "sums_read_back": sum(run.counts.sums_moved for run in own),
        "zero_share": float(np.mean([run.counts.zero_share for run in own])), "slices": own[0].counts.slices,
    }  # fmt: skip
