"""The example pages print what they say they print."""

import importlib.util
import re
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parent.parent / "docs" / "run_examples.py"
spec = importlib.util.spec_from_file_location("run_examples", SCRIPT)
examples = importlib.util.module_from_spec(spec)
spec.loader.exec_module(examples)


@pytest.mark.parametrize("page", examples.PAGES, ids=lambda page: page.stem)
def test_a_page(page, tmp_path):
    for said, prints in examples.printed(page, tmp_path):
        assert prints == said, f"{page.name} is out of date: run python docs/run_examples.py and read what changed"
    pictures = re.findall(r"\]\(\.\./img/(\w+\.png)\)", page.read_text("utf-8"))
    assert pictures and all((tmp_path / examples.PICTURES[name]).exists() for name in pictures)
    assert all((examples.DOCS / "img" / name).exists() for name in pictures)


def test_there_are_three_and_their_links_lead_somewhere():
    assert len(examples.PAGES) == 3
    for page in examples.PAGES:
        for link in re.findall(r"\]\(([^)#]+)\)", page.read_text("utf-8")):
            assert (page.parent / link).exists(), (page.name, link)
