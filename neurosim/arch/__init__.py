"""The chip: description schema and loader, actions, technology. Knows no network."""

from neurosim.arch.actions import ACTIONS, Action
from neurosim.arch.event import EventChip
from neurosim.arch.layer import LayerChip
from neurosim.arch.loader import ChipError, chip_from_data, list_chips, load_chip
from neurosim.arch.phases import PhaseChip
from neurosim.arch.schema import Chip

__all__ = [
    "ACTIONS",
    "Action",
    "Chip",
    "ChipError",
    "EventChip",
    "LayerChip",
    "PhaseChip",
    "chip_from_data",
    "list_chips",
    "load_chip",
]
