"""What is said to fit is what the mapper takes, and what is said not to is refused."""

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.mapping.map import map_network
from neurosim.mapping.storage import CHOICES
from neurosim.mapping.where import CANNOT, FITS, TOO_LARGE, attempt, narrower_widths, trials, with_layout
from neurosim.snn import Dense, FloatCodec, Input, IntCodec, Lif, Network, Population, Projection
from tests.mapping.strategies import edge


def sparse_mlp(n=600, share=0.05, bits=8):
    """Many zeros: rows with their indices are shorter than whole rows."""
    rng = np.random.default_rng(0)
    weights = np.where(rng.random((n, n)) < share, rng.integers(1, 100, (n, n)), 0).astype(np.int8)
    populations = [Population("in", (n,), Input()), Population("a", (n,), Lif(9, membrane_bits=16))]
    return Network(populations, [Projection("in", "a", Dense(weights), IntCodec(bits))])


@pytest.mark.parametrize("layout", CHOICES)
def test_a_trial_says_what_the_mapper_does(layout):
    network = sparse_mlp()
    chip = edge(mesh__width=1, mesh__height=1, core__synaptic_memory__capacity_bits=700_000)
    trial = attempt(network, chip, layout)
    if trial.verdict == FITS:
        mapping = map_network(network, with_layout(chip, layout))
        assert mapping.cores_used == trial.cores
        used = sum(line.used_bits for line in mapping.memory if line.memory == "synaptic_memory")
        assert used == sum(trial.synaptic_bits.values())
    else:
        with pytest.raises(NeurosimError, match="does not fit"):
            map_network(network, with_layout(chip, layout))
        assert trial.reason
    # 360,000 weights of 8 bits, 5 in 100 of them not zero, in 700,000 bits.
    assert trial.verdict == (FITS if layout in ("csr", "bitmap", "run_length", "best") else TOO_LARGE)


def test_a_narrower_width_needs_fewer_cores():
    network = sparse_mlp(share=1.0)
    chip = edge(mesh__width=2, mesh__height=1)
    assert narrower_widths(network, chip) == [4, 2, 1]
    own, four, one = (attempt(network, chip, "by_kind", bits) for bits in (None, 4, 1))
    assert (own.verdict, four.verdict, one.verdict) == (TOO_LARGE, FITS, FITS)
    assert four.cores == 2 and one.cores == 1
    narrow = Network(network.populations, [Projection("in", "a", Dense(np.zeros((600, 600), np.int8)), IntCodec(4))])
    assert attempt(narrow, chip, "by_kind").synaptic_bits == four.synaptic_bits


def test_float_weights_are_narrowed_too():
    weights = np.ones((60, 20), np.float32)
    populations = [Population("in", (60,), Input()), Population("a", (20,), Lif(1))]
    network = Network(populations, [Projection("in", "a", Dense(weights), FloatCodec())])
    assert attempt(network, edge(), "by_kind", 8).synaptic_bits["weights"] == 60 * 20 * 8


def test_every_shipped_chip_has_a_verdict():
    names = ["edge-28nm", "edge-28nm-layer", "loihi-2018", "odin", "ranc", "reckon"]
    found = list(trials(sparse_mlp(100), [load_chip(name) for name in names], 4))
    assert list(dict.fromkeys(t.chip for t in found)) == names
    first = {t.chip: t for t in reversed(found)}
    assert {n for n in names if first[n].verdict == FITS} == {"edge-28nm", "edge-28nm-layer", "loihi-2018"}
    assert all(first[n].verdict == CANNOT and first[n].reason for n in ("odin", "ranc", "reckon"))
    assert [t.chip for t in trials(sparse_mlp(100), [load_chip("edge-28nm-layer")], None)] == []


def test_a_layout_that_does_not_exist_or_is_not_offered():
    with pytest.raises(NeurosimError, match="expected one of by_kind"):
        with_layout(edge(), "coo")
    with pytest.raises(NeurosimError, match="offers no other"):
        with_layout(load_chip("edge-28nm-layer"), "csr")
