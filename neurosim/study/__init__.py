"""Questions that take many runs to answer: break-even sweeps, comparisons, and the files that describe them."""
