"""BookSim's traffic patterns on k x k nodes, node = x + k y, and the moments at which packets are created."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.validation.noc_run import nodes_a_side
from neurosim.validation.table import Row

PATTERNS = (
    "uniform", "transpose", "bitcomp", "neighbor", "tornado", "shuffle", "bitrev",
    "hotcorner", "hotspot1", "hotspot18", "hotspot4",
)  # fmt: skip
HOT_NODES = {
    ("hotspot1", 8): [27], ("hotspot1", 4): [5], ("hotspot4", 8): [18, 21, 42, 45], ("hotspot4", 4): [5, 6, 9, 10],
}  # fmt: skip
_ID_BITS = ("transpose", "shuffle", "bitrev")


@dataclass(frozen=True, eq=False)
class Pattern:
    """Destinations a node draws from, uniformly: ``choices`` (n_nodes, n_choices) int64. One choice: no draw."""

    choices: np.ndarray

    @property
    def random(self) -> bool:
        return self.choices.shape[1] > 1

    def draw(self, src: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """A destination for each packet of ``src`` (n_packets,)."""
        return self.choices[src, rng.integers(0, self.choices.shape[1], src.size)]


def pattern_of(row: Row) -> Pattern:
    """The pattern of the columns ``traffic``, ``k`` and, where present, ``hotspot_nodes``."""
    name, k = row.text("traffic", PATTERNS), nodes_a_side(row)
    n = k * k
    node = np.arange(n)
    if name == "uniform":
        return Pattern(np.broadcast_to(node, (n, n)))
    if name.startswith("hot"):
        return Pattern(np.broadcast_to(np.array(_hot_nodes(row, name, k)), (n, len(_hot_nodes(row, name, k)))))
    if name in _ID_BITS and n.bit_count() != 1:
        raise row.wrong("k", f"a power of two, as traffic {name} permutes the bits of a node's number")
    return Pattern(_permutation(name, node, k)[:, None])


def _permutation(name: str, node: np.ndarray, k: int) -> np.ndarray:
    n, x, y = k * k, node % k, node // k
    bits = n.bit_length() - 1
    if name == "transpose":
        return y + k * x
    if name == "bitcomp":
        return n - 1 - node
    if name == "neighbor":
        return (x + 1) % k + k * ((y + 1) % k)
    if name == "tornado":
        step = (k + 1) // 2 - 1
        return (x + step) % k + k * ((y + step) % k)
    if name == "shuffle":
        return ((node << 1) | (node >> max(bits - 1, 0))) & (n - 1)
    return sum(((node >> bit) & 1) << (bits - 1 - bit) for bit in range(bits)) + 0 * node


def _hot_nodes(row: Row, name: str, k: int) -> list[int]:
    expected = f"node numbers of 0 to {k * k - 1} between blanks"
    if row.known("hotspot_nodes"):
        words = row.cells["hotspot_nodes"].split()
        if not all(word.isascii() and word.isdigit() and len(word) < 7 for word in words):
            raise row.wrong("hotspot_nodes", expected)
        nodes = [int(word) for word in words]
    else:
        nodes = {"hotcorner": [0], "hotspot18": [18]}.get(name) or HOT_NODES.get((name, k), [])
    if not nodes or max(nodes) >= k * k:
        raise row.wrong("hotspot_nodes", expected)
    return nodes


def burst(n_nodes: int, packets_a_node: int) -> tuple[np.ndarray, np.ndarray]:
    """(src, ctime), node by node: packet j of every node is created at j."""
    return np.repeat(np.arange(n_nodes), packets_a_node), np.tile(np.arange(packets_a_node), n_nodes)


def bernoulli(n_nodes: int, rate: float, cycles: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """(src, ctime), node by node: every node creates a packet in each cycle with probability ``rate``."""
    return np.nonzero(rng.random((n_nodes, cycles)) < rate)
