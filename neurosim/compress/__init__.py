"""Making a network smaller: narrower weights and membranes, fewer weights, fewer neurons; and what that changed."""
