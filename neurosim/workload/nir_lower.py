"""A NIR graph to a `Network`, under a profile.

Inputs and neurons become populations. An operator (Linear, Conv2d, ...) between them becomes the connectivity of a
projection; one that feeds another operator, and every pool, ends in a graded `Relay` that carries its sum. Flatten and
Delay cost nothing: a shape and a number. A bias is carried, as the constant it is, through the operators behind it
into the neuron's bias. Inputs are numbered in the order of the file, which HDF5 keeps by name.

A loop without a Delay is closed one timestep later, as frameworks do: of the populations of a loop, ordered by their
distance from the inputs and then by name, an edge back to an earlier one (or itself) gets the delay.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from neurosim.snn.connectivity import Connectivity, Identity
from neurosim.snn.network import Network, Population, Projection, Readout
from neurosim.snn.neuron import Input, Lif, Relay
from neurosim.workload.nir_file import NEURONS, Graph, Node
from neurosim.workload.nir_loops import distances, in_order, loops
from neurosim.workload.nir_neurons import Neuron, check_dt, read_neuron
from neurosim.workload.nir_ops import OPERATORS, bias_of, carried, connectivity, diagonal, population_shape, with_gain
from neurosim.workload.nir_shapes import infer_shapes, refuse
from neurosim.workload.profiles import Profile

IMAGE_OPERATORS = ("Conv1d", "Conv2d", "SumPool2d", "AvgPool2d")
MAX_TERMS = 256
MAX_DELAYS = 64


@dataclass(frozen=True)
class Term:
    """One part of what a node sends: a copy of population ``name``, or all that operator ``name`` puts out.

    ``delay`` timesteps old.
    """

    name: str
    delay: int = 0
    operator: bool = False


@dataclass(frozen=True)
class Way:
    """One source of an operator: population, delay; ``part``: the share of neurons that a Delay node delays so."""

    source: str
    delay: int
    part: int | None = None


@dataclass(eq=False)
class Lowering:
    """One graph on its way to a network; ``run`` does it. ``input_bits`` by input name, "" for all others.

    ``inputs`` is the order of the inputs where it is not the file's; ``relays`` names nodes that are to be relays
    (value bits by name) even where they could vanish. Both come from neurosim's own exporter.
    """

    graph: Graph
    profile: Profile
    input_bits: dict[str, int]
    inputs: list[str] = field(default_factory=list)
    relays: dict[str, int] = field(default_factory=dict)
    populations: dict[str, Population] = field(default_factory=dict)
    terms: dict[str, list[Term]] = field(default_factory=dict)
    ways: dict[str, list[Way]] = field(default_factory=dict)
    constants: dict[str, np.ndarray | None] = field(default_factory=dict)
    neurons: dict[str, Neuron] = field(default_factory=dict)
    images: dict[str, tuple[int, ...]] = field(default_factory=dict)
    links: dict[str, Connectivity] = field(default_factory=dict)
    projections: list[tuple[str, Projection]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.shapes = infer_shapes(self.graph)
        self.into = self.graph.into()

    def run(self) -> tuple[Network, list[str]]:
        """The network, and the projections that were given a timestep because they close a loop."""
        for node in self.graph.nodes.values():
            if node.kind in NEURONS:
                self.neurons[node.name] = read_neuron(node, self.shapes[node.name][0], self.profile)
            if node.kind in (*NEURONS, "Input"):
                self.terms[node.name] = [Term(node.name)]
        passive = [n for n in self.graph.nodes if n not in self.terms]
        for name in in_order(passive, self.graph):
            self.passive(self.graph.nodes[name])
            if name in self.relays:
                self.terms[name] = [Term(self.relay(name))]
        for node in self.graph.nodes.values():
            if node.kind == "Input":
                model = Input(self.input_bits.get(node.name, self.input_bits.get("", 1)))
                self.populations[node.name] = Population(node.name, self.shape(node.name), model)
            elif node.kind in NEURONS:
                self.neuron(node)
        readout = self.readout()
        closed = self.close_loops()
        ordered = self.ordered()
        projections = [p for _, p in sorted(self.projections, key=lambda pair: self.sort_key(*pair, ordered))]
        populations = [self.populations[name] for name in ordered]
        return Network(populations, projections, readout), closed

    def shape(self, name: str) -> tuple[int, ...]:
        return self.images.get(name) or population_shape(self.shapes[name][1])

    # What a node sends, as terms and a constant.

    def passive(self, node: Node) -> None:
        """Terms and constant of a node that is no population."""
        sources = self.into[node.name]
        if not sources:
            raise refuse(node, "no edge enters it; connect it or remove it")
        joins = node.kind == "Scale" and node.name in self.relays and (node.fields["scale"] == 1).all()
        if node.kind in OPERATORS and not joins:
            self.operator(node)
            return
        given = [term for source in sources for term in self.terms[source]]
        constants = [c for source in sources if (c := self.constants.get(source)) is not None]
        self.constants[node.name] = np.sum(constants, axis=0) if constants else None
        if node.kind != "Delay":
            self.terms[node.name] = self.counted(node, given)
            return
        steps = check_dt(node.fields["delay"].astype(np.float64), node, self.profile)
        if steps.any() and constants:
            raise refuse(node, "a bias would pass it and arrive late; put the Delay before the Affine or Conv")
        values = np.unique(steps)
        if values.size == 1:
            delayed = [Term(t.name, t.delay + int(values[0]), t.operator) for t in given]
            self.terms[node.name] = self.counted(node, delayed)
        elif values.size <= MAX_DELAYS:
            pairs = [pair for source in sources for pair in self.sent(source)]
            self.ways[node.name] = self.counted(node, [Way(s, d + int(v), int(v)) for s, d in pairs for v in values])
            self.terms[node.name] = [Term(node.name, operator=True)]
        else:
            raise refuse(node, f"{values.size} different delays, expected at most {MAX_DELAYS}; round them")

    def counted(self, node: Node, terms: list) -> list:
        if len(terms) > MAX_TERMS:
            raise refuse(node, f"{len(terms)} ways lead into it, expected at most {MAX_TERMS}; join some before")
        return terms

    def operator(self, node: Node) -> None:
        sources = self.into[node.name]
        pairs = [pair for source in sources for pair in self.sent(source)]
        self.ways[node.name] = self.counted(node, [Way(s, d) for s, d in pairs])
        self.terms[node.name] = [Term(node.name, operator=True)]
        constants = [c for source in sources if (c := self.constants.get(source)) is not None]
        total = bias_of(node, self.shapes[node.name][1])
        if constants:
            source, target = (population_shape(s) for s in self.shapes[node.name])
            through = carried(self.link(node.name), np.sum(constants, axis=0), source, target)
            total = through if total is None else total + through
        self.constants[node.name] = total

    def link(self, name: str) -> Connectivity:
        if name not in self.links:
            self.links[name] = connectivity(self.graph.nodes[name], self.shapes[name][0])
        return self.links[name]

    def sent(self, name: str) -> list[tuple[str, int]]:
        """(population, delay) of everything node ``name`` sends, with a relay where it is more than copies."""
        if not any(term.operator for term in self.terms[name]):
            return [(term.name, term.delay) for term in self.terms[name]]
        return [(self.relay(name), 0)]

    def relay(self, name: str) -> str:
        """The relay that carries the sum a node sends; made when first asked for."""
        if name not in self.populations:
            bits = self.relay_bits(name)
            self.populations[name] = Population(name, self.shape(name), Relay(graded=True, value_bits=bits))
            for term in self.terms[name]:
                self.project(term, name, np.float64(1))
        return name

    def relay_bits(self, name: str) -> int:
        """A pool of spikes has few values; any other sum is a float32."""
        if name in self.relays:
            return self.relays[name]
        ways = self.ways.get(name, [])
        if self.graph.nodes[name].kind not in ("SumPool2d", "AvgPool2d") or len(ways) != 1:
            return 32
        source, size = ways[0].source, self.link(name).size
        most = 1 if self.binary_input(source) else 0
        if source in self.neurons:
            most = self.neurons[source].parameters.get("max_spikes", 1)
        return (size[0] * size[1] * most).bit_length() if most else 32

    def binary_input(self, name: str) -> bool:
        known = self.graph.nodes[name].kind == "Input"
        return known and self.input_bits.get(name, self.input_bits.get("", 1)) == 1

    # Projections.

    def project(self, term: Term, target: str, gain: np.ndarray) -> None:
        """The projections that bring one term into population ``target``, its weights times ``gain``."""
        if not term.operator:
            self.add("", Way(term.name, term.delay), Identity(1), target, gain)
            return
        node = self.graph.nodes[term.name]
        pooled = node.kind in ("SumPool2d", "AvgPool2d") and target in self.neurons
        image = node.kind in IMAGE_OPERATORS
        if term.name != target and (pooled or (image and self.shape(node.name) != self.shape(target))):
            # A pool sums in a unit of its own; behind a Flatten, beside another image, a convolution does too.
            self.add(term.name, Way(self.relay(term.name), term.delay), Identity(1), target, gain)
            return
        for way in self.ways[term.name]:
            link = self.link(term.name) if way.part is None else self.share(node, way.part)
            self.add(term.name, Way(way.source, way.delay + term.delay), link, target, gain)

    def share(self, node: Node, part: int) -> Connectivity:
        steps = check_dt(node.fields["delay"].astype(np.float64), node, self.profile).reshape(-1)
        return diagonal(np.ones(steps.size), steps == part)

    def add(self, op: str, way: Way, link: Connectivity, target: str, gain: np.ndarray) -> None:
        source = self.neurons.get(way.source)
        if source is not None and not source.spiking:
            raise refuse(
                self.graph.nodes[way.source], f"sends its membrane to {target!r} in every step, and only spikes "
                "travel between populations; put a Threshold or a spiking neuron behind it, or end the network there",
            )  # fmt: skip
        link = with_gain(link, gain, self.shape(way.source), self.shape(target), f"node {target!r}")
        self.projections.append((op, Projection(way.source, target, link, delay=way.delay)))

    def neuron(self, node: Node) -> None:
        read = self.neurons[node.name]
        terms = [term for source in self.into[node.name] for term in self.terms[source]]
        images = {self.shape(t.name) for t in terms if t.operator and self.graph.nodes[t.name].kind in IMAGE_OPERATORS}
        if len(images) == 1:
            # Behind a Flatten the neurons are the same, in the same order: they keep the image's shape.
            self.images[node.name] = images.pop()
        shape = self.shape(node.name)
        parameters = dict(read.parameters)
        constants = [c for source in self.into[node.name] if (c := self.constants.get(source)) is not None]
        if constants:
            bias = np.sum(constants, axis=0) * np.asarray(read.gain).reshape(-1)
            if parameters.get("decay_input") and "current_keep" not in parameters:
                # decay_input scales the synaptic input alone, so the bias takes its share here.
                bias = bias * (1 - np.float64(np.float32(parameters["leak"].factor)))
            parameters["bias"] = bias[:1] if (bias == bias[0]).all() else bias
        self.populations[node.name] = Population(node.name, shape, Lif(**parameters))
        for term in terms:
            self.project(term, node.name, read.gain)

    # Order.

    def close_loops(self) -> list[str]:
        """Give the edges that close a loop without delay one timestep; returns them as text."""
        far = distances(list(self.populations), [(p.source, p.target) for _, p in self.projections],
                        [n for n in self.populations if self.graph.nodes[n].kind == "Input"])  # fmt: skip
        edges = {(p.source, p.target) for _, p in self.projections if p.delay == 0}
        member = loops(list(self.populations), edges)
        rank = {name: (far[name], natural(name)) for name in self.populations}
        closed: list[str] = []
        for i, (op, p) in enumerate(self.projections):
            if p.delay == 0 and member[p.source] == member[p.target] and rank[p.source] >= rank[p.target]:
                self.projections[i] = (op, Projection(p.source, p.target, p.connectivity, delay=1))
                closed.append(p.name)
        return sorted(set(closed))

    def ordered(self) -> list[str]:
        """Populations in the order they update: inputs in file order, then by delay-0 edges and name."""
        inputs = [n for n, node in self.graph.nodes.items() if node.kind == "Input"]
        inputs = self.inputs if sorted(self.inputs) == sorted(inputs) else inputs
        edges = [(p.source, p.target) for _, p in self.projections if p.delay == 0]
        rest = sorted((n for n in self.populations if n not in inputs), key=natural)
        return in_order(inputs + rest, edges)

    def sort_key(self, op: str, projection: Projection, ordered: list[str]) -> tuple:
        place = {name: i for i, name in enumerate(ordered)}
        return place[projection.target], natural(op), place[projection.source], projection.delay

    def readout(self) -> Readout | None:
        """The one population that the one Output reads, where that is how the graph ends."""
        outputs = [node for node in self.graph.nodes.values() if node.kind == "Output"]
        terms = [(node, term) for node in outputs for term in self.terms[node.name]]
        for node, term in terms:
            if term.operator or self.constants.get(node.name) is not None:
                raise refuse(
                    node, f"takes the values of {term.name!r}; end the network in a neuron (LI or I for "
                    "a readout of membranes)",
                )  # fmt: skip
            if term.delay:
                raise refuse(node, "a Delay lies before it; the readout is not delayed, remove the Delay")
        if len(terms) != 1 or terms[0][1].name not in self.neurons:
            return None
        name = terms[0][1].name
        return Readout(name, "count" if self.neurons[name].spiking else "membrane")


def natural(name: str) -> list:
    """Names with numbers in the order of the numbers."""
    return [(1, int(part), "") if part.isdigit() else (0, 0, part) for part in re.split(r"(\d{1,9})", name) if part]
