"""Whatever ``--input`` names: arrays, pictures, tables of numbers, streams of events."""

from __future__ import annotations

import io
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from neurosim.csv_rows import read_bytes
from neurosim.errors import NeurosimError
from neurosim.workload.event_files import CSV_SUFFIXES, read_events, read_frame
from neurosim.workload.event_stream import event_array, is_event_array
from neurosim.workload.user_files import load_array

if TYPE_CHECKING:
    from neurosim.workload.encoder import Encoder

IMAGE_SUFFIXES = (".png", ".jpg", ".jpeg")
MAX_PIXELS = 1 << 26


def read_input(path: Path, encoder: Encoder | None = None) -> np.ndarray | list[np.ndarray]:
    """An array with samples first, or recordings of events (`event_stream.EVENT`); ``encoder`` says which, if given.

    A picture is one sample (1, height, width) or (1, 3, height, width) uint8. A CSV with columns x, y, t and p is a
    stream of events; any other is a table of numbers: a line a sample, or a line a timestep of one sample for encoders
    of signals. Raises NeurosimError naming the file, and what it is not.
    """
    wants = None if encoder is None else encoder.takes
    if path.suffix.lower() in IMAGE_SUFFIXES:
        return read_image(path)
    if path.suffix == ".aedat4" or wants == "events":
        return read_events(path)
    if path.name.endswith(CSV_SUFFIXES):
        if wants is None and {"x", "y", "t", "p"} <= set(_first_line(path)):
            return read_events(path)
        table = read_table(path)
        return table[None] if wants == "signal" else table
    array = load_array(path)
    return [event_array(array, path)] if is_event_array(array) else array


def read_image(path: Path) -> np.ndarray:
    """A PNG or JPEG with eight bits a channel, (1, height, width) or (1, 3, height, width) uint8."""
    from PIL import Image

    try:
        with warnings.catch_warnings():
            # Pillow warns about large pictures; the limit here is lower and names itself.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(path, formats=("PNG", "JPEG"))
        with picture:
            width, height = picture.size
            if width * height > MAX_PIXELS:
                raise NeurosimError(
                    f"{path}: {width} x {height} pixels, expected at most {MAX_PIXELS}; scale the picture down"
                )
            if picture.mode not in ("L", "RGB", "1"):
                raise NeurosimError(
                    f"{path}: mode {picture.mode}, expected 8-bit grey or RGB; save it without palette, transparency "
                    "or 16-bit channels"
                )
            pixels = np.asarray(picture.convert("L") if picture.mode == "1" else picture)
    except NeurosimError:
        raise
    except FileNotFoundError as error:
        raise NeurosimError(f"{path}: no such file") from error
    except Exception as error:
        # Pillow's readers raise a dozen kinds for damaged files, SyntaxError and struct.error among them.
        raise NeurosimError(f"{path}: not a readable PNG or JPEG ({error})") from error
    return (pixels if pixels.ndim == 2 else np.moveaxis(pixels, 2, 0))[None].copy()


def _first_line(path: Path) -> list[str]:
    for line in io.BytesIO(read_bytes(path)):
        if not line.startswith(b"#"):
            return [cell.strip() for cell in line.decode("utf-8-sig", "replace").split(",")]
    return []


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def read_table(path: Path) -> np.ndarray:
    """Numbers (lines, columns), int64 if all are whole, else float64; a first line of names is passed over."""
    import pandas as pd

    first = _first_line(path)
    names = None if all(_is_number(cell) for cell in first) else 0
    try:
        table = read_frame(path, header=names)
    except (ValueError, OverflowError, Warning) as error:
        raise NeurosimError(f"{path}: not a table of numbers ({error})") from error
    if not table.size:
        raise NeurosimError(f"{path}: no numbers; expected lines of them")
    for column in table.columns:
        numbers = pd.to_numeric(table[column], errors="coerce")
        if table[column].dtype.kind not in "iuf" or numbers.isna().any():
            line = int(numbers.isna().to_numpy().argmax())
            raise NeurosimError(
                f"{path}: line {line + 1} of the numbers, column {column}: got {table[column].iloc[line]!r}, expected "
                "a number"
            )
    array = table.to_numpy()
    return array.astype(np.int64 if array.dtype.kind in "iu" else np.float64)
