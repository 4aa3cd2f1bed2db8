"""The network: populations joined by projections. Immutable, and ignorant of any hardware.

Within a timestep, populations update in topological order over the delay-0 projections; a spike at t over a
projection with delay d is integrated by its target in t + d.
"""

from __future__ import annotations

import hashlib
import heapq
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import prod

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.codecs import Codec, FloatCodec, codec_header
from neurosim.snn.connectivity import Connectivity
from neurosim.snn.neuron import TERNARY_BITS, Input, Lif, NeuronModel, Relay
from neurosim.snn.notes import Coding, check_residual, kept_note, scale_note
from neurosim.snn.products import Product, check_products

_WIDTHS = tuple(np.dtype(t) for t in ("<i1", "<i2", "<i4"))


def _add_content(digest, value) -> None:
    """Hash a parameter in bytes that do not depend on how wide an integer array happens to be stored."""
    if not isinstance(value, np.ndarray):
        digest.update(repr(value).encode())
        return
    if value.dtype.kind not in "iub" or not value.size:
        digest.update(np.ascontiguousarray(value, np.float32).data if value.size else b"")
        return
    low, high = int(value.min()), int(value.max())
    narrow = next((t for t in _WIDTHS if np.iinfo(t).min <= low and high <= np.iinfo(t).max), np.dtype(np.int64))
    digest.update(narrow.str.encode())
    digest.update(np.ascontiguousarray(value, narrow).data)


@dataclass(frozen=True, eq=False)
class Population:
    """``prod(shape)`` neurons of one model, numbered in C order. ``axis`` is what it iterates over.

    Two notes say what the numbers stand for and compute nothing: ``unit`` (1,) or (channels,), the real value of one
    integer step of the membrane (of what an input population sends), frozen when the network was quantised; ``kept``
    (channels,), the numbers that the channels had before pruning.
    """

    name: str
    shape: tuple[int, ...]
    model: NeuronModel
    axis: str = "time"
    unit: np.ndarray | None = None
    kept: np.ndarray | None = None

    def __post_init__(self) -> None:
        shape = tuple(int(n) for n in self.shape)
        if not shape or min(shape) < 1:
            raise NeurosimError(f"population {self.name!r}.shape: got {self.shape}, expected positive sizes")
        if prod(shape) > 2**31 - 1:
            raise NeurosimError(f"population {self.name!r}.shape: {prod(shape)} neurons, expected fewer than 2^31")
        object.__setattr__(self, "shape", shape)
        if isinstance(self.model, Lif):
            for name in ("bias", "v_init") + (() if self.model.threshold is None else ("threshold",)):
                self.model.check_size(name, shape, f"population {self.name!r}")
        where = f"population {self.name!r}"
        object.__setattr__(self, "unit", scale_note(self.unit, shape[0], f"{where}.unit"))
        object.__setattr__(self, "kept", kept_note(self.kept, shape[0], f"{where}.kept"))

    @property
    def n_neurons(self) -> int:
        return prod(self.shape)


@dataclass(frozen=True, eq=False)
class Projection:
    """Source to target over a connectivity. A spike of value x adds ``x * weight << weight_shift``.

    ``weight_shift`` aligns integer weights with the membrane's unit and costs no multiplier. ``port`` names the
    input of the target: ``in``, or the operand that this projection brings to a product (`neurosim.snn.products`).
    ``layout`` asks for a storage layout (`neurosim.mapping.storage`) in place of the chip's; it changes what is stored
    and read, never what is computed.
    Two notes compute nothing: ``scale`` (1,) or (output channels,), the real value of one weight step; ``residual``,
    how a shortcut joins (`notes.RESIDUALS`).
    """

    source: str
    target: str
    connectivity: Connectivity | Product
    codec: Codec = field(default_factory=FloatCodec)
    delay: int = 0
    weight_shift: int = 0
    port: str = "in"
    scale: np.ndarray | None = None
    residual: str | None = None
    layout: str | None = None

    @property
    def name(self) -> str:
        return f"{self.source}->{self.target}"


@dataclass(frozen=True)
class Readout:
    """How an answer is read: ``count`` (most spikes), ``membrane`` (largest at the end) or ``first_spike``.

    Ties go to the lowest index. Spikes of a ``count`` or ``first_spike`` readout travel to the host.
    """

    population: str
    kind: str = "count"

    def __post_init__(self) -> None:
        if self.kind not in ("count", "membrane", "first_spike"):
            raise NeurosimError(f"readout.kind: got {self.kind!r}, expected count, membrane or first_spike")


