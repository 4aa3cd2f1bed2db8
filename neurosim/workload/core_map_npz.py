"""A network with its own core map in one npz: a CSR of int8 weights, biases, start membranes and a core a neuron.

Keys: sizes (populations), n_input, indptr, indices, weights (CSR by source over all neurons), bias, v0, core (one a
neuron; core c is on tile c // cores_per_tile, tiles counted down the columns of the mesh), inputs (timesteps,
n_input), threshold, leak. The neuron it stands for, at step t: v <- v x leak (not in the first step), truncated
towards zero to 1/64, plus bias and the weights of spikes sent to it in step t-1; a spike if v > threshold, then v =
0. Here that is integer arithmetic in units of 1/64: weights and biases shifted left by 6, the leak a multiplication
by numerator / 2^shift rounded towards zero, 24-bit membranes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import read_npz
from neurosim.snn.codecs import IntCodec
from neurosim.snn.connectivity import Dense, Sparse
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Leak, Lif
from neurosim.snn.trace import Stimulus

FRACTION_BITS = 6
MEMBRANE_BITS = 24
_KEYS = ("sizes", "n_input", "indptr", "indices", "weights", "bias", "v0", "core", "inputs", "threshold", "leak")


@dataclass(frozen=True, eq=False)
class CoreMapNetwork:
    """The network, its one sample of input, and the core of every neuron (n_neurons,) int64."""

    network: Network
    stimulus: Stimulus
    core: np.ndarray


def _leak(value: float, path: Path) -> Leak:
    ratio = Fraction(value)
    # A float is always a fraction over a power of two; only one with few bits is meant exactly.
    shift = ratio.denominator.bit_length() - 1
    if not 0 <= ratio <= 1 or shift > 15:
        raise NeurosimError(f"{path}: leak: got {value}, expected a fraction of 0 to 1 over a power of two up to 2^15")
    return Leak("multiply", numerator=ratio.numerator, shift=shift, rounding="zero")


def _number(arrays: dict, name: str, path: Path) -> float:
    array = arrays[name]
    if array.dtype.kind not in "iubf" or array.size != 1 or not np.isfinite(array).all():
        raise NeurosimError(f"{path}: {name}: {array.dtype} {array.shape}, expected one finite number")
    return float(array.reshape(-1)[0])


def _stored(arrays: dict, name: str, size: int, path: Path) -> np.ndarray:
    """As wide as the file has it: a large network's connections are not copied to look at them."""
    array = arrays[name]
    if array.dtype.kind not in "iub" or array.shape != (size,):
        raise NeurosimError(f"{path}: {name}: {array.dtype} {array.shape}, expected {size} integers")
    return array.view(np.uint8) if array.dtype == bool else array


def _whole(arrays: dict, name: str, size: int, path: Path) -> np.ndarray:
    return _stored(arrays, name, size, path).astype(np.int64)


def _codec(stored: np.dtype, path: Path) -> IntCodec:
    """The file's own weight width: what int8 takes is 8 bits, however small the numbers happen to be."""
    if stored.itemsize > 2:
        raise NeurosimError(f"{path}: weights: dtype {stored}, expected int8 or int16")
    return IntCodec(8 * stored.itemsize)


def _connectivity(indptr, indices, weights, n_target: int):
    """Dense when every row lists every target, sparse otherwise."""
    n_source = indptr.size - 1
    full = weights.size == n_source * n_target and (np.diff(indptr) == n_target).all()
    if full and (indices.reshape(n_source, n_target) == np.arange(n_target)).all():
        return Dense(weights.reshape(n_source, n_target))
    return Sparse(indptr, indices, weights)


