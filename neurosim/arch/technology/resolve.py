"""From a chip file to plain numbers: every price and every leakage power, each with the source it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import fsum

from neurosim.arch.actions import ACTIONS
from neurosim.arch.layer import LayerChip
from neurosim.arch.prices import LeakageSpec, PriceSpec, Term
from neurosim.arch.schema import Chip
from neurosim.arch.technology.arithmetic import (
    link_energy,
    router_clock_energy,
    router_flit_energy,
    unit_energy,
    unit_leakage,
)
from neurosim.arch.technology.band import leakage_band, term_band
from neurosim.arch.technology.sram import SramFigures, sram_figures
from neurosim.errors import NeurosimError


@dataclass(frozen=True)
class ResolvedPrice:
    """Energy of one action. ``low_pj`` and ``high_pj``: the source's own band, that of the tables, or None."""

    action: str
    component: str
    pj: float
    low_pj: float | None
    high_pj: float | None
    source: str


@dataclass(frozen=True)
class ResolvedLeakage:
    """Power of one instance of a component, and how many of them the chip has; the band as in `ResolvedPrice`."""

    component: str
    power_mw: float
    instances: int
    source: str
    low_mw: float | None = None
    high_mw: float | None = None


def memory_figures(chip: Chip | LayerChip, memory: str) -> SramFigures:
    """SRAM figures of a memory of one core, per bank, at the chip's supply."""
    part = getattr(chip.core, memory, None)
    if part is None:
        raise NeurosimError(f"sram: {memory}: a core with execution {chip.core.execution!r} has no such memory")
    if part.capacity_bits is None:
        raise NeurosimError(f"core.{memory}.capacity_bits: null, but a price is derived from it; give a size")
    banks = getattr(part, "banks", 1)
    t = chip.technology
    wanted, least = part.capacity_bits // banks, part.word_bits * 32
    figures = sram_figures(max(wanted, least), part.word_bits, t.node_nm, t.device, t.objective)
    if wanted < least:
        figures = replace(figures, source=f"{figures.source}, charged as 32 words, the smallest memory taken")
    return figures.at_voltage(t.voltage_v)


def _widths(value: object) -> tuple[int, ...]:
    return tuple(value) if isinstance(value, tuple) else (int(value),)


def _term_energy(chip: Chip | LayerChip, term: Term) -> tuple[float, str]:
    if term.sram is None:
        return logic_term(term, chip.technology.node_nm, chip.technology.voltage_v)
    figures = memory_figures(chip, term.sram)
    pj = figures.read_pj if term.access == "read" else figures.write_pj
    return _times(term, pj, f"{term.sram} {term.access}: {figures.source}")


def _times(term: Term, pj: float, source: str) -> tuple[float, str]:
    return pj * term.count, f"{'' if term.count == 1 else f'{term.count:g} x '}{source}"


def logic_term(term: Term, node: float, voltage: float) -> tuple[float, str]:
    """Energy in pJ and source of a term that is no memory."""
    kind, value = next(iter(term.kinds.items()))
    if kind == "router_flit":
        pj, source = router_flit_energy(_widths(value)[0], node, voltage)
    elif kind == "router_clock":
        pj, source = router_clock_energy(_widths(value)[0], node, voltage)
    elif kind == "link":
        pj, source = link_energy(_widths(value)[0], term.length_mm, node, voltage)
    else:
        pj, source = unit_energy(kind.rstrip("_"), _widths(value), node, voltage)
    return _times(term, pj, source)


def sum_of_terms(terms: Sequence[Term], energies: Sequence[tuple[float, str]]) -> tuple[float, float, float, str]:
    """Energy, its low and high end, and the source of a sum of terms with these energies."""
    bands = [term_band(next(iter(term.kinds)).rstrip("_")) for term in terms]
    low, high = (fsum(pj * band[end] for (pj, _), band in zip(energies, bands, strict=True)) for end in (0, 1))
    return fsum(pj for pj, _ in energies), low, high, " + ".join(source for _, source in energies)


def _price(chip: Chip | LayerChip, action: str, spec: PriceSpec) -> ResolvedPrice:
    component = ACTIONS[action].component
    if spec.included_in is not None:
        return ResolvedPrice(action, component, 0.0, None, None, f"included in {spec.included_in}")
    if spec.pj is not None:
        source = f"{spec.source}: {chip.sources[spec.source]}" + (f"; {spec.note}" if spec.note else "")
        return ResolvedPrice(action, component, spec.pj, spec.low_pj, spec.high_pj, source)
    pj, low, high, source = sum_of_terms(spec.derive, [_term_energy(chip, term) for term in spec.derive])
    return ResolvedPrice(action, component, pj, low, high, source)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def dynamic_factor(chip: Chip | LayerChip) -> float:
    """What the file's calibration multiplies every energy but leakage by; 1 where it states none or applies none."""
    return 1.0 if chip.calibration is None else chip.calibration.scale(leak=False)


