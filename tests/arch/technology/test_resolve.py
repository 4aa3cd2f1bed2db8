"""Prices of the presets: every one sourced, derived ones recomputed here, Loihi's against the reference file."""

import csv
from pathlib import Path

import pytest

from neurosim.arch import ACTIONS, list_chips, load_chip
from neurosim.arch.actions import actions_of
from neurosim.arch.technology.arithmetic import link_energy, unit_energy
from neurosim.arch.technology.resolve import memory_figures, resolve_leakage, resolve_prices
from neurosim.arch.technology.sram import sram_figures
from neurosim.energy.chip_prices import chip_leakage, chip_prices
from neurosim.energy.table import price_activity

PRICED = [name for name in list_chips("barrier") if load_chip(name).energy]
REFERENCE = Path(__file__).parents[2] / "validation" / "data" / "loihi_reference.csv"
with REFERENCE.open(encoding="utf-8") as stream:
    ROWS = {row["quantity"]: row for row in csv.DictReader(stream)}


@pytest.mark.parametrize("name", PRICED)
def test_every_action_has_a_price_and_a_source(name):
    chip = load_chip(name)
    prices = resolve_prices(chip)
    assert set(prices) == set(chip.energy) >= set(actions_of(chip.features))
    for action, price in prices.items():
        assert price.component == ACTIONS[action].component
        assert price.source and price.pj >= 0
        assert (price.pj > 0) or price.source.startswith("included in ") or chip.energy[action].pj == 0
    assert all(x.source and x.power_mw > 0 and x.instances > 0 for x in resolve_leakage(chip))


@pytest.mark.parametrize("name", PRICED)
def test_no_energy_of_a_preset_is_unsourced(name):
    chip = load_chip(name)
    actions, n = tuple(chip.energy), len(chip.energy)
    table = price_activity(
        actions, ("core 0",) * n, ("x",) * n, [1000] * n, chip_prices(chip), chip_leakage(chip), 1e-6
    )
    assert table.total_pj() > 0 and table.total_pj(leakage=True) > 0
    assert table.unsourced_share() == 0


@pytest.mark.parametrize("name", PRICED)
def test_what_a_price_is_included_in_exists(name):
    chip = load_chip(name)
    for action, spec in chip.energy.items():
        if spec.included_in is None or spec.included_in.startswith("nothing ("):
            continue
        hosts = spec.included_in.replace(" and ", ", ").split(", ")
        assert set(hosts) <= set(ACTIONS), action
        # The host carries a number of its own; otherwise the energy would be nowhere.
        assert all(chip.energy[host].included_in is None for host in hosts), action


def test_derived_prices_are_sums_of_table_entries():
    chip = load_chip("edge-28nm")
    prices = resolve_prices(chip)

    def unit(name, *widths):
        return unit_energy(name, widths, 28, 0.9)[0]

    # One bank of the 128 KiB synaptic memory, at 0.9 V instead of the table's 0.92 V.
    bank = sram_figures(64 * 8192, 64, 28, "lstp", "ED^2")
    assert prices["synapse_read_word"].pj == pytest.approx(bank.read_pj * (0.9 / 0.92) ** 2, rel=1e-12)
    state = sram_figures(2 * 8192, 32, 28, "lstp", "ED^2")
    assert prices["membrane_write"].pj == pytest.approx(state.write_pj * (0.9 / 0.92) ** 2, rel=1e-12)
    assert prices["membrane_read"].pj == pytest.approx(state.read_pj * (0.9 / 0.92) ** 2, rel=1e-12)
    assert prices["accumulate_dense"].pj == pytest.approx(unit("and_row", 8) + unit("adder", 32), rel=1e-12)
    assert prices["multiply_accumulate"].pj == pytest.approx(unit("multiplier", 8, 8) + unit("adder", 32), rel=1e-12)
    update = 2 * unit("adder", 32) + unit("shifter", 32) + unit("comparator", 32) + unit("mux", 32)
    assert prices["neuron_access"].pj == pytest.approx(update, rel=1e-12)
    assert prices["hop_east"].pj == pytest.approx(link_energy(32, 0.5, 28)[0], rel=1e-12)
    assert prices["axon_out"].source.startswith("2 x register 32 b")


