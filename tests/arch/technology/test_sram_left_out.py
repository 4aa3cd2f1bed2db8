"""How well the SRAM table foretells its own points: every inner capacity and every inner width left out in turn.

The gap is one octave on each side. Bounds are the median and the ninth decile (per cent) that the table's authors
found for the mean of two one-dimensional interpolations, rounded up; a mean of the values instead of their
logarithms, or one neighbour instead of two, misses them.
"""

from math import exp, log

import numpy as np
import pytest

from neurosim.arch.technology import sram


def errors(quantity, device, node):
    grid = sram._grid(node, device, "ED^2")
    for axis in (0, 1):
        for left_out in sorted({point[axis] for point in grid})[1:-1]:
            rest = {point: row for point, row in grid.items() if point[axis] != left_out}
            for point in grid.keys() - rest.keys():
                sides = [tuple(x + step * (i == axis) for i, x in enumerate(point)) for step in (-1, 1)]
                if all(side in rest for side in sides):
                    guess, _ = sram.interpolated_log(quantity, *point, rest)
                    yield abs(exp(guess - log(grid[point][quantity])) - 1)


@pytest.mark.parametrize(
    ("quantity", "median", "ninth_decile"),
    [
        ("read_pJ", 0.07, 0.24),
        ("write_pJ", 0.06, 0.15),
        ("leak_mW", 0.03, 0.10),
        ("access_ns", 0.03, 0.12),
        ("area_mm2", 0.05, 0.15),
    ],
)
def test_a_point_left_out_is_met_as_well_as_the_authors_met_it(quantity, median, ninth_decile):
    found = [
        e for device in ("hp", "lstp") for node in (22.0, 28.0, 45.0, 65.0) for e in errors(quantity, device, node)
    ]
    assert len(found) > 800
    assert np.quantile(found, 0.5) < median
    assert np.quantile(found, 0.9) < ninth_decile
