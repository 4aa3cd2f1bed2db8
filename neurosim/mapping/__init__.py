"""Network onto chip: partition, memory layout, footprint and fit report, placement, routes."""
