"""What the mapping uses of what the chip provides, in plain rows; and the message for what does not fit."""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.arch import Chip
from neurosim.mapping.limits import core_limits
from neurosim.mapping.mapping import Mapping, Overflow
from neurosim.mapping.usage import core_usage, unit_of


def footprint_by_memory(mapping: Mapping, chip: Chip) -> dict[str, dict[str, int | None]]:
    """Used and provisioned bits of the whole chip by memory; provisioned is None where no limit is given."""
    return {
        memory: {
            "used_bits": bits,
            "provisioned_bits": None
            if mapping.provisioned_bits.get(memory) is None
            else mapping.provisioned_bits[memory] * chip.n_cores,
        }
        for memory, bits in footprint_by(mapping, "memory").items()
    }


def footprint_by(mapping: Mapping, field: str) -> dict[str, int]:
    """Used bits of the whole chip by ``memory``, ``content``, ``part`` or ``core``, in order of first appearance."""
    used: dict[str, int] = {}
    for line in mapping.memory:
        key = str(getattr(line, field))
        used[key] = used.get(key, 0) + line.used_bits
    return used


def limit_rows(mapping: Mapping, chip: Chip) -> list[dict[str, Any]]:
    """One row a limit of a core: what the fullest core needs, what a core has (None: not limited), in per cent, and
    how much all cores need together. ``unit`` is bits, or what is counted."""
    usage = core_usage(chip, mapping.blocks, mapping.memory, mapping.routes, mapping.endpoint)
    rows = []
    for name, limit in core_limits(chip).items():
        fullest = int(usage[name].max())
        rows.append({
            "limit": name,
            "unit": unit_of(name),
            "fullest_core": fullest,
            "core_has": limit,
            "percent": None if limit is None else 100 * fullest / limit,
            "all_cores": int(usage[name].sum()),
        })  # fmt: skip
    return rows


def overflow_text(overflow: Overflow, place: str | None = None) -> str:
    """One line for one broken limit; ``place`` says whose, by default the chip's or the core's."""
    excess = overflow.needed - overflow.limit
    place = place or ("chip" if overflow.core < 0 else f"core {overflow.core}")
    return (
        f"{place}: {overflow.memory} needs {overflow.needed} {overflow.unit}, has {overflow.limit} ({excess} too many)"
    )


def fit_report(mapping: Mapping, chip: Chip) -> dict[str, Any]:
    """Cores, neurons, axons and fullest memory, used and available; broken limits as text, the worst of each first."""
    neurons = np.zeros(chip.n_cores, np.int64)
    for block in mapping.blocks:
        neurons[block.core] += len(block.neurons)
    fullest: dict[str, int] = {}
    by_core: dict[tuple[str, int], int] = {}
    for line in mapping.memory:
        key = (line.memory, line.core)
        by_core[key] = by_core.get(key, 0) + line.used_bits
    for (memory, _), bits in by_core.items():
        fullest[memory] = max(fullest.get(memory, 0), bits)
    worst: dict[str, Overflow] = {}
    count: dict[str, int] = {}
    for overflow in mapping.overflows:
        count[overflow.memory] = count.get(overflow.memory, 0) + 1
        if overflow.memory not in worst or overflow.needed > worst[overflow.memory].needed:
            worst[overflow.memory] = overflow
    texts = []
    for memory, overflow in worst.items():
        others = f"; {count[memory] - 1} more cores are over this limit" if count[memory] > 1 else ""
        texts.append(overflow_text(overflow) + others)
    return {
        "cores_used": mapping.cores_used,
        "cores": chip.n_cores,
        "tiles_used": mapping.tiles_used,
        "tiles": chip.mesh.n_tiles,
        "neurons_used": int(neurons.sum()),
        "neurons": chip.core.neurons * chip.n_cores,
        "fullest_core_bits": fullest,
        "core_bits": {k: v for k, v in mapping.provisioned_bits.items() if v is not None},
        "placement": {
            "origin": mapping.origin, "traffic_before": mapping.traffic_before, "traffic": mapping.traffic
        },
        "limits": limit_rows(mapping, chip),
        "overflows": texts,
    }  # fmt: skip
