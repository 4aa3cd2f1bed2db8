"""Placement: the cost is routes times hops, improving never makes it worse, and it is a function of its inputs."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.mapping.map import map_network
from neurosim.mapping.placement import Traffic, _snake, place
from tests.mapping.strategies import edge, one_of_each


def cost_by_hand(core, pairs, host, chip):
    """Hops of every route, one block pair after another. ``pairs``: {(source, target): routes}."""

    def at(block):
        tile = int(core[block]) // chip.mesh.cores_per_tile
        return tile % chip.mesh.width, tile // chip.mesh.width

    def hops(a, b):
        return abs(a[0] - b[0]) + abs(a[1] - b[1])

    total = sum(routes * hops(at(s), at(t)) for (s, t), routes in pairs.items())
    return total + sum(int(n) * hops(at(b), chip.io.tile) for b, n in enumerate(host))


@st.composite
def problems(draw):
    width, height, per_tile = draw(st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(1, 3)))
    chip = edge(mesh__width=width, mesh__height=height, mesh__cores_per_tile=per_tile)
    tile = (draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1)))
    chip = chip.model_copy(update={"io": chip.io.model_copy(update={"tile": tile})})
    n = draw(st.integers(1, chip.n_cores))
    rng = np.random.default_rng(draw(st.integers(0, 999)))
    density = draw(st.sampled_from([0.1, 0.5, 1.0]))
    pairs = {
        (s, t): int(rng.integers(1, 50)) for s, t in itertools.product(range(n), range(n)) if rng.random() < density
    }
    return chip, pairs, rng.integers(0, 30, n)


def solved(problem):
    chip, pairs, host = problem
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    routes = np.array(list(pairs.values()), np.int64)
    return place(Traffic.between(ends[:, 0], ends[:, 1], routes, host), chip)


@given(problems())
@settings(max_examples=120, deadline=None)
def test_every_block_has_its_own_core_and_no_single_exchange_helps(problem):
    chip, pairs, host = problem
    core, before = solved(problem)
    assert len(set(core.tolist())) == core.size and core.min() >= 0 and core.max() < chip.n_cores
    per_tile = chip.mesh.cores_per_tile
    start = (_snake(chip)[:, None] * per_tile + np.arange(per_tile)).ravel()[: core.size]
    assert cost_by_hand(start, pairs, host, chip) == before
    cost = cost_by_hand(core, pairs, host, chip)
    assert cost <= before
    if core.size > 6:
        return  # the sweeps are bounded, so only small problems are sure to have settled
    free = [c for c in range(chip.n_cores) if c not in core.tolist()]
    for b in range(core.size):
        for to in [*core.tolist(), *free]:
            changed = core.copy()
            changed[core == to] = core[b]
            changed[b] = to
            assert cost_by_hand(changed, pairs, host, chip) >= cost


@given(problems())
@settings(max_examples=20, deadline=None)
def test_placement_is_deterministic(problem):
    assert np.array_equal(solved(problem)[0], solved(problem)[0])


def test_snake_visits_every_tile_once_and_neighbours_in_turn():
    chip = edge(mesh__width=5, mesh__height=3)
    order = _snake(chip)
    assert sorted(order.tolist()) == list(range(15))
    x, y = order % 5, order // 5
    assert (np.abs(np.diff(x)) + np.abs(np.diff(y)) == 1).all()


def test_mapping_reports_routes_times_hops():
    network, chip = one_of_each(), edge(core__neurons=30)
    mapping = map_network(network, chip)
    routes, total = mapping.routes, 0
    for n in range(network.n_neurons):
        for end in routes.endpoint[routes.ptr[n] : routes.ptr[n + 1]].tolist():
            tiles = [0 if e == chip.n_cores else e for e in (int(mapping.endpoint[n]), end)]
            total += abs(tiles[0] % 4 - tiles[1] % 4) + abs(tiles[0] // 4 - tiles[1] // 4)
    assert mapping.traffic == total < mapping.traffic_before
    placement = mapping.endpoint.astype(int)
    placement[: network.offsets[1]] = -1
    again = map_network(network, chip, placement=placement)
    assert again.origin == "given" and again.traffic == total
