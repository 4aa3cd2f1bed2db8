"""A footprint adds up the mapping's lines and loses none."""

import json

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.mapping.footprint import KINDS, SHARED, footprint
from neurosim.mapping.map import map_network
from neurosim.mapping.mapping import MemoryUse
from neurosim.mapping.model_size import STATE, model_bits
from tests.mapping.strategies import edge, one_of_each


def roomy():
    chip = edge(core__neurons=40)
    wide = {"int_bits": (1, 24), "codebook": True, "binary": True, "membrane_bits_max": 32}
    return chip.model_copy(update={"arithmetic": chip.arithmetic.model_copy(update=wide)})


def test_lines_are_those_of_the_mapping_and_every_table_adds_up():
    network, chip = one_of_each(), roomy()
    found = footprint(network, chip)
    assert found.lines == map_network(network, chip).memory
    total = sum(line.used_bits for line in found.lines)
    for field in ("layer", "core", "memory"):
        table = found.table(field)
        assert sum(sum(row.values()) for row in table.values()) == total == found.total_bits
        assert {kind for row in table.values() for kind in row} <= set(KINDS)
    assert sum(sizes["used_bits"] for sizes in found.by_memory.values()) == total
    assert list(found.table("layer")) == ["a", "b", "c", "p", "o"]
    assert json.loads(json.dumps(found.to_json()))["total_bits"] == total


def test_bits_of_one_layer_by_hand():
    """The last layer: 16 inputs to 5 neurons of 8-bit weights, membranes of 20 bits, one threshold."""
    row = footprint(one_of_each(), roomy()).table("layer")["o"]
    assert row["weights"] == 16 * 5 * 8
    assert row["state"] == 5 * 20 and row["accumulators"] == 5 * 32 and row["thresholds"] == 20
    # Rows of 40 of 64 bits; 5 membranes of 20 of 32 bits, the threshold's word.
    assert row["padding"] == 16 * 24 + 6 * 12
    # 16 axons and the routes of 5 neurons to the host.
    assert row["tables"] == (16 + 5) * 32


def test_delays_are_time_buffers_of_their_target():
    found = footprint(one_of_each(), roomy())
    buffers = {name: row["time buffers"] for name, row in found.table("layer").items() if "time buffers" in row}
    lines = [line for line in found.lines if line.memory == "delay_buffer"]
    assert buffers and sum(buffers.values()) == sum(line.used_bits for line in lines)
    assert set(buffers) == {line.part.split("->")[1] for line in lines}


def test_a_core_of_two_layers_has_tables_that_are_shared():
    network = one_of_each()
    placement = np.zeros(network.n_neurons, int)
    placement[: network.population("in").n_neurons] = -1
    found = footprint(network, roomy(), placement=placement)
    assert list(found.table("core")) == [0]
    assert found.table("layer")[SHARED]["queues"] > 0
    assert found.fit["overflows"]


def test_the_model_alone_is_the_chips_parameters_without_copies_and_waste():
    network = one_of_each()
    found = footprint(network, edge())
    mapped = map_network(network, edge())
    states = sum(line.used_bits for line in mapped.memory if line.content == "membrane")
    assert model_bits(found.model, STATE) == states
    weights = {line.part: line.used_bits for line in found.model if line.content == "weights"}
    assert weights["p->o"] == 16 * 5 * 8 and weights["in->a"] == 3 * 2 * 9 * 4


def test_a_layer_chip_counts_its_buffers_for_a_window():
    from neurosim.workload.workload import load_workload

    network, chip = load_workload("mnist-mlp-w8").network, load_chip("edge-28nm-layer")
    short, long = (footprint(network, chip, timesteps=t) for t in (4, 8))
    spikes = [sum(line.used_bits for line in f.lines if line.memory == "spike_buffer") for f in (short, long)]
    assert spikes[1] == 2 * spikes[0] > 0
    row = long.table("layer")["input"]
    assert row == {"time buffers": 8 * 784}
    assert MemoryUse not in {type(x) for x in long.to_json()["lines"]}


@pytest.mark.parametrize("name", ["csr", "bitmap", "run_length", "codebook"])
def test_a_layout_is_named_and_its_parts_have_kinds(name):
    chip = roomy()
    memory = chip.core.synaptic_memory.model_copy(update={"layout": name})
    chip = chip.model_copy(update={"core": chip.core.model_copy(update={"synaptic_memory": memory})})
    found = footprint(one_of_each(), chip)
    assert found.layouts["p->o"] == (name,)
    assert found.table("layer")["o"]["indices"] > 0
    assert ("codebooks" in found.table("layer")["o"]) == (name == "codebook")
