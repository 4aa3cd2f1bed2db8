"""Cost of learning: counts priced by hand, bands, sources, and what engine files refuse."""

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from neurosim.cli.main import app
from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.learning.cost import cost_of, memory_bits, operations
from neurosim.learning.counters import INDEX, NAMES, new_counts
from neurosim.learning.data import load_data
from neurosim.learning.engine import list_learners, load_learner
from neurosim.learning.rules import RULES
from neurosim.learning.run import LearningRun, Settings, learn
from neurosim.learning.summary import summarise


def made(rule="bptt", sizes=(6, 5, 3)):
    weights = [np.zeros(shape, np.float32) for shape in pairwise(sizes)]
    return LearningRun(
        RULES[rule], Settings(1, 0.1, weight_bits=16), sizes, "digits", weights, [np.ones(n) for n in sizes[1:-1]],
        np.zeros(2), most_history=np.array([7, 0]),
    )  # fmt: skip


def test_counts_are_priced_by_hand():
    """One layer, SATA's prices and 16-bit words, so that every access is a word of its own."""
    counts = new_counts(2)
    for name, value in (
        ("samples", 2), ("pre_spikes", 4), ("forward_adds", 20), ("neuron_updates", 10), ("history_writes", 3),
        ("error_products", 6), ("error_words", 6), ("gradient_adds", 8), ("gradient_words", 8), ("surrogates", 5),
        ("backward_updates", 5), ("weights_written", 4), ("written_words", 4),
    ):  # fmt: skip
        counts[0, INDEX[name]] = value
    counts[1, INDEX["samples"]] = 2
    cost = cost_of(made(), counts, load_learner("sata"))
    add, multiply, compare, sram, scratch = 0.00967, 0.239, 0.00309, 1.95, 0.2779
    forward = 20 * add + 4 * 5 * sram + 2 * 20 * scratch + 10 * (multiply + compare + 2 * scratch)
    # Three entries of 17 bits are 51 bits: four words of 16.
    forward += 4 * sram
    backward = 6 * (multiply + add + sram) + 8 * add + 2 * 8 * sram
    backward += 5 * (compare + 2 * add + multiply) + 5 * (2 * multiply + add + 2 * scratch)
    update = 4 * (multiply + add + 4 * sram)
    phases = cost.by_phase()
    assert phases["forward"] == pytest.approx(forward / 2, rel=1e-12)
    assert phases["backward"] == pytest.approx(backward / 2, rel=1e-12)
    assert phases["update"] == pytest.approx(update / 2, rel=1e-12)
    assert cost.learning == pytest.approx((backward + update) / 2, rel=1e-12)
    # Eight lanes are quicker than one port: the 20 reads and 20 writes of state and ten visits' two words each.
    assert cost.cycles == {"forward": 60, "backward": 16, "update": 8}


def test_words_hold_what_the_learner_says():
    """A word of one weight is read once an item; gradients of a word move together, but never more than were asked."""
    counts = new_counts(1)
    for name, value in (("samples", 1), ("gradient_adds", 12), ("gradient_words", 3), ("error_products", 12)):
        counts[0, INDEX[name]] = value
    counts[0, INDEX["error_words"]] = 3

    def accesses(learner, counts):
        rows = operations(made("mpd-ed", (6, 3)), counts, learner)
        return {(event, name): n for _, event, name, n in rows if "read" in name}

    own, single = load_learner("edge-28nm-learn"), load_learner("sata")
    assert accesses(own, counts) == {("error_products", "weight_read"): 3, ("gradient_adds", "gradient_read"): 6}
    assert accesses(single, counts) == {("error_products", "weight_read"): 12, ("gradient_adds", "gradient_read"): 12}
    counts[0, INDEX["gradient_words"]] = 12  # every gradient alone in its word: one access each, not two
    assert accesses(own, counts)["gradient_adds", "gradient_read"] == 12
    # Held over 16 steps: one fetch a weight, however many steps add to it.
    counts[0, INDEX["held_reads"]] = counts[0, INDEX["gradient_adds"]] = counts[0, INDEX["error_products"]] = 16 * 12
    assert accesses(single, counts) == {
        ("held_reads", "state_read"): 192, ("error_products", "weight_read"): 12,
        ("gradient_adds", "gradient_read"): 12,
    }  # fmt: skip
    with pytest.raises(NeurosimError, match="8 weights a word, but the run counted words of 4; learn with --chip"):
        accesses(own.storing(8), counts)


