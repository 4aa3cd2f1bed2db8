"""Key tables: walking them takes every spike to its destinations and nowhere else, over the engine's own links."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import simulate
from neurosim.arch import load_chip
from neurosim.engine.lower import router_plan
from neurosim.engine.reference.ways import way
from neurosim.engine.wiring import endpoint_ports, links
from neurosim.errors import NeurosimError
from neurosim.mapping.keys import build_key_tables
from tests.mapping.chips import edge_with

TOPOLOGIES = ("mesh", "torus", "tree", "bus")


def random_routes(rng, n_neurons: int, n_cores: int):
    """A few shapes of destinations, shared by runs of neurons, as populations do."""
    shapes = [np.sort(rng.choice(n_cores + 1, rng.integers(0, 5), replace=False)) for _ in range(4)]
    which = rng.integers(0, 4, n_neurons)
    ends = [shapes[k] for k in which]
    ptr = np.concatenate([[0], np.cumsum([e.size for e in ends])])
    endpoint = np.sort(rng.integers(0, n_cores + 1, n_neurons))
    return ptr, np.concatenate([*ends, []]).astype(np.int32), endpoint


def delivered(tables, chip, neuron, endpoint):
    """(endpoints reached, links taken) of one spike that follows the tables."""
    plan = router_plan(chip)
    places = endpoint_ports(plan, chip.n_cores)
    at = {place: e for e, place in enumerate(places)}
    leads = {(link.router, link.port): (link.neighbour, link.entry) for link in links(plan)}
    reached, taken = [], []
    open_ = [places[endpoint[neuron]]]
    while open_:
        router, entry = open_.pop()
        for port in tables.lookup(router, int(tables.key_of_neuron[neuron]), entry):
            if (router, port) in leads:
                taken.append((router, port))
                open_.append(leads[router, port])
            else:
                reached.append(at[router, port])
    return sorted(reached), taken


@settings(max_examples=120, deadline=None)
@given(st.integers(0, 2**32 - 1), st.sampled_from(TOPOLOGIES))
def test_walking_the_tables(seed, topology):
    rng = np.random.default_rng(seed)
    chip = edge_with(topology, multicast=True, entries=1024)
    ptr, ends, endpoint = random_routes(rng, 40, chip.n_cores)
    tables = build_key_tables(chip, ptr, ends, endpoint)
    keys = tables.key_of_neuron[np.diff(ptr) > 0]
    assert len(set(keys.tolist())) == keys.size
    plan = router_plan(chip)
    places = endpoint_ports(plan, chip.n_cores)
    for neuron in np.flatnonzero(np.diff(ptr)):
        reached, taken = delivered(tables, chip, neuron, endpoint)
        assert reached == ends[ptr[neuron] : ptr[neuron + 1]].tolist()
        assert len(taken) == len(set(taken))
        for router, port in taken:  # the same ways as the engines'
            assert port in {way(plan, router, places[end]) for end in reached}


def test_straight_packets_need_no_entry_and_neighbours_merge():
    chip = edge_with("mesh", multicast=True, entries=1024)
    ptr = np.arange(9)
    ends = np.full(8, 3, np.int32)  # eight neurons of core 0, to core 3, three tiles to the east
    tables = build_key_tables(chip, ptr, ends, np.zeros(8, np.int64))
    assert np.diff(tables.ptr)[[0, 1, 2, 3]].tolist() == [1, 0, 0, 1]
    ends = np.array([3, 3, 3, 3, 2, 2, 2, 2], np.int32)  # two groups with one way out of router 0
    tables = build_key_tables(chip, ptr, ends, np.zeros(8, np.int64))
    assert np.diff(tables.ptr)[[0, 1, 2, 3]].tolist() == [1, 0, 1, 1]


def test_a_full_table_is_refused_and_named():
    chip = edge_with("mesh", multicast=True, entries=2)
    with pytest.raises(NeurosimError, match=r"key_table.entries: router \d+ needs \d+ entries, has 2"):
        simulate("mnist-conv-w4", chip, samples=1)
    result = simulate("mnist-conv-w4", chip, samples=1, capacity="report")
    assert any("key table of router" in text for text in result.fit["overflows"])


def test_keys_that_are_too_narrow():
    chip = edge_with("mesh", multicast=True, entries=1024, key_bits=2)
    with pytest.raises(NeurosimError, match="key_bits: got 2, expected at least 3"):
        build_key_tables(chip, np.arange(9), np.full(8, 3, np.int32), np.zeros(8, np.int64))


@pytest.mark.parametrize("topology", TOPOLOGIES)
def test_a_workload_on_every_topology(topology):
    plain = simulate("mnist-conv-w4", load_chip("edge-28nm"), samples=2)
    for multicast in (False, True):
        result = simulate("mnist-conv-w4", edge_with(topology, multicast=multicast), samples=2)
        assert np.array_equal(result.predictions, plain.predictions)
        assert result.packets["delivered"] == plain.packets["delivered"]
        few = result.packets["injected"] < result.packets["sent"]
        assert few == multicast


def test_off_chip_hops_have_their_own_price():
    plain = simulate("mnist-conv-w4", edge_with("mesh"), samples=2)
    cut = simulate("mnist-conv-w4", edge_with("mesh", chips=True), samples=2)

    def hops(result):
        return {name: n for name, n in result.activity.totals().items() if name.startswith("hop_")}

    assert sum(hops(plain).values()) == sum(hops(cut).values()) and hops(cut)["hop_off_chip"] > 0
    assert cut.round_cycles.sum() > plain.round_cycles.sum()


def test_the_distances_are_those_of_the_ways():
    for topology in TOPOLOGIES:
        chip = edge_with(topology)
        mesh, plan = chip.mesh, router_plan(chip)
        leads = {(link.router, link.port): link.neighbour for link in links(plan)}
        first = plan.first_tile
        for a in range(mesh.n_tiles):
            for b in range(mesh.n_tiles):
                at, n = first + a, 0
                while at != first + b:
                    port = mesh.way(at, first + b)
                    assert port == way(plan, at, (first + b, plan.first_local))
                    assert mesh.beyond(at, port)[0] == leads[at, port]
                    at, n = leads[at, port], n + 1
                assert n == mesh.distance(np.array([a]), np.array([b]))[0]


def test_a_chip_file_with_another_topology_is_read_back(tmp_path):
    path = tmp_path / "tree.yaml"
    path.write_text(yaml.safe_dump(edge_with("tree").model_dump(mode="json", by_alias=True)), "utf-8")
    assert load_chip(path) == edge_with("tree")
