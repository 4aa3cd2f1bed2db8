"""The engine users run: numba over flat arrays, equal to `neurosim.engine.reference` in every number."""

from neurosim.engine.fast.timing import fast_timing

__all__ = ["fast_timing"]