def test_derived_leakage():
    chip = load_chip("edge-28nm")
    parts = {x.component: x for x in resolve_leakage(chip)}
    assert {x.instances for x in parts.values()} == {16}
    assert parts["synaptic_memory"].power_mw == pytest.approx(2 * memory_figures(chip, "synaptic_memory").leakage_mw)
    assert parts["membrane_memory"].power_mw == pytest.approx(8 * memory_figures(chip, "membrane_memory").leakage_mw)
    logic = 20 * 0.0024 + 8 * 0.05 / 16 + 40 * 32 * 7e-5
    assert parts["core_logic"].power_mw == pytest.approx(logic, rel=1e-12)
    assert "2 banks" in parts["synaptic_memory"].source


def test_a_published_price_cites_and_a_band_is_kept():
    chip = load_chip("loihi-2018")
    spec = chip.energy["hop_east"].model_copy(update={"low_pj": 2.0, "high_pj": 5.0})
    price = resolve_prices(chip.model_copy(update={"energy": {**chip.energy, "hop_east": spec}}))["hop_east"]
    assert (price.low_pj, price.pj, price.high_pj) == (2.0, 3.0, 5.0)
    assert price.source.startswith("davies2018: Davies et al., IEEE Micro 38(1), 2018, Table 2")


# Row of the reference -> (actions priced by it) or (dotted fields that hold its time in quanta, or its count).
ENERGY_2018 = {
    "synaptic op energy (minimum)": ("accumulate_dense", "accumulate_sparse", "accumulate_conv"),
    "neuron update energy active": ("neuron_active",),
    "neuron update energy inactive": ("neuron_inactive",),
    "within-tile spike energy": ("hop_local",),
    "tile hop energy east-west": ("hop_east", "hop_west"),
    "tile hop energy north-south": ("hop_north", "hop_south"),
}
TIME_2018 = {
    "synaptic op time (maximum)": tuple(f"core.synapse.cycles_per_group.{k}" for k in ("dense", "sparse", "conv")),
    "neuron update time inactive": ("core.update.access_cycles",),
    "within-tile spike latency": ("router.latency_cycles.local",),
    "tile hop latency east-west": ("router.latency_cycles.east", "router.latency_cycles.west"),
    "tile hop latency north-south": ("router.latency_cycles.north", "router.latency_cycles.south"),
}
ENERGY_SILICON = {
    "sanafe synapse energy dense": ("accumulate_dense",),
    "sanafe synapse energy sparse": ("accumulate_sparse",),
    "sanafe synapse energy conv": ("accumulate_conv",),
    "sanafe soma access energy (every mapped neuron every step)": ("neuron_access",),
    "sanafe soma update energy (added when updated)": ("neuron_active",),
    "sanafe soma spike energy (added when fired)": ("neuron_spike",),
    "sanafe axon in energy per message": ("axon_read",),
    "sanafe axon out energy per message": ("axon_out", "host_inject"),
    "sanafe hop energy east and west": ("hop_east", "hop_west"),
    "sanafe hop energy north and south": ("hop_north", "hop_south"),
}
TIME_SILICON = {
    "sanafe synapse latency dense": ("core.synapse.cycles_per_group.dense",),
    "sanafe synapse latency sparse": ("core.synapse.cycles_per_group.sparse",),
    "sanafe synapse latency conv": ("core.synapse.cycles_per_group.conv",),
    "sanafe soma access latency": ("core.update.access_cycles",),
    "sanafe soma update latency": ("core.update.active_cycles",),
    "sanafe soma spike latency": ("core.update.spike_cycles",),
    "sanafe axon in latency per message": ("core.synapse.axon_lookup_cycles",),
    "sanafe axon out latency per message": ("core.egress.cycles_per_packet",),
    "sanafe hop latency east and west": ("router.latency_cycles.east", "router.latency_cycles.west"),
    "sanafe hop latency north and south": ("router.latency_cycles.north", "router.latency_cycles.south"),
}
COUNTS = {
    "cores per chip": "n_cores",
    "tiles per chip": "mesh.n_tiles",
    "cores per tile": "mesh.cores_per_tile",
    "mesh width in tiles": "mesh.width",
    "mesh height in tiles": "mesh.height",
    "neurons per core": "core.neurons",
    "input axon slots per core": "core.axons_in",
    "output axon edges per core": "core.axons_out",
    "membrane and current state width": "arithmetic.membrane_bits_max",
    "synaptic delay field": "arithmetic.delay_max",
    "spike message width": "router.packet_bits",
    "process node": "technology.node_nm",
    "sanafe link buffer size": "router.queue_depth_flits",
}
# Neither chip models these: no learning, no random numbers, a dendrite that costs nothing, other chips' sizes.
SANAFE_LEFT_OUT = {
    "sanafe stochastic soma update energy", "sanafe dendrite update energy", "sanafe loihi_large tiles",
}  # fmt: skip


