"""What the stored bits are for: a footprint in a few groups that every chip has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

GROUPS = ("weights", "indices", "codebooks", "padding", "membranes", "routing", "buffers")
_CONTENTS = {
    "weights": "weights", "indices": "indices", "pointers": "indices",
    "runs": "indices", "bitmap": "indices", "codebook": "codebooks", "scales": "codebooks", "padding": "padding",
}  # fmt: skip
_MEMORIES = {
    "synaptic_memory": "weights", "membrane_memory": "membranes", "axon_table": "routing", "routing_table": "routing",
    "router_table": "routing",
}  # fmt: skip
WHAT = {
    "weights": "stored weights",
    "indices": "which connection a stored weight belongs to, or which codeword",
    "codebooks": "tables of codewords",
    "padding": "bits of synaptic words that no weight fills",
    "membranes": "membranes, input sums, thresholds and biases",
    "routing": "axon tables and routing tables",
    "buffers": "queues, delay lines, buffers of an array",
}


def group_of(memory: str, content: str) -> str:
    """The group of one footprint line; a memory that is not named here is a buffer."""
    if memory == "synaptic_memory":
        return _CONTENTS.get(content, "weights")
    return _MEMORIES.get(memory, "buffers")


def grouped_bits(lines: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Used bits by group, every group named; they sum to the footprint."""
    bits = dict.fromkeys(GROUPS, 0)
    for line in lines:
        bits[group_of(line["memory"], line["content"])] += int(line["used_bits"])
    return bits
