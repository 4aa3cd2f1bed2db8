"""`neurosim sweep` as a user meets it."""

import json

import pandas as pd
import pytest

from tests.cli.test_commands import neurosim
from tests.study.sweep.small import write_study


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("sweep")
    write_study(made, axes={"lanes": {"sets": "chip.core.synapse.lanes", "values": [1, 8, 0]}, "timesteps": [3, 5]})
    return made


def test_the_table_the_errors_and_the_rows(folder):
    code, out, err = neurosim("sweep", "study.yaml", "--processes", 1, "--csv", "rows.csv", cwd=folder)
    assert code == 0, err
    assert "6 points over lanes (3 values), timesteps (2 values)" in err
    flat = " ".join(out.split())
    assert "small: 4 of 6 points ran" in flat and "energy a sample" in flat and "memory area" in flat
    assert "failed 2 x" in flat and "core.synapse.lanes: got 0" in flat
    rows = pd.read_csv(folder / "rows.csv")
    assert rows["lanes"].tolist() == [1, 1, 8, 8, 0, 0] and rows["error"].notna().sum() == 2


def test_json(folder):
    code, out, err = neurosim("sweep", "study.yaml", "--processes", 1, "--json", cwd=folder)
    assert code == 0, err
    told = json.loads(out)
    assert (told["points"], told["failed"]) == (6, 2)
    assert len(pd.read_parquet(folder / told["rows"])) == 6


def test_report_writes_the_rows(folder):
    code, _, err = neurosim("report", "study.yaml", "--out", "report", "--processes", 1, cwd=folder)
    assert code == 0, err
    assert len(pd.read_csv(folder / "report" / "study_points.csv")) == 6
    assert (folder / "report" / "study.html").is_file()


def test_too_many_points_in_one_line(folder):
    path = folder / "large.yaml"
    text = (folder / "study.yaml").read_text().partition("axes:")[0]
    path.write_text(
        text + "axes: {samples: {linear: [1, 9], points: 1000000}, seed: {linear: [1, 9], points: 1000000}}\n"
    )
    code, _, err = neurosim("sweep", "large.yaml", cwd=folder)
    assert code == 2 and "1e+12 points = 1000000 (samples) x 1000000 (seed)" in " ".join(err.split())
