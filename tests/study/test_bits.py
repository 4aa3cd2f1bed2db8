"""Footprint lines in their groups."""

import pytest

from neurosim.mapping.footprint import KINDS
from neurosim.study.bits import _OF_KIND, GROUPS, WHAT, group_of, grouped_bits


def line(memory, content, used_bits=1):
    return {"core": 0, "memory": memory, "content": content, "part": "p", "used_bits": used_bits}


@pytest.mark.parametrize(
    ("memory", "content", "group"),
    [
        ("synaptic_memory", "weights", "weights"), ("synaptic_memory", "indices", "indices"),
        ("synaptic_memory", "pointers", "indices"), ("synaptic_memory", "bitmap", "indices"),
        ("synaptic_memory", "codebook", "codebooks"), ("synaptic_memory", "padding", "padding"),
        ("membrane_memory", "threshold", "membranes"), ("membrane_memory", "membrane", "membranes"),
        ("axon_table", "entries", "routing"), ("router_table", "entries", "routing"), ("queues", "ingress", "buffers"),
        ("spike_buffer", "spikes", "buffers"), ("delay_buffer", "delayed spikes", "buffers"),
    ],
)  # fmt: skip
def test_group_of_a_line(memory, content, group):
    assert group_of(line(memory, content)) == group


def test_every_kind_has_a_group():
    assert {_OF_KIND.get(kind, kind) for kind in KINDS} == set(GROUPS) == set(WHAT)


def test_groups_keep_every_bit():
    lines = [line("synaptic_memory", "weights", 3), line("queues", "egress", 5), line("synaptic_memory", "weights", 4)]
    assert grouped_bits(lines) == {**dict.fromkeys(GROUPS, 0), "weights": 7, "buffers": 5}
