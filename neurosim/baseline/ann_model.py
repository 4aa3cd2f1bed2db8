"""The ANN twin of a workload: int8 weights, 8-bit activations, one pass, integer arithmetic only.

Arithmetic of a layer, exactly: ``acc`` (int32) = sum of int8 weight x activation (0..255) + ``bias``; then, except in
the last layer, ``activation = clip((acc * multiplier + 2^(shift-1)) >> shift, 0, 255)``, which is ReLU and
requantisation at once (64-bit product, arithmetic shift). The class is the argmax of the last layer's ``acc``, the
lowest index on a tie. Scales are kept for the reader; inference does not use them.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays

FORMAT = "neurosim-ann/1"
_ARRAYS = {"weights": np.int8, "bias": np.int32, "weight_scale": np.float32, "multiplier": np.int32}
_BATCH = 250


@dataclass(frozen=True, eq=False)
class AnnLayer:
    """One convolution or dense layer.

    ``in_shape`` and ``out_shape`` are (C, H, W) or (N,); a dense layer flattens its input in C order. ``weights`` int8
    is (C_out, C_in, kernel_h, kernel_w) or (N_in, N_out). ``bias`` int32, ``weight_scale`` float32 and ``multiplier``
    int32 are (C_out,); ``multiplier`` is None in the last layer. ``act_scale`` is the real value of one unit of this
    layer's output (of its accumulator in the last layer).
    """

    kind: str
    in_shape: tuple[int, ...]
    out_shape: tuple[int, ...]
    weights: np.ndarray
    bias: np.ndarray
    weight_scale: np.ndarray
    act_scale: float
    multiplier: np.ndarray | None = None
    shift: int = 0
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int] = (0, 0)

    def __post_init__(self) -> None:
        where = f"ann layer {self.kind} {self.in_shape}->{self.out_shape}"
        if self.kind not in ("conv", "dense"):
            raise NeurosimError(f"{where}: kind {self.kind!r}, expected 'conv' or 'dense'")
        for name, dtype in _ARRAYS.items():
            array = getattr(self, name)
            if array is not None and array.dtype != dtype:
                raise NeurosimError(f"{where}.{name}: dtype {array.dtype}, expected {np.dtype(dtype)}")
        if self.multiplier is not None and not 1 <= self.shift <= 62:
            raise NeurosimError(f"{where}.shift: got {self.shift}, expected 1 to 62")
        if self.kind == "dense":
            expected = (prod(self.in_shape), prod(self.out_shape))
        else:
            expected = (self.out_shape[0], self.in_shape[0], *self.weights.shape[2:])
            size = [
                (self.in_shape[1 + i] + 2 * self.padding[i] - self.weights.shape[2 + i]) // self.stride[i] + 1
                for i in (0, 1)
            ]
            if tuple(self.out_shape[1:]) != tuple(size):
                raise NeurosimError(f"{where}: kernel, stride and padding give {tuple(size)} output pixels")
        if self.weights.shape != expected:
            raise NeurosimError(f"{where}.weights: shape {self.weights.shape}, expected {expected}")

    @property
    def kernel(self) -> tuple[int, int]:
        """Kernel height and width; (1, 1) for a dense layer."""
        return self.weights.shape[2:] if self.kind == "conv" else (1, 1)

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one pass, those on padding included (a dense array executes them)."""
        if self.kind == "dense":
            return self.weights.size
        return self.weights.size * self.out_shape[1] * self.out_shape[2]

    def accumulate(self, x: np.ndarray) -> np.ndarray:
        """Activations ``(n, *in_shape)`` uint8 -> ``(n, *out_shape)`` int32 sums with bias."""
        # Products in float64 use the BLAS and stay exact: every partial sum is an integer far below 2^53.
        if self.kind == "dense":
            sums = x.reshape(len(x), -1).astype(np.float64) @ self.weights.astype(np.float64)
            sums = sums.reshape(len(x), *self.out_shape)
        else:
            (ph, pw), (sh, sw) = self.padding, self.stride
            padded = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
            windows = np.lib.stride_tricks.sliding_window_view(padded, self.kernel, axis=(2, 3))[:, :, ::sh, ::sw]
            columns = windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, prod(self.weights.shape[1:]))
            sums = columns.astype(np.float64) @ self.weights.reshape(self.out_shape[0], -1).T.astype(np.float64)
            sums = sums.reshape(len(x), *self.out_shape[1:], -1).transpose(0, 3, 1, 2)
        total = sums.astype(np.int64) + self._by_channel(self.bias)
        if total.size and max(total.max(), -total.min()) > np.iinfo(np.int32).max:
            raise NeurosimError(
                f"ann layer {self.kind}: a sum reaches {np.abs(total).max()}, expected at most 2147483647 (int32)"
            )
        return total.astype(np.int32)

    def requantise(self, acc: np.ndarray) -> np.ndarray:
        """ReLU and rescale of ``acc`` (int32) to the next layer's activations (uint8)."""
        scaled = acc.astype(np.int64) * self._by_channel(self.multiplier) + (1 << (self.shift - 1))
        return np.clip(scaled >> self.shift, 0, 255).astype(np.uint8)

    def _by_channel(self, values: np.ndarray) -> np.ndarray:
        return values.astype(np.int64).reshape(-1, *[1] * (len(self.out_shape) - 1))


