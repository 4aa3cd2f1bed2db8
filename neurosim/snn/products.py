"""Products of two spike populations: what attention multiplies, as operators with two named ports.

Each half is a projection of its own, so that a graph of populations stays a graph of edges; its connectivity says which
``operand`` it brings and its projection's port has the same name. Both halves see the same, whole timestep (delay 0).

Shapes: channels first. C channels are ``heads`` groups of d = C / heads; N tokens are all other axes together.

`AndPopcount`, ports ``query`` and ``key``, into (heads, N, N):
    I[h, i, j] = sum over the channels c of head h of query[c, i] AND key[c, j].
`MaskedSum`, ports ``mask`` and ``value``, mask (heads, N, N), into (C, tokens):
    I[c, i] = sum over tokens j of mask[h, i, j] AND value[c, j], h the head of channel c.
Operands are binary and sums integers; the ``weight_shift`` of the port named first (query, mask) shifts the sum. An
element of the map is touched by a sum above 0; a spike of the mask touches every channel of its head and token.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

import numpy as np

from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from neurosim.snn.network import Network, Projection

Shape = tuple[int, ...]


def tokens_of(shape: Shape) -> int:
    """N: all axes but the channels."""
    return prod(shape[1:])


def _heads(heads: int, where: str) -> None:
    if isinstance(heads, bool) or not isinstance(heads, (int, np.integer)) or heads < 1:
        raise NeurosimError(f"{where}.heads: got {heads!r}, expected an integer of at least 1")


def _divided(channels: int, heads: int, where: str) -> None:
    if channels % heads:
        raise NeurosimError(f"{where}.heads: got {heads}, expected a divisor of {channels} channels")


def _csr(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows (n_source, fan_out) of targets, each a connection without a weight."""
    ptr = np.arange(rows.shape[0] + 1, dtype=np.int64) * rows.shape[1]
    return ptr, rows.ravel().astype(np.int32), np.ones(rows.size, np.int8)


