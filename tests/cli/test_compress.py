"""quantize and prune on the command line: what they write runs, what they print is the report."""

import json

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

import neurosim
from neurosim.cli.main import app
from neurosim.errors import NeurosimError


def run(*arguments):
    """(output) of a command that succeeds; NeurosimError passes through."""
    done = CliRunner().invoke(app, [str(a) for a in arguments], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_quantize_to_a_folder_that_runs(tmp_path):
    out = tmp_path / "w4"
    arguments = ("--weight-bits", 4, "--membrane-bits", 10, "--membrane", "output=16", "--layer", "input->hidden1=8")
    text = run("quantize", "mnist-conv-float", *arguments, "--samples", 100, "-o", out)
    assert "accuracy" in text and "float32 > int8" in text and "SQNR" in text
    spec = yaml.safe_load((out / "workload.yaml").read_text())
    assert spec["name"] == "w4" and spec["card"]["from"] == "mnist-conv-float"
    work = neurosim.load_workload(str(out))
    assert [p.codec.bits for p in work.network.projections] == [8, 4, 4]
    assert [p.model.membrane_bits for p in work.network.populations[1:]] == [10, 10, 16]
    result = neurosim.simulate(work, "edge-28nm", samples=50)
    assert result.accuracy > 0.9


def test_json_and_model_file(tmp_path):
    out = tmp_path / "m.npz"
    text = run("quantize", "mnist-mlp-float", "--membrane-bits", "float", "--samples", 50, "-o", out, "--json")
    found = json.loads(text)
    assert found["saved"] == str(out) and found["weight_bits"] == [317600 * 32, 317600 * 8]
    assert found["comparison"]["samples"] == 50 and found["comparison"]["accuracy_other"] > 0.9
    network = neurosim.load_network(out)
    assert network.projections[0].codec.bits == 8 and not network.is_integer


def test_prune_channels_and_weights(tmp_path):
    out = tmp_path / "p.npz"
    text = run("prune", "mnist-conv-w4", "--structured", "--share", 0.25, "--samples", 20, "-o", out)
    assert "24 of 32" in text
    assert neurosim.load_network(out).population("hidden2").shape == (24, 7, 7)
    arguments = ("--share", 0.5, "--only", "hidden2->output", "--store", "sparse", "--samples", 0, "--json")
    found = json.loads(run("prune", "mnist-conv-w4", *arguments, "-o", out))
    assert found["projections"][2]["stored_weights"] < 15680 / 2 + 1 and found["comparison"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("quantize", "mnist-mlp-float", "--membrane-bits", "wide"), "--membrane-bits"),
        (("quantize", "mnist-mlp-float", "--clip", "much"), "--clip"),
        (("quantize", "mnist-mlp-float", "--layer", "hidden1"), "NAME=VALUE"),
        (("quantize", "mnist-mlp-float", "--weight-bits", "five"), "weight format"),
        (("prune", "mnist-mlp-w1", "--share", "0.5"), "cannot store the zeros"),
        (("prune", "mnist-mlp-w1", "--share", "1.5"), "share"),
    ],
)
def test_mistakes_are_one_clear_error(tmp_path, arguments, message):
    with pytest.raises(NeurosimError, match=message):
        run(*arguments, "-o", tmp_path / "x.npz")
    assert list(tmp_path.iterdir()) == []


def test_model_files_without_labels(tmp_path):
    rng = np.random.default_rng(0)
    np.save(tmp_path / "x.npy", rng.integers(0, 256, (30, 28, 28)).astype(np.uint8))
    source = tmp_path / "m.npz"
    run("quantize", "mnist-conv-float", "--samples", 0, "-o", source)
    arguments = ("--input", tmp_path / "x.npy", "--timesteps", 4, "--calibration-samples", 10)
    text = run("quantize", source, *arguments, "--weight-bits", 4, "-o", tmp_path / "again.npz")
    assert "int8 > int4" in text and "accuracy" not in text
    with pytest.raises(NeurosimError, match="images and labels"):
        run("quantize", source, *arguments, "-o", tmp_path / "folder")
