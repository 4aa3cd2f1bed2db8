"""The command line as a user meets it: what it prints, what it saves, and how it says no."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import yaml

from neurosim.arch import load_chip
from neurosim.data_files import data_root
from neurosim.result import Result
from neurosim.snn import Conv2d, Dense, Input, IntCodec, Lif, Network, Population, Projection, Readout
from neurosim.workload.native import save_network

KEYS = [
    "workload", "chip", "engine", "samples", "timesteps", "accuracy", "spikes", "synaptic_events", "cycles",
    "latency_s", "footprint_bits", "energy_pj", "ann", "provenance",
]  # fmt: skip


def neurosim(*arguments, cwd):
    """Run the command in its own process; (exit code, stdout, stderr)."""
    command = [sys.executable, "-m", "neurosim.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with a small native model, images and labels."""
    path = tmp_path_factory.mktemp("user")
    rng = np.random.default_rng(0)
    conv = Conv2d(rng.integers(-7, 8, (3, 1, 3, 3)).astype(np.int8), stride=2)
    network = Network(
        [
            Population("in", (1, 8, 8), Input()),
            Population("hidden", (3, 3, 3), Lif(9, membrane_bits=16)),
            Population("out", (4,), Lif(None, membrane_bits=20)),
        ],
        [
            Projection("in", "hidden", conv, IntCodec(4)),
            Projection("hidden", "out", Dense(rng.integers(-7, 8, (27, 4)).astype(np.int8)), IntCodec(4)),
        ],
        Readout("out", "membrane"),
        "small",
    )
    save_network(network, path / "small.npz")
    np.save(path / "x.npy", rng.integers(0, 256, (12, 8, 8)).astype(np.uint8))
    np.save(path / "y.npy", rng.integers(0, 4, 12))
    return path


RUN = ("run", "small.npz", "--input", "x.npy", "--labels", "y.npy", "--timesteps", "5")


def test_run_explain_show(folder):
    code, out, err = neurosim(*RUN, "--chip", "edge-28nm", "--out", "results", cwd=folder)
    assert code == 0, err
    for text in ("accuracy", "95 % interval", "Spikes by layer", "leakage", "Footprint by memory", "saved", "dense"):
        assert text in out
    saved = folder / "results" / "small_edge-28nm_12x5_seed0_fast.npz"
    result = Result.load(saved)
    assert result.samples == 12 and result.timesteps == 5
    code, out, err = neurosim("explain", saved, cwd=folder)
    assert code == 0 and "CACTI 7" in out and "unsourced share 0.0 %" in out
    code, out, _ = neurosim("explain", saved, "--json", cwd=folder)
    leaves = json.loads(out)["leaves"]
    assert sum(x["count"] * x["price_pj"] for x in leaves) == pytest.approx(result.energy_pj, rel=1e-12)
    # Bands come through the file: every joule of this chip has one.
    low = sum(x["count"] * x["low_price_pj"] for x in leaves if x["count"] * x["price_pj"])
    assert low == pytest.approx(result.energy.band_pj()[0], rel=1e-12)
    assert low < result.energy_pj < result.energy.band_pj()[1] and result.energy.banded_share() == pytest.approx(1)
    code, out, _ = neurosim("show", "result", saved, cwd=folder)
    assert code == 0 and "small on edge-28nm" in out


def test_conventions_of_a_result_and_of_a_table(folder):
    code, out, err = neurosim(*RUN, "--chip", "edge-28nm", "--out", "conventions", "--json", cwd=folder)
    assert code == 0, err
    saved = folder / json.loads(out)["saved"]
    code, out, err = neurosim("conventions", saved, cwd=folder)
    assert code == 0, err
    for text in ("chip / claim", "proxy-first-once", "membrane traffic", "lemaire-int8", "neurobench", "not price"):
        assert text in out
    code, out, _ = neurosim("conventions", saved, "--json", cwd=folder)
    found = json.loads(out)
    assert found["chip_pj"]["total"] == pytest.approx(Result.load(saved).energy_pj / 12, rel=1e-9)
    for row in found["conventions"]:
        if row["chip_over_claim"] is not None:
            assert 1 + sum(row["difference_by_purpose"].values()) == pytest.approx(row["chip_over_claim"], rel=1e-9)
    table = Path(__file__).parent.parent / "validation" / "data" / "conventions" / "layers_spikingformer_8_512.csv"
    code, out, err = neurosim("conventions", table, cwd=folder)
    assert code == 0 and "7.464 mJ" in out and "not given: lemaire-int32" in out
    code, _, err = neurosim("conventions", "nothing.npz", cwd=folder)
    assert code == 2 and "nothing.npz" in err and "Traceback" not in err