def test_events_of_another_chip_are_priced_as_they_are():
    counts = new_counts(1)
    counts[0, INDEX["samples"]], counts[0, INDEX["forward_adds"]], counts[0, INDEX["weights_written"]] = 1, 10, 3
    cost = cost_of(made(sizes=(6, 3)), counts, load_learner("loihi-2018"))
    assert cost.by_phase() == {"update": pytest.approx(360.0), "forward": pytest.approx(236.0)}
    assert cost.cycles == {"forward": 350, "backward": 0, "update": 183}


def test_every_operation_has_a_price_and_a_source():
    counts = new_counts(2)
    counts[:] = 9
    for name in list_learners():
        learner = load_learner(name)
        run = made(*learner.rules or ("mpd-ed",))
        run.settings = replace(run.settings, word_bits=learner.word_bits, weight_bits=learner.weight_bits)
        cost = cost_of(run, counts, learner.storing(run.settings.weight_bits))
        assert cost.table.unsourced_share() == 0, name
        low, high = cost.table.band_pj()
        assert low <= cost.table.total_pj() <= high
        if not learner.events:
            for local in ("stdp", "sdsp", "e-prop"):
                assert {op for _, _, op, _ in operations(made(local), counts, learner)} <= set(learner.operations)
            assert {op for _, _, op, _ in operations(made("stdbp"), counts, learner)} <= set(learner.operations)
    own = cost_of(made("mpd-ed"), counts, load_learner("edge-28nm-learn"))
    assert own.by_phase()["leakage"] > 0
    low, high = own.table.band_pj()
    assert low < own.table.total_pj() < high


def test_prices_of_words_need_words_as_wide():
    counts = new_counts(2)
    with pytest.raises(NeurosimError, match="prices error_words of 16 weights, but the run counted words of 4"):
        cost_of(made("e-prop"), counts, load_learner("reckon"))


def test_every_counter_that_a_rule_raises_costs_something():
    """A counted event that no operation is made of would be free."""
    free = {"samples", "updates_skipped", "post_spikes", "steps", "labelled_steps", "active_indices", "late_inputs"}
    by_local = {
        "trace_updates": "stdp", "plastic_pairs": "stdp", "plastic_products": "e-prop", "plastic_words": "e-prop",
        "random_draws": "e-prop", "teacher_events": "sdsp", "leak_events": "sdsp", "replay_spikes": "sdsp",
        "replay_adds": "sdsp", "replay_leaks": "sdsp", "written_words": "sdsp",
    }  # fmt: skip
    learner = load_learner("edge-28nm-learn")
    for name in NAMES:
        if name in free:
            continue
        counts, more = new_counts(1), new_counts(1)
        counts[:] = 1000
        # Full words: four weights each.
        counts[0, [INDEX[words] for words in ("error_words", "gradient_words", "written_words")]] = 250
        more[:] = counts
        more[0, INDEX[name]] = 9000
        run = made(by_local.get(name, "bptt"), (6, 3))
        assert cost_of(run, more, learner).table.total_pj() > cost_of(run, counts, learner).table.total_pj(), name


def test_memory_of_a_rule():
    learner = load_learner("edge-28nm-learn")
    assert memory_bits(made("bptt"), learner) == {
        "weights": 45 * 16, "gradients": 45 * 32, "history": 7 * 33, "thresholds": 0, "traces": 0,
    }  # fmt: skip
    # A spike: 3 bits of address, 4 of time, a membrane.
    assert memory_bits(made("mpd-ed"), learner)["history"] == 7 * (3 + 4 + 32)
    assert memory_bits(made("mpd-ed"), learner)["thresholds"] == 5 * 32
    assert memory_bits(made("e-prop"), learner) == {
        "weights": 45 * 16, "gradients": 0, "history": 0, "thresholds": 0, "traces": 6 * 12 + 5 * 10,
    }  # fmt: skip
    # The vote of stdp stores no weights; 7 bits of trace for each neuron of both sides.
    local = memory_bits(made("stdp"), learner)
    assert local["weights"] == 30 * 16 and local["traces"] == 11 * 7 and local["thresholds"] == 5 * 32
    assert memory_bits(made("sdsp", (6, 3)), learner)["traces"] == 3 * 8


