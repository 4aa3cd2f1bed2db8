"""Files of a user's own: which kind a model file is, arrays of data and labels, and how wide their values are."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import MAX_ARRAY_BYTES, read_npz
from neurosim.workload.recording import unpacked


def load_array(path: Path, names: tuple[str, ...] = ("spikes", "images", "data", "labels")) -> np.ndarray:
    """One array from .npy, or from an .npz that holds one or names it images, spikes, labels or data.

    ``input_spikes`` packed eight to a byte (see `recording`) are unpacked.
    """
    path = Path(path)
    if path.suffix == ".npz":
        arrays = read_npz(path)
        if "spikes" in names and "input_spikes" in arrays:
            return unpacked(arrays, "input_spikes", "input_shape", path)
        for name in names:
            if name in arrays:
                return arrays[name]
        if len(arrays) == 1:
            return next(iter(arrays.values()))
        raise NeurosimError(f"{path}: holds {sorted(arrays)}; expected one array, or one named spikes or images")
    try:
        # Mapped first: a header may claim any size, and what is not in the file is not allocated.
        array = np.load(path, allow_pickle=False, mmap_mode="r")
    except FileNotFoundError as error:
        raise NeurosimError(f"{path}: no such file") from error
    except Exception as error:
        # numpy evaluates the header as text; a damaged one raises SyntaxError, TokenError and others.
        raise NeurosimError(f"{path}: not a readable .npy file ({error})") from error
    if not isinstance(array, np.ndarray):
        raise NeurosimError(f"{path}: expected a .npy or .npz file")
    if array.nbytes > MAX_ARRAY_BYTES:
        raise NeurosimError(f"{path}: {array.nbytes} bytes, expected at most {MAX_ARRAY_BYTES}; give fewer samples")
    return np.array(array)


def is_hdf5(path: Path) -> bool:
    """Whether ``path`` is a NIR file: by its name, or by the first bytes of every HDF5 file."""
    if path.suffix == ".nir":
        return True
    with path.open("rb") as stream:
        return stream.read(8) == b"\x89HDF\r\n\x1a\n"


def value_bits(data: np.ndarray) -> int:
    """Bits of the widest value in ``data``: 1 for spikes, 32 for fractions."""
    low, high = data.min(initial=0), data.max(initial=0)
    if low >= 0 and high <= 1 and ((data == 0) | (data == 1)).all():
        return 1
    if data.dtype.kind == "f":
        return 32
    return max(2, int(high).bit_length(), int(low < 0) + int(-low).bit_length())
