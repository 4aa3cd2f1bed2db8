"""Weight formats: which values a stored weight can take, and how many bits it takes to store one.

A codec is plain data. ``check`` refuses a value outside the format (values are never re-rounded), ``encode``
gives the stored code of a value and ``decode`` the value of a code; ``decode(encode(w)) == w``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from neurosim.errors import NeurosimError


class Codec(Protocol):
    """How one weight is stored. ``bits`` may be a fraction for a codebook (bits of an index / weights it names)."""

    kind: str

    @property
    def bits(self) -> float: ...
    def check(self, values: np.ndarray, where: str) -> None: ...
    def encode(self, values: np.ndarray) -> np.ndarray: ...
    def decode(self, codes: np.ndarray) -> np.ndarray: ...


def _refuse(where: str, values: np.ndarray, bad: np.ndarray, expected: str) -> None:
    first = int(np.flatnonzero(bad.ravel())[0])
    raise NeurosimError(
        f"{where}: {int(bad.sum())} weight(s) outside the format; first is {values.ravel()[first]} at flat index "
        f"{first}; expected {expected}. Quantise the weights first or choose a wider format."
    )


def _check_integers(values: np.ndarray, where: str) -> None:
    if values.dtype.kind not in "iu":
        raise NeurosimError(f"{where}: dtype {values.dtype}; an integer format needs an integer array")


@dataclass(frozen=True)
class FloatCodec:
    """IEEE float32 weights, 32 bits each."""

    kind: str = "float32"

    @property
    def bits(self) -> float:
        return 32.0

    def check(self, values: np.ndarray, where: str) -> None:
        bad = ~np.isfinite(values)
        if bad.any():
            _refuse(where, values, bad, "finite numbers")

    def encode(self, values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values, np.float32).view(np.uint32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(codes, np.uint32).view(np.float32)


@dataclass(frozen=True)
class IntCodec:
    """Two's complement integers of ``width_bits`` on the even grid (``grid='even'``: -2^(b-1) .. 2^(b-1)-1, step 1),
    or the odd grid (``grid='odd'``: -(2^b-1), ..., -1, 1, ..., 2^b-1, step 2; code c stands for 2c - (2^b-1))."""

    width_bits: int
    grid: str = "even"
    kind: str = "int"

    def __post_init__(self) -> None:
        if not 1 <= self.width_bits <= 24:
            raise NeurosimError(f"codec.width_bits: got {self.width_bits}, expected 1 to 24")
        if self.grid not in ("even", "odd"):
            raise NeurosimError(f"codec.grid: got {self.grid!r}, expected 'even' or 'odd'")

    @property
    def bits(self) -> float:
        return float(self.width_bits)

    @property
    def limits(self) -> tuple[int, int]:
        """Smallest and largest value."""
        if self.grid == "odd":
            top = (1 << self.width_bits) - 1
            return -top, top
        half = 1 << (self.width_bits - 1)
        return -half, half - 1

    def check(self, values: np.ndarray, where: str) -> None:
        _check_integers(values, where)
        low, high = self.limits
        bad = (values < low) | (values > high)
        expected = f"{low} to {high} ({self.width_bits} bits, {self.grid} grid)"
        if self.grid == "odd":
            bad = bad | (values & 1 == 0)
            expected += ", odd values only"
        if bad.any():
            _refuse(where, values, bad, expected)

    def encode(self, values: np.ndarray) -> np.ndarray:
        low, _ = self.limits
        step = 2 if self.grid == "odd" else 1
        return ((np.asarray(values, np.int64) - low) // step).astype(np.uint32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        low, _ = self.limits
        step = 2 if self.grid == "odd" else 1
        return (np.asarray(codes, np.int64) * step + low).astype(np.int32)


@dataclass(frozen=True)
class TernaryCodec:
    """Values -1, 0, 1 in two bits."""

    kind: str = "ternary"

    @property
    def bits(self) -> float:
        return 2.0

    def check(self, values: np.ndarray, where: str) -> None:
        _check_integers(values, where)
        bad = np.abs(values) > 1
        if bad.any():
            _refuse(where, values, bad, "-1, 0 or 1")

    def encode(self, values: np.ndarray) -> np.ndarray:
        return (np.asarray(values, np.int64) + 1).astype(np.uint32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(codes, np.int64).astype(np.int32) - 1


@dataclass(frozen=True)
class BinaryCodec:
    """Values -1 and +1 in one bit; zero does not exist in this format."""

    kind: str = "binary"

    @property
    def bits(self) -> float:
        return 1.0

    def check(self, values: np.ndarray, where: str) -> None:
        _check_integers(values, where)
        bad = np.abs(values) != 1
        if bad.any():
            _refuse(where, values, bad, "-1 or +1 (zero cannot be stored in one sign bit)")

    def encode(self, values: np.ndarray) -> np.ndarray:
        return (np.asarray(values) > 0).astype(np.uint32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(codes, np.int64).astype(np.int32) * 2 - 1


@dataclass(frozen=True)
class CodebookCodec:
    """Sub-bit storage: each run of ``word_length`` weights (last axes, C order) is one of the rows of ``table``.

    ``table`` is a tuple of rows of integers, (n_codewords, word_length); a stored index takes
    ``ceil(log2(n_codewords))`` bits, so a weight costs a fraction of a bit when the words are long.
    """

    table: tuple[tuple[int, ...], ...]
    kind: str = "codebook"

    def __post_init__(self) -> None:
        lengths = {len(row) for row in self.table}
        if len(lengths) != 1 or 0 in lengths:
            raise NeurosimError("codec.table: every codeword needs the same length of at least 1")

    @property
    def word_length(self) -> int:
        return len(self.table[0])

    @property
    def index_bits(self) -> int:
        return max(1, (len(self.table) - 1).bit_length())

    @property
    def table_bits(self) -> int:
        """Bits of the table itself, each entry at the narrowest width that holds all of them."""
        values = np.asarray(self.table)
        signs_only = bool((np.abs(values) == 1).all())
        width = 1 if signs_only else 1 + int(np.abs(values).max()).bit_length()
        return int(values.size) * width

    @property
    def bits(self) -> float:
        return self.index_bits / self.word_length

    def _words(self, values: np.ndarray) -> np.ndarray:
        flat = np.asarray(values, np.int64).ravel()
        if flat.size % self.word_length:
            raise NeurosimError(
                f"codebook: {flat.size} weights do not divide into words of {self.word_length}; "
                "pad the layer or use another codeword length"
            )
        return flat.reshape(-1, self.word_length)

    def _lookup(self, words: np.ndarray) -> np.ndarray:
        rows = {tuple(row): i for i, row in enumerate(self.table)}
        return np.array([rows.get(tuple(word), -1) for word in words.tolist()], np.int64)

    def check(self, values: np.ndarray, where: str) -> None:
        _check_integers(values, where)
        missing = self._lookup(self._words(values)) < 0
        if missing.any():
            first = int(np.flatnonzero(missing)[0])
            raise NeurosimError(f"{where}: word {first} is not in the codebook of {len(self.table)} codewords")

    def encode(self, values: np.ndarray) -> np.ndarray:
        return self._lookup(self._words(values)).astype(np.uint32)

    def decode(self, codes: np.ndarray) -> np.ndarray:
        return np.asarray(self.table, np.int32)[np.asarray(codes, np.int64)].ravel()


def codec_header(codec: Codec) -> dict:
    """The codec as plain data for a file header."""
    if isinstance(codec, IntCodec):
        return {"kind": "int", "width_bits": codec.width_bits, "grid": codec.grid}
    if isinstance(codec, CodebookCodec):
        return {"kind": "codebook", "table": [list(row) for row in codec.table]}
    return {"kind": codec.kind}


def codec_from_header(header: dict, where: str) -> Codec:
    """Inverse of `codec_header`. Raises NeurosimError for an unknown kind or wrong fields."""
    fields = dict(header)
    kind = fields.pop("kind", None)
    makers = {"float32": FloatCodec, "int": IntCodec, "ternary": TernaryCodec, "binary": BinaryCodec}
    try:
        if kind == "codebook":
            return CodebookCodec(tuple(tuple(int(v) for v in row) for row in fields.pop("table")), **fields)
        return makers[kind](**fields)
    except (KeyError, TypeError) as error:
        known = ", ".join([*makers, "codebook"])
        raise NeurosimError(f"{where}: codec {header!r} is not valid; known kinds: {known}") from error
