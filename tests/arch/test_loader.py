"""Chip files: shipped ones load and price everything; a broken one is one line with file, field, value and limit."""

import copy
import math
import tracemalloc

import pytest
import yaml

from neurosim.arch import ACTIONS, ChipError, chip_from_data, list_chips, load_chip
from neurosim.arch.yaml_file import MAX_BYTES
from neurosim.data_files import data_root

TEXT = (data_root("arch") / "chips" / "edge-28nm.yaml").read_text("utf-8")
EDGE = yaml.safe_load(TEXT)
SOURCED = {"pj": 1.0, "source": "neurosim"}
MISSING = object()


def edited(*edits):
    """The edge chip's data with ``(path, value)`` edits; MISSING removes the key."""
    data = copy.deepcopy(EDGE)
    for path, value in edits:
        *parents, last = path
        place = data
        for key in parents:
            place = place[key]
        if value is MISSING:
            del place[last]
        else:
            place[last] = value
    return data


def message(path, value):
    with pytest.raises(ChipError) as caught:
        chip_from_data(edited((path, value)), "my.yaml")
    text = str(caught.value)
    assert text.startswith("my.yaml: ") and "\n" not in text
    return text


def test_shipped_chips():
    assert list_chips() == [
        "edge-28nm",
        "edge-28nm-layer",
        "edge-28nm-layer-reuse",
        "loihi-2018",
        "loihi-silicon",
        "odin",
        "ranc",
        "reckon",
        "tinyodin",
    ]
    assert list_chips("barrier") == ["edge-28nm", "loihi-2018", "loihi-silicon", "ranc"]
    assert list_chips("phases") == ["reckon"]
    assert list_chips("event") == ["odin", "tinyodin"]
    assert list_chips("layer") == ["edge-28nm-layer", "edge-28nm-layer-reuse"]
    for name in list_chips():
        assert load_chip(name).name == name


def test_a_chip_file_by_path_is_the_same_chip(tmp_path):
    path = tmp_path / "own.yaml"
    path.write_text(TEXT, "utf-8")
    assert load_chip(path) == load_chip("edge-28nm")
    assert load_chip(str(path)).content_hash() == load_chip("edge-28nm").content_hash()


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["core", "neurns"], 3, ["core.neurns", "unknown key", "did you mean 'neurons'?"]),
        (["leakag"], [], ["leakag", "did you mean 'leakage'?"]),
        (["router", "latency_cycles", "eats"], 3, ["router.latency_cycles.eats", "did you mean 'east'?"]),
        (["energy", "hop_east", "nota"], "x", ["energy.hop_east.nota", "did you mean 'note'?"]),
        (["energy", "accumulate_conv", "derive", 0, "ader"], 3, ["accumulate_conv.derive.0.ader", "mean 'adder'?"]),
        (["leakage", 4, "derive", 0, "regster"], 3, ["leakage.4.derive.0.regster", "did you mean 'register'?"]),
        (["leakage", 0, "power_mv"], 1, ["leakage.0.power_mv", "did you mean 'power_mw'?"]),
        (["mesh", "qqq"], 3, ["mesh.qqq", "unknown key", "known keys: chips, cores_per_tile, height, topology, width"]),
        (["energy", "hop_eastt"], SOURCED, ["energy.hop_eastt", "unknown action", "did you mean 'hop_east'?"]),
    ],
)
def test_unknown_key(path, value, expected):
    text = message(path, value)
    assert [part for part in expected if part not in text] == []


def test_a_misspelt_key_is_reported_before_the_missing_one_it_leaves():
    data = edited((["core", "neurons"], MISSING), (["core", "neurns"], 1024))
    with pytest.raises(ChipError, match=r"core\.neurns: unknown key; did you mean 'neurons'\? \(and 1 more problem\)"):
        chip_from_data(data, "my.yaml")


@pytest.mark.parametrize("path", [["format"], ["clock", "quantum_ps"], ["core", "synaptic_memory", "capacity_bits"]])
def test_missing_key(path):
    assert f"{'.'.join(path)}: missing; add it" in message(path, MISSING)


