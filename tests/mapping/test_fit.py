"""The fit report and the footprint's sums against the lines they are made of."""

import json

import numpy as np
import pytest

from neurosim.mapping.fit import fit_report, footprint_by, footprint_by_memory, limit_rows
from neurosim.mapping.map import map_network
from neurosim.snn import Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout
from tests.mapping.strategies import edge, one_of_each


def small(**readout):
    populations = [Population("in", (3,), Input()), Population("a", (4,), Lif(1, bias=2, membrane_bits=8))]
    projection = Projection("in", "a", Dense(np.ones((3, 4), np.int8)), IntCodec(4))
    return Network(populations, [projection], Readout("a", **readout))


def test_every_line_of_a_small_network_by_hand():
    chip = edge(core__neurons=2, core__membrane_memory__accumulator_bits=10)
    mapping = map_network(small(), chip)
    lines = {(x.memory, x.content, x.part): x.used_bits for x in mapping.memory if x.core == mapping.blocks[0].core}
    assert lines == {
        ("synaptic_memory", "weights", "in->a"): 3 * 2 * 4,
        ("synaptic_memory", "padding", "in->a"): 3 * (64 - 8),
        ("axon_table", "entries", "in->a"): 3 * 32,
        ("membrane_memory", "membrane", "a"): 2 * 8,
        ("membrane_memory", "accumulator", "a"): 2 * 10,
        ("membrane_memory", "threshold", "a"): 8,
        ("membrane_memory", "bias", "a"): 8,
        # Words of 32 bits: one for both membranes, one for both accumulators, one for each shared value.
        ("membrane_memory", "padding", "a"): 4 * 32 - 52,
        ("routing_table", "entries", "routes"): 2 * 32,
        ("queues", "ingress", "packets"): 8 * 32,
        ("queues", "egress", "packets"): 8 * 32,
    }
    rows = {row["limit"]: row for row in limit_rows(mapping, chip)}
    assert rows["neurons"] == {
        "limit": "neurons", "unit": "neurons", "fullest_core": 2, "core_has": 2, "percent": 100.0, "all_cores": 4,
    }  # fmt: skip
    assert (rows["axons_in"]["fullest_core"], rows["axons_in"]["all_cores"]) == (3, 6)
    assert (rows["axons_out"]["fullest_core"], rows["axons_out"]["all_cores"]) == (2, 4)
    assert rows["synaptic_memory"]["all_cores"] == 2 * 3 * 64
    assert rows["membrane_memory"]["fullest_core"] == 128
    assert rows["membrane_memory"]["percent"] == pytest.approx(100 * 128 / 131072)
    silent = {row["limit"]: row for row in limit_rows(map_network(small(kind="membrane"), chip), chip)}
    assert silent["axons_out"]["all_cores"] == silent["routing_table"]["all_cores"] == 0


@pytest.mark.parametrize("field", ["memory", "content", "part", "core"])
def test_every_way_to_add_up_the_footprint_gives_the_same_total(field):
    mapping = map_network(one_of_each(), edge(core__neurons=40))
    total = sum(line.used_bits for line in mapping.memory)
    assert sum(footprint_by(mapping, field).values()) == total
    table = footprint_by_memory(mapping, edge())
    assert sum(line["used_bits"] for line in table.values()) == total
    assert table["synaptic_memory"]["provisioned_bits"] == 16 * 1048576
    assert table["delay_buffer"]["provisioned_bits"] is None


def test_report_counts_and_is_plain():
    chip = edge(core__neurons=20)
    mapping = map_network(one_of_each(), chip, capacity="report")
    report = fit_report(mapping, chip)
    assert report["neurons_used"] == 341 and report["neurons"] == 320
    worst = max(mapping.overflows, key=lambda o: o.needed)
    assert worst.memory == "neurons"
    assert report["overflows"][0].startswith(f"core {worst.core}: neurons needs {worst.needed} neurons, has 20")
    assert {row["limit"]: row["fullest_core"] for row in report["limits"]}["neurons"] == worst.needed
    assert json.loads(json.dumps(report)) == report
