"""Footprint lines in their groups."""

import pytest

from neurosim.study.bits import GROUPS, WHAT, group_of, grouped_bits


@pytest.mark.parametrize(
    ("memory", "content", "group"),
    [
        ("synaptic_memory", "weights", "weights"), ("synaptic_memory", "indices", "indices"),
        ("synaptic_memory", "pointers", "indices"), ("synaptic_memory", "bitmap", "indices"),
        ("synaptic_memory", "codebook", "codebooks"), ("synaptic_memory", "padding", "padding"),
        ("membrane_memory", "threshold", "membranes"), ("axon_table", "entries", "routing"),
        ("router_table", "entries", "routing"), ("queues", "ingress", "buffers"), ("spike_buffer", "spikes", "buffers"),
    ],
)  # fmt: skip
def test_group_of_a_line(memory, content, group):
    assert group_of(memory, content) == group


def test_groups_keep_every_bit():
    lines = [
        {"memory": memory, "content": "weights", "used_bits": n}
        for memory, n in (("synaptic_memory", 3), ("queues", 5), ("unheard_of", 7))
    ]
    assert grouped_bits(lines) == {**dict.fromkeys(GROUPS, 0), "weights": 3, "buffers": 12}
    assert set(WHAT) == set(GROUPS)
