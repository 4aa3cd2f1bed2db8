"""A workload folder whose parts do not agree is refused by file and field."""

import shutil

import numpy as np
import pytest

from neurosim.data_files import data_root
from neurosim.errors import NeurosimError
from neurosim.workload.workload import load_workload


@pytest.fixture
def folder(tmp_path):
    """A copy of a shipped workload with its data beside it."""
    root = data_root("workloads")
    shutil.copytree(root / "mnist-conv-w1", tmp_path / "mine")
    shutil.copytree(root / "data", tmp_path / "data")
    return tmp_path / "mine"


def edit(folder, old, new):
    text = (folder / "workload.yaml").read_text("utf-8")
    assert old in text
    (folder / "workload.yaml").write_text(text.replace(old, new, 1), "utf-8")


def test_a_whole_folder_loads(folder):
    assert load_workload(str(folder)).n_samples == 1000


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kind: membrane", "kind: count", "readout: got"),
        ("timesteps: 8", "timesteps: 0", "encoder.timesteps"),
        ("encoder:", "encodr:", "did you mean 'encoder'"),
        ("model: model.npz", "model: none.npz", "no such file"),
    ],
)
def test_parts_that_disagree_or_are_missing(folder, old, new, message):
    edit(folder, old, new)
    with pytest.raises(NeurosimError, match=message):
        load_workload(str(folder))


def test_images_without_labels(folder):
    path = folder.parent / "data" / "mnist-test.npz"
    np.savez(path, images=np.zeros((5, 28, 28), np.uint8), labels=np.zeros(4, np.uint8))
    with pytest.raises(NeurosimError, match="4 labels for 5 images"):
        load_workload(str(folder))
