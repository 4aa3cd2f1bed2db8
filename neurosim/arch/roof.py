"""What a chip could do at best: synaptic events and words of weights a second. Both are limits, never predictions."""

from __future__ import annotations

from typing import Any

from neurosim.arch.layer import LayerChip
from neurosim.arch.schema import Chip


def roof(chip: Chip | LayerChip) -> dict[str, Any] | None:
    """Peaks of the whole chip from its file: ``events_per_s`` (lanes / quanta a group of the quickest kind of
    connection, or processing elements / quanta a slot), ``words_per_s`` (banks x ports / quanta a read),
    ``word_bits`` and ``cores``. None where the update unit reads the weights in its own time, which has no such peak.
    """
    core, memory = chip.core, chip.core.synaptic_memory
    per_second = 1e12 / chip.clock.quantum_ps
    if isinstance(chip, LayerChip):
        slot = core.array.cycles_per_slot
        events = core.array.rows * core.array.columns / min(slot.dense, slot.sparse, slot.conv)
        words = memory.banks / memory.read_cycles
    else:
        if core.synapse.accumulates == "in_update":
            return None
        group = core.synapse.cycles_per_group
        events = core.synapse.lanes / min(group.dense, group.sparse, group.conv)
        words = memory.banks * memory.ports / memory.read_cycles
    n = chip.n_cores
    return {
        "events_per_s": n * events * per_second,
        "words_per_s": n * words * per_second,
        "word_bits": memory.word_bits,
        "cores": n,
    }
