"""The native model file: one npz with a JSON header, versioned, no pickle.

It carries what no common format does: the codec of each projection (with its codebook), weight shifts, folded biases
and thresholds, membrane widths, leak and reset rules, delays and the readout. Weights are stored as values in the
narrowest integer type that holds them. `save_network` and `load_network` are inverses, bit for bit.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.files import read_arrays, write_arrays
from neurosim.snn.codecs import codec_from_header, codec_header
from neurosim.snn.connectivity import Conv2d, Dense, Identity, Pool2d, Sparse
from neurosim.snn.network import Network, Population, Projection, Readout
from neurosim.snn.neuron import Input, Leak, Lif, Relay

FORMAT = "neurosim-network/1"
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


def _model_header(model, key: str, arrays: dict) -> dict:
    if isinstance(model, Lif):
        for name in _VECTORS:
            if getattr(model, name) is not None:
                arrays[f"{key}.{name}"] = getattr(model, name)
        scalars = {name: getattr(model, name) for name in _SCALARS}
        return {"kind": "lif", "leak": asdict(model.leak), "has_threshold": model.threshold is not None, **scalars}
    return {"kind": model.kind, **asdict(model)}


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
    return {"kind": c.kind}


def save_network(network: Network, path: Path) -> None:
    """Write ``network`` to ``path``; a kill leaves the old file or none."""
    arrays: dict[str, np.ndarray] = {}
    populations = [
        {"name": p.name, "shape": p.shape, "axis": p.axis, "model": _model_header(p.model, f"population.{i}", arrays)}
        for i, p in enumerate(network.populations)
    ]
    projections = [
        {
            "source": p.source, "target": p.target, "delay": p.delay, "weight_shift": p.weight_shift, "port": p.port,
            "codec": codec_header(p.codec),
            "connectivity": _connectivity_header(p.connectivity, f"projection.{i}", arrays),
            **({} if p.layout is None else {"layout": p.layout}),
        }
        for i, p in enumerate(network.projections)
    ]  # fmt: skip
    readout = None if network.readout is None else asdict(network.readout)
    header = {
        "format": FORMAT, "name": network.name, "populations": populations, "projections": projections,
        "readout": readout, "metadata": dict(network.metadata),
    }  # fmt: skip
    write_arrays(Path(path), header, arrays)


def _model(header: dict, key: str, arrays: dict):
    fields = dict(header)
    kind = fields.pop("kind")
    if kind == "input":
        return Input(**fields)
    if kind == "relay":
        return Relay(**fields)
    if kind != "lif":
        raise NeurosimError(f"{key}: neuron kind {kind!r}, expected input, relay or lif")
    threshold = arrays[f"{key}.threshold"] if fields.pop("has_threshold") else None
    leak = Leak(**fields.pop("leak"))
    return Lif(threshold, leak, bias=arrays[f"{key}.bias"], v_init=arrays[f"{key}.v_init"], **fields)


def _connectivity(header: dict, key: str, arrays: dict):
    fields = dict(header)
    kind = fields.pop("kind")
    if kind == "dense":
        return Dense(arrays[f"{key}.weights"])
    if kind == "sparse":
        return Sparse(arrays[f"{key}.indptr"], arrays[f"{key}.indices"], arrays[f"{key}.weights"])
    if kind == "identity":
        return Identity(**fields)
    pairs = {name: tuple(value) if isinstance(value, list) else value for name, value in fields.items()}
    if kind == "conv":
        return Conv2d(arrays[f"{key}.weights"], **pairs)
    if kind == "pool":
        return Pool2d(**pairs)
    raise NeurosimError(f"{key}: connectivity {kind!r}, expected dense, sparse, conv, pool or identity")


def load_network(path: Path) -> Network:
    """Read a native file. Raises NeurosimError naming the file and what is wrong with it."""
    path = Path(path)
    header, arrays = read_arrays(path)
    if header.get("format") != FORMAT:
        raise NeurosimError(f"{path}: format {header.get('format')!r}, expected {FORMAT!r}")
    try:
        populations = tuple(
            Population(p["name"], tuple(p["shape"]), _model(p["model"], f"population.{i}", arrays), p["axis"])
            for i, p in enumerate(header["populations"])
        )
        projections = tuple(
            Projection(
                p["source"], p["target"], _connectivity(p["connectivity"], f"projection.{i}", arrays),
                codec_from_header(p["codec"], f"projection {p['source']}->{p['target']}"), p["delay"],
                p["weight_shift"], p["port"], p.get("layout"),
            )
            for i, p in enumerate(header["projections"])
        )  # fmt: skip
        readout = None if header["readout"] is None else Readout(**header["readout"])
        metadata = {str(k): str(v) for k, v in dict(header.get("metadata", {})).items()}
        return Network(populations, projections, readout, str(header["name"]), metadata)
    except KeyError as error:
        raise NeurosimError(f"{path}: entry {error} is missing; the file is damaged or was written by hand") from error
    except NeurosimError as error:
        raise NeurosimError(f"{path}: {error}") from error
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise NeurosimError(f"{path}: header is not valid ({error})") from error
