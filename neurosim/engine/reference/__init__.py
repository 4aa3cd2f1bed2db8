"""The engine written to be read. The specification of `neurosim.engine.fast`."""
