"""The trained transformer as integers: folded, evaluated exactly, and as the simulator's network.

Every membrane is 24 bits and halves each step (``V -= V >> 1``), adds the sums of its projections shifted to one unit
and its bias, fires at or above its threshold, and loses it (maps) or all of itself. `evaluate` shares no code with the
simulator: its spikes are what the simulator's are compared with.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from bestformer import DIM, HEADS, HIDDEN, INT8_UNIT, MAP_THRESHOLD, MIDDLE, STEM, TIMESTEPS, TOKENS, BestFormer
from data import Part, encode

from neurosim.files import write_arrays
from neurosim.snn import (
    AndPopcount,
    BinaryCodec,
    Conv2d,
    Dense,
    Input,
    IntCodec,
    Leak,
    Lif,
    MaskedSum,
    Network,
    Population,
    Projection,
    Readout,
)

MEMBRANE_BITS, OUTPUT_BITS, FINEST = 24, 24, 12
WITNESS_SAMPLES = 200
SIDE = 4
SHAPES = {
    "stem": (STEM, 14, 14), "tokens": (MIDDLE, 7, 7), "map": (HEADS, TOKENS, TOKENS), "hidden": (HIDDEN, SIDE, SIDE),
    **dict.fromkeys(("x", "query", "key", "value", "mixed", "mlp_in", "last"), (DIM, SIDE, SIDE)), "output": (10,),
}  # fmt: skip
# (source, weights) into each neuron behind a BatchNorm; the last one counts in halves, so that (x1 + x2) / 2 is whole.
INTO = {
    "stem": [("input", "stem")], "tokens": [("stem", "tokens")], "x": [("tokens", "embed")],
    "query": [("x", "query")], "key": [("x", "key")], "value": [("x", "value")],
    "mlp_in": [("mixed", "attend"), ("tokens", "embed")], "hidden": [("mlp_in", "up")],
    "last": [("hidden", "down"), ("tokens", "embed"), ("mixed", "attend")],
}  # fmt: skip
ORDER = ("stem", "tokens", "x", "query", "key", "value", "map", "mixed", "mlp_in", "hidden", "last")


@dataclass(frozen=True, eq=False)
class Wire:
    """One convolution into a neuron; ``weights`` integers, sums shifted left by ``shift``."""

    source: str
    name: str
    weights: np.ndarray
    shift: int

    @property
    def stride(self) -> int:
        return 2 if self.weights.shape[-1] == 3 else 1


@dataclass(frozen=True, eq=False)
class Neurons:
    """``threshold``, ``bias`` (channels,) integers."""

    wires: tuple[Wire, ...]
    threshold: np.ndarray
    bias: np.ndarray


@dataclass(frozen=True, eq=False)
class Frozen:
    """``neurons`` by population; ``shift`` of the two products; heads (10, DIM) int8 and the bias of every step."""

    neurons: dict[str, Neurons]
    shift: int
    mixed_threshold: np.ndarray
    heads: tuple[np.ndarray, np.ndarray]
    bias: np.ndarray
    binary: bool


def _integers(net: BestFormer, name: str) -> tuple[np.ndarray, float]:
    """Integer weights and how many integer steps make 1."""
    used = net.used(name).detach().double().numpy()
    steps = 1.0 if net.variant.weights == "binary" else float(INT8_UNIT)
    if name == "stem":
        steps = 127 / float(net.weight["stem"].detach().abs().max())
    whole = np.rint(used * steps).astype(np.int64)
    if np.abs(whole - used * steps).max() > 1e-3:
        raise AssertionError(f"{name}: weights are not on their grid")
    return whole, steps


def _neurons(net: BestFormer, target: str) -> Neurons:
    norm = net.norm[target]
    gain = (norm.weight.double() / torch.sqrt(norm.running_var.double() + norm.eps)).detach().numpy()
    offset = norm.bias.detach().double().numpy() - norm.running_mean.double().numpy() * gain
    halves = 1 if target == "last" and net.variant.reversible else 0
    found = [(source, name, *_integers(net, name)) for source, name in INTO[target]]
    unit = found[0][3] * 2**halves
    sign = np.sign(gain).astype(np.int64)
    for fine in range(FINEST, -1, -1):
        size = unit * 2.0**fine / np.abs(gain)
        threshold, bias = np.rint(size).astype(np.int64), np.rint(offset * sign * size).astype(np.int64)
        wires = tuple(
            # A negative gain turns the channel's weights over; the halved branch lacks the shift of the others.
            Wire(source, name, whole * sign.reshape(-1, 1, 1, 1), fine + halves * (name != "attend"))
            for source, name, whole, _ in found
        )
        reach = sum(np.abs(w.weights).reshape(len(sign), -1).sum(1) << w.shift for w in wires)
        # Halving each step holds a constant drive below twice itself.
        if max((2 * (reach + np.abs(bias) + 1)).max(), threshold.max()) < 1 << (MEMBRANE_BITS - 1):
            return Neurons(wires, threshold, bias)
    raise ValueError(f"{target}: its membrane does not fit {MEMBRANE_BITS} bits")


@torch.no_grad()
def freeze(net: BestFormer) -> Frozen:
    """Integers of a trained network with binary maps."""
    scale = float(net.head_scale())
    heads = tuple(np.rint(net.weight[f"head{i}"].double().numpy() / scale).astype(np.int64) for i in (0, 1))
    # Sums of spikes are whole, so a threshold just above a whole number must not be rounded down onto it.
    threshold = np.ceil(net.log_threshold.exp().double().numpy() * 2**FINEST).astype(np.int64)
    return Frozen(
        {name: _neurons(net, name) for name in INTO}, FINEST, np.repeat(threshold, DIM // HEADS), heads,
        np.rint(2 * net.bias.double().numpy() / scale).astype(np.int64), net.variant.weights == "binary",
    )  # fmt: skip


def _fire(v: torch.Tensor, sums: torch.Tensor, threshold: np.ndarray, bias: np.ndarray, soft: bool = False):
    """The new membrane and the spikes of one step; int64."""
    by_channel = (1, -1, 1, 1)
    limit, drive = (torch.from_numpy(values).reshape(by_channel) for values in (threshold, bias))
    v = v - (v >> 1) + sums + drive
    if not -(1 << MEMBRANE_BITS - 1) <= int(v.min()) <= int(v.max()) < 1 << MEMBRANE_BITS - 1:
        raise AssertionError(f"a membrane left {MEMBRANE_BITS} bits, which the export ruled out")
    fired = v >= limit
    return torch.where(fired, v - limit if soft else torch.zeros_like(v), v), fired.long()


def evaluate(frozen: Frozen, inputs: torch.Tensor) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Spikes (timesteps, n, *shape) by population and output membranes (n, 10) of (timesteps, n, 1, 28, 28) spikes."""
    n = inputs.shape[1]
    v = {name: torch.zeros(n, *SHAPES[name], dtype=torch.int64) for name in ORDER}
    raster: dict[str, list[np.ndarray]] = {name: [] for name in ORDER}
    membrane = torch.zeros(n, 10, dtype=torch.int64)
    nothing = np.zeros(1, np.int64)
    for t in range(len(inputs)):
        s = {"input": inputs[t].long()}
        for name in ORDER:
            if name == "map":
                q, k = (s[x].reshape(n, HEADS, -1, TOKENS) for x in ("query", "key"))
                sums = (q.transpose(2, 3).double() @ k.double()).long() << frozen.shift
                limit = np.full(1, MAP_THRESHOLD << frozen.shift)
                v[name], s[name] = _fire(v[name], sums, limit, nothing, soft=True)
            elif name == "mixed":
                value = s["value"].reshape(n, HEADS, -1, TOKENS).transpose(2, 3).double()
                sums = (s["map"].double() @ value).long().transpose(2, 3).reshape(v[name].shape) << frozen.shift
                v[name], s[name] = _fire(v[name], sums, frozen.mixed_threshold, nothing)
            else:
                part = frozen.neurons[name]
                sums = sum(_sums(wire, s[wire.source]) for wire in part.wires)
                v[name], s[name] = _fire(v[name], sums, part.threshold, part.bias)
            raster[name].append(s[name].bool().numpy())
        for name, weights in zip(("mlp_in", "last"), frozen.heads, strict=True):
            membrane += s[name].sum((-2, -1)) @ torch.from_numpy(weights).T
        membrane += torch.from_numpy(frozen.bias)
    return {name: np.stack(steps) for name, steps in raster.items()}, membrane.numpy()


