"""neurosim: a cycle-level neuromorphic hardware simulator with an energy model."""

__version__ = "0.1.0"
