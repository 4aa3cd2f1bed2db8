"""`neurosim validate noc`: a subset of the recorded runs of BookSim (data/booksim_mesh.csv), and damaged ones."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from neurosim.cli.main import app
from neurosim.errors import NeurosimError
from neurosim.validation import noc_mesh, noc_sweep, noc_traffic, validate
from neurosim.validation.case import Case, summary
from neurosim.validation.table import Row, read_rows

DATA = Path(__file__).parent / "data"
MESH = DATA / "booksim_mesh.csv"


def table(path=MESH):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def write(path, rows):
    with open(path, "w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def command(*arguments):
    return CliRunner().invoke(app, ["validate", *map(str, arguments)])


PACKET = dict(case="c", topology="mesh", k="2", pipeline="p3", num_vcs="1", vc_buf_size="4", packet_size="1",
              src="0", dst="3", ctime="0", itime="0", atime="11")  # fmt: skip


def test_recorded_runs_agree_on_both_engines():
    found = list(validate("noc", MESH))
    assert summary(found) == {"equal": 20, "within": 8, "miss": 0, "not compared": 3}
    reasons = [case.detail.split(";")[0] for case in found if case.verdict == "not compared"]
    assert reasons == ["saturated", "pipeline p4", "torus near saturation, where the side that ties take decides"]
    kinds = [case.detail.split(",")[0] for case in found if case.verdict == "within"]
    assert kinds == ["statistical"] * 6 + ["trend"] * 2


def test_command_prints_a_line_a_case_and_a_summary():
    done = command("noc", MESH, "--engine", "fast")
    lines = done.stdout.splitlines()
    assert done.exit_code == 0
    assert len(lines) == len(table()) + 1
    first = "booksim_mesh.csv:2 mesh-k4-p3-v1-b4-p1-hotcorner batch size 16 seed 1 [fast]: 10 figures"
    assert lines[0] == f"equal         {first}"
    assert lines[-1] == "10 equal, 8 within, 0 miss, 3 not compared"


@pytest.mark.parametrize("column", ["batch_time", "packet_latency", "network_latency", "packet_latency_max",
                                    "routers_per_packet", "accepted_flit_rate", "sim_cycles"])  # fmt: skip
def test_the_last_printed_digit_counts(tmp_path, column):
    row = table()[2]
    value = float(row[column])
    row[column] = f"{value + 10.0 ** (np.floor(np.log10(value)) - 5):.6g}"
    done = command("noc", write(tmp_path / "t.csv", [row]), "--engine", "fast", "--json")
    assert done.exit_code == 1
    answer = json.loads(done.stdout)
    assert answer["summary"]["miss"] == 1
    assert f"recorded {float(row[column]):g}" in answer["cases"][0]["detail"]
    assert answer["cases"][0]["detail"].startswith(column)


def test_one_wrong_packet_is_found_and_named(tmp_path):
    first = {**PACKET, "case": "good"}
    wrong = [{**PACKET, "case": "bad"}, {**PACKET, "case": "bad", "ctime": "4", "itime": "4", "atime": "16"}]
    done = command("noc", write(tmp_path / "t.csv", [first, *wrong]), "--engine", "reference")
    assert done.exit_code == 1
    assert done.stdout.splitlines() == [
        "equal         t.csv good [reference]: 1 packets",
        "miss          t.csv bad [reference]: 1 of 2 packets; first line 4: sent 4, delivered 15; recorded 4, 16",
        "1 equal, 0 within, 1 miss, 0 not compared",
    ]


def test_a_sweep_outside_its_bound_is_a_miss(tmp_path):
    row = next(r for r in table() if r["mode"] == "latency" and r["injection_rate"] == "0.3")
    row["packet_latency"] = str(float(row["packet_latency"]) + 0.25)
    (case,) = validate("noc", write(tmp_path / "t.csv", [row]), "fast")
    assert case.verdict == "miss"
    assert "queueing delay 0.77" in case.detail


def test_all_lines_together_show_a_bias_that_no_line_shows():
    for bias, verdict in ((0.0, "within"), (0.9, "miss")):
        sweeps = noc_sweep.Sweeps()
        rng = np.random.default_rng(1)
        for group in range(40):
            sweeps._differences.setdefault("delay", {})[(group,)] = list(rng.normal(bias, 1, 3))
        (case,) = sweeps.together("all")
        assert case.verdict == verdict, case


def test_sweeps_on_the_reference_alone_say_why_not():
    verdicts = summary(validate("noc", MESH, "reference"))
    assert verdicts == {"equal": 10, "within": 0, "miss": 0, "not compared": 11}


def test_a_folder_is_searched_and_other_files_passed_over(tmp_path):
    write(tmp_path / "a.csv", [PACKET])
    (tmp_path / "b.csv").write_text("x,y\n1,2\n")
    (tmp_path / "c.txt").write_text("nothing")
    (case,) = validate("noc", tmp_path, "fast")
    assert case == Case("a.csv c [fast]", "equal", "1 packets")


@pytest.mark.parametrize(
    ("pattern", "k", "hot", "expected"),
    [
        ("transpose", 4, "", [0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15]),
        ("bitcomp", 2, "", [3, 2, 1, 0]),
        ("neighbor", 2, "", [3, 2, 1, 0]),
        ("neighbor", 3, "", [4, 5, 3, 7, 8, 6, 1, 2, 0]),
        ("tornado", 4, "", [5, 6, 7, 4, 9, 10, 11, 8, 13, 14, 15, 12, 1, 2, 3, 0]),
        ("shuffle", 2, "", [0, 2, 1, 3]),
        ("bitrev", 4, "", [0, 8, 4, 12, 2, 10, 6, 14, 1, 9, 5, 13, 3, 11, 7, 15]),
        ("hotspot1", 4, "", [5] * 16),
        ("hotspot1", 2, "2", [2] * 4),
        ("bitrev", 1, "", [0]),
    ],
)
def test_patterns(pattern, k, hot, expected):
    found = noc_traffic.pattern_of(Row(Path("t.csv"), 2, {"traffic": pattern, "k": str(k), "hotspot_nodes": hot}))
    assert not found.random
    assert found.choices[:, 0].tolist() == expected


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": "x"}, r"t.csv, line 2, column k: got 'x', expected a whole number of 1 to 64"),
        ({"k": "4.5"}, "column k: got '4.5'"),
        ({"k": "1e9"}, "column k"),
        ({"num_vcs": "0"}, "column num_vcs: got '0'"),
        ({"vc_buf_size": "-1"}, "column vc_buf_size"),
        ({"k": "64", "num_vcs": "16", "vc_buf_size": "4096"}, "column vc_buf_size: got '4096', expected at most 64"),
        ({"packet_size": "nan"}, "column packet_size: got 'nan'"),
        ({"batch_size": ""}, "column batch_size: got ''"),
        ({"batch_size": "99999999"}, "column batch_size"),
        ({"batch_time": "soon"}, "column batch_time: got 'soon', expected a finite number"),
        ({"traffic": "sideways"}, "column traffic: got 'sideways', expected one of uniform"),
        ({"traffic": "uniform"}, "column traffic: got 'uniform', expected a pattern without random draws"),
        ({"traffic": "bitrev", "k": "3"}, "column k: got '3', expected a power of two"),
        ({"hotspot_nodes": "16"}, "column hotspot_nodes: got '16', expected node numbers of 0 to 15"),
        ({"hotspot_nodes": "-1"}, "column hotspot_nodes"),
        ({"deterministic": "2"}, "column deterministic"),
        ({"mode": "dream"}, "column mode: got 'dream', expected one of batch, latency, throughput"),
        ({"topology": "star"}, "column topology"),
    ],
)
def test_wrong_cells_are_named(tmp_path, change, message):
    row = {**table()[0], **change}
    with pytest.raises(NeurosimError, match=message):
        list(validate("noc", write(tmp_path / "t.csv", [row]), "fast"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"src": "4"}, "line 3, column src: got '4', expected a whole number of 0 to 3"),
        ({"ctime": "-1"}, "line 3, column ctime"),
        ({"atime": "1e30"}, "line 3, column atime"),
        ({"k": "3"}, "line 3, column k: got '3', expected '2' as in line 2 of the same case"),
        ({"case": ""}, "line 3, column case: got ''"),
    ],
)
def test_wrong_packets_are_named(tmp_path, change, message):
    with pytest.raises(NeurosimError, match=message):
        list(validate("noc", write(tmp_path / "t.csv", [PACKET, {**PACKET, **change}]), "fast"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "no table of packets or runs"),
        (b"a,b\n1,2\n", "no table of packets or runs"),
        (b"\xff\xfe\x00", "not a readable CSV"),
        (b"case,src,dst,ctime\n", "missing column topology, k, "),
        (",".join(PACKET).encode() + b"\n", "a header without lines"),
        (",".join(PACKET).encode() + b",k\n1\n", "occurs twice"),
        (",".join(PACKET).encode() + b"\n1,2\n", "line 2: 2 cells, expected 12"),
        (b'case,src,dst,ctime\n"', "not a readable CSV"),
    ],
)
def test_unusable_files_exit_2(tmp_path, content, message):
    (tmp_path / "t.csv").write_bytes(content)
    done = command("noc", tmp_path / "t.csv")
    assert isinstance(done.exception, NeurosimError)  # `main` prints it and exits 2
    assert message in str(done.exception)


@pytest.mark.parametrize("arguments", [("rain", MESH), ("noc", "nowhere"), ("noc", MESH, "--engine", "warp")])
def test_unknown_kind_path_engine(arguments):
    assert isinstance(command(*arguments).exception, NeurosimError)


def test_nothing_to_compare_is_an_error(tmp_path):
    other = [row for row in table() if row["pipeline"] == "p4"]
    done = command("noc", write(tmp_path / "t.csv", other))
    assert done.stdout.startswith("not compared")
    assert "nothing in it can be compared" in str(done.exception)


def test_a_damaged_gz_is_refused(tmp_path):
    (tmp_path / "t.csv.gz").write_bytes((DATA / "booksim_packets.csv.gz").read_bytes()[:500])
    with pytest.raises(NeurosimError, match="not a readable CSV"):
        validate("noc", tmp_path / "t.csv.gz")


def test_columns_of_the_subset_are_the_ones_asked_for():
    assert {c for c in noc_mesh.COLUMNS} <= read_rows(MESH, noc_mesh.COLUMNS)[0].cells.keys()
