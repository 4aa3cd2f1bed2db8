"""`neurosim compare` and `neurosim report` as a user meets them."""

import csv
import json
from pathlib import Path

import pytest

from tests.cli.test_commands import neurosim

PAIR = ("mnist-mlp-w4", "mnist-mlp-w1")


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compare")
    code, out, err = neurosim(
        "compare", *PAIR, "mnist-mlp-float", "--chip", "loihi-2018", "--samples", 3, "--against", "ann", "--plots", "p",
        "--csv", "t/table.csv", cwd=folder,
    )  # fmt: skip
    assert code == 0, err
    return folder, out


def test_the_table_the_ratios_and_the_reason(plain):
    _, out = plain
    flat = " ".join(out.split())
    assert "ANN of mnist-mlp" in flat and "by the proxy formula" in flat
    assert "not run mnist-mlp-float: projection input->hidden1.codec: float32 of 32 bits is not supported" in flat
    assert "From mnist-mlp-w4 to mnist-mlp-w1, a sample" in flat and "quantise" in flat and "firing change" in flat
    assert "mean of the same 3 samples" in flat and "Davies et al." in flat


def test_plots_and_csv(plain):
    folder, out = plain
    drawn = sorted((folder / "p").glob("*.png"))
    assert {p.suffix for p in (folder / "p").iterdir()} == {".png", ".svg", ".pdf"}
    assert len(drawn) == 7 and all(f"p/{path.name}" in out for path in drawn)
    with (folder / "t" / "table.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["name"] for row in rows] == [*PAIR, "mnist-mlp-float", "ANN of mnist-mlp"]


def test_json_is_one_object(tmp_path):
    code, out, err = neurosim("compare", *PAIR, "--samples", 2, "--waterfall", ":".join(PAIR), "--json", cwd=tmp_path)
    assert code == 0, err
    made = json.loads(out)
    assert [row["name"] for row in made["rows"]] == list(PAIR) and made["rows"][0]["samples"] == 2
    assert made["savings"][0]["chip_ratio"] > 0 and made["waterfalls"][0]["reason"] is None
    assert set(made["provenance"]) == set(PAIR) and made["plots"] == [] and made["csv"] is None


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("mnist-mlp-w1", "--waterfall", "mnist-mlp-w1"), "--waterfall: got 'mnist-mlp-w1', expected FIRST:SECOND"),
        (("mnist-mlp-w1", "--against", "gpu"), "against: got 'gpu'"),
        (("mnist-mlp-w1", "--chip", "tinyodin"), "execution is 'event'"),
        (("mnist-mlp",), "mnist-mlp"),
    ],
)
def test_mistakes_are_one_line(tmp_path, arguments, message):
    code, _, err = neurosim("compare", *arguments, cwd=tmp_path)
    assert code == 2 and message in err and "Traceback" not in err


def test_a_report(tmp_path):
    Path(tmp_path / "s.yaml").write_text(
        "format: neurosim-study/1\nkind: compare\ntitle: Two\nchips: [edge-28nm]\nsamples: 2\n"
        f"workloads: [{', '.join(PAIR)}]\n"
    )
    code, out, err = neurosim("report", "s.yaml", "--out", "r", "--json", cwd=tmp_path)
    assert code == 0, err
    written = json.loads(out)
    assert written["page"] == ["r/s.html"] and written["tables"] == ["r/s_edge-28nm.csv"]
    files = sorted(path for paths in written.values() for path in paths)
    assert sorted(str(p.relative_to(tmp_path)) for p in (tmp_path / "r").iterdir()) == files
    code, _, err = neurosim("report", "nothing-here", cwd=tmp_path)
    assert code == 2 and "shipped: compression" in err
