"""The timeline shows what the engines count: slices add up to busy quanta, rounds to the cycles of the run."""

import gzip
import json
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest

from neurosim.arch import load_chip
from neurosim.engine.plan import WAITS
from neurosim.errors import NeurosimError
from neurosim.report.timeline import write_timeline
from neurosim.run import simulate_stages
from neurosim.workload.workload import load_workload


@pytest.fixture(scope="module")
def case():
    work = load_workload("mnist-mlp-w2")
    return work.network, load_chip("edge-28nm"), work.stimulus(3)


def events(path):
    data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return json.loads(data)["traceEvents"]


def test_slices_add_up_to_what_the_engine_counts(case, tmp_path):
    network, chip, stimulus = case
    n = write_timeline(tmp_path / "t.json.gz", network, chip, stimulus, sample=1)
    listed = events(tmp_path / "t.json.gz")
    assert len(listed) == n
    stages = simulate_stages(network, chip, stimulus.sample(1))
    quantum_us = chip.clock.quantum_ps * 1e-6
    busy = defaultdict(float)
    names = {(e["pid"], e["tid"]): e["args"]["name"] for e in listed if e["name"] == "thread_name"}
    for e in listed:
        if e["ph"] == "X":
            busy[names[e["pid"], e["tid"]], e["name"]] += e["dur"] / quantum_us
    for core in range(chip.n_cores):
        assert busy[f"core {core} update", "update"] == pytest.approx(stages.timing.update_busy[:, core].sum())
        assert busy[f"core {core} synapse", "receive"] == pytest.approx(stages.timing.synapse_busy[:, core].sum())
    unit, slowest = chip.core.synapse, stages.timing.synapse_busy.sum()
    totals = {text: sum(n for (_, name), n in busy.items() if name == text) for text in ("fetch", "accumulate")}
    lookups = sum(n for (_, name), n in busy.items() if name == "axon lookup")
    assert lookups == pytest.approx(unit.axon_lookup_cycles * stages.timing.delivered[at_core(stages.plan)].sum())
    assert max(totals.values()) + lookups <= slowest <= sum(totals.values()) + lookups  # side by side, row by row
    flits = sum(1 for e in listed if e["name"] == "flit")
    assert flits == stages.timing.link_flits.sum()
    ends = [e["ts"] + e["dur"] for e in listed if e["name"] == "barrier"]
    assert max(ends) == pytest.approx(stages.timing.round_cycles.sum() * quantum_us)


def at_core(plan):
    return plan.route_endpoint < plan.n_cores


def test_slices_of_one_track_never_overlap(case, tmp_path):
    write_timeline(tmp_path / "t.json", *case, sample=0, steps=(0, 3))
    tracks = defaultdict(list)
    for e in events(tmp_path / "t.json"):
        if e["ph"] == "X":
            tracks[e["pid"], e["tid"]].append((round(e["ts"], 6), round(e["ts"] + e["dur"], 6)))
    assert len(tracks) > 5
    for slices in tracks.values():
        slices.sort()
        assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(slices))


def test_queue_counters_stay_within_the_depths(case, tmp_path):
    network, chip, stimulus = case
    write_timeline(tmp_path / "t.json", network, chip, stimulus)
    depths = defaultdict(list)
    for e in events(tmp_path / "t.json"):
        if e["ph"] == "C" and not e["name"].startswith("host"):
            depths[e["name"].split()[-2]].append(e["args"]["packets"])
    assert 0 < max(depths["ingress"]) <= chip.core.ingress_depth
    assert 0 < max(depths["egress"]) <= chip.core.egress_depth
    assert np.min(depths["ingress"]) == np.min(depths["egress"]) == 0


def test_same_run_same_bytes_and_fewer_steps_are_smaller(case, tmp_path):
    sizes = [write_timeline(tmp_path / f"{i}.json.gz", *case, steps=(0, 2)) for i in (1, 2)]
    assert sizes[0] == sizes[1] < write_timeline(tmp_path / "all.json.gz", *case)
    assert (tmp_path / "1.json.gz").read_bytes() == (tmp_path / "2.json.gz").read_bytes()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"sample": 3}, "sample: got 3"), ({"steps": (4, 4)}, "4:4"), ({"steps": (0, 99)}, "<= 8")],
)
def test_what_does_not_exist_is_refused(case, tmp_path, options, message):
    with pytest.raises(NeurosimError, match=message):
        write_timeline(tmp_path / "t.json", *case, **options)
    assert list(tmp_path.iterdir()) == []


def test_too_long_a_timeline_is_refused(case, tmp_path, monkeypatch):
    monkeypatch.setattr("neurosim.report.timeline.MAX_EVENTS", 100)
    with pytest.raises(NeurosimError, match="--trace-steps"):
        write_timeline(tmp_path / "t.json", *case)
    assert list(tmp_path.iterdir()) == []


def strained(chip):
    """The chip with everything in its way: bank conflicts, a shared port, a barrier of messages."""
    raw = chip.model_dump(by_alias=True)
    raw["core"]["synaptic_memory"]["bank_conflicts"] = raw["core"]["membrane_memory"]["bank_conflicts"] = True
    raw["core"]["membrane_memory"].update(shared_port=True, banks=2)
    raw["core"]["egress"]["overlap_update"] = False
    raw["router"]["queue_depth_flits"] = raw["core"]["ingress_depth"] = 1
    raw["delivery"] = "next_step"  # all layers at work in every round
    raw["barrier"] = {"kind": "messages", "combine": True}
    raw["energy"]["barrier_message_hop"] = {"included_in": "barrier"}
    return type(chip).model_validate(raw)


def test_waits_and_messages_of_a_strained_chip(case, tmp_path):
    network, chip, stimulus = case
    chip = strained(chip)
    write_timeline(tmp_path / "t.json", network, chip, stimulus, sample=0)
    listed = events(tmp_path / "t.json")
    stages = simulate_stages(network, chip, stimulus.sample(0))
    waits = dict(zip(WAITS, stages.timing.waits.sum(axis=(0, 1)).tolist(), strict=True))
    quantum_us = chip.clock.quantum_ps * 1e-6
    shown = defaultdict(float)
    for e in listed:
        if e["ph"] == "X":
            unit = ("update", "egress", "synapse")[e["tid"] % 3] if e["pid"] == 1 else "chip"
            shown[unit, e["name"]] += e["dur"] / quantum_us
            for name in ("bank_conflict_quanta", "waited_for_network_quanta"):
                shown[name] += e["args"].get(name, 0)
    assert shown["bank_conflict_quanta"] == waits["synapse_bank_conflict"] > 0
    assert shown["waited_for_network_quanta"] == waits["egress_network"] > 0
    assert shown["synapse", "waiting: memory port"] == pytest.approx(waits["synapse_shared_port"])
    assert shown["update", "waiting: memory port"] == pytest.approx(waits["update_shared_port"])
    assert shown["update", "waiting: spikes being sent"] == pytest.approx(waits["update_injection"])
    assert waits["synapse_shared_port"] > 0 and waits["update_injection"] > 0
    told = sum(e["name"] == "barrier: done" for e in listed)
    assert told == stages.plan.barrier.endpoint.size * stages.plan.n_rounds
    ends = [e["ts"] + e["dur"] for e in listed if e["name"] == "barrier: release"]
    assert max(ends) == pytest.approx(stages.timing.round_cycles.sum() * quantum_us)
