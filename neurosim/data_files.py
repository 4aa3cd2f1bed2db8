"""Where the files live that ship with neurosim: inside an installed package, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

from neurosim.errors import NeurosimError


def data_root(kind: str) -> Path:
    """Folder of the shipped ``arch``, ``workloads`` or ``reports`` files."""
    package = Path(__file__).resolve().parent
    for root in (package / "_data", package.parent):
        if (root / kind).is_dir():
            return root / kind
    raise NeurosimError(
        f"{package / '_data' / kind}: not found; the installation is incomplete, install neurosim again"
    )
