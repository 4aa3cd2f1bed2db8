"""The nodes of a traced forward to a `Network`.

Inputs and neurons become populations. A layer's current is a sum of terms, each a source, an operator and a gain a
target neuron, and a constant. Batch normalisation, biases and constant factors only change gain and constant, so they
vanish into weights and biases. Where a sum or an operator's result is used by more than one layer, or by another
operator, a graded relay carries it once; pools end in relays (max pooling: OR).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from math import prod

import numpy as np

from neurosim.snn.connectivity import Connectivity, Conv2d, Dense, Identity, Pool2d
from neurosim.snn.network import Network, Population, Projection, Readout
from neurosim.snn.neuron import Input, Leak, Lif, Relay
from neurosim.workload.nir_ops import carried, diagonal, with_gain
from neurosim.workload.torch_graph import Node, refused
from neurosim.workload.torch_integers import as_integers, spread

ANSWER = "readout"


@dataclass(frozen=True, eq=False)
class Term:
    """``op`` (None: a copy) of population ``source``, times ``gain`` a target neuron and ``before`` a source neuron.

    ``delay`` is how many timesteps ago the source's spikes are of.
    """

    source: str
    op: Node | None = None
    gain: np.ndarray | float = 1.0
    before: np.ndarray | float = 1.0
    delay: int = 0


@dataclass(frozen=True, eq=False)
class Form:
    """What a node puts out: the sum of ``terms`` and ``constant`` (n,) or 0."""

    terms: tuple[Term, ...]
    constant: np.ndarray | float = 0.0


@dataclass(eq=False)
class Lowering:
    """``run`` makes the network of ``nodes`` (in order) that ``answer`` and the neurons need."""

    nodes: list[Node]
    input_bits: dict[str, int]
    populations: dict[str, Population] = field(default_factory=dict)
    projections: list[Projection] = field(default_factory=list)
    forms: dict[int, Form] = field(default_factory=dict)
    sources: dict[int, tuple[str, np.ndarray | float, np.ndarray | float]] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)
    """Largest spike value of a population whose values are whole numbers; inf where they are not."""
    notes: list[str] = field(default_factory=list)
    names: dict[int, str] = field(default_factory=dict)

    def run(self, answer: Node | None, kind: str | None) -> Network:
        """``answer`` is the node that the model returns; ``kind`` the readout, None for the one that fits."""
        needed = _needed([n for n in self.nodes if n.kind == "neuron"] + ([answer] if answer else []))
        kept = [n for n in self.nodes if id(n) in needed]
        users = Counter(id(i) for n in kept for i in dict.fromkeys(n.inputs))
        self.shared = {n for n, count in users.items() if count > 1}
        for node in kept:
            self._lower(node)
        readout = None
        if answer is not None and answer.kind == "neuron":
            readout = Readout(self.names[id(answer)], kind or "count")
        elif answer is not None and answer.kind != "input":
            readout = Readout(self._integrator(answer), "membrane")
        order = {name: i for i, name in enumerate(self.populations)}
        projections = sorted(self.projections, key=lambda p: order[p.target])
        return Network(tuple(self.populations.values()), tuple(projections), readout)

    # Nodes to forms.

    def _lower(self, node: Node) -> None:
        if node.kind == "input":
            bits = self.input_bits[node.name]
            self._population(node, node.shape, Input(bits), 1.0 if bits == 1 else np.inf)
            form = Form((Term(node.name),))
        elif node.kind == "neuron":
            form = self._neuron(node)
        elif node.kind in ("max_pool2d", "avg_pool2d"):
            form = self._pool(node)
        elif node.kind in ("conv2d", "linear"):
            source, before, constant = self.source(node.inputs[0])
            source = self._imaged(node, source) if node.kind == "conv2d" else source
            form = Form((Term(source, node, 1.0, before),), self._through(node, source, constant))
        elif node.kind == "affine":
            inner, scale = self.forms[id(node.inputs[0])], node.fields["scale"].reshape(-1)
            terms = tuple(replace(t, gain=t.gain * scale) for t in inner.terms)
            form = Form(terms, inner.constant * scale + node.fields["shift"].reshape(-1))
        elif node.kind == "add":
            parts = [self.forms[id(i)] for i in node.inputs]
            form = Form(tuple(t for p in parts for t in p.terms), sum((p.constant for p in parts), 0.0))
        else:
            form = self.forms[id(node.inputs[0])]
        self.forms[id(node)] = form
        wide = len(form.terms) > 1 or form.terms[0].op is not None
        if wide and id(node) in self.shared:
            name, before, constant = self.source(node)
            self.forms[id(node)] = Form((Term(name, None, before),), constant)

    def source(self, node: Node) -> tuple[str, np.ndarray | float, np.ndarray | float]:
        """Population that sends what ``node`` puts out, the gain and the constant that are still to be applied."""
        form = self.forms[id(node)]
        if len(form.terms) == 1 and form.terms[0].op is None:
            return form.terms[0].source, form.terms[0].gain, form.constant
        if id(node) not in self.sources:
            terms = [replace(t, gain=np.asarray(t.gain, float)) for t in form.terms]
            sums = [self.largest[t.source] if t.op is None and (t.gain == 1).all() else np.inf for t in terms]
            self._population(node, self._shape(node, terms), Relay(True, _bits(sum(sums))), sum(sums))
            self._project(node.name, terms)
            self.sources[id(node)] = (node.name, 1.0, form.constant)
        return self.sources[id(node)]

    def _population(self, node: Node, shape: tuple[int, ...], model, largest: float, unit=None) -> None:
        self.populations[node.name] = Population(node.name, _image(shape), model, unit=unit)
        self.largest[node.name] = largest
        self.names[id(node)] = node.name

    def _shape(self, node: Node, terms: list[Term]) -> tuple[int, ...]:
        """Behind a flatten the neurons are the same, in the same order: they keep the image of their convolution."""
        images = {_image(t.op.shape) for t in terms if t.op is not None and t.op.kind == "conv2d"}
        if len(images) > 1:
            raise refused(node.name, f"adds convolutions that end in shapes {sorted(images)}; flatten after the sum")
        return images.pop() if images else node.shape

    def _through(self, node: Node, source: str, constant) -> np.ndarray | float:
        bias = node.fields["bias"]
        total = 0.0 if bias is None else np.repeat(bias.astype(np.float64), prod(node.shape[1:]))
        if np.any(constant):
            given = self.populations[source].shape
            whole = np.broadcast_to(constant, (prod(given),)).astype(np.float64)
            total = total + carried(_link(node, given), whole, given, _image(node.shape))
        return total

    def _pool(self, node: Node) -> Form:
        source, before, constant = self.source(node.inputs[0])
        source = self._imaged(node, source)
        size, stride, padding = (node.fields[k] for k in ("size", "stride", "padding"))
        if node.kind == "max_pool2d":
            plain = np.all(before == 1) and not np.any(constant)
            if not plain or self.largest[source] != 1:
                raise refused(
                    node.name, f"max pooling of the graded values of {node.inputs[0].name!r}; of binary spikes it is "
                    "an OR. Put the neuron before the pool, or pool by average",
                )  # fmt: skip
            self._pooled(node, source, Pool2d("max", size, stride, padding), Relay(False, 1), 1.0)
            return Form((Term(node.name),))
        if np.size(before) > 1:
            source, before = self._scaled(node, source, before), 1.0
        pool, given = Pool2d("average", size, stride, padding), self.populations[source].shape
        self._pooled(node, source, pool, Relay(True, _bits(self.largest[source] * prod(size))), np.inf)
        whole = np.broadcast_to(constant, (prod(given),)).astype(np.float64)
        shift = carried(pool, whole, given, _image(node.shape)) if np.any(constant) else 0.0
        return Form((Term(node.name, None, before),), shift)

    def _imaged(self, node: Node, source: str) -> str:
        """A population that sends what ``source`` does in the shape that ``node`` takes, behind a reshape."""
        given, now = _image(node.inputs[0].shape), self.populations[source]
        if now.shape == given:
            return source
        if len(now.shape) == 1 and np.size(now.unit) == 1:  # nothing else asks for its shape
            self.populations[source] = replace(now, shape=given)
            return source
        relay, largest = Node("flatten", f"{node.name}.reshaped", (), node.inputs[0].shape), self.largest[source]
        self._population(relay, relay.shape, Relay(largest != 1, _bits(largest)), largest)
        self._project(relay.name, [Term(source)])
        return relay.name

    def _pooled(self, node: Node, source: str, pool: Pool2d, model: Relay, largest: float) -> None:
        self._population(node, node.shape, model, largest)
        self.projections.append(Projection(source, node.name, pool))

    def _scaled(self, node: Node, source: str, before: np.ndarray) -> str:
        """A relay of what batch normalisation scaled by channel, for a pool, which has no weights to scale."""
        relay = Node("flatten", f"{node.name}.scaled", (), node.inputs[0].shape)
        self._population(relay, relay.shape, Relay(True, 32), np.inf)
        self._project(relay.name, [Term(source, None, before)])
        return relay.name

    def _neuron(self, node: Node) -> Form:
        form, lif = self.forms[id(node.inputs[0])], dict(node.fields["lif"])
        terms = [replace(t, gain=np.asarray(t.gain, float)) for t in form.terms]
        bias = np.asarray(form.constant, np.float64)
        if node.fields.get("back"):
            term, constant = _own_spikes(node)
            terms, bias = [*terms, term], bias + constant
        if lif.get("decay_input") and "current_keep" not in lif:
            # decay_input scales the synaptic input alone, so the bias takes its share here.
            bias = bias * (1 - np.float64(np.float32(lif["leak"].factor)))
        shape = self._shape(node, terms)
        self._layer(node, shape, terms, lif, bias)
        return Form((Term(node.name, None, node.fields["gain"]),))

    def _integrator(self, node: Node) -> str:
        """A population that sums a layer's values over time: the answer of a model that ends in a linear layer."""
        form = self.forms[id(node)]
        terms = [replace(t, gain=np.asarray(t.gain, float)) for t in form.terms]
        bias = np.asarray(form.constant, np.float64)
        lif = {"threshold": None, "leak": Leak("none"), "reset": "none"}
        name = node.name if node.name not in self.populations else f"{node.name}.{ANSWER}"
        end = Node("neuron", name, (), node.shape)
        self._layer(end, self._shape(node, terms), terms, lif, bias)
        return end.name

    def _layer(self, node: Node, shape: tuple[int, ...], terms: list[Term], lif: dict, bias: np.ndarray) -> None:
        found = as_integers(terms, lif, bias, prod(shape), node.name)
        self.notes += found.notes
        self._population(node, shape, Lif(**found.lif), 1.0, found.scale)
        if found.integers is None:
            self._project(node.name, terms)
            return
        link = _link(terms[0].op, self.populations[terms[0].source].shape, found.integers)
        self.projections.append(Projection(terms[0].source, node.name, link, found.codec, scale=found.scale))

    def _project(self, target: str, terms: list[Term]) -> None:
        spikes = isinstance(self.populations[target].model, Relay) and all(t.op is None for t in terms)
        shortcut = "spike" if spikes else "pre_neuron"
        shape = self.populations[target].shape
        for term in terms:
            given = self.populations[term.source].shape
            gain = np.asarray(term.gain, float)
            if gain.size and (gain == gain.flat[0]).all():
                gain = np.float64(gain.flat[0])
            if term.op is None:
                link: Connectivity = Identity(1)
                link = Identity(float(np.float32(gain))) if gain.ndim == 0 and gain != 1 else link
                link = diagonal(spread(gain, prod(given))) if gain.ndim else link
            else:
                link = with_gain(_link(term.op, given, before=term.before), gain, given, shape, f"layer {target!r}")
            joins = shortcut if term.op is None and len(terms) > 1 and not term.delay else None
            self.projections.append(Projection(term.source, target, link, delay=term.delay, residual=joins))


