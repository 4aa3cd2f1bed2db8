"""Counts to joules: actions times prices, leakage times time, and nothing else."""
