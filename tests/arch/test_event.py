"""Event chips: what their file may say, what is refused, and that they are shown and not run on timesteps."""

import copy

import pytest
import yaml
from rich.console import Console

from neurosim.api import runs as api
from neurosim.arch import ChipError, EventChip, chip_from_data, list_chips, load_chip
from neurosim.arch.describe import describe
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError

TINY = yaml.safe_load((data_root("arch") / "chips" / "tinyodin.yaml").read_text("utf-8"))
EVENT = ["core", "event"]


def edited(path, value):
    data = copy.deepcopy(TINY)
    *parents, last = path
    place = data
    for key in parents:
        place = place[key]
    if value is None:
        del place[last]
    else:
        place[last] = value
    return data


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ([*EVENT, "queue", "dept"], 3, "core.event.queue.dept: unknown key; did you mean 'depth'?"),
        (["mesh"], {}, "mesh: unknown key"),
        (["without_energy"], None, "without_energy: missing; add it (see a shipped chip with: neurosim show chip tiny"),
        ([*EVENT, "queue", "depth"], 0, "core.event.queue.depth: got 0, "),
        ([*EVENT, "queue", "when_full"], "stall", "core.event.queue.when_full: got 'stall', "),
        ([*EVENT, "synchroniser_stages"], 0, "core.event.synchroniser_stages: got 0, "),
        ([*EVENT, "arbiter", "order"], ["input", "input"], "expected input and queue, and nothing twice"),
        ([*EVENT, "arbiter", "order"], ["input", "queue_full"], "expected input and queue, and nothing twice"),
        ([*EVENT, "arbiter", "order"], ["input", "queue", "background_input"], "exactly if an operation is background"),
        ([*EVENT, "spike_enters_as"], "tref_all", "spike_enters_as: got 'tref_all', expected an operation that enters"),
        ([*EVENT, "spike_enters_as"], "nothing", "spike_enters_as: got 'nothing'"),
        ([*EVENT, "operations", "virtual", "empty_operand_means"], "x", "operations.virtual.empty_operand_means: got"),
        ([*EVENT, "operations", "virtual", "over"], "all_words", "over: got 'all_words', expected one_neuron where"),
        ([*EVENT, "operations", "virtual", "last_neuron"], 256, "virtual.last_neuron: got 256, expected at most 255"),
        ([*EVENT, "operations", "spike", "background"], True, "background: only an operation that enters at the"),
        ([*EVENT, "operations", "tref_all", "empty_operand_means"], "spike", "'leak' has no operand"),
        ([*EVENT, "plasticity"], {"kind": "sdsp", "middle": 4}, "neuron.calcium_max: missing"),
        ([*EVENT, "neuron", "sign"], "row", "weight_min: got -8, expected 0 for sign 'row'"),
        (["origins", "core.evnt"], "rtl", "origins.core.evnt: no such field of the chip; did you mean 'event'?"),
        (["origins", "core"], "me", "origins.core: got 'me', which sources does not list"),
    ],
)
def test_refused(path, value, message):
    with pytest.raises(ChipError) as caught:
        chip_from_data(edited(path, value), "my.yaml")
    text = str(caught.value)
    assert text.startswith("my.yaml: ") and message in text and "\n" not in text


def test_consolidation_needs_plasticity():
    drift = {"enters": "input", "does": "consolidate", "over": "row_words"}
    with pytest.raises(ChipError, match="plasticity: missing; an operation consolidates weights"):
        chip_from_data(edited([*EVENT, "operations", "drift"], drift), "my.yaml")


@pytest.mark.parametrize("name", list_chips("event"))
@pytest.mark.parametrize("width", [100, 140])
def test_shown(name, width):
    chip = load_chip(name)
    assert isinstance(chip, EventChip)
    console = Console(width=width, color_system=None)
    with console.capture() as captured:
        console.print(describe(chip))
    lines = captured.get().splitlines()
    assert max(map(len, lines)) <= width
    words = {word for line in lines for word in line.split()[:1]}
    assert set(chip.core.event.operations) <= words and "…" not in captured.get()


def test_not_run_on_timesteps():
    with pytest.raises(NeurosimError, match="chip tinyodin: execution is 'event'"):
        api.simulate("mnist-mlp", "tinyodin")


def test_the_hash_follows_the_content():
    assert chip_from_data(TINY, "x").content_hash() == load_chip("tinyodin").content_hash()
    other = chip_from_data(edited([*EVENT, "queue", "depth"], 127), "x")
    assert other.content_hash() != load_chip("tinyodin").content_hash()
