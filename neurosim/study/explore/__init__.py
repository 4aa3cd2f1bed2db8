"""A search for the best trade-offs instead of all points (docs/explore.md)."""
