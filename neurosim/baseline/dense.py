"""What the ANN twin costs on an ordinary int8 vector unit built from the same technology tables as the chips.

Sixteen lanes over output channels, one sample at a time. For each output pixel and each group of 16 output channels,
one step per kernel tap and input channel: one 128-bit weight word, one 8-bit activation to all lanes (a 64-bit
activation word lasts 8 steps), and in every lane with a real channel one multiply, one add, one accumulator write. One
more cycle a group requantises its outputs, 8 to a word written back; the last layer's sums stay 32 bits wide and are
written as they are. Padding is computed like data and a group that is not full takes as long as a full one.

The clock of four control words runs all the time, as in a core of our chips. Left out, in favour of the ANN: the rest
of control and instruction fetch, wires, biases and scales (taken to sit in registers), bringing the image in, and
waiting for memories (reads are taken to be pipelined).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, fsum, prod
from typing import TYPE_CHECKING, Any

from neurosim.arch.schema import Chip
from neurosim.arch.technology.arithmetic import unit_energy, unit_leakage
from neurosim.arch.technology.sram import SramFigures, sram_figures, supply_v, table_nodes
from neurosim.baseline.bands import with_bands
from neurosim.baseline.clock import control_clock
from neurosim.energy.table import LEAKAGE, EnergyTable, Leaf
from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from neurosim.baseline.ann_model import AnnLayer, AnnModel

LANES = 16
WEIGHT_WORD = 8 * LANES
ACTIVATION_WORD = 64
SUM_BITS = 32
# A 32-bit sum times a 16-bit scale, and the rounding add on the product.
REQUANTISE_MULTIPLIER, REQUANTISE_ADDER = (SUM_BITS, 16), (SUM_BITS + 16,)
ASYNCHRONOUS_PERIOD_PS = 2000.0
MIN_SRAM_BYTES = 1024


@dataclass(frozen=True)
class _Counts:
    """Events of one layer for one sample."""

    steps: int
    groups: int
    macs: int
    activation_reads: int
    activation_writes: int
    requantised: int


def _counts(layer: AnnLayer) -> _Counts:
    channels = layer.out_shape[0] if layer.kind == "conv" else prod(layer.out_shape)
    pixels = prod(layer.out_shape) // channels
    taps = layer.weights.size // channels
    groups = pixels * ceil(channels / LANES)
    last = layer.multiplier is None
    per_word = ACTIVATION_WORD // (SUM_BITS if last else 8)
    return _Counts(
        steps=groups * taps,
        groups=groups,
        macs=pixels * channels * taps,
        activation_reads=groups * ceil(taps / (ACTIVATION_WORD // 8)),
        activation_writes=pixels * ceil(channels / per_word),
        requantised=0 if last else pixels * channels,
    )


@dataclass(frozen=True)
class _Process:
    """Technology of the unit: the chip's, unless the SRAM table does not reach its node."""

    node_nm: float
    voltage_v: float
    device: str
    objective: str
    note: str

    def sram(self, size_bytes: int, word_bits: int) -> SramFigures:
        """A memory of the next power of two of bytes."""
        size = max(MIN_SRAM_BYTES, 1 << (size_bytes - 1).bit_length())
        figures = sram_figures(size * 8, word_bits, self.node_nm, self.device, self.objective)
        return figures.at_voltage(self.voltage_v)

    def unit(self, name: str, *widths: int) -> tuple[float, str]:
        return unit_energy(name, widths, self.node_nm, self.voltage_v)


def _process(chip: Chip) -> _Process:
    t = chip.technology
    nodes = table_nodes(t.device, t.objective)
    if not nodes:
        raise NeurosimError(
            f"chip {chip.name}: technology: no SRAM of {t.device} devices for {t.objective} in the table"
        )
    node = min(max(t.node_nm, nodes[0]), nodes[-1])
    if node == t.node_nm:
        return _Process(node, t.voltage_v, t.device, t.objective, "")
    # The chip's own supply belongs to a node that the table does not have.
    note = f" (the tables' nearest to the chip's {t.node_nm:g} nm, at their supply)"
    return _Process(node, supply_v(node, t.device), t.device, t.objective, note)


