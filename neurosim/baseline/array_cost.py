"""What an ANN costs on an array: cycles with waiting, and every multiply, register, memory word and DRAM bit.

Counted a layer and batch: one multiply, one add and the moving registers a multiply-accumulate (os: input, weight and
sum; ws: input and sum; is: weight and sum); words of ifmap, filter and sum memory, as wide as the edge they feed; the
reading back of partial sums, and of finished ones for requantisation; filling the memories; DRAM bits; leakage of
memories and elements for all cycles, waiting included. Padding is computed like data.

Outputs that fit into half the ifmap memory stay on chip for the next layer. A batch goes through the network in equal
parts, of the size that moves the fewest DRAM bits; where all weights fit into half the filter memory, parts after the
first find them there. With ``weights='on_chip'`` the filter
memory is as large as all weights need and nothing of them comes from DRAM, as on a chip that holds its network.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import fsum, prod
from typing import TYPE_CHECKING, Any

from neurosim.arch.technology.arithmetic import unit_energy, unit_leakage
from neurosim.arch.technology.sram import SramFigures, sram_figures
from neurosim.baseline.array import ArraySpec, Numbers
from neurosim.baseline.bands import with_bands
from neurosim.baseline.clock import control_clock
from neurosim.baseline.systolic import Counts, Gemm, count_product
from neurosim.baseline.traffic import Job, Traffic, count_traffic
from neurosim.energy.table import LEAKAGE, EnergyTable, Leaf
from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from neurosim.baseline.ann_model import AnnLayer, AnnModel

REQUANTISE_SCALE_BITS = 16
WEIGHTS = ("dram", "on_chip")


@dataclass(frozen=True)
class LayerRun:
    """One layer of one batch on an array."""

    name: str
    job: Job
    counts: Counts
    traffic: Traffic
    outputs: int
    requantised: int

    @property
    def stall_cycles(self) -> int:
        return self.traffic.cycles - self.counts.cycles


def product_of(layer: AnnLayer, batch: int) -> Gemm:
    """The product of a layer for ``batch`` samples: pixels or samples by output channels by taps."""
    channels = layer.out_shape[0] if layer.kind == "conv" else prod(layer.out_shape)
    return Gemm(prod(layer.out_shape) // channels * batch, channels, layer.weights.size // channels)


def run_layers(
    model: AnnModel, spec: ArraySpec, numbers: Numbers, samples: int, weights_there: bool = False
) -> list[LayerRun]:
    """Every layer, for ``samples`` at once; ``weights_there``: none of them comes from DRAM."""
    runs, stays = [], False
    for number, layer in enumerate(model.layers):
        gemm = product_of(layer, samples)
        inputs = min(prod(layer.in_shape) * samples, gemm.m * gemm.k)
        last = layer.multiplier is None
        outputs = gemm.m * gemm.n
        fits = not last and outputs * numbers.widths.output <= spec.buffers.ifmap // 2
        job = Job(gemm, inputs, stays, weights_there, fits)
        widths = replace(numbers.widths, output=numbers.widths.sums) if last else numbers.widths
        traffic = count_traffic(job, spec.array, widths, spec.buffers)
        name = f"{number}:{layer.kind}"
        runs.append(LayerRun(name, job, count_product(gemm, spec.array), traffic, outputs, 0 if last else outputs))
        stays = fits
    return runs


Schedule = list[tuple[list[LayerRun], int]]
"""Parts of a batch in order: the layers of a part, and how often that part is run."""


def schedule_batch(model: AnnModel, spec: ArraySpec, numbers: Numbers, batch: int, weights: str = "dram") -> Schedule:
    """The batch in its best equal parts. Raises NeurosimError for batch < 1 or another place for weights."""
    if batch < 1:
        raise NeurosimError(f"batch: got {batch}, expected at least 1")
    if weights not in WEIGHTS:
        raise NeurosimError(f"weights: got {weights!r}, expected one of {', '.join(WEIGHTS)}")
    there = weights == "on_chip"
    bits = sum(layer.weights.size for layer in model.layers) * numbers.widths.filter
    found: list[Schedule] = []
    for part in (n for n in range(1, batch + 1) if batch % n == 0):
        first = run_layers(model, spec, numbers, part, there)
        times = batch // part
        if there or times == 1 or bits > spec.buffers.filter // 2:
            found.append([(first, times)])
        else:
            found.append([(first, 1), (run_layers(model, spec, numbers, part, True), times - 1)])

    def moved(schedule: Schedule) -> tuple[int, int]:
        return tuple(
            sum(times * getattr(run.traffic, name) for runs, times in schedule for run in runs)
            for name in ("bits", "cycles")
        )

    return min(found, key=moved)


@dataclass(frozen=True)
class _Memories:
    ifmap: SramFigures
    filter: SramFigures
    sums: SramFigures
    lanes: dict[str, int]


def _memories(spec: ArraySpec, numbers: Numbers, weight_bits: int, weights: str) -> _Memories:
    """Words are one value a lane of the edge that a memory feeds: rows on the left, columns on top and below."""
    a = spec.array
    left, top = a.rows, a.columns
    lanes = {"ifmap": top, "filter": left, "sums": top} if a.dataflow == "is" else {
        "ifmap": left, "filter": top, "sums": top
    }  # fmt: skip
    filter_bits = spec.buffers.filter
    if weights == "on_chip":
        filter_bits = max(filter_bits, 1 << (weight_bits - 1).bit_length())

    def sram(bits: int, width: int) -> SramFigures:
        # The table holds no memory of fewer than 32 words.
        size = max(bits, 32 * width)
        return sram_figures(size, width, spec.node_nm, spec.device, spec.objective).at_voltage(spec.voltage_v)

    w = numbers.widths
    return _Memories(
        sram(spec.buffers.ifmap, lanes["ifmap"] * w.ifmap), sram(filter_bits, lanes["filter"] * w.filter),
        sram(spec.buffers.sums, lanes["sums"] * w.sums), lanes,
    )  # fmt: skip


def _words(values: int, lanes: int) -> int:
    return -(-values // lanes)


def _dynamic(run: LayerRun, spec: ArraySpec, numbers: Numbers, memories: _Memories) -> list[tuple]:
    """(component, action, count, price in pJ, source) of one layer of one batch."""
    w, c, t, lanes = numbers.widths, run.counts, run.traffic, memories.lanes

    def unit(name: str, *widths: int) -> tuple[float, str]:
        return unit_energy(name, widths, spec.node_nm, spec.voltage_v)

    moving = {"os": w.ifmap + w.filter + w.sums, "ws": w.ifmap + w.sums, "is": w.filter + w.sums}[spec.array.dataflow]
    multiply = unit("float_multiply", 32) if numbers.floating else unit("multiplier", w.ifmap, w.filter)
    add = unit("float_add", 32) if numbers.floating else unit("adder", w.sums)
    filled_filter = t.filter_bits // w.filter
    filled_ifmap = max(t.ifmap_bits // w.ifmap, run.job.inputs)
    ifmap, weights, sums = memories.ifmap, memories.filter, memories.sums
    rows = [
        ("array", "multiply", c.macs, *multiply),
        ("array", "add", c.macs, *add),
        ("array", "register", c.macs, *unit("register", moving)),
        ("ifmap_sram", "read_word", _words(c.ifmap_reads, lanes["ifmap"]), ifmap.read_pj, ifmap.source),
        ("ifmap_sram", "write_word", _words(filled_ifmap, lanes["ifmap"]), ifmap.write_pj, ifmap.source),
        ("filter_sram", "read_word", _words(c.filter_reads, lanes["filter"]), weights.read_pj, weights.source),
        ("filter_sram", "write_word", _words(filled_filter, lanes["filter"]), weights.write_pj, weights.source),
        ("sum_sram", "write_word", _words(c.sum_writes, lanes["sums"]), sums.write_pj, sums.source),
        ("sum_sram", "read_back", _words(c.sum_reads, lanes["sums"]), sums.read_pj, sums.source),
        ("sum_sram", "read_out", _words(run.outputs, lanes["sums"]), sums.read_pj, sums.source),
        ("dram", "bit", t.bits, spec.dram_pj_per_bit, spec.dram_source),
    ]  # fmt: skip
    if run.requantised and not numbers.floating:
        rows += [
            ("requantise", "multiply", run.requantised, *unit("multiplier", w.sums, REQUANTISE_SCALE_BITS)),
            ("requantise", "add", run.requantised, *unit("adder", w.sums + REQUANTISE_SCALE_BITS)),
        ]
    return rows


def _leakage(spec: ArraySpec, numbers: Numbers, memories: _Memories) -> list[tuple[str, float, str]]:
    """(component, mW, source). A float unit is taken as its mantissa multiplier and an adder."""
    w = numbers.widths
    factors = (24, 24) if numbers.floating else (w.ifmap, w.filter)
    units = [unit_leakage("multiplier", factors), unit_leakage("adder", (w.sums,))]
    units.append(unit_leakage("register", (w.ifmap + 2 * w.filter + w.sums,)))
    power = spec.array.elements * fsum(mw for mw, _ in units)
    return [
        ("ifmap_sram", memories.ifmap.leakage_mw, memories.ifmap.source),
        ("filter_sram", memories.filter.leakage_mw, memories.filter.source),
        ("sum_sram", memories.sums.leakage_mw, memories.sums.source),
        ("array", power, " + ".join(f"{spec.array.elements} x {source}" for _, source in units)),
    ]


def cost_on_array(
    model: AnnModel, spec: ArraySpec, numbers: Numbers, samples: int, batch: int = 1, weights: str = "dram"
) -> dict[str, Any]:
    """Energy and time of ``samples`` classifications in batches (the last may be smaller).

    Returns ``energy_pj``, ``band_pj`` (low, high), ``cycles``, ``stall_cycles``, ``latency_s`` (of a batch),
    ``seconds``, ``macs``, ``utilisation`` (share of element-cycles that multiply, waiting included), ``dram_bits``,
    ``sums_read_back``, ``layers`` (of the first part of a batch), ``description`` and ``leaves`` as
    `neurosim.baseline.dense.cost_ann` has them, and ``table``, the same as an `EnergyTable`. Widths other than the
    model's are a cost only: its accuracy is not theirs.

    Raises NeurosimError for samples or batch < 1.
    """
    if samples < 1:
        raise NeurosimError(f"samples: got {samples}, expected at least 1")
    groups = [
        (runs, times * (samples // batch)) for runs, times in schedule_batch(model, spec, numbers, batch, weights)
    ]
    if samples % batch:
        groups += schedule_batch(model, spec, numbers, samples % batch, weights)
    of_a_batch = schedule_batch(model, spec, numbers, min(samples, batch), weights)
    weight_bits = sum(layer.weights.size for layer in model.layers) * numbers.widths.filter
    memories = _memories(spec, numbers, weight_bits, weights)
    leaves, cycles, stalls, macs, dram, back = [], 0, 0, 0, 0, 0
    for runs, times in groups:
        for run in runs if times else []:
            cycles += times * run.traffic.cycles
            stalls += times * run.stall_cycles
            macs += times * run.counts.macs
            dram += times * run.traffic.bits
            back += times * run.counts.sum_reads
            leaves += [
                Leaf(component, action, "ann", run.name, n * times, pj, source)
                for component, action, n, pj, source in _dynamic(run, spec, numbers, memories)
            ]
    period_ps = 1e6 / spec.clock_mhz
    leaves += [
        Leaf(component, LEAKAGE, "ann", component, cycles * period_ps, mw * 1e-3, source)
        for component, mw, source in _leakage(spec, numbers, memories)
    ]
    leaves.append(control_clock(cycles, spec.node_nm, spec.voltage_v))
    dram_band = (spec.dram_low_pj / spec.dram_pj_per_bit, spec.dram_high_pj / spec.dram_pj_per_bit)
    table = with_bands(EnergyTable(tuple(leaves)), spec.device, numbers.floating, dram_band)
    utilisation = macs / (cycles * spec.array.elements)
    a = spec.array
    description = (
        f"{spec.title}; {a.rows} x {a.columns} {a.dataflow}, {numbers.label}, batch {batch}, weights "
        f"{'on chip' if weights == 'on_chip' else 'from DRAM'}, {spec.node_nm:g} nm, {spec.voltage_v:g} V, "
        f"{spec.clock_mhz:g} MHz; utilisation {100 * utilisation:.2g} %; leaves out wires and most of control"
    )
    return {
        "energy_pj": table.total_pj(),
        "band_pj": list(table.band_pj()),
        "cycles": cycles,
        "stall_cycles": stalls,
        "latency_s": sum(times * run.traffic.cycles for runs, times in of_a_batch for run in runs) * period_ps * 1e-12,
        "seconds": cycles * period_ps * 1e-12,
        "macs": macs,
        "utilisation": utilisation,
        "dram_bits": dram,
        "sums_read_back": back,
        "batch": batch,
        "description": description,
        "layers": [
            {
                "layer": run.name, "m": run.job.gemm.m, "n": run.job.gemm.n, "k": run.job.gemm.k,
                "cycles": run.traffic.cycles, "stall_cycles": run.stall_cycles, "dram_bits": run.traffic.bits,
                "utilisation": run.counts.macs / (run.traffic.cycles * a.elements),
                "mapping_efficiency": run.counts.mapping_efficiency, "sums_read_back": run.counts.sum_reads,
                "order": run.traffic.order,
            }
            for run in of_a_batch[0][0]
        ],
        "leaves": [[x.component, x.action, x.count, x.price_pj, x.source] for x in leaves],
        "table": table,
    }  # fmt: skip
