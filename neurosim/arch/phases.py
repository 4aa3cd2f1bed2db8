"""The phased chip: a step controller whose states take cycles linear in what is counted, under conditions on modes.

It says how long a step takes, not what is computed in it. Times are cycles of ``clock.quantum_ps``; what every field
means to the cycle is docs/phases.md.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.arch.chip_file import ChipFile
from neurosim.arch.part import Part, Source
from neurosim.arch.schema import Technology

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Whole = Annotated[int, Field(ge=0, le=1 << 20)]
Unit = Annotated[int, Field(ge=1, le=1 << 20)]


class Amount(Part):
    """The largest of some quantities, in groups of ``group``, the last one not full: ceil(largest / group)."""

    largest_of: Annotated[tuple[Name, ...], Field(min_length=1)]
    group: Unit = 1


class Quantity(Part):
    """Something a step is described by: a size of the network, a mode of the chip, or a count of the step.

    A value is ``least`` to ``most``, and no more than the amount ``at_most``.
    """

    kind: Literal["size", "mode", "count"]
    least: Whole = 0
    most: Whole
    at_most: Amount | None = None
    meaning: Source

    @model_validator(mode="after")
    def _range(self) -> Quantity:
        if self.least > self.most:
            raise ValueError(f"least: got {self.least}, expected at most most, {self.most}")
        return self


class CycleTerm(Part):
    """``cycles`` for each of ``amount``."""

    cycles: Unit
    amount: Amount


class PhaseCase(Part):
    """Cycles = ``repeat`` x (``fixed_cycles`` + the sum of the terms); ``repeat`` left out is 1.

    ``when`` lists alternatives, each the values that some modes may have; none at all always holds.
    """

    when: tuple[Annotated[dict[Name, Annotated[tuple[Whole, ...], Field(min_length=1)]], Field(min_length=1)], ...] = ()
    repeat: Amount | None = None
    fixed_cycles: Whole = 0
    terms: tuple[CycleTerm, ...] = ()


class Phase(Part):
    """One state of the controller: the first case that holds, 0 cycles where none does."""

    does: Source
    cases: Annotated[tuple[PhaseCase, ...], Field(min_length=1)]


class PhaseCore(Part):
    """The step controller. Its phases follow one another, in the order given, once a step."""

    execution: Literal["phases"]
    quantities: Annotated[dict[Name, Quantity], Field(min_length=1)]
    phases: Annotated[dict[Name, Phase], Field(min_length=1)]

    @model_validator(mode="after")
    def _known(self) -> PhaseCore:
        for name, quantity in self.quantities.items():
            if quantity.at_most is not None:
                self._check(f"quantities.{name}.at_most", quantity.at_most.largest_of)
        for name, phase in self.phases.items():
            for k, case in enumerate(phase.cases):
                where = f"phases.{name}.cases.{k}"
                amounts = [term.amount for term in case.terms] + [case.repeat] * (case.repeat is not None)
                for amount in amounts:
                    self._check(where, amount.largest_of)
                for modes in case.when:
                    self._check(f"{where}.when", tuple(modes))
                    for mode in modes:
                        if self.quantities[mode].kind != "mode":
                            raise ValueError(f"{where}.when: {mode!r} is a {self.quantities[mode].kind}, not a mode")
        return self

    def _check(self, where: str, names: tuple[str, ...]) -> None:
        unknown = [name for name in names if name not in self.quantities]
        if unknown:
            raise ValueError(f"{where}: got {unknown[0]!r}, expected one of quantities, {', '.join(self.quantities)}")


class PhaseChip(ChipFile):
    """A chip file whose execution is ``phases``. It has cycles and no prices; ``without_energy`` says why no pJ."""

    technology: Technology | None = None
    core: PhaseCore
    without_energy: Source

    @property
    def n_cores(self) -> int:
        return 1
