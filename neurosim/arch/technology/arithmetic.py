"""Arithmetic, registers, router and wires: picojoules by width, from ``arith_energy.csv``.

Adders, comparators, AND rows, multiplexers and registers are linear in bits; a multiplier goes with the product of its
widths; a shifter with b log2 b; a router flit is affine in bits. A row measured at another node is brought to ours by
the ratio of Stillmaker and Baas' energy polynomials (their HP rows, at 0.9 V, logarithmic between nodes), and to our
supply by V squared; Horowitz' rows are of 0.9 V, the others do not state their supply and are taken to be of 0.9 V too.

A row whose unit its file does not state is used only as a ratio to another row of that file. Router and link energies
are DSENT's; no row states its supply, which is taken to be 0.9 V like that of the other rows that do not.
"""

from __future__ import annotations

import csv
from functools import lru_cache
from math import exp, log, log2

import numpy as np

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

# e2 V^2 + e1 V + e0 of the HP rows of Stillmaker and Baas 2017, as transcribed in wromaszkan/nodeScale (0676b74).
_LOGIC_ENERGY = {
    90: (4.762, -4.781, 2.092),
    65: (3.755, -4.398, 1.975),
    45: (1.018, -0.3107, 0.1539),
    32: (0.8367, -0.4341, 0.1701),
    20: (0.373, -0.1582, 0.04104),
    16: (0.2958, -0.1241, 0.03024),
    14: (0.2363, -0.09675, 0.02239),
}
_AT_V = 0.9
# (operation, bits, format, node, words that the note must hold) of the row each unit is scaled from.
_ROWS = {
    "adder": ("add", 32, "int", 45, ""),
    "multiplier": ("mult", 32, "int", 45, ""),
    "comparator": ("compare", 32, "int", 40, "1 ns"),
    "and_row": ("and_gate", 32, "logic", 32, ""),
    "register": ("register_bit", 1, "dff", 40, "1 ns"),
    "shifter": ("shift", 32, "logic", 40, "1 ns"),
    "float_add": ("add", 32, "float", 45, ""),
    "float_multiply": ("mult", 32, "float", 45, ""),
}
_UNITLESS = "unit not stated"
# (row, row of the same file, row that gives the second one in pJ): row 1 / row 2 x row 3.
_RATIOS = {
    "mux": (
        ("mux2", 16, "int", 32, _UNITLESS),
        ("add", 16, "int", 32, _UNITLESS),
        ("add", 16, "int", 32, "file gives mW"),
    ),
}
_LEAKAGE_ROWS = {
    "adder": ("add_leakage_mW", 32),
    "multiplier": ("mult_leakage_mW", 32),
    "register": ("register_bit_leakage_mW", 1),
}


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[str, str], ...]:
    path = data_root("arch") / "technology" / "arith_energy.csv"
    with path.open(encoding="utf-8") as stream:
        return tuple(row for row in csv.DictReader(line for line in stream if not line.startswith("#")))


def _row(op: str, bits: int, kind: str, node: int, note: str) -> dict[str, str]:
    for row in _rows():
        same = (row["op"], int(row["bits"]), row["format"], row["node_nm"]) == (op, bits, kind, str(node))
        stray = _UNITLESS in row["note"] and note != _UNITLESS
        if same and row["verified"] == "yes" and note in row["note"] and not stray:
            return row
    raise NeurosimError(f"arith_energy.csv: no verified row for {op} {bits} {kind} at {node} nm")


def verified_rows(op: str, bits: int, kind: str, node: int) -> list[dict[str, str]]:
    """All rows that state a unit and were read, in the file's order. Raises NeurosimError where there is none."""
    key = (op, bits, kind, str(node))
    found = [r for r in _rows() if (r["op"], int(r["bits"]), r["format"], r["node_nm"]) == key]
    found = [r for r in found if r["verified"] == "yes" and _UNITLESS not in r["note"]]
    if not found:
        raise NeurosimError(f"arith_energy.csv: no verified row for {op} {bits} {kind} at {node} nm")
    return found


