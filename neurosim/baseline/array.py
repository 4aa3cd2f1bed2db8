"""Whole accelerators: a systolic or zero-skipping array with its memories, its DRAM and its process, and the presets.

``edge-28nm-16x16`` and its larger sister are our own designs on the technology tables of the chips; nothing of them is
fitted, and no silicon exists. Published accelerators that can only be anchored, not modelled, are in `anchors`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from neurosim.arch.technology.sram import supply_v
from neurosim.baseline.systolic import Array
from neurosim.baseline.traffic import Buffers, Widths
from neurosim.baseline.zero_skip import SkipArray
from neurosim.errors import NeurosimError

KIB = 8192


@dataclass(frozen=True)
class Numbers:
    """The format of inputs, weights and sums; ``floating`` arithmetic is float32 whatever the widths."""

    label: str
    widths: Widths
    floating: bool = False


INT8 = Numbers("int8", Widths(8, 8, 32, 8))
INT4 = Numbers("int4", Widths(4, 4, 32, 4))
FLOAT32 = Numbers("float32", Widths(32, 32, 32, 32), floating=True)


def matched(weight_bits: int, activation_bits: int) -> Numbers:
    """The SNN's own weight width, and activations of so many bits (Yan et al.'s twin: ceil(log2(T + 1)))."""
    for name, bits in (("weight_bits", weight_bits), ("activation_bits", activation_bits)):
        if not 1 <= bits <= 16:
            raise NeurosimError(f"numbers.{name}: got {bits}, expected 1 to 16")
    label = f"{weight_bits}-bit weights, {activation_bits}-bit activations"
    return Numbers(label, Widths(activation_bits, weight_bits, 32, activation_bits))


def numbers(text: str) -> Numbers:
    """``int8``, ``int4``, ``float32``, or ``4x3``: bits of a weight x bits of an activation. Raises NeurosimError."""
    named = {"int8": INT8, "int4": INT4, "float32": FLOAT32}
    if text in named:
        return named[text]
    weight, cross, activation = text.partition("x")
    if not (cross and weight.isdigit() and activation.isdigit()):
        raise NeurosimError(
            f"numbers: got {text!r}, expected {', '.join(named)} or bits like 4x3 (weight x activation)"
        )
    return matched(int(weight), int(activation))


@dataclass(frozen=True)
class ArraySpec:
    """An array, its double-buffered memories and DRAM, its process; ``source`` and ``assumptions`` say what is whose.

    ``dram_low_pj`` and ``dram_high_pj`` a bit are the band of the DRAM's price.
    """

    name: str
    title: str
    array: Array | SkipArray
    buffers: Buffers
    clock_mhz: float
    node_nm: float
    voltage_v: float
    device: str
    dram_pj_per_bit: float
    dram_low_pj: float
    dram_high_pj: float
    dram_source: str
    source: str
    assumptions: str
    objective: str = "ED^2"


_LPDDR4 = "LPDDR4, Accelergy's DRAM constants (de2520f); band: HBM3 of the same list to LPDDR"
_OWN = "this project's own design; no silicon exists"
_ASSUMED = (
    "buffer sizes, 64 bits of DRAM a cycle and 500 MHz are chosen to fit the area and clock of edge-28nm, not taken "
    "from a product; wires between memory and array, and control but for the clock of four words, are left out, in "
    "favour of the ANN"
)


def _edge(size: int, kib: int) -> ArraySpec:
    return ArraySpec(
        name=f"edge-28nm-{size}x{size}",
        title=f"weight-stationary array of {size} x {size} on the technology of edge-28nm",
        array=Array(size, size, "ws", overlapped=True),
        buffers=Buffers(kib * KIB, kib * KIB, kib * KIB, 64),
        clock_mhz=500.0,
        node_nm=28.0,
        voltage_v=0.9,
        device="lstp",
        dram_pj_per_bit=8.0,
        dram_low_pj=4.05,
        dram_high_pj=40.0,
        dram_source=_LPDDR4,
        source=_OWN,
        assumptions=_ASSUMED,
    )


_EYERISS = replace(
    _edge(16, 32),
    name="eyeriss-65nm-12x14",
    title="output-stationary array of 12 x 14 in 65 nm, after Eyeriss v1's number of elements",
    array=Array(12, 14, "os", overlapped=True),
    clock_mhz=200.0,
    node_nm=65.0,
    voltage_v=supply_v(65.0, "lstp"),
    source="168 elements and 65 nm: Eyeriss v1, JSSC 2017 abstract; all else is this project's own",
    assumptions=(
        "row stationary is not modelled, outputs stay instead; clock, buffers, 64 bits of DRAM a cycle and the table's "
        "supply are ours: what was measured of the chip itself is the anchor eyeriss-v1, printed beside every array"
    ),
)
PRESETS: dict[str, ArraySpec] = {spec.name: spec for spec in (_edge(16, 64), _edge(8, 32), _edge(32, 128), _EYERISS)}


SKIPPING: dict[str, ArraySpec] = {
    "zero-skip-28nm-8x16": replace(
        _edge(16, 64),
        name="zero-skip-28nm-8x16",
        title="zero-skipping array of 8 windows x 16 channels after NullHop, on the technology of edge-28nm",
        array=SkipArray(8, 16),
        source=(
            "after NullHop (TNNLS 2018 abstract): 28 nm, 500 MHz, skips zero activations; 122 to 125 elements follow "
            "from its 450 GOp/s at 368 % efficiency and 98 % utilisation, 128 here; all else is this project's own"
        ),
    )
}
"""Arrays that skip zero activations (`neurosim.baseline.zero_skip`)."""


def preset(name: str) -> ArraySpec:
    """A preset by name, dense or skipping. Raises NeurosimError for an unknown one."""
    known = PRESETS | SKIPPING
    if name not in known:
        raise NeurosimError(f"array: got {name!r}, expected one of {', '.join(known)}")
    return known[name]