def load_core_map_network(path: Path, timesteps: int | None = None) -> CoreMapNetwork:
    """Read the file. ``timesteps`` is needed for a network without input, and may shorten one with input.

    Raises NeurosimError naming the file and the key that is missing or wrong.
    """
    path = Path(path)
    arrays = read_npz(path)
    missing = [key for key in _KEYS if key not in arrays]
    if missing:
        raise NeurosimError(f"{path}: missing {', '.join(missing)}; expected the keys {', '.join(_KEYS)}")
    sizes = _whole(arrays, "sizes", arrays["sizes"].size, path)
    n, n_input = int(sizes.sum()), int(_number(arrays, "n_input", path))
    if sizes.size == 0 or sizes.min() < 1 or n_input not in (0, int(sizes[0])):
        raise NeurosimError(f"{path}: sizes {sizes.tolist()} with n_input {n_input}; the input is population 0 or none")
    bias, v0, core = (_whole(arrays, name, n, path) for name in ("bias", "v0", "core"))
    indptr = _whole(arrays, "indptr", n + 1, path)
    if indptr[0] != 0 or (np.diff(indptr) < 0).any():
        raise NeurosimError(f"{path}: indptr: must start at 0 and never fall")
    entries = int(indptr[-1])
    indices, weights = (_stored(arrays, name, entries, path) for name in ("indices", "weights"))
    if entries and (indices.min() < 0 or indices.max() >= n):
        raise NeurosimError(f"{path}: indices: {indices.min()} to {indices.max()}, targets must be 0 to {n - 1}")
    threshold, leak = _number(arrays, "threshold", path), _leak(_number(arrays, "leak", path), path)
    scale = 1 << FRACTION_BITS
    if threshold * scale != int(threshold * scale):
        raise NeurosimError(f"{path}: threshold: got {threshold}, expected a multiple of 1/{scale}")
    codec = _codec(arrays["weights"].dtype, path)
    start = np.concatenate([[0], np.cumsum(sizes)])
    populations, projections = [], []
    for i, size in enumerate(sizes):
        here = slice(start[i], start[i + 1])
        model = Input() if i == 0 and n_input else Lif(
            int(threshold * scale), leak, compare=">", reset="hard", bias=bias[here] * scale, v_init=v0[here] * scale,
            leak_first_step=False, membrane_bits=MEMBRANE_BITS,
        )  # fmt: skip
        populations.append(Population(f"l{i}", (int(size),), model))
    for i in range(sizes.size):
        rows = indptr[start[i] : start[i + 1] + 1]
        targets, values = indices[rows[0] : rows[-1]], weights[rows[0] : rows[-1]]
        if not targets.size:
            continue
        for j, ptr, keep in _by_target(rows - rows[0], targets, start):
            local = (targets[keep] - targets.dtype.type(start[j])).astype(np.int32)
            c = _connectivity(ptr, local, values[keep].astype(np.int16), sizes[j])
            projections.append(Projection(f"l{i}", f"l{j}", c, codec, delay=1, weight_shift=FRACTION_BITS))
    return CoreMapNetwork(
        Network(populations, projections, name=path.stem), _stimulus(arrays, n_input, timesteps, path), core
    )


def _by_target(rows: np.ndarray, targets: np.ndarray, start: np.ndarray):
    """Yields (population, its CSR row pointers, which entries) for each population that ``targets`` fall into."""
    first, last = np.searchsorted(start, [targets.min(), targets.max()], side="right") - 1
    if first == last:
        yield int(first), rows, slice(None)
        return
    origin = np.repeat(np.arange(rows.size - 1), np.diff(rows))
    into = np.searchsorted(start, targets, side="right") - 1
    for j in np.unique(into):
        keep = into == j
        yield int(j), np.concatenate([[0], np.cumsum(np.bincount(origin[keep], minlength=rows.size - 1))]), keep


def _stimulus(arrays: dict, n_input: int, timesteps: int | None, path: Path) -> Stimulus:
    if timesteps is not None and timesteps < 1:
        raise NeurosimError(f"{path}: {timesteps} timesteps asked for, expected at least 1")
    if not n_input:
        if timesteps is None:
            raise NeurosimError(f"{path}: a network without input does not say how long to run; give --timesteps N")
        return Stimulus(1, timesteps, 0, np.zeros(timesteps + 1, np.int64), np.zeros(0, np.int32))
    raster = arrays["inputs"]
    if raster.ndim != 2 or raster.shape[1] != n_input or raster.dtype.kind not in "iub":
        raise NeurosimError(
            f"{path}: inputs: {raster.dtype} {raster.shape}, expected integers of shape (timesteps, {n_input})"
        )
    steps = raster.shape[0] if timesteps is None else timesteps
    if steps > raster.shape[0]:
        raise NeurosimError(f"{path}: {steps} timesteps asked for, but inputs holds {raster.shape[0]}")
    return Stimulus.from_dense((raster[None, :steps] != 0).astype(np.int8))
