"""Waterfalls: steps that sum, ends that are the runs, and what each step changes."""

from dataclasses import replace

import numpy as np
import pytest

from neurosim import compare_workloads, simulate
from neurosim.arch import load_chip
from neurosim.engine.function import run_function
from neurosim.errors import NeurosimError
from neurosim.snn.codecs import IntCodec
from neurosim.snn.connectivity import Sparse
from neurosim.study.waterfall import BOTH, FIRING, PRUNE, QUANTISE, energy_with_spikes, waterfall
from tests.energy.test_standing import CLOCK, with_standing
from tests.study.small import conv_network, network, workload

STIMULUS = workload().stimulus()


def pruned(net, share=0.6):
    """The first projection as a list of connections, most of them gone."""
    first, *others = net.projections
    weights = np.array(first.connectivity.weights)
    weights[np.random.default_rng(3).random(weights.shape) < share] = 0
    rows = [np.flatnonzero(row) for row in weights]
    indptr = np.concatenate([[0], np.cumsum([len(r) for r in rows])]).astype(np.int64)
    made = Sparse(indptr, np.concatenate(rows).astype(np.int32), weights[weights != 0])
    return replace(net, projections=(replace(first, connectivity=made), *others))


@pytest.mark.parametrize("chip", ["edge-28nm", "edge-28nm-layer"])
@pytest.mark.parametrize("end", [network("b", "w1"), pruned(network("b", "w4")), network("b", "w8", threshold=5)])
def test_ends_are_the_runs_and_steps_sum(chip, end):
    start, target = network("a", "float" if end.projections[0].codec.kind == "binary" else "w8"), load_chip(chip)
    fall = waterfall(start, end, target, STIMULUS, "refuse")
    for net, pj in ((start, fall.start_pj), (end, fall.end_pj)):
        assert pj == pytest.approx(simulate(net, target, STIMULUS).energy_pj / STIMULUS.n_samples, rel=1e-12)
    assert sum(pj for _, pj in fall.steps) == pytest.approx(fall.end_pj - fall.start_pj, rel=1e-9)
    for (name, pj), (same, parts) in zip(fall.steps, fall.by_component, strict=True):
        assert name == same and sum(parts.values()) == pytest.approx(pj, rel=1e-9, abs=1e-9)


def test_gating_clocks_and_loading_are_in_every_step(tmp_path):
    standing = {**CLOCK, "loading": "each_run", "power_gating": {"unused_share": 0.1, "source": "neurosim"}}
    chip, start, end = with_standing(tmp_path, standing), network("a", "w8"), network("b", "w1")
    fall = waterfall(start, end, chip, STIMULUS, "refuse")
    ends = [simulate(net, chip, STIMULUS).energy_pj / STIMULUS.n_samples for net in (start, end)]
    assert [fall.start_pj, fall.end_pj] == pytest.approx(ends, rel=1e-12)
    made = compare_workloads([workload("a")], chip, processes=1)
    assert "writing the networks into the memories is counted once and shared by 4 samples" in made.notes


def test_the_same_network_has_no_steps_that_change_anything():
    fall = waterfall(network("a"), network("a"), load_chip("edge-28nm"), STIMULUS, "refuse")
    assert fall.steps == ((QUANTISE, 0.0), (FIRING, 0.0))


def test_only_firing_changes_with_the_threshold():
    fall = waterfall(network("a"), network("b", threshold=9), load_chip("edge-28nm"), STIMULUS, "refuse")
    steps = dict(fall.steps)
    assert steps[QUANTISE] == 0.0 and steps[FIRING] < 0


def test_narrower_weights_are_quantising_and_fewer_are_pruning():
    chip = load_chip("edge-28nm")
    # 20 weights a row: three words of 64 bits at 8 bits, two at 4.
    narrow = network("b", "w8", hidden=20)
    narrow = replace(narrow, projections=tuple(replace(p, codec=IntCodec(4)) for p in narrow.projections))
    narrower = dict(waterfall(network("a", "w8", hidden=20), narrow, chip, STIMULUS, "refuse").steps)
    assert set(narrower) == {QUANTISE, FIRING} and narrower[QUANTISE] < 0 and narrower[FIRING] == 0.0
    fewer = dict(waterfall(network("a"), pruned(network("b"), 0.8), chip, STIMULUS, "refuse").steps)
    assert list(fewer) == [QUANTISE, PRUNE, FIRING] and fewer[QUANTISE] == 0.0 and fewer[PRUNE] != 0.0


def test_formats_that_cannot_be_told_apart_are_one_step():
    end = network("b")
    turned = replace(end, projections=(*end.projections, replace(end.projections[1], delay=1)))
    assert [name for name, _ in waterfall(network("a"), turned, load_chip("edge-28nm"), STIMULUS, "refuse").steps] == [
        BOTH, FIRING,
    ]  # fmt: skip


def test_spikes_of_another_network_are_counted():
    chip, quiet = load_chip("edge-28nm"), network("b", threshold=9)
    loud = run_function(network("a"), STIMULUS)
    table = energy_with_spikes(quiet, chip, loud, "refuse")
    assert table.total_pj() == pytest.approx(simulate(network("a"), chip, STIMULUS).energy_pj, rel=1e-12)


def test_other_populations_are_refused():
    with pytest.raises(NeurosimError, match=r"their populations differ .*hidden 6, out 3; in 1x3x3"):
        waterfall(network("a"), conv_network("b"), load_chip("edge-28nm"), STIMULUS, "refuse")
