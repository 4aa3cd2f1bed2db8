"""Phased execution on columns: each phase for all steps at once. Twin of `neurosim.engine.reference.phases`.

The table is a handful of cases and the steps may be many, so numpy on whole columns is the fast form; nothing here
depends on an earlier step.
"""

from __future__ import annotations

import numpy as np

from neurosim.engine.phases import AmountPlan, CasePlan, PhasePlan


def run(plan: PhasePlan, steps: np.ndarray) -> np.ndarray:
    """(n_steps, n_phases) int64 cycles."""
    columns = np.ascontiguousarray(steps.T)
    cycles = np.zeros((len(plan.phases), len(steps)), np.int64)
    for k, cases in enumerate(plan.cases):
        # From the last case to the first, so that the first that holds is the one that stays.
        for case in reversed(cases):
            cycles[k] = np.where(_holds(case, columns), _length(case, columns), cycles[k])
    return np.ascontiguousarray(cycles.T)


def _holds(case: CasePlan, columns: np.ndarray) -> np.ndarray:
    found = np.full(columns.shape[1], not case.when)
    for modes in case.when:
        every = np.ones(columns.shape[1], bool)
        for column, values in modes:
            every &= np.isin(columns[column], sorted(values))
        found |= every
    return found


def _length(case: CasePlan, columns: np.ndarray) -> np.ndarray:
    once = np.full(columns.shape[1], case.fixed, np.int64)
    for cycles, amount in case.terms:
        once += cycles * _amount(amount, columns)
    return once if case.repeat is None else once * _amount(case.repeat, columns)


def _amount(amount: AmountPlan, columns: np.ndarray) -> np.ndarray:
    return (columns[list(amount.of)].max(axis=0) + amount.group - 1) // amount.group