def logic_scale(from_nm: float, to_nm: float) -> float:
    """Factor on the energy of logic between two nodes at 0.9 V."""

    def energy(node: float) -> float:
        nodes = sorted(_LOGIC_ENERGY)
        if not nodes[0] <= node <= nodes[-1]:
            raise NeurosimError(f"technology.node_nm: got {node:g}; logic scaling holds {nodes[0]} to {nodes[-1]} nm")
        low = max(n for n in nodes if n <= node)
        high = min(n for n in nodes if n >= node)
        ends = [e[0] * _AT_V**2 + e[1] * _AT_V + e[2] for e in (_LOGIC_ENERGY[low], _LOGIC_ENERGY[high])]
        share = 0.0 if low == high else log(node / low) / log(high / low)
        return exp((1 - share) * log(ends[0]) + share * log(ends[1]))

    return energy(to_nm) / energy(from_nm)


@lru_cache(maxsize=4096)
def unit_energy(unit: str, widths: tuple[int, ...], node_nm: float, voltage_v: float) -> tuple[float, str]:
    """Energy in pJ of one operation of ``unit`` on operands of ``widths`` bits, and its source."""
    row, pj, ratio = _base(unit)
    op, bits, node = row["op"], int(row["bits"]), int(row["node_nm"])
    if unit == "multiplier":
        size = widths[0] * widths[1] / bits**2
    elif unit == "shifter":
        size = widths[0] * max(1.0, log2(widths[0])) / (bits * log2(bits))
    else:
        size = widths[0] / bits
    scale = logic_scale(node, node_nm) * (voltage_v / _AT_V) ** 2
    origin = row["source"].split(";")[0] + (", node assumed" if "node assumed" in row["note"] else "")
    label = "x".join(str(w) for w in widths)
    source = f"{unit} {label} b from {ratio}{op} {bits} b, {origin}, {node} nm x {scale:.3g} to {node_nm:g} nm"
    return pj * size * scale, source


def _base(unit: str) -> tuple[dict[str, str], float, str]:
    """The row a unit is scaled from, its energy in pJ, and the ratio applied to it, in words."""
    if unit not in _RATIOS:
        row = _row(*_ROWS[unit])
        return row, float(row["energy_pj"]), ""
    part, whole, anchor = (_row(*key) for key in _RATIOS[unit])
    share = float(part["energy_pj"]) / float(whole["energy_pj"])
    return anchor, float(anchor["energy_pj"]) * share, f"{share:.3g} (ratio {part['op']} to {whole['op']}) x "


def _wire_scale(from_nm: float, to_nm: float) -> float:
    """Factor on the energy of a repeated wire between two nodes: CACTI's rows, hp, delay optimal."""
    kept = [r for r in _rows() if r["op"] == "wire_repeated_per_bit_mm" and "itrs-hp, delay optimal" in r["source"]]
    known = {int(r["node_nm"]): log(float(r["energy_pj"])) for r in kept}
    nodes = sorted(known)
    if not nodes[0] <= to_nm <= nodes[-1]:
        raise NeurosimError(f"technology.node_nm: got {to_nm:g}; wire scaling holds {nodes[0]} to {nodes[-1]} nm")

    def energy(node: float) -> float:
        return float(np.interp(log(node), [log(n) for n in nodes], [known[n] for n in nodes]))

    return exp(energy(to_nm) - energy(from_nm))