@dataclass(frozen=True, eq=False)
class AnnModel:
    """Layers in order. ``input_scale`` is the real value of one unit of the input pixels."""

    layers: tuple[AnnLayer, ...]
    name: str = "ann"
    input_scale: float = 1 / 255

    def __post_init__(self) -> None:
        for i, (layer, following) in enumerate(zip(self.layers, self.layers[1:], strict=False)):
            if prod(layer.out_shape) != prod(following.in_shape) or layer.multiplier is None:
                raise NeurosimError(f"ann layers {i} and {i + 1}: shapes differ or layer {i} has no multiplier")

    @property
    def macs(self) -> int:
        """Multiply-accumulates of one classification."""
        return sum(layer.macs for layer in self.layers)

    def activations(self, images: np.ndarray) -> list[np.ndarray]:
        """Input of every layer and, last, the output sums: arrays (n, ...), uint8 except the int32 sums."""
        x = np.asarray(images)
        if x.dtype != np.uint8 or x[0].size != prod(self.layers[0].in_shape):
            raise NeurosimError(
                f"ann {self.name}: input {x.dtype} {x.shape}, expected uint8 (n, *{self.layers[0].in_shape})"
            )
        values = [x.reshape(len(x), *self.layers[0].in_shape)]
        for layer in self.layers:
            acc = layer.accumulate(values[-1].reshape(len(x), *layer.in_shape))
            values.append(acc if layer.multiplier is None else layer.requantise(acc))
        return values

    def predict(self, images: np.ndarray) -> np.ndarray:
        """Class of each image, ``(n, 28, 28)`` uint8 -> ``(n,)`` int64."""
        parts = [images[i : i + _BATCH] for i in range(0, len(images), _BATCH)]
        classes = [self.activations(part)[-1].reshape(len(part), -1).argmax(1) for part in parts]
        return np.concatenate(classes) if classes else np.zeros(0, np.int64)

    def save(self, path: Path) -> None:
        """Write one npz; same content, same bytes."""
        arrays, layers = {}, []
        for i, layer in enumerate(self.layers):
            for name in _ARRAYS:
                if getattr(layer, name) is not None:
                    arrays[f"{name}_{i}"] = getattr(layer, name)
            plain = ("kind", "in_shape", "out_shape", "act_scale", "shift", "stride", "padding")
            layers.append({name: getattr(layer, name) for name in plain})
        header = {"format": FORMAT, "name": self.name, "input_scale": self.input_scale, "layers": layers}
        write_arrays(Path(path), header, arrays)

    @classmethod
    def load(cls, path: Path) -> AnnModel:
        """Inverse of `save`. Raises NeurosimError naming the file."""
        header, arrays = read_arrays(Path(path))
        if header.get("format") != FORMAT:
            raise NeurosimError(f"{path}: format {header.get('format')!r}, expected {FORMAT!r}")
        try:
            layers = []
            for i, fields in enumerate(header["layers"]):
                fields = {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}
                layers.append(AnnLayer(**fields, **{name: arrays.get(f"{name}_{i}") for name in _ARRAYS}))
            return cls(tuple(layers), header["name"], header["input_scale"])
        except (KeyError, TypeError, AttributeError) as error:
            raise NeurosimError(f"{path}: not a complete ANN file ({error})") from error