@dataclass(frozen=True, eq=False)
class Network:
    """Checked on construction. Raises NeurosimError naming the part, the value and what was expected.

    ``metadata`` says where the network comes from and how it was read (strings), ``coding`` how its inputs were made
    when it was trained; they have no part in what it computes.
    """

    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    readout: Readout | None = None
    name: str = "network"
    metadata: Mapping[str, str] = field(default_factory=dict)
    coding: Coding | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "populations", tuple(self.populations))
        object.__setattr__(self, "projections", tuple(self.projections))
        names = [p.name for p in self.populations]
        if len(set(names)) != len(names) or not names:
            raise NeurosimError(f"network.populations: names must be present and distinct, got {names}")
        for projection in self.projections:
            self._check_projection(projection)
        check_products(self)
        if self.readout is not None and self.readout.population not in names:
            raise NeurosimError(f"readout.population: {self.readout.population!r} is not one of {names}")
        kinds = {p.model.membrane_bits is None for p in self.populations if isinstance(p.model, Lif)}
        if len(kinds) > 1:
            raise NeurosimError("network: integer and float32 membranes cannot be mixed; give all a width or none")
        _ = self.update_order

    def _check_projection(self, projection: Projection) -> None:
        where = f"projection {projection.name}"
        for end in (projection.source, projection.target):
            if end not in self.index:
                raise NeurosimError(f"{where}: population {end!r} is not one of {list(self.index)}")
        source, target = self.population(projection.source), self.population(projection.target)
        if isinstance(target.model, Input):
            raise NeurosimError(f"{where}: an input population cannot be a target")
        if projection.delay < 0 or projection.delay > 65535:
            raise NeurosimError(f"{where}.delay: got {projection.delay}, expected 0 to 65535 timesteps")
        if not 0 <= projection.weight_shift <= 24:
            raise NeurosimError(f"{where}.weight_shift: got {projection.weight_shift}, expected 0 to 24")
        check_residual(projection.residual, where)
        scale = scale_note(projection.scale, target.shape[0], f"{where}.scale")
        object.__setattr__(projection, "scale", scale)
        projection.connectivity.check(source.shape, target.shape, where)
        weights = projection.connectivity.weights
        if weights is not None and projection.connectivity.event == "synapse":
            projection.codec.check(weights, f"{where}.weights")
        integer_target = isinstance(target.model, Lif) and target.model.membrane_bits is not None
        if integer_target and weights is not None and weights.dtype.kind not in "iu":
            raise NeurosimError(f"{where}.weights: float weights into an integer membrane; quantise them first")

    @property
    def is_integer(self) -> bool:
        """True when membranes are integers; a network without membranes counts by its weights."""
        lifs = [p.model for p in self.populations if isinstance(p.model, Lif)]
        if lifs:
            return lifs[0].membrane_bits is not None
        arrays = [p.connectivity.weights for p in self.projections]
        return all(a is None or a.dtype.kind in "iu" for a in arrays)

    @cached_property
    def index(self) -> dict[str, int]:
        """Position of a population by name."""
        return {p.name: i for i, p in enumerate(self.populations)}

    def population(self, name: str) -> Population:
        if name not in self.index:
            raise NeurosimError(f"population {name!r} is not in the network")
        return self.populations[self.index[name]]

    @cached_property
    def offsets(self) -> np.ndarray:
        """First global neuron number of each population, and the total at the end, (n_populations + 1,)."""
        return np.concatenate([[0], np.cumsum([p.n_neurons for p in self.populations])]).astype(np.int64)

    @property
    def n_neurons(self) -> int:
        return int(self.offsets[-1])

    @property
    def input_names(self) -> tuple[str, ...]:
        return tuple(p.name for p in self.populations if isinstance(p.model, Input))

    @cached_property
    def update_order(self) -> tuple[int, ...]:
        """Population positions in topological order over delay-0 projections; ties by position."""
        n = len(self.populations)
        position = {p.name: i for i, p in enumerate(self.populations)}
        edges = {(position[p.source], position[p.target]) for p in self.projections if p.delay == 0}
        waiting, after = [0] * n, [[] for _ in range(n)]
        for source, target in edges:
            waiting[target] += 1
            after[source].append(target)
        ready = [i for i in range(n) if not waiting[i]]
        order: list[int] = []
        while ready:
            order.append(heapq.heappop(ready))
            for target in after[order[-1]]:
                waiting[target] -= 1
                if not waiting[target]:
                    heapq.heappush(ready, target)
        if len(order) < n:
            done = set(order)
            loop = [self.populations[i].name for i in range(n) if i not in done]
            raise NeurosimError(f"network: a loop without delay through {loop}; give one projection a delay")
        return tuple(order)

    def connections(self, projection: Projection) -> int:
        """Number of synaptic connections (0 for pool, identity and products)."""
        if projection.connectivity.event != "synapse":
            return 0
        return int(self.fan_out(projection).sum())

    def fan_out(self, projection: Projection) -> np.ndarray:
        """Connections by source neuron, (n_source,) int64."""
        source, target = self.population(projection.source), self.population(projection.target)
        return projection.connectivity.fan_out(source.shape, target.shape)

    def value_bits(self, name: str) -> int:
        """Bits of the value a spike of this population carries; 1 is binary."""
        model = self.population(name).model
        if self.is_ternary(name):
            return TERNARY_BITS
        return model.value_bits if isinstance(model, (Input, Relay)) else model.max_spikes.bit_length()

    def is_ternary(self, name: str) -> bool:
        """Whether the spikes of this population are +1 and -1."""
        return bool(getattr(self.population(name).model, "ternary", False))

    def multiplies(self, name: str) -> bool:
        """Whether a spike of this population is a number that a weight is multiplied by; +1 and -1 are none."""
        return self.value_bits(name) > 1 and not self.is_ternary(name)

    def content_hash(self) -> str:
        """SHA-256 over every parameter and weight, for caches and provenance; computed once."""
        return self._content_hash

    @cached_property
    def _content_hash(self) -> str:
        digest = hashlib.sha256()
        for p in self.populations:
            digest.update(repr((p.name, p.shape, type(p.model).__name__)).encode())
            for key, value in sorted(vars(p.model).items()):
                if key == "ternary" and not value:
                    continue  # networks from before there were ternary spikes keep their hash
                digest.update(key.encode())
                _add_content(digest, value)
        for p in self.projections:
            c = p.connectivity
            digest.update(repr((p.source, p.target, p.delay, p.weight_shift, p.port, c.kind)).encode())
            digest.update(repr(codec_header(p.codec)).encode())
            digest.update(b"" if p.layout is None else f"layout {p.layout}".encode())
            for key, value in sorted(vars(c).items()):
                if not key.startswith("_"):
                    digest.update(key.encode())
                    _add_content(digest, value)
        digest.update(repr(self.readout).encode())
        return digest.hexdigest()
