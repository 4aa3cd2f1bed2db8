"""Frames to events, as an event camera's pixel makes them: spikes where the logarithm of the light changes.

A pixel remembers the log intensity of its last event. While log(I + floor) runs in a straight line from one frame to
the next, an ON event happens each time it has risen by the ON threshold since, an OFF event each time it has fallen by
the OFF threshold, and the memory moves by that threshold. An event less than the refractory time after the pixel's last
one is lost, and the memory moves all the same. The first frame sets the memory and makes no event.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.workload.encoders import unit_values
from neurosim.workload.event_stream import EVENT, MAX_EVENTS


@dataclass(frozen=True)
class Contrast:
    """``on`` and ``off`` in log units (0.2 is a change of 22 %); ``floor`` is a share of full scale.

    ``mismatch`` is the standard deviation of each pixel's two thresholds, as a share of them; those below a tenth of
    the mean are held there.
    """

    on: float = 0.2
    off: float = 0.2
    floor: float = 0.01
    refractory_us: float = 0.0
    frame_us: float = 1000.0
    mismatch: float = 0.0


def frames_to_events(frames: np.ndarray, model: Contrast | None = None, seed: int | list[int] = 0) -> np.ndarray:
    """Events of one recording: a structured array (`event_stream.EVENT`), sorted by time, then y, x and polarity.

    ``frames`` (frames, height, width): uint8, or fractions of 0 to 1; frame k stands at k ``frame_us``. ``seed`` draws
    the mismatch. Raises NeurosimError for another shape or scale, and for more than `MAX_EVENTS` events.
    """
    model = Contrast() if model is None else model
    if frames.ndim != 3 or 0 in frames.shape or max(frames.shape[1:]) > 32767:
        raise NeurosimError(
            f"encoder frames: shape {frames.shape}, expected (frames, height, width) of at most 32767 pixels a side"
        )
    height, width = frames.shape[1:]
    log = np.log(unit_values(frames, "frames") + model.floor)
    spread = np.random.default_rng(seed).normal(1.0, model.mismatch, (2, height * width))
    pixels = _Pixels(log[0], model.off * np.maximum(spread[0], 0.1), model.on * np.maximum(spread[1], 0.1), model)
    total, parts = 0, []
    for k in range(1, len(log)):
        for part in pixels.between(log[k - 1], log[k], (k - 1) * model.frame_us):
            total += part[0].size
            if total > MAX_EVENTS:
                raise NeurosimError(
                    f"encoder frames: over {MAX_EVENTS} events by frame {k} of {len(log)}; raise on and off, or give "
                    "fewer frames"
                )
            parts.append(part)
    events = np.zeros(total, EVENT)
    if parts:
        pixel, time, polarity = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((polarity, pixel, time))
        events["x"], events["y"] = pixel[order] % width, pixel[order] // width
        events["t"], events["p"] = time[order], polarity[order]
    return events


class _Pixels:
    """The state of all pixels, flat."""

    def __init__(self, log: np.ndarray, off: np.ndarray, on: np.ndarray, model: Contrast) -> None:
        self.memory, self.off, self.on, self.model = log.copy(), off, on, model
        self.last_us = np.full(log.size, -np.inf)

    def between(self, before: np.ndarray, after: np.ndarray, start_us: float):
        """Events of one interval, (pixel, time, polarity) an order of crossings; in a pixel they all have one sign."""
        rising = after > before
        step = np.where(rising, self.on, -self.off)
        moving = np.flatnonzero(after != before)
        while moving.size:
            level = self.memory[moving] + step[moving]
            crossed = np.where(rising[moving], level <= after[moving], level >= after[moving])
            moving, level = moving[crossed], level[crossed]
            share = (level - before[moving]) / (after[moving] - before[moving])
            # A threshold may lie behind: a memory that lost events, or one not reached by rounding.
            time = start_us + np.clip(share, 0, 1) * self.model.frame_us
            self.memory[moving] = level
            seen = time - self.last_us[moving] >= self.model.refractory_us
            self.last_us[moving[seen]] = time[seen]
            yield moving[seen], np.floor(time[seen]).astype(np.int64), rising[moving[seen]]
