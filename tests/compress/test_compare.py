"""Comparing two networks: counts that can be checked by hand."""

import numpy as np
import pytest

from neurosim.compress.compare import compare
from neurosim.errors import NeurosimError
from neurosim.snn import Dense, Input, Lif, Network, Population, Projection, Readout, Stimulus


def network(weights, kept=None):
    w = np.asarray(weights, np.float32)
    return Network(
        [Population("in", (w.shape[0],), Input()), Population("a", (w.shape[1],), Lif(1.0), kept=kept)],
        [Projection("in", "a", Dense(w))],
        Readout("a"),
    )


STIMULUS = Stimulus.from_dense(np.array([[[1, 0], [1, 1]], [[0, 1], [0, 0]]]), np.array([0, 1]))


def test_by_hand():
    # Input 0 drives neuron 0, input 1 neuron 1; in the other network input 1 does nothing.
    found = compare(network([[1, 0], [0, 1]]), network([[1, 0], [0, 0]]), STIMULUS)
    (row,) = found.populations
    assert (row["spikes"], row["spikes_other"], row["differing"]) == (4, 2, 2)
    assert row["differing_share"] == 2 / 8 and row["differing_of_spikes"] == 0.5
    assert (found.accuracy, found.accuracy_other, found.same_answers) == (1.0, 0.5, 0.5)
    assert found.to_json()["populations"] == found.populations and len(found.table()) == 1


def test_pruned_channels_are_counted_apart():
    found = compare(network([[1, 1, 0], [0, 1, 1]]), network([[1, 0], [0, 1]], kept=[0, 2]), STIMULUS)
    (row,) = found.populations
    assert (row["spikes"], row["spikes_other"], row["spikes_pruned"], row["differing"]) == (7, 4, 3, 0)


def test_shapes_that_do_not_match_are_refused():
    with pytest.raises(NeurosimError, match="'a' has shape"):
        compare(network([[1, 0], [0, 1]]), network([[1], [0]]), STIMULUS)
