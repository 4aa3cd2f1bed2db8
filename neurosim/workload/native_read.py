"""From the header and arrays of a native model file to a network: each part built and checked, errors by name."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.codecs import FloatCodec, codec_from_header
from neurosim.snn.connectivity import Conv2d, Dense, Identity, Pool2d, Sparse
from neurosim.snn.network import Network, Population, Projection, Readout
from neurosim.snn.neuron import Input, Leak, Lif, Relay
from neurosim.snn.notes import Coding
from neurosim.snn.products import AndPopcount, MaskedSum
from neurosim.workload.native_schema import FORMATS, Header, MembraneHeader, PopulationHeader, ProjectionHeader

BATCH_NORM = ("gain", "offset", "mean", "variance")


class Arrays:
    """The arrays of a file: each is taken once, with its type checked, and none may be left over in format 2."""

    def __init__(self, arrays: dict[str, np.ndarray]) -> None:
        self.left = dict(arrays)

    def take(self, name: str, kinds: str) -> np.ndarray:
        """Array ``name``, of integers (``i``) or float32 (``f``) as ``kinds`` allows."""
        if name not in self.left:
            raise NeurosimError(f"array {name!r} is missing; the file is damaged or was written by hand")
        array = self.left.pop(name)
        floats, integers = array.dtype in (np.float32, np.float64), array.dtype.kind in "iu"
        if not (("i" in kinds and integers and array.dtype != np.uint64) or ("f" in kinds and floats)):
            wanted = {"i": "integers", "f": "float32", "if": "integers or float32"}[kinds]
            raise NeurosimError(f"array {name!r}: dtype {array.dtype}, expected {wanted}")
        return array

    def maybe(self, name: str, kinds: str) -> np.ndarray | None:
        return self.take(name, kinds) if name in self.left else None


def _membrane_bits(header: MembraneHeader | None, bits: int | None, unit, where: str) -> int | None:
    """Bits of the membrane; refuses what no run could repeat or no engine computes."""
    if header is None:
        return bits
    if header.scale in ("batch", "dynamic"):
        raise NeurosimError(
            f"{where}.membrane.scale: {header.scale!r} depends on what else is in the batch, so a sample alone has no "
            "answer; measure the scale on calibration data and freeze it (neurosim quantize does)"
        )
    if header.kind == "float32" and header.bits is None and header.scale == "none":
        return None
    if header.kind != "uniform":
        raise NeurosimError(
            f"{where}.membrane.kind: {header.kind!r} of {header.bits} bits, expected 'uniform' with bits, or 'float32'"
        )
    if header.bits is None:
        raise NeurosimError(f"{where}.membrane.bits: missing; a uniform membrane has a width")
    if header.scale not in ("frozen", "none") or (header.scale == "frozen") != (unit is not None):
        has = "has" if unit is not None else "has no"
        raise NeurosimError(
            f"{where}.membrane.scale: {header.scale!r}, but the file {has} array 'unit'; 'frozen' goes "
            "with it, 'none' without"
        )
    return header.bits


def _population(header: PopulationHeader, key: str, arrays: Arrays) -> Population:
    where = f"population {header.name!r}"
    unit, kept = arrays.maybe(f"{key}.unit", "f"), arrays.maybe(f"{key}.kept", "i")
    m = header.model
    if m.kind == "input":
        model = Input(m.value_bits, m.ternary)
    elif m.kind == "relay":
        model = Relay(m.graded, m.value_bits)
    else:
        fields = {name: value for name, value in m if name not in ("kind", "leak", "has_threshold", "membrane")}
        fields["membrane_bits"] = bits = _membrane_bits(m.membrane, m.membrane_bits, unit, where)
        kinds = "f" if bits is None else "i"
        threshold = arrays.take(f"{key}.threshold", kinds) if m.has_threshold else None
        vectors = {name: arrays.take(f"{key}.{name}", kinds) for name in ("bias", "v_init")}
        model = Lif(threshold, Leak(**dict(m.leak)), **vectors, **fields)
    return Population(header.name, tuple(header.shape), model, header.axis, unit, kept)


def _connectivity(header, key: str, arrays: Arrays):
    kind = header.kind
    if kind == "identity":
        return Identity(header.weight)
    fields = {n: tuple(v) if isinstance(v, list) else v for n, v in header if n != "kind"}
    if kind == "pool":
        return Pool2d(**fields)
    if kind in ("and_popcount", "masked_sum"):
        return (AndPopcount if kind == "and_popcount" else MaskedSum)(**fields)
    weights = arrays.take(f"{key}.weights", "if")
    if kind == "dense":
        return Dense(weights)
    if kind == "conv":
        return Conv2d(weights, **fields)
    return Sparse(arrays.take(f"{key}.indptr", "i"), arrays.take(f"{key}.indices", "i"), weights)


def _projection(header: ProjectionHeader, key: str, arrays: Arrays) -> Projection:
    codec = codec_from_header(header.codec, f"projection {header.source}->{header.target}")
    connectivity = _connectivity(header.connectivity, key, arrays)
    return Projection(
        header.source, header.target, connectivity, codec, header.delay, header.weight_shift, header.port,
        arrays.maybe(f"{key}.scale", "f"), header.residual, header.layout,
    )  # fmt: skip


def _folded(p: Projection, target: Population, header: ProjectionHeader, key: str, arrays: Arrays):
    """Weights and the target's bias with batch normalisation folded in, as (projection, population)."""
    where = f"projection {p.name}.batch_norm"
    parts = {name: arrays.maybe(f"{key}.batch_norm.{name}", "f") for name in BATCH_NORM}
    missing = [name for name in BATCH_NORM if parts[name] is None]
    if missing:
        raise NeurosimError(
            f"{where}: {' and '.join(missing)} missing; a frozen network needs the running statistics. Export after "
            "model.eval(), from layers that track them (track_running_stats=True)"
        )
    channels, model = target.shape[0], target.model
    for name, values in parts.items():
        if values.shape != (channels,) or not np.isfinite(values).all():
            raise NeurosimError(f"{where}.{name}: shape {values.shape}, expected ({channels},) finite numbers")
    if (parts["variance"] < 0).any():
        raise NeurosimError(f"{where}.variance: holds {parts['variance'].min()}, expected numbers of at least 0")
    weighted = isinstance(p.connectivity, (Conv2d, Dense)) and isinstance(p.codec, FloatCodec)
    if not weighted or not isinstance(model, Lif) or model.membrane_bits is not None or model.decay_input:
        raise NeurosimError(
            f"{where}: folded here only into float32 weights of dense or conv, and membranes that are float32 and do "
            "not decay their input; fold it before writing the file"
        )
    gain = parts["gain"].astype(np.float64) / np.sqrt(parts["variance"].astype(np.float64) + header.batch_norm.eps)
    offset = parts["offset"] - parts["mean"] * gain
    c = p.connectivity
    per_neuron = target.n_neurons // channels
    by_weight = gain[:, None, None, None] if isinstance(c, Conv2d) else np.repeat(gain, per_neuron)
    weights = (c.weights * by_weight).astype(np.float32)
    made = Dense(weights) if isinstance(c, Dense) else Conv2d(weights, c.stride, c.padding, c.dilation, c.groups)
    target_bias = model.per_neuron("bias", target.shape, where) + np.repeat(offset, per_neuron)
    fields = {**vars(model), "bias": target_bias.astype(np.float32)}
    folded = Population(target.name, target.shape, Lif(**fields), target.axis, target.unit, target.kept)
    return replace(p, connectivity=made), folded


def build(header: Header, stored: dict[str, np.ndarray]) -> Network:
    """The network of a checked header and its arrays. Raises NeurosimError without the file's name."""
    arrays = Arrays(stored)
    populations = [_population(p, f"population.{i}", arrays) for i, p in enumerate(header.populations)]
    position = {p.name: i for i, p in enumerate(populations)}
    projections = []
    for i, part in enumerate(header.projections):
        made = _projection(part, f"projection.{i}", arrays)
        if part.batch_norm is not None:
            if made.target not in position:
                raise NeurosimError(f"projection {made.name}: population {made.target!r} is not in the file")
            at = position[made.target]
            made, populations[at] = _folded(made, populations[at], part, f"projection.{i}", arrays)
        projections.append(made)
    if arrays.left and header.format != FORMATS[0]:
        raise NeurosimError(f"array {sorted(arrays.left)[0]!r} belongs to nothing in the header")
    readout = None if header.readout is None else Readout(header.readout.population, header.readout.kind)
    coding = None if header.coding is None else Coding(header.coding.kind, header.coding.timesteps)
    return Network(tuple(populations), tuple(projections), readout, header.name, dict(header.metadata), coding)
