"""Phased execution: a chip with ``core.execution: phases`` and steps described by counts (docs/phases.md)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.arch.phases import Amount, PhaseChip
from neurosim.errors import NeurosimError


@dataclass(frozen=True)
class AmountPlan:
    """ceil(largest of the columns ``of`` / ``group``)."""

    of: tuple[int, ...]
    group: int


@dataclass(frozen=True)
class CasePlan:
    """Cycles = repeat x (fixed + sum of cycles x amount), if ``when`` is empty or one alternative holds.

    when : alternatives, each of (column, values it may have), all of which must hold.
    """

    when: tuple[tuple[tuple[int, frozenset[int]], ...], ...]
    repeat: AmountPlan | None
    fixed: int
    terms: tuple[tuple[int, AmountPlan], ...]


@dataclass(frozen=True)
class PhasePlan:
    """The chip's table as numbers: columns are its quantities, in order; ``cases[p]`` are those of phase p.

    limits : (least, most, bound) of each column, the bound an amount that it may not exceed, or None.
    """

    quantities: tuple[str, ...]
    limits: tuple[tuple[int, int, AmountPlan | None], ...]
    phases: tuple[str, ...]
    cases: tuple[tuple[CasePlan, ...], ...]


def plan_phases(chip: PhaseChip) -> PhasePlan:
    """The chip file as numbers."""
    core = chip.core
    column = {name: k for k, name in enumerate(core.quantities)}

    def amount(given: Amount | None) -> AmountPlan | None:
        return None if given is None else AmountPlan(tuple(column[n] for n in given.largest_of), given.group)

    return PhasePlan(
        quantities=tuple(core.quantities),
        limits=tuple((q.least, q.most, amount(q.at_most)) for q in core.quantities.values()),
        phases=tuple(core.phases),
        cases=tuple(
            tuple(
                CasePlan(
                    when=tuple(tuple((column[m], frozenset(v)) for m, v in modes.items()) for modes in case.when),
                    repeat=amount(case.repeat),
                    fixed=case.fixed_cycles,
                    terms=tuple((term.cycles, amount(term.amount)) for term in case.terms),
                )
                for case in phase.cases
            )
            for phase in core.phases.values()
        ),
    )


def run_phases(plan: PhasePlan, steps: np.ndarray, engine: str = "fast") -> np.ndarray:
    """Cycles of each phase of each step, (n_steps, n_phases) int64; their sum is the length of the step.

    ``steps`` (n_steps, n_quantities) integers, columns as ``plan.quantities``. Raises NeurosimError for a value that
    the chip cannot have.
    """
    steps = check_steps(plan, steps)
    if engine == "reference":
        from neurosim.engine.reference.phases import run
    elif engine == "fast":
        from neurosim.engine.fast.phases import run
    else:
        raise NeurosimError(f"engine: got {engine!r}, expected 'fast' or 'reference'")
    return run(plan, steps)


def check_steps(plan: PhasePlan, steps: np.ndarray) -> np.ndarray:
    """The steps as int64, each value within its limits."""
    steps = np.asarray(steps)
    n = len(plan.quantities)
    if steps.ndim != 2 or steps.shape[1] != n or not np.issubdtype(steps.dtype, np.integer):
        raise NeurosimError(f"steps: got {steps.dtype} {steps.shape}, expected integers (n_steps, {n})")
    steps = steps.astype(np.int64)
    for k, (name, (least, most, bound)) in enumerate(zip(plan.quantities, plan.limits, strict=True)):
        high = np.full(len(steps), most)
        if bound is not None:
            high = np.minimum(high, -(-steps[:, list(bound.of)].max(axis=1) // bound.group))
        wrong = np.flatnonzero((steps[:, k] < least) | (steps[:, k] > high))
        if wrong.size:
            at = int(wrong[0])
            raise NeurosimError(f"steps: step {at}, {name}: got {steps[at, k]}, expected {least} to {high[at]}")
    return steps
