"""Chip beside claims: purposes sum to the total, and the ratio is 1 + its terms."""

import json
from math import fsum

import pytest

from neurosim.arch.actions import ACTIONS
from neurosim.energy.conventions.activity import LayerActivity, NetworkActivity
from neurosim.energy.conventions.claim import CONTROL, LEAKAGE, MEMBRANE, PURPOSES, ROUTING, WEIGHTS
from neurosim.energy.conventions.compare import PURPOSE_OF_COMPONENT, chip_purposes, compare, included, plain
from neurosim.energy.conventions.registry import claims
from neurosim.energy.table import EnergyTable, Leaf

TABLE = EnergyTable((
    Leaf("synaptic_memory", "synapse_read_word", "core 0", "a", 10, 2.0, "s"),
    Leaf("membrane_memory", "membrane_read", "core 0", "a", 4, 3.0, "s"),
    Leaf("router", "hop_east", "tile 0", "mesh", 2, 1.0, "s"),
    Leaf("novelty", "unheard_of", "chip", "x", 1, 5.0, "s"),
    Leaf("egress", "axon_out", "core 0", "a", 7, 0.0, "included in hop_local"),
    Leaf("synaptic_memory", "leakage", "chip", "synaptic_memory", 100, 0.5, "s"),
))  # fmt: skip
LAYER = LayerActivity(
    "fc", "dense", 8, 4, timesteps=2, macs=32, weights=32, neurons_in=8, neurons_out=4, rate_in=0.5, rate_out=0.25,
    weight_bits=4, input_bits=1, first=True, leaky=True,
)  # fmt: skip
CLAIMS = claims(NetworkActivity("n", (LAYER,)))


def test_every_component_of_the_registry_has_a_purpose():
    assert {action.component for action in ACTIONS.values()} <= set(PURPOSE_OF_COMPONENT)


def test_purposes_sum_to_the_total_of_a_sample():
    found = chip_purposes(TABLE, 2)
    assert found[WEIGHTS] == 10 and found[MEMBRANE] == 6 and found[ROUTING] == 1
    assert found[CONTROL] == 2.5 and found[LEAKAGE] == 25
    assert fsum(found.values()) == pytest.approx(TABLE.total_pj() / 2, rel=1e-12)
    assert included(TABLE) == ["axon_out (included in hop_local)"]


def test_the_ratio_is_one_and_its_terms():
    purposes = chip_purposes(TABLE, 2)
    rows = compare(purposes, CLAIMS)
    priced = [row for row in rows if row.ratio is not None]
    assert len(priced) >= 12
    for row in priced:
        assert row.ratio == pytest.approx(fsum(purposes.values()) / row.claim.pj, rel=1e-12)
        assert 1 + fsum(row.differences.values()) == pytest.approx(row.ratio, rel=1e-9)
        assert tuple(row.differences) == PURPOSES
    assert all(row.claim.convention.unit != "pJ" or not row.claim.given for row in rows if row.ratio is None)


def test_plain_data_without_a_chip():
    found = json.loads(json.dumps(plain("n", None, compare(None, CLAIMS)), allow_nan=False))
    assert found["chip_pj"] is None
    assert {row["chip_over_claim"] for row in found["conventions"]} == {None}
    proxy = next(row for row in found["conventions"] if row["name"] == "proxy-first-spikes")
    assert proxy["total"] == pytest.approx(0.9 * 32)
    assert sum(term["value"] for term in proxy["terms"]) == pytest.approx(proxy["total"])
