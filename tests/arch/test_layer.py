"""The layer chip's schema: what it asks for, what it refuses, how it reads."""

import copy

import pytest

from neurosim.arch import ACTIONS, ChipError, LayerChip, chip_from_data, list_chips, load_chip
from neurosim.arch.actions import layer_actions
from neurosim.arch.layer import FEATURES
from neurosim.arch.technology.resolve import resolve_leakage, resolve_prices
from tests.arch.test_describe import shown_at
from tests.engine.layer_chips import BASE, layer_chip


@pytest.mark.parametrize("name", list_chips("layer"))
def test_every_action_of_a_layer_chip_has_a_price_and_a_source(name):
    chip = load_chip(name)
    assert isinstance(chip, LayerChip)
    prices = resolve_prices(chip)
    assert set(layer_actions(chip.features)) <= set(prices) <= set(layer_actions(FEATURES))
    for action, price in prices.items():
        assert price.component == ACTIONS[action].component and price.source
        assert price.pj > 0 or price.source.startswith("included in ")
    assert all(x.source and x.power_mw > 0 for x in resolve_leakage(chip))


def test_the_shipped_chip_takes_its_technology_from_edge_28nm():
    layer, edge = load_chip("edge-28nm-layer"), load_chip("edge-28nm")
    assert (layer.technology, layer.clock) == (edge.technology, edge.clock)
    same = {name: value for name, value in edge.arithmetic.model_dump().items() if name != "delay_max"}
    assert {name: getattr(layer.arithmetic, name) for name in same} == same


def test_a_window_is_a_number_or_all():
    assert [layer_chip(time_window=w).core.window(8) for w in (1, 3, 99, "all")] == [1, 3, 8, 8]
    assert [layer_chip(time_window=w).core.batch(8) for w in (3, "all")] == [3, 8]
    assert layer_chip(time_window=3, weight_reuse_over_time=False).core.batch(8) == 1
    for wrong in (0, -1, "some", True, 2.0, None, 65537):
        with pytest.raises(ChipError, match=r"^test\.yaml: core\.time_window: .*expected a number") as caught:
            layer_chip(time_window=wrong)
        assert "\n" not in str(caught.value)


def edited(**changes):
    data = copy.deepcopy(BASE)
    for path, value in changes.items():
        *parents, last = path.split("__")
        inner = data
        for step in parents:
            inner = inner[step]
        if value is None:
            del inner[last]
        else:
            inner[last] = value
    return data


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"energy__array_slot": None}, r"energy: no price for array_slot"),
        ({"energy__array_slots": {"pj": 1, "source": "neurosim"}}, r"array_slots: unknown.*did you mean 'array_slot'"),
        ({"energy__hop_east": {"pj": 1, "source": "neurosim"}}, r"hop_east: an action that a layer chip cannot do"),
        ({"energy__array_slot": {"pj": 1, "source": "me"}}, r"energy\.array_slot\.source: got 'me'"),
        ({"arithmetic__delay_max": 3}, r"arithmetic\.delay_max: got 3, expected 0"),
        ({"leakage": [{"component": "x", "per": "tile", "power_mw": 1, "source": "neurosim"}]}, r"got 'tile'"),
        ({"core__array__columns": 65}, r"core\.array\.columns: got 65"),
        ({"core__array__rowz": 4}, r"core\.array\.rowz: unknown key; did you mean 'rows'"),
        ({"core__spike_packing": "tight"}, r"core\.spike_packing: got 'tight'"),
        ({"core__update__when": None}, r"core\.update\.when: missing.*edge-28nm-layer"),
        ({"core__execution": "layers"}, r"core\.execution: got 'layers', expected one of barrier, event, layer"),
        ({"energy__host_word": {"derive": [{"sram": "axon_table"}]}}, r"execution 'layer' has no such memory"),
        ({"core__synaptic_memory__banks": 1}, r"core\.synaptic_memory\.read_cycles 1 .* is shorter"),
        ({"mesh": {"topology": "mesh"}}, r"mesh: unknown key"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_name(changes, message):
    with pytest.raises(ChipError, match=message):
        chip_from_data(edited(**changes), "my.yaml")


def test_a_barrier_chip_cannot_name_a_layer_chips_memory():
    data = load_chip("edge-28nm").model_dump(mode="json", by_alias=True, exclude_none=True)
    data["energy"]["barrier"] = {"derive": [{"sram": "spike_buffer"}]}
    with pytest.raises(ChipError, match=r"my\.yaml: sram: spike_buffer: a core with execution 'barrier'"):
        chip_from_data(data, "my.yaml")


@pytest.mark.parametrize("width", [100, 140])
def test_it_reads_as_text(width):
    chip = load_chip("edge-28nm-layer")
    shown = shown_at(chip, width)
    assert max(map(len, shown.splitlines())) <= width
    words = {word for line in shown.splitlines() for word in line.split()[:1]}
    assert set(chip.energy) <= words
    for said in ("16 output neurons x 8 timesteps", "the whole sample", "partial_sum_buffer", "sums of 32 b"):
        assert said in shown
    assert "a weight tile is fetched once a timestep" in shown_at(layer_chip(weight_reuse_over_time=False), width)
    assert "exposed: the array waits" in shown_at(layer_chip(weight_buffer={"load": "exposed"}), width)


def test_reuse_needs_a_buffer_and_history_a_window_of_one():
    with pytest.raises(ChipError, match=r"codebook: got 'reuse', which needs partial_map_buffer"):
        layer_chip(codebook="reuse")
    with pytest.raises(ChipError, match=r"membranes: 'from_history'.*got time_window all, expected 1"):
        layer_chip(membranes="from_history")
    with pytest.raises(ChipError, match=r"core\.codebook: got 'share'"):
        layer_chip(codebook="share")
    too = load_chip("edge-28nm-layer").features
    assert layer_chip().features == too == {"ternary_spikes", "front_end"}
    assert layer_chip(time_window=1, membranes="from_history").features == {"history", *too}
    assert load_chip("edge-28nm-layer-reuse").features == {"reuse", *too}


def test_an_option_without_its_prices_is_refused():
    with pytest.raises(ChipError, match="energy: no price for history_fold"):
        chip_from_data(
            edited(energy__history_fold=None, core__time_window=1, core__membranes="from_history"), "test.yaml"
        )


def test_the_chip_that_reuses_is_edge_28nm_layer_otherwise():
    plain, reuse = load_chip("edge-28nm-layer"), load_chip("edge-28nm-layer-reuse")
    added = {"codebook": "decode", "partial_map_buffer": None}
    assert reuse.core.model_copy(update=added) == plain.core
    assert {name: reuse.energy[name] for name in plain.energy} == plain.energy
    for field in ("clock", "technology", "arithmetic", "standing", "front_end"):
        assert getattr(reuse, field) == getattr(plain, field), field


def test_a_chip_says_what_it_reuses_and_works_out():
    shown = shown_at(load_chip("edge-28nm-layer-reuse"), 160)
    assert "by layer: what costs less energy" in shown and "partial sums of codewords" in shown
    assert "none stored" in shown_at(layer_chip(time_window=1, membranes="from_history"), 160)
