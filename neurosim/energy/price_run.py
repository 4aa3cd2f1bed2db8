"""What a run costs on a chip: actions, standing powers and, where the chip counts it, loading. One way for all runs."""

from __future__ import annotations

from collections.abc import Iterable

from neurosim.arch import Chip, LayerChip
from neurosim.arch.actions import ACTIONS
from neurosim.energy.chip_prices import chip_leakage, chip_prices, front_end_leakage
from neurosim.energy.loading import Line, with_loading
from neurosim.energy.table import EnergyTable, price_activity
from neurosim.engine.activity import Activity


def price_run(
    chip: Chip | LayerChip, activity: Activity, cycles: int, memory: Iterable[Line], cores_used: int | None = None
) -> EnergyTable:
    """The energy table of ``activity`` over ``cycles`` quanta; ``memory`` are the mapping's footprint lines.

    ``cores_used`` is for chips that gate the others (`chip_leakage`). Raises NeurosimError for an action without
    a price.
    """
    encoded = any(ACTIONS[action].only_for == "front_end" for action in activity.action)
    seconds = cycles * chip.clock.quantum_ps * 1e-12
    table = price_activity(
        activity.action, activity.place, activity.part, activity.count, chip_prices(chip),
        chip_leakage(chip, cores_used) + (front_end_leakage(chip) if encoded else ()), seconds,
    )  # fmt: skip
    return with_loading(table, chip, memory)
