"""The shipped spiking transformer: every spike of the framework, its card, and its run on the chip."""

import hashlib
from pathlib import Path

import numpy as np
import pytest

from neurosim import simulate
from neurosim.arch import load_chip
from neurosim.engine.function import run_function
from neurosim.files import read_arrays
from neurosim.run import read_out, simulate_stages
from neurosim.snn import BinaryCodec
from neurosim.workload.workload import load_workload

WITNESS = Path(__file__).resolve().parents[1] / "validation" / "data" / "attention"
NAMES = sorted(path.stem for path in WITNESS.glob("*.npz"))


def test_it_ships():
    assert "mnist-bestformer" in NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_spike_of_200_samples_is_that_of_the_framework(name):
    work = load_workload(name)
    header, stored = read_arrays(WITNESS / f"{name}.npz")
    assert len(stored["membrane"]) == 200
    trace = run_function(work.network, work.stimulus(200))
    assert {"query", "key", "map", "mixed", "last"} <= set(header["sha256"])
    for population, digest in header["sha256"].items():
        i = work.network.index[population]
        raster = trace.dense(int(work.network.offsets[i]), int(work.network.offsets[i + 1]))
        assert np.array_equal(raster.sum((1, 2)), stored[f"spikes.{population}"]), population
        assert hashlib.sha256(np.packbits(raster.astype(bool)).tobytes()).hexdigest() == digest, population
    assert np.array_equal(trace.membrane[:, work.network.offsets[work.network.index["output"]] :], stored["membrane"])
    assert not trace.saturations.any()


@pytest.mark.parametrize("name", NAMES)
def test_the_card_states_what_the_whole_slice_gives(name):
    work = load_workload(name)
    predictions = read_out(work.network, run_function(work.network, work.stimulus()))
    assert np.array_equal(predictions, read_arrays(WITNESS / f"{name}.npz")[1]["predictions"])
    accuracy = float((predictions == work.labels).mean())
    assert work.card["accuracy_frozen_test"] == pytest.approx(accuracy, abs=1e-9)
    assert work.card["accuracy"]["by_seed"][0] == pytest.approx(accuracy, abs=1e-9)
    assert len(work.card["seeds"]) == 3
    assert accuracy > 0.9


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_by_name_on_the_edge_chip(name):
    result = simulate(name, "edge-28nm", samples=10)
    predictions = read_arrays(WITNESS / f"{name}.npz")[1]["predictions"]
    assert np.array_equal(result.predictions, predictions[:10])
    work = load_workload(name)
    heads, tokens, _ = work.network.population("map").shape
    # One popcount of one word for each element of the map, timestep and sample: 16 channels fit a word of 32.
    assert result.activity.total("and_popcount") == heads * tokens**2 * 4 * 10


def test_both_engines_time_it_alike():
    work, chip = load_workload("mnist-bestformer"), load_chip("edge-28nm")
    fast, slow = (
        simulate_stages(work.network, chip, work.stimulus(1), engine=engine) for engine in ("fast", "reference")
    )
    assert np.array_equal(fast.timing.round_cycles, slow.timing.round_cycles)
    assert np.array_equal(fast.timing.delivered, slow.timing.delivered)
    assert np.array_equal(fast.timing.accessed, slow.timing.accessed)


def test_binary_shows_in_the_codecs():
    network = load_workload("mnist-bestformer").network
    inner = [p for p in network.projections if p.connectivity.event == "synapse" and p.source != "input"]
    inner = [p for p in inner if p.target != "output"]
    assert inner and all(isinstance(p.codec, BinaryCodec) for p in inner)
