"""The engine users run: numba over flat arrays, equal to `neurosim.engine.reference` in every number."""
