"""A folder with a framework's network and what the framework made of it: model.nir, reference.npz, meta.json.

reference.npz holds ``input_spikes`` and, for every layer, ``LAYER.spikes``: bits packed on the last axis in little
order, (samples, timesteps, ceil(F / 8)), with ``input_shape`` and ``LAYER.shape`` giving (samples, timesteps, ...);
``LAYER.spike_counts`` (samples, timesteps, F) instead where a step carries several spikes; optionally ``labels``,
``predictions`` and ``LAYER.vmem`` (first samples, timesteps, ...). meta.json names the ``framework``, the
``spiking_layers`` in order and, if need be, a ``profile`` or a ``dt``.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import MAX_ARRAY_BYTES, read_npz
from neurosim.workload.profiles import PROFILES

MODEL, REFERENCE, META = "model.nir", "reference.npz", "meta.json"
MAX_META_BYTES = 1 << 20


@dataclass(frozen=True, eq=False)
class Recording:
    """``input`` and ``layers[name]`` (samples, timesteps, F) uint8 or as stored; ``profile`` as text."""

    folder: Path
    input: np.ndarray
    layers: dict[str, np.ndarray]
    membranes: dict[str, np.ndarray]
    labels: np.ndarray | None
    predictions: np.ndarray | None
    meta: dict[str, Any]
    profile: str

    @property
    def model(self) -> Path:
        return self.folder / MODEL


def is_recording(folder: Path) -> bool:
    """Whether ``folder`` holds the three files."""
    return all((folder / name).is_file() for name in (MODEL, REFERENCE, META))


def read_recording(folder: Path, profile: str | None = None) -> Recording:
    """Read the folder; ``profile`` overrides the one of meta.json. Raises NeurosimError naming file and field."""
    folder = Path(folder)
    meta = _meta(folder / META)
    path = folder / REFERENCE
    arrays = read_npz(path)
    names = meta.get("spiking_layers", [key.removesuffix(".shape") for key in arrays if key.endswith(".shape")])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise NeurosimError(f"{folder / META}: spiking_layers: got {names!r}, expected a list of names")
    given = unpacked(arrays, "input_spikes", "input_shape", path)
    layers = {}
    for name in names:
        key = f"{name}.spikes" if f"{name}.spikes" in arrays else f"{name}.spike_counts"
        layers[name] = unpacked(arrays, key, f"{name}.shape", path)
        if layers[name].shape[:2] != given.shape[:2]:
            raise NeurosimError(f"{path}: {key}: {layers[name].shape[:2]} samples and timesteps, not {given.shape[:2]}")
    labels, predictions = (_per_sample(arrays, key, len(given), path) for key in ("labels", "predictions"))
    membranes = {name: arrays[f"{name}.vmem"] for name in names if f"{name}.vmem" in arrays}
    return Recording(folder, given, layers, membranes, labels, predictions, meta, profile or _profile(meta, folder))


def unpacked(arrays: dict[str, np.ndarray], key: str, shape_key: str, path: Path) -> np.ndarray:
    """Array ``key`` as (samples, timesteps, F), its bits unpacked where it is packed."""
    for name in (key, shape_key):
        if name not in arrays:
            raise NeurosimError(f"{path}: array {name!r} is missing; it holds {sorted(arrays)}")
    shape, data = arrays[shape_key], arrays[key]
    if shape.dtype.kind not in "iu" or shape.ndim != 1 or shape.size < 3 or shape.min() < 1:
        raise NeurosimError(f"{path}: {shape_key}: expected (samples, timesteps, ...)")
    samples, steps, *rest = (int(n) for n in shape)
    width = prod(rest)
    if samples * steps * width > MAX_ARRAY_BYTES:
        raise NeurosimError(f"{path}: {shape_key}: {samples} x {steps} x {width} values are over the limit")
    if data.shape == (samples, steps, width):
        return data
    if data.dtype != np.uint8 or data.shape != (samples, steps, -(-width // 8)):
        raise NeurosimError(
            f"{path}: {key}: {data.dtype} {data.shape}, expected bytes ({samples}, {steps}, {-(-width // 8)}) of "
            f"packed bits or values ({samples}, {steps}, {width})"
        )
    return np.unpackbits(data, axis=-1, count=width, bitorder="little")


def _per_sample(arrays: dict[str, np.ndarray], key: str, samples: int, path: Path) -> np.ndarray | None:
    if key not in arrays:
        return None
    if arrays[key].shape != (samples,) or arrays[key].dtype.kind not in "iu":
        raise NeurosimError(f"{path}: {key}: {arrays[key].dtype} {arrays[key].shape}, expected {samples} integers")
    return arrays[key].astype(np.int64)


def _meta(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > MAX_META_BYTES:
            raise NeurosimError(f"{path}: over {MAX_META_BYTES} bytes")
        meta = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise NeurosimError(f"{path}: cannot be read ({error.strerror})") from error
    except (ValueError, RecursionError) as error:
        raise NeurosimError(f"{path}: not valid JSON ({error})") from error
    if not isinstance(meta, dict):
        raise NeurosimError(f"{path}: expected an object")
    return meta


def _profile(meta: dict, folder: Path) -> str:
    if isinstance(meta.get("profile"), str):
        return meta["profile"]
    name = str(meta.get("framework", "")).lower()
    if name not in PROFILES:
        raise NeurosimError(
            f"{folder / META}: framework {meta.get('framework')!r} has no profile ({', '.join(PROFILES)}); name one "
            "with the entry 'profile', or with --profile"
        )
    dt = meta.get("dt")
    return f"{name}:dt={dt!r}" if isinstance(dt, float) else name
