"""The native model file: one npz with a JSON header, versioned, no pickle (docs/format.md).

It carries what no common format does: the codec of each projection (with its codebook) and its scale by channel, weight
shifts, folded biases and thresholds, membrane widths and their frozen steps, leak, rounding and reset rules, delays,
how residuals join, which channels pruning kept, the input coding, and the readout. Weights are stored as values in the
narrowest integer type that holds them. `save_network` and `load_network` are inverses, bit for bit.

A file says the lowest version that can hold it: ``neurosim-network/1`` without notes (scales, kept channels, residual
types, coding), ``neurosim-network/2`` with them, ``neurosim-network/3`` with ternary spikes or products of two
populations.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays
from neurosim.snn.codecs import codec_header
from neurosim.snn.connectivity import Conv2d, Dense, Identity, Pool2d, Sparse
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Lif
from neurosim.snn.products import PRODUCTS
from neurosim.workload.native_read import build
from neurosim.workload.native_schema import FORMATS, parse_header

_VECTORS = ("threshold", "bias", "v_init")
_SCALARS = (
    "decay_input", "compare", "reset", "v_reset", "reset_delay", "v_rest", "refractory", "leak_first_step",
    "membrane_bits", "overflow", "current_keep", "v_floor", "max_spikes",
)  # fmt: skip


def _narrow(values: np.ndarray) -> np.ndarray:
    if values.dtype.kind not in "iu":
        return np.asarray(values, np.float32)
    for dtype in (np.int8, np.int16, np.int32):
        info = np.iinfo(dtype)
        if values.size == 0 or (values.min() >= info.min and values.max() <= info.max):
            return values.astype(dtype)
    return values.astype(np.int64)


def _has_notes(network: Network) -> bool:
    parts = [x for p in network.populations for x in (p.unit, p.kept)]
    parts += [x for p in network.projections for x in (p.scale, p.residual)]
    return network.coding is not None or any(x is not None for x in parts)


def _version(network: Network) -> int:
    """Position in `FORMATS` of the lowest version that can hold the network."""
    products = any(isinstance(p.connectivity, PRODUCTS) for p in network.projections)
    if products or any(network.is_ternary(p.name) for p in network.populations):
        return 2
    return int(_has_notes(network))


def _membrane(p: Population) -> dict[str, Any]:
    if p.model.membrane_bits is None:
        return {"kind": "float32"}
    scale = "none" if p.unit is None else "frozen"
    return {"kind": "uniform", "bits": p.model.membrane_bits, "scale": scale}


def _model_header(p: Population, key: str, arrays: dict, notes: bool) -> dict:
    model = p.model
    ternary = {"ternary": True} if getattr(model, "ternary", False) else {}
    if not isinstance(model, Lif):
        fields = {name: value for name, value in asdict(model).items() if name != "ternary"}
        return {"kind": model.kind, **fields, **ternary}
    for name in _VECTORS:
        if getattr(model, name) is not None:
            arrays[f"{key}.{name}"] = getattr(model, name)
    scalars = {name: getattr(model, name) for name in _SCALARS}
    if notes:
        del scalars["membrane_bits"]
        scalars["membrane"] = _membrane(p)
    return {
        "kind": "lif",
        "leak": asdict(model.leak),
        "has_threshold": model.threshold is not None,
        **scalars,
        **ternary,
    }


def _population_header(p: Population, key: str, arrays: dict, notes: bool) -> dict:
    for name, value in (("unit", p.unit), ("kept", p.kept)):
        if value is not None:
            arrays[f"{key}.{name}"] = value
    return {"name": p.name, "shape": p.shape, "axis": p.axis, "model": _model_header(p, key, arrays, notes)}


def _connectivity_header(c, key: str, arrays: dict) -> dict:
    if isinstance(c, (Dense, Conv2d, Sparse)):
        arrays[f"{key}.weights"] = _narrow(c.weights)
    if isinstance(c, Conv2d):
        fields = {"stride": c.stride, "padding": c.padding, "dilation": c.dilation, "groups": c.groups}
        return {"kind": "conv", **fields}
    if isinstance(c, Sparse):
        arrays[f"{key}.indptr"], arrays[f"{key}.indices"] = c.indptr, c.indices
    if isinstance(c, Pool2d):
        return {"kind": "pool", "mode": c.mode, "size": c.size, "stride": c.stride, "padding": c.padding}
    if isinstance(c, Identity):
        return {"kind": "identity", "weight": c.weight}
    if isinstance(c, PRODUCTS):
        return {"kind": c.kind, "heads": c.heads, "operand": c.operand}
    return {"kind": c.kind}


def _projection_header(p: Projection, key: str, arrays: dict, notes: bool) -> dict:
    if p.scale is not None:
        arrays[f"{key}.scale"] = p.scale
    header = {
        "source": p.source, "target": p.target, "delay": p.delay, "weight_shift": p.weight_shift, "port": p.port,
        "codec": codec_header(p.codec), "connectivity": _connectivity_header(p.connectivity, key, arrays),
    }  # fmt: skip
    if p.layout is not None:
        header["layout"] = p.layout
    return {**header, "residual": p.residual} if notes else header


def _plain(value: Any) -> Any:
    """numpy scalars as Python's, which JSON can say."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if isinstance(value, np.generic) else value


def save_network(network: Network, path: Path) -> None:
    """Write ``network`` to ``path``; a kill leaves the old file or none."""
    arrays: dict[str, np.ndarray] = {}
    version = _version(network)
    notes = version > 0
    parts = enumerate(network.populations)
    header = {
        "format": FORMATS[version], "name": network.name,
        "populations": [_population_header(p, f"population.{i}", arrays, notes) for i, p in parts],
        "projections": [
            _projection_header(p, f"projection.{i}", arrays, notes) for i, p in enumerate(network.projections)
        ],
        "readout": None if network.readout is None else asdict(network.readout),
        "metadata": {str(key): str(value) for key, value in network.metadata.items()},
    }  # fmt: skip
    if network.coding is not None:
        header["coding"] = asdict(network.coding)
    write_arrays(Path(path), _plain(header), arrays)


def load_network(path: Path) -> Network:
    """Read a native file. Raises NeurosimError naming the file and what is wrong with it."""
    path = Path(path)
    data, arrays = read_arrays(path)
    header = parse_header(data, str(path))
    try:
        return build(header, arrays)
    except NeurosimError as error:
        raise NeurosimError(f"{path}: {error}") from error
    except (TypeError, ValueError, AttributeError, IndexError, ArithmeticError, MemoryError) as error:
        raise NeurosimError(f"{path}: header is not valid ({error})") from error
