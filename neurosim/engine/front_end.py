"""The encoder in front of the chip: does it hold the signals, and what did it do."""

from __future__ import annotations

from neurosim.arch import Chip, LayerChip
from neurosim.engine.activity import Activity, Rows
from neurosim.errors import NeurosimError
from neurosim.snn.trace import Stimulus

PART = "encoder"
_WORDS = {"channels": "channels", "width_bits": "bits a number", "states": "numbers a channel"}


def check_front_end(chip: Chip | LayerChip, stimulus: Stimulus) -> None:
    """Refuse a stimulus whose encoder has more channels, numbers or bits than the chip's front end."""
    work, has = stimulus.front_end, chip.front_end
    if work is None or has is None:
        return
    for name, asked, limit in (
        ("channels", work.channels, has.channels),
        ("width_bits", work.width_bits, has.width_bits),
        ("states", work.states, has.states),
    ):
        if asked > limit:
            raise NeurosimError(
                f"front end: the encoder needs {asked} {_WORDS[name]}, chip {chip.name} has {limit} "
                f"(front_end.{name}); encode on the host (front_end=false), or send fewer or smaller numbers"
            )


def with_front_end(activity: Activity, chip: Chip | LayerChip, stimulus: Stimulus) -> Activity:
    """``activity`` with what the encoder did for this stimulus, where the chip has one and the stimulus says so."""
    if stimulus.front_end is None or chip.front_end is None:
        return activity
    rows = Rows()
    for action, place, part, count in zip(*vars(activity).values(), strict=True):
        rows.add(action, place, part, count)
    for action, count in stimulus.front_end.totals().items():
        rows.add(action, "chip", PART, count)
    return rows.table()


def front_end_notes(chip: Chip | LayerChip, stimulus: Stimulus) -> list[str]:
    """What a reader of the result must know about its encoder."""
    if stimulus.front_end is None or chip.front_end is not None:
        return []
    number = int(stimulus.front_end.counts.sum())
    return [
        f"the input asks for an encoder on the chip, which {chip.name} does not have (front_end): the host encodes, "
        f"and its {number:,} operations are not priced"
    ]
