"""The timing model written to be read: SimPy processes for units, routers and the barrier. The specification."""

from neurosim.engine.reference.timing import reference_timing

__all__ = ["reference_timing"]
