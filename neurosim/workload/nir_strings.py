"""Strings of an HDF5 file, read from its bytes.

HDF5 keeps a string of any length as a reference (length, heap address, index) into a global heap. Its own library
trusts those lengths: a damaged one makes it ask for gigabytes, or walk a heap without end. Here every length is held
to the file first. Layout as in the HDF5 file format, global heap version 1 and 8-byte addresses, which is what h5py
writes.
"""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import h5py
import numpy as np

REFERENCE = struct.Struct("<IQI")
_HEAP = struct.Struct("<4sB3xQ")
_OBJECT = struct.Struct("<HH4xQ")
_DEFLATE = 1


class Strings:
    """Reads strings out of one file. Raises ValueError for anything that does not lie inside it."""

    def __init__(self, path: Path) -> None:
        self.data = np.memmap(path, np.uint8, "r")
        self.heaps: dict[int, dict[int, bytes]] = {}

    def read(self, dataset: h5py.Dataset) -> str | np.ndarray:
        """One string, or an array of them in the shape of ``dataset``."""
        if h5py.check_string_dtype(dataset.dtype).length is not None:
            fixed = dataset[()]
            texts = [bytes(text).rstrip(b"\0").decode() for text in np.asarray(fixed).ravel().tolist()]
        else:
            raw = self.references(dataset, dataset.size * REFERENCE.size)
            texts = [self.text(*REFERENCE.unpack_from(raw, i)) for i in range(0, len(raw), REFERENCE.size)]
        if dataset.shape == ():
            return texts[0]
        return np.array(texts, np.str_).reshape(dataset.shape)

    def references(self, dataset: h5py.Dataset, size: int) -> bytes:
        """The stored references of ``dataset``: one stretch of the file, or one chunk, plain or deflated."""
        if dataset.chunks is None:
            if size and dataset.id.get_storage_size() != size:
                raise ValueError("strings with references of another size")
            return self.stretch(dataset.id.get_offset(), size) if size else b""
        if size and dataset.id.get_num_chunks() != 1:
            raise ValueError("strings in several chunks")
        if not size:
            return b""
        info = dataset.id.get_chunk_info(0)
        stored = self.stretch(info.byte_offset, info.size)
        filters = dataset.id.get_create_plist()
        kinds = [filters.get_filter(i)[0] for i in range(filters.get_nfilters())]
        if kinds not in ([], [_DEFLATE]) or any(chunk != n for chunk, n in _extents(dataset)):
            raise ValueError("strings packed in a way that is not read")
        if kinds and not info.filter_mask:
            stored = zlib.decompressobj().decompress(stored, size)
        if len(stored) < size:
            raise ValueError("strings cut short")
        return stored[:size]

    def stretch(self, start: int | None, size: int) -> bytes:
        if start is None or start < 0 or size < 0 or start + size > self.data.size:
            raise ValueError("data beyond the end of the file")
        return self.data[start : start + size].tobytes()

    def text(self, length: int, address: int, index: int) -> str:
        if length == 0:
            return ""
        if address not in self.heaps:
            self.heaps[address] = self.heap(address)
        stored = self.heaps[address].get(index)
        if stored is None or length > len(stored):
            raise ValueError("a string that is not in its heap")
        return stored[:length].rstrip(b"\0").decode()

    def heap(self, address: int) -> dict[int, bytes]:
        """Objects of the global heap at ``address``, by index."""
        mark, version, size = _HEAP.unpack(self.stretch(address, _HEAP.size))
        if mark != b"GCOL" or version != 1:
            raise ValueError("no heap where a string points")
        data = self.stretch(address, size)
        objects: dict[int, bytes] = {}
        at = _HEAP.size
        while at + _OBJECT.size <= len(data):
            index, _, length = _OBJECT.unpack_from(data, at)
            if index == 0:
                break
            first = at + _OBJECT.size
            if first + length > len(data):
                raise ValueError("a heap that runs over its end")
            objects[index] = data[first : first + length]
            at = first + -(-length // 8) * 8
        return objects


def _extents(dataset: h5py.Dataset):
    """(chunk, shape) along each axis; one chunk is only in C order when it is as long as the array behind axis 0."""
    return list(zip(dataset.chunks, dataset.shape, strict=True))[1:]
