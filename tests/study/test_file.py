"""Study files: what is accepted, what is refused and in which words."""

from pathlib import Path

import pytest

from neurosim.arch import load_chip
from neurosim.errors import NeurosimError
from neurosim.study.file import list_studies, load_study
from neurosim.study.sweep.design import make_design
from neurosim.study.sweep.file import SweepStudy
from neurosim.study.sweep.inputs import read_inputs
from neurosim.workload.workload import list_workloads

GOOD = "format: neurosim-study/1\nkind: compare\ntitle: t\nchips: [edge-28nm]\nworkloads: [mnist-mlp-w1]\n"


def written(folder, text):
    path = Path(folder) / "study.yaml"
    path.write_text(text)
    return str(path)


def test_shipped_studies_load():
    assert "compression" in list_studies()
    study = load_study("uniform").study
    assert study.kind == "compare" and len(study.workloads) == 10
    assert {name for pair in study.waterfalls for name in pair} <= set(study.workloads)


def test_defaults(tmp_path):
    study = load_study(written(tmp_path, GOOD)).study
    assert (study.samples, study.seed, study.capacity, study.against, study.waterfalls) == (200, 0, "refuse", None, [])


def test_names_beside_the_file(tmp_path):
    (tmp_path / "mine").mkdir()
    file = load_study(written(tmp_path, GOOD.replace("[mnist-mlp-w1]", "[mnist-mlp-w1, mine, /elsewhere]")))
    assert file.workloads(file.study.workloads) == ["mnist-mlp-w1", str(tmp_path / "mine"), "/elsewhere"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "sampels: 3\n", "sampels: unknown key; did you mean 'samples'"),
        (GOOD + "wholly_other: 3\n", "wholly_other: unknown key; known keys: format"),
        (GOOD.replace("title: t\n", ""), "title: missing"),
        (GOOD.replace("compare", "swoop"), "kind: got 'swoop'; expected one of compare"),
        (GOOD.replace("/1", "/2"), "format: got 'neurosim-study/2'"),
        (GOOD + "samples: 0\n", "samples: got 0, input should be greater than or equal to 1"),
        (GOOD + "samples: '3'\n", "samples: got '3', input should be a valid integer"),
        (GOOD + "waterfalls: [[a, b, c]]\n", "waterfalls.0: got"),
        (GOOD + "samples: 3\nsamples: 4\n", "'samples' given twice"),
        (GOOD + "seed: &a 3\ntimesteps: *a\n", "aliases are not supported"),
        (GOOD + "text: !!python/object/apply:os.system [ls]\n", "not valid YAML"),
        ("- a\n", "holds list, expected a mapping that begins with 'format: neurosim-study/1'"),
    ],
)
def test_refused(tmp_path, text, message):
    with pytest.raises(NeurosimError) as caught:
        load_study(written(tmp_path, text))
    assert message in str(caught.value) and "study.yaml" in str(caught.value)


@pytest.mark.parametrize("name", ["compresion", "no/such/file.yaml", "bad\0name"])
def test_not_there(name):
    with pytest.raises(NeurosimError, match="cannot be read"):
        load_study(name)


@pytest.mark.parametrize("name", list_studies())
def test_shipped_studies_can_be_run(name):
    """Every name, axis and field of a shipped study is one that there is."""
    file = load_study(name)
    if isinstance(file.study, SweepStudy):
        read_inputs(file, make_design(file.study, str(file.path)))
        return
    for chip in getattr(file.study, "chips", []):
        load_chip(chip)
    assert set(file.workloads(getattr(file.study, "workloads", []))) <= set(list_workloads())
