"""Reading and writing files safely: sizes checked first, no pickle, and never a half-written output."""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError

MAX_ARRAY_BYTES = 4 << 30
_UNWRITABLE = "cannot be written ({}); choose another folder with --out"


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its name when the block ends well and vanishes when it does not."""
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise NeurosimError(f"{path}: {_UNWRITABLE.format(error.strerror)}") from error
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        umask = os.umask(0)
        os.umask(umask)
        temporary.chmod(0o666 & ~umask)
        os.replace(temporary, path)
    except OSError as error:
        raise NeurosimError(f"{path}: {_UNWRITABLE.format(error.strerror)}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_arrays(path: Path, header: dict, arrays: dict[str, np.ndarray]) -> None:
    """One compressed npz: a JSON ``header`` and named arrays. Same content, same bytes."""
    for name, array in arrays.items():
        if array.dtype.hasobject:
            raise NeurosimError(f"{path}: array {name!r} has dtype object, which cannot be stored")
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    entries = {"header": np.frombuffer(text.encode(), np.uint8), **arrays}
    with replacing(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in sorted(entries):
            # A fixed date makes the file a function of its content alone.
            info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
            info.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(info, "w", force_zip64=True) as stream:
                np.lib.format.write_array(stream, np.ascontiguousarray(entries[name]), allow_pickle=False)


def _check_entry(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path) -> None:
    """An array's own header must name exactly the bytes that follow it, before anything is allocated for them."""
    with archive.open(entry) as stream:
        version = np.lib.format.read_magic(stream)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise NeurosimError(f"{path}: {entry.filename}: npy version {version}, expected 1.0 or 2.0")
        shape, _, dtype = readers[version](stream)
        if dtype.hasobject:
            raise NeurosimError(f"{path}: {entry.filename}: Python objects are never read (no pickle)")
        left, asked = entry.file_size - stream.tell(), prod(shape) * dtype.itemsize
        if min(shape, default=0) < 0 or left != asked:
            raise NeurosimError(f"{path}: {entry.filename}: {dtype} {shape} takes {asked} bytes, but {left} follow")


def read_npz(path: Path, max_bytes: int = MAX_ARRAY_BYTES) -> dict[str, np.ndarray]:
    """All arrays of an npz. Raises NeurosimError for a missing, truncated or oversized file; never unpickles."""
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive:
            total = sum(entry.file_size for entry in archive.infolist())
            if total > max_bytes:
                raise NeurosimError(f"{path}: unpacks to {total} bytes, expected at most {max_bytes}")
            if any(entry.file_size > 1000 * max(entry.compress_size, 1 << 10) for entry in archive.infolist()):
                raise NeurosimError(f"{path}: an entry unpacks to over 1000 times its size; not a model or data file")
            for entry in archive.infolist():
                _check_entry(archive, entry, path)
        with np.load(path, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except FileNotFoundError as error:
        raise NeurosimError(f"{path}: no such file") from error
    except NeurosimError:
        raise
    except (OSError, ValueError, zipfile.BadZipFile, EOFError, KeyError, MemoryError, NotImplementedError) as error:
        raise NeurosimError(f"{path}: not a readable npz file ({error}); truncated or of another kind?") from error
    except Exception as error:
        # zlib.error and struct.error of a damaged member have no common base with the above.
        raise NeurosimError(f"{path}: damaged npz file ({error})") from error


def read_arrays(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """Inverse of `write_arrays`: the header and the arrays."""
    arrays = read_npz(path)
    if "header" not in arrays:
        raise NeurosimError(f"{path}: has no 'header'; expected a file that neurosim wrote")
    try:
        header = json.loads(arrays.pop("header").tobytes().decode())
    except (ValueError, RecursionError) as error:
        raise NeurosimError(f"{path}: header is not valid JSON ({error})") from error
    if not isinstance(header, dict):
        raise NeurosimError(f"{path}: header is {type(header).__name__}, expected an object")
    return header, arrays
