"""Lowering of the populations that `fused` can update: which they are, and their leak as one formula."""

from __future__ import annotations

import numpy as np

from neurosim.engine.check import INT32_MAX, input_bounds
from neurosim.engine.fast import function_plan as fp
from neurosim.snn.network import Network
from neurosim.snn.neuron import Leak, Lif

# A product of two numbers of this many bits, plus a third, stays within int32.
MOST_LEAK_BITS = 15


def mark_fused(network: Network, pop: np.ndarray) -> None:
    """Fill the columns FUSED, KEEP, KEEP_ADD and KEEP_BITS of ``pop`` (n_populations, n_columns)."""
    bounds = input_bounds(network) if network.is_integer else [0] * len(network.populations)
    for row, population, bound in zip(pop, network.populations, bounds, strict=True):
        model = population.model
        if not isinstance(model, Lif) or model.threshold is None or model.refractory or model.decay_input:
            continue
        if model.current_keep is not None or model.v_floor is not None or model.max_spikes > 1 or model.ternary:
            continue
        if model.reset == "none" or (model.membrane_bits is not None and model.overflow == "wrap"):
            continue
        if model.membrane_bits is None:
            row[fp.FUSED] = model.leak.kind in ("none", "multiply")
            continue
        formula = keep_formula(model.leak)
        if formula is not None and _fits(model, formula, bound):
            row[fp.FUSED] = 1
            row[fp.KEEP], row[fp.KEEP_ADD], row[fp.KEEP_BITS] = formula


def keep_formula(leak: Leak) -> tuple[int, int, int] | None:
    """(numerator, add, bits): what the leak keeps of d is ``(d * numerator + add) >> bits``; None if it is not so."""
    if leak.kind == "none":
        return 1, 0, 0
    if leak.kind not in ("multiply", "shift") or leak.rounding == "zero" or leak.shift > MOST_LEAK_BITS:
        return None
    half = ((1 << leak.shift) >> 1) if leak.rounding == "nearest" else 0
    if leak.kind == "shift":
        kept = (1 << leak.shift) - 1
        return kept, kept - half, leak.shift
    return None if abs(leak.numerator) > 1 << MOST_LEAK_BITS else (leak.numerator, half, leak.shift)


def _fits(model: Lif, formula: tuple[int, int, int], bound: int) -> bool:
    """Whether every step of `fused.enter_int` and `leave_int` stays within int32. ``bound`` limits the input."""
    numerator, add, bits = formula
    full = 1 << model.membrane_bits
    kept = ((full >> bits) + 1) * abs(numerator) + (abs(numerator) << bits) + abs(add)
    given = bound + int(np.abs(model.bias).max())
    return full + kept + given + int(np.abs(model.threshold).max()) <= INT32_MAX


def narrowed(values: np.ndarray) -> np.ndarray:
    """Thresholds or biases as the fused loops read them: int32 for int64, float32 as it is."""
    if values.dtype == np.float32:
        return values
    return np.clip(values, -INT32_MAX, INT32_MAX).astype(np.int32)
