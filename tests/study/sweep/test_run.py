"""Sweeps as a whole: rows equal to plain runs, the same rows for any number of processes, failures as rows."""

import dataclasses
import os
import signal
import sys

import numpy as np
import pandas as pd
import pytest

from neurosim.api.runs import simulate
from neurosim.api.sweep import sweep
from neurosim.arch.loader import chip_from_data, load_chip
from neurosim.compress.quantize import quantize
from neurosim.errors import NeurosimError
from neurosim.study.sweep import block as blocks
from neurosim.study.sweep import execute
from neurosim.study.sweep.execute import run_all
from neurosim.study.sweep.fields import changed_chip
from neurosim.study.sweep.rows import COLUMNS
from neurosim.study.sweep.run import run_sweep
from neurosim.study.sweep.stages import Worker
from neurosim.workload.workload import load_workload
from tests.study.sweep.small import study, write_study

HARDWARE = {
    "chip.core.synapse.lanes": [1, 8], "chip.core.synaptic_memory.banks": [1, 2],
    "chip.clock.quantum_ps": [2000, 4000.5], "technology.node_nm": [28, 22],
}  # fmt: skip


def held_to_a_plain_run(row, result):
    """Every figure that a `Result` states."""
    said = result.to_json()
    assert pd.isna(row["error"])
    assert row["accuracy"] == result.accuracy
    assert (row["accuracy_low_95"], row["accuracy_high_95"]) == result.accuracy_interval
    assert row["spikes"] == sum(result.spikes.values())
    assert {name: row[f"spikes.{name}"] for name in result.spikes} == result.spikes
    events = (row["synaptic_events"], row["synaptic_events_dense"], row["macs"])
    assert events == tuple(result.synaptic_events[k] for k in ("effective", "dense", "mac"))
    assert row["cycles"] == result.cycles_total
    assert row["latency_s"] == result.latency_s
    assert row["energy_pj"] == result.energy_pj
    assert (row["energy_low_pj"], row["energy_high_pj"]) == result.energy.band_pj()
    assert (row["dynamic_pj"], row["leakage_pj"]) == (said["energy_pj"]["dynamic"], said["energy_pj"]["leakage"])
    if result.calibrated_pj is not None:
        assert tuple(row[f"calibrated{end}_pj"] for end in ("", "_low", "_high")) == result.calibrated_pj
    parts = said["energy_pj"]["by_component"]
    assert {name: row[f"energy_pj.{name}"] for name in parts} == parts
    assert row["footprint_bits"] == said["footprint_bits"]["total"]
    for memory, used in result.footprint.items():
        assert row[f"memory_bits.{memory}"] == used["used_bits"]
    if result.waits is not None:
        assert row["barrier_cycles"] == said["timing"]["barrier_cycles"]
        assert {cause: row[f"wait_cycles.{cause}"] for cause in result.waits_total} == result.waits_total
        assert row["packets_delivered"] == result.packets["delivered"]
        assert row["flit_hops"] == result.packets["flit_hops"]
        assert row["synapse_busy_share"] == pytest.approx(max(result.utilisation["synapse"]), abs=1e-15)
        assert row["cores_used"] == result.fit["cores_used"]
    assert row["saturations"] == sum(result.saturations.values())
    assert row["neurobench.Footprint"] == result.neurobench["Footprint"]
    assert (row["samples"], row["timesteps"]) == (result.samples, result.timesteps)


def test_every_row_is_a_plain_run(tmp_path):
    """Hardware of all stages: what is shared between points must not show."""
    frame = sweep(write_study(tmp_path, axes=HARDWARE, samples=3), tmp_path / "store", processes=1)
    assert len(frame) == 16 and frame["point"].tolist() == list(range(16))
    data = load_chip("edge-28nm").model_dump(mode="json", by_alias=True)
    for _, row in frame.iterrows():
        changes = [(tuple(name.removeprefix("chip.").split(".")), row[name]) for name in HARDWARE]
        chip = chip_from_data(changed_chip(data, changes), "changed")
        held_to_a_plain_run(row, simulate(str(tmp_path / "tiny"), chip, samples=3, network_samples=0))


def test_samples_timesteps_and_chips_of_both_kinds(tmp_path):
    axes = {"chip": ["edge-28nm", "edge-28nm-layer", "loihi-silicon"], "timesteps": [2, 5], "samples": [1, 4]}
    frame = sweep(write_study(tmp_path, axes=axes, network_samples=1), tmp_path / "store", processes=1)
    assert {name.partition(".")[0] for name in frame.columns} == COLUMNS
    for _, row in frame.iterrows():
        plain = simulate(
            str(tmp_path / "tiny"), row["chip"], samples=row["samples"], timesteps=row["timesteps"], network_samples=0
        )
        held_to_a_plain_run(row, plain)


