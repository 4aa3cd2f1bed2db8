"""Core maps from files: read as written, refused with the place named."""

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.file import from_column_order, read_placement
from neurosim.mapping.map import map_network
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection
from tests.mapping.strategies import edge

ONES = np.ones((4, 5), np.int8)
NETWORK = Network(
    [Population("in", (4,), Input()), Population("out", (5,), Lif(1, membrane_bits=8))],
    [Projection("in", "out", Dense(ONES), IntCodec(4))],
)


def read(tmp_path, text):
    (tmp_path / "map.yaml").write_text(text)
    return read_placement(tmp_path / "map.yaml", NETWORK)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("populations: {out: [3, 3, 1, 1, 1]}", [-1, -1, -1, -1, 3, 3, 1, 1, 1]),
        ("populations: {out: {cores: [2, 0]}}", [-1, -1, -1, -1, 2, 2, 2, 0, 0]),
        ("populations: {out: {cores: [2], split: contiguous}, in: {cores: [7, 8]}}", [7, 7, 8, 8, 2, 2, 2, 2, 2]),
    ],
)
def test_yaml(tmp_path, text, expected):
    placement = read(tmp_path, text)
    assert placement.tolist() == expected
    mapping = map_network(NETWORK, edge(), placement=placement)
    assert mapping.endpoint.tolist() == [16 if c < 0 else c for c in expected]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("populations: {uot: [0, 0, 0, 0, 0]}", "did you mean 'out'"),
        ("populations: {out: [0, 0]}", "populations.out: 2 cores, expected 5"),
        ("populations: {out: [0, 0, 0, 0, -1]}", "must not be negative; got -1"),
        ("populations: {out: [0, 0, 0, 0, 1.5]}", "expected a list of core numbers"),
        ("populations: {out: [0, 0, 0, 0, true]}", "expected a list of core numbers"),
        ("populations: {out: {cores: []}}", "0 cores for 5 neurons"),
        ("populations: {out: {cores: [0, 1, 2, 3, 4, 5]}}", "6 cores for 5 neurons"),
        ("populations: {out: {cores: [0], split: striped}}", "split: contiguous"),
        ("populations: {out: {cores: [0], color: red}}", "split: contiguous"),
        ("populations: {out: {split: contiguous}}", "split: contiguous"),
        ("populations: {in: {cores: [0]}}", "no cores for population 'out'"),
        ("populations: [0]", "one key 'populations'"),
        ("placement: {}", "one key 'populations'"),
        ("populations: {out: [", "not valid YAML"),
        ("!!python/object/apply:os.getcwd []", "not valid YAML"),
    ],
)
def test_wrong_yaml_is_refused(tmp_path, text, message):
    with pytest.raises(NeurosimError, match=message):
        read(tmp_path, text)


def test_npz(tmp_path):
    path = tmp_path / "map.npz"
    np.savez(path, core=np.array([-1, -1, -1, -1, 0, 1, 2, 3, 4], np.int16))
    assert read_placement(path, NETWORK).tolist() == [-1, -1, -1, -1, 0, 1, 2, 3, 4]
    for wrong in (np.zeros(8, int), np.zeros(9), np.zeros((9, 1), int)):
        np.savez(path, core=wrong)
        with pytest.raises(NeurosimError, match="integer array 'core' of 9"):
            read_placement(path, NETWORK)
    np.savez(path, cores=np.zeros(9, int))
    with pytest.raises(NeurosimError, match="'core'"):
        read_placement(path, NETWORK)
    with pytest.raises(NeurosimError, match=r"nowhere\.yaml: cannot be read"):
        read_placement(tmp_path / "nowhere.yaml", NETWORK)


@pytest.mark.parametrize(
    ("placement", "message"),
    [
        ([-1, -1, -1, -1, 0, 0, 0, 0, 16], "population out names core 16, expected 0 to 15"),
        ([-1, -1, -1, -1, 0, 0, 0, 0, -1], "population out names core -1"),
        ([-1, 0, -1, -1, 0, 0, 0, 0, 0], "population in names core -1"),
        ([0, 0], "one for every neuron"),
        ([0.5] * 9, "dtype float64, expected integers"),
    ],
)
def test_wrong_placements_are_refused(placement, message):
    with pytest.raises(NeurosimError, match=message):
        map_network(NETWORK, edge(), placement=np.array(placement))


def test_tiles_counted_down_the_columns_are_renumbered_along_the_rows():
    # The mesh is 8 wide and 4 high with four cores a tile: tile 1 of the file is (0, 1), which is our number 8.
    core = np.array([0, 3, 4, 16, 127, -1, 500])
    assert from_column_order(core, load_chip("loihi-silicon")).tolist() == [0, 3, 32, 4, 127, -1, 500]
