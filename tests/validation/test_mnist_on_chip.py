"""Outside witness: the training framework's own evaluation of the shipped networks, spike for spike, on the chips.

``tests/validation/data/mnist/NAME.npz`` was written by the training script: every spike of the first samples and the
predictions for the whole test slice, from integer (or float) evaluation in PyTorch.
"""

from pathlib import Path

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.engine.function import run_function
from neurosim.engine.readout import read_out
from neurosim.files import read_arrays
from neurosim.run import simulate
from neurosim.workload.workload import list_workloads, load_workload

DATA = Path(__file__).parent / "data" / "mnist"
NAMES = [f"mnist-{net}-{bits}" for net in ("mlp", "conv") for bits in ("float", "w8", "w4", "w2", "w1")]


def stored(name):
    """Spikes by population (samples, timesteps, n), final membranes and all predictions of the framework."""
    header, arrays = read_arrays(DATA / f"{name}.npz")
    spikes = {}
    for population, shape in header["shapes"].items():
        bits = np.unpackbits(arrays[f"spikes.{population}"], count=int(np.prod(shape)))
        spikes[population] = bits.reshape(shape[0], shape[1], -1)
    return spikes, arrays["membrane"], arrays["predictions"]


def test_all_ten_ship():
    assert set(NAMES) <= set(list_workloads())


@pytest.mark.parametrize("name", NAMES)
def test_every_spike_equals_the_framework(name):
    work = load_workload(name)
    spikes, membrane, predictions = stored(name)
    samples = len(membrane)
    trace = run_function(work.network, work.stimulus(samples))
    assert set(spikes) == {p.name for p in work.network.populations if p.model.kind == "lif" and p.name != "output"}
    for population, expected in spikes.items():
        i = work.network.index[population]
        raster = trace.dense(int(work.network.offsets[i]), int(work.network.offsets[i + 1]))
        assert np.array_equal(raster, expected), f"{name}: {population}"
    output = work.network.offsets[work.network.index["output"]]
    final = trace.membrane[:, output:]
    if work.network.is_integer:
        assert np.array_equal(final, membrane)
    else:
        # The framework sums in another order; spikes are equal, the last float digits of a membrane need not be.
        assert np.allclose(final, membrane, atol=1e-5)
    assert not trace.saturations.any()
    assert np.array_equal(read_out(work.network, trace), predictions[:samples])


@pytest.mark.parametrize("name", ["mnist-mlp-w2", "mnist-conv-w4", "mnist-conv-w1"])
@pytest.mark.parametrize("chip", ["loihi-2018", "edge-28nm"])
def test_accuracy_on_the_chip_is_the_framework_s(name, chip):
    work = load_workload(name)
    _, _, predictions = stored(name)
    result = simulate(work.network, load_chip(chip), work.stimulus(200))
    assert np.array_equal(result.predictions, predictions[:200])
    assert result.accuracy == float((predictions[:200] == work.labels[:200]).mean())


@pytest.mark.parametrize("name", NAMES)
def test_the_card_states_what_the_whole_slice_gives(name):
    work = load_workload(name)
    trace = run_function(work.network, work.stimulus())
    accuracy = float((read_out(work.network, trace) == work.labels).mean())
    card = work.card["accuracy_integer_test"] if work.network.is_integer else work.card["accuracy_frozen_test"]
    assert accuracy == pytest.approx(card, abs=1e-9)


@pytest.mark.parametrize(
    ("name", "least"), [("mnist-conv-float", 0.97), ("mnist-conv-w8", 0.97), ("mnist-conv-w1", 0.95)]
)
def test_the_aims_of_the_cards(name, least):
    card = load_workload(name).card
    assert max(card["accuracy_integer_test"] or 0, card["accuracy_frozen_test"]) >= least