def test_bits_are_those_of_quantize(tmp_path):
    axes = {"quantize.weight_bits": [8, 4, "ternary"], "quantize.membrane_bits": [16, 12]}
    frame = sweep(write_study(tmp_path, axes=axes), tmp_path / "store", processes=1)
    assert frame["quantize.weight_bits"].tolist() == ["8", "8", "4", "4", '"ternary"', '"ternary"']
    work = load_workload(str(tmp_path / "tiny"))
    for i, (weights, membrane) in enumerate([(w, m) for w in (8, 4, "ternary") for m in (16, 12)]):
        network, _ = quantize(work.network, weights, membrane, calibration=work.stimulus(100))
        plain = simulate(dataclasses.replace(work, network=network), "edge-28nm", samples=3, network_samples=0)
        held_to_a_plain_run(frame.iloc[i], plain)


def test_packets_are_noted_where_the_study_asks(tmp_path):
    path = write_study(tmp_path, axes={"chip": ["edge-28nm", "edge-28nm-layer"]}, network_samples=2)
    frame = sweep(path, tmp_path / "store", processes=1)
    noted = simulate(str(tmp_path / "tiny"), "edge-28nm", samples=3, network_samples=2).network
    for end in ("mean", "p99", "max"):
        assert frame.loc[0, f"network.latency_cycles_{end}"] == noted["latency_cycles"][end]
    assert frame.loc[0, "network.drain_cycles_max"] == noted["drain_cycles"]["max"]
    assert frame.loc[0, "network.busiest_link_load"] == max(link["load"] for link in noted["links"])
    assert pd.isna(frame.loc[1, "network.drain_cycles_max"])


def test_each_stage_once_for_what_it_reads(tmp_path):
    blocks._WORKERS.clear()
    axes = {**HARDWARE, "chip.core.synaptic_memory.capacity_bits": [524288, 1048576], "timesteps": [4, 5]}
    frame = sweep(write_study(tmp_path, axes=axes), tmp_path / "store", processes=1)
    assert frame["error"].isna().all() and len(frame) == 64
    (worker,) = blocks._WORKERS.values()
    # Spikes by timesteps; mapping also by lanes, banks and capacity; of those only lanes change a cycle here.
    assert (worker.traces.made, worker.maps.made, worker.timings.made) == (2, 16, 4)


def test_a_trace_in_the_store_is_not_computed_again(tmp_path, monkeypatch):
    file = study(tmp_path, axes={"chip.core.synapse.lanes": [1, 2]})
    whole = run_sweep(file, tmp_path / "store", processes=1)
    folder = next((tmp_path / "store").iterdir())
    (folder / "points.parquet").unlink()
    for part in (folder / "parts").iterdir():
        part.unlink()
    blocks._WORKERS.clear()
    monkeypatch.setattr("neurosim.study.sweep.stages.run_function", lambda *_, **__: pytest.fail("computed again"))
    pd.testing.assert_frame_equal(run_sweep(file, tmp_path / "store", processes=1), whole)


def test_points_that_fail_are_rows_with_the_reason(tmp_path, monkeypatch):
    axes = {"chip.core.synapse.lanes": [1, 0], "timesteps": [5, 3], "chip.clock.quantum_ps": [2000, 10]}
    real = Worker.timed

    def breaks(self, setup, function, chip):
        if setup.timesteps == 3:
            raise ZeroDivisionError("a bug at one point")
        return real(self, setup, function, chip)

    monkeypatch.setattr(Worker, "timed", breaks)
    frame = sweep(write_study(tmp_path, axes=axes), tmp_path / "store", processes=1)
    ran = frame["error"].isna()
    assert ran.tolist() == [True] + [False] * 7
    told = frame.set_index(["chip.core.synapse.lanes", "timesteps", "chip.clock.quantum_ps"])["error"]
    assert "core.synapse.lanes" in told[0, 5, 2000] and "got 0" in told[0, 5, 2000]
    assert "shorter than the memory's access time" in told[1, 5, 10]
    assert told[1, 3, 2000] == "ZeroDivisionError: a bug at one point"
    assert np.isfinite(frame.loc[ran, "energy_pj"]).all() and frame.loc[~ran, "energy_pj"].isna().all()


def test_the_same_bytes_for_one_and_two_processes(tmp_path):
    path = write_study(tmp_path, axes={**HARDWARE, "seed": [0, 1], "energy.axon_read.factor": [0.5, 1.0, 2.0]})
    one = sweep(path, tmp_path / "one", processes=1)
    two = sweep(path, tmp_path / "two", processes=2)
    pd.testing.assert_frame_equal(one, two)
    files = [next((tmp_path / name).glob("*/points.parquet")) for name in ("one", "two")]
    assert files[0].read_bytes() == files[1].read_bytes()
    assert files[0].parent.name == files[1].parent.name


