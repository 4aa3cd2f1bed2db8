"""What the stored bits are for: a footprint in a few groups that every chip has."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from neurosim.mapping.footprint import kind_of
from neurosim.mapping.mapping import MemoryUse

GROUPS = ("weights", "indices", "codebooks", "padding", "membranes", "routing", "buffers")
_OF_KIND = {
    "state": "membranes", "thresholds": "membranes", "accumulators": "membranes", "tables": "routing",
    "time buffers": "buffers", "queues": "buffers",
}  # fmt: skip
WHAT = {
    "weights": "stored weights",
    "indices": "which connection a stored weight belongs to, or which codeword",
    "codebooks": "tables of codewords",
    "padding": "bits of synaptic words that no weight fills",
    "membranes": "membranes, input sums, thresholds and biases",
    "routing": "axon tables and routing tables",
    "buffers": "queues, delay lines, spike buffers of an array",
}


def group_of(line: dict[str, Any]) -> str:
    """The group of one footprint line of a result, by its kind (`neurosim.mapping.footprint`)."""
    kind = kind_of(MemoryUse(**line))
    return _OF_KIND.get(kind, kind)


def grouped_bits(lines: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Used bits by group, every group named; they sum to the footprint."""
    bits = dict.fromkeys(GROUPS, 0)
    for line in lines:
        bits[group_of(line)] += int(line["used_bits"])
    return bits
