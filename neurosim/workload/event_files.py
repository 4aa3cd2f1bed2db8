"""Event streams in files: CSV with a header, .npy and .npz arrays, and AEDAT4 by way of an optional library."""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
import warnings
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from neurosim.csv_rows import read_bytes, read_rows
from neurosim.errors import NeurosimError
from neurosim.files import read_npz, replacing
from neurosim.workload.event_stream import MAX_EVENTS, event_array, is_event_array

if TYPE_CHECKING:
    import pandas as pd

CSV_SUFFIXES = (".csv", ".csv.gz")
_LIMITS = {"x": (0, 32767), "y": (0, 32767), "t": (-(2**53), 2**53), "p": (-1, 1), "sample": (0, 2**31 - 2)}


def read_events(path: Path) -> list[np.ndarray]:
    """The recordings in a file, each an `EVENT` array: .csv, .npy, .npz or .aedat4.

    A CSV names its columns x, y, t, p in its first line, in any order; a column ``sample`` (0, 1, 2 ...) holds several
    recordings, as an array ``sample`` of an .npz does. Raises NeurosimError naming file, line or field, and what was
    expected.
    """
    path = Path(path)
    if path.name.endswith(CSV_SUFFIXES):
        return _split(_csv_columns(path), path)
    if path.suffix == ".aedat4":
        return [read_aedat4(path)]
    if path.suffix == ".npz":
        arrays = read_npz(path)
        structured = [array for array in arrays.values() if is_event_array(array)]
        if len(structured) == 1:
            return [event_array(structured[0], path)]
        return _split(arrays, path)
    from neurosim.workload.user_files import load_array

    return [event_array(load_array(path), path)]


def read_frame(path: Path, **how: Any) -> pd.DataFrame:
    """A CSV by pandas, remarks passed over. Raises its errors, and its warning about cells that it would drop."""
    import pandas as pd

    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        return pd.read_csv(io.BytesIO(read_bytes(path)), comment="#", index_col=False, **how)


def _csv_columns(path: Path) -> dict[str, np.ndarray]:
    try:
        table = read_frame(path, skipinitialspace=True)
        named = {str(name).strip(): table[name].to_numpy() for name in table.columns if str(name).strip() in _LIMITS}
        if set("xytp") <= set(named) and all(column.dtype.kind in "iub" for column in named.values()):
            return named
    except (ValueError, OverflowError, Warning):
        pass  # The slow reader below names the line.
    rows = read_rows(path, ("x", "y", "t", "p"))
    names = [name for name in _LIMITS if name in rows[0].cells]
    return {name: np.array([row.whole(name, *_LIMITS[name]) for row in rows], np.int64) for name in names}


def _split(columns: dict[str, np.ndarray], path: Path) -> list[np.ndarray]:
    """One recording, or as many as the column ``sample`` tells apart."""
    if "sample" not in columns:
        return [event_array(columns, path)]
    sample = np.asarray(columns["sample"])
    fields = {name: column for name, column in columns.items() if name != "sample"}
    if sample.dtype.kind not in "iu" or sample.ndim != 1 or any(c.shape != sample.shape for c in fields.values()):
        raise NeurosimError(f"{path}: sample: {sample.dtype} {sample.shape}, expected one whole number for each event")
    low, high = int(sample.min(initial=0)), int(sample.max(initial=0))
    # Samples without events are allowed, but not a billion of them behind one number.
    if low < 0 or high > max(1000, 10 * sample.size):
        raise NeurosimError(f"{path}: sample: numbers of {low} to {high} for {sample.size} events; count from 0")
    order = np.argsort(sample, kind="stable")
    ends = np.searchsorted(sample[order], np.arange(1, high + 1))
    parts = np.split(order, ends)
    return [event_array({name: column[part] for name, column in fields.items()}, path) for part in parts]


def write_events(path: Path, recordings: np.ndarray | list[np.ndarray]) -> None:
    """Write a recording, or several, as CSV that `read_events` reads back; one alone also as .npy."""
    path = Path(path)
    several = not isinstance(recordings, np.ndarray)
    parts = list(recordings) if several else [recordings]
    if path.suffix == ".npy" and not several:
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.save(stream, event_array(parts[0], path), allow_pickle=False)
        return
    if path.suffix != ".csv":
        raise NeurosimError(f"{path}: several recordings and other kinds of file cannot be written; name it .csv")
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8") as stream:
        stream.write("x,y,t,p,sample\n" if several else "x,y,t,p\n")
        for number, part in enumerate(parts):
            tail = f",{number}" if several else ""
            stream.writelines(f"{x},{y},{t},{int(p)}{tail}\n" for x, y, t, p in event_array(part, path).tolist())


def read_aedat4(path: Path, seconds: float = 600.0) -> np.ndarray:
    """The events of an AEDAT4 file with one event stream, by the ``aedat`` package (extra ``events``).

    The package works in a process of its own (`aedat4_worker`), for at most ``seconds``: on some damaged files it takes
    its process down.
    """
    if find_spec("aedat") is None:
        raise NeurosimError(f"{path}: reading AEDAT4 needs: pip install '.[events]' in a checkout of neurosim")
    if not path.is_file():
        raise NeurosimError(f"{path}: no such file")
    with tempfile.TemporaryDirectory(prefix="neurosim-") as folder:
        out = Path(folder) / "events.npy"
        worker = Path(__file__).with_name("aedat4_worker.py")
        command = [sys.executable, "-P", str(worker), str(path.resolve()), str(out), str(MAX_EVENTS)]
        try:
            done = subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise NeurosimError(f"{path}: not read within {seconds:g} s; split the recording") from error
        if done.returncode:
            said = done.stderr.strip() if done.returncode == 3 else "its reader stopped; damaged or truncated?"
            raise NeurosimError(f"{path}: not a readable AEDAT4 file ({said})")
        return event_array(np.load(out, allow_pickle=False), path)
