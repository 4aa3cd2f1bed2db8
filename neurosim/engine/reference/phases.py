"""Phased execution as docs/phases.md words it: step after step, phase after phase, the first case that holds."""

from __future__ import annotations

import numpy as np

from neurosim.engine.phases import AmountPlan, CasePlan, PhasePlan


def run(plan: PhasePlan, steps: np.ndarray) -> np.ndarray:
    """(n_steps, n_phases) int64 cycles."""
    lengths = [[phase_cycles(cases, step) for cases in plan.cases] for step in steps.tolist()]
    return np.array(lengths, np.int64).reshape(len(steps), len(plan.phases))


def phase_cycles(cases: tuple[CasePlan, ...], step: list[int]) -> int:
    """Cycles of one phase in one step, 0 if none of its cases holds."""
    for case in cases:
        if holds(case, step):
            once = case.fixed + sum(cycles * amount(of, step) for cycles, of in case.terms)
            return once if case.repeat is None else amount(case.repeat, step) * once
    return 0


def holds(case: CasePlan, step: list[int]) -> bool:
    """Without alternatives always; else if in one of them every mode has one of its values."""
    return not case.when or any(all(step[mode] in values for mode, values in modes) for modes in case.when)


def amount(plan: AmountPlan, step: list[int]) -> int:
    largest = max(step[k] for k in plan.of)
    return -(-largest // plan.group)
