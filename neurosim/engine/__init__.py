"""Running it: functional kernels, the SimPy reference, the numba engine, activity."""
