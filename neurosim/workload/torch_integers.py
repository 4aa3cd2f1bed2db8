"""A neuron layer counted in units of its weights' scale: integer weights, and the scale in thresholds and biases."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from neurosim.snn.codecs import Codec
from neurosim.workload.torch_grid import codec_for, recover


@dataclass(frozen=True, eq=False)
class Units:
    """``lif``: keywords with the bias, in the units chosen; ``integers`` None: weights stay float32.

    ``scale`` (1,) or (channels,): the real value of one step of a weight, and of the membrane.
    """

    lif: dict[str, Any]
    integers: np.ndarray | None = None
    codec: Codec | None = None
    scale: np.ndarray | None = None
    notes: list[str] = field(default_factory=list)


def spread(values, n: int) -> np.ndarray:
    """One value, or one a channel, as ``n`` values in C order."""
    array = np.asarray(values, np.float64).reshape(-1)
    return np.repeat(array, n // array.size)


def _plain(values: np.ndarray) -> np.ndarray:
    return values[:1] if values.size and (values == values[0]).all() else values


def as_integers(terms: list, lif: dict[str, Any], bias: np.ndarray, n: int, name: str) -> Units:
    """The layer ``name`` of ``n`` neurons with integer weights where its one layer's weights lie on a grid.

    Current = scale x sum(q), scale by channel with batch normalisation folded in; membranes, thresholds and biases are
    divided by it, and a channel with a negative scale has its weights' signs flipped. Where that is not possible the
    weights stay the floats they are, and a note says why.
    """
    plain = Units({**lif, "bias": _plain(np.atleast_1d(bias))})
    operators = [t for t in terms if t.op is not None and not t.op.fields.get("vote")]
    grids = [recover(t.op.fields["weight"]) for t in operators]
    if not any(grids):
        return plain
    kept = ["weights lie on a grid but stay float32: "]
    term, grid = operators[0], grids[0]
    weight = term.op.fields["weight"]
    gain = spread(term.gain, n).reshape(weight.shape[0], -1)
    if len(terms) > 1:
        return _kept(plain, name, kept, "several layers add up in this one, each with a scale of its own")
    if np.size(term.before) > 1 and (np.asarray(term.before) != np.asarray(term.before).flat[0]).any():
        return _kept(plain, name, kept, "the values before it are scaled by channel")
    if (gain != gain[:, :1]).any():
        return _kept(plain, name, kept, "the scale behind it differs within a channel")
    scale = np.broadcast_to(grid.scale, gain[:, 0].shape) * gain[:, 0] * np.asarray(term.before, float).flat[0]
    if (scale == 0).any():
        return _kept(plain, name, kept, "batch normalisation takes a channel to zero")
    unit = spread(np.abs(scale), n)
    rest = [lif.get(key, 0.0) for key in ("v_reset", "v_rest")]
    if any(rest) and (unit != unit[0]).any():
        return _kept(plain, name, kept, "v_reset is not 0 and the scale differs between channels")
    signs = np.where(scale < 0, -1, 1).reshape(-1, *[1] * (weight.ndim - 1))
    integers = (grid.integers * signs).astype(np.int16)
    changed = {"bias": _plain(spread(bias, n) / unit)}
    if lif["threshold"] is not None:
        changed["threshold"] = _plain(spread(lif["threshold"], n) / unit)
    for key in ("v_reset", "v_rest", "v_init"):
        if lif.get(key):
            changed[key] = float(lif[key] / unit[0])
    codec = codec_for(integers)
    per = "channel" if grid.per_channel else "tensor"
    note = f"{term.op.name}: {codec.kind} weights of {codec.bits:g} bits, a scale per {per}, folded into {name}"
    return Units({**lif, **changed}, integers, codec, _plain(np.abs(scale)), [note])


def _kept(plain: Units, name: str, kept: list[str], why: str) -> Units:
    return Units(plain.lif, notes=[f"{name}: {kept[0]}{why}"])