@lru_cache(maxsize=4096)
def _between(op: str, bits: int, node_nm: float) -> tuple[float, str]:
    """A DSENT row, logarithmic between the nodes it was run at; above them scaled by a stated factor."""
    known = sorted({int(r["node_nm"]) for r in _rows() if r["op"] == op and int(r["bits"]) == bits})
    if node_nm < known[0]:
        raise NeurosimError(f"technology.node_nm: got {node_nm:g}; router and link energies hold {known[0]} to 90 nm")
    if node_nm > known[-1]:
        pj, _ = _between(op, bits, known[-1])
        scale = (_wire_scale if op.startswith("link") else logic_scale)(known[-1], node_nm)
        return pj * scale, f"DSENT {known[-1]} nm x {scale:.3g} to {node_nm:g} nm"
    low = max(n for n in known if n <= node_nm)
    high = min(n for n in known if n >= node_nm)
    if low == high:
        return next(float(r["energy_pj"]) for r in _rows() if _is_row(r, op, bits, low)), f"DSENT {low} nm"
    ends = [next(float(r["energy_pj"]) for r in _rows() if _is_row(r, op, bits, n)) for n in (low, high)]
    share = log(node_nm / low) / log(high / low)
    return exp((1 - share) * log(ends[0]) + share * log(ends[1])), f"DSENT between {low} and {high} nm"


def _is_row(row: dict[str, str], op: str, bits: int, node: int) -> bool:
    return row["op"] == op and int(row["bits"]) == bits and row["node_nm"] == str(node)


@lru_cache(maxsize=4096)
def _affine_in_bits(op: str, bits: int, node_nm: float) -> tuple[float, str]:
    (e32, source), (e64, _) = _between(op, 32, node_nm), _between(op, 64, node_nm)
    return e32 + (e64 - e32) * (bits - 32) / 32, source


def _at_supply(voltage_v: float) -> tuple[float, str]:
    factor = (voltage_v / _AT_V) ** 2
    return factor, "supply not stated" if factor == 1 else f"supply not stated, x (V/{_AT_V:g})^2 at {voltage_v:g} V"


def router_flit_energy(bits: int, node_nm: float, voltage_v: float = _AT_V) -> tuple[float, str]:
    """pJ of one flit of ``bits`` through a five-port router: affine through DSENT's 32- and 64-bit rows."""
    (pj, source), (factor, supply) = _affine_in_bits("router_flit", bits, node_nm), _at_supply(voltage_v)
    return pj * factor, f"router flit {bits} b, {source}, 1 VC x 4 flits, {supply}"


def router_clock_energy(bits: int, node_nm: float, voltage_v: float = _AT_V) -> tuple[float, str]:
    """pJ a cycle of the clock of a router of ``bits`` a flit, idle or not; from the same runs as its flits."""
    (pj, source), (factor, supply) = _affine_in_bits("router_clock_per_cycle", bits, node_nm), _at_supply(voltage_v)
    return pj * factor, f"router clock {bits} b, {source}, 1 VC x 4 flits, {supply}"


@lru_cache(maxsize=4096)
def link_energy(bits: int, length_mm: float, node_nm: float, voltage_v: float = _AT_V) -> tuple[float, str]:
    """pJ of ``bits`` over a repeated wire of ``length_mm``, at DSENT's default activity."""
    (per_bit, source), (factor, supply) = _between("link_per_bit_mm", 1, node_nm), _at_supply(voltage_v)
    pj = per_bit * bits * length_mm * factor
    return pj, f"link {bits} b x {length_mm:g} mm, {source}, default activity, {supply}"


@lru_cache(maxsize=4096)
def unit_leakage(unit: str, widths: tuple[int, ...]) -> tuple[float, str]:
    """Leakage in mW of one unit, as tabulated at 40 nm, unscaled; linear in bits, a multiplier in their product."""
    if unit not in _LEAKAGE_ROWS:
        raise NeurosimError(f"leakage: no tabulated leakage for {unit}; known: {', '.join(_LEAKAGE_ROWS)}")
    op, bits = _LEAKAGE_ROWS[unit]
    row = _row(op, bits, "leak", 40, "")
    size = widths[0] * widths[1] / bits**2 if unit == "multiplier" else widths[0] / bits
    return float(row["energy_pj"]) * size, f"{unit} leakage, Aladdin 40 nm table, unscaled"
