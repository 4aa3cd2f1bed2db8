"""Chips that were measured: what was published of them, and what the technology tables say of the same work.

The published side is a power that is affine in the clock and in the rate of synaptic events, with constants read in
the named sources. The tables' side (``*_from_tables``) adds up what one such event or step does, term by term, from the
SRAM and arithmetic tables that chips are derived from. Nothing of it is fitted; measured over derived is the
calibration factor of a chip, stated beside both.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import fsum

from neurosim.arch.technology.area import CORES
from neurosim.arch.technology.arithmetic import link_energy, router_flit_energy, unit_energy
from neurosim.arch.technology.sram import sram_figures

KIB = 8192


@dataclass(frozen=True)
class AffinePower:
    """P = ``static_w`` + ``pj_per_cycle`` x clock + ``pj_per_event`` x synaptic events a second, at ``voltage_v``."""

    static_w: float
    pj_per_cycle: float
    pj_per_event: float
    voltage_v: float
    source: str

    def watts(self, clock_hz: float, events_per_s: float) -> float:
        return self.static_w + 1e-12 * (self.pj_per_cycle * clock_hz + self.pj_per_event * events_per_s)


ODIN = AffinePower(27.3e-6, 1.78, 8.43, 0.55, "Frenkel et al. 2019, as read in a public silicon-correlation note")

TRUENORTH_NEURONS = 1 << 20
TRUENORTH_CORES = 4096
TRUENORTH_ROW_BITS = 104448 // 256
"""A core's memory holds one row a neuron: its synapses, parameters and state."""


def truenorth_events_per_s(rate_hz: float, synapses: int = 128) -> float:
    """Synaptic events a second when every neuron fires at ``rate_hz`` and meets ``synapses`` active synapses."""
    return TRUENORTH_NEURONS * synapses * rate_hz


def affine_through(low: tuple[float, float], high: tuple[float, float], voltage_v: float, source: str) -> AffinePower:
    """The line through two points (events a second, W); a clock of its own cannot be told apart from what is static."""
    per_event = (high[1] - low[1]) / (high[0] - low[0])
    return AffinePower(low[1] - per_event * low[0], 0.0, per_event * 1e12, voltage_v, source)


TRUENORTH = affine_through(
    (truenorth_events_per_s(11.58), 68e-3), (truenorth_events_per_s(95.93), 94e-3), 0.8,
    "Akopyan et al. 2015, Fig. 17, 0.8 V, 128 synapses, as read in a public note; the line through its end points",
)  # fmt: skip


@dataclass(frozen=True)
class Comparison:
    """One quantity, published and from the tables; ``factor`` is what a calibration would multiply the tables by."""

    name: str
    unit: str
    published: float
    derived: float
    terms: tuple[str, ...]

    @property
    def factor(self) -> float:
        return self.published / self.derived


def odin_from_tables() -> tuple[Comparison, ...]:
    """ODIN at 0.55 V, 28 nm: an event with learning, what it leaks, and its power at the faster published point.

    Of an event: a 32-bit word of synapses read and written (32 KiB), a 128-bit word of neuron state read and written
    (4 KiB), an 8-bit add and compare, and a register for both words. The access pattern and the word widths are our
    reading of the open RTL, not a published breakdown. The tables have no clock tree: the power per cycle has nothing
    on their side.
    """
    volts, node = ODIN.voltage_v, 28.0
    synapses, state = (sram_figures(c * KIB, w, node).at_voltage(volts) for c, w in ((32, 32), (4, 128)))
    terms = [
        (f"{part} {name}", pj)
        for name, memory in (("synapse word", synapses), ("neuron word", state))
        for part, pj in (("read", memory.read_pj), ("write", memory.write_pj))
    ]
    units = (("adder", (8,)), ("comparator", (8,)), ("register", (160,)))
    terms += [(name, unit_energy(name, widths, node, volts)[0]) for name, widths in units]
    event = fsum(pj for _, pj in terms)
    leaking = synapses.leakage_mw + state.leakage_mw
    clock, rate = 75e6, 37.5e6
    core = next(x for x in CORES if x.name == "ODIN")
    total = leaking * 1e3 + event * rate * 1e-6
    return (
        Comparison("energy of a synaptic event", "pJ", ODIN.pj_per_event, event, _shown(terms)),
        Comparison("static power", "uW", ODIN.static_w * 1e6, leaking * 1e3, ("leakage of both memories",)),
        Comparison("area of a core", "mm2", core.mm2, core.memory_mm2, ("both memories, no logic",)),
        Comparison("power at 75 MHz, 37.5 M events/s", "uW", ODIN.watts(clock, rate) * 1e6, total, ("both of these",)),
    )


def truenorth_from_tables() -> tuple[Comparison, ...]:
    """TrueNorth, 28 nm: a bit of memory, a hop and a wire at 0.775 V; an event, the static power and 71 mW at 0.8 V.

    Static: the leakage of 4096 memories of 256 rows, and every row read once in a tick of 1 ms. An event: a 20-bit add
    and an AND; the row was read anyway.
    """
    node, low, high = 28.0, 0.775, TRUENORTH.voltage_v
    memory = sram_figures(256 * TRUENORTH_ROW_BITS, TRUENORTH_ROW_BITS, node)
    quoted, swept = memory.at_voltage(low), memory.at_voltage(high)
    per_bit = quoted.read_pj / TRUENORTH_ROW_BITS * 1e3
    hop = [("router", router_flit_energy(32, node, low)[0]), ("0.24 mm link", link_energy(32, 0.24, node, low)[0])]
    adds = [
        ("adder", unit_energy("adder", (20,), node, high)[0]),
        ("and_row", unit_energy("and_row", (1,), node, high)[0]),
    ]
    event = fsum(pj for _, pj in adds)
    rows = TRUENORTH_CORES * 256 * 1e3 * swept.read_pj * 1e-12
    leak = TRUENORTH_CORES * swept.leakage_mw * 1e-3
    core = next(x for x in CORES if x.name == "TrueNorth")
    static = (("rows read", rows * 1e3), ("leakage", leak * 1e3))
    events = truenorth_events_per_s(20.07)
    total = (rows + leak + event * events * 1e-12) * 1e3
    return (
        Comparison("a bit from memory to controller", "fJ", 47.0, per_bit, ("row of 408 bits read",)),
        Comparison("a 32-bit packet and hop", "pJ", 2.3, fsum(pj for _, pj in hop), _shown(hop)),
        Comparison("energy of a synaptic event", "pJ", TRUENORTH.pj_per_event, event, _shown(adds)),
        Comparison("static power", "mW", TRUENORTH.static_w * 1e3, (rows + leak) * 1e3, _shown(static)),
        Comparison("area of a core", "mm2", core.mm2, core.memory_mm2, ("its memory, no logic",)),
        Comparison("power at 20.07 Hz", "mW", 71.0, total, ("both of these",)),
    )  # fmt: skip


def _shown(terms) -> tuple[str, ...]:
    return tuple(f"{name} {value:.3g}" for name, value in terms)
