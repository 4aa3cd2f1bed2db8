"""The chip floor stands on nothing above it and is cheap to import."""

import ast
import subprocess
import sys
from pathlib import Path

import neurosim.arch

ROOM = Path(neurosim.arch.__file__).parent
ALLOWED = ("neurosim.arch", "neurosim.errors", "neurosim.data_files")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_imports_run_downward_only():
    files = sorted(ROOM.rglob("*.py"))
    names = {(file.name, name) for file in files for name in imported(file) if name.startswith("neurosim")}
    assert len(files) > 8 and names
    assert {(f, n) for f, n in names if not n.startswith(ALLOWED)} == set()


def test_nothing_heavy_comes_with_it():
    code = "import sys, neurosim.arch, neurosim.arch.describe; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert {"pandas", "rich", "numba", "matplotlib", "simpy"} & set(run.stdout.split()) == set()
