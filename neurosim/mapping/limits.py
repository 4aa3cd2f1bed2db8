"""The limits of a core, what a block asks of them, and the bits of its neurons."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch import Chip
from neurosim.mapping.storage import words_of
from neurosim.snn.network import Population
from neurosim.snn.neuron import Lif


@dataclass(frozen=True)
class Need:
    """What one block asks of a core, by the names of the limits."""

    neurons: int
    synaptic_memory: int
    membrane_memory: int
    axon_table: int
    axons_in: int
    routing_table: int
    axons_out: int


def core_limits(chip: Chip) -> dict[str, int | None]:
    """Limits of one core by the names in `Need`; None is no limit."""
    core = chip.core
    return {
        "neurons": core.neurons,
        "synaptic_memory": core.synaptic_memory.capacity_bits,
        "membrane_memory": core.membrane_memory.capacity_bits,
        "axon_table": core.axon_table.capacity_bits,
        "routing_table": core.routing_table.capacity_bits,
        "axons_in": core.axons_in,
        "axons_out": core.axons_out,
    }


def membrane_bits(population: Population, neurons: np.ndarray, chip: Chip) -> dict[str, int]:
    """Bits of state and parameters of some neurons of a population, by content.

    A threshold or bias is stored once a block, once for each channel that the block holds, or once a neuron, as the
    network gives it; a bias of 0 for all is not stored.
    """
    n = len(neurons)
    bits = {state.name: state.width_bits * n for state in population.model.states}
    model = population.model
    if population.model.kind != "input" and chip.core.membrane_memory.accumulator_bits:
        bits["accumulator"] = chip.core.membrane_memory.accumulator_bits * n
    if isinstance(model, Lif):
        width = model.membrane_bits or 32
        for name in ("threshold", "bias"):
            values = getattr(model, name)
            if values is None or (values.size == 1 and name == "bias" and not values.any()):
                continue
            copies = 1 if values.size == 1 else n
            if values.size not in (1, population.n_neurons):
                copies = np.unique(neurons // (population.n_neurons // values.size)).size
            bits[name] = width * copies
    return bits


def stored_membranes(population: Population, neurons: np.ndarray, chip: Chip) -> dict[str, int]:
    """`membrane_bits` in the words of a core's membrane memory, with the ``padding`` that this takes.

    A neuron's state and the parameters that are its own are one item, read together; an accumulator and a parameter
    that neurons share are items of their own. As weights do, an item keeps to one word unless it is wider.
    """
    bits = membrane_bits(population, neurons, chip)
    word = chip.core.membrane_memory.word_bits
    n, model = len(neurons), population.model
    alone = [name for name in ("accumulator", "threshold", "bias") if name in bits and not _is_own(population, name)]
    record = sum(b for name, b in bits.items() if name not in alone)
    words = int(words_of(n, record // n, word)) if record else 0
    for name in alone:
        width = chip.core.membrane_memory.accumulator_bits if name == "accumulator" else model.membrane_bits or 32
        words += int(words_of(bits[name] // width, width, word))
    padding = words * word - sum(bits.values())
    return {**bits, "padding": padding} if padding else bits


def _is_own(population: Population, name: str) -> bool:
    """Whether each neuron of the population has a value of its own."""
    values = getattr(population.model, name, None)
    return values is not None and values.size == population.n_neurons > 1