def test_local_counts_are_priced_by_hand():
    """A layer of e-prop at SATA's prices, a word an access."""
    counts = new_counts(2)
    for name, value in (
        ("samples", 2), ("trace_updates", 10), ("surrogates", 5), ("error_products", 6), ("error_words", 6),
        ("plastic_pairs", 8), ("plastic_words", 8), ("plastic_products", 7), ("random_draws", 3),
        ("weights_written", 2), ("written_words", 2),
    ):  # fmt: skip
        counts[0, INDEX[name]] = value
    cost = cost_of(made("e-prop"), counts, load_learner("sata"))
    add, multiply, compare, sram, scratch = 0.00967, 0.239, 0.00309, 1.95, 0.2779
    # Ten traces of 12 bits are eight words of 16.
    backward = 10 * (add + multiply) + 2 * 8 * scratch + 5 * 4 * compare + 6 * (add + multiply + sram)
    update = 8 * (add + compare + sram) + 6 * scratch + 7 * multiply + 3 * (add + compare) + 2 * sram
    assert cost.by_phase() == {
        "backward": pytest.approx(backward / 2, rel=1e-12), "update": pytest.approx(update / 2, rel=1e-12)
    }  # fmt: skip


def test_three_price_tables_from_the_same_counts():
    data = load_data("digits")
    run = learn(RULES["mpd-ed"], data, Settings(1, 0.02, weight_bits=16), (10,))
    found = summarise(run, [load_learner(name) for name in list_learners()])
    assert [cost["learner"] for cost in found["costs"]] == ["edge-28nm-learn", "loihi-2018", "sata"]
    assert all(cost["unsourced_share"] == 0 and cost["learning_a_sample"] > 0 for cost in found["costs"])
    json.dumps(found, allow_nan=False)
    assert found["settings"]["rounding"].endswith("by the seed") and found["widths_bits"]["trace"] == 32
    assert found["not_priced"] == {
        "odin": "odin: has the rule sdsp alone, not mpd-ed", "reckon": "reckon: has the rule e-prop alone, not mpd-ed"
    }  # fmt: skip


def test_cycles_by_lanes_fall_until_a_port_is_busiest():
    run = learn(RULES["bptt-held"], load_data("digits"), Settings(1, 0.02, weight_bits=16), (10,))
    own = load_learner("edge-28nm-learn")
    found = summarise(run, [own])
    rows = {row["lanes"]: row["backward"] for row in found["cycles_by_lanes"]}
    assert list(rows) == [1, 2, 4, 8, 16, 32]
    assert rows[1] > rows[2] >= rows[4] == rows[32]
    assert rows[own.lanes] == pytest.approx(found["costs"][0]["cycles_a_sample"]["backward"])
    assert summarise(run, [load_learner("loihi-2018").storing(16)])["cycles_by_lanes"] == []


def test_counts_of_other_words_are_not_priced_and_say_why():
    run = learn(RULES["bptt"], load_data("digits"), Settings(1, 0.02, weight_bits=16, word_bits=16), (10,))
    found = summarise(run, [load_learner("sata"), load_learner("edge-28nm-learn")])
    assert [cost["learner"] for cost in found["costs"]] == ["sata"]
    assert "4 weights a word, but the run counted words of 1" in found["not_priced"]["edge-28nm-learn"]