def test_missing_action():
    assert "energy: no price for hop_west; give pj, derive or included_in" in message(["energy", "hop_west"], MISSING)


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        (["core", "neurons"], 0, "got 0, input should be greater than or equal to 1"),
        (["core", "neurons"], -7, "got -7, input should be greater than or equal to 1"),
        (["core", "neurons"], 1.5, "got 1.5, input should be a valid integer"),
        (["core", "neurons"], "many", "got 'many', input should be a valid integer"),
        (["core", "neurons"], True, "got True, expected a number"),
        (["core", "neurons"], None, "got None, input should be a valid integer"),
        (["core", "neurons"], [4], "got a list, input should be a valid integer"),
        (["core", "neurons"], 1 << 41, "less than or equal to 1099511627776"),
        (["core", "neurons"], 1 << 200, "got an integer of more than 128 bits"),
        (["core", "synaptic_memory", "word_bits"], -64, "got -64, input should be greater than or equal to 1"),
        (["core", "synaptic_memory", "shared_kernels"], "maybe", "got 'maybe', input should be a valid boolean"),
        (["core", "synapse", "axon_lookup_cycles"], -1, "greater than or equal to 0"),
        (["core"], 5, "got 5, input should be a valid dictionary"),
        (["mesh", "width"], 1025, "got 1025, input should be less than or equal to 1024"),
        (["technology", "device"], "cmos", "input should be 'hp', 'lstp' or 'lop'"),
        (["technology", "voltage_v"], 0, "got 0, input should be greater than 0"),
        (["clock", "quantum_ps"], math.nan, "got nan, input should be a finite number"),
        (["clock", "quantum_ps"], math.inf, "got inf, input should be a finite number"),
        (["clock", "quantum_ps"], -2000, "got -2000, input should be greater than 0"),
        (["format"], "neurosim-chip/2", "got 'neurosim-chip/2', input should be 'neurosim-chip/1'"),
        (["name"], "../edge", "got '../edge', string should match pattern"),
        (["title"], 3, "got 3, input should be a valid string"),
        (["sources", "neurosim"], "  ", "got '  ', string should have at least 1 character"),
        (["barrier", "cycles"], {}, "should have at least 1 item"),
        (["leakage"], [], "should have at least 1 item"),
        (["arithmetic", "leaks"], ["leak"], "input should be 'none', 'multiply', 'shift' or 'subtract'"),
    ],
)
def test_wrong_value(path, value, expected):
    text = message(path, value)
    assert f"{'.'.join(path)}" in text and expected in text


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"pj": 2.5}, "energy.hop_east: 2.5 pJ has no source"),
        ({"pj": 2.5, "source": ""}, "energy.hop_east.source: got ''"),
        ({"pj": 2.5, "source": "nobody"}, "energy.hop_east.source: got 'nobody', which sources does not list"),
        ({**SOURCED, "included_in": "inject"}, "exactly one of pj, derive or included_in, got ['pj', 'included_in']"),
        ({**SOURCED, "derive": [{"adder": 8}]}, "exactly one of pj, derive or included_in, got ['pj', 'derive']"),
        ({}, "exactly one of pj, derive or included_in, got none"),
        ({"derive": []}, "energy.hop_east.derive: got a list"),
        ({"derive": [{"adder": 8, "mux": 8}]}, "derive.0: a term needs exactly one kind, got ['adder', 'mux']"),
        ({"derive": [{"count": 2}]}, "derive.0: a term needs exactly one kind, got none"),
        ({"derive": [{"sram": "cache"}]}, "derive.0.sram: got 'cache', input should be 'synaptic_memory'"),
        ({"pj": math.nan, "source": "neurosim"}, "energy.hop_east.pj: got nan, input should be a finite number"),
        ({"pj": math.inf, "source": "neurosim"}, "energy.hop_east.pj: got inf, input should be a finite number"),
        ({"pj": -1, "source": "neurosim"}, "energy.hop_east.pj: got -1, input should be greater than or equal to 0"),
        ({**SOURCED, "low_pj": 2.0}, "1 pJ lies outside its band, low_pj 2"),
        ({**SOURCED, "high_pj": 0.5}, "1 pJ lies outside its band, low_pj 0 to high_pj 0.5"),
    ],
)
def test_wrong_price(spec, expected):
    assert expected in message(["energy", "hop_east"], spec)


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"power_mw": 3.0}, "leakage.0: 3 mW has no source"),
        ({"power_mw": 3.0, "source": "nobody"}, "leakage.0.source: got 'nobody', which sources does not list"),
        ({}, "leakage.0: x: give exactly one of power_mw and derive, got none"),
        ({"power_mw": 1, "source": "neurosim", "derive": [{"adder": 1}]}, "one of power_mw and derive, got both"),
        ({"derive": [{"mux": 32}]}, "no tabulated leakage for mux"),
    ],
)
def test_wrong_leakage(spec, expected):
    assert expected in message(["leakage", 0], {"component": "x", "per": "core", **spec})