def resolve_prices(chip: Chip | LayerChip) -> dict[str, ResolvedPrice]:
    """The price of every action this chip can do, calibrated where the file says so; none ``without_energy``."""
    prices = {action: _price(chip, action, chip.energy[action]) for action in chip.energy}
    factor = dynamic_factor(chip)
    if factor == 1:
        return prices
    return {
        name: replace(
            x, pj=x.pj * factor, low_pj=_scaled(x.low_pj, factor), high_pj=_scaled(x.high_pj, factor),
            source=calibrated_source(chip, x.source),
        )
        for name, x in prices.items()
    }  # fmt: skip


def calibrated_source(chip: Chip | LayerChip, source: str) -> str:
    """The source of a constant that was multiplied by the calibration factor."""
    c = chip.calibration
    return f"{source}; calibrated x {c.factor:g} ({c.source}: {chip.sources[c.source]})"


def _calibrate_powers(
    chip: Chip | LayerChip, powers: Sequence[ResolvedLeakage], leak: bool
) -> tuple[ResolvedLeakage, ...]:
    factor = 1.0 if chip.calibration is None else chip.calibration.scale(leak)
    if factor == 1:
        return tuple(powers)
    return tuple(
        replace(
            x, power_mw=x.power_mw * factor, low_mw=_scaled(x.low_mw, factor), high_mw=_scaled(x.high_mw, factor),
            source=calibrated_source(chip, x.source),
        )
        for x in powers
    )  # fmt: skip


def _leakage(chip: Chip | LayerChip, spec: LeakageSpec) -> ResolvedLeakage:
    instances = chip.mesh.n_routers if spec.per == "tile" else {"chip": 1, "core": chip.n_cores}[spec.per]
    if spec.power_mw is not None:
        return ResolvedLeakage(spec.component, spec.power_mw, instances, f"{spec.source}: {chip.sources[spec.source]}")
    powers, sources, bands = [], [], []
    for term in spec.derive:
        kind, value = next(iter(term.kinds.items()))
        if kind == "sram":
            figures = memory_figures(chip, str(value))
            banks = getattr(getattr(chip.core, str(value)), "banks", 1)
            powers.append(figures.leakage_mw * term.count * banks)
            sources.append(f"{value}{f', {banks} banks' if banks > 1 else ''}: {figures.source}")
        else:
            power, source = unit_leakage(kind.rstrip("_"), _widths(value))
            powers.append(power * term.count)
            sources.append(f"{term.count:g} x {source}")
        bands.append(leakage_band(kind, chip.technology.device))
    low, high = (fsum(mw * band[end] for mw, band in zip(powers, bands, strict=True)) for end in (0, 1))
    return ResolvedLeakage(spec.component, fsum(powers), instances, " + ".join(sources), low, high)


def resolve_leakage(chip: Chip | LayerChip) -> tuple[ResolvedLeakage, ...]:
    """Every leaking part of the chip; all of it leaks for the whole simulated time, used or not."""
    return _calibrate_powers(chip, [_leakage(chip, spec) for spec in chip.leakage], leak=True)


def resolve_front_end(chip: Chip | LayerChip) -> tuple[ResolvedLeakage, ...]:
    """What the encoder in front of the port leaks in runs that use it; empty for a chip without one."""
    if chip.front_end is None:
        return ()
    return _calibrate_powers(chip, [_leakage(chip, chip.front_end.leakage)], leak=True)


def resolve_idle_clock(chip: Chip | LayerChip) -> tuple[ResolvedLeakage, ...]:
    """Every clock that runs all the time, as the power it draws at the chip's clock."""
    found = []
    for spec in () if chip.standing is None else chip.standing.idle_clock:
        instances = chip.mesh.n_routers if spec.per == "tile" else {"chip": 1, "core": chip.n_cores}[spec.per]
        per_mw = 1e3 / chip.clock.quantum_ps  # one pJ a cycle of so many ps, in mW
        if spec.pj_per_cycle is not None:
            source = f"{spec.source}: {chip.sources[spec.source]}"
            found.append(ResolvedLeakage(spec.component, spec.pj_per_cycle * per_mw, instances, source))
            continue
        terms = [_term_energy(chip, term) for term in spec.derive]
        bands = [term_band(next(iter(term.kinds)).rstrip("_")) for term in spec.derive]
        nominal, low, high = (
            fsum(pj * factor[end] * per_mw for (pj, _), factor in zip(terms, ((1, *b) for b in bands), strict=True))
            for end in (0, 1, 2)
        )
        found.append(ResolvedLeakage(spec.component, nominal, instances, " + ".join(s for _, s in terms), low, high))
    return _calibrate_powers(chip, found, leak=False)
