"""The registry of actions."""

from neurosim.arch import ACTIONS, list_chips, load_chip
from neurosim.arch.actions import _ACTIONS, actions_of


def test_names_are_unique_and_keyed_by_themselves():
    assert len(ACTIONS) == len(_ACTIONS)
    assert all(name == action.name and name.isidentifier() for name, action in ACTIONS.items())


def test_every_action_says_what_it_is():
    assert [a.name for a in ACTIONS.values() if not a.meaning or not a.component] == []


def test_every_chip_prices_exactly_the_registered_actions():
    for name in list_chips("barrier"):
        chip = load_chip(name)
        assert set(chip.energy) == (set(actions_of(chip.features)) if chip.without_energy is None else set())


def test_each_way_out_of_a_router_is_an_action():
    directions = type(load_chip("edge-28nm").router.latency_cycles).model_fields
    grid = actions_of(load_chip("edge-28nm").features)
    assert {f"hop_{d}" for d in directions} == {name for name in grid if name.startswith("hop_")}
