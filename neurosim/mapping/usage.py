"""What every core is asked for, limit by limit, and which limits that breaks."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from neurosim.arch import Chip
from neurosim.mapping.limits import core_limits
from neurosim.mapping.mapping import Block, MemoryUse, Overflow, Routes

_COUNTED = ("neurons", "axons_in", "axons_out")


def core_usage(
    chip: Chip, blocks: Iterable[Block], memory: Iterable[MemoryUse], routes: Routes, endpoint: np.ndarray
) -> dict[str, np.ndarray]:
    """Bits or counts that each core is asked for, (n_cores,) int64 by the names of `core_limits`, memories first."""
    # The last place is the host's, whose routes no limit of a core binds.
    memories = [name for name in core_limits(chip) if name not in _COUNTED]
    usage = {name: np.zeros(chip.n_cores + 1, np.int64) for name in (*memories, *_COUNTED)}
    for line in memory:
        if line.memory in usage:
            usage[line.memory][line.core] += line.used_bits
    for block in blocks:
        usage["neurons"][block.core] += len(block.neurons)
    np.add.at(usage["axons_in"], routes.endpoint, 1)
    np.add.at(usage["axons_out"], np.repeat(endpoint, np.diff(routes.ptr)), 1)
    return {name: values[: chip.n_cores] for name, values in usage.items()}


def unit_of(limit: str) -> str:
    """``bits`` of a memory, or the name of what is counted."""
    return limit if limit in _COUNTED else "bits"


def overflows_of(chip: Chip, usage: dict[str, np.ndarray]) -> tuple[Overflow, ...]:
    """Every broken limit: memories first, core by core."""
    found: list[Overflow] = []
    for name, limit in core_limits(chip).items():
        if limit is not None:
            over = np.flatnonzero(usage[name] > limit)
            found += [Overflow(int(core), name, unit_of(name), int(usage[name][core]), limit) for core in over]
    return tuple(sorted(found, key=lambda o: (o.unit != "bits", o.memory, o.core)))
