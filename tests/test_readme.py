"""What README shows is run here as it stands there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

README = (Path(__file__).parent.parent / "README.md").read_text("utf-8")
# Files that only a reader has.
OWN = ("my-chip.yaml", "my-network.npz", "my-model.nir", "my-study.yaml", "tests/validation/data")


def commands():
    """Indented command lines, joined commands taken apart."""
    lines = [line.strip() for line in README.splitlines() if line.startswith("    ")]
    parts = [part.strip() for line in lines for part in line.split("&&")]
    return [part for part in parts if part.startswith("neurosim ")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("readme")


def test_the_tour_runs_in_order(folder):
    shown = [c for c in commands() if not any(name in c for name in OWN)]
    assert len(shown) >= 6
    for command in shown:
        arguments = shlex.split(command, comments=True)[1:]
        done = subprocess.run(
            [sys.executable, "-m", "neurosim.cli", *arguments], cwd=folder, capture_output=True, text=True, timeout=600
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        assert done.stdout.strip()


def test_commands_with_the_reader_s_files_name_real_options():
    for command in (c for c in commands() if any(name in c for name in OWN)):
        verb = shlex.split(command, comments=True)[1]
        done = subprocess.run(
            [sys.executable, "-m", "neurosim.cli", verb, "--help"], capture_output=True, text=True, timeout=60
        )
        for option in re.findall(r"--[a-z-]+", command):
            assert option in done.stdout, command


def test_the_python_block_runs(folder):
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    assert blocks
    for block in blocks:
        subprocess.run([sys.executable, "-c", block], cwd=folder, check=True, timeout=600)


def test_every_linked_file_exists():
    root = Path(__file__).parent.parent
    links = [link for link in re.findall(r"\]\(([^)#]+)\)", README) if not link.startswith("http")]
    assert links
    assert [link for link in links if not (root / link).exists()] == []