def test_widths_of_what_is_stored_are_parameters(tmp_path):
    spec = yaml.safe_load((data_root("arch") / "learners" / "edge-28nm-learn.yaml").read_text("utf-8"))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**spec, "history_value_bits": 8, "trace_bits": 7, "gradient_bits": 16}), "utf-8")
    narrow, own = load_learner(str(path)), load_learner("edge-28nm-learn")
    assert (narrow.history_width, narrow.trace_width) == (8, 7) and (own.history_width, own.trace_width) == (32, 32)
    run = made("mpd-ed")
    assert memory_bits(run, narrow)["history"] == 7 * (3 + 4 + 8)
    assert memory_bits(run, narrow)["gradients"] * 2 == memory_bits(run, own)["gradients"]
    counts = new_counts(2)
    counts[0, [INDEX["samples"], INDEX["history_writes"], INDEX["gradient_adds"], INDEX["gradient_words"]]] = (
        1, 640, 640, 160,
    )  # fmt: skip
    assert cost_of(run, counts, narrow).table.total_pj() < cost_of(run, counts, own).table.total_pj()


def test_spike_times_cost_the_same_at_any_resolution():
    """Nothing is counted by timestep in a rule that works on spike times."""
    data = load_data("digits")
    runs = [learn(RULES["stdbp"], data, Settings(1, 0.03, timesteps=t), (10,)) for t in (4, 64)]
    assert (runs[0].counts == runs[1].counts).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"operations": {}}, "one of the two"),
        ({"memories": {}}, "not listed"),
        ({"technology": None}, "technology: missing"),
        ({"lanes": 0}, "lanes"),
        ({"operations": {"add": {"derive": [{"sram": "axon_table"}]}}}, "give memory: and access: instead"),
        ({"colour": 1}, "colour"),
        (
            {"events": {"leak_events": {"made_of": {"shift": 1}}}},
            "events: made of shift, which operations does not list",
        ),
        ({"cycles_of": "odin"}, "rules: got \\[\\], but cycles_of odin is for \\['sdsp'\\]"),
    ],
)
def test_engine_files_say_what_is_wrong(tmp_path, change, message):
    spec = yaml.safe_load((data_root("arch") / "learners" / "edge-28nm-learn.yaml").read_text("utf-8"))
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**spec, **change}), "utf-8")
    with pytest.raises(NeurosimError, match=message) as error:
        load_learner(str(path))
    assert "mine.yaml" in str(error.value)


def test_unknown_names_are_suggested():
    with pytest.raises(NeurosimError, match="did you mean 'edge-28nm-learn'"):
        load_learner("edge-28nm-lern")


def test_command(tmp_path):
    runner = CliRunner()
    arguments = ["learn", "std-ed", "--epochs", "1", "--out", str(tmp_path / "w"), "--plots", str(tmp_path / "p")]
    shown = runner.invoke(app, arguments)
    assert shown.exit_code == 0, shown.output
    assert "stand-in" in shown.output and "threshold" in shown.output
    assert (tmp_path / "p" / "learn_std-ed_digits_edge-28nm-learn.png").stat().st_size > 10_000
    again = runner.invoke(app, ["run", str(tmp_path / "w"), "--chip", "edge-28nm", "--samples", "20", "--json"])
    assert again.exit_code == 0, again.output
    found = json.loads(runner.invoke(app, ["learn", "std-ed", "--epochs", "1", "--json"]).output)
    assert found["settings"]["weight_bits"] == 16 and len(found["test_accuracy"]) == 1
    for rule, chip in (("sdsp", "odin"), ("e-prop", "reckon"), ("stdp", "edge-28nm-learn")):
        folder = str(tmp_path / rule)
        shown = runner.invoke(app, ["learn", rule, "--chip", chip, "--epochs", "1", "--out", folder])
        assert shown.exit_code == 0 and "traces" in shown.output, shown.output
        again = runner.invoke(app, ["run", folder, "--chip", "edge-28nm", "--samples", "20", "--json"])
        assert again.exit_code == 0, again.output
    wrong = runner.invoke(app, ["learn", "bptt", "--chip", "odin"])
    assert isinstance(wrong.exception, NeurosimError) and "alone, not bptt" in str(wrong.exception)
    wrong = runner.invoke(app, ["learn", "magic"])
    assert isinstance(wrong.exception, NeurosimError) and "choose one of" in str(wrong.exception)
