"""Witness: energies printed by papers' own scripts and logs, from their layer tables, each to its own tolerance."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from neurosim.errors import NeurosimError
from neurosim.validation import validate
from neurosim.validation.case import MISS, WITHIN

DATA = Path(__file__).parent / "data" / "conventions"


def test_every_case_is_within_its_tolerance_and_shows_the_published_figure():
    found = list(validate("conventions", DATA))
    assert [case.verdict for case in found] == [WITHIN] * 4
    assert "7.4635026 mJ" in found[0].detail and "published 7.46 mJ" in found[0].detail
    assert all("(bar 1e-09)" in case.detail for case in found[1:])


@pytest.fixture
def copied(tmp_path):
    """A folder of cases and tables that may be spoilt, and how to change the cases."""
    for file in DATA.iterdir():
        shutil.copyfile(file, tmp_path / file.name)
    path = tmp_path / "energy_cases.json"

    def change(edit):
        content = json.loads(path.read_text())
        edit(content["cases"])
        path.write_text(json.dumps(content))
        return path

    return tmp_path, change


def set_in(*keys):
    """An edit that puts its last argument at the place of the others."""
    *way, last, value = keys

    def edit(cases):
        place = cases
        for key in way:
            place = place[key]
        place[last] = value

    return edit


@pytest.mark.parametrize(
    ("edit", "figure"),
    [
        (set_in(0, "expected", "mJ", 7.4637), "mJ: 7.46350"),
        (set_in(1, "expected", "spikes", 109771.98), "spikes: 109771.98"),
        (set_in(2, "expected", "spikes_per_live_neuron", 1.037), "spikes_per_live_neuron: 1.036"),
        (set_in(1, "maxpool", None), "AC: "),
        (set_in(3, "csv", "layers_syna_or_cifar10.csv"), "mJ: 0.66479"),
    ],
)
def test_what_is_off_is_a_miss(copied, edit, figure):
    folder, change = copied
    change(edit)
    (miss,) = (case for case in validate("conventions", folder) if case.verdict == MISS)
    assert figure in miss.detail


def test_a_rate_in_a_table_matters(copied):
    folder, _ = copied
    table = folder / "layers_spikingformer_8_512.csv"
    table.write_text(table.read_text().replace("0.258312565", "0.258412565"))
    assert next(iter(validate("conventions", folder))).verdict == MISS


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (set_in(0, "rel_tol", 1e-3), r"cases\[0\].rel_tol: got 0.001"),
        (set_in(0, "convention", "guess"), r"cases\[0\].convention: got 'guess'"),
        (set_in(0, "expected", {"AC": 1.0}), "has no 'mJ'"),
        (set_in(0, "expected", "joules", 1.0), "expected.joules: the convention gives"),
        (set_in(0, "csv", "../x.csv"), "expected the name of a file beside"),
        (set_in(0, "csv", "none.csv"), "none.csv: not a readable CSV"),
        (set_in(1, "maxpool", {"c": 1}), "maxpool: got"),
        (set_in(0, 3), r"cases\[0\]: got 3"),
    ],
)
def test_bad_cases_are_named(copied, edit, message):
    folder, change = copied
    change(edit)
    with pytest.raises(NeurosimError, match=message):
        list(validate("conventions", folder))


def test_other_files_are_refused(tmp_path):
    (tmp_path / "energy_cases.json").write_text("[]")
    with pytest.raises(NeurosimError, match="not a list of energy cases"):
        list(validate("conventions", tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(NeurosimError, match="cannot be read"):
        list(validate("conventions", tmp_path / "empty"))
