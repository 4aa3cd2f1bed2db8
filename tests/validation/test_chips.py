"""Witness: published chip figures (Loihi, TrueNorth, ODIN of them here). A spoilt figure must show."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.errors import NeurosimError
from neurosim.validation import validate
from neurosim.validation.case import EQUAL, MISS, SKIPPED, WITHIN

DATA = Path(__file__).parent / "data" / "chips" / "chips.csv"


def verdicts(path=DATA):
    return {case.name: case for case in validate("chips", path)}


def spoilt(tmp_path, old, new):
    text = DATA.read_text()
    assert text.count(old) == 1
    path = tmp_path / "chips.csv"
    path.write_text(text.replace(old, new))
    return verdicts(path)


def test_all_agree():
    found = verdicts()
    assert {case.verdict for case in found.values()} == {EQUAL, WITHIN}
    assert found["Loihi in loihi-2018"].detail == "6 energies"
    assert found["Loihi(SANA-FE model) in loihi-silicon"].detail == "9 energies"
    assert sum(name.startswith("ODIN power_") for name in found) == 2
    assert "factor 3.57" in found["TrueNorth from the tables: power at 20.07 Hz"].detail


@pytest.mark.parametrize(
    ("old", "new", "name"),
    [
        ("power_75MHz_37.5MSOPs,477", "power_75MHz_37.5MSOPs,490", "ODIN power_75MHz_37.5MSOPs"),
        ("power_20.07Hz,71", "power_20.07Hz,73", "TrueNorth power_20.07Hz on the line of the others"),
        ("marginal_energy_per_event,2.297", "marginal_energy_per_event,2.4", "TrueNorth marginal_energy_per_event"),
        ("energy_per_neuron_update_active,81", "energy_per_neuron_update_active,80", "Loihi in loihi-2018"),
        ("axon_out_message_energy,111.0", "axon_out_message_energy,110", "Loihi(SANA-FE model) in loihi-silicon"),
    ],
)
def test_a_spoilt_figure_is_a_miss(tmp_path, old, new, name):
    assert spoilt(tmp_path, old, new)[name].verdict == MISS


def test_what_is_not_there_is_not_compared(tmp_path):
    path = tmp_path / "chips.csv"
    lines = DATA.read_text().splitlines()
    path.write_text("\n".join([*lines[:2], *(x for x in lines if x.startswith("MorphIC"))]))
    other = tmp_path / "other.csv"
    other.write_text("a,b\n1,2\n")
    with pytest.raises(NeurosimError, match="no table of chips"):
        list(validate("chips", other))
    # The one line left was only recalled, or is of a chip that is not held: four lines say so.
    assert {case.verdict for case in verdicts(path).values()} == {SKIPPED}


def test_recalled_figures_are_no_witness(tmp_path):
    found = spoilt(tmp_path, "power_1.3MHz_650kSOPs,35,uW,0.55 V measured,Frenkel 2019; read in mimarsinan "
                   "silicon_correlation_research.md,yes", "power_1.3MHz_650kSOPs,99,uW,,recalled,no")  # fmt: skip
    assert sum(name.startswith("ODIN power_") for name in found) == 1


def test_bad_lines_are_named(tmp_path):
    with pytest.raises(NeurosimError, match=r"line \d+, column unit: got 'nW'"):
        spoilt(tmp_path, "power_75MHz_37.5MSOPs,477,uW", "power_75MHz_37.5MSOPs,477,nW")
    with pytest.raises(NeurosimError, match=r"column quantity: got 'power_11\.58Hz'"):
        spoilt(tmp_path, "power_20.07Hz,71", "power_11.58Hz,71")
