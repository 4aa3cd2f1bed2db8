"""Operands of products on a core: bit rows in its membrane memory, and what a spike does to them (docs/model.md, 11).

A row of query or key is the d channels of a head at one token; a row of values those channels of a head that the
block holds, at one token. A row that does not fill its last word wastes the rest. A spike of query, key or value writes
one word of a block's row; a spike of the mask reads a row of values and adds it, zeros included.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.schedule import levels
from neurosim.mapping.storage import words_of
from neurosim.snn.network import Network, Projection
from neurosim.snn.products import PRODUCTS, MaskedSum, leads, partner, tokens_of


def is_product(projection: Projection) -> bool:
    return isinstance(projection.connectivity, PRODUCTS)


def is_mask(projection: Projection) -> bool:
    return leads(projection) and isinstance(projection.connectivity, MaskedSum)


@dataclass(frozen=True, eq=False)
class Operand:
    """One operand of one block. sources (n,) ascending local numbers; events, words (n,) additions and words of one
    spike; ``rows`` (kinds,) how many rows there are of each kind, ``row_bits`` (kinds,) their bits."""

    sources: np.ndarray
    events: np.ndarray
    words: np.ndarray
    rows: np.ndarray
    row_bits: np.ndarray

    def bits(self, word: int) -> dict[str, int]:
        """Bits of the stored rows by content, in words of ``word`` bits."""
        used = int(self.rows @ self.row_bits)
        stored = int(self.rows @ words_of(self.row_bits, 1, word)) * word
        return {"operand": used, "padding": stored - used} if used else {}


def operand_of(network: Network, projection: Projection, neurons: np.ndarray, word: int) -> Operand:
    """What a projection that brings an operand means for the target neurons (n,) of one block."""
    c = projection.connectivity
    source, target = network.population(projection.source).shape, network.population(projection.target).shape
    if isinstance(c, MaskedSum):
        return _masked(c.heads, c.operand == "mask", tokens_of(target), target[0], neurons, word)
    n, per_head = tokens_of(source), source[0] // c.heads
    head, row, column = np.unravel_index(neurons.astype(np.int64), (c.heads, n, n))
    rows = np.unique(head * n + (row if c.operand == "query" else column))
    head, token = np.divmod(rows, n)
    sources = np.sort(((head[:, None] * per_head + np.arange(per_head)) * n + token[:, None]).ravel())
    ones = np.ones(sources.size, np.int64)
    return Operand(sources.astype(np.int32), 0 * ones, ones, np.array([rows.size]), np.array([per_head]))


def _masked(heads: int, mask: bool, n: int, n_channels: int, neurons: np.ndarray, word: int) -> Operand:
    per_head = n_channels // heads
    channel, token = np.divmod(neurons.astype(np.int64), n)
    held = np.unique(channel)
    row_bits = np.bincount(held // per_head, minlength=heads)
    if not mask:
        sources = (held[:, None] * n + np.arange(n)).ravel()
        ones = np.ones(sources.size, np.int64)
        return Operand(sources.astype(np.int32), 0 * ones, ones, np.full(heads, n) * (row_bits > 0), row_bits)
    rows, events = np.unique(channel // per_head * n + token, return_counts=True)
    sources = (rows[:, None] * n + np.arange(n)).ravel()
    words = words_of(row_bits, 1, word)[rows // n]
    nothing = np.zeros(1, np.int64)
    return Operand(sources.astype(np.int32), np.repeat(events, n), np.repeat(words, n), nothing, nothing)


def operand_bits(network: Network, chip: Chip, projection: Projection, neurons: np.ndarray) -> dict[str, int]:
    """Bits of membrane memory by content that a block needs for the rows of one operand."""
    word = chip.core.membrane_memory.word_bits
    return operand_of(network, projection, neurons, word).bits(word)


def words_a_product(network: Network, chip: Chip, projection: Projection) -> int:
    """Pairs of words that one element of a map takes, for the projection that leads an AND-popcount; else 0."""
    if not leads(projection) or isinstance(projection.connectivity, MaskedSum):
        return 0
    bits = projection.connectivity.per_head(network.population(projection.source).shape)
    return int(words_of(bits, 1, chip.core.membrane_memory.word_bits))


def _needs(chip: Chip) -> tuple[tuple[str, object, object, str], ...]:
    """(field, what the chip has, what products need, why)."""
    core = chip.core
    conflicts = core.synaptic_memory.bank_conflicts or core.membrane_memory.bank_conflicts
    return (
        ("delivery", chip.delivery, "same_step", "both operands are of one timestep"),
        ("core.update_policy", core.update_policy, "all", "what is touched is known only after the product"),
        ("core.synapse.accumulates", core.synapse.accumulates, "on_arrival", "operands are written as they arrive"),
        ("bank_conflicts", conflicts, False, "where operand rows begin is not modelled"),
    )


def head_order(network: Network, name: str) -> np.ndarray | None:
    """Neurons head by head, and token by token in a head, if the population receives a masked sum; else None.

    A block in this order needs the values of few heads and the mask of few tokens.
    """
    heads = {p.connectivity.heads for p in network.projections if p.target == name and is_mask(p)}
    if not heads:
        return None
    shape = network.population(name).shape
    by_head = np.arange(np.prod(shape), dtype=np.int32).reshape(heads.pop(), -1, tokens_of(shape))
    return by_head.transpose(0, 2, 1).ravel().copy()


def check_products_on(network: Network, chip: Chip) -> None:
    """Refuse products on a chip without the unit, or one that could not compute them in time; and values that could
    arrive after the mask that picks them."""
    for projection in filter(is_product, network.projections):
        where = f"projection {projection.name}"
        if getattr(chip.core, "products", None) is None:
            raise NeurosimError(
                f"{where}: {projection.connectivity.kind} needs core.products, which chip {chip.name} does not have; "
                "choose a chip that multiplies spikes by spikes such as edge-28nm"
            )
        for field, has, needed, why in _needs(chip):
            if has != needed:
                kind = projection.connectivity.kind
                raise NeurosimError(f"{where}: {kind} on chip {chip.name} needs {field} {needed}, got {has}: {why}")
        if not is_mask(projection):
            continue
        value, level = partner(network, projection).source, levels(network)
        mask_level, value_level = (int(level[network.index[name]]) for name in (projection.source, value))
        if value_level >= mask_level:
            raise NeurosimError(
                f"{where}: its value {value} is of level {value_level}, the mask {projection.source} of {mask_level}; "
                "a spike of the mask reads values that came in an earlier round, so the value must be of a lower level"
            )
