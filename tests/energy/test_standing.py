"""Gating, clocks that run all the time, loading, calibration: each a line of its own, and all of it optional."""

from __future__ import annotations

from math import fsum
from pathlib import Path

import pytest
import yaml

from neurosim import simulate
from neurosim.arch import list_chips, load_chip
from neurosim.arch.describe import describe
from neurosim.arch.technology.arithmetic import router_clock_energy
from neurosim.arch.technology.resolve import memory_figures, resolve_idle_clock, resolve_leakage
from neurosim.data_files import data_root
from neurosim.energy.chip_prices import chip_leakage, chip_prices
from neurosim.energy.loading import loading_leaves
from neurosim.energy.table import IDLE_CLOCK, LEAKAGE
from neurosim.errors import NeurosimError
from neurosim.report.text import console
from neurosim.result import Result

PRICED = [name for name in list_chips() if getattr(load_chip(name), "energy", None)]


def changed(tmp_path: Path, name: str, **sections):
    """A shipped chip with sections of its file replaced, or left out where None."""
    described = {**yaml.safe_load((data_root("arch") / "chips" / f"{name}.yaml").read_text()), **sections}
    path = tmp_path / f"{name}.yaml"
    path.write_text(yaml.safe_dump({key: value for key, value in described.items() if value is not None}))
    return load_chip(str(path))


def with_standing(tmp_path: Path, standing: dict | None, name: str = "edge-28nm"):
    """A shipped chip with that standing section, or with none."""
    return changed(tmp_path, name, standing=standing)


CLOCK = {"idle_clock": [{"component": "router_clock", "per": "tile", "derive": [{"router_clock": 32}]}]}


def test_a_gated_core_leaks_a_share_and_the_rest_is_as_before(tmp_path):
    plain = simulate("mnist-conv-w4", with_standing(tmp_path, None), samples=2)
    chip = with_standing(tmp_path, {"power_gating": {"unused_share": 0.1, "source": "neurosim"}})
    gated = simulate("mnist-conv-w4", chip, samples=2)
    used, cores = gated.fit["cores_used"], 16
    assert 0 < used < cores
    assert gated.energy.total_pj(leakage=False) == plain.energy.total_pj(leakage=False)
    by_core = {x.component for x in resolve_leakage(chip) if x.component != "router"}
    before, after = (
        fsum(leaf.energy_pj for leaf in r.energy.leaves if leaf.action == LEAKAGE and leaf.component in by_core)
        for r in (plain, gated)
    )
    assert after == pytest.approx(before * (used + 0.1 * (cores - used)) / cores, rel=1e-12)
    # The gated cores have lines of their own, and routers are not gated.
    lines = [leaf for leaf in gated.energy.leaves if "unused and gated, x 0.1" in leaf.source]
    assert {leaf.component for leaf in lines} == by_core
    low, high = gated.energy.band_pj(leakage=True)
    assert low < gated.energy.total_pj(leakage=True) < high


def test_an_idle_clock_is_cycles_times_instances(tmp_path):
    plain = simulate("mnist-conv-w4", with_standing(tmp_path, None), samples=2)
    clocked = simulate("mnist-conv-w4", with_standing(tmp_path, CLOCK), samples=2)
    pj, source = router_clock_energy(32, 28, 0.9)
    expected = pj * 16 * int(clocked.round_cycles.sum())
    assert clocked.energy_pj - plain.energy_pj == pytest.approx(expected, rel=1e-9)
    (leaf,) = [leaf for leaf in clocked.energy.leaves if leaf.action == IDLE_CLOCK]
    assert leaf.component == "router_clock" and leaf.source == source and leaf.banded
    # It is no leakage: it stands apart in the sums by component.
    assert clocked.energy.by_component()["router_clock"] == pytest.approx(expected, rel=1e-12)
    assert clocked.energy.total_pj(leakage=True) == plain.energy.total_pj(leakage=True)


def test_the_clock_of_cores_without_neurons_is_off(tmp_path):
    entry = {"component": "core_clock", "per": "core", "derive": [{"register": 32, "count": 4}]}
    everywhere, used = (
        simulate("mnist-conv-w4", with_standing(tmp_path, {"idle_clock": [{**entry, "cores": cores}]}), samples=2)
        for cores in ("all", "used")
    )
    first, second = (r.energy.by_component()["core_clock"] for r in (everywhere, used))
    assert second == pytest.approx(first * used.fit["cores_used"] / 16, rel=1e-12)


