"""The gallery shows every shipped study, its pictures are there and small, and its commands name what exists."""

import re
import struct
from pathlib import Path

import pytest

from neurosim.study.file import KINDS, list_studies, load_study

REPORTS = Path(__file__).parent.parent.parent / "reports"
TEXT = (REPORTS / "README.md").read_text("utf-8")


def test_pictures_are_there_and_small():
    shown = re.findall(r"!\[[^\]]+\]\((gallery/[\w.-]+)\)", TEXT)
    assert sorted(shown) == sorted(f"gallery/{path.name}" for path in (REPORTS / "gallery").iterdir())
    for name in shown:
        content = (REPORTS / name).read_bytes()
        assert content.startswith(b"\x89PNG") and len(content) < 60_000
        assert 300 <= struct.unpack(">I", content[16:20])[0] <= 800


@pytest.mark.parametrize("name", list_studies())
def test_every_comparison_is_told(name):
    study = load_study(name).study
    assert study.kind in KINDS
    assert study.kind != "compare" or f"## {name}.yaml: " in TEXT
