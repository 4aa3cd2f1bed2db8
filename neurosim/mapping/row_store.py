"""Rows of a projection in the storage layout that its network or the chip asks for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.reach import ListReach
from neurosim.mapping.storage import CHOICES, FULL, LAYOUTS, RowItems, Widths, store_groups
from neurosim.snn.codecs import CodebookCodec, Codec
from neurosim.snn.network import Network, Projection

_KEPT = 256


@dataclass(frozen=True, eq=False)
class Stored:
    """Rows as written: the layout, words of a fetch of each row by group of rows, bits by content."""

    layout: str
    words: list[np.ndarray]
    bits: dict[str, int]


def holds_zero(codec: Codec) -> bool:
    """Whether a weight of 0 can be written, so that a row can hold places without a connection."""
    if isinstance(codec, CodebookCodec):
        return entry_bits(codec) > 1
    return codec.kind in ("float32", "ternary") or getattr(codec, "grid", "") == "even"


def entry_bits(codec: Codec) -> int:
    """Bits of one weight where it is stored on its own; a codebook's is the width of its table's values."""
    if isinstance(codec, CodebookCodec):
        return codec.table_bits // (len(codec.table) * codec.word_length)
    return int(codec.bits)


def layout_asked(projection: Projection, chip: Chip) -> str:
    """The layout of a projection: its own, else the chip's; ``by_kind`` on chips that offer no choice.

    Raises NeurosimError for a layout that does not exist or that the chip cannot store.
    """
    if projection.connectivity.event != "synapse":
        return "by_kind"
    offered = getattr(chip.core.synaptic_memory, "layout", None)
    asked = projection.layout or offered or "by_kind"
    if asked not in CHOICES:
        raise NeurosimError(f"projection {projection.name}.layout: got {asked!r}, expected one of {', '.join(CHOICES)}")
    if offered is None and asked != "by_kind":
        raise NeurosimError(
            f"projection {projection.name}.layout: got {asked!r}; chip {chip.name} stores rows in the order of its "
            "tiles and offers no other layout; leave it out or choose a chip with execution 'barrier'"
        )
    return asked


class RowStore:
    """Writes rows of blocks; ``weight_bits`` narrows integer and float weights that are wider (advice only)."""

    def __init__(self, network: Network, chip: Chip, weight_bits: int | None = None) -> None:
        self.network, self.chip = network, chip
        self._memory = chip.core.synaptic_memory
        self._weight_bits = weight_bits
        self._distinct: dict[int, tuple[int, int]] = {}
        self._kept: dict[tuple, Stored] = {}
        self.asked = [layout_asked(p, chip) for p in network.projections]

    def dense(self, position: int, neurons: np.ndarray) -> Stored:
        """One row a source, the weights to ``neurons``."""

        def groups() -> list[RowItems]:
            return [RowItems.of(self.network.projections[position].connectivity.weights[:, neurons])]

        return self._store(position, neurons, groups, len(neurons), pointers=False)

    def kernels(self, position: int, channels: np.ndarray) -> Stored:
        """One row for each (input channel, tap) of a group, the weights to the block's ``channels`` (ascending)."""
        conv = self.network.projections[position].connectivity
        per_group = conv.weights.shape[0] // conv.groups

        def groups() -> list[RowItems]:
            rows = conv.weights[0].size
            members = (channels[channels // per_group == g] for g in range(conv.groups))
            return [RowItems.of(conv.weights[m].reshape(m.size, rows).T) for m in members]

        if self.asked[position] not in ("dense", "codebook") and self._memory.bank_conflicts:
            raise NeurosimError(
                f"projection {self.network.projections[position].name}: layout {self.asked[position]} makes kernel "
                f"rows of different length, whose banks are not counted; chip {self.chip.name} has "
                "core.synaptic_memory.bank_conflicts: true; choose layout dense or codebook"
            )
        return self._store(position, channels, groups, min(per_group, channels.size), pointers=True)

    def listed(self, position: int, reach: ListReach, neurons: np.ndarray) -> tuple[np.ndarray, np.ndarray, Stored]:
        """One row a source with a connection into the block: sources (n,) ascending, entries of each, the rows."""
        starts = reach.ptr[neurons]
        lengths = reach.ptr[neurons + 1] - starts
        place = np.repeat(np.arange(len(neurons)), lengths)
        ends = np.cumsum(lengths)
        entries = np.repeat(starts - ends + lengths, lengths) + np.arange(place.size)
        origin = reach.origin[entries]
        order = np.lexsort((place, origin))
        sources, events = np.unique(origin, return_counts=True)
        rows = RowItems(len(neurons), np.concatenate([[0], np.cumsum(events)]).astype(np.int64), place[order])
        projection = self.network.projections[position]
        if not holds_zero(projection.codec) and self.asked[position] in FULL:
            raise NeurosimError(
                f"projection {projection.name}.layout: {self.asked[position]} writes every place of a row, and "
                f"{projection.codec.kind} weights have no zero for places without a connection; use csr, bitmap, "
                "run_length or best"
            )
        stored = self._store(position, neurons, lambda: [rows], len(neurons), pointers=False, listed=True)
        return sources, events.astype(np.int64), stored

    def _store(
        self, position: int, key: np.ndarray, groups, n_indexed: int, *, pointers: bool, listed: bool = False
    ) -> Stored:
        name = position, key.tobytes()
        if name not in self._kept:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            full = not listed or holds_zero(self.network.projections[position].codec)
            offered = tuple(name for name in LAYOUTS if full or name not in FULL)
            widths = Widths(
                item=self._item(position),
                index=max(self._memory.index_bits or 1, (n_indexed - 1).bit_length()),
                word=self._memory.word_bits,
                distinct=self._values(position, listed),
                pointers=pointers,
            )
            self._kept[name] = Stored(*store_groups(self.asked[position], groups(), widths, offered))
        return self._kept[name]

    def _item(self, position: int) -> int:
        codec = self.network.projections[position].codec
        width = entry_bits(codec)
        narrow = codec.kind in ("int", "float32") and self._weight_bits is not None
        return min(width, self._weight_bits) if narrow else width

    def _values(self, position: int, listed: bool) -> int:
        """Distinct values of a projection; listed connections leave places that hold 0."""
        if position not in self._distinct:
            values = np.unique(self.network.projections[position].connectivity.weights)
            self._distinct[position] = values.size, int(0 in values)
        n, zero = self._distinct[position]
        return max(1, n + (1 - zero if listed else 0))