CALIBRATION = {
    "factor": 2.0, "low": 1.5, "high": 3.0, "of": "dynamic", "quantity": "a made-up measurement", "source": "neurosim"
}  # fmt: skip


@pytest.mark.parametrize("of", ["dynamic", "all"])
def test_a_calibration_is_stated_or_applied(tmp_path, of):
    plain = simulate("mnist-conv-w4", "edge-28nm", samples=2)
    assert plain.calibration is None and plain.calibrated_pj is None
    stated, applied = (
        simulate(
            "mnist-conv-w4", changed(tmp_path, "edge-28nm", calibration={**CALIBRATION, "of": of, "applied": on}),
            samples=2,
        )
        for on in (False, True)
    )  # fmt: skip
    clocks = fsum(x.energy_pj for x in plain.energy.leaves if x.action == IDLE_CLOCK)
    standing = plain.energy.total_pj(leakage=True)
    rest = 0.0 if of == "all" else standing
    wanted = tuple((plain.energy_pj - rest) * factor + rest for factor in (2.0, 1.5, 3.0))
    assert stated.energy_pj == plain.energy_pj
    assert stated.calibrated_pj == pytest.approx(wanted, rel=1e-12)
    assert applied.energy_pj == pytest.approx(wanted[0], rel=1e-12) and clocks > 0
    assert applied.calibrated_pj == pytest.approx(wanted, rel=1e-12)
    priced = [leaf for leaf in applied.energy.leaves if leaf.energy_pj and (of == "all" or leaf.action != LEAKAGE)]
    assert all("calibrated x 2 (neurosim" in leaf.source for leaf in priced)
    low, high = plain.energy.band_pj(leakage=False)
    assert applied.energy.band_pj(leakage=False) == pytest.approx((2 * low, 2 * high), rel=1e-12)
    assert applied.to_json()["calibration"]["energy_pj"] == applied.calibrated_pj
    path = applied.save(tmp_path / "r.npz")
    assert Result.load(path).calibrated_pj == applied.calibrated_pj


def test_a_clock_with_a_number(tmp_path):
    clock = {"component": "clock_tree", "per": "core", "pj_per_cycle": 2.0, "source": "neurosim"}
    chip = with_standing(tmp_path, {"idle_clock": [clock]})
    (power,) = resolve_idle_clock(chip)
    # 2 pJ in 2 ns is 1 mW.
    assert (power.power_mw, power.instances) == (pytest.approx(1.0), 16)


@pytest.mark.parametrize("name", ["edge-28nm", "edge-28nm-layer"])
def test_loading_writes_every_word_once(tmp_path, name):
    plain = simulate("mnist-conv-w4", with_standing(tmp_path, None, name), samples=2)
    chip = with_standing(tmp_path, {"loading": "each_run"}, name)
    loaded = simulate("mnist-conv-w4", chip, samples=2)
    leaves = [leaf for leaf in loaded.energy.leaves if leaf.component == "loading"]
    assert loaded.energy_pj == pytest.approx(plain.energy_pj + fsum(leaf.energy_pj for leaf in leaves), rel=1e-12)
    assert {leaf.action for leaf in leaves} == {"load_write", "load_host"}
    written = sum(leaf.count for leaf in leaves if (leaf.action, leaf.part) == ("load_write", "synaptic_memory"))
    stored = sum(line["used_bits"] for line in loaded.footprint_lines if line["memory"] == "synaptic_memory")
    word = chip.core.synaptic_memory.word_bits
    assert stored / word <= written < stored / word + 16
    price = next(leaf.price_pj for leaf in leaves if leaf.part == "synaptic_memory")
    assert price == memory_figures(chip, "synaptic_memory").write_pj
    # State starts at rest: membranes are not written, thresholds are.
    state = [
        line for line in loaded.footprint_lines if line["content"] in ("membrane", "accumulator", "spikes", "sums")
    ]
    assert state
    membrane = sum(leaf.count for leaf in leaves if (leaf.action, leaf.part) == ("load_write", "membrane_memory"))
    assert 0 < membrane * chip.core.membrane_memory.word_bits < sum(line["used_bits"] for line in state)
    again = simulate("mnist-conv-w4", chip, samples=4)
    once = fsum(leaf.energy_pj for leaf in again.energy.leaves if leaf.component == "loading")
    assert once == fsum(leaf.energy_pj for leaf in leaves)


