"""A footprint as text and as a figure, and the command that makes both."""

import json
import subprocess
import sys
from io import StringIO

import pytest
from rich.console import Console

from neurosim.api import runs as api
from neurosim.api import studies as api_studies
from neurosim.errors import NeurosimError
from neurosim.report.figure_footprint import by_kind, draw_footprint
from neurosim.report.text_footprint import footprint_text

PNG = b"\x89PNG\r\n\x1a\n"


def text(*found):
    stream = StringIO()
    Console(file=stream, width=120).print(footprint_text(*found))
    return stream.getvalue()


def neurosim(*arguments, cwd):
    command = [sys.executable, "-m", "neurosim.cli", *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=600)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("chip", ["edge-28nm", "edge-28nm-layer"])
def test_text_and_figure(chip, tmp_path):
    found = api_studies.footprint("mnist-conv-w4", chip)
    shown = text(*found)
    for word in ("model alone", "waste", "hidden1", "Where it fits", "ranc: cannot compute"):
        assert word in shown
    assert ("Layouts and widths" in shown) == (chip == "edge-28nm")
    one = draw_footprint(*found, tmp_path / "one.png").read_bytes()
    assert one.startswith(PNG) and one == draw_footprint(*found, tmp_path / "two.png").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["one.png", "two.png"]


def test_bars_hold_every_bit():
    contents = {"weights": 1, "indices": 2, "runs": 4, "codebook": 8, "padding": 16}
    assert by_kind(contents) == {"weights": 1, "indices": 6, "codebooks": 8, "padding": 16}


def test_what_does_not_fit_is_said():
    assert "does not fit: chip: synaptic_memory" in text(*api_studies.footprint("mnist-mlp-float", "edge-28nm-layer"))


def test_the_footprint_of_a_run_is_the_same():
    result = api.simulate("mnist-conv-w4", "edge-28nm", samples=1)
    found, tried = api_studies.footprint("mnist-conv-w4", "edge-28nm", where=False)
    assert found.by_memory == result.footprint and tried == []
    assert [dict(vars(line)) for line in found.lines] == result.footprint_lines


def test_a_nir_file_needs_timesteps_on_a_layer_chip(tmp_path):
    model = tmp_path / "m.nir"
    api.to_nir("mnist-mlp-float", model)
    options = {"profile": "nir:dt=0.0001", "where": False}
    found, _ = api_studies.footprint(str(model), "edge-28nm", **options)
    weights = [line for line in found.model if line.content == "weights"]
    assert sum(line.used_bits for line in weights) == 32 * (784 * 400 + 4000)
    with pytest.raises(NeurosimError, match="--timesteps"):
        api_studies.footprint(str(model), "edge-28nm-layer", **options)
    assert api_studies.footprint(str(model), "edge-28nm-layer", timesteps=8, **options)[0].total_bits


def test_the_command(tmp_path):
    arguments = ("footprint", "mnist-conv-w4", "--chip", "edge-28nm", "--layout", "run_length")
    code, out, err = neurosim(*arguments, "--json", "--plots", "figures", cwd=tmp_path)
    assert code == 0, err
    found = json.loads(out)
    assert found["layouts"]["hidden2->output"] == ["run_length"]
    assert sum(sum(row["bits"].values()) for row in found["layers"]) == found["total_bits"]
    assert {trial["chip"] for trial in found["where"]} >= {"edge-28nm", "loihi-2018", "edge-28nm-layer", "odin"}
    assert (tmp_path / found["plots"][0]).read_bytes().startswith(PNG)
    code, _, err = neurosim(*arguments, "--output", "x.jpg", cwd=tmp_path)
    assert code == 2 and "--output x.jpg" in err
    code, _, err = neurosim("footprint", "mnist-conv-w4", "--layout", "coo", cwd=tmp_path)
    assert code == 2 and "expected one of by_kind" in err
    code, _, err = neurosim("footprint", "mnist-conv-w4", "--chip", "odin", cwd=tmp_path)
    assert code == 2 and "execution is 'event'" in err