def test_ann_on_an_array(folder):
    code, out, err = neurosim("ann", "mnist-conv-w4", "--samples", 20, "--batch", 4, cwd=folder)
    assert code == 0, err
    for text in ("utilisation", "partial sums read back", "eyeriss-v1", "waiting", "accuracy", "weights from DRAM"):
        assert text in out
    options = ("--numbers", "4x4", "--weights", "on_chip", "--json")
    code, out, _ = neurosim("ann", "mnist-conv-w4", "--samples", 20, *options, cwd=folder)
    found = json.loads(out)
    assert found["accuracy"] is None and found["macs"] == 20 * 319872
    assert sum(n * pj for _, _, n, pj, _ in found["leaves"]) == pytest.approx(found["energy_pj"], rel=1e-12)
    code, _, err = neurosim("ann", "mnist-conv-w4", "--array", "tpu", cwd=folder)
    assert code == 2 and "edge-28nm-16x16" in err and "Traceback" not in err


def test_json_has_the_promised_keys_and_engines_agree(folder):
    outputs = []
    for engine in ("fast", "reference"):
        code, out, err = neurosim(*RUN, "--samples", 3, "--engine", engine, "--json", "--out", engine, cwd=folder)
        assert code == 0, err
        assert err == ""
        outputs.append(json.loads(out))
    fast, reference = outputs
    assert [key for key in KEYS if key not in fast] == []
    assert {"effective", "dense"} <= set(fast["synaptic_events"])
    assert {"total", "per_sample_mean"} <= set(fast["cycles"])
    assert {"total", "dynamic", "leakage", "by_component"} <= set(fast["energy_pj"])
    used = {k: v for k, v in fast["footprint_bits"].items() if k != "total"}
    assert sum(used.values()) == fast["footprint_bits"]["total"]
    energy = fast["energy_pj"]
    assert energy["dynamic"] + energy["leakage"] == pytest.approx(energy["total"], rel=1e-12)
    assert sum(energy["by_component"].values()) == pytest.approx(energy["dynamic"], rel=1e-12)
    for part in (fast, reference):
        del part["engine"], part["saved"], part["provenance"]["parameters"]
    assert fast == reference


def test_a_mapping_file_is_followed(folder):
    (folder / "map.yaml").write_text("populations: {hidden: {cores: [3, 7]}, out: [5, 5, 5, 5]}\n")
    code, out, err = neurosim(*RUN, "--mapping", "map.yaml", "--json", cwd=folder)
    assert code == 0, err
    assert json.loads(out)["fit"]["cores_used"] == 3
    lines = Result.load(folder / json.loads(out)["saved"]).footprint_lines
    assert {line["core"] for line in lines} == {3, 5, 7}


def test_list_and_show(folder):
    code, out, _ = neurosim("list", cwd=folder)
    assert code == 0 and "loihi-silicon" in out and "mnist-conv-w4" in out
    code, out, _ = neurosim("list", "chips", "--json", cwd=folder)
    assert {"edge-28nm", "loihi-2018", "loihi-silicon"} <= {c["name"] for c in json.loads(out)["chips"]}
    code, out, _ = neurosim("show", "chip", "loihi-2018", cwd=folder)
    assert code == 0 and "23.6" in out and "Davies" in out
    code, out, _ = neurosim("show", "workload", "mnist-conv-w4", cwd=folder)
    assert code == 0 and "accuracy_integer_test" in out and "licence" in out


def edited_chip(folder, edit):
    """A chip file from edge-28nm with one edit."""
    content = yaml.safe_load((data_root("arch") / "chips" / "edge-28nm.yaml").read_text())
    edit(content)
    (folder / "mine.yaml").write_text(yaml.safe_dump(content))
    return "mine.yaml"


def test_a_chip_file_of_ones_own(folder):
    name = edited_chip(folder, lambda c: c.update(name="mine", title="mine"))
    code, out, err = neurosim(*RUN, "--chip", name, cwd=folder)
    assert code == 0, err
    assert "small on mine" in out