def test_published_chips_cannot_say_what_loading_costs(tmp_path):
    chip = with_standing(tmp_path, {"loading": "each_run"}, "loihi-2018")
    with pytest.raises(NeurosimError, match=r"loihi-2018: standing\.loading: its prices are published"):
        loading_leaves(chip, [])


@pytest.mark.parametrize(
    ("standing", "name", "message"),
    [
        ({"power_gating": {"unused_share": 1.5, "source": "neurosim"}}, "edge-28nm", "unused_share"),
        ({"power_gating": {"unused_share": 0.5, "source": "someone"}}, "edge-28nm", "got 'someone', which sources"),
        ({"idle_clock": [{"component": "c", "per": "core"}]}, "edge-28nm", "exactly one of pj_per_cycle and derive"),
        ({"idle_clock": [{"component": "c", "per": "core", "pj_per_cycle": 1}]}, "edge-28nm", "has no source"),
        ({"power_gating": {"unused_share": 0.5, "source": "neurosim"}}, "edge-28nm-layer", "no cores to gate"),
        (CLOCK, "edge-28nm-layer", "per: got 'tile', expected one of chip, core"),
        (CLOCK, "loihi-2018", "clock.synchronous is false"),
        ({"loading": "weekly"}, "edge-28nm", "loading"),
        ({"sleep": 1}, "edge-28nm", "sleep"),
        ({"idle_clock": [{**CLOCK["idle_clock"][0], "cores": "used"}]}, "edge-28nm", "expected per: core"),
    ],
)
def test_bad_values_are_named(tmp_path, standing, name, message):
    with pytest.raises(NeurosimError, match=message):
        with_standing(tmp_path, standing, name)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"factor": 4.0}, "got low 1.5, factor 4, high 3"),
        ({"source": "someone"}, "got 'someone', which sources"),
        ({"factor": -1.0}, "factor"),
        ({"of": "half"}, "of"),
    ],
)
@pytest.mark.parametrize("name", ["edge-28nm", "edge-28nm-layer"])
def test_bad_calibrations_are_named(tmp_path, change, message, name):
    with pytest.raises(NeurosimError, match=message):
        changed(tmp_path, name, calibration={**CALIBRATION, **change})


def test_it_is_shown(tmp_path):
    chip = with_standing(tmp_path, {**CLOCK, "power_gating": {"unused_share": 0.1, "source": "neurosim"}})
    shown = console()
    with shown.capture() as capture:
        shown.print(describe(chip))
    text = " ".join(capture.get().split())
    assert "Clocks that run all the time" in text and "leak 0.1 of what others do" in text
    assert "Area of the memories" in text and "as ODIN's core over its memories" in text
    chip = changed(tmp_path, "edge-28nm", calibration=CALIBRATION)
    with shown.capture() as capture:
        shown.print(describe(chip))
    assert "2, 1.5 to 3" in " ".join(capture.get().split())


@pytest.mark.parametrize("name", PRICED)
def test_shipped_chips_leak_and_every_joule_has_a_source(name):
    chip = load_chip(name)
    result = simulate("mnist-conv-w4", chip, samples=2)
    assert result.energy.unsourced_share() == 0
    assert result.energy.total_pj(leakage=True) > 0
    leaking = {leaf.component for leaf in result.energy.leaves if leaf.action == LEAKAGE}
    assert leaking == {spec.component for spec in chip.leakage}
    # All of it for all of the time, whatever is in use.
    power_mw = fsum(x.power_mw * x.instances for x in chip_leakage(chip) if x.action == LEAKAGE)
    seconds = result.round_cycles.sum() * chip.clock.quantum_ps * 1e-12
    assert result.energy.total_pj(leakage=True) == pytest.approx(power_mw * 1e-3 * seconds * 1e12, rel=1e-9)
    assert all(price.source for price in chip_prices(chip).values())
    # Synchronous chips pay for their clocks and for being loaded; no source gives either for Loihi.
    clocks = {leaf.component for leaf in result.energy.leaves if leaf.action == IDLE_CLOCK}
    loading = any(leaf.component == "loading" for leaf in result.energy.leaves)
    assert (bool(clocks), loading) == (chip.clock.synchronous,) * 2


def test_shipped_chips_are_five():
    assert PRICED == ["edge-28nm", "edge-28nm-layer", "edge-28nm-layer-reuse", "loihi-2018", "loihi-silicon"]
