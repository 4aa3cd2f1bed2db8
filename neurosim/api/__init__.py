"""What a notebook imports; the names are at hand from ``neurosim`` itself."""
