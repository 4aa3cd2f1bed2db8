"""`neurosim report` on results and `neurosim diff`, as a user meets them."""

import json

import pytest

from neurosim import simulate
from tests.cli.test_commands import neurosim
from tests.study.small import workload


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("results")
    for name, codec in (("a", "w8"), ("b", "w1")):
        simulate(workload("net", codec=codec), "edge-28nm").save(path / f"{name}.npz")
    return path


def test_a_report_of_a_result(folder):
    code, out, err = neurosim("report", "a.npz", "--out", "r", "--title", "My title", cwd=folder)
    assert code == 0, err
    assert out.splitlines()[0] == "page     r/net_edge-28nm.html"
    assert "figures  8 files (PNG) in r" in out and "vector   16 files (PDF, SVG) in r" in out
    assert "<h1>My title</h1>" in (folder / "r" / "net_edge-28nm.html").read_text("utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("a.npz", "compression"), "'compression' is no result file (.npz), and a study is rendered alone"),
        (("compression", "uniform"), "got 2 studies, expected one study, or result files (.npz)"),
        (("compression", "--title", "x"), "--title is for results"),
        (("none.npz",), "none.npz: no such file"),
    ],
)
def test_a_report_that_cannot_be(folder, arguments, said):
    code, _, err = neurosim("report", *arguments, "--out", "no", cwd=folder)
    assert code == 2 and said in " ".join(err.split()) and "Traceback" not in err
    assert not (folder / "no").exists()


def test_diff(folder):
    code, out, err = neurosim("diff", "a.npz", "b.npz", "--by", "component", "--json", cwd=folder)
    assert code == 0, err
    made = json.loads(out)
    assert {term["component"] for term in made["terms"]} > {"synaptic_memory", "membrane_memory"}
    total = made["energy_pj"]
    assert total["of_counts"] + total["of_constants"] == pytest.approx(total["difference"], rel=1e-9)
    code, out, _ = neurosim("diff", "a.npz", "b.npz", "--top", 1, cwd=folder)
    assert code == 0 and "--top shows more" in out and "network_sha256" in out
    code, _, err = neurosim("diff", "a.npz", "b.npz", "--by", "layer", cwd=folder)
    assert code == 2 and "'layer', expected fields of component" in err
