"""No number of a shipped chip is without a source or a stated assumption; a price included elsewhere leads to one."""

import copy

import pytest
import yaml

from neurosim.arch import Chip, ChipError, chip_from_data, list_chips, load_chip
from neurosim.data_files import data_root

EDGE = yaml.safe_load((data_root("arch") / "chips" / "edge-28nm.yaml").read_text("utf-8"))
NOT_NUMBERS_OF_THE_CHIP = {"energy", "leakage", "sources", "origins", "assumptions"}


def numbers(value, path=""):
    """Dotted paths of every number below, the fields that were left at their defaults among them."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from numbers(inner, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from numbers(inner, path)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield path


def untraced(chip):
    said = set(chip.origins) | {path.strip() for key in chip.assumptions for path in key.split(",")}
    described = chip.model_dump(exclude=NOT_NUMBERS_OF_THE_CHIP)
    return {p for p in numbers(described) if not any(p == s or p.startswith(f"{s}.") for s in said)}


@pytest.mark.parametrize("name", list_chips())
def test_every_number_is_sourced_or_assumed(name):
    assert untraced(load_chip(name)) == set()


def test_a_number_without_origin_would_be_found():
    chip = load_chip("loihi-2018")
    fewer = {k: v for k, v in chip.origins.items() if k != "core.neurons"}
    assert untraced(chip.model_copy(update={"origins": fewer})) == {"core.neurons"}


@pytest.mark.parametrize("name", list_chips())
def test_every_source_is_used(name):
    chip = load_chip(name)
    priced = [*chip.energy.values(), *chip.leakage] if isinstance(chip, Chip) else []
    prices = {spec.source for spec in priced}
    mentioned = " ".join(chip.assumptions.values()).lower()
    unused = set(chip.sources) - prices - set(chip.origins.values())
    assert {key for key in unused if not (key == "sanafe" and "sana-fe" in mentioned)} == set()


@pytest.mark.parametrize("name", ["loihi-2018", "loihi-silicon"])
def test_assumed_fields_exist(name):
    chip = load_chip(name)
    for path in (part.strip() for key in chip.assumptions for part in key.split(",")):
        value = chip
        for step in path.split("."):
            assert step in type(value).model_fields, path
            value = getattr(value, step)


def test_the_two_constant_sets_are_not_mixed():
    old, silicon = load_chip("loihi-2018"), load_chip("loihi-silicon")
    assert {s.source for s in old.energy.values()} == {None, "davies2018"}
    assert {s.source for s in silicon.energy.values()} == {None, "sanafe"}
    timing = {path: key for path, key in silicon.origins.items() if "cycles" in path}
    assert timing and set(timing.values()) == {"sanafe"}
    assert {key for path, key in old.origins.items() if "cycles" in path} == {"davies2018"}


def refused(section, key, value):
    data = copy.deepcopy(EDGE)
    data[section] = {**data.get(section, {}), key: value}
    with pytest.raises(ChipError) as caught:
        chip_from_data(data, "my.yaml")
    return str(caught.value)


@pytest.mark.parametrize(
    ("path", "key", "expected"),
    [
        ("core.neurns", "neurosim", "origins.core.neurns: no such field of the chip; did you mean 'neurons'?"),
        ("core.neurons.n", "neurosim", "origins.core.neurons.n: no such field of the chip; known fields there: none"),
        ("", "neurosim", "no such field of the chip"),
        ("core.neurons", "nobody", "origins.core.neurons: got 'nobody', which sources does not list"),
    ],
)
def test_wrong_origin(path, key, expected):
    assert expected in refused("origins", path, key)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("hop_eas", "energy.inject.included_in: got 'hop_eas', not an action; did you mean 'hop_east'?"),
        ("hop_east and nothig", "got 'nothig', not an action"),
        ("somewhere else", "not an action; name actions that carry it, or write nothing (why)"),
        ("nothing", "got 'nothing' without a reason; write nothing (why)"),
        ("nothing ( )", "not an action"),
        ("inject", "'inject' has no price of its own"),
        ("neuron_active", "'neuron_active' has no price of its own; name the action that carries the energy"),
        ("hop_east, hop_west,", "not an action"),
    ],
)
def test_included_in_leads_nowhere(text, expected):
    assert expected in refused("energy", "inject", {"included_in": text})


@pytest.mark.parametrize("text", ["hop_east", "hop_east, hop_west and hop_local", "nothing (the port is ideal)"])
def test_included_in_leads_to_a_price(text):
    data = copy.deepcopy(EDGE)
    data["energy"]["inject"] = {"included_in": text}
    assert chip_from_data(data, "my.yaml").energy["inject"].included_in == text
