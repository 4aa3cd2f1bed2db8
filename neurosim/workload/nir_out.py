"""A float `Network` to a NIR file that `nir_in.read_nir` reads back to the same spikes.

NIR has no field for comparison, reset kind and delay, first membrane, relays and value widths. They go into one
metadata entry (JSON), as the profile to read the file with; other tools ignore it. What NIR cannot say at all
(integer membranes, refractory time, linear leaks, max pooling) is refused, with the population named.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from math import prod
from pathlib import Path

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.connectivity import Conv2d, Dense, Identity, Pool2d, Sparse
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif, Relay
from neurosim.workload.nir_file import MAX_NODES, Graph, Node
from neurosim.workload.nir_in import HINTS
from neurosim.workload.nir_neurons_out import neuron_node, rules
from neurosim.workload.nir_write import write_graph

MAX_DENSE = 1 << 26


def write_nir(network: Network, path: Path, dt: float = 1e-4) -> None:
    """Write ``network`` with timesteps of ``dt`` seconds. Raises NeurosimError naming what NIR cannot hold."""
    write_graph(to_graph(network, dt), path)


def to_graph(network: Network, dt: float = 1e-4) -> Graph:
    """The network as NIR nodes and edges. Raises NeurosimError naming what NIR cannot hold."""
    return _Writer(network, dt).graph()


@dataclass(eq=False)
class _Writer:
    network: Network
    dt: float
    nodes: dict[str, Node] = field(default_factory=dict)
    edges: list[tuple[str, str]] = field(default_factory=list)

    def graph(self) -> Graph:
        network = self.network
        for p in network.populations:
            if "/" in p.name or p.name in ("", "."):
                raise NeurosimError(f"population {p.name!r}: a NIR file cannot hold this name; rename it without '/'")
        if network.is_integer:
            raise NeurosimError("export: NIR has no integer membranes or leaks; export the float network it came from")
        self.shapes = {p.name: self.file_shape(p) for p in network.populations}
        self.profile = rules(network, self.dt)
        for p in network.populations:
            self.population(p)
        for i, projection in enumerate(network.projections):
            self.projection(i, projection)
        self.output()
        if len(self.nodes) > MAX_NODES:
            raise NeurosimError(f"export: {len(self.nodes)} nodes, a file holds at most {MAX_NODES}")
        hints = {
            "profile": self.profile.spec(),
            "readout": None if network.readout is None else network.readout.kind,
            "inputs": list(network.input_names),
            "input_bits": {p.name: p.model.value_bits for p in network.populations if isinstance(p.model, Input)},
            "relays": {p.name: p.model.value_bits for p in network.populations if isinstance(p.model, Relay)},
        }
        return Graph(self.nodes, tuple(self.edges), {HINTS: json.dumps(hints, sort_keys=True)})

    def into(self, name: str) -> list[Projection]:
        return [p for p in self.network.projections if p.target == name]

    def file_shape(self, population: Population) -> tuple[int, ...]:
        """NIR cannot fold a vector into an image, so what a Dense or Sparse feeds stays flat."""
        vectors = any(isinstance(p.connectivity, Dense | Sparse) for p in self.into(population.name))
        return (population.n_neurons,) if vectors else population.shape

    def fresh(self, name: str) -> str:
        """``name``, with underscores behind it where a population has it already."""
        while name in self.network.index:
            name += "_"
        return name

    def add(self, name: str, kind: str, **fields) -> str:
        self.nodes[name] = Node(name, kind, fields)
        return name

    def population(self, population: Population) -> None:
        model, shape = population.model, self.shapes[population.name]
        if isinstance(model, Input):
            self.add(population.name, "Input", shape=np.array(shape, np.int64))
        elif isinstance(model, Lif):
            self.carrier(population)
            sent = [p.name for p in self.network.projections if p.source == population.name]
            if model.threshold is None and sent:
                raise NeurosimError(
                    f"projection {sent[0]}: {population.name!r} never spikes, but in NIR it would send its membrane; "
                    "leave the projection out"
                )
            self.nodes[population.name] = neuron_node(population, shape, self.profile)
        elif not model.graded:
            raise NeurosimError(
                f"population {population.name!r}: an OR of spikes (a relay that is not graded) has no node in NIR; "
                "pool by sum or average, or put a neuron there"
            )
        elif not self.into(population.name):
            raise NeurosimError(
                f"population {population.name!r}: nothing enters this relay, which NIR refuses; remove it"
            )
        elif not self.names_operator(population.name):
            self.add(population.name, "Scale", scale=np.ones(shape, np.float32))

    def names_operator(self, name: str) -> bool:
        """Whether a relay is the output of one operator, which then takes its name."""
        into = self.into(name)
        population = self.network.population(name)
        if not isinstance(population.model, Relay) or len(into) != 1 or isinstance(into[0].connectivity, Identity):
            return False
        return not isinstance(into[0].connectivity, Dense | Sparse) or len(population.shape) == 1

    def projection(self, i: int, p: Projection) -> None:
        c = p.connectivity
        end, shape = p.source, self.shapes[p.source]
        where = f"projection {p.name}"
        if p.delay:
            end = self.link(end, self.add(self.fresh(f"delay{i}"), "Delay", delay=np.full(shape, p.delay * self.dt)))
        image = isinstance(c, Conv2d | Pool2d)
        if image and len(shape) != 3:
            raise NeurosimError(
                f"{where}: the source is flat in NIR, because a Dense or Sparse feeds it, and NIR cannot make an image "
                "of it; give that layer an image-shaped input, or use Dense here"
            )
        if isinstance(c, Dense | Sparse) and len(shape) > 1:
            end = self.link(end, self.flatten(f"flatten{i}", shape))
            shape = (prod(shape),)
        own = self.names_operator(p.target)
        if not isinstance(c, Identity) or c.weight != 1 or p.weight_shift or len(self.into(p.target)) > 1:
            end = self.link(end, self.operator(p.target if own else self.fresh(f"w{i}"), p, shape, where))
            shape = c.output_shape(shape) if image else (c.output_shape(shape) if isinstance(c, Dense) else shape)
        if own:
            return
        target = self.shapes[p.target]
        if isinstance(c, Sparse):
            shape = target
        if shape != target:
            if len(target) > 1:
                raise NeurosimError(f"{where}: shape {shape} into {target}; NIR has no reshape but Flatten")
            end = self.link(end, self.flatten(f"flat{i}", shape))
        self.edges.append((end, p.target))

    def link(self, source: str, target: str) -> str:
        self.edges.append((source, target))
        return target

    def flatten(self, name: str, shape: tuple[int, ...]) -> str:
        given = np.array(shape, np.int64)
        return self.add(self.fresh(name), "Flatten", start_dim=np.int64(0), end_dim=np.int64(-1), input_type=given)

    def operator(self, name: str, p: Projection, shape: tuple[int, ...], where: str) -> str:
        c, shift = p.connectivity, np.float32(1 << p.weight_shift)
        if isinstance(c, Identity):
            return self.add(name, "Scale", scale=np.full(shape, np.float32(c.weight) * shift, np.float32))
        if isinstance(c, Pool2d):
            if c.mode == "max" or p.weight_shift:
                raise NeurosimError(f"{where}: NIR has no max pooling and no pooling with a weight")
            kind = "SumPool2d" if c.mode == "sum" else "AvgPool2d"
            pairs = {"kernel_size": c.size, "stride": c.stride, "padding": c.padding}
            return self.add(name, kind, **{key: np.array(pair, np.int64) for key, pair in pairs.items()})
        bias = self.bias(p)
        if isinstance(c, Conv2d):
            pairs = {"stride": c.stride, "padding": c.padding, "dilation": c.dilation, "input_shape": shape[1:]}
            fields = {key: np.array(pair, np.int64) for key, pair in pairs.items()}
            channels = c.weights.shape[0]
            offset = np.zeros(channels, np.float32) if bias is None else bias.reshape(channels, -1)[:, 0]
            return self.add(name, "Conv2d", weight=c.weights * shift, bias=offset, groups=np.int64(c.groups), **fields)
        weight = self.dense(c, p, where).T * shift
        if bias is None:
            return self.add(name, "Linear", weight=weight)
        return self.add(name, "Affine", weight=weight, bias=bias)

    def dense(self, c: Dense | Sparse, p: Projection, where: str) -> np.ndarray:
        if isinstance(c, Dense):
            return c.weights
        n_source, n_target = c.indptr.size - 1, self.network.population(p.target).n_neurons
        if n_source * n_target > MAX_DENSE:
            raise NeurosimError(
                f"{where}: NIR has no sparse weights, and {n_source} x {n_target} dense ones are too many"
            )
        full = np.zeros((n_source, n_target), np.float32)
        full[np.repeat(np.arange(n_source), np.diff(c.indptr)), c.indices] = c.weights
        return full

    def carrier(self, target: Population) -> Projection | None:
        """The projection that a bias rides on; None without a bias."""
        if not isinstance(target.model, Lif) or not target.model.bias.any():
            return None
        each = target.model.per_neuron("bias", target.shape, f"population {target.name!r}")
        for p in self.into(target.name):
            if _carries(p, each):
                return p
        raise NeurosimError(
            f"population {target.name!r}: its bias has no Dense, Sparse or (one value a channel) Conv2d to ride on, "
            "and NIR's neurons have none; add such a projection"
        )

    def bias(self, p: Projection) -> np.ndarray | None:
        """The target's bias, where this projection is the one to carry it, (n,)."""
        target = self.network.population(p.target)
        if self.carrier(target) is not p:
            return None
        each = target.model.per_neuron("bias", target.shape, f"population {target.name!r}")
        if target.model.decay_input and target.model.current_keep is None:
            # The reader gives the bias the share of the input; in float64, so that it comes back exactly.
            return each.astype(np.float64) / (1 - np.float64(np.float32(target.model.leak.factor)))
        return each

    def output(self) -> None:
        network = self.network
        neurons = [p.name for p in network.populations if isinstance(p.model, Lif)]
        name = network.readout.population if network.readout is not None else (neurons[-1] if neurons else None)
        if name not in neurons:
            raise NeurosimError(f"export: the readout {name!r} is no neuron; NIR's Output takes spikes or membranes")
        self.link(name, self.add(self.fresh("output"), "Output", shape=np.array(self.shapes[name], np.int64)))


def _carries(p: Projection, bias: np.ndarray) -> bool:
    if isinstance(p.connectivity, Conv2d):
        by_channel = bias.reshape(p.connectivity.weights.shape[0], -1)
        return bool((by_channel == by_channel[:, :1]).all())
    return isinstance(p.connectivity, Dense | Sparse)