@dataclass(frozen=True)
class AndPopcount:
    """One operand of query . key: ``operand`` is ``query`` or ``key``. The target is (heads, N, N)."""

    heads: int
    operand: str
    kind = "and_popcount"
    event = "operand"
    weights = None
    operands = ("query", "key")

    def __post_init__(self) -> None:
        _heads(self.heads, self.kind)
        if self.operand not in self.operands:
            raise NeurosimError(f"{self.kind}.operand: got {self.operand!r}, expected 'query' or 'key'")

    def per_head(self, source: Shape) -> int:
        """d: bits of one operand row."""
        return source[0] // self.heads

    def output_shape(self, source: Shape) -> Shape:
        return (self.heads, tokens_of(source), tokens_of(source))

    def check(self, source: Shape, target: Shape, where: str) -> None:
        _divided(source[0], self.heads, where)
        if tuple(target) != self.output_shape(source):
            raise NeurosimError(
                f"{where}: target shape {target}, expected (heads, tokens, tokens) = {self.output_shape(source)}"
            )

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        return np.full(prod(source), tokens_of(source), np.int64)

    def to_csr(self, source: Shape, target: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = tokens_of(source)
        maps = np.arange(prod(target)).reshape(target)
        by_row = maps if self.operand == "query" else maps.transpose(0, 2, 1)
        return _csr(np.repeat(by_row, self.per_head(source), axis=0).reshape(-1, n))

    def largest(self, source: Shape) -> int:
        """Upper bound of the sum."""
        return self.per_head(source)


@dataclass(frozen=True)
class MaskedSum:
    """One operand of mask . value: ``operand`` is ``mask``, source (heads, N, N), or ``value``, source (C, tokens)."""

    heads: int
    operand: str
    kind = "masked_sum"
    weights = None
    operands = ("mask", "value")

    def __post_init__(self) -> None:
        _heads(self.heads, self.kind)
        if self.operand not in self.operands:
            raise NeurosimError(f"{self.kind}.operand: got {self.operand!r}, expected 'mask' or 'value'")

    @property
    def event(self) -> str:
        """``masked``: a spike adds a row of values; ``operand``: it is a bit of such a row."""
        return "masked" if self.operand == "mask" else "operand"

    def output_shape(self, source: Shape) -> Shape:
        if self.operand == "mask":
            raise NeurosimError("masked_sum: a mask does not say how many channels its target has")
        return tuple(source)

    def check(self, source: Shape, target: Shape, where: str) -> None:
        _divided(target[0], self.heads, where)
        n = tokens_of(target)
        if self.operand == "mask" and tuple(source) != (self.heads, n, n):
            raise NeurosimError(
                f"{where}: source shape {source}, expected (heads, tokens, tokens) = {(self.heads, n, n)}"
            )
        if self.operand == "value" and (source[0], tokens_of(source)) != (target[0], n):
            raise NeurosimError(
                f"{where}: {source[0]} channels of {tokens_of(source)} tokens into {target[0]} of {n}; must be equal"
            )

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        n = target[0] // self.heads if self.operand == "mask" else tokens_of(target)
        return np.full(prod(source), n, np.int64)

    def to_csr(self, source: Shape, target: Shape) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        n = tokens_of(target)
        targets = np.arange(prod(target)).reshape(self.heads, -1, n)
        if self.operand == "mask":
            by_token = targets.transpose(0, 2, 1).reshape(self.heads * n, -1)
            return _csr(np.repeat(by_token, n, axis=0))
        return _csr(np.repeat(targets.reshape(-1, n), n, axis=0))

    def largest(self, source: Shape) -> int:
        """Upper bound of the sum: the tokens."""
        return source[-1] if self.operand == "mask" else tokens_of(source)


Product = AndPopcount | MaskedSum
PRODUCTS = (AndPopcount, MaskedSum)


def partner(network: Network, projection: Projection) -> Projection:
    """The projection that brings the other operand of the same product."""
    kind = type(projection.connectivity)
    return next(
        p
        for p in network.projections
        if p.target == projection.target
        and isinstance(p.connectivity, kind)
        and p.connectivity.operand != projection.connectivity.operand
    )


def leads(projection: Projection) -> bool:
    """Whether a projection brings the operand that stands for the whole product: query or mask."""
    c = projection.connectivity
    return isinstance(c, PRODUCTS) and c.operand == c.operands[0]


def check_products(network: Network) -> None:
    """Raise NeurosimError unless every product has both its operands, binary, of one timestep, into integers."""
    for projection in network.projections:
        c, where = projection.connectivity, f"projection {projection.name}"
        ports = c.operands if isinstance(c, PRODUCTS) else ("in",)
        expected = c.operand if isinstance(c, PRODUCTS) else "in"
        if projection.port != expected:
            raise NeurosimError(f"{where}.port: got {projection.port!r}, expected {expected!r} (of {', '.join(ports)})")
        if isinstance(c, PRODUCTS):
            _check_operand(network, projection, where)
    for population in network.populations:
        for kind in PRODUCTS:
            found = [p for p in network.projections if p.target == population.name and type(p.connectivity) is kind]
            if found:
                _check_pair(population.name, kind, found)


def _check_operand(network: Network, projection: Projection, where: str) -> None:
    if projection.delay:
        raise NeurosimError(f"{where}.delay: got {projection.delay}, a product sees its operands in one timestep: 0")
    if network.value_bits(projection.source) > 1:
        raise NeurosimError(
            f"{where}: spikes of {projection.source} carry {network.value_bits(projection.source)} bits, products take "
            "binary spikes; let a neuron with a threshold fire first"
        )
    if projection.weight_shift and not leads(projection):
        first = projection.connectivity.operands[0]
        raise NeurosimError(f"{where}.weight_shift: give it to the {first}, whose shift is that of the sum")
    if not network.is_integer:
        raise NeurosimError(f"{where}: products are integer sums; give the network's membranes a width (membrane_bits)")


def _check_pair(target: str, kind: type, found: Sequence[Projection]) -> None:
    operands = [p.connectivity.operand for p in found]
    if sorted(operands) != sorted(kind.operands):
        raise NeurosimError(
            f"population {target!r}: operands {', '.join(operands)} arrive for {kind.kind}, expected "
            f"{' and '.join(kind.operands)}, one of each"
        )
    if found[0].connectivity.heads != found[1].connectivity.heads:
        numbers = [p.connectivity.heads for p in found]
        raise NeurosimError(f"population {target!r}: {kind.kind} of {numbers[0]} and of {numbers[1]} heads; must agree")
