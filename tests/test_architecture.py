"""The house keeps its floors: imports run downward only, rooms on one floor do not import each other."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "neurosim"
FLOORS = {
    "errors": 0, "units": 0, "files": 0, "data_files": 0, "csv_rows": 0, "svg": 0,
    "snn": 1, "arch": 1,
    "workload": 2, "mapping": 2,
    "engine": 3,
    "energy": 4,
    "baseline": 5, "learning": 5, "compress": 5,
    "result_html": 5, "result": 6, "run": 6, "run_layer": 6,
    "study": 7, "validation": 7,
    "report": 8,
    "api": 9,
    "cli": 10,
}  # fmt: skip
# run and run_layer make the Result, and run hands a layer chip on; a Result renders itself by result_html; a file
# of the bottom floor may use the error type.
ALLOWED = {
    ("run", "result"),
    ("run", "run_layer"),
    ("run_layer", "run"),
    ("run_layer", "result"),
    ("files", "errors"),
    ("data_files", "errors"),
    ("csv_rows", "errors"),
}
MAX_LINES = 320


def room(module: str) -> str:
    return module.split(".")[1] if "." in module else module


def imports(path: Path):
    """Modules of neurosim that a file imports, at any depth, type-checking imports left out."""
    tree = ast.parse(path.read_text("utf-8"))
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("neurosim."):
            yield node.module
        elif isinstance(node, ast.ImportFrom) and node.module == "neurosim":
            yield from (f"neurosim.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.startswith("neurosim."))


FILES = sorted(p for p in PACKAGE.rglob("*.py") if p != PACKAGE / "__init__.py" and "_data" not in p.parts)


@pytest.mark.parametrize("path", FILES, ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_run_downward(path):
    relative = path.relative_to(PACKAGE)
    here = relative.parts[0].removesuffix(".py")
    assert here in FLOORS, f"{here} has no floor; give it one in this test and in the design"
    for module in imports(path):
        there = room(module)
        if there in (here, "__version__") or (here, there) in ALLOWED:
            continue
        assert FLOORS[there] < FLOORS[here], (
            f"{relative} (floor {FLOORS[here]}) imports {module} (floor {FLOORS[there]})"
        )


def test_one_head_can_hold_each_file():
    long = {str(p.relative_to(PACKAGE)): n for p in FILES if (n := len(p.read_text("utf-8").splitlines())) > MAX_LINES}
    assert long == {}
