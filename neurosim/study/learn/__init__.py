"""A study of learning rules: what is run, the map of random networks, and the ratios with what they must be read with."""