def test_topologies():
    assert "my.yaml: mesh: expected topology: mesh, torus, tree or bus" in message(["mesh", "topology"], "ring")
    tree = {"topology": "tree", "arity": 4, "levels": 2, "cores_per_tile": 1}
    assert "router.latency_cycles: expected up, down, local for mesh.topology tree" in message(["mesh"], tree)
    assert "levels: 4 ** 7 tiles, expected at most 4096" in message(["mesh"], tree | {"levels": 7})
    assert "mesh.arty: unknown key; did you mean 'arity'?" in message(["mesh"], tree | {"arty": 4})
    assert "an even number on a torus" in message(["mesh", "topology"], "torus")
    cut = {"width": 3, "height": 2, "latency_cycles": 30, "interval_cycles": 8}
    assert "expected a divisor of the mesh's width 4" in message(["mesh", "chips"], cut)
    assert "no price for hop_off_chip" in message(["mesh", "chips"], cut | {"width": 2})
    assert "expected only with delivery: multicast" in message(["router", "key_table"], {"entries": 4, "key_bits": 32})


def test_packets_that_part_have_one_flit():
    data = edited((["router", "delivery"], "multicast"), (["router", "flits_per_packet"], 2))
    with pytest.raises(ChipError, match="flits_per_packet: got 2, expected 1"):
        chip_from_data(data, "my.yaml")


def test_io_tile_outside():
    assert "io.tile: got [4, 0], expected at most [3, 3] on 4 x 4 tiles" in message(["io", "tile"], [4, 0])
    assert "io.tile: got [0, 4], expected at most [3, 3]" in message(["io", "tile"], [0, 4])
    chip_from_data(edited((["io", "tile"], [3, 3])), "my.yaml")


def test_int_bits_in_order():
    assert "int_bits: got [8, 1], expected [fewest, most]" in message(["arithmetic", "int_bits"], [8, 1])


def test_a_node_outside_the_tables_is_refused_on_loading():
    assert "technology.node_nm: got 14 (lstp, ED^2); the SRAM table holds 22 to 90 nm" in message(
        ["technology", "node_nm"], 14
    )


def test_a_derived_memory_without_a_size():
    assert "core.axon_table.capacity_bits: null" in message(["core", "axon_table", "capacity_bits"], None)


def test_clock_too_fast_for_a_derived_memory():
    text = message(["clock", "quantum_ps"], 500)
    assert "clock.quantum_ps: 500 ps x core.axon_table.read_cycles 1 = 500 ps" in text
    assert "access time of 863 ps" in text and "give read_cycles 2" in text
    slower = [(["core", m, "read_cycles"], 4) for m in ("synaptic_memory", "membrane_memory", "axon_table")]
    slower += [(["core", "routing_table", "read_cycles"], 4), (["core", "membrane_memory", "write_cycles"], 4)]
    chip_from_data(edited((["clock", "quantum_ps"], 500), *slower), "my.yaml")
    # Without a clock the times stand as the file gives them.
    without = (["clock", "synchronous"], False), (["standing", "idle_clock"], [])
    chip_from_data(edited((["clock", "quantum_ps"], 500), *without), "my.yaml")


def test_the_clock_is_not_held_to_a_memory_with_published_prices():
    data = edited((["clock", "quantum_ps"], 500), (["technology", "node_nm"], 14))
    data["energy"] = {name: SOURCED for name in ACTIONS}
    data["leakage"] = [{"component": "x", "per": "chip", "power_mw": 1, "source": "neurosim"}]
    assert chip_from_data(data, "my.yaml").clock.quantum_ps == 500


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"- 1\n- 2\n", "holds list, expected a mapping"),
        (b"", "holds NoneType, expected a mapping"),
        (b"just words", "holds str, expected a mapping"),
        (b"a: 1\nb: [1, 2\n", "not valid YAML: line 3: expected ',' or ']'"),
        (b"a: \xff", "byte 3 is not UTF-8"),
        (b"a: 1\nb: 2\na: 3\n", "line 3: key 'a' given twice"),
        (b"a: &x [1]\nb: *x\n", "line 2: alias *x; aliases are not supported"),
        (b"a: !!python/object/apply:os.getcwd []\n", "could not determine a constructor"),
        (b"a: 2001-99-99", "not valid YAML: a value does not fit its type"),
        (b"a: !!bool neither", "not valid YAML: a value does not fit its type"),
        (b"? [1]\n: 2", "not valid YAML"),
        (b"[" * 50_000, "nested too deeply"),
        (b"a: \x00", "not valid YAML"),
        (b"x" * (MAX_BYTES + 1), f"larger than {MAX_BYTES} bytes"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_not_a_chip_file(tmp_path, content, expected):
    path = tmp_path / "own.yaml"
    path.write_bytes(content)
    with pytest.raises(ChipError) as caught:
        load_chip(path)
    text = str(caught.value)
    assert text.startswith(f"{path}: ") and expected in text and "\n" not in text


def test_alias_bombs_cost_nothing(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 30)]
    merges = ["a0: &a0 {x: 1}"]
    merges += [f"a{i}: &a{i} {{<<: [{', '.join([f'*a{i - 1}'] * 9)}]}}" for i in range(1, 30)]
    for bomb in (lines, merges):
        path = tmp_path / "bomb.yaml"
        path.write_text("\n".join(bomb))
        tracemalloc.start()
        with pytest.raises(ChipError, match="alias"):
            load_chip(path)
        assert tracemalloc.get_traced_memory()[1] < 20e6
        tracemalloc.stop()