BAD = {
    "unknown workload": (["run", "mnist-conv-w5"], "did you mean 'mnist-conv-w"),
    "unknown chip": ([*RUN, "--chip", "lohi-2018"], "Did you mean 'loihi-2018'"),
    "no data": (["run", "small.npz"], "--input"),
    "wrong shape": (["run", "small.npz", "--input", "y.npy"], "y.npy: shape"),
    "labels of another length": ([*RUN[:4], "--labels", "short.npy", "--timesteps", "3"], "2 labels for 12 samples"),
    "not an array": (["run", "small.npz", "--input", "text.npy"], "text.npy"),
    "truncated model": (["run", "cut.npz", "--input", "x.npy", "--timesteps", "2"], "cut.npz"),
    "NaN weight": (["run", "nan.npz", "--input", "x.npy", "--timesteps", "2"], "finite"),
    "weight out of its codec": (["run", "wide.npz", "--input", "x.npy", "--timesteps", "2"], "-8 to 7"),
    "no samples": ([*RUN, "--samples", "0"], "samples: got 0"),
    "negative timesteps": ([*RUN[:-1], "-4"], "timesteps: got -4"),
    "unknown engine": ([*RUN, "--engine", "warp"], "engine: got 'warp'"),
    "unknown capacity": ([*RUN, "--capacity", "maybe"], "capacity: got 'maybe'"),
    "missing mapping": ([*RUN, "--mapping", "none.yaml"], "none.yaml"),
    "misspelt population": ([*RUN, "--mapping", "typo.yaml"], "did you mean 'hidden'"),
    "unwritable output": ([*RUN, "--out", "x.npy/results"], "cannot be written"),
    "not a result": (["explain", "small.npz"], "neurosim-result"),
    "unknown field": (["explain", "small.npz", "--by", "colour"], "colour"),
    "unknown kind": (["show", "cat", "tom"], "expected one of"),
    "unknown option": ([*RUN, "--sample", "3"], "No such option"),
}


@pytest.fixture(scope="module")
def damaged(folder):
    """The folder with files that cannot be used."""
    np.save(folder / "short.npy", np.zeros(2, np.int64))
    (folder / "text.npy").write_text("hello")
    (folder / "typo.yaml").write_text("populations: {hiden: [0]}\n")
    (folder / "cut.npz").write_bytes((folder / "small.npz").read_bytes()[:-200])
    with np.load(folder / "small.npz") as stored:
        arrays = {name: stored[name] for name in stored.files}
    wide = {**arrays, "projection.0.weights": np.full((3, 1, 3, 3), 9, np.int8)}
    np.savez(folder / "wide.npz", **wide)
    header = arrays["header"].tobytes().decode().replace('"kind":"int","width_bits":4', '"kind":"float32"')
    broken = {**arrays, "header": np.frombuffer(header.replace('"grid":"even",', "").encode(), np.uint8)}
    broken["projection.0.weights"] = np.full((3, 1, 3, 3), np.nan, np.float32)
    np.savez(folder / "nan.npz", **broken)
    return folder


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_clear_message(damaged, case):
    arguments, message = BAD[case]
    before = sorted(p for p in damaged.rglob("*"))
    code, out, err = neurosim(*arguments, cwd=damaged)
    assert code == 2, (out, err)
    assert message in err.replace("\n", " "), err
    assert "Traceback" not in err and out == ""
    assert sorted(p for p in damaged.rglob("*")) == before


CHIP_EDITS = {
    "misspelt key": (lambda c: c["core"].update(neuronz=4), "core.neuronz"),
    "negative size": (
        lambda c: c["core"]["synaptic_memory"].update(word_bits=-64),
        "core.synaptic_memory.word_bits: got -64",
    ),
    "no price": (lambda c: c["energy"].pop("axon_out"), "axon_out"),
    "NaN price": (
        lambda c: c["energy"].update(axon_out={"pj": float("nan"), "source": "neurosim"}),
        "energy.axon_out",
    ),
    "wrong type": (lambda c: c["mesh"].update(width="wide"), "mesh.width"),
}


@pytest.mark.parametrize("case", CHIP_EDITS)
def test_a_bad_chip_file_is_one_clear_message(folder, case):
    edit, message = CHIP_EDITS[case]
    code, out, err = neurosim(*RUN, "--chip", edited_chip(folder, edit), cwd=folder)
    assert code == 2 and message in err.replace("\n", " ") and "mine.yaml" in err, err
    assert "Traceback" not in err and out == ""


def test_help_names_every_command_without_heavy_imports(folder):
    code, out, _ = neurosim("--help", cwd=folder)
    assert code == 0 and all(name in out for name in ("run", "list", "show", "explain"))
    heavy = ("numba", "pandas", "numpy", "matplotlib")
    probe = f"import sys, neurosim.cli.main; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=Path.cwd())
    assert done.stdout.strip() == "[]"


def test_shipped_chips_have_no_unsourced_energy():
    from neurosim.energy.chip_prices import chip_leakage, chip_prices

    for name in ("edge-28nm", "loihi-2018", "loihi-silicon"):
        chip = load_chip(name)
        assert all(price.source for price in chip_prices(chip).values())
        assert all(power.source and power.power_mw > 0 for power in chip_leakage(chip))


INTEROP = Path(__file__).parent.parent / "validation" / "data" / "interop" / "snntorch_mlp_digits"


