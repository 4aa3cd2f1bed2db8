"""The native model file: bit for bit there and back, and clear errors for everything else."""

import json
from copy import deepcopy

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays
from neurosim.snn import (
    BinaryCodec,
    CodebookCodec,
    Conv2d,
    Dense,
    Identity,
    Input,
    IntCodec,
    Leak,
    Lif,
    Network,
    Pool2d,
    Population,
    Projection,
    Readout,
    Relay,
    Sparse,
    TernaryCodec,
)
from neurosim.workload.native import load_network, save_network


def everything():
    """One of each: codecs, connectivities, neuron rules."""
    rng = np.random.default_rng(3)
    conv = Conv2d(rng.integers(-7, 8, (4, 2, 3, 3)), stride=2, padding=1)
    signs = Conv2d(rng.choice([-1, 1], (4, 1, 1, 1)), groups=4)
    sparse = Sparse([0, 1, 3] + [3] * 14, [0, 0, 1], np.array([5, -3, 1]))
    book = CodebookCodec(((1, -1), (-1, -1), (1, 1)))
    model = Lif([4, 5, 6, 7], Leak("shift", shift=2), membrane_bits=20, reset="hard", refractory=2, bias=1)
    populations = [
        Population("in", (2, 8, 8), Input(4)),
        Population("c", (4, 4, 4), model),
        Population("d", (4, 4, 4), Lif(9, membrane_bits=12, reset_delay=True, compare=">")),
        Population("p", (4, 2, 2), Relay(True, 3)),
        Population("s", (2,), Lif(None, membrane_bits=24)),
        Population("o", (2,), Lif(3, membrane_bits=8, overflow="wrap", leak=Leak("subtract", amount=1))),
    ]
    projections = [
        Projection("in", "c", conv, IntCodec(4), weight_shift=3),
        Projection("c", "d", signs, BinaryCodec(), delay=2),
        Projection("c", "d", Identity(2)),
        Projection("d", "p", Pool2d("sum", 2)),
        Projection("p", "s", sparse, IntCodec(3, "odd")),
        Projection("s", "o", Dense(np.array([[1, -1], [1, 1]])), book),
    ]
    return Network(populations, projections, Readout("o", "first_spike"), "everything")


def test_round_trip_is_exact(tmp_path):
    network = everything()
    save_network(network, tmp_path / "a.npz")
    again = load_network(tmp_path / "a.npz")
    assert again.content_hash() == network.content_hash()
    assert again.readout == network.readout and again.name == network.name
    save_network(again, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()


def test_float_network_round_trips(tmp_path):
    weights = np.random.default_rng(0).normal(size=(3, 2)).astype(np.float32)
    model = Lif(1.0, Leak("multiply", factor=0.9), True, current_keep=0.5, v_floor=-1.0, max_spikes=3)
    network = Network(
        [Population("in", (3,), Input()), Population("a", (2,), model)], [Projection("in", "a", Dense(weights))],
        metadata={"profile": "a profile"},
    )  # fmt: skip
    save_network(network, tmp_path / "f.npz")
    again = load_network(tmp_path / "f.npz")
    assert again.content_hash() == network.content_hash() and again.metadata == {"profile": "a profile"}


def ternary():
    populations = [
        Population("in", (3,), Input(2, ternary=True)), Population("a", (2,), Lif(3, ternary=True, membrane_bits=6)),
    ]  # fmt: skip
    return Network(populations, [Projection("in", "a", Dense(np.ones((3, 2), np.int8)), TernaryCodec())])


def test_ternary_spikes_round_trip_in_format_3_alone(tmp_path):
    network = ternary()
    save_network(network, tmp_path / "t.npz")
    again = load_network(tmp_path / "t.npz")
    assert again.content_hash() == network.content_hash()
    assert [again.is_ternary(p.name) for p in again.populations] == [True, True]
    header, arrays = read_arrays(tmp_path / "t.npz")
    assert header["format"] == "neurosim-network/3"
    for part in (0, 1):
        other = deepcopy(header)
        other["populations"][part]["model"].update({"ternary": False} | ({"value_bits": 1} if part == 0 else {}))
        write_arrays(tmp_path / "o.npz", other, arrays)
        assert load_network(tmp_path / "o.npz").content_hash() != network.content_hash()
    for early in (1, 2):
        write_arrays(tmp_path / "e.npz", header | {"format": f"neurosim-network/{early}"}, arrays)
        with pytest.raises(NeurosimError, match=r"e\.npz: population 'in' is ternary, which format 3 brought"):
            load_network(tmp_path / "e.npz")
    wide = deepcopy(header)
    wide["populations"][0]["model"]["value_bits"] = 3
    write_arrays(tmp_path / "w.npz", wide, arrays)
    with pytest.raises(NeurosimError, match=r"w\.npz: input\.value_bits: got 3, ternary spikes carry 2"):
        load_network(tmp_path / "w.npz")


def test_every_truncation_is_a_clear_error(tmp_path):
    save_network(everything(), tmp_path / "a.npz")
    content = (tmp_path / "a.npz").read_bytes()
    for length in range(0, len(content), max(1, len(content) // 60)):
        (tmp_path / "t.npz").write_bytes(content[:length])
        with pytest.raises(NeurosimError, match=r"t\.npz"):
            load_network(tmp_path / "t.npz")


def test_flipped_bytes_never_crash(tmp_path):
    save_network(everything(), tmp_path / "a.npz")
    content = bytearray((tmp_path / "a.npz").read_bytes())
    rng = np.random.default_rng(0)
    for _ in range(150):
        damaged = bytearray(content)
        for place in rng.integers(0, len(content), 4):
            damaged[place] ^= int(rng.integers(1, 256))
        (tmp_path / "d.npz").write_bytes(bytes(damaged))
        try:
            load_network(tmp_path / "d.npz")
        except NeurosimError as error:
            assert "d.npz" in str(error)


def test_missing_file_and_foreign_npz(tmp_path):
    with pytest.raises(NeurosimError, match="no such file"):
        load_network(tmp_path / "none.npz")
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    with pytest.raises(NeurosimError, match="header"):
        load_network(tmp_path / "other.npz")
    write_arrays(tmp_path / "new.npz", {"format": "neurosim-network/99"}, {})
    with pytest.raises(NeurosimError, match="neurosim-network/99"):
        load_network(tmp_path / "new.npz")


def test_pickles_are_never_loaded(tmp_path):
    np.savez(tmp_path / "p.npz", header=np.array([{"format": "neurosim-network/1"}], dtype=object))
    with pytest.raises(NeurosimError, match=r"p\.npz"):
        load_network(tmp_path / "p.npz")


@pytest.mark.parametrize("edit", ["drop", "rename", "retype"])
def test_edited_headers_are_refused(tmp_path, edit):
    save_network(everything(), tmp_path / "a.npz")
    with np.load(tmp_path / "a.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    header = json.loads(arrays.pop("header").tobytes())
    if edit == "drop":
        del header["populations"][1]["model"]["leak"]
    elif edit == "rename":
        header["populations"][1]["model"]["treshold"] = 3
    else:
        header["projections"][0]["delay"] = "soon"
    write_arrays(tmp_path / "e.npz", header, arrays)
    with pytest.raises(NeurosimError, match=r"e\.npz"):
        load_network(tmp_path / "e.npz")