def field(chip, dotted):
    value = chip
    for name in dotted.split("."):
        value = getattr(value, name)
    return value


def value(quantity, unit):
    assert ROWS[quantity]["unit"] == unit
    return float(ROWS[quantity]["value"])


def check(chip, energies, times):
    prices = resolve_prices(chip)
    for quantity, actions in energies.items():
        assert {prices[a].pj for a in actions} == {value(quantity, "pJ")}, quantity
    for quantity, fields in times.items():
        # Nanoseconds over a quantum of 0.1 ns.
        assert {field(chip, f) for f in fields} == {round(value(quantity, "ns") * 10)}, quantity
        assert value(quantity, "ns") * 10 == pytest.approx(round(value(quantity, "ns") * 10))
    assert chip.clock.quantum_ps == 100


def test_loihi_2018_row_for_row():
    chip = load_chip("loihi-2018")
    check(chip, ENERGY_2018, TIME_2018)
    active, inactive = (value(f"neuron update time {k}", "ns") for k in ("active", "inactive"))
    assert chip.core.update.active_cycles == round((active - inactive) * 10)
    assert chip.barrier.cycles == {t: value(f"barrier sync time {t} tile{'s' * (t > 1)}", "ns") * 10 for t in (1, 32)}
    assert chip.barrier.rule == "linear"


def test_loihi_silicon_row_for_row():
    chip = load_chip("loihi-silicon")
    check(chip, ENERGY_SILICON, TIME_SILICON)
    syncs = {t: f"sanafe sync latency at {t} tile{'s' * (t > 1)}" for t in (1, 2, 4, 29)}
    assert chip.barrier.cycles == {t: round(value(quantity, "us") * 10_000) for t, quantity in syncs.items()}
    assert chip.barrier.rule == "step"
    used = {*ENERGY_SILICON, *TIME_SILICON, *syncs.values(), "sanafe link buffer size", *SANAFE_LEFT_OUT}
    assert {quantity for quantity in ROWS if quantity.startswith("sanafe")} == used


@pytest.mark.parametrize("name", ["loihi-2018", "loihi-silicon"])
def test_loihi_sizes(name):
    chip = load_chip(name)
    for quantity, dotted in COUNTS.items():
        expected = float(ROWS[quantity]["value"])
        # A field of 6 bits holds delays up to 63.
        assert field(chip, dotted) == (2**expected - 1 if dotted.endswith("delay_max") else expected), quantity
    assert chip.core.synaptic_memory.capacity_bits == value("synaptic memory per core", "KB") * 8192
    assert chip.core.routing_table.capacity_bits == value("routing table memory per core", "kB") * 8192
    assert "{}-{}".format(*chip.arithmetic.int_bits) == ROWS["synaptic weight width"]["value"]
    (static,) = resolve_leakage(chip)
    assert (static.power_mw, static.instances) == (value("static power per chip", "mW"), 1)


def test_the_two_sets_are_never_mixed():
    old, silicon = load_chip("loihi-2018"), load_chip("loihi-silicon")
    assert {spec.source for spec in old.energy.values()} == {None, "davies2018"}
    assert {spec.source for spec in silicon.energy.values()} == {None, "sanafe"}
    # One number is in both sources, 3.0 pJ for a hop to the east or west; nothing else may agree.
    both = {n for n in old.energy if old.energy[n].pj is not None and old.energy[n].pj == silicon.energy[n].pj}
    assert both == {"hop_east", "hop_west"}