def test_a_folder_and_names_that_are_none(tmp_path):
    with pytest.raises(ChipError, match="is a folder; name the chip file in it"):
        load_chip(tmp_path)
    with pytest.raises(ChipError, match="Did you mean 'loihi-2018'"):
        load_chip("loihi-2017")
    with pytest.raises(ChipError, match=r"chip 'qqq': no shipped chip or file of that name\. Shipped: edge-28nm"):
        load_chip("qqq")
    for odd in ("", "a\0b", tmp_path / "absent.yaml"):
        with pytest.raises(ChipError, match="no shipped chip or file"):
            load_chip(odd)
    with pytest.raises(ChipError, match="cannot be read"):
        load_chip("x" * 5000)


FIXED = [(("router", "arbitration"), "fixed_priority"), (("router", "priority"), {"local": ["local"]})]
RELATIVE = [(("router", k), v) for k, v in {"address": "relative", "dx_bits": 4, "dy_bits": 4}.items()]
BUS = [
    (("mesh",), {"topology": "bus", "cores": 4}),
    (("router", "latency_cycles"), {"local": 1}),
    (("router", "interval_cycles"), {"local": 1}),
]
SCAN = {"fixed_cycles": 1, "axon_cycles": 1, "every_neuron": True}


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        ([(("router", "arbitration"), "fixed_priority")], "router: priority: expected exactly where"),
        ([(("router", "priority"), {"north": ["south"]})], "router: priority: expected exactly where"),
        (
            [(("router", "arbitration"), "fixed_priority"), (("router", "priority"), {"north": ["south", "south"]})],
            "no side twice",
        ),
        ([(("router", "address"), "relative"), (("router", "dx_bits"), 4)], "dy_bits: expected exactly where"),
        ([(("router", "dx_bits"), 4)], "dx_bits: expected exactly where"),
        ([*RELATIVE, (("router", "delivery"), "multicast")], "address: relative names one destination"),
        ([*RELATIVE, *BUS], "router.address: expected only on a mesh or torus, got mesh.topology bus"),
        ([*FIXED, *BUS], "router.priority: expected only on a mesh or torus, got mesh.topology bus"),
        (
            [(("router", "address"), "relative"), (("router", "dx_bits"), 16), (("router", "dy_bits"), 16),
             (("router", "packet_bits"), 31)],
            "packet_bits: got 31, expected at least the 32",
        ),
        ([(("core", "update", "scan"), SCAN)], "core.update.scan.every_neuron: expected only with delivery next_step"),
        ([(("core", "update", "scan"), SCAN), (("core", "axons_in"), MISSING)], "axons_in: expected a number"),
        ([(("energy",), MISSING)], "energy: missing; add it, or say in without_energy why there is none"),
        ([(("leakage",), MISSING)], "leakage: missing"),
        ([(("technology",), MISSING)], "technology: missing"),
        ([(("without_energy",), "nobody measured it")], "without_energy: the file gives energy or leakage"),
    ],
)  # fmt: skip
def test_what_must_go_together(edits, expected):
    with pytest.raises(ChipError) as caught:
        chip_from_data(edited(*edits), "my.yaml")
    assert str(caught.value).startswith("my.yaml: ") and expected in str(caught.value)


def test_a_chip_may_have_no_energy():
    edits = [(("energy",), MISSING), (("leakage",), MISSING), (("without_energy",), "nobody measured it")]
    edits += [(("standing",), MISSING), (("front_end",), MISSING)]
    chip = chip_from_data(edited(*edits, (("technology",), MISSING)), "my.yaml")
    assert chip.energy == {} and chip.leakage == () and chip.technology is None
