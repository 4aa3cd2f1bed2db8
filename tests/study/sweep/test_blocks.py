"""How points are cut into blocks."""

import numpy as np
import pytest

from neurosim.study.sweep.blocks import MAX_BLOCK_POINTS, MAX_BLOCKS, cut_blocks
from neurosim.study.sweep.design import Axis, Design


def design(**lengths):
    axes = tuple(Axis(name, (name,), tuple(range(n))) for name, n in lengths.items())
    numbers = np.unravel_index(np.arange(int(np.prod(list(lengths.values())))), tuple(lengths.values()))
    return Design(axes, np.stack(numbers, axis=1).astype(np.int32), 0)


@pytest.mark.parametrize(
    "lengths",
    [
        {"technology.node_nm": 5, "chip.core.synapse.lanes": 7, "samples": 3},
        {"energy.axon_read.pj": 6000, "samples": 2},
        {"chip.core.synapse.lanes": 3000},
        {"technology.node_nm": 400},
    ],
)
def test_every_point_once(lengths):
    made = design(**lengths)
    blocks, timings = cut_blocks(made)
    assert sorted(np.concatenate(blocks).tolist()) == list(range(made.n_points))
    assert all(len(block) for block in blocks) and max(len(block) for block in blocks) <= MAX_BLOCK_POINTS
    n = int(np.prod([v for k, v in lengths.items() if k.startswith(("samples", "chip.core"))]))
    assert timings == n
    assert len(blocks) <= MAX_BLOCKS + made.n_points * 64 / MAX_BLOCK_POINTS + 1


def test_points_that_share_a_timing_are_in_one_block_and_those_that_share_spikes_are_neighbours():
    made = design(**{"technology.node_nm": 5, "chip.core.synapse.lanes": 7, "samples": 3})
    blocks, _ = cut_blocks(made)
    assert len(blocks) == 21
    for block in blocks:
        assert len(np.unique(made.choice[block][:, 1:], axis=0)) == 1
    samples = [int(made.choice[block[0], 2]) for block in blocks]
    assert samples == sorted(samples)
