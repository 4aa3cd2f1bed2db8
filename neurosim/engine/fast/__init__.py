"""The numba engines: what users run. Equal to `neurosim.engine.reference` on every network, chip and stimulus."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def drop_stale_kernels(folder: Path) -> None:
    """Remove cached kernels that are older than any source file beside them.

    numba checks only the file a kernel is written in, but a kernel holds code and constants of its neighbours too.
    """
    with suppress(OSError):  # a read-only installation has no sources that change
        newest = max(source.stat().st_mtime for source in folder.glob("*.py"))
        for index in (folder / "__pycache__").glob("*.nbi"):
            if index.stat().st_mtime < newest:
                index.unlink(missing_ok=True)


drop_stale_kernels(Path(__file__).parent)
