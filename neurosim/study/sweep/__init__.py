"""Sweeps: many points of one question, each stage computed once, in a store that survives anything (docs/sweep.md)."""
