"""Energies of memories, arithmetic and wires from tables, each figure with the source it came from."""
