"""Learners on spike times: STDBP (each neuron fires once, the first output decides) and the spike-timing learner of the
STD-ED kind (neurons fire again, a membrane readout decides)."""

from __future__ import annotations

import numpy as np

from neurosim.learning.counters import INDEX
from neurosim.learning.fast import timing

MOST_INVERSE, PUSH, SHARPNESS = 5.0, 0.1, 15.0
KINDS = ("stdbp", "std-ed")


class _Layer:
    """Scratch of one layer that fires: see `timing.forward_timed`."""

    def __init__(self, n_in: int, n: int, most: int, dtype) -> None:
        room = n * min(most, n_in + 1)
        self.state = np.zeros(n, dtype), np.zeros(n, dtype), np.zeros(n, np.int64), np.zeros(n, np.int64)
        self.spikes, self.at, self.slope = np.zeros((room, 3), np.int32), np.zeros(room, dtype), np.zeros(room, dtype)
        self.used, self.order = 0, np.zeros(0, np.int64)

    def sorted(self):
        """Spikes in the order of their times: neurons and times."""
        at = self.at[: self.used]
        self.order = np.argsort(at, kind="stable")
        return self.spikes[self.order, 0], at[self.order]


class TimeLearner:
    """One network that learns sample by sample from spike times within a window 0 .. ``end``."""

    def __init__(self, kind, weights, thresholds, end=1.0, most=4, dtype=np.float32, group=4):
        self.kind, self.weights, self.thresholds, self.dtype, self.group = kind, weights, thresholds, dtype, group
        self.end = dtype(end)
        self.most = 1 if kind == "stdbp" else most
        firing = weights if kind == "stdbp" else weights[:-1]
        self.layers = [_Layer(*w.shape, self.most, dtype) for w in firing]
        self.out = np.zeros(weights[-1].shape[1], dtype)
        self.grad = [np.zeros_like(w) for w in weights]
        self.touched = [np.zeros(w.shape, np.uint8) for w in weights]
        self.inputs = []
        self.most_history = np.zeros(len(weights), np.int64)

    def forward(self, idx, times, counts):
        """Logits (n_out,): minus the first spike times, sharpened, or the readout's membranes."""
        self.inputs = []
        for number, layer in enumerate(self.layers):
            self.inputs.append((idx, times))
            layer.used = timing.forward_timed(
                idx, times, self.weights[number], self.thresholds[number], self.end, self.most, *layer.state,
                layer.spikes, layer.at, layer.slope, counts[number],
            )  # fmt: skip
            idx, times = layer.sorted()
        counts[:, INDEX["samples"]] += 1
        if self.kind == "stdbp":
            self.out[:] = self.end
            self.out[idx] = times
            return self.out * self.dtype(-SHARPNESS)
        self.inputs.append((idx, times))
        timing.forward_ramps(idx, times, self.weights[-1], self.end, self.out, counts[-1])
        return self.out

    def backward(self, error, target, counts):
        """Add the gradients of the last sample; ``error`` (n_out,) is the loss's gradient by the logits."""
        top = len(self.layers) - 1
        if self.kind == "stdbp":
            layer = self.layers[top]
            owner = layer.spikes[: layer.used, 0]
            wrong = (error[owner] * self.dtype(-SHARPNESS)).astype(self.dtype)
            if layer.state[3][target] == 0:
                idx, times = self.inputs[top]
                heard = int(np.searchsorted(times, self.end, side="right"))
                timing.push(idx, heard, target, self.dtype(PUSH), self.grad[top], self.touched[top], counts[top])
        else:
            idx, times = self.inputs[-1]
            below = np.zeros(idx.size, self.dtype)
            timing.back_ramps(
                idx,
                times,
                self.weights[-1],
                self.end,
                error,
                self.grad[-1],
                self.touched[-1],
                below,
                self.group,
                counts[-1],
            )
            wrong = self._by_spike(self.layers[top], below)
        for number in range(top, -1, -1):
            layer, (idx, times) = self.layers[number], self.inputs[number]
            below = np.zeros(idx.size if number else 0, self.dtype)
            timing.back_timed(
                idx, times, self.weights[number], layer.spikes, layer.at, layer.slope, wrong, layer.used,
                self.dtype(MOST_INVERSE), self.grad[number], self.touched[number], below, number > 0, counts[number],
            )  # fmt: skip
            kept = layer.used + (idx.size if number == 0 else 0)
            counts[number, INDEX["history_writes"]] += kept
            self.most_history[number] = max(self.most_history[number], kept)
            if number:
                wrong = self._by_spike(self.layers[number - 1], below)

    def _by_spike(self, layer, below):
        """Errors in the order of the layer's spikes from errors in the order of their times."""
        out = np.zeros(layer.used, self.dtype)
        out[layer.order] = below
        return out

    def fired(self) -> list[np.ndarray]:
        """Spikes of every neuron that can fire, in the last sample."""
        return [layer.state[3].astype(np.float32) for layer in self.layers]
