"""Which shipped chips hold a network, in which layout and at which width: cut and counted, not guessed.

A trial cuts the network for one chip, one layout and one width as a run would, and counts cores; placement and key
tables of routers are not tried. Widths change the count alone: whether a network still works there is for training.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from typing import Any

from neurosim.arch import Chip
from neurosim.arch.layer import LayerChip
from neurosim.errors import NeurosimError
from neurosim.mapping.advice import at_a_glance
from neurosim.mapping.fit import overflow_text
from neurosim.mapping.layer import map_layers
from neurosim.mapping.layout import Layout
from neurosim.mapping.partition import CoreTooSmall, partition
from neurosim.mapping.storage import CHOICES
from neurosim.mapping.support import check_support
from neurosim.snn.network import Network

FITS, TOO_LARGE, CANNOT = "fits", "too large", "cannot compute"
MOST_WEIGHTS = 4_000_000
"""Networks of more weights than this are tried in the chip's own layout alone."""


@dataclass(frozen=True)
class Trial:
    """verdict : `FITS`, `TOO_LARGE` or `CANNOT`. cores : needed (None where that is not known); core_limit : the
    chip's. weight_bits : the network's own (None) or a uniform width; synaptic_bits by content, empty unless it fits.
    reason : why not, in words."""

    chip: str
    layout: str
    weight_bits: int | None
    verdict: str
    cores: int | None
    core_limit: int
    synaptic_bits: dict[str, int] = field(default_factory=dict)
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def with_layout(chip: Chip, layout: str) -> Chip:
    """The chip with its weights written in another layout. Raises NeurosimError for a chip that offers none."""
    if layout not in CHOICES:
        raise NeurosimError(f"layout: got {layout!r}, expected one of {', '.join(CHOICES)}")
    if not isinstance(chip, Chip):
        raise NeurosimError(
            f"layout: got {layout!r}; chip {chip.name} stores rows in the order of its tiles and offers no other "
            "layout; leave it out or choose a chip with execution 'barrier'"
        )
    memory = chip.core.synaptic_memory.model_copy(update={"layout": layout})
    return chip.model_copy(update={"core": chip.core.model_copy(update={"synaptic_memory": memory})})


def attempt(network: Network, chip: Chip, layout: str, weight_bits: int | None = None) -> Trial:
    """One trial on a chip of cores. ``weight_bits`` narrows integer and float weights that are wider."""
    start = (chip.name, layout, weight_bits)
    target = with_layout(chip, layout)
    try:
        check_support(network, target)
        hopeless = at_a_glance(network, target) if weight_bits is None else None
        if hopeless is not None:
            return Trial(*start, TOO_LARGE, None, chip.n_cores, reason=overflow_text(hopeless))
        parts = partition(network, target, Layout(network, target, weight_bits))
    except CoreTooSmall as error:
        reason = overflow_text(error.overflow, f"one neuron of {error.population}")
        return Trial(*start, TOO_LARGE, None, chip.n_cores, reason=reason)
    except NeurosimError as error:
        return Trial(*start, CANNOT, None, chip.n_cores, reason=str(error))
    bits: dict[str, int] = {}
    for _, feed in (pair for part in parts for pair in part.feeds):
        for content, n in feed.bits.items():
            bits[content] = bits.get(content, 0) + n
    fits = len(parts) <= chip.n_cores
    reason = "" if fits else f"needs {len(parts)} cores, has {chip.n_cores}"
    return Trial(*start, FITS if fits else TOO_LARGE, len(parts), chip.n_cores, bits, reason)


def attempt_layers(network: Network, chip: LayerChip, timesteps: int) -> Trial:
    """One trial on a layer chip, in its only layout."""
    start = (chip.name, "by_kind", None)
    try:
        mapping = map_layers(network, chip, timesteps, capacity="report")
    except NeurosimError as error:
        return Trial(*start, CANNOT, None, 1, reason=str(error))
    bits: dict[str, int] = {}
    for line in mapping.memory:
        if line.memory == "synaptic_memory":
            bits[line.content] = bits.get(line.content, 0) + line.used_bits
    over = [overflow_text(o, "chip") for o in mapping.overflows]
    return Trial(*start, TOO_LARGE if over else FITS, 1, 1, bits, "; ".join(over))


def narrower_widths(network: Network, chip: Chip) -> list[int]:
    """8, 4, 2 and 1 bits, as far as the chip computes with them and some weight of the network is wider."""
    codecs = [p.codec for p in network.projections if p.connectivity.event == "synapse"]
    widest = max((int(c.bits) for c in codecs if c.kind in ("int", "float32")), default=0)
    low, high = chip.arithmetic.int_bits or (1, 0)
    return [bits for bits in (8, 4, 2, 1) if bits < widest and low <= bits <= high]


def trials(network: Network, chips: list, timesteps: int | None) -> Iterator[Trial]:
    """Every trial on the chips given: layouts at the network's own width, then narrower widths as the chip stores.

    A layer chip is tried only where ``timesteps`` are known.
    """
    weights = sum(p.connectivity.weights.size for p in network.projections if p.connectivity.event == "synapse")
    for chip in chips:
        if isinstance(chip, LayerChip):
            if timesteps is not None:
                yield attempt_layers(network, chip, timesteps)
            continue
        if not isinstance(chip, Chip):
            why = f"execution is {chip.core.execution!r}, which runs no network of timesteps"
            yield Trial(chip.name, "by_kind", None, CANNOT, None, chip.n_cores, reason=why)
            continue
        first = attempt(network, chip, "by_kind")
        yield first
        if first.verdict == CANNOT:
            continue
        if weights <= MOST_WEIGHTS:
            for layout in CHOICES[1:]:
                yield attempt(network, chip, layout)
        for bits in narrower_widths(network, chip):
            yield attempt(network, chip, "by_kind", bits)
