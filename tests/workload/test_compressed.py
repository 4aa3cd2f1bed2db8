"""The compressed workloads: spikes of the shipped files against what PyTorch stored, cards, formats and sizes."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from neurosim import simulate
from neurosim.baseline.ann_model import AnnModel
from neurosim.engine.function import run_function
from neurosim.files import read_arrays
from neurosim.run import read_out
from neurosim.snn import BinaryCodec, CodebookCodec, FloatCodec, IntCodec, Sparse, Stimulus, TernaryCodec
from neurosim.workload.workload import list_workloads, load_workload

ROOT = Path(__file__).resolve().parents[2]
WITNESS = ROOT / "tests" / "validation" / "data" / "compressed"
CONTROLS = [f"mnist-conv-c-{kind}" for kind in ("float", "w8", "w4", "ternary", "binary")]
QP = [f"mnist-conv-qp-w{bits}{cut}" for bits in (4, 2) for cut in ("", "-s50", "-mag50", "-rand50", "-unstr50")]
Q = [f"mnist-conv-q-u{bits}{tail}" for bits in (8, 4, 2) for tail in ("", "-reg")]
S2 = ["mnist-conv-s2-k64", "mnist-conv-s2-k32", "mnist-conv-s2-k16", "mnist-conv-s2-k16-plain"]
MFP = ["mnist-conv-mfp-w1", "mnist-conv-mfp-w1-history"]
NAMES = [*CONTROLS, *QP, *Q, *S2, *MFP]
MIDDLE = "hidden2"


def codec(name, target=MIDDLE):
    network = load_workload(name).network
    return next(p.codec for p in network.projections if p.target == target)


def test_all_ship_and_every_witness_has_its_workload():
    assert set(NAMES) <= set(list_workloads())
    assert {path.stem for path in WITNESS.glob("*.npz")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_every_spike_of_200_samples_is_that_of_the_framework(name):
    work = load_workload(name)
    header, stored = read_arrays(WITNESS / f"{name}.npz")
    samples = len(stored["membrane"])
    assert samples == 200
    trace = run_function(work.network, work.stimulus(samples))
    for population, digest in header["sha256"].items():
        i = work.network.index[population]
        raster = trace.dense(int(work.network.offsets[i]), int(work.network.offsets[i + 1]))
        assert np.array_equal(raster.sum((1, 2)), stored[f"spikes.{population}"]), population
        assert hashlib.sha256(np.packbits(raster.astype(bool)).tobytes()).hexdigest() == digest, population
    final = trace.membrane[:, work.network.offsets[work.network.index["output"]] :]
    if work.network.is_integer:
        assert np.array_equal(final, stored["membrane"])
    else:
        # The framework sums in another order; the last digits of a float membrane need not be equal.
        assert np.allclose(final, stored["membrane"], atol=1e-5)


@pytest.mark.parametrize("name", NAMES)
def test_the_card_states_what_the_whole_slice_gives(name):
    work = load_workload(name)
    predictions = read_out(work.network, run_function(work.network, work.stimulus()))
    assert np.array_equal(predictions, read_arrays(WITNESS / f"{name}.npz")[1]["predictions"])
    accuracy = float((predictions == work.labels).mean())
    assert work.card["accuracy_frozen_test"] == pytest.approx(accuracy, abs=1e-9)
    assert work.card["accuracy"]["by_seed"][0] == pytest.approx(accuracy, abs=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_by_name_on_the_edge_chip(name):
    result = simulate(name, "edge-28nm", samples=20, timing="estimate")
    predictions = read_arrays(WITNESS / f"{name}.npz")[1]["predictions"]
    assert np.array_equal(result.predictions, predictions[:20])
    assert result.accuracy == float((predictions[:20] == load_workload(name).labels[:20]).mean())
    assert result.energy_pj > 0


@pytest.mark.parametrize("name", NAMES)
def test_card_spread_is_that_of_its_seeds(name):
    card = load_workload(name).card
    assert len(card["seeds"]) == 3
    for key in ("accuracy", "spikes_a_sample", "synaptic_events_a_sample"):
        values = card[key]["by_seed"]
        assert len(values) == 3
        # All three are rounded, so they agree to one unit of the last digit that the card gives.
        digit = 1e-4 if key == "accuracy" else 0.1
        assert card[key]["mean"] == pytest.approx(np.mean(values), abs=1.01 * digit)
        assert card[key]["deviation"] == pytest.approx(np.std(values, ddof=1), abs=1.01 * digit)


@pytest.mark.parametrize("name", NAMES)
def test_card_storage_is_that_of_the_model(name):
    work = load_workload(name)
    bits = weights = 0
    for projection in work.network.projections:
        stored, layer = projection.connectivity.weights.size, work.card["storage"]["layers"][projection.target]
        assert layer["bits"] == pytest.approx(projection.codec.bits, abs=1e-4)
        if not isinstance(projection.connectivity, Sparse):
            assert layer["weights"] == stored
        bits, weights = bits + layer["weights"] * projection.codec.bits, weights + layer["weights"]
    assert work.card["storage"]["bits_a_weight"] == pytest.approx(bits / weights, abs=1e-4)


@pytest.mark.parametrize("name", NAMES)
def test_files_are_small_and_the_twin_is_there(name):
    folder = ROOT / "workloads" / name
    assert sum(path.stat().st_size for path in folder.iterdir()) < 300_000
    work = load_workload(name)
    twin = AnnModel.load(work.ann_path)
    assert work.card["ann_twin"]["macs"] == twin.macs
    shapes = [layer.out_shape for layer in twin.layers]
    assert shapes == [p.shape for p in work.network.populations[1:]]


@pytest.mark.parametrize("name", ["mnist-conv-c-w4", "mnist-conv-qp-w4-s50"])
def test_the_twin_reaches_the_accuracy_on_the_card(name):
    work = load_workload(name)
    hits = AnnModel.load(work.ann_path).predict(work.data) == work.labels
    assert work.card["ann_twin"]["accuracy_int8_test"] == pytest.approx(hits.mean(), abs=1e-9)


def test_codecs_are_those_of_the_methods():
    assert [codec(n) for n in CONTROLS] == [FloatCodec(), IntCodec(8), IntCodec(4), TernaryCodec(), BinaryCodec()]
    for name in QP:
        assert codec(name) == IntCodec(4 if "-w4" in name else 2, "odd")
    for name in Q:
        assert codec(name) == codec(name, "output") == BinaryCodec()
    for name, words in zip(S2, (64, 32, 16, 16), strict=True):
        book = codec(name)
        assert isinstance(book, CodebookCodec) and (len(book.table), book.word_length) == (words, 9)
        assert len(set(book.table)) == words
    assert [round(codec(n).bits, 2) for n in S2] == [0.67, 0.56, 0.44, 0.44]


@pytest.mark.parametrize("bits", [4, 2])
def test_pruned_networks_have_equal_weights_left(bits):
    names = [f"mnist-conv-qp-w{bits}-{cut}50" for cut in ("s", "mag", "rand", "unstr")]
    left = [[layer["weights"] for layer in load_workload(n).card["storage"]["layers"].values()] for n in names]
    assert left == [[200, 1152, 7840]] * 4
    for name in names[:3]:
        assert [p.shape[0] for p in load_workload(name).network.populations] == [1, 8, 16, 10]
    # A 3 x 3 kernel's weight left over stands in as many entries as it has places in the image.
    last = load_workload(names[3]).network.projections[-1]
    assert isinstance(last.connectivity, Sparse) and last.connectivity.weights.size == 7840


@pytest.mark.parametrize("name", Q)
def test_membranes_are_as_narrow_as_the_name_says(name):
    bits = int(name.split("-u")[1][0])
    network = load_workload(name).network
    for population in network.populations[1:3]:
        assert population.model.membrane_bits == bits
        assert population.model.threshold.max() < 2 ** (bits - 1)


def _spikes_and_reversed(name):
    """Spikes of the hidden layers, and those under the same input steps in reverse order, put back in order."""
    work = load_workload(name)
    stimulus = work.stimulus(5)
    rows = np.repeat(np.arange(5 * stimulus.timesteps), np.diff(stimulus.ptr))
    dense = np.zeros((5 * stimulus.timesteps, stimulus.n_inputs), np.uint8)
    dense[rows, stimulus.neuron] = 1
    dense = dense.reshape(5, stimulus.timesteps, -1)
    first, last = int(work.network.offsets[1]), int(work.network.offsets[3])
    forward = run_function(work.network, Stimulus.from_dense(dense)).dense(first, last)
    return forward, run_function(work.network, Stimulus.from_dense(dense[:, ::-1])).dense(first, last)[:, ::-1]


def test_a_memory_free_neuron_carries_nothing_over():
    forward, backward = _spikes_and_reversed("mnist-conv-mfp-w1")
    assert forward.any() and np.array_equal(forward, backward)
    assert not np.array_equal(*_spikes_and_reversed("mnist-conv-c-binary"))
