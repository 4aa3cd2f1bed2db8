"""Which source neuron reaches which target neuron, and with which weight.

Each class is plain data with one contract: ``check`` the shapes, give the ``output_shape`` it produces, count
``fan_out`` by source neuron, and list its connections as CSR rows (``to_csr``), the readable truth that the fast
kernels and the shared-kernel memory layouts are held to. Neurons of a shape are numbered in C order.

``event`` names what one spike through the connection is on hardware: ``synapse`` (a synaptic event for each
connection, zero weights included, padding never), ``pool`` or ``copy`` (actions of their own and no events).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from neurosim.errors import NeurosimError

Shape = tuple[int, ...]
Csr = tuple[np.ndarray, np.ndarray, np.ndarray]


def _freeze(array: np.ndarray) -> np.ndarray:
    """A contiguous read-only copy, so that a network can be shared between threads and hashed.

    One read-only value seen at every place (`numpy.broadcast_to`) stays that: a network of shapes alone needs no room.
    """
    if isinstance(array, np.ndarray) and not array.flags.writeable and not any(array.strides):
        return array
    frozen = np.array(array, order="C", copy=True)
    frozen.setflags(write=False)
    return frozen


def _pair(value: int | tuple[int, int], where: str, low: int) -> tuple[int, int]:
    pair = (value, value) if isinstance(value, (int, np.integer)) else tuple(value)
    if len(pair) != 2 or any(int(v) != v or v < low for v in pair):
        raise NeurosimError(f"{where}: got {value!r}, expected one or two integers of at least {low}")
    return int(pair[0]), int(pair[1])


@dataclass(frozen=True, eq=False)
class Dense:
    """Every source to every target. ``weights`` (n_source, n_target): a row is what one spike fetches."""

    weights: np.ndarray
    kind = "dense"
    event = "synapse"

    def __post_init__(self) -> None:
        if self.weights.ndim != 2:
            raise NeurosimError(f"dense.weights: shape {self.weights.shape}, expected (n_source, n_target)")
        object.__setattr__(self, "weights", _freeze(self.weights))

    def check(self, source: Shape, target: Shape, where: str) -> None:
        if self.weights.shape != (prod(source), prod(target)):
            raise NeurosimError(
                f"{where}.weights: shape {self.weights.shape}, expected ({prod(source)}, {prod(target)}) for source "
                f"shape {source} and target shape {target}"
            )

    def output_shape(self, source: Shape) -> Shape:
        return (self.weights.shape[1],)

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        return np.full(self.weights.shape[0], self.weights.shape[1], np.int64)

    def to_csr(self, source: Shape, target: Shape) -> Csr:
        n_source, n_target = self.weights.shape
        indptr = np.arange(n_source + 1, dtype=np.int64) * n_target
        return indptr, np.tile(np.arange(n_target, dtype=np.int32), n_source), self.weights.ravel()


@dataclass(frozen=True, eq=False)
class Sparse:
    """Stored entries only, CSR by source: ``indptr`` (n_source + 1), ``indices`` and ``weights`` (n_entries).

    Target indices of a row ascend and are distinct. Every stored entry is a synaptic event, a stored zero too.
    """

    indptr: np.ndarray
    indices: np.ndarray
    weights: np.ndarray
    kind = "sparse"
    event = "synapse"

    def __post_init__(self) -> None:
        indptr = _freeze(np.asarray(self.indptr, np.int64))
        indices = _freeze(np.asarray(self.indices, np.int32))
        if indptr.ndim != 1 or indptr.size < 1 or indptr[0] != 0 or (np.diff(indptr) < 0).any():
            raise NeurosimError("sparse.indptr: must start at 0 and never fall")
        if indptr[-1] != indices.size or indices.shape != np.shape(self.weights):
            raise NeurosimError(
                f"sparse: indptr ends at {indptr[-1]}, but there are {indices.size} indices and "
                f"{np.size(self.weights)} weights; the three must agree"
            )
        step = np.diff(indices.astype(np.int64))
        row_start = np.zeros(max(indices.size - 1, 0), bool)
        starts = indptr[1:-1]
        row_start[starts[(starts > 0) & (starts < indices.size)] - 1] = True
        if ((step <= 0) & ~row_start).any():
            raise NeurosimError("sparse.indices: targets of one source must ascend and be distinct; sort the rows")
        object.__setattr__(self, "indptr", indptr)
        object.__setattr__(self, "indices", indices)
        object.__setattr__(self, "weights", _freeze(self.weights))

    def check(self, source: Shape, target: Shape, where: str) -> None:
        if self.indptr.size != prod(source) + 1:
            raise NeurosimError(f"{where}.indptr: {self.indptr.size} entries, expected {prod(source) + 1}")
        if self.indices.size and (self.indices.min() < 0 or self.indices.max() >= prod(target)):
            raise NeurosimError(
                f"{where}.indices: {self.indices.min()} to {self.indices.max()}, expected 0 to {prod(target) - 1}"
            )

    def output_shape(self, source: Shape) -> Shape:
        return (int(self.indices.max()) + 1,) if self.indices.size else (1,)

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        return np.diff(self.indptr)

    def to_csr(self, source: Shape, target: Shape) -> Csr:
        return self.indptr, self.indices, self.weights


def _window_csr(source: Shape, out_hw: tuple[int, int], kernel, stride, padding, dilation) -> Csr:
    """Connections of a sliding window over (H, W): for each input pixel, its (output pixel, tap) pairs.

    Returns ``indptr`` (H*W + 1), output pixel (n,), tap index ky*kw + kx (n,), both ascending by output pixel.
    """
    height, width = source[-2:]
    oy, ox, ky, kx = np.meshgrid(
        np.arange(out_hw[0]), np.arange(out_hw[1]), np.arange(kernel[0]), np.arange(kernel[1]), indexing="ij"
    )
    iy = oy * stride[0] - padding[0] + ky * dilation[0]
    ix = ox * stride[1] - padding[1] + kx * dilation[1]
    inside = (iy >= 0) & (iy < height) & (ix >= 0) & (ix < width)
    pixel = (iy * width + ix)[inside]
    out = (oy * out_hw[1] + ox)[inside]
    tap = (ky * kernel[1] + kx)[inside]
    order = np.lexsort((tap, out, pixel))
    indptr = np.zeros(height * width + 1, np.int64)
    np.cumsum(np.bincount(pixel, minlength=height * width), out=indptr[1:])
    return indptr, out[order].astype(np.int32), tap[order].astype(np.int32)


def _window_output(source: Shape, kernel, stride, padding, dilation, where: str) -> tuple[int, int]:
    if len(source) != 3:
        raise NeurosimError(f"{where}: source shape {source}, expected (channels, height, width)")
    size = tuple((source[1 + i] + 2 * padding[i] - dilation[i] * (kernel[i] - 1) - 1) // stride[i] + 1 for i in (0, 1))
    if min(size) < 1:
        raise NeurosimError(f"{where}: kernel {kernel} does not fit into the padded source {source}")
    return size


@dataclass(frozen=True, eq=False)
class Conv2d:
    """Cross-correlation as in deep-learning frameworks. ``weights`` (C_out, C_in / groups, kernel_h, kernel_w)."""

    weights: np.ndarray
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)
    dilation: tuple[int, int] = (1, 1)
    groups: int = 1
    kind = "conv"
    event = "synapse"

    def __post_init__(self) -> None:
        if self.weights.ndim != 4 or 0 in self.weights.shape:
            raise NeurosimError(
                f"conv2d.weights: shape {self.weights.shape}, expected (C_out, C_in / groups, kernel_h, kernel_w)"
            )
        object.__setattr__(self, "weights", _freeze(self.weights))
        object.__setattr__(self, "stride", _pair(self.stride, "conv2d.stride", 1))
        object.__setattr__(self, "padding", _pair(self.padding, "conv2d.padding", 0))
        object.__setattr__(self, "dilation", _pair(self.dilation, "conv2d.dilation", 1))
        if self.groups < 1 or self.weights.shape[0] % self.groups:
            raise NeurosimError(
                f"conv2d.groups: got {self.groups}, expected a divisor of {self.weights.shape[0]} output channels"
            )

    @property
    def kernel(self) -> tuple[int, int]:
        return self.weights.shape[2], self.weights.shape[3]

    def output_shape(self, source: Shape) -> Shape:
        hw = _window_output(source, self.kernel, self.stride, self.padding, self.dilation, "conv2d")
        return (self.weights.shape[0], *hw)

    def check(self, source: Shape, target: Shape, where: str) -> None:
        if len(source) != 3 or source[0] != self.weights.shape[1] * self.groups:
            raise NeurosimError(
                f"{where}: source shape {source}, expected ({self.weights.shape[1] * self.groups}, height, width)"
            )
        if self.output_shape(source) != tuple(target):
            raise NeurosimError(f"{where}: target shape {target}, expected {self.output_shape(source)}")

    def windows(self, source: Shape) -> Csr:
        """By input pixel: ``indptr``, output pixel and kernel tap; shared by all channel pairs."""
        out_hw = self.output_shape(source)[1:]
        return _window_csr(source, out_hw, self.kernel, self.stride, self.padding, self.dilation)

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        per_pixel = np.diff(self.windows(source)[0]) * (self.weights.shape[0] // self.groups)
        return np.tile(per_pixel, source[0])

    def to_csr(self, source: Shape, target: Shape) -> Csr:
        indptr, out_pixel, tap = self.windows(source)
        per_group = self.weights.shape[0] // self.groups
        in_group = self.weights.shape[1]
        n_pixels = target[1] * target[2]
        taps = self.weights.reshape(*self.weights.shape[:2], -1)
        indices, weights, counts = [], [], []
        for channel in range(source[0]):
            group, member = divmod(channel, in_group)
            outs = np.arange(group * per_group, (group + 1) * per_group)
            for pixel in range(source[1] * source[2]):
                here = slice(indptr[pixel], indptr[pixel + 1])
                indices.append((outs[:, None] * n_pixels + out_pixel[None, here]).ravel())
                weights.append(taps[outs][:, member][:, tap[here]].ravel())
                counts.append(indices[-1].size)
        ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return ptr, np.concatenate(indices).astype(np.int32), np.concatenate(weights)


@dataclass(frozen=True, eq=False)
class Pool2d:
    """Window pooling by channel: ``sum``, ``average`` or ``max`` (on binary spikes max is OR).

    The target is a `Relay`: a sum is an integer spike value, an average a fraction (float networks only; integer
    networks use ``sum`` and fold the division into the next threshold), a max is binary.
    """

    mode: str
    size: tuple[int, int]
    stride: tuple[int, int] | None = None
    padding: tuple[int, int] = (0, 0)
    kind = "pool"
    event = "pool"
    weights = None

    def __post_init__(self) -> None:
        if self.mode not in ("sum", "average", "max"):
            raise NeurosimError(f"pool.mode: got {self.mode!r}, expected 'sum', 'average' or 'max'")
        object.__setattr__(self, "size", _pair(self.size, "pool.size", 1))
        stride = self.size if self.stride is None else self.stride
        object.__setattr__(self, "stride", _pair(stride, "pool.stride", 1))
        object.__setattr__(self, "padding", _pair(self.padding, "pool.padding", 0))

    def output_shape(self, source: Shape) -> Shape:
        hw = _window_output(source, self.size, self.stride, self.padding, (1, 1), "pool")
        return (source[0], *hw)

    def check(self, source: Shape, target: Shape, where: str) -> None:
        if self.output_shape(source) != tuple(target):
            raise NeurosimError(f"{where}: target shape {target}, expected {self.output_shape(source)}")

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        return np.diff(self.to_csr(source, target)[0])

    @cached_property
    def _cache(self) -> dict:
        return {}

    def to_csr(self, source: Shape, target: Shape) -> Csr:
        if source not in self._cache:
            out_hw = target[1:]
            indptr, out, _ = _window_csr(source, out_hw, self.size, self.stride, self.padding, (1, 1))
            n_in, n_out, channels = source[1] * source[2], out_hw[0] * out_hw[1], source[0]
            ptr = np.concatenate([[0], np.cumsum(np.tile(np.diff(indptr), channels))]).astype(np.int64)
            indices = (np.arange(channels)[:, None] * n_out + out[None, :]).ravel().astype(np.int32)
            value = 1.0 / (self.size[0] * self.size[1]) if self.mode == "average" else 1
            weights = np.full(indices.size, value, np.float32 if self.mode == "average" else np.int8)
            assert ptr[-1] == indices.size and n_in * channels + 1 == ptr.size
            self._cache[source] = (ptr, indices, weights)
        return self._cache[source]


@dataclass(frozen=True, eq=False)
class Identity:
    """Neuron i to neuron i: a residual add, a copy, or a flatten (shapes may differ, sizes may not).

    ``weight`` is what one spike adds to its target.
    """

    weight: float = 1
    kind = "identity"
    event = "copy"

    @property
    def weights(self) -> np.ndarray:
        return np.array([self.weight], np.float32 if isinstance(self.weight, float) else np.int32)

    def output_shape(self, source: Shape) -> Shape:
        return tuple(source)

    def check(self, source: Shape, target: Shape, where: str) -> None:
        if prod(source) != prod(target):
            raise NeurosimError(f"{where}: {prod(source)} source and {prod(target)} target neurons; must be equal")

    def fan_out(self, source: Shape, target: Shape) -> np.ndarray:
        return np.ones(prod(source), np.int64)

    def to_csr(self, source: Shape, target: Shape) -> Csr:
        n = prod(source)
        return np.arange(n + 1, dtype=np.int64), np.arange(n, dtype=np.int32), np.repeat(self.weights, n)


def Flatten() -> Identity:
    """(C, H, W) to (N,) in C order. Dense and Sparse flatten their source themselves; this is for an explicit layer."""
    return Identity(1)


Connectivity = Dense | Sparse | Conv2d | Pool2d | Identity
