"""What papers would say the same activity costs: each published energy convention a named function.

A convention is a function of a `NetworkActivity` (`activity.py`) that gives terms of count x price (`claim.py`); they
are listed by name in `registry.py`. The same activity comes from a layer table with rates (`layer_table.py`) or from a
network that was run (`executed.py`), and `compare.py` sets a chip's picojoules beside every claim, term by term.
"""
