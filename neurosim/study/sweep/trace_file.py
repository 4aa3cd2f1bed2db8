"""Spike traces in files, for other processes and later runs. A trace is computed by one process; others wait for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays
from neurosim.snn.trace import SpikeTrace
from neurosim.study.sweep.claim import waiting_claim

MAX_BYTES = 1 << 30
_ARRAYS = ("ptr", "neuron", "value", "active", "membrane", "saturations")
_NUMBERS = ("n_samples", "timesteps", "n_neurons")


def kept_trace(folder: Path | None, key: str, run: Callable[[], SpikeTrace]) -> SpikeTrace:
    """The trace of that key from its file, or from ``run``, which then is kept in the file.

    Where the store's folder, in which ``folder`` lies, is not on this machine: ``run``.
    """
    if folder is None or not folder.parent.is_dir():
        return run()
    path = folder / f"function-{key[:32]}.npz"
    if (found := _read(path, key)) is not None:
        return found
    try:
        with waiting_claim(path.with_suffix(".claim")):
            found = _read(path, key)
            if found is None:
                found = run()
                _write(path, key, found)
            return found
    except OSError:
        return run()  # a folder that this machine does not have, or a full disk


def _read(path: Path, key: str) -> SpikeTrace | None:
    if not path.exists():
        return None
    try:
        header, arrays = read_arrays(path)
    except NeurosimError:
        return None
    if header.get("key") != key:
        return None
    return SpikeTrace(**{n: header[n] for n in _NUMBERS}, **{n: arrays.get(n) for n in _ARRAYS})


def _write(path: Path, key: str, trace: SpikeTrace) -> None:
    arrays = {name: getattr(trace, name) for name in _ARRAYS if getattr(trace, name) is not None}
    if sum(array.nbytes for array in arrays.values()) > MAX_BYTES:
        return
    try:
        write_arrays(path, {"key": key, **{name: getattr(trace, name) for name in _NUMBERS}}, arrays)
    except NeurosimError:
        return
