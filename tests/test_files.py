"""Outputs appear whole or not at all; damaged and oversized inputs are refused."""

import zipfile

import numpy as np
import pytest

from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, read_npz, replacing, write_arrays


def test_a_failed_write_leaves_the_old_file_and_no_rubbish(tmp_path):
    target = tmp_path / "x.npz"
    target.write_bytes(b"old")
    with pytest.raises(RuntimeError, match="halfway"), replacing(target) as temporary:
        temporary.write_bytes(b"new")
        raise RuntimeError("halfway")
    assert target.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["x.npz"]


def test_a_folder_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(NeurosimError, match="cannot be written"):
        write_arrays(tmp_path / "file" / "x.npz", {}, {})


def test_same_content_same_bytes(tmp_path):
    for name in ("a.npz", "b.npz"):
        write_arrays(tmp_path / name, {"k": [1, 2]}, {"z": np.arange(5), "y": np.zeros(2, np.float32)})
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    header, arrays = read_arrays(tmp_path / "a.npz")
    assert header == {"k": [1, 2]} and arrays["z"].tolist() == [0, 1, 2, 3, 4]


def test_sizes_are_checked_before_unpacking(tmp_path):
    np.savez(tmp_path / "big.npz", a=np.zeros(10_000))
    with pytest.raises(NeurosimError, match="expected at most 1000"):
        read_npz(tmp_path / "big.npz", max_bytes=1000)


def test_a_zip_bomb_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.npz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(30_000_000))
    with pytest.raises(NeurosimError, match="1000 times"):
        read_npz(tmp_path / "bomb.npz")


def test_object_arrays_cannot_be_written(tmp_path):
    with pytest.raises(NeurosimError, match="object"):
        write_arrays(tmp_path / "o.npz", {}, {"o": np.array([{}], dtype=object)})
    assert list(tmp_path.iterdir()) == []
