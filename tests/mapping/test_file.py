"""Core maps from files: numbering, shapes and clear refusals."""

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.file import from_column_order, read_placement
from tests.mapping.strategies import one_of_each


def test_tiles_counted_down_the_columns_are_renumbered_along_the_rows():
    # The mesh is 8 wide and 4 high with four cores a tile: tile 1 of the file is (0, 1), which is our number 8.
    core = np.array([0, 3, 4, 16, 127, -1, 500])
    assert from_column_order(core, load_chip("loihi-silicon")).tolist() == [0, 3, 32, 4, 127, -1, 500]


def write(path, text):
    (path / "map.yaml").write_text(text)
    return path / "map.yaml"


REST = "a: {cores: [0]}, b: {cores: [1, 2]}, c: {cores: [3]}, p: {cores: [4]}"


def test_runs_and_lists(tmp_path):
    network = one_of_each()
    path = write(tmp_path, f"populations: {{{REST}, o: [7, 7, 6, 6, 6]}}")
    placement = read_placement(path, network)
    at = {name: placement[network.offsets[i] : network.offsets[i + 1]] for name, i in network.index.items()}
    assert set(at["in"]) == {-1}
    assert at["b"].tolist() == [1] * 32 + [2] * 32
    assert at["o"].tolist() == [7, 7, 6, 6, 6]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[1, 2]", "populations"),
        ("populations: {x: [1]}", "not in the network"),
        (f"populations: {{{REST}}}", "population 'o'"),
        (f"populations: {{{REST}, o: [1, 2]}}", "2 cores, expected 5"),
        (f"populations: {{{REST}, o: [1, 2, 3, 4, -5]}}", "negative"),
        (f"populations: {{{REST}, o: [1, 2, 3, 4, 1.5]}}", "list of core numbers"),
        (f"populations: {{{REST}, o: {{cores: []}}}}", "0 cores for 5 neurons"),
        (f"populations: {{{REST}, o: {{core: [1]}}}}", "expected"),
        ("populations: {a: [1", "YAML"),
    ],
)
def test_bad_maps_are_refused(tmp_path, text, message):
    path = write(tmp_path, text)
    with pytest.raises(NeurosimError, match=message) as refusal:
        read_placement(path, one_of_each())
    assert "map.yaml" in str(refusal.value)


def test_npz_needs_one_core_for_every_neuron(tmp_path):
    network = one_of_each()
    np.savez(tmp_path / "m.npz", core=np.zeros(network.n_neurons, np.int32))
    assert (read_placement(tmp_path / "m.npz", network) == 0).all()
    np.savez(tmp_path / "m.npz", core=np.zeros(3, np.int32))
    with pytest.raises(NeurosimError, match="integer array 'core'"):
        read_placement(tmp_path / "m.npz", network)
