"""Published model sizes: networks of shapes alone, measured by the code that measures every network's footprint.

A file holds ``cases``: convolutions [c_in, c_out, kernel] in order, the classifier [inputs, classes], the bits of each
and of batch norm's two values a channel (they become a threshold and a bias of each channel), and ``published_MB``.
A case is equal when its parameters, in MB of 10^6 bytes, print as the published figure does. Membranes do not count.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from math import isqrt
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.mapping.model_size import model_bits, model_lines
from neurosim.snn.codecs import BinaryCodec, Codec, FloatCodec, IntCodec
from neurosim.snn.connectivity import Conv2d, Dense
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif
from neurosim.validation.case import EQUAL, MISS, Case

_BITS = ("hidden_weight_bits", "first_conv_bits", "fc_bits", "batchnorm_bits")
MOST = 1 << 16


def cases(path: Path, engines: tuple[str, ...]) -> Iterator[Case]:
    """One verdict a case of one file, or of every .json file in a folder; no engine is asked."""
    files = [path] if path.is_file() else sorted(path.glob("*.json"))
    if not files:
        raise NeurosimError(f"{path}: no .json file in it; expected cases as in size_cases.json")
    return (verdict(case, where) for file in files for where, case in _read(file))


def verdict(case: dict[str, Any], where: str) -> Case:
    """The size of one case beside the published one."""
    mb = model_bits(model_lines(shape_network(case, where))) / 8e6
    published = f"{case['published_MB']:.2f}"
    detail = f"{mb:.4f} MB, published {published}"
    return Case(str(case["name"]), EQUAL if f"{mb:.2f}" == published else MISS, detail)


def shape_network(case: dict[str, Any], where: str) -> Network:
    """The network of a case: every weight the same value at its format's width, so that it takes no room."""
    convs, (inputs, classes) = case["convs"], case["fc"]
    last = convs[-1][1]
    side = isqrt(inputs // last)
    if last * side * side != inputs:
        raise NeurosimError(f"{where}.fc: {inputs} inputs, expected a square map of each of {last} channels")
    floats = 32 in (case["first_conv_bits"], case["hidden_weight_bits"], case["fc_bits"])
    if floats and (case["batchnorm_bits"] != 32 or case["fc_bits"] != 32):
        raise NeurosimError(
            f"{where}: fc_bits {case['fc_bits']} and batchnorm_bits {case['batchnorm_bits']}, expected 32 beside "
            "weights of 32 bits, whose membranes are float32"
        )
    populations = [Population("input", (convs[0][0], side, side), Input())]
    projections = []
    for i, (c_in, c_out, kernel) in enumerate(convs):
        source = next((p for p in reversed(populations) if p.shape[0] == c_in), None)
        if source is None:
            raise NeurosimError(f"{where}.convs[{i}]: no layer before it has {c_in} channels")
        codec = _codec(case["first_conv_bits"] if i == 0 else case["hidden_weight_bits"], i > 0)
        weights = _everywhere(codec, (c_out, c_in, kernel, kernel))
        name = f"conv {i + 1}"
        norm = Lif(np.ones(c_out), bias=np.ones(c_out), membrane_bits=None if floats else case["batchnorm_bits"])
        populations.append(Population(name, (c_out, side, side), norm))
        padding = ((kernel - 1) // 2, (kernel - 1) // 2)
        projections.append(Projection(source.name, name, Conv2d(weights, padding=padding), codec))
    codec = _codec(case["fc_bits"], False)
    answer = Lif(None, bias=np.ones(classes), membrane_bits=None if floats else case["fc_bits"])
    weights = _everywhere(codec, (inputs, classes))
    projections.append(Projection(populations[-1].name, "classifier", Dense(weights), codec))
    return Network([*populations, Population("classifier", (classes,), answer)], projections, name=str(case["name"]))


def _codec(bits: int, odd: bool) -> Codec:
    """Weights of ``bits``; the hidden ones of more than one bit are on the odd grid, as these papers quantise."""
    if bits == 32:
        return FloatCodec()
    return BinaryCodec() if bits == 1 else IntCodec(bits, "odd" if odd else "even")


def _everywhere(codec: Codec, shape: tuple[int, ...]) -> np.ndarray:
    return np.broadcast_to(np.float32(1) if codec.kind == "float32" else np.int8(1), shape)


def _read(file: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    try:
        found = json.loads(file.read_text("utf-8"))["cases"]
        pairs = [(f"{file}, case {case['name']!r}", case) for case in found]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise NeurosimError(f"{file}: not a file of sizes ({error!r}); expected an object with cases") from error
    if not pairs:
        raise NeurosimError(f"{file}: no case in it; nothing to compare")
    for where, case in pairs:
        _check(case, where)
        yield where, case


def _check(case: dict[str, Any], where: str) -> None:
    """Raises NeurosimError for the first field that cannot be used."""

    def whole(value: Any, field: str, high: int) -> None:
        if type(value) is not int or not 1 <= value <= high:
            raise NeurosimError(f"{where}.{field}: got {value!r}, expected a whole number of 1 to {high}")

    for field in _BITS:
        whole(case.get(field), field, 32)
        if 24 < case[field] < 32 and field != "batchnorm_bits":
            raise NeurosimError(f"{where}.{field}: got {case[field]}, expected 1 to 24 bits, or 32 for float32")
    for field, length in (("convs", 3), ("fc", 2)):
        rows = case.get(field) if field == "convs" else [case.get(field)]
        if not isinstance(rows, list) or not rows or any(not isinstance(r, list) or len(r) != length for r in rows):
            raise NeurosimError(f"{where}.{field}: got {case.get(field)!r}, expected lists of {length} whole numbers")
        for row in rows:
            for value in row:
                whole(value, field, MOST)
    published = case.get("published_MB")
    if type(published) not in (int, float) or not 0 < published < 1e6:
        raise NeurosimError(f"{where}.published_MB: got {published!r}, expected megabytes above 0")
