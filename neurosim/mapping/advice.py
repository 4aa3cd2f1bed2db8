"""What would make a network fit: tried, not guessed.

Every change offered has been run through the partitioner and fitted, one change at a time. Networks too large to try
that often are given bounds instead, and those say "at least" or "at most".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NoReturn

from neurosim.arch import Chip
from neurosim.errors import NeurosimError
from neurosim.mapping.fit import overflow_text
from neurosim.mapping.layout import Layout, is_unrolled
from neurosim.mapping.mapping import Overflow
from neurosim.mapping.partition import CoreTooSmall, partition
from neurosim.mapping.row_store import entry_bits, layout_asked
from neurosim.snn.codecs import CodebookCodec
from neurosim.snn.network import Network, Projection

_TRIED_NEURONS = 20_000
_TRIED_ENTRIES = 1_000_000
_SHARED = "core.synaptic_memory.shared_kernels: true"
_MEMORIES = ("synaptic_memory", "membrane_memory", "axon_table", "routing_table")


def refuse(network: Network, chip: Chip, overflows: Sequence[Overflow], place: str | None = None) -> NoReturn:
    """Raise for limits that are broken: the first by its numbers (``place`` says whose), and the nearest changes."""
    first = overflows[0]
    more = f", and {len(overflows) - 1} more limits" if len(overflows) > 1 else ""
    # Of one memory, the core that needs most says what a larger memory must hold.
    worst = max((o for o in overflows if o.memory == first.memory), key=lambda o: o.needed)
    raise NeurosimError(
        f"network does not fit chip {chip.name}: {overflow_text(first, place)}{more}; {advise(network, chip, worst)}, "
        "or run it anyway with --capacity report"
    )


def at_a_glance(network: Network, chip: Chip) -> Overflow | None:
    """What cannot fit however it is cut, known before any work: too many neurons or weight bits for the chip."""
    neurons = sum(p.n_neurons for p in network.populations if p.model.kind != "input")
    capacity = chip.core.synaptic_memory.capacity_bits * chip.n_cores
    for name, unit, needed, limit in (
        ("neurons", "neurons", neurons, chip.core.neurons * chip.n_cores),
        ("synaptic_memory", "bits", least_synaptic_bits(network, chip), capacity),
    ):
        if needed > limit:
            return Overflow(-1, name, unit, needed, limit)
    return None


def least_synaptic_bits(network: Network, chip: Chip, weight_bits: int | None = None) -> int:
    """A lower bound of the synaptic memory of the whole chip: every weight once, no padding, the shortest index.

    ``weight_bits`` narrows the integer weights that are wider.
    """
    return sum(_least_bits(network, p, chip, weight_bits) for p in network.projections)


def _least_bits(network: Network, projection: Projection, chip: Chip, weight_bits: int | None) -> int:
    connectivity, codec = projection.connectivity, projection.codec
    if connectivity.event != "synapse":
        return 0
    if layout_asked(projection, chip) != "by_kind":
        return 0  # how far a layout shrinks a projection is known only once it is written
    width = codec.bits
    if codec.kind == "int" and weight_bits is not None:
        width = min(width, weight_bits)
    if connectivity.kind == "sparse" or is_unrolled(projection, chip):
        # A block of one neuron still has an index of no bits, unless the chip fixes the width.
        index_bits = chip.core.synaptic_memory.index_bits or 0
        each = entry_bits(codec) if isinstance(codec, CodebookCodec) else width
        return int(network.connections(projection) * (each + index_bits))
    return int(connectivity.weights.size * width)


def advise(network: Network, chip: Chip, overflow: Overflow) -> str:
    """The nearest changes that would fit, for one broken limit."""
    neurons = sum(p.n_neurons for p in network.populations if p.model.kind != "input")
    if overflow.core >= 0:
        return f"nearest change that fits this core map: {_field(overflow.memory)} of {overflow.needed}"
    listed = [p for p in network.projections if p.connectivity.kind in ("sparse", "pool")]
    small = neurons <= _TRIED_NEURONS and sum(int(network.fan_out(p).sum()) for p in listed) <= _TRIED_ENTRIES
    options = _tried(network, chip) if small else _bounds(network, chip, neurons, overflow)
    return "nearest change that fits: " + (" or ".join(options) or "fewer neurons, or fewer inputs to each")


def _field(memory: str) -> str:
    return f"core.{memory}.capacity_bits" if memory in _MEMORIES else f"core.{memory}"


def _cores(network: Network, chip: Chip, weight_bits: int | None = None) -> int | None:
    """Cores that the automatic partition takes; None when one neuron is too much for a core."""
    try:
        return len(partition(network, chip, Layout(network, chip, weight_bits)))
    except CoreTooSmall:
        return None


def _with_core(chip: Chip, memory: str, value: int) -> Chip:
    """The chip with one limit of its cores replaced."""
    old = getattr(chip.core, memory)
    new = old.model_copy(update={"capacity_bits": value}) if memory in _MEMORIES else value
    return chip.model_copy(update={"core": chip.core.model_copy(update={memory: new})})


def _sharing(chip: Chip) -> Chip:
    """The chip with kernels stored once a core."""
    memory = chip.core.synaptic_memory.model_copy(update={"shared_kernels": True})
    return chip.model_copy(update={"core": chip.core.model_copy(update={"synaptic_memory": memory})})


def _tried(network: Network, chip: Chip) -> list[str]:
    """Single changes with which the network was partitioned onto the chip, and fitted."""

    def fits(changed: Chip, weight_bits: int | None = None) -> bool:
        cores = _cores(network, changed, weight_bits)
        return cores is not None and cores <= chip.n_cores

    options = []
    widths = _narrower_widths(network, chip)
    bits = next((b for b in widths if fits(chip, b)), None)
    if bits is not None:
        options.append(f"weights of {bits} bits")
    if any(is_unrolled(p, chip) for p in network.projections) and fits(_sharing(chip)):
        options.append(f"a chip that shares convolution kernels ({_SHARED})")
    cores = _cores(network, chip)
    if cores is not None and cores > chip.n_cores:
        options.append(f"a chip of {cores} such cores")
    for name in (*_MEMORIES, "neurons", "axons_in", "axons_out"):
        limit = (
            getattr(getattr(chip.core, name), "capacity_bits", None) if name in _MEMORIES else getattr(chip.core, name)
        )
        if limit is not None:
            enough = _least(lambda value, name=name: fits(_with_core(chip, name, value)), limit)
            if enough is not None:
                options.append(f"{_field(name)} of {enough}")
    return options


def _narrower_widths(network: Network, chip: Chip) -> range:
    """Uniform widths below the network's widest integer weights that the chip accepts, widest first."""
    widths = [p.codec.bits for p in network.projections if p.connectivity.event == "synapse" and p.codec.kind == "int"]
    if not widths or chip.arithmetic.int_bits is None:
        return range(0)
    low, high = chip.arithmetic.int_bits
    return range(min(high, int(max(widths)) - 1), low - 1, -1)


