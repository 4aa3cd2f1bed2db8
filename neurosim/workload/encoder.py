"""Encoders by name: ``NAME`` or ``NAME:KEY=VALUE,...`` with every key checked, and `encode`, which notebooks import."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.front_end import Tally
from neurosim.snn.trace import Stimulus
from neurosim.workload import encoders
from neurosim.workload.contrast import Contrast, frames_to_events
from neurosim.workload.encode_changes import ChangeRule, changes, decode_changes, from_channels, to_channels
from neurosim.workload.encode_integers import RULES as INTEGER_RULES
from neurosim.workload.encode_integers import IntegerRule, decode_integers, integer_changes
from neurosim.workload.event_stream import bin_events, event_array, events_to_stimulus, is_event_array
from neurosim.workload.user_files import value_bits

STILL, SIGNAL, FRAMES, EVENTS = "still", "signal", "frames", "events"
"""What an encoder takes: (samples, ...), (samples, timesteps, ...), (samples, frames, height, width), or events."""


@dataclass(frozen=True)
class Key:
    """One option: its default (an int: whole numbers; None: a whole number, or left out), and what else it may be."""

    default: Any
    low: float = 0.0
    high: float = 1e12
    above: bool = False
    words: tuple[str, ...] = ()

    def read(self, where: str, text: str) -> Any:
        if self.words or isinstance(self.default, bool):
            words = self.words or ("true", "false")
            if text not in words:
                raise NeurosimError(f"{where}: got {text!r}, expected {' or '.join(words)}")
            return text if self.words else text == "true"
        whole = self.default is None or isinstance(self.default, int)
        try:
            value = int(text) if whole else float(text)
        except ValueError:
            value = float("nan")
        if not ((self.low < value if self.above else self.low <= value) and value <= self.high):
            floor = f"above {self.low:g}" if self.above else f"of {self.low:g}"
            expected = f"a {'whole ' * whole}number {floor} to {self.high:g}"
            raise NeurosimError(f"{where}: got {text!r}, expected {expected}")
        return value


_SIGNED, _VALUES, _FRONT_END = Key(False), Key(False), Key(False)
_THRESHOLD = Key(0.1, 0.0, above=True)
_START = Key("first", words=("first", "zero"))
_WHOLE = Key(8, 1, 32767)
KINDS: dict[str, tuple[str, dict[str, Key]]] = {
    "direct": (STILL, {}),
    "rate": (STILL, {"gain": Key(1.0, high=1.0)}),
    "rate_bernoulli": (STILL, {}),
    "rate_deterministic": (STILL, {}),
    "latency": (STILL, {
        "cutoff": Key(0.0, high=1.0), "curve": Key("linear", words=("linear", "log")), "tau": Key(5.0, above=True),
    }),
    "delta": (SIGNAL, {"threshold": _THRESHOLD, "signed": _SIGNED, "front_end": _FRONT_END}),
    "send_on_delta": (SIGNAL, {"threshold": _THRESHOLD, "signed": _SIGNED, "start": _START}),
    "step_forward": (SIGNAL, {"threshold": _THRESHOLD, "signed": _SIGNED, "start": _START, "front_end": _FRONT_END}),
    "adaptive": (SIGNAL, {
        "threshold": _THRESHOLD, "growth": Key(1.5, 1.0, 1e6), "keep": Key(0.8, high=1.0), "signed": _SIGNED,
        "start": _START,
    }),
    "tae": (SIGNAL, {
        "threshold": _WHOLE, "up": Key(1, 0, 8), "down": Key(2, 1, 8), "low": Key(1, 1, 32767),
        "high": Key(32767, 1, 32767), "signed": _SIGNED, "start": _START, "front_end": _FRONT_END,
    }),
    "moving_window": (SIGNAL, {
        "threshold": _WHOLE, "window": Key(2, 0, 8), "signed": _SIGNED, "start": _START, "front_end": _FRONT_END,
    }),
    "frames": (FRAMES, {
        "on": Key(0.2, 0.001), "off": Key(0.2, 0.001), "floor": Key(0.01, 1e-6, 1.0), "refractory_us": Key(0.0),
        "frame_us": Key(1000.0, 1.0), "mismatch": Key(0.0, high=1.0), "values": _VALUES,
    }),
    "events": (EVENTS, {
        "step": Key(None, 1), "width": Key(None, 1, 32767), "height": Key(None, 1, 32767), "values": _VALUES,
        "cut": Key(False),
    }),
}  # fmt: skip
"""Encoders: what they take, and their options."""
IMAGE_KINDS = tuple(kind for kind, (takes, _) in KINDS.items() if takes == STILL)


@dataclass(frozen=True)
class Encoder:
    """An encoder with its options; made by `encoder`."""

    kind: str
    options: dict[str, Any]

    @property
    def takes(self) -> str:
        return KINDS[self.kind][0]

    def inputs(self, feature_shape: tuple[int, ...]) -> int:
        """Input neurons for data of ``feature_shape``, the shape of one moment."""
        n = int(np.prod(feature_shape))
        two = self.takes == FRAMES or (self.takes == SIGNAL and not self.options["signed"])
        return 2 * n if two else n

    def bits(self, data: np.ndarray) -> int:
        """Bits that the values it sends may need: 1 for spikes."""
        if self.kind == "direct":
            return value_bits(data)
        if self.kind == "frames":
            return 16 if self.options["values"] else 1
        if self.kind == "send_on_delta":
            most = (float(data.max(initial=0)) - float(data.min(initial=0))) / self.options["threshold"]
            return min(32, int(min(most, 2.0**31)).bit_length() + 1)
        return 2 if self.takes == SIGNAL and self.options["signed"] else 1

    def stimulus(self, data: np.ndarray, timesteps: int | None, labels: np.ndarray | None, seed: int) -> Stimulus:
        """``data`` (samples, ...) as spikes. Raises NeurosimError for another shape, scale or number of timesteps."""
        _check_data(self, data)
        makers: dict[str, Callable] = {STILL: self._still, SIGNAL: self._signal, FRAMES: self._frames}
        return makers[self.takes](data, timesteps, labels, seed)

    def _still(self, data, timesteps, labels, seed) -> Stimulus:
        if timesteps is None:
            raise NeurosimError(f"encoder {self.kind}: no number of timesteps; give one (--timesteps N)")
        encoders.check_cells(data.shape, timesteps)
        if self.kind == "direct":
            return encoders.encode_direct(data, timesteps, labels)
        if self.kind == "latency":
            return encoders.encode_latency(data, timesteps, labels, **self.options)
        if self.kind == "rate_deterministic":
            return encoders.encode_rate(data, timesteps, labels)
        return encoders.encode_bernoulli(data, timesteps, labels, seed, **self.options)

    def _signal(self, data, timesteps, labels, seed) -> Stimulus:
        steps = _of_the_signal(self.kind, timesteps, data.shape[1])
        encoders.check_cells(data.shape[:1] + data.shape[2:], 2 * steps)
        flat = data[:, :steps].reshape(len(data), steps, -1)
        rule = self.rule()
        if not isinstance(rule, IntegerRule):
            return Stimulus.from_dense(to_channels(changes(flat, rule), self.options["signed"]), labels)
        tally = Tally(len(flat), flat.shape[2])
        sent = to_channels(integer_changes(flat, rule, tally), self.options["signed"])
        made = Stimulus.from_dense(sent, labels)
        return replace(made, front_end=tally.work()) if self.options["front_end"] else made

    def rule(self) -> ChangeRule | IntegerRule:
        """The rule of an encoder of signals, for `changes` or `integer_changes` and their decoders.

        Raises NeurosimError for a ``front_end`` whose threshold is no whole number: it has adders, not multipliers.
        """
        options = {key: value for key, value in self.options.items() if key not in ("signed", "front_end")}
        whole = float(options["threshold"]).is_integer() and self.kind in INTEGER_RULES
        if self.options.get("front_end") and not whole:
            raise NeurosimError(
                f"encoder {self.kind}: threshold: got {options['threshold']:g}, a front end works in whole numbers; "
                "scale data and threshold up"
            )
        if self.kind in ("tae", "moving_window") or self.options.get("front_end"):
            return IntegerRule(self.kind, **{**options, "threshold": int(options["threshold"])})
        return ChangeRule(self.kind, **options)

    def _frames(self, data, timesteps, labels, seed) -> Stimulus:
        options = dict(self.options)
        values = options.pop("values")
        model = Contrast(**options)
        _, count, height, width = data.shape
        steps = count - 1 if timesteps is None else timesteps
        encoders.check_cells((len(data), 2, height, width), steps)
        recordings = [frames_to_events(video, model, [seed, sample]) for sample, video in enumerate(data)]
        # The bins span the frames, not the events: a step is the same time in every sample.
        length = (count - 1) * model.frame_us / steps
        bins = [np.minimum(events["t"] // length, steps - 1).astype(np.int64) for events in recordings]
        return bin_events(recordings, bins, (2, height, width), steps, values=values, labels=labels)


def _of_the_signal(kind: str, timesteps: int | None, there: int) -> int:
    if timesteps is not None and not 1 <= timesteps <= there:
        raise NeurosimError(f"encoder {kind}: timesteps: got {timesteps}, but the data have {there}")
    return there if timesteps is None else timesteps


_SHAPES = {
    STILL: (2, "(samples, ...)"),
    SIGNAL: (3, "(samples, timesteps, features)"),
    FRAMES: (4, "(samples, frames, height, width)"),
}


def _check_data(chosen: Encoder, data: np.ndarray) -> None:
    least, expected = _SHAPES.get(chosen.takes, (0, ""))
    wrong = data.ndim < least or (chosen.takes == FRAMES and (data.ndim != 4 or data.shape[1] < 2)) or 0 in data.shape
    if wrong or data.dtype.kind not in "iufb":
        raise NeurosimError(
            f"encoder {chosen.kind}: data of shape {data.shape} ({data.dtype}), expected numbers {expected}"
            + (" with two frames or more" if chosen.takes == FRAMES else "")
        )
    if data.dtype.kind == "f" and not np.isfinite(data).all():
        raise NeurosimError(f"encoder {chosen.kind}: data contain NaN or infinity; expected finite numbers")


def encoder(spec: str | Encoder, **options: Any) -> Encoder:
    """The encoder that ``NAME`` or ``NAME:KEY=VALUE,...`` names; ``options`` are further keys and values.

    Raises NeurosimError for an unknown name or key and for a value out of its range.
    """
    if isinstance(spec, Encoder):
        return spec
    name, _, rest = spec.partition(":")
    if name not in KINDS:
        raise NeurosimError(f"encoder.kind: got {name!r}, expected one of {', '.join(KINDS)}")
    keys = KINDS[name][1]
    chosen = {key: option.default for key, option in keys.items()}
    given = [tuple(part.partition("=")) for part in filter(None, rest.split(","))]
    given += [
        (key, "=", str(value).lower() if isinstance(value, bool) else str(value)) for key, value in options.items()
    ]
    for key, equals, text in given:
        if not equals or key not in keys:
            known = f"KEY=VALUE with a key of {', '.join(keys)}" if keys else "no options"
            raise NeurosimError(f"encoder {name}: got {key + equals + text!r}, expected {known}")
        chosen[key] = keys[key].read(f"encoder {name}: {key}", text)
    return Encoder(name, chosen)


def encode(
    data: np.ndarray | list[np.ndarray] | str | Path,
    kind: str | Encoder = "rate",
    timesteps: int | None = None,
    *,
    labels: np.ndarray | None = None,
    seed: int = 0,
    shape: tuple[int, int, int] | None = None,
    **options: Any,
) -> Stimulus:
    """Data as a `Stimulus`: ``encode(images, "latency", 20)``, ``encode(signal, "step_forward", threshold=0.1)``.

    ``data``: an array with samples first, recordings of events, or a file of either (docs/encoders.md). ``shape``
    (polarities, height, width) is for events; without it their ``width`` and ``height`` are. ``seed`` is for ``rate``
    and for ``frames`` with mismatch. Raises NeurosimError that names encoder, field, value and what was expected.
    """
    chosen = encoder(kind, **options)
    where: str | Path = "events"
    if isinstance(data, str | Path):
        from neurosim.workload.input_files import read_input

        where, data = data, read_input(Path(data), chosen)
    if chosen.takes == EVENTS:
        recordings = data if isinstance(data, list) else [data]
        return encode_events(chosen, [event_array(part, where) for part in recordings], timesteps, labels, shape, where)
    data = np.asarray(data)
    if is_event_array(data):
        raise NeurosimError(f"encoder {chosen.kind}: got a stream of events; use the encoder 'events'")
    if labels is not None and len(labels) != len(data):
        raise NeurosimError(f"encoder {chosen.kind}: {len(labels)} labels for {len(data)} samples")
    return chosen.stimulus(data, timesteps, labels, seed)


def encode_events(
    chosen: Encoder,
    recordings: list[np.ndarray],
    timesteps: int | None,
    labels: np.ndarray | None,
    shape: tuple[int, int, int] | None,
    where: str | Path = "events",
) -> Stimulus:
    """Recordings (`EVENT` arrays) as samples of a camera of ``shape``, or of the encoder's own width and height."""
    options = dict(chosen.options)
    width, height = options.pop("width"), options.pop("height")
    if (width is None) != (height is None) or (width is None and shape is None):
        raise NeurosimError(f"{where}: give the camera's size, both numbers: events:width=W,height=H")
    camera = (2 if shape is None else shape[0], height, width) if width is not None else shape
    if labels is not None and len(labels) != len(recordings):
        raise NeurosimError(f"{where}: {len(labels)} labels for {len(recordings)} recordings")
    return events_to_stimulus(recordings, camera, timesteps, labels=labels, where=where, **options)


def decode(stimulus: Stimulus, kind: str | Encoder, start: np.ndarray | float = 0.0, **options: Any) -> np.ndarray:
    """What an encoder of signals sent, as float64 (samples, timesteps, features); see `decode_changes`."""
    chosen = encoder(kind, **options)
    if chosen.takes != SIGNAL:
        raise NeurosimError(f"encoder {chosen.kind}: cannot be decoded; encoders of changes can")
    rule, spikes = chosen.rule(), from_channels(stimulus, chosen.options["signed"])
    return (decode_integers if isinstance(rule, IntegerRule) else decode_changes)(spikes, rule, start)
