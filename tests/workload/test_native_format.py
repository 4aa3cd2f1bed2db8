"""The native file over every codec and note: there and back is the same network; damage is an error, never a crash."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import neurosim
from neurosim.data_files import data_root
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.files import write_arrays
from neurosim.snn import (
    BinaryCodec,
    Coding,
    Conv2d,
    Dense,
    Input,
    Leak,
    Lif,
    Network,
    Population,
    Projection,
    Readout,
    Stimulus,
)
from neurosim.workload.native import load_network, save_network
from tests.engine.strategies import stimuli
from tests.workload.network_files import coded_networks, contents, mutated_arrays, mutated_header, same_notes
from tests.workload.test_native import everything

RELAXED = {"deadline": None, "suppress_health_check": [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]}


@settings(max_examples=80, **RELAXED)
@given(coded_networks(), st.data())
def test_there_and_back_is_the_same_network(tmp_path, network, data):
    save_network(network, tmp_path / "a.npz")
    again = load_network(tmp_path / "a.npz")
    assert again.content_hash() == network.content_hash() and same_notes(again, network)
    save_network(again, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    stimulus = data.draw(stimuli(network, 2, 4))
    try:
        before = run_function(network, stimulus)
    except NeurosimError:
        return
    after = run_function(again, stimulus)
    for name in ("ptr", "neuron", "active", "membrane", "saturations"):
        assert np.array_equal(getattr(before, name), getattr(after, name))


def noted():
    network = everything()
    populations = [
        replace(p, unit=np.full(p.shape[0], 0.25), kept=np.arange(p.shape[0]) * 2) for p in network.populations
    ]
    projections = [replace(p, scale=[0.5], residual="spike") for p in network.projections]
    return replace(network, populations=populations, projections=projections, coding=Coding("direct", 4))


def test_the_lowest_version_that_holds_it(tmp_path):
    for network, version in ((everything(), 1), (noted(), 2)):
        save_network(network, tmp_path / "a.npz")
        assert contents(tmp_path / "a.npz")[0]["format"] == f"neurosim-network/{version}"


@pytest.mark.parametrize("name", neurosim.list_workloads())
def test_shipped_models_keep_every_entry(tmp_path, name):
    """Old files lack entries that came later; what they have is read, and written again as it was."""
    path = data_root("workloads") / name / "model.npz"
    save_network(load_network(path), tmp_path / "again.npz")
    (header, arrays), (again, kept) = contents(path), contents(tmp_path / "again.npz")
    assert _within(header, again) and sorted(arrays) == sorted(kept)
    assert all(arrays[k].dtype == kept[k].dtype and np.array_equal(arrays[k], kept[k]) for k in arrays)


def _within(old, new):
    """Whether ``new`` holds all that ``old`` does."""
    if isinstance(old, dict):
        return all(key in new and _within(value, new[key]) for key, value in old.items())
    if isinstance(old, list):
        return len(old) == len(new) and all(_within(a, b) for a, b in zip(old, new, strict=True))
    return old == new and type(old) is type(new)


def rewritten(tmp_path, network, change):
    """The file of ``network`` after ``change(header, arrays)``."""
    save_network(network, tmp_path / "a.npz")
    header, arrays = contents(tmp_path / "a.npz")
    change(header, arrays)
    write_arrays(tmp_path / "c.npz", header, arrays)
    return tmp_path / "c.npz"


def _edit(path, value):
    def change(header, arrays):
        place = header
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value

    return change


MODEL = ("populations", 1, "model")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (_edit((*MODEL, "membrane"), {"kind": "uniform", "bits": 8, "scale": "batch"}), "depends on what else"),
        (_edit((*MODEL, "membrane"), {"kind": "table", "bits": 2, "scale": "frozen"}), "membrane.kind: 'table'"),
        (_edit((*MODEL, "membrane"), {"kind": "uniform", "scale": "frozen"}), "membrane.bits: missing"),
        (_edit((*MODEL, "membrane"), {"kind": "uniform", "bits": 8, "scale": "none"}), "'none' without"),
        (lambda h, a: a.pop("population.1.unit"), "has no array 'unit'"),
        (_edit(("projections", 0, "residual"), "sideways"), "residual: got 'sideways'"),
        (_edit(("projections", 0, "delay"), 1.5), "header.projections.0.delay"),
        (_edit(("projections", 0, "delay"), True), "header.projections.0.delay"),
        (_edit(("populations", 0, "shape"), [2**40, 2**40]), "fewer than 2"),
        (_edit(("populations", 1, "model", "treshold"), 3), "treshold"),
        (_edit(("coding",), {"kind": "direct", "timesteps": 0}), "coding.timesteps"),
        (_edit(("format",), "neurosim-network/1"), "which format 2 brought"),
        (_edit(("projections", 0, "batch_norm"), {}), "gain and offset and mean and variance missing"),
        (lambda h, a: a.update({"population.9.unit": np.ones(1)}), "belongs to nothing"),
        (lambda h, a: a.update({"population.1.unit": np.zeros(4)}), "positive scales"),
        (lambda h, a: a.update({"population.1.unit": np.ones(3)}), "3 scales, expected 1 or 4"),
        (lambda h, a: a.update({"population.1.kept": np.array([3, 2, 1, 0])}), "ascending channel numbers"),
        (lambda h, a: a.update({"population.1.bias": np.ones(1, complex)}), "dtype complex128"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(tmp_path, change, message):
    with pytest.raises(NeurosimError, match=message) as found:
        load_network(rewritten(tmp_path, noted(), change))
    assert "c.npz" in str(found.value)


def test_zero_under_sign_is_refused(tmp_path):
    network = Network(
        [Population("in", (2,), Input()), Population("a", (2,), Lif(1, membrane_bits=8))],
        [Projection("in", "a", Dense(np.array([[1, -1], [1, 1]])), BinaryCodec())],
    )

    def change(header, arrays):
        arrays["projection.0.weights"] = np.array([[1, 0], [1, 1]], np.int8)

    with pytest.raises(NeurosimError, match=r"in->a.*zero cannot be stored in one sign bit"):
        load_network(rewritten(tmp_path, network, change))


def normalised(tmp_path, statistics, dense=False, **model):
    """A float convolution whose batch normalisation is left to the reader; (path, network without it)."""
    rng = np.random.default_rng(0)
    lif = Lif(1.0, Leak("multiply", factor=0.5), bias=0.1, **model)
    if dense:
        projection = Projection("in", "a", Dense(rng.normal(size=(32, 12)).astype(np.float32)))
    else:
        projection = Projection("in", "a", Conv2d(rng.normal(size=(3, 2, 3, 3)).astype(np.float32)))
    network = Network(
        [Population("in", (2, 4, 4), Input()), Population("a", (3, 2, 2), lif)], [projection], Readout("a")
    )

    def change(header, arrays):
        header["format"] = "neurosim-network/2"
        header["projections"][0]["batch_norm"] = {"eps": 0.001}
        for name, value in statistics.items():
            arrays[f"projection.0.batch_norm.{name}"] = np.asarray(value, np.float32)

    return rewritten(tmp_path, network, change), network


STATISTICS = {
    "gain": [1.0, -2.0, 0.5],
    "offset": [0.1, 0.2, -0.3],
    "mean": [0.5, 0.0, -1.0],
    "variance": [1.0, 4.0, 0.0],
}


@pytest.mark.parametrize("dense", [False, True])
def test_batch_normalisation_is_folded(tmp_path, dense):
    path, network = normalised(tmp_path, STATISTICS, dense)
    folded = load_network(path)
    stimulus = Stimulus.from_dense((np.random.default_rng(1).random((3, 1, 32)) < 0.5).astype(np.int8))
    # One step from rest: the membrane is the normalised sum and the bias.
    quiet = lambda n: replace(  # noqa: E731
        n,
        populations=(
            n.populations[0],
            replace(n.populations[1], model=replace(n.populations[1].model, threshold=None)),
        ),
    )
    raw = run_function(quiet(network), stimulus).membrane[:, 32:].reshape(3, 3, 4) - 0.1
    gain, offset, mean, variance = (np.array(STATISTICS[k])[None, :, None] for k in STATISTICS)
    expected = (raw - mean) / np.sqrt(variance + 0.001) * gain + offset + 0.1
    found = run_function(quiet(folded), stimulus).membrane[:, 32:].reshape(3, 3, 4)
    assert np.allclose(found, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("statistics", "model", "message"),
    [
        ({k: STATISTICS[k] for k in ("gain", "offset")}, {}, "mean and variance missing.*model.eval"),
        ({**STATISTICS, "variance": [1.0, -1.0, 1.0]}, {}, "variance: holds -1"),
        ({**STATISTICS, "mean": [1.0, 1.0]}, {}, "mean: shape"),
        ({**STATISTICS, "gain": [1.0, np.nan, 1.0]}, {}, "finite numbers"),
        (STATISTICS, {"decay_input": True}, "fold it before"),
    ],
)
def test_batch_normalisation_that_cannot_be_folded(tmp_path, statistics, model, message):
    path, _ = normalised(tmp_path, statistics, **model)
    with pytest.raises(NeurosimError, match=message):
        load_network(path)


def test_arrays_that_claim_more_than_they_hold_are_refused_before_allocation(tmp_path):
    import zipfile

    save_network(everything(), tmp_path / "a.npz")
    with zipfile.ZipFile(tmp_path / "a.npz") as source, zipfile.ZipFile(tmp_path / "b.npz", "w") as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "projection.0.weights.npy":
                content = content.replace(b"(4, 2, 3, 3)", b"(4000000000,)")
            target.writestr(name, content)
    with pytest.raises(NeurosimError, match=r"weights.npy.*takes 4000000000 bytes"):
        load_network(tmp_path / "b.npz")


@pytest.mark.parametrize("text", ["[" * 100_000, '{"format":' + "9" * 5000 + "}", "nul", "[1, 2]", '{"format": NaN}'])
def test_wild_json_is_refused(tmp_path, text):
    entries = {"header": np.frombuffer(text.encode(), np.uint8)}
    np.savez(tmp_path / "w.npz", **entries)
    with pytest.raises(NeurosimError, match=r"w\.npz"):
        load_network(tmp_path / "w.npz")


def _read(path):
    """A network or a NeurosimError that names the file; anything else fails the test. True if it was read."""
    try:
        network = load_network(path)
    except NeurosimError as error:
        assert path.name in str(error)
        return False
    # What is read is whole: it can be hashed and written.
    network.content_hash()
    save_network(network, path.with_name("again.npz"))
    return True


def _fuzz(tmp_path, count, seed):
    rng = np.random.default_rng(seed)
    read = 0
    for network in (everything(), noted()):
        save_network(network, tmp_path / "a.npz")
        content = (tmp_path / "a.npz").read_bytes()
        header, arrays = contents(tmp_path / "a.npz")
        for i in range(count):
            path = tmp_path / "f.npz"
            if i % 4 == 0:
                path.write_bytes(content[: int(rng.integers(len(content)))])
            elif i % 4 == 1:
                damaged = bytearray(content)
                for place in rng.integers(0, len(content), int(rng.integers(1, 6))):
                    damaged[place] ^= int(rng.integers(1, 256))
                path.write_bytes(bytes(damaged))
            elif i % 4 == 2:
                text = json.dumps(mutated_header(header, rng))
                np.savez(path, header=np.frombuffer(text.encode(), np.uint8), **arrays)
            else:
                text = json.dumps(header)
                np.savez(path, header=np.frombuffer(text.encode(), np.uint8), **mutated_arrays(arrays, rng))
            read += _read(path)
    return read


def test_damaged_files_are_errors(tmp_path):
    assert _fuzz(tmp_path, 200, 0) < 400


@pytest.mark.slow
def test_thousands_of_damaged_files_are_errors(tmp_path):
    assert _fuzz(tmp_path, 4000, 1) < 8000
