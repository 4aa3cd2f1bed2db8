"""Random networks over every codec and note, for the native file; and damage for files."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
from hypothesis import strategies as st

from neurosim.snn import BinaryCodec, CodebookCodec, Coding, IntCodec, Sparse, TernaryCodec
from neurosim.snn.notes import RESIDUALS
from tests.engine.strategies import networks


def _codebook(rng, size):
    """A codebook whose word length divides ``size``, and weights in it."""
    length = int(rng.choice([n for n in range(1, min(size, 9) + 1) if size % n == 0]))
    rows = {tuple(row) for row in rng.integers(-3, 4, (int(rng.integers(1, 6)), length)).tolist()}
    codec = CodebookCodec(tuple(sorted(rows)))
    return codec, codec.decode(rng.integers(0, len(rows), size // length))


def _coded(rng, kind, size):
    if kind == "codebook" and size:
        return _codebook(rng, size)
    if kind == "even":
        codec = IntCodec(int(rng.integers(1, 17)))
        low, high = codec.limits
        return codec, rng.integers(low, high + 1, size)
    if kind == "odd":
        codec = IntCodec(int(rng.integers(1, 9)), "odd")
        return codec, codec.decode(rng.integers(0, 1 << codec.width_bits, size))
    if kind == "ternary":
        return TernaryCodec(), rng.integers(-1, 2, size)
    return BinaryCodec(), rng.choice([-1, 1], size)


def _recoded(draw, rng, p):
    """The projection with weights of a drawn format."""
    c = p.connectivity
    kind = draw(st.sampled_from(["even", "odd", "ternary", "sign", "codebook"]))
    codec, flat = _coded(rng, kind, c.weights.size)
    weights = np.asarray(flat, np.int32).reshape(c.weights.shape)
    made = Sparse(c.indptr, c.indices, weights) if c.kind == "sparse" else replace(c, weights=weights)
    return replace(p, connectivity=made, codec=codec)


def _numbers(draw, rng, channels):
    """A note of scales: none, one, or one a channel."""
    size = draw(st.sampled_from([0, 1, channels]))
    return None if size == 0 else rng.random(size) + 1e-3


@st.composite
def coded_networks(draw):
    """`networks` with integer weights in any codec, and any notes."""
    network = draw(networks())
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    populations, projections = [], []
    for p in network.populations:
        kept = np.sort(rng.choice(50, p.shape[0], replace=False)) if draw(st.booleans()) else None
        populations.append(replace(p, unit=_numbers(draw, rng, p.shape[0]), kept=kept))
    for p in network.projections:
        if network.is_integer and p.connectivity.event == "synapse":
            p = _recoded(draw, rng, p)
        channels = network.population(p.target).shape[0]
        residual = draw(st.sampled_from([None, *RESIDUALS]))
        projections.append(replace(p, scale=_numbers(draw, rng, channels), residual=residual))
    coding = draw(st.sampled_from([None, Coding("direct", 4), Coding("spikes", 1)]))
    noted = replace(
        network, populations=populations, projections=projections, metadata={"from": "a test"}, coding=coding
    )
    return draw(st.sampled_from([noted, network]))


def same_notes(one, two):
    """Whether two networks carry the same notes."""

    def equal(a, b):
        return a is b is None or (a is not None and b is not None and np.array_equal(a, b))

    pairs = [(p.unit, q.unit) for p, q in zip(one.populations, two.populations, strict=True)]
    pairs += [(p.kept, q.kept) for p, q in zip(one.populations, two.populations, strict=True)]
    pairs += [(p.scale, q.scale) for p, q in zip(one.projections, two.projections, strict=True)]
    residuals = [(p.residual, q.residual) for p, q in zip(one.projections, two.projections, strict=True)]
    named = (one.coding, dict(one.metadata), one.name, one.readout) == (
        two.coding,
        dict(two.metadata),
        two.name,
        two.readout,
    )
    return named and all(equal(a, b) for a, b in pairs) and all(a == b for a, b in residuals)


def contents(path):
    """Header and arrays of a native file."""
    with np.load(path) as stored:
        arrays = {name: stored[name] for name in stored.files}
    return json.loads(arrays.pop("header").tobytes()), arrays


ODD_VALUES = (
    None, True, False, 0, 1, -1, 2, 1.5, -0.0, 10**9, 2**31, 2**63, 10**30, -(10**30), 1e308, float("inf"),
    float("nan"), "", "lif", "soon", "\u0000", [], [0], [1, 2, 3], [[[]]], {}, {"kind": "lif"}, {"kind": "none"},
    [-1, 2], [2**40, 2**40],
)  # fmt: skip


def _places(value, path=()):
    """Every place in a nested header."""
    yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from _places(item, (*path, key))


def mutated_header(header, rng):
    """A copy of ``header`` with one to three places dropped, replaced, repeated or renamed."""
    header = json.loads(json.dumps(header))
    for _ in range(int(rng.integers(1, 4))):
        places = [p for p in _places(header) if p]
        if not places:
            return header
        path = places[int(rng.integers(len(places)))]
        parent = header
        for key in path[:-1]:
            parent = parent[key]
        action = rng.choice(["replace", "replace", "drop", "repeat", "rename"])
        if action == "drop":
            del parent[path[-1]]
        elif action == "replace":
            parent[path[-1]] = ODD_VALUES[int(rng.integers(len(ODD_VALUES)))]
        elif action == "repeat" and isinstance(parent, list):
            parent.insert(path[-1], parent[path[-1]])
        elif action == "rename" and isinstance(parent, dict):
            parent[path[-1] + "x"] = parent.pop(path[-1])
    return header


def mutated_arrays(arrays, rng):
    """A copy of ``arrays`` with one dropped, renamed, retyped, reshaped, or given wild values."""
    arrays = dict(arrays)
    if not arrays:
        return arrays
    name = sorted(arrays)[int(rng.integers(len(arrays)))]
    array = arrays[name]
    action = rng.choice(["drop", "rename", "retype", "shape", "cut", "wild", "empty"])
    if action == "drop":
        del arrays[name]
    elif action == "rename":
        arrays[name + "x"] = arrays.pop(name)
    elif action == "retype":
        kinds = [np.float64, np.float32, np.int8, np.uint64, np.complex64, "U3", "S2", bool, np.float16, "M8[s]"]
        arrays[name] = np.zeros(array.shape, kinds[int(rng.integers(len(kinds)))])
    elif action == "shape":
        arrays[name] = array.reshape(-1, 1) if rng.random() < 0.5 else array.reshape(1, *array.shape)
    elif action == "cut":
        arrays[name] = array.ravel()[: int(rng.integers(0, array.size + 1))]
    elif action == "wild":
        wild = [-1, 2**31 - 1, -(2**31)] if array.dtype.kind in "iu" else [np.nan, np.inf, -1.0, 0.0]
        copy = array.astype(np.int64 if array.dtype.kind in "iu" else array.dtype).reshape(-1)
        if copy.size:
            copy[int(rng.integers(copy.size))] = wild[int(rng.integers(len(wild)))]
        arrays[name] = copy.reshape(array.shape)
    else:
        arrays[name] = np.zeros(0, array.dtype)
    return arrays