def _activation_bytes(layer: AnnLayer) -> int:
    out = prod(layer.out_shape) * (SUM_BITS // 8 if layer.multiplier is None else 1)
    return prod(layer.in_shape) + out


def _dynamic(counts: list[_Counts], process: _Process, weights: SramFigures, activations: SramFigures) -> list[tuple]:
    """(component, action, count a sample, price in pJ, source) of every event."""

    def total(name: str) -> int:
        return sum(getattr(c, name) for c in counts)

    macs, requantised = total("macs"), total("requantised")
    return [
        ("weight_sram", "read_word", total("steps"), weights.read_pj, weights.source),
        ("activation_sram", "read_word", total("activation_reads"), activations.read_pj, activations.source),
        ("activation_sram", "write_word", total("activation_writes"), activations.write_pj, activations.source),
        ("lanes", "multiply", macs, *process.unit("multiplier", 8, 8)),
        ("lanes", "add", macs, *process.unit("adder", SUM_BITS)),
        ("lanes", "accumulator_write", macs, *process.unit("register", SUM_BITS)),
        ("requantise", "multiply", requantised, *process.unit("multiplier", *REQUANTISE_MULTIPLIER)),
        ("requantise", "add", requantised, *process.unit("adder", *REQUANTISE_ADDER)),
    ]


def _leakage(weights: SramFigures, activations: SramFigures) -> list[tuple[str, float, str]]:
    """(component, mW, source) of everything that leaks; the unit requantises a whole group in one cycle."""
    parts = {
        "lanes": [("multiplier", (8, 8)), ("adder", (SUM_BITS,)), ("register", (SUM_BITS,))],
        "requantise": [("multiplier", REQUANTISE_MULTIPLIER), ("adder", REQUANTISE_ADDER)],
    }
    rows = [
        ("weight_sram", weights.leakage_mw, weights.source),
        ("activation_sram", activations.leakage_mw, activations.source),
    ]
    for component, units in parts.items():
        leaks = [unit_leakage(*unit) for unit in units]
        power = fsum(LANES * mw for mw, _ in leaks)
        rows.append((component, power, " + ".join(f"{LANES} x {source}" for _, source in leaks)))
    return rows


def cost_ann(model: AnnModel, chip: Chip, samples: int) -> dict[str, Any]:
    """Energy and time of ``samples`` classifications, one after the other, in the technology and clock of ``chip``.

    Returns ``energy_pj``, ``band_pj`` (low, high), ``cycles`` and ``macs`` of all samples, ``latency_s`` of one, a
    one-line ``description``, and ``leaves``: lists [component, action, count, price_pj, source] whose products sum to
    ``energy_pj``; for leakage the count is picoseconds and the price mW x 1e-3.

    Raises NeurosimError for samples < 1, or a device that has no table.
    """
    if samples < 1:
        raise NeurosimError(f"samples: got {samples}, expected at least 1")
    process = _process(chip)
    counts = [_counts(layer) for layer in model.layers]
    weights = process.sram(sum(layer.weights.size for layer in model.layers), WEIGHT_WORD)
    activations = process.sram(max(_activation_bytes(layer) for layer in model.layers), ACTIVATION_WORD)
    period_ps = chip.clock.quantum_ps if chip.clock.synchronous else ASYNCHRONOUS_PERIOD_PS
    cycles = sum(c.steps + c.groups for c in counts)
    leaves = [
        Leaf(component, action, "ann", component, n * samples, pj, source)
        for component, action, n, pj, source in _dynamic(counts, process, weights, activations)
    ]
    time_ps = cycles * samples * period_ps
    leaves += [
        Leaf(component, LEAKAGE, "ann", component, time_ps, mw * 1e-3, source)
        for component, mw, source in _leakage(weights, activations)
    ]
    leaves.append(control_clock(cycles * samples, process.node_nm, process.voltage_v))
    table = with_bands(EnergyTable(tuple(leaves)), process.device)
    description = (
        f"int8 vector unit of {LANES} lanes, {process.node_nm:g} nm{process.note}, {process.voltage_v:.3g} V, "
        f"{1e6 / period_ps:g} MHz, batch 1 (no weight is kept from one output pixel or sample to the next); counts "
        "SRAM words, multiplies, adds, accumulator writes, requantisation, a control clock and leakage; leaves out "
        "wires, input and the rest of control"
    )
    return {
        "energy_pj": table.total_pj(),
        "band_pj": list(table.band_pj()),
        "cycles": cycles * samples,
        "latency_s": cycles * period_ps * 1e-12,
        "macs": sum(c.macs for c in counts) * samples,
        "description": description,
        "leaves": [[x.component, x.action, x.count, x.price_pj, x.source] for x in leaves],
    }
