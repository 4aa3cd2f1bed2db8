"""The numba engines: what users run. Equal to `neurosim.engine.reference` on every network, chip and stimulus."""
