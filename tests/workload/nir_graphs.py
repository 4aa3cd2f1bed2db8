"""Random NIR graphs, made with the nir package: (nodes, edges, order of work), and files of them.

Parameters are small dyadic fractions where the profile allows, so that thresholds are hit exactly and no sum rounds.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import nir
import numpy as np
from hypothesis import strategies as st


@dataclass
class Drawn:
    nodes: dict = field(default_factory=dict)
    edges: list = field(default_factory=list)
    order: list = field(default_factory=list)
    shapes: dict = field(default_factory=dict)

    def add(self, name, node, shape, *sources):
        self.nodes[name] = node
        self.edges += [(source, name) for source in sources]
        self.order.append(name)
        self.shapes[name] = shape
        return name

    def write(self, path):
        """nir's own inference is wrong for grouped and non-square kernels, so its check stays off."""
        graph = nir.NIRGraph(dict(self.nodes), list(self.edges), type_check=False)
        nir.write(str(path), graph)
        return path


def dyadic(rng, shape, low=-8, high=8, unit=0.25):
    return (rng.integers(low, high + 1, shape) * unit).astype(np.float32)


@st.composite
def operators(draw, rng, shape):
    """(node, output shape) of a random operator on ``shape``."""
    if len(shape) == 1:
        out = draw(st.integers(1, 5))
        weight = dyadic(rng, (out, shape[0]))
        kind = draw(st.sampled_from(["linear", "affine", "affine", "scale"]))
        if kind == "scale":
            return nir.Scale(dyadic(rng, shape) if draw(st.booleans()) else np.full(shape, 0.5, np.float32)), shape
        node = nir.Linear(weight) if kind == "linear" else nir.Affine(weight, dyadic(rng, out))
        return node, (out,)
    groups = draw(st.sampled_from([1, shape[0]]))
    out = groups * draw(st.integers(1, 2))
    if len(shape) == 2:
        k, stride, padding = draw(st.integers(1, 3)), draw(st.integers(1, 2)), draw(st.integers(1, 2))
        weight = dyadic(rng, (out, shape[0] // groups, k))
        node = nir.Conv1d(shape[1], weight, stride, padding, 1, groups, dyadic(rng, out))
        return node, (out, (shape[1] + 2 * padding - k) // stride + 1)
    if draw(st.integers(0, 2)) == 0:
        size = np.array([draw(st.integers(1, min(2, n))) for n in shape[1:]])
        stride = np.array([draw(st.integers(1, 2)), draw(st.integers(1, 2))])
        kind = draw(st.sampled_from([nir.SumPool2d, nir.AvgPool2d]))
        hw = tuple(int((n - k) // s + 1) for n, k, s in zip(shape[1:], size, stride, strict=True))
        return kind(size, stride, np.array([0, 0])), (shape[0], *hw)
    k = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    stride, padding = (draw(st.integers(1, 2)), draw(st.integers(1, 2))), (draw(st.integers(1, 2)), 1)
    weight = dyadic(rng, (out, shape[0] // groups, *k))
    hw = tuple((n + 2 * p - i) // s + 1 for n, p, i, s in zip(shape[1:], padding, k, stride, strict=True))
    same = stride == (1, 1) and k[0] % 2 and k[1] % 2 and draw(st.booleans())
    node = nir.Conv2d(shape[1:], weight, stride, "same" if same else padding, 1, groups, dyadic(rng, out))
    return node, (out, *(shape[1:] if same else hw))


@st.composite
def neurons(draw, rng, shape, profile, last):
    """A neuron of ``shape`` that ``profile`` can read."""

    def full(value):
        return np.full(shape, value, np.float64)

    dt = profile.dt
    tau = full(dt * draw(st.sampled_from([1, 2, 4])))
    r = full(draw(st.sampled_from([1.0, 1.0, 0.5])))
    if profile.name == "snntorch":
        r = tau / dt
    kinds = ["LIF", "LIF", "IF", "Threshold"] + ["CubaLIF"] * profile.cuba + ["LI", "I"] * last
    kinds += ["CubaLI"] * (last and profile.cuba)
    kind = draw(st.sampled_from(kinds))
    threshold = dyadic(rng, shape, 1, 6).astype(np.float64) if draw(st.booleans()) else full(0.75)
    spiking = {"v_threshold": threshold, "v_reset": full(draw(st.sampled_from([0, 0, -0.5])))}
    leak = full(draw(st.sampled_from([0, 0, 0.25])))
    if kind == "Threshold":
        return nir.Threshold(threshold)
    if kind in ("I", "IF"):
        gain = full(1 / dt * (1.0 if profile.name == "spikingjelly" else draw(st.sampled_from([1.0, 0.5]))))
        return nir.I(gain) if kind == "I" else nir.IF(r=gain, **spiking)
    if kind == "LI":
        return nir.LI(tau, r, leak)
    if kind == "LIF":
        return nir.LIF(tau=tau, r=r, v_leak=leak, **spiking)
    current = {"tau_syn": full(dt * 2), "tau_mem": tau, "r": r, "v_leak": leak, "w_in": full(2.0)}
    return nir.CubaLI(**current) if kind == "CubaLI" else nir.CubaLIF(**current, **spiking)


@st.composite
def graphs(draw, profile, max_layers=4):
    rng = np.random.default_rng(draw(st.integers(0, 9999)))
    g = Drawn()
    shape = draw(st.sampled_from([(3,), (2, 5), (2, 4, 3), (1, 3, 5)]))
    here = g.add("in", nir.Input(np.array(shape)), shape)
    layers = draw(st.integers(1, max_layers))
    for i in range(layers):
        last = i == layers - 1
        # Steps to one neuron: any number of operators, a Flatten, a Delay before them.
        carries = False
        for j in range(draw(st.integers(0 if i else 1, 2))):
            if not carries and draw(st.integers(0, 3)) == 0:
                steps = rng.integers(0, 4, shape) if draw(st.booleans()) else np.full(shape, 2)
                here = g.add(f"l{i}.{j}.delay", nir.Delay(steps * profile.dt), shape, here)
            if len(shape) > 1 and draw(st.integers(0, 2)) == 0:
                flat = (int(np.prod(shape)),)
                node = nir.Flatten({"input": np.array(shape)}, 0, -1)
                here, shape = g.add(f"l{i}.{j}.flat", node, flat, here), flat
            node, out = draw(operators(rng, shape))
            here, shape = g.add(f"l{i}.{j}.op", node, out, here), out
            carries = True
        name = f"l{i}.neuron"
        more = [n for n in g.order if g.shapes[n] == shape and n != here and not _integrates(g.nodes[n])]
        extra = [draw(st.sampled_from(more))] if more and draw(st.booleans()) else []
        node = draw(neurons(rng, shape, profile, last))
        source, here = here, g.add(name, node, shape, here, *extra)
        assert source != here
        if len(shape) == 1 and hasattr(node, "v_threshold") and draw(st.booleans()):
            g.nodes[f"l{i}.back"] = nir.Linear(dyadic(rng, (shape[0], shape[0])))
            g.shapes[f"l{i}.back"] = (shape[0], "late")
            g.order.append(f"l{i}.back")
            g.edges += [(name, f"l{i}.back"), (f"l{i}.back", name)]
    g.add("out", nir.Output(np.array(shape)), shape, here)
    g.edges = draw(st.permutations(g.edges))
    return g


def _integrates(node):
    return isinstance(node, (nir.I, nir.LI, nir.CubaLI))