def _sums(wire: Wire, spikes: torch.Tensor) -> torch.Tensor:
    weights = torch.from_numpy(wire.weights).double()
    out = F.conv2d(spikes.double(), weights, stride=wire.stride, padding=weights.shape[-1] // 2)
    return out.long() << wire.shift


def _lif(threshold: np.ndarray, bias: np.ndarray | int = 0, reset: str = "hard") -> Lif:
    return Lif(threshold, Leak("shift", shift=1), reset=reset, bias=bias, membrane_bits=MEMBRANE_BITS)


def to_network(frozen: Frozen, name: str) -> Network:
    """The simulator's network: one population a core's worth of neurons, all delays 0."""
    populations, projections = [Population("input", (1, 28, 28), Input())], []
    for target in ORDER:
        if target == "map":
            model = _lif(np.full(1, MAP_THRESHOLD << frozen.shift), reset="subtract")
            ends = (("query", AndPopcount(HEADS, "query")), ("key", AndPopcount(HEADS, "key")))
        elif target == "mixed":
            model = _lif(frozen.mixed_threshold)
            ends = (("map", MaskedSum(HEADS, "mask")), ("value", MaskedSum(HEADS, "value")))
        else:
            part, ends = frozen.neurons[target], ()
            model = _lif(part.threshold, part.bias)
            for wire in part.wires:
                codec = BinaryCodec() if frozen.binary and wire.name != "stem" else IntCodec(8)
                conv = Conv2d(wire.weights.astype(np.int32), wire.stride, wire.weights.shape[-1] // 2)
                joins = "pre_neuron" if len(part.wires) > 1 and wire.source == "tokens" else None
                projections.append(
                    Projection(wire.source, target, conv, codec, weight_shift=wire.shift, residual=joins)
                )
        populations.append(Population(target, SHAPES[target], model))
        for source, operator in ends:
            first = operator.operand == operator.operands[0]
            projections.append(
                Projection(source, target, operator, weight_shift=frozen.shift * first, port=operator.operand)
            )
    populations.append(Population("output", (10,), Lif(None, bias=frozen.bias, membrane_bits=OUTPUT_BITS)))
    for source, weights in zip(("mlp_in", "last"), frozen.heads, strict=True):
        by_token = np.repeat(weights.T, TOKENS, axis=0).astype(np.int32)
        projections.append(Projection(source, "output", Dense(by_token), IntCodec(8)))
    return Network(tuple(populations), tuple(projections), Readout("output", "membrane"), name)


@dataclass(frozen=True, eq=False)
class Measured:
    """``spikes`` (samples,) by population, ``hashes`` of the packed spikes of the first samples, ``membrane``."""

    spikes: dict[str, np.ndarray]
    hashes: dict[str, str]
    membrane: np.ndarray

    @property
    def predictions(self) -> np.ndarray:
        return self.membrane.argmax(1)


def measure(frozen: Frozen, part: Part) -> Measured:
    """Run the integers over a whole part."""
    spikes, membranes, hashes = {name: [] for name in ORDER}, [], {}
    for first, images in enumerate(torch.from_numpy(part.images).split(WITNESS_SAMPLES)):
        raster, membrane = evaluate(frozen, encode(images, TIMESTEPS))
        for name, steps in raster.items():
            by_sample = np.ascontiguousarray(np.moveaxis(steps, 0, 1).reshape(len(images), TIMESTEPS, -1))
            spikes[name].append(by_sample.sum((1, 2)))
            if first == 0:
                hashes[name] = hashlib.sha256(np.packbits(by_sample).tobytes()).hexdigest()
        membranes.append(membrane)
    return Measured({name: np.concatenate(s) for name, s in spikes.items()}, hashes, np.concatenate(membranes))


def save_witness(path: Path, name: str, measured: Measured) -> None:
    """What the simulator's run is held to."""
    arrays = {"predictions": measured.predictions.astype(np.uint8), "membrane": measured.membrane[:WITNESS_SAMPLES]}
    arrays |= {f"spikes.{p}": s[:WITNESS_SAMPLES].astype(np.int32) for p, s in measured.spikes.items()}
    write_arrays(path, {"name": name, "timesteps": TIMESTEPS, "sha256": measured.hashes}, arrays)
