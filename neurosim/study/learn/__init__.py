"""A study of learning rules: what runs, the map of random networks, the ratios and what they must be read with."""
