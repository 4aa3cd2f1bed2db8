"""Phased chip files: the shipped one loads; what leads nowhere is refused with its place."""

import copy

import pytest
import yaml

from neurosim.api import runs as api
from neurosim.arch import ChipError, PhaseChip, chip_from_data, load_chip
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

RECKON = yaml.safe_load((data_root("arch") / "chips" / "reckon.yaml").read_text("utf-8"))


def edited(path, value):
    data = copy.deepcopy(RECKON)
    place = data
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return data


def test_the_shipped_one():
    chip = load_chip("reckon")
    assert isinstance(chip, PhaseChip) and chip.n_cores == 1
    assert list(chip.core.phases) == ["step", "step_done", "eprop", "scan", "event", "trace"]
    other = chip_from_data(edited(["core", "quantities", "n_output", "most"], 17), "x")
    assert other.content_hash() != chip.content_hash()


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["core", "phases", "scan", "cases", 0, "terms", 0, "amount", "largest_of"], ["n_inputs"],
         "phases.scan.cases.0: got 'n_inputs', expected one of quantities, n_input"),
        (["core", "phases", "trace", "cases", 0, "when"], [{"n_input": [1]}],
         "phases.trace.cases.0.when: 'n_input' is a size, not a mode"),
        (["core", "phases", "trace", "cases", 0, "when"], [{"mask": [1]}], "got 'mask'"),
        (["core", "phases", "trace", "cases", 0, "when"], [{}], "at least 1 item"),
        (["core", "phases", "trace", "cases"], [], "at least 1 item"),
        (["core", "quantities", "n_input", "least"], 300, "least: got 300, expected at most most, 256"),
        (["core", "quantities", "input_events", "at_most", "largest_of"], ["inputs"],
         "quantities.input_events.at_most: got 'inputs'"),
        (["core", "phases", "eprop", "cases", 1, "repeat", "group"], 0, "greater than or equal to 1"),
        (["core", "phases", "scan", "case"], 1, "unknown key; did you mean 'cases'?"),
    ],
)  # fmt: skip
def test_refused(path, value, message):
    with pytest.raises(ChipError) as caught:
        chip_from_data(edited(path, value), "my.yaml")
    text = str(caught.value)
    assert text.startswith("my.yaml: ") and message in text and "\n" not in text


@pytest.mark.parametrize(
    ("chip", "message"),
    [
        ("reckon", "chip reckon: execution is 'phases', which times steps from their counts"),
        ("ranc", "chip ranc: has no energies (we have no sourced energy of any action of this design)"),
    ],
)
def test_not_run(chip, message):
    with pytest.raises(NeurosimError) as caught:
        api.simulate("mnist-mlp-w4", chip)
    assert message in str(caught.value)
