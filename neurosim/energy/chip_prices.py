"""A chip's prices and leakage in the form the energy table takes."""

from __future__ import annotations

from neurosim.arch import Chip, LayerChip
from neurosim.arch.technology.resolve import (
    resolve_front_end,
    resolve_idle_clock,
    resolve_leakage,
    resolve_prices,
)
from neurosim.energy.table import IDLE_CLOCK, LeakagePower, Price


def chip_prices(chip: Chip | LayerChip) -> dict[str, Price]:
    """Price of every registered action, by action name."""
    return {name: Price(p.component, p.pj, p.source, p.low_pj, p.high_pj) for name, p in resolve_prices(chip).items()}


def chip_leakage(chip: Chip | LayerChip, cores_used: int | None = None) -> tuple[LeakagePower, ...]:
    """Standing powers: leaking parts, and clocks that run all the time.

    Where the chip file gates cores, those beyond ``cores_used`` draw a share of their leakage, on a line of their own;
    None: all are in use.
    """
    gating = None if chip.standing is None else chip.standing.power_gating
    powers = []
    for x, spec in zip(resolve_leakage(chip), chip.leakage, strict=True):
        unused = x.instances - cores_used if gating and cores_used is not None and spec.per == "core" else 0
        powers.append(LeakagePower(x.component, x.power_mw, x.instances - unused, x.source, x.low_mw, x.high_mw))
        if unused:
            share = gating.unused_share
            low, high = (None if mw is None else mw * share for mw in (x.low_mw, x.high_mw))
            source = f"{x.source}; unused and gated, x {share:g} ({gating.source}: {chip.sources[gating.source]})"
            powers.append(LeakagePower(x.component, x.power_mw * share, unused, source, low, high))
    clocks = () if chip.standing is None else chip.standing.idle_clock
    for x, spec in zip(resolve_idle_clock(chip), clocks, strict=True):
        running = x.instances if spec.cores == "all" or cores_used is None else min(cores_used, x.instances)
        powers.append(LeakagePower(x.component, x.power_mw, running, x.source, x.low_mw, x.high_mw, IDLE_CLOCK))
    return tuple(powers)


def front_end_leakage(chip: Chip | LayerChip) -> tuple[LeakagePower, ...]:
    """What the encoder in front of the port draws while it is used."""
    return tuple(
        LeakagePower(x.component, x.power_mw, x.instances, x.source, x.low_mw, x.high_mw)
        for x in resolve_front_end(chip)
    )