def _least(fits: Callable[[int], bool], limit: int) -> int | None:
    """A value above ``limit`` that fits, within a sixteenth of the least; None when 256 times the limit does not."""
    good = limit * 256
    if not fits(good):
        return None
    bad = limit
    while good - bad > max(1, bad // 16):
        middle = (good + bad) // 2
        good, bad = (middle, bad) if fits(middle) else (good, middle)
    return good


def _bounds(network: Network, chip: Chip, neurons: int, overflow: Overflow) -> list[str]:
    """What any fitting change must reach, from totals alone; and what is known where the network has been cut."""
    per_core = chip.core.synaptic_memory.capacity_bits
    capacity = per_core * chip.n_cores
    least = least_synaptic_bits(network, chip)
    unrolled = any(is_unrolled(p, chip) for p in network.projections)
    if overflow.memory == "cores":
        # One more cut takes no longer than the one that led here.
        cores = _cores(network, _sharing(chip)) if unrolled else None
        shares = cores is not None and cores <= chip.n_cores
        options = [f"a chip that shares convolution kernels ({_SHARED})"] if shares else []
        return [*options, f"a chip of {overflow.needed} such cores"]
    options = []
    if neurons <= chip.core.neurons * chip.n_cores:
        for bits in _narrower_widths(network, chip):
            narrow = least_synaptic_bits(network, chip, bits)
            if narrow <= capacity < least:
                options.append(f"weights of at most {bits} bits ({narrow} of {capacity} bits)")
                break
        once = least_synaptic_bits(network, _sharing(chip))
        if unrolled and once <= capacity:
            options.append(f"a chip that shares convolution kernels ({_SHARED}; at least {once} of {capacity} bits)")
    cores = max(-(-neurons // chip.core.neurons), -(-least // per_core))
    if cores > chip.n_cores:
        options.append(f"a chip of at least {cores} such cores")
    return options
