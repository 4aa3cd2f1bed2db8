"""Notes on a network: checked, carried, and without a part in what it computes."""

from dataclasses import replace

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.snn import Coding, Dense, Input, Lif, Network, Population, Projection


def noted(unit=None, kept=None, scale=None, residual=None):
    return Network(
        [Population("in", (2,), Input()), Population("a", (3,), Lif(1.0), unit=unit, kept=kept)],
        [Projection("in", "a", Dense(np.ones((2, 3), np.float32)), scale=scale, residual=residual)],
    )


def test_notes_are_kept_read_only_and_out_of_the_hash():
    network = noted([0.5], [1, 4, 6], [1, 2, 3], "pre_neuron")
    assert network.populations[1].unit.dtype == np.float64 and network.populations[1].kept.tolist() == [1, 4, 6]
    assert network.projections[0].scale.tolist() == [1.0, 2.0, 3.0]
    with pytest.raises(ValueError, match="read-only"):
        network.populations[1].unit[0] = 2
    assert replace(network, coding=Coding("direct", 4)).content_hash() == noted().content_hash()


@pytest.mark.parametrize(
    ("notes", "message"),
    [
        ({"unit": [1.0, 2.0]}, "2 scales, expected 1 or 3"), ({"unit": [0.0]}, "positive"),
        ({"unit": [np.inf]}, "positive"), ({"scale": [1.0, -1.0, 1.0]}, "in->a.scale"),
        ({"kept": [1, 2]}, "3 ascending"), ({"kept": [2, 2, 3]}, "ascending"), ({"kept": [-1, 0, 1]}, "ascending"),
        ({"residual": "sum"}, "residual: got 'sum'"),
    ],
)  # fmt: skip
def test_wrong_notes_are_named(notes, message):
    with pytest.raises(NeurosimError, match=message):
        noted(**notes)


@pytest.mark.parametrize(("kind", "steps"), [("", 4), (3, 4), ("direct", 0), ("direct", 1.5), ("direct", 10**9)])
def test_wrong_codings_are_named(kind, steps):
    with pytest.raises(NeurosimError, match="coding"):
        Coding(kind, steps)
