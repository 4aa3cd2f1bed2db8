"""Streams of events from cameras: x, y, t, p in files and arrays, and their way into timesteps.

A recording is one structured array of `EVENT`: pixel x and y, time t in whole microseconds (or any unit that its file
keeps to), polarity p (True: ON), ascending in t. These are the fields of tonic's arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.trace import Stimulus

EVENT = np.dtype([("x", "<i2"), ("y", "<i2"), ("t", "<i8"), ("p", "?")])
MAX_EVENTS = 1 << 27
MAX_ROWS = 1 << 27
_ALIASES = {"p": ("p", "polarity", "on"), "t": ("t", "timestamp", "ts"), "x": ("x",), "y": ("y",)}


def is_event_array(array: np.ndarray) -> bool:
    """Whether an array is structured with x, y, t and p by any of their names."""
    names = array.dtype.names or ()
    return all(any(alias in names for alias in aliases) for aliases in _ALIASES.values())


def event_array(source: np.ndarray | dict[str, np.ndarray], where: str | Path = "events") -> np.ndarray:
    """One recording as `EVENT`, ascending in t (equal times keep their order).

    ``source``: a structured array or columns by name (``polarity`` or ``on``, ``timestamp`` or ``ts`` will do), or
    (n, 4) integers in the order x, y, t, p. Raises NeurosimError naming ``where``, the field and the first bad event.
    """
    columns = _columns(source, where)
    sizes = {name: column.size for name, column in columns.items()}
    if len(set(sizes.values())) != 1 or any(column.ndim != 1 for column in columns.values()):
        raise NeurosimError(f"{where}: x, y, t and p have {sizes} entries, expected as many of each, in one dimension")
    if sizes["t"] > MAX_EVENTS:
        raise NeurosimError(f"{where}: {sizes['t']} events, expected at most {MAX_EVENTS}; split the recording")
    limits = {"x": (0, 32767), "y": (0, 32767), "t": (-(2**62), 2**62), "p": (-1, 1)}
    events = np.zeros(sizes["t"], EVENT)
    for name, (low, high) in limits.items():
        column = columns[name]
        bad = (column < low) | (column > high)
        if column.dtype.kind == "f":
            bad |= column != np.floor(column)
        if bad.any():
            first = int(np.flatnonzero(bad)[0])
            raise NeurosimError(
                f"{where}: {name} of event {first}: got {column[first]}, expected a whole number of {low} to {high}"
            )
        events[name] = column > 0 if name == "p" else column
    return events if (np.diff(events["t"]) >= 0).all() else events[np.argsort(events["t"], kind="stable")]


def _columns(source: np.ndarray | dict[str, np.ndarray], where: str | Path) -> dict[str, np.ndarray]:
    if isinstance(source, np.ndarray) and source.dtype.names is None:
        if source.ndim != 2 or source.shape[1] != 4 or source.dtype.kind not in "iuf":
            raise NeurosimError(
                f"{where}: {source.dtype} {source.shape}, expected x, y, t, p as fields or as columns (n, 4)"
            )
        found = dict(zip("xytp", source.T, strict=True))
    else:
        names = source.dtype.names if isinstance(source, np.ndarray) else tuple(source)
        found = {}
        for name, aliases in _ALIASES.items():
            present = [alias for alias in aliases if alias in names]
            if not present:
                raise NeurosimError(f"{where}: no field {name!r}; it has {', '.join(names)}; expected x, y, t and p")
            found[name] = np.asarray(source[present[0]])
    for name, column in found.items():
        if column.dtype.kind not in "iufb":
            raise NeurosimError(f"{where}: {name} has dtype {column.dtype}, expected numbers")
    return found


def polarity_shape(shape: Sequence[int], where: str = "shape") -> tuple[int, int, int]:
    """``shape`` as (polarities, height, width). Raises NeurosimError for anything but one or two polarities."""
    if len(shape) != 3 or shape[0] not in (1, 2) or min(shape) < 1:
        raise NeurosimError(
            f"{where}: got {tuple(shape)}, expected (2, height, width), or (1, height, width): both polarities as one"
        )
    return int(shape[0]), int(shape[1]), int(shape[2])


def events_to_stimulus(
    recordings: Sequence[np.ndarray],
    shape: tuple[int, int, int],
    timesteps: int | None = None,
    *,
    step: int | None = None,
    values: bool = False,
    cut: bool = False,
    labels: np.ndarray | None = None,
    where: str | Path = "events",
) -> Stimulus:
    """Recordings (each `EVENT`) as samples: input (p, y, x) of ``shape`` spikes where a timestep holds an event of it.

    A timestep lasts ``step`` units of t from the recording's first event; without one, ``timesteps`` equal parts from
    its first event to its last. ``values`` sends how many events there were instead of 1. ``shape`` (1, H, W) takes
    both polarities as one. Raises NeurosimError for pixels outside and, unless ``cut``, for events past the last step.
    """
    steps = _timesteps(recordings, timesteps, step, where)
    bins = [_bins(events["t"], steps, step, f"{where}: recording {k}") for k, events in enumerate(recordings)]
    return bin_events(
        recordings, bins, shape, steps, values=values, cut=cut, labels=labels, where=where, length=f"steps of {step}"
    )


def bin_events(
    recordings: Sequence[np.ndarray],
    bins: Sequence[np.ndarray],
    shape: tuple[int, int, int],
    steps: int,
    *,
    values: bool = False,
    cut: bool = False,
    labels: np.ndarray | None = None,
    where: str | Path = "events",
    length: str = "",
) -> Stimulus:
    """`events_to_stimulus` for events whose timesteps ``bins`` (int64 from 0, a recording each) are known."""
    polarities, height, width = polarity_shape(shape, f"{where}: shape")
    n_inputs, rows, spread = polarities * height * width, len(recordings) * steps, []
    if rows > MAX_ROWS:
        raise NeurosimError(
            f"{where}: {len(recordings)} recordings of {steps} timesteps, expected at most {MAX_ROWS} in all; give "
            "longer steps"
        )
    for number, (events, bin) in enumerate(zip(recordings, bins, strict=True)):
        outside = (events["x"] >= width) | (events["y"] >= height)
        if outside.any():
            first = int(np.flatnonzero(outside)[0])
            raise NeurosimError(
                f"{where}: recording {number}, event {first}: pixel ({events['x'][first]}, {events['y'][first]}) is "
                f"outside the {width} x {height} inputs; crop or scale the events, or give the camera's own size"
            )
        inside = bin < steps
        if not inside.all() and not cut:
            raise NeurosimError(
                f"{where}: recording {number}: {int((~inside).sum())} events past timestep {steps - 1} ({length}); "
                f"give {int(bin.max()) + 1} timesteps, longer steps, or cut=true to leave them out"
            )
        p = events["p"] if polarities == 2 else np.zeros(events.size, bool)
        pixel = (p.astype(np.int64) * height + events["y"]) * width + events["x"]
        spread.append(((number * steps + bin) * n_inputs + pixel)[inside])
    keys, counts = np.unique(np.concatenate(spread), return_counts=True)
    row, neuron = np.divmod(keys, n_inputs)
    ptr = np.zeros(rows + 1, np.int64)
    np.cumsum(np.bincount(row, minlength=rows), out=ptr[1:])
    graded = values and bool((counts != 1).any())
    labels = None if labels is None else np.asarray(labels, np.int64)
    value = counts.astype(np.int32) if graded else None
    return Stimulus(len(recordings), steps, n_inputs, ptr, neuron.astype(np.int32), value, labels)


def _timesteps(recordings: Sequence[np.ndarray], timesteps: int | None, step: int | None, where: str | Path) -> int:
    if not recordings:
        raise NeurosimError(f"{where}: no recording; expected at least one")
    for name, value in (("timesteps", timesteps), ("step", step)):
        if value is not None and value < 1:
            raise NeurosimError(f"{where}: {name}: got {value}, expected at least 1")
    if timesteps is not None:
        return timesteps
    if step is None:
        raise NeurosimError(f"{where}: give a number of timesteps, or the length of a step (encoder events:step=1000)")
    spans = (int(events["t"][-1]) - int(events["t"][0]) for events in recordings if events.size)
    return max((span // step + 1 for span in spans), default=1)


def _bins(time: np.ndarray, steps: int, step: int | None, where: str) -> np.ndarray:
    """The timestep of each event."""
    if not time.size:
        return np.zeros(0, np.int64)
    since = time - time[0]
    span = int(since[-1])
    if step is not None:
        return since // step
    if (span + 1) * steps >= 2**62:
        raise NeurosimError(f"{where}: t spans {span} units, too many for {steps} equal parts; is t in microseconds?")
    return since * steps // (span + 1)
