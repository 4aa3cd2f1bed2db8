"""Signals to signed spikes in whole numbers, with adders, comparators and shifts alone: what fits in front of a chip.

Each feature by itself, timestep by timestep. ``base`` is the level compared with. Every rule tells a `Tally` what it
does; an operation on data that are not there (the value before the first one) is not counted.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.front_end import Tally

RULES = ("delta", "step_forward", "tae", "moving_window")


@dataclass(frozen=True)
class IntegerRule:
    """What makes a change a spike.

    delta and step_forward: as `neurosim.workload.encode_changes`, in integers.
    tae: threshold-adaptive encoding, as step_forward with a threshold of each feature's own: a spike shifts it left by
    ``up``, to ``high`` at most; without one it loses itself shifted right by ``down``, to ``low`` at least. Our reading
    of the abstract of Wang et al., Neural Networks 187 (2025): the paper's own constants were not read.
    moving_window: the mean of the last 2^``window`` values (rounded down) is the base; a value beyond it by more than
    ``threshold`` is a spike. The window holds the first value, or 0, before there are as many.
    ``start``: base and window begin at the first value (``first``) or at 0 (``zero``).
    """

    kind: str
    threshold: int
    up: int = 1
    down: int = 2
    low: int = 1
    high: int = 32767
    window: int = 2
    start: str = "first"

    def __post_init__(self) -> None:
        if self.kind == "tae" and not self.low <= self.threshold <= self.high:
            raise NeurosimError(
                f"encoder tae: threshold: got {self.threshold}, expected {self.low} to {self.high} (low and high)"
            )


def integer_changes(data: np.ndarray, rule: IntegerRule, tally: Tally | None = None) -> np.ndarray:
    """Spikes of -1, 0 and 1, (samples, timesteps, features) int32, of integers ``data`` of that shape.

    ``tally`` counts the operations. Raises NeurosimError for data that are not whole numbers.
    """
    if data.dtype.kind not in "iu" and (data != np.floor(data)).any():
        raise NeurosimError(
            f"encoder {rule.kind}: {data.dtype} values with fractions, and it works in whole numbers; scale and round "
            "the data first, as an analog-to-digital converter would"
        )
    values = data.astype(np.int64)
    tally = Tally(len(values), values.shape[2]) if tally is None else tally
    return {"delta": _delta, "moving_window": _moving_window}.get(rule.kind, _follow)(values, rule, tally)


def _sent(away: np.ndarray, threshold, tally: Tally) -> np.ndarray:
    tally.add(add=1, compare=2)
    tally.seen(away)
    return (away > threshold).astype(np.int64) - (away < -threshold)


def _delta(values: np.ndarray, rule: IntegerRule, tally: Tally) -> np.ndarray:
    out = np.zeros(values.shape, np.int32)
    tally.seen(values)
    tally.begin(1)
    for t in range(1, values.shape[1]):
        tally.add(read=1, write=1)
        # The rule says "reaches": one below the threshold is not beyond it.
        out[:, t] = _sent(values[:, t] - values[:, t - 1], rule.threshold - 1, tally)
    return out


def _follow(values: np.ndarray, rule: IntegerRule, tally: Tally) -> np.ndarray:
    """step_forward and tae."""
    adapts = rule.kind == "tae"
    out = np.zeros(values.shape, np.int32)
    base = values[:, 0].copy() if rule.start == "first" else np.zeros_like(values[:, 0])
    threshold = np.full_like(base, rule.threshold)
    tally.begin(1 + adapts)
    tally.seen(values)
    for t in range(values.shape[1]):
        tally.add(read=1 + adapts)
        sent = out[:, t] = _sent(values[:, t] - base, threshold, tally)
        spiked = sent != 0
        base = base + sent * threshold
        tally.add(spiked, add=1, write=1)
        tally.seen(base)
        if adapts:
            threshold = adapted(threshold, spiked, rule, tally)
    return out


def adapted(threshold: np.ndarray, spiked: np.ndarray, rule: IntegerRule, tally: Tally | None = None) -> np.ndarray:
    """Thresholds of ``tae`` after a timestep; encoder and decoder share it, so that they agree."""
    grown, shrunk = threshold << rule.up, threshold - (threshold >> rule.down)
    after = np.where(spiked, np.minimum(grown, rule.high), np.maximum(shrunk, rule.low))
    if tally is not None:
        tally.add(shift=1, compare=1)
        tally.add(~spiked, add=1)
        tally.add(after != threshold, write=1)
        tally.seen(np.where(spiked, grown, shrunk))
    return after


def _moving_window(values: np.ndarray, rule: IntegerRule, tally: Tally) -> np.ndarray:
    out = np.zeros(values.shape, np.int32)
    length = 1 << rule.window
    first = values[:, 0] if rule.start == "first" else np.zeros_like(values[:, 0])
    kept = np.repeat(first[None], length, axis=0)
    total = first * length
    tally.begin(1 + length)
    tally.seen(values)
    for t in range(values.shape[1]):
        x, oldest = values[:, t], kept[t % length].copy()
        tally.add(read=1, shift=1)
        out[:, t] = _sent(x - (total >> rule.window), rule.threshold, tally)
        total = total + x - oldest
        kept[t % length] = x
        tally.add(read=1, add=2, write=2)
        tally.seen(total)
    return out


def decode_integers(spikes: np.ndarray, rule: IntegerRule, start: np.ndarray | float = 0) -> np.ndarray:
    """The level after each timestep, float64 in the shape of ``spikes`` (samples, timesteps, features).

    ``start`` (samples, features): the level before the first timestep. A spike moves the level by the threshold it was
    sent at, with ``moving_window`` too, whose base a receiver does not know. Raises NeurosimError for ``delta``.
    """
    if rule.kind == "delta":
        raise NeurosimError("encoder delta: says only that a value changed, not by how much; use step_forward or tae")
    level = np.broadcast_to(np.asarray(start, np.float64), (spikes.shape[0], spikes.shape[2])).copy()
    threshold = np.full(level.shape, rule.threshold, np.int64)
    out = np.zeros(spikes.shape, np.float64)
    for t in range(spikes.shape[1]):
        level = level + spikes[:, t] * threshold
        if rule.kind == "tae":
            threshold = adapted(threshold, spikes[:, t] != 0, rule)
        out[:, t] = level
    return out
