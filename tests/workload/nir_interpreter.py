"""A NIR graph run node by node in float64, straight from NIR's text and the frameworks' rules: the witness of imports.

It knows neither populations nor projections. ``order`` is the order in which nodes are worked on; an edge from a node
that comes later (or from itself) brings what that node sent one step before.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import nir
import numpy as np


def conv(x, weight, stride, padding, dilation, groups):
    """Cross-correlation of x (C, H, W), written as its definition."""
    x = np.pad(x, ((0, 0), (padding[0], padding[0]), (padding[1], padding[1])))
    out_channels, in_group, kh, kw = weight.shape
    height = (x.shape[1] - dilation[0] * (kh - 1) - 1) // stride[0] + 1
    width = (x.shape[2] - dilation[1] * (kw - 1) - 1) // stride[1] + 1
    out = np.zeros((out_channels, height, width))
    for o in range(out_channels):
        first = o // (out_channels // groups) * in_group
        for c in range(in_group):
            for i in range(kh):
                for j in range(kw):
                    rows = slice(i * dilation[0], i * dilation[0] + stride[0] * (height - 1) + 1, stride[0])
                    columns = slice(j * dilation[1], j * dilation[1] + stride[1] * (width - 1) + 1, stride[1])
                    out[o] += weight[o, c, i, j] * x[first + c, rows, columns]
    return out


def pool(x, node, mean):
    size, stride, padding = (np.broadcast_to(v, 2) for v in (node.kernel_size, node.stride, node.padding))
    ones = np.ones((x.shape[0], 1, *size))
    total = conv(x, ones, stride, padding, (1, 1), x.shape[0])
    return total / np.prod(size) if mean else total


@dataclass
class Interpreter:
    """``run(inputs)``, inputs by name (T, ...), gives what every neuron sent, by name (T, ...)."""

    nodes: dict
    edges: list
    order: list
    profile: object
    nearest: float = np.inf
    state: dict = field(default_factory=dict)

    def run(self, inputs: dict) -> dict:
        steps = len(next(iter(inputs.values())))
        place = {name: i for i, name in enumerate(self.order)}
        before: dict = {}
        sent = {name: [] for name in self.order if isinstance(self.nodes[name], NEURONS)}
        for t in range(steps):
            now: dict = {}
            for name in self.order:
                parts = []
                for source, target in self.edges:
                    if target == name:
                        value = now[source] if place[source] < place[name] else before.get(source)
                        parts += [] if value is None else [value]
                node = self.nodes[name]
                now[name] = inputs[name][t] if isinstance(node, nir.Input) else self.node(name, node, sum(parts))
                if name in sent:
                    sent[name].append(now[name])
            before = now
        return {name: np.array(values) for name, values in sent.items()}

    def node(self, name, node, x):
        if isinstance(node, nir.Affine):
            return node.weight @ x + node.bias
        if isinstance(node, nir.Linear):
            return node.weight @ x
        if isinstance(node, nir.Scale):
            return node.scale * x
        if isinstance(node, nir.Conv2d):
            # nir reads "same" as text; for an odd kernel it is half of it on either side.
            same = [k // 2 for k in node.weight.shape[2:]]
            padding = same if isinstance(node.padding, str) else node.padding
            pair = [np.broadcast_to(v, 2) for v in (node.stride, padding, node.dilation)]
            return conv(x, node.weight, *pair, node.groups) + node.bias[:, None, None]
        if isinstance(node, nir.Conv1d):
            one = [int(np.ravel(v)[0]) for v in (node.stride, node.padding, node.dilation)]
            out = conv(x[:, None], node.weight[:, :, None], (1, one[0]), (0, one[1]), (1, one[2]), node.groups)
            return out[:, 0] + node.bias[:, None]
        if isinstance(node, (nir.SumPool2d, nir.AvgPool2d)):
            return pool(x, node, isinstance(node, nir.AvgPool2d))
        if isinstance(node, nir.Flatten):
            return x.reshape(-1)
        if isinstance(node, nir.Delay):
            return self.delay(name, node, x)
        if isinstance(node, nir.Threshold):
            self.near(x - node.threshold)
            return (x > node.threshold).astype(float)
        return x if isinstance(node, nir.Output) else self.neuron(name, node, x)

    def delay(self, name, node, x):
        line = self.state.setdefault(name, deque([np.zeros_like(x)] * 20, maxlen=20))
        line.append(np.array(x))
        steps = np.rint(np.broadcast_to(node.delay, x.shape) / self.profile.dt).astype(int)
        return np.choose(steps, [line[-1 - d] for d in range(8)])

    def near(self, distance):
        away = np.abs(distance)
        self.nearest = min(self.nearest, float(np.where(away == 0, np.inf, away).min()))

    def shrink(self, tau):
        p = self.profile
        keep = 1 - p.dt / tau if p.decay == "euler" else np.exp(-p.dt / tau)
        return keep, (1 - keep if p.norm_input else 1.0)

    def neuron(self, name, node, x):
        p = self.profile
        reset_to, rest = getattr(node, "v_reset", 0.0), getattr(node, "v_leak", 0.0)
        start = {"zero": 0.0, "reset": reset_to if p.reset == "hard" else 0.0, "leak": rest}[p.start]
        v, pending, current = self.state.get(name, (start + np.zeros(np.shape(x)), np.zeros(np.shape(x), bool), 0.0))
        if isinstance(node, (nir.CubaLI, nir.CubaLIF)):
            keep, share = self.shrink(node.tau_syn)
            x = current = keep * current + share * node.w_in * x
        if isinstance(node, (nir.IF, nir.I)):
            v = v + p.dt * node.r * x
        else:
            keep, share = self.shrink(node.tau_mem if hasattr(node, "tau_mem") else node.tau)
            v = rest + (v - rest) * keep + share * node.r * x
        threshold = getattr(node, "v_threshold", np.inf)

        def reset(v, count):
            return {"hard": reset_to, "subtract": v - count * threshold, "none": v}[p.reset]

        v = np.where(pending, reset(v, 1.0), v) if pending.any() else v
        if p.v_min is not None:
            v = np.maximum(v, p.v_min)
        if not hasattr(node, "v_threshold"):
            self.state[name] = v, pending, current
            return v
        self.near(v - threshold)
        fired = v > threshold if p.compare == ">" else v >= threshold
        count = np.where(fired, np.minimum(np.floor(v / threshold), 255) if p.multi_spike else 1.0, 0.0)
        after = v if p.reset_delay else np.where(fired, reset(v, count), v)
        self.state[name] = after, fired & p.reset_delay, current
        return count


NEURONS = (nir.LIF, nir.IF, nir.LI, nir.I, nir.CubaLIF, nir.CubaLI, nir.Threshold)