def test_a_nir_file_with_its_profile(tmp_path):
    reference = INTEROP / "reference.npz"
    np.save(tmp_path / "y.npy", np.load(reference)["labels"])
    code, out, err = neurosim(
        "run", INTEROP / "model.nir", "--profile", "snntorch", "--input", reference, "--labels", "y.npy", "--chip",
        "edge-28nm", "--json", cwd=tmp_path,
    )  # fmt: skip
    assert code == 0, err
    result = json.loads(out)
    assert result["accuracy"] == 0.95 and result["spikes"] == {"input": 97321, "1": 216267, "3": 5822}
    assert result["provenance"]["network"]["profile"].startswith("snntorch: dt 0.0001, spike at v > threshold")


def test_a_recording_folder_prints_its_profile(tmp_path):
    code, out, err = neurosim("run", INTEROP, "--chip", "edge-28nm", "--samples", 3, cwd=tmp_path)
    assert code == 0, err
    assert "profile       snntorch: dt 0.0001" in out and "snntorch_mlp_digits on edge-28nm" in out


def test_export_and_run_again(tmp_path):
    assert neurosim("export", "mnist-mlp-float", "mlp.nir", cwd=tmp_path)[:2] == (0, "saved  mlp.nir\n")
    np.save(tmp_path / "x.npy", np.zeros((2, 784), np.uint8))
    code, out, err = neurosim(
        "run", "mlp.nir", "--input", "x.npy", "--timesteps", 4, "--chip", "edge-28nm", "--json", cwd=tmp_path
    )
    assert code == 0 and json.loads(out)["provenance"]["network"]["profile"].startswith("nir: dt 0.0001"), err


def test_nir_mistakes(folder, tmp_path):
    model = INTEROP / "model.nir"
    for arguments, expected in (
        (("run", model, "--input", INTEROP / "reference.npz"), "--profile snntorch, spikingjelly"),
        (("run", model, "--profile", "snntorch"), "give --input"),
        (("run", "mnist-mlp-float", "--profile", "snntorch"), "is for NIR files"),
        (("run", folder / "small.npz", "--profile", "snntorch"), "is for NIR files"),
        (("export", folder / "small.npz", "a.nir"), "no integer membranes"),
        (("export", "mnist-mlp-flaot", "a.nir"), "did you mean"),
    ):
        code, _, err = neurosim(*arguments, cwd=tmp_path)
        assert code == 2 and expected in err and err.count("\n") == 1, err


def test_breakeven(tmp_path):
    options = ("--bits", "4", "--timesteps", "1,2", "--rates", "0.01,0.1,1", "--samples", 4, "--draws", 1)
    code, out, err = neurosim("breakeven", "mnist-conv-w4", *options, "--plots", "figures", "--json", cwd=tmp_path)
    assert code == 0, err
    found = json.loads(out)
    assert found["panels"][0]["weight_bits"] == 4 and found["timesteps"] == [1, 2]
    assert (tmp_path / found["plots"][0]).read_bytes().startswith(b"\x89PNG")
    code, out, err = neurosim("breakeven", "mnist-conv-w4", *options, cwd=tmp_path)
    assert code == 0 and "Firing rate at break-even" in out and "zero-skipping, batch 1" in out
    code, _, err = neurosim("breakeven", "mnist-conv-w4", "--rates", "low", cwd=tmp_path)
    assert code == 2 and "--rates: got 'low'" in err


def test_neurobench_beside_the_hardware(folder):
    assert neurosim(*RUN, "--chip", "edge-28nm", "--out", "nb", cwd=folder)[0] == 0
    (saved,) = (folder / "nb").iterdir()
    code, out, _ = neurosim("neurobench", saved, "--json", cwd=folder)
    plain = json.loads(out)
    assert code == 0 and plain["neurobench"]["MembraneUpdates"] is None
    assert plain["neurobench"]["ParameterCount"] == 3 * 9 + 27 * 4
    assert set(plain["hardware"]) == set(plain["definitions"]["hardware"])
    code, out, _ = neurosim("neurobench", saved, cwd=folder)
    assert code == 0 and "run with --neurobench" in out and "What edge-28nm did" in out
    code, out, _ = neurosim(*RUN, "--chip", "edge-28nm-layer", "--out", "nb", "--neurobench", "--json", cwd=folder)
    layered = json.loads(out)
    assert code == 0 and layered["neurobench"]["MembraneUpdates"] >= 27 + 4
    assert layered["definitions"]["neurobench"]["MembraneUpdates"].startswith("a sample")
    same = ("SynapticOperations", "ActivationSparsity", "Footprint")
    assert all(layered["neurobench"][key] == plain["neurobench"][key] for key in same)
    code, _, err = neurosim("neurobench", "x.npy", cwd=folder)
    assert code == 2 and "x.npy" in err
