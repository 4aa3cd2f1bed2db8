"""A chip as text: every action, memory, source and assumption is there, at any width."""

import re

import pytest
from rich.console import Console

from neurosim.arch import list_chips, load_chip
from neurosim.arch.describe import describe

PRICED = [name for name in list_chips("barrier") if load_chip(name).energy]


def shown_at(chip, width):
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(describe(chip))
    return captured.get()


def text(name, width=140):
    return shown_at(load_chip(name), width)


@pytest.mark.parametrize("name", PRICED)
@pytest.mark.parametrize("width", [100, 140])
def test_complete_at_any_width(name, width):
    chip, shown = load_chip(name), text(name, width)
    lines = shown.splitlines()
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()[:1]}
    assert set(chip.energy) <= words
    assert {spec.component for spec in chip.leakage} <= words
    flat = re.sub(r"\s+", "", shown)
    for passage in [chip.title, chip.description, *chip.sources.values(), *chip.assumptions.values()]:
        assert re.sub(r"\s+", "", passage)[:40] in flat
    assert "…" not in shown


def row(shown, start):
    return next(line for line in shown.splitlines() if line.startswith(start)).split()


def test_numbers_of_loihi():
    shown = text("loihi-2018")
    assert row(shown, "accumulate_dense")[1:4] == ["accumulate", "23.6", "davies2018;"]
    assert row(shown, "accumulate, dense")[2:5] == ["35", "3.5", "ns"]
    assert row(shown, "hop north, south")[3:6] == ["65", "6.5", "ns"]
    assert row(shown, "barrier, 32 tiles")[3:6] == ["4,650", "465", "ns"]
    assert row(shown, "routing_table")[1:5] == ["20", "KiB", "32", "b"]
    assert row(shown, "membrane_memory")[1:3] == ["no", "limit"]
    assert row(shown, "static")[1:5] == ["104.4", "1", "104.4", "frady2020"]
    assert row(shown, "barrier  ")[2:5] == ["-", "the", "table"]


def test_numbers_of_the_edge_chip():
    shown = text("edge-28nm")
    assert row(shown, "synaptic_memory")[1:8] == ["128", "KiB", "64", "b", "2", "2", "ns"]
    assert row(shown, "neuron access")[2:5] == ["2", "4", "ns"]
    assert "CACTI 7 table 64 KiB x 64 b, 28 nm lstp ED^2" in shown
    assert "integers of 1 to 8 b" in shown and "float32" in shown


def test_a_band_is_shown():
    chip = load_chip("loihi-2018")
    spec = chip.energy["hop_east"].model_copy(update={"low_pj": 2.0, "high_pj": 5.5})
    banded = chip.model_copy(update={"energy": {**chip.energy, "hop_east": spec}})
    assert "3 (2 to 5.5)" in shown_at(banded, 140)


def test_a_chip_without_energy_says_so_and_what_it_adds():
    shown = re.sub(r"\s+", " ", text("ranc"))
    assert "we have no sourced energy" in shown and "Energy of one action" not in shown and "Leakage" not in shown
    assert "to north south, west, east, local" in shown
    assert "relative, 18 b of each packet: dx -256 to 255 in 9 b, dy -256 to 255 in 9 b" in shown
    assert row(text("ranc"), "neuron access")[2] == "258"


def test_phases_are_formulas():
    shown = re.sub(r"\s+", " ", text("reckon", 160))
    assert "ceil(n_recurrent / 16) x (32 + 2 x max(n_input, n_recurrent))" in shown
    assert "active_indices x 2 x ceil(n_recurrent / 2)" in shown and "regul_mode is 6 or 7" in shown
    assert max(map(len, text("reckon", 100).splitlines())) <= 100


def test_what_units_do_side_by_side_is_told():
    raw = load_chip("edge-28nm").model_dump(by_alias=True)
    raw["core"]["synaptic_memory"].update(bank_conflicts=True, ports=2)
    raw["core"]["membrane_memory"].update(shared_port=True)
    raw["core"]["synapse"].update(overlap_lookup=True, fill_cycles=3)
    raw["core"]["egress"].update(overlap_update=False)
    raw["barrier"] = {"kind": "messages", "root": [1, 2], "combine": True, "combine_cycles": 7, "root_cycles": 9}
    raw["energy"]["barrier_message_hop"] = {"included_in": "barrier"}
    shown = shown_at(type(load_chip("edge-28nm")).model_validate(raw), 160)
    for passage in (
        "look-up beside the work before it", "waits until its spikes are sent", "2 ports a bank",
        "conflicts by address", "one port for updates and packets", "on the way to tile (1, 2)",
    ):  # fmt: skip
        assert passage in shown
    assert row(shown, "pipeline fill")[2] == "3"
    assert row(shown, "barrier, combining")[2] == "7" and row(shown, "barrier, root")[2] == "9"
