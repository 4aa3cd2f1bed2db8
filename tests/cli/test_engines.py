"""The commands ``crossover`` and ``dataflows``."""

import json

from tests.cli.test_commands import neurosim


def test_crossover(tmp_path):
    options = ("--rates", "0.1,1", "--widths", "8,32", "--codewords", "4,8", "--channels", 2, "--samples", 2)
    code, out, err = neurosim("crossover", "mnist-conv-s2-k32", *options, "--out", "map", "--json", cwd=tmp_path)
    assert code == 0, err
    found = json.loads(out)
    assert [panel["codewords"] for panel in found["panels"]] == [4, 8]
    assert found["points"][0]["workload"] == "mnist-conv-s2-k32" and "synthetic" in found["spikes"]
    assert {path.rsplit(".")[-1] for path in found["files"]} == {"png", "csv"}
    assert all((tmp_path / path).is_file() for path in found["files"])
    code, out, err = neurosim("crossover", *options, cwd=tmp_path)
    assert code == 0 and "8 codewords, by firing rate" in out and "Trained layers" not in out
    code, _, err = neurosim("crossover", "--chip", "edge-28nm-layer", cwd=tmp_path)
    assert code == 2 and "cannot reuse codewords" in err


def test_dataflows(tmp_path):
    options = ("--stored", "mnist-conv-q-u2", "--timesteps", "2,3", "--samples", 2)
    start = ("dataflows", "mnist-conv-mfp-w1-history")
    code, out, err = neurosim(*start, *options, "--out", "flows", "--json", cwd=tmp_path)
    assert code == 0, err
    found = json.loads(out)
    assert len(found["rows"]) == 2 * 4 and found["timesteps"] == [2, 3]
    assert all((tmp_path / path).is_file() for path in found["files"])
    code, out, err = neurosim(*start, *options, cwd=tmp_path)
    assert code == 0 and "from history" in out and "output keeps its membranes: the host reads its membranes" in out
    code, _, err = neurosim("dataflows", "mnist-conv-w4", cwd=tmp_path)
    assert code == 2 and "no layer can do without its membranes" in err
