"""Rows of weights as the physical words that a chip would hold, and back: the specification of `storage`'s counts.

Plain and slow, a Python integer a word; tests compare its words with the counts that footprint and energy use. Items
fill a word from its lowest bits. Places of a last word that hold no entry are told apart without a count: csr repeats
its last entry (indices ascend, so a repeated one says stop), run_length writes skips that lead past the row's end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.mapping.storage import UNEVEN, RowItems, Widths, best_run_bits
from neurosim.snn.codecs import Codec


@dataclass(frozen=True)
class Packed:
    """A block's memory: ``image`` (words: rows, then codebook, then pointers) and what reads it.

    starts : (first word, number of words) of each row, as axon entries know them; empty where pointers are stored.
    n_rows, n_items : shape of what was packed; table_at, pointers_at : first words of those parts.
    """

    layout: str
    image: tuple[int, ...]
    n_rows: int
    n_items: int
    starts: tuple[tuple[int, int], ...]
    table_at: int
    pointers_at: int
    pointer_bits: tuple[int, int]
    run_bits: int


def words_from(items: list[int], width: int, word: int) -> list[int]:
    """Items of ``width`` bits in words of ``word`` bits; none is split unless it is wider than a word."""
    if width > word:
        n = -(-width // word)
        return [item >> (word * k) & ((1 << word) - 1) for item in items for k in range(n)]
    per = word // width
    return [sum(item << (width * k) for k, item in enumerate(items[i : i + per])) for i in range(0, len(items), per)]


def items_from(words: list[int], width: int, word: int) -> list[int]:
    """Every item that the words have room for; inverse of `words_from` up to the rest of the last word."""
    if width > word:
        n = -(-width // word)
        return [sum(part << (word * k) for k, part in enumerate(words[i : i + n])) for i in range(0, len(words), n)]
    mask = (1 << width) - 1
    return [w >> (width * k) & mask for w in words for k in range(word // width)]


def pack_rows(layout: str, weights: np.ndarray, codec: Codec, w: Widths, listed: np.ndarray | None = None) -> Packed:
    """Write weights (n_rows, n_items), in the codec's values, by ``layout``.

    ``listed`` (n_rows, n_items) bool says which connections exist where not all do; by default those that are not 0.
    """
    present = weights != 0 if listed is None else listed
    # Connections that do not exist need a value only where every place is written; 0 then.
    codes = np.zeros(weights.shape, np.uint32)
    written = np.ones(weights.shape, bool) if layout in ("dense", "codebook") else present
    codes[written] = codec.encode(weights[written])
    table: list[int] = sorted(set(codes.ravel().tolist())) if layout == "codebook" else []
    run_bits = best_run_bits(_rows(present), w) if layout == "run_length" else 0
    image: list[int] = []
    starts = []
    for row, exists in zip(codes.tolist(), present.tolist(), strict=True):
        words = _row(layout, row, exists, table, w, run_bits)
        starts.append((len(image), len(words)))
        image += words
    table_at = len(image)
    image += words_from(table, w.item, w.word)
    pointers_at = len(image)
    pointer_bits = (0, 0)
    if layout in UNEVEN and w.pointers:
        pointer_bits = table_at.bit_length(), max((n for _, n in starts), default=0).bit_length()
        entries = [first | n << pointer_bits[0] for first, n in starts]
        image += words_from(entries, sum(pointer_bits), w.word) if sum(pointer_bits) else []
        starts = []
    return Packed(
        layout, tuple(image), *weights.shape, tuple(starts), table_at, pointers_at, pointer_bits, run_bits
    )  # fmt: skip


def _rows(present: np.ndarray) -> RowItems:
    return RowItems.of(present)


def _row(layout: str, codes: list[int], exists: list[bool], table: list[int], w: Widths, run_bits: int) -> list[int]:
    """The words of one row."""
    filled = [i for i, yes in enumerate(exists) if yes]
    if layout == "dense":
        return words_from(codes, w.item, w.word)
    if layout == "codebook":
        return words_from([table.index(code) for code in codes], w.code, w.word)
    if layout == "bitmap":
        bits = words_from([int(yes) for yes in exists], 1, w.word)
        return bits + words_from([codes[i] for i in filled], w.item, w.word)
    if layout == "csr":
        entries = [codes[i] | i << w.item for i in filled]
        width, last = w.item + w.index, entries[-1:]
    else:
        skip, before, entries = (1 << run_bits) - 1, 0, []
        for i, yes in enumerate(exists):
            if not yes:
                before += 1
                continue
            n_skips, run = divmod(before, skip)
            entries += [skip << w.item] * n_skips + [codes[i] | run << w.item]
            before = 0
        width, last = w.item + run_bits, [skip << w.item] if entries else []
    per = max(1, w.word // width)
    return words_from(entries + last * (-len(entries) % per), width, w.word)


def fetch(packed: Packed, row: int, w: Widths) -> tuple[list[int], int]:
    """The words of one row and how many words were read to get them, the pointer's included."""
    read = 0
    if packed.starts:
        first, n = packed.starts[row]
    else:
        bits = sum(packed.pointer_bits)
        first = n = 0
        if bits:
            per = max(1, w.word // bits)
            read = -(-bits // w.word)
            at = packed.pointers_at + row // per * read
            pointer = items_from(list(packed.image[at : at + read]), bits, w.word)[row % per]
            first, n = pointer & ((1 << packed.pointer_bits[0]) - 1), pointer >> packed.pointer_bits[0]
    return list(packed.image[first : first + n]), read + n


def unpack_rows(packed: Packed, codec: Codec, w: Widths) -> tuple[np.ndarray, np.ndarray]:
    """Weights (n_rows, n_items), 0 where there is no connection, and which places are stored (n_rows, n_items) bool."""
    codes = np.zeros((packed.n_rows, packed.n_items), np.uint32)
    stored = np.zeros(codes.shape, bool)
    table = items_from(list(packed.image[packed.table_at : packed.pointers_at]), w.item, w.word)
    for row in range(packed.n_rows):
        words, _ = fetch(packed, row, w)
        for at, code in _read(packed, words, table, w):
            codes[row, at], stored[row, at] = code, True
    weights = np.zeros(codes.shape, codec.decode(np.zeros(1, np.uint32)).dtype)
    weights[stored] = codec.decode(codes[stored])
    return weights, stored


def _read(packed: Packed, words: list[int], table: list[int], w: Widths) -> list[tuple[int, int]]:
    """Places and codes of one row's stored items."""
    n, mask = packed.n_items, (1 << w.item) - 1
    if packed.layout == "dense":
        return list(enumerate(items_from(words, w.item, w.word)[:n]))
    if packed.layout == "codebook":
        return [(i, table[number]) for i, number in enumerate(items_from(words, w.code, w.word)[:n])]
    if packed.layout == "bitmap":
        map_words = -(-n // w.word)
        places = [i for i, bit in enumerate(items_from(words[:map_words], 1, w.word)[:n]) if bit]
        return list(zip(places, items_from(words[map_words:], w.item, w.word), strict=False))
    found: list[tuple[int, int]] = []
    if packed.layout == "csr":
        for entry in items_from(words, w.item + w.index, w.word):
            if found and entry >> w.item <= found[-1][0]:
                break
            found.append((entry >> w.item, entry & mask))
        return found
    skip, at = (1 << packed.run_bits) - 1, 0
    for entry in items_from(words, w.item + packed.run_bits, w.word):
        run = entry >> w.item
        at += run
        if run < skip:
            found.append((at, entry & mask))
            at += 1
    return found
