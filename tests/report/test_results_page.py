"""Saved results as a page: one file, figures in three formats, tables, nothing taken literally from a file's names."""

import csv
import json
import os
import re
import struct
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from neurosim import render_results, simulate
from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays
from neurosim.result import Result
from neurosim.study.diff import diff
from tests.report.pages import EVIL, EVIL_PATH, EVIL_TEX, Page, assert_self_contained
from tests.study.small import workload

KINDS = ("energy", "tornado", "footprint", "spikes", "utilisation", "roofline", "latency", "confusion")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A result of each kind of chip, one with names as an attacker would have them."""
    path = tmp_path_factory.mktemp("results")
    simulate(workload("plain", 16), "edge-28nm", samples=16).save(path / "edge.npz")
    simulate(workload("plain", 16), "edge-28nm-layer", samples=16).save(path / "layer.npz")
    simulate(workload("plain", 1, codec="w1"), "loihi-2018", samples=1, network_samples=1).save(path / "one.npz")
    header, arrays = read_arrays(path / "edge.npz")
    header["workload"], header["chip"] = EVIL + EVIL_TEX, EVIL_PATH
    text = json.dumps(header).replace('"hidden"', json.dumps(EVIL)).replace('"out"', json.dumps(EVIL_TEX))
    write_arrays(path / "evil.npz", json.loads(text), arrays)
    return path


@pytest.fixture(scope="module")
def evil(folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "out"
    return out, render_results([folder / "evil.npz"], out)


@pytest.fixture(scope="module")
def alone(folder, tmp_path_factory):
    return render_results([folder / "edge.npz"], tmp_path_factory.mktemp("alone"))


def test_one_page_with_everything_inside(folder, tmp_path):
    written = render_results([folder / "layer.npz", folder / "one.npz"], tmp_path)
    page = assert_self_contained(written["page"][0].read_text("utf-8"))
    images = [attributes["src"] for tag, attributes in page.tags if tag == "img"]
    # One sample: no distribution. A chip without bands: no tornado.
    assert len(images) == len(written["figures"]) == 2 + 8 + 6
    assert "there is one sample" in page.text and "no constant of this chip has a band" in page.text
    assert "CACTI 7 table" in page.text
    for name in ("layer.npz", "one.npz"):
        assert name in page.text
    assert sorted(p for paths in written.values() for p in paths) == sorted(tmp_path.iterdir())


def test_figures_in_three_formats_at_paper_size(alone):
    assert [p.stem.rsplit("_", 1)[1] for p in alone["figures"]] == list(KINDS)
    for path in alone["figures"]:
        width, _ = struct.unpack(">II", path.read_bytes()[16:24])
        assert width in (680, 1400)
        root = ElementTree.parse(path.with_suffix(".svg")).getroot()
        assert float(root.get("width").removesuffix("pt")) == pytest.approx(width / 200 * 72, abs=0.5)
        pdf = path.with_suffix(".pdf").read_bytes()
        box = re.search(rb"/MediaBox \[ 0 0 ([\d.]+)", pdf)
        assert pdf.startswith(b"%PDF") and float(box[1]) == pytest.approx(width / 200 * 72, abs=0.5)


def test_names_are_text(evil):
    _, written = evil
    page = assert_self_contained(written["page"][0].read_text("utf-8"))
    assert page.text.count(EVIL) >= 3 and EVIL_TEX in page.text
    for path in written["vector"]:
        if path.suffix == ".svg":
            tags = {element.tag.rsplit("}", 1)[1] for element in ElementTree.parse(path).iter()}
            assert not tags & {"script", "foreignObject", "a"}


def test_names_leave_no_folder(evil):
    out, written = evil
    files = [path for paths in written.values() for path in paths]
    assert {path.parent for path in files} == {out} and all(re.fullmatch(r"[\w.-]+", path.name) for path in files)
    assert [p.name for p in out.parent.iterdir()] == ["out"]


def test_names_start_no_command_in_latex(evil):
    _, written = evil
    known = {
        "usepackage", "begin", "centering", "caption", "label", "toprule", "midrule", "bottomrule", "end", "times",
        "textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textquotedbl", "textmu",
        "textbar", "textasciigrave",
    }  # fmt: skip
    seen = ""
    for path in written["tables"]:
        if path.suffix == ".tex":
            text = path.read_text("utf-8")
            assert set(re.findall(r"\\([A-Za-z]+)", text)) <= known
            body = [line for line in text.splitlines() if not line.startswith("% needs")]
            assert not re.search(r"(?<!\\)[%#]", "\n".join(body))
            seen += text
    assert r"\textbackslash{}input\{/etc/passwd\} 50\% \$x\_1\$ \& \#2" in seen


def test_tables_hold_the_result(folder, alone):
    result = Result.load(folder / "edge.npz")
    tables = {p.stem.rsplit("_", 1)[1]: list(csv.DictReader(p.open())) for p in alone["tables"] if p.suffix == ".csv"}
    energy = [float(row["energy_pj"]) for row in tables["constants"]]
    assert sum(energy) == pytest.approx(result.energy_pj / result.samples, rel=1e-12)
    for row in tables["constants"]:
        assert float(row["count"]) * float(row["price_pj"]) == pytest.approx(float(row["energy_pj"]), rel=1e-12)
    layers = {row["layer"]: float(row["spikes_per_sample"]) * result.samples for row in tables["layers"]}
    assert layers == pytest.approx(result.spikes)
    assert list(layers) == ["in", "hidden", "out"]
    assert {r["memory"]: int(r["used_bits"]) for r in tables["memories"]} == {
        name: sizes["used_bits"] for name, sizes in result.footprint.items()
    }


def test_the_same_bytes_in_another_process(folder, alone, tmp_path):
    code = "import sys; from neurosim import render_results; render_results([sys.argv[1]], sys.argv[2])"
    other = {**os.environ, "PYTHONHASHSEED": "7", "TZ": "UTC+5", "LC_ALL": "C"}
    command = [sys.executable, "-c", code, str(folder / "edge.npz"), str(tmp_path)]
    subprocess.run(command, check=True, timeout=600, env=other)
    here = {path.name: path.read_bytes() for paths in alone.values() for path in paths}
    there = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert here.keys() == there.keys() and len(here) == 1 + 3 * 8 + 2 * 4
    assert [name for name in here if here[name] != there[name]] == []


def test_an_older_file_says_what_is_missing(folder, tmp_path):
    header, arrays = read_arrays(folder / "edge.npz")
    header = {key: value for key, value in header.items() if key not in ("roof", "populations")}
    write_arrays(
        tmp_path / "old.npz", header, {k: v for k, v in arrays.items() if k not in ("raster", "spikes_by_step")}
    )
    written = render_results([tmp_path / "old.npz"], tmp_path / "out")
    text = Page(written["page"][0].read_text("utf-8")).text
    assert "No spikes to draw: the file is of an older version" in text and "No roofline" in text
    assert len(written["figures"]) == len(KINDS) - 2


def test_what_is_no_result_is_refused(folder, tmp_path):
    with pytest.raises(NeurosimError, match="expected 1 to 40"):
        render_results([], tmp_path / "x")
    (tmp_path / "bad.npz").write_bytes(b"PK nothing")
    with pytest.raises(NeurosimError, match=r"bad\.npz"):
        render_results([folder / "edge.npz", tmp_path / "bad.npz"], tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_raster_and_rates_survive_the_file(folder):
    result = Result.load(folder / "edge.npz")
    assert list(result.neurons) == ["in", "hidden", "out"]
    assert result.spikes_by_step.sum(axis=1).tolist() == list(result.spikes.values())
    stimulus = workload("plain", 16).stimulus(16, 5, 0)
    first = stimulus.sample(0)
    given = np.stack([np.repeat(np.arange(5), np.diff(first.ptr)), first.neuron], axis=1)
    assert np.array_equal(result.raster[result.raster[:, 1] < 9], given)


def test_a_file_of_the_first_version_still_loads(tmp_path):
    # Written by the first commit that could run a shipped chip; energies are those that commit printed.
    path = Path(__file__).parent / "data" / "result_first_version.npz"
    result = Result.load(path)
    assert result.energy_pj == pytest.approx(17585.328514850895, rel=1e-12)
    assert result.spikes == {"in": 63, "hidden": 120, "out": 60} and result.cycles_total == 1280
    assert (result.raster, result.roof, result.waits, result.layers, result.timing_mode) == (
        None,
        None,
        None,
        [],
        "cycle",
    )
    again = Result.load(result.save(tmp_path / "again.npz"))
    assert again.to_json() == result.to_json()
    assert len(render_results([path], tmp_path / "out")["figures"]) == 5
    assert diff(result, again).to_json()["energy_pj"]["difference"] == 0.0


@pytest.mark.parametrize("version", [None, "neurosim-result/2", "neurosim-network/1"])
def test_other_versions_are_refused_by_name(folder, tmp_path, version):
    header, arrays = read_arrays(folder / "edge.npz")
    write_arrays(tmp_path / "x.npz", {**header, "format": version}, arrays)
    with pytest.raises(NeurosimError, match=re.escape(repr(version)) + ".*expected 'neurosim-result/1'"):
        Result.load(tmp_path / "x.npz")
