"""Holding the model to files that others produced: ``neurosim validate KIND PATH``.

A kind is one module with ``cases(path, engines) -> Iterator[Case]``, named in `KINDS`; adding a kind is adding a file
and its line here. Nothing outside this room knows a file format of a witness.
"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from neurosim.errors import NeurosimError
from neurosim.validation.case import Case

KINDS = {
    "chips": "neurosim.validation.chips",
    "conventions": "neurosim.validation.conventions",
    "noc": "neurosim.validation.noc",
    "rtl": "neurosim.validation.rtl",
    "sizes": "neurosim.validation.sizes",
    "spikes": "neurosim.validation.spikes",
    "sram": "neurosim.validation.sram",
    "systolic": "neurosim.validation.systolic",
}
ENGINES = {"fast": ("fast",), "reference": ("reference",), "both": ("reference", "fast")}


def validate(kind: str, path: Path, engine: str = "both") -> Iterator[Case]:
    """The verdicts on everything found at ``path`` (a file or a folder), one after another as they are reached.

    Raises NeurosimError, before or on the way, for an unknown kind or engine and for input that cannot be used.
    """
    if kind not in KINDS:
        raise NeurosimError(f"validate: got kind {kind!r}, expected one of {', '.join(KINDS)}")
    if engine not in ENGINES:
        raise NeurosimError(f"--engine: got {engine!r}, expected one of {', '.join(ENGINES)}")
    path = Path(path)
    if not path.exists():
        raise NeurosimError(f"{path}: no such file or folder")
    return import_module(KINDS[kind]).cases(path, ENGINES[engine])
