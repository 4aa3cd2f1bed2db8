"""Runs the pages of docs/examples and puts what they print and draw into them: python docs/run_examples.py

The pages are Markdown and not notebooks: their outputs are text that a review can read and a test can hold to what the
code prints now (tests/test_examples.py), and a picture changes one file and not a line of base64.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shutil
import tempfile
from pathlib import Path

DOCS = Path(__file__).resolve().parent
PAGES = sorted((DOCS / "examples").glob("*.md"))
BLOCK = re.compile(r"^```python\n(.*?)^```\n(?:\n```text\n(.*?)^```\n)?", re.DOTALL | re.MULTILINE)
PICTURES = {
    "example_price_energy.png": "figures/digits-net_edge-28nm_energy.png",
    "example_chip_roofline.png": "roofline.png",
    "example_chip_tornado.png": "figures/mnist-conv-w4_narrow_tornado.png",
    "example_compression_energy.png": "figures/compare_edge-28nm_accuracy_energy.png",
}


def printed(page: Path, folder: Path) -> list[tuple[str, str]]:
    """(what the page says that a block prints, what it prints), block by block; all of a page share their names."""
    before, names, found = Path.cwd(), {}, []
    os.chdir(folder)
    try:
        for code, said in BLOCK.findall(page.read_text("utf-8")):
            out = io.StringIO()
            with contextlib.redirect_stdout(out):
                exec(compile(code, page.name, "exec"), names)
            found.append((said, out.getvalue()))
    finally:
        os.chdir(before)
    return found


def rewrite(page: Path) -> None:
    """Run a page and put its outputs and pictures in place."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = iter([new for _, new in printed(page, Path(folder))])

        def filled(match: re.Match) -> str:
            new = next(outputs)
            return f"```python\n{match[1]}```\n" + (f"\n```text\n{new}```\n" if new else "")

        page.write_text(BLOCK.sub(filled, page.read_text("utf-8")), "utf-8")
        for name, made in PICTURES.items():
            if (Path(folder) / made).exists():
                shutil.copyfile(Path(folder) / made, DOCS / "img" / name)


if __name__ == "__main__":
    for page in PAGES:
        rewrite(page)
        print(page)