def test_a_second_call_runs_nothing(tmp_path, monkeypatch):
    path = write_study(tmp_path, axes={"chip.core.synapse.lanes": [1, 2, 3]})
    lines = []
    first = sweep(path, tmp_path / "store", processes=1, say=lines.append)
    monkeypatch.setattr("neurosim.study.sweep.execute.run_block", lambda *_: pytest.fail("ran again"))
    pd.testing.assert_frame_equal(sweep(path, tmp_path / "store", processes=1, say=lines.append), first)
    assert lines[0] == "3 points over chip.core.synapse.lanes (3 values)"
    assert lines[1].startswith("all 3 points are in")


def test_repeats_progress_and_attributes(tmp_path):
    seen = []
    frame = sweep(
        write_study(tmp_path, axes={"chip.core.synapse.lanes": [1, 2]}, repeats=2, constraints=["lanes > 1"]),
        tmp_path / "store", processes=1, progress=lambda *told: seen.append(told),
    )  # fmt: skip
    assert frame["seed"].tolist() == [0, 1] and frame["chip.core.synapse.lanes"].tolist() == [2, 2]
    assert seen[0] == ("points", 0, 2) and seen[-1] == ("points", 2, 2)
    assert frame.attrs["axes"] == ["chip.core.synapse.lanes", "seed"] and frame.attrs["title"] == "small"


def test_another_kind_and_no_processes_are_refused(tmp_path):
    with pytest.raises(NeurosimError, match="got 'compare', expected 'sweep'"):
        run_sweep("compression", tmp_path)
    with pytest.raises(NeurosimError, match="processes: got 0"):
        run_sweep(study(tmp_path, axes={"samples": [1]}), tmp_path, processes=0)


def test_a_block_that_kills_its_process_is_tried_again_then_taken_apart():
    """`run_all` with an executor in which block 1 dies every time and block 2 once."""
    tries = {0: 0, 1: 0, 2: 0}

    class Deadly:
        width = 1

        def run(self, common, wanted):
            for number in wanted:
                tries[number] += 1
                dead = number == 1 or (number == 2 and tries[2] == 1)
                yield blocks.Block(number, (), (), ()), None if dead else number

    done: list = []

    def still():
        return [n for n in range(3) if n not in done]

    def split(block):
        done.append(block.number)
        return [f"point by point: {block.number}"]

    found = []
    for each in run_all(Deadly(), None, still, split):
        found.append(each)
        if isinstance(each, int):
            done.append(each)
    assert found == [0, 2, "point by point: 1"] and tries == {0: 1, 1: 2, 2: 2}


def test_an_estimate_before_a_long_study(tmp_path, monkeypatch):
    monkeypatch.setattr("neurosim.study.sweep.run.LONG_S", 0.0)
    lines = []
    path = write_study(tmp_path, axes={"chip.core.synapse.lanes": list(range(1, 13))})
    sweep(path, tmp_path / "store", processes=1, say=lines.append)
    assert len(lines) == 2
    assert lines[1].startswith("estimate: 9 points, about ") and "on 1 process, about " in lines[1]


@pytest.mark.skipif(sys.platform == "win32", reason="there is no kill -9 on Windows")
def test_a_killed_process_of_the_pool_costs_nothing(tmp_path):
    path = write_study(tmp_path, axes={"chip.core.synapse.lanes": list(range(1, 41)), "technology.node_nm": [28, 22]})
    killed = []

    def told(_, done, total):
        if done > total // 4 and not killed:
            from joblib.externals.loky import reusable_executor

            killed.append(next(iter(reusable_executor._executor._processes)))
            os.kill(killed[0], signal.SIGKILL)

    alone = sweep(path, tmp_path / "one", processes=1)
    shared = sweep(path, tmp_path / "two", processes=2, progress=told)
    shared.attrs = alone.attrs
    pd.testing.assert_frame_equal(shared, alone)
    assert killed and alone["error"].isna().all()


def test_a_point_that_always_kills_its_process_is_a_row(tmp_path, monkeypatch):
    """Point by point, by an executor that loses every block with two lanes."""
    file = study(tmp_path, axes={"chip.core.synapse.lanes": [1, 2, 4], "technology.node_nm": [28, 22]})

    class Deadly(execute.Here):
        def run(self, common, wanted):
            for block in wanted:
                dead = any(dict(row)["chip.core.synapse.lanes"] == 2 for row in block.settings)
                yield block, None if dead else blocks.run_block(common, block)

    monkeypatch.setattr("neurosim.study.sweep.run.make_executor", lambda *_: Deadly())
    frame = run_sweep(file, tmp_path / "store", processes=1)
    assert frame["error"].notna().tolist() == [False, False, True, True, False, False]
    assert frame["error"][2].startswith("the process that ran this point was killed")