def _link(op: Node, given: tuple[int, ...], weight: np.ndarray | None = None, before=1.0) -> Connectivity:
    """The connectivity of a layer; ``before`` is a gain of each source neuron."""
    weight = op.fields["weight"] if weight is None else weight
    scaled = np.any(np.asarray(before) != 1)
    if op.kind == "linear":
        matrix = weight.T
        if scaled:
            matrix = (matrix * spread(before, matrix.shape[0])[:, None]).astype(np.float32)
        return Dense(matrix if matrix.dtype.kind == "i" else matrix.astype(np.float32))
    geometry = (op.fields["stride"], op.fields["padding"], op.fields["dilation"], op.fields["groups"])
    if scaled:
        channels = spread(before, prod(given)).reshape(given[0], -1)
        if (channels != channels[:, :1]).any():
            raise refused(op.name, "takes values scaled differently within a channel; scale by channel")
        groups, per = op.fields["groups"], weight.shape[1]
        each = channels[:, 0].reshape(groups, 1, per).repeat(weight.shape[0] // groups, axis=1).reshape(-1, per)
        weight = (weight * each[:, :, None, None]).astype(np.float32)
    return Conv2d(weight, *geometry)


def _image(shape: tuple[int, ...]) -> tuple[int, ...]:
    """(channels, length) is an image of one row; what is no image is flat."""
    return shape if len(shape) == 3 else (shape[0], 1, shape[1]) if len(shape) == 2 else (prod(shape),)


def _own_spikes(node: Node) -> tuple[Term, np.ndarray | float]:
    """What a recurrent neuron layer gets from its own last spikes, and the bias of that way."""
    back, gain = node.fields["back"], node.fields["gain"]
    if "each" in back:
        return Term(node.name, None, spread(back["each"] * gain, node.size), delay=1), 0.0
    kind = "conv2d" if "stride" in back else "linear"
    op = Node(kind, f"{node.name}.recurrent", (), node.shape, back)
    constant = 0.0 if back["bias"] is None else spread(back["bias"], node.size)
    return Term(node.name, op, np.asarray(1.0), gain, 1), constant


def _bits(largest: float) -> int:
    return 32 if not np.isfinite(largest) else max(1, int(largest).bit_length())


def _needed(ends: list[Node]) -> set[int]:
    seen: set[int] = set()
    todo = list(ends)
    while todo:
        node = todo.pop()
        if id(node) not in seen:
            seen.add(id(node))
            todo.extend(node.inputs)
    return seen
