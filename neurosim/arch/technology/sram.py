"""SRAM energy, leakage, access time and area, interpolated in a table of CACTI 7 runs.

Within a node: bilinear in (log2 capacity, log2 width) of the logarithm of the quantity. Between nodes: linear in the
node of the logarithm. Outside the table's capacities and widths the nearest row is carried on by the power law that
the table's authors give (read C^0.53 w^0.52, write C^0.47 w^0.70, leakage and area C^1), and the figure says so.
Every access is of the whole physical word. What the table leaves out: tags, ECC, byte enables, data-dependent toggling.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from math import exp, log, log2

import numpy as np

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

QUANTITIES = ("read_pJ", "write_pJ", "leak_mW", "gate_leak_mW", "access_ns", "area_mm2")
_POWERS = {
    "read_pJ": (0.53, 0.52),
    "write_pJ": (0.47, 0.70),
    "leak_mW": (1.0, 0.0),
    "gate_leak_mW": (1.0, 0.0),
    "access_ns": (0.25, 0.0),
    "area_mm2": (1.0, 0.0),
}
# Supply inside the table's runs, volts, by device type and node.
_SUPPLY = {
    "hp": {90: 1.2, 65: 1.1, 45: 1.0, 32: 0.9, 22: 0.8},
    "lstp": {90: 1.3, 65: 1.2, 45: 1.1, 32: 1.0, 22: 0.8},
    "lop": {90: 0.9, 65: 0.8, 45: 0.7, 32: 0.6, 22: 0.6},
}


@dataclass(frozen=True)
class SramFigures:
    """One memory at the table's own supply ``voltage_v``; energies are of one access to a physical word."""

    read_pj: float
    write_pj: float
    leakage_mw: float
    access_ns: float
    area_mm2: float
    voltage_v: float
    source: str
    extrapolated: bool

    def at_voltage(self, voltage_v: float) -> SramFigures:
        """The same memory at another supply: dynamic energy by V squared, leakage power by V; access time is kept."""
        ratio = voltage_v / self.voltage_v
        return SramFigures(
            self.read_pj * ratio**2, self.write_pj * ratio**2, self.leakage_mw * ratio, self.access_ns,
            self.area_mm2, voltage_v, f"{self.source}, x (V/{self.voltage_v:.3g})^2 at {voltage_v:g} V",
            self.extrapolated,
        )  # fmt: skip


@lru_cache(maxsize=1)
def _table() -> dict[str, np.ndarray]:
    path = data_root("arch") / "technology" / "cacti_sram.csv"
    with path.open(encoding="utf-8") as stream:
        stream.readline()
        names = stream.readline().strip().split(",")
        columns = list(zip(*(line.strip().split(",") for line in stream), strict=True))
    text = ("cell", "periph", "objective")
    return {n: np.array(c) if n in text else np.array(c, float) for n, c in zip(names, columns, strict=True)}


@lru_cache(maxsize=64)
def _grid(node_nm: float, device: str, objective: str) -> dict[tuple[float, float], dict[str, float]]:
    """Rows of one node and device by (log2 capacity in bytes, log2 width in bits)."""
    t = _table()
    keep = (t["node_nm"] == node_nm) & (t["cell"] == device) & (t["periph"] == device) & (t["objective"] == objective)
    rows = np.flatnonzero(keep)
    return {
        (log2(t["capacity_bytes"][i]), log2(t["width_bits"][i])): {q: float(t[q][i]) for q in QUANTITIES} for i in rows
    }


def _bracket(value: float, known: list[float]) -> tuple[float, float]:
    below = [k for k in known if k <= value]
    above = [k for k in known if k >= value]
    return (max(below) if below else min(known)), (min(above) if above else max(known))


def interpolated_log(quantity: str, capacity: float, width: float, grid: dict) -> tuple[float, bool]:
    """log of the quantity at (log2 capacity in bytes, log2 width in bits), and whether the power law had to help.

    ``grid`` holds quantities by such places; the sweep of one node and device, or what is left of it.
    """
    corners = []
    c0, c1 = _bracket(capacity, sorted({c for c, _ in grid}))
    w0, w1 = _bracket(width, sorted({w for _, w in grid}))
    for c in {c0, c1}:
        for w in {w0, w1}:
            u = 1.0 if c0 == c1 else 1 - abs(c - capacity) / (c1 - c0)
            v = 1.0 if w0 == w1 else 1 - abs(w - width) / (w1 - w0)
            if u * v > 0:
                corners.append((c, w, u * v))
    power_c, power_w = _POWERS[quantity]
    outside = not (c0 <= capacity <= c1 and w0 <= width <= w1)
    total = 0.0
    for c, w, weight in corners:
        near = min(grid, key=lambda k: (abs(k[0] - c) + abs(k[1] - w), k))
        outside |= near != (c, w)
        shift = power_c * (max(min(capacity, c1), c0) - capacity) + power_w * (max(min(width, w1), w0) - width)
        moved = power_c * (c - near[0]) + power_w * (w - near[1])
        total += weight * (log(max(grid[near][quantity], 1e-30)) + log(2) * (moved - shift))
    return total, outside


def supply_v(node_nm: float, device: str) -> float:
    """Supply voltage of the table's runs at a node, linear between the tabulated nodes."""
    nodes = sorted(_SUPPLY[device])
    return float(np.interp(node_nm, nodes, [_SUPPLY[device][n] for n in nodes]))


def table_nodes(device: str, objective: str) -> list[float]:
    """Nodes in nm that the table holds for a device type and objective, ascending; empty for a pair it lacks."""
    return [float(n) for n in np.unique(_table()["node_nm"]) if _grid(float(n), device, objective)]


@lru_cache(maxsize=8192)
def sram_figures(
    capacity_bits: int, word_bits: int, node_nm: float, device: str = "lstp", objective: str = "ED^2"
) -> SramFigures:
    """Figures of a single-port memory of ``capacity_bits`` with words of ``word_bits``, at the table's own supply.

    Raises NeurosimError for a node, device or objective that the table does not hold.
    """
    if capacity_bits < 1 or word_bits < 1:
        raise NeurosimError(f"sram: {capacity_bits} bits in words of {word_bits} bits; both must be at least 1")
    nodes = table_nodes(device, objective)
    if not nodes or not nodes[0] <= node_nm <= nodes[-1]:
        span = f"{nodes[0]:g} to {nodes[-1]:g} nm" if nodes else "no node"
        raise NeurosimError(f"technology.node_nm: got {node_nm:g} ({device}, {objective}); the SRAM table holds {span}")
    capacity, width = log2(capacity_bits / 8), log2(word_bits)
    low, high = _bracket(node_nm, nodes)
    share = 0.0 if low == high else (node_nm - low) / (high - low)
    values, outside = {}, False
    for quantity in QUANTITIES:
        ends = [interpolated_log(quantity, capacity, width, _grid(n, device, objective)) for n in (low, high)]
        values[quantity] = exp((1 - share) * ends[0][0] + share * ends[1][0])
        outside |= ends[0][1] or ends[1][1]
    between = f"{low:g} nm" if low == high else f"between {low:g} and {high:g} nm"
    flag = ", extrapolated by power law" if outside else ""
    source = f"CACTI 7 table {capacity_bits / 8192:.4g} KiB x {word_bits} b, {between} {device} {objective}{flag}"
    return SramFigures(
        values["read_pJ"], values["write_pJ"], values["leak_mW"] + values["gate_leak_mW"], values["access_ns"],
        values["area_mm2"], supply_v(node_nm, device), source, outside,
    )  # fmt: skip
