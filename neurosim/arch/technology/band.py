"""How far the technology tables may be off: a low and a high factor for every kind of term, from rival figures.

* Units with rival rows in ``arith_energy.csv``: the least and the greatest of them, brought to one node, over the row
  that is used. Units with one row only (shifter, multiplexer, float): a factor of two either way.
* SRAM access: 0.5 (an objective of energy alone halves a read at the same node, and more) to 2.4 (TrueNorth's published
  figure over this table's, both at 0.775 V).
* SRAM leakage: the table's own spread over temperature, 300 to 360 K about its 330 K.
* Router and link: half, to TrueNorth's measured hop and wire over ours, both at 28 nm and 0.775 V.
* Logic leakage: a factor of two either way; its 40 nm rows are not scaled.

Factors are of one direction at a time: all low or all high is a corner, not a likelihood.
"""

from __future__ import annotations

from functools import lru_cache

from neurosim.arch.technology.arithmetic import link_energy, logic_scale, router_flit_energy, verified_rows
from neurosim.errors import NeurosimError

Factors = tuple[float, float]
TWO_EITHER_WAY: Factors = (0.5, 2.0)
SRAM_ACCESS: Factors = (0.5, 2.4)
SRAM_LEAKAGE: dict[str, Factors] = {"hp": (0.64, 1.46), "lstp": (0.25, 3.2), "lop": (0.25, 3.2)}
"""By device; lop, whose temperatures were swept at few points, is given lstp's."""

# Rows of the same 32-bit operation: (operation, bits, format, node); the one in use is the first.
_RIVALS = {
    "adder": (("add", 32, "int", 45), ("add", 32, "int", 40), ("add", 32, "int", 32)),
    "multiplier": (("mult", 32, "int", 45), ("mult", 32, "int", 40), ("mult", 32, "int", 32)),
    "comparator": (("compare", 32, "int", 40), ("compare", 32, "int", 32)),
    "and_row": (("and_gate", 32, "logic", 32), ("bitwise", 32, "logic", 40)),
    "register": (("register_bit", 1, "dff", 40), ("register_word", 32, "dff", 32)),
}
_SINGLE = ("shifter", "mux", "float_add", "float_multiply")
_REFERENCE_NM = 28
_MEASURED_V = 0.775
_PACKET_BITS = 32


@lru_cache(maxsize=32)
def unit_band(unit: str) -> Factors:
    """Low and high factor on `arithmetic.unit_energy`. Raises NeurosimError for an unknown unit."""
    if unit in _SINGLE:
        return TWO_EITHER_WAY
    if unit not in _RIVALS:
        raise NeurosimError(f"band: no rows of {unit}; known: {', '.join((*_RIVALS, *_SINGLE))}")
    found = []
    for op, bits, kind, node in _RIVALS[unit]:
        scale = logic_scale(node, _REFERENCE_NM) * _PACKET_BITS / bits
        found.append([float(row["energy_pj"]) * scale for row in verified_rows(op, bits, kind, node)])
    nominal = found[0][0]
    everything = [pj for group in found for pj in group]
    return min(everything) / nominal, max(everything) / nominal


@lru_cache(maxsize=2)
def _published(op: str, bits: int, kind: str) -> float:
    return float(verified_rows(op, bits, kind, _REFERENCE_NM)[0]["energy_pj"])


def router_band() -> Factors:
    """Low and high factor on `arithmetic.router_flit_energy`."""
    nominal = router_flit_energy(_PACKET_BITS, _REFERENCE_NM, _MEASURED_V)[0]
    return TWO_EITHER_WAY[0], _published("noc_hop_per_packet", _PACKET_BITS, "noc") / nominal


def link_band() -> Factors:
    """Low and high factor on `arithmetic.link_energy`."""
    nominal = link_energy(1, 1.0, _REFERENCE_NM, _MEASURED_V)[0]
    return TWO_EITHER_WAY[0], _published("wire_per_bit_mm", 1, "wire") / nominal


@lru_cache(maxsize=256)
def term_band(kind: str) -> Factors:
    """Low and high factor on a derived term: ``sram``, ``router_flit``, ``router_clock``, ``link`` or a unit."""
    fixed = {
        "sram": lambda: SRAM_ACCESS, "router_flit": router_band, "router_clock": router_band, "link": link_band,
    }  # fmt: skip
    return fixed[kind]() if kind in fixed else unit_band(kind)


@lru_cache(maxsize=256)
def leakage_band(kind: str, device: str) -> Factors:
    """The same on the leakage of a memory or of logic."""
    return SRAM_LEAKAGE[device] if kind == "sram" else TWO_EITHER_WAY
