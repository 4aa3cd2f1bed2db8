"""Learners in time steps on LIF layers with a membrane readout: BPTT dense, held or skipping zeros; MPD-ED.

The loss is the cross-entropy of the readout's membranes after the last step. The three differ in what they touch and
count; BPTT in any of its forms makes the same gradients, MPD-ED those of a surrogate that is masked by the spike.
"""

from __future__ import annotations

import numpy as np

from neurosim.learning.counters import INDEX
from neurosim.learning.fast import lif

WALKS = {"bptt-dense": lif.DENSE, "bptt": lif.SKIP, "bptt-held": lif.HELD}
KINDS = (*WALKS, "mpd-ed")
LEAST_SLOPE = 0.3


class StepLearner:
    """One network that learns sample by sample; see `neurosim.learning.rules` for what the settings mean."""

    def __init__(self, kind, weights, thresholds, timesteps, decay, width=1.0, dtype=np.float32, group=4):
        self.kind, self.timesteps, self.group = kind, timesteps, group
        self.weights, self.thresholds = weights, thresholds
        self.decay, self.width = dtype(decay), dtype(width)
        self.masked = kind == "mpd-ed"
        self.least = dtype(LEAST_SLOPE if self.masked else -1)
        self.powers = (self.decay ** np.arange(timesteps)).astype(dtype)
        sizes = [w.shape[0] for w in weights] + [weights[-1].shape[1]]
        hidden = sizes[1:-1]
        self.u = [np.zeros((timesteps, n), dtype) for n in hidden]
        self.s = [np.zeros((timesteps, n), np.uint8) for n in hidden]
        self.d_u = [np.zeros((timesteps, n), dtype) for n in hidden]
        self.d_s = [np.zeros((timesteps, n), dtype) for n in hidden]
        self.ptr = [np.zeros(timesteps + 1, np.int64) for _ in hidden]
        self.idx = [np.zeros(timesteps * n, np.int32) for n in hidden]
        self.pairs = [
            (np.zeros(n, np.int32), np.zeros(n, dtype), np.zeros(n, np.int64), np.zeros(n, dtype)) for n in hidden
        ]
        self.out, self.step = np.zeros(sizes[-1], dtype), np.zeros(sizes[-1], dtype)
        self.below = np.zeros(sizes[-2], dtype)
        self.none = np.zeros((timesteps, 0), dtype)
        self.grad = [np.zeros_like(w) for w in weights]
        self.touched = [np.zeros(w.shape, np.uint8) for w in weights]
        self.most_history = np.zeros(len(weights), np.int64)

    def forward(self, ptr, idx, counts):
        """Logits (n_out,) of one sample."""
        for layer in range(len(self.u)):
            lif.forward_lif(
                ptr, idx, self.weights[layer], self.decay, self.thresholds[layer], self.u[layer], self.s[layer],
                self.ptr[layer], self.idx[layer], counts[layer],
            )  # fmt: skip
            ptr, idx = self.ptr[layer], self.idx[layer]
        lif.forward_readout(ptr, idx, self.weights[-1], self.step, self.out, counts[-1])
        counts[:, INDEX["samples"]] += 1
        return self.out

    def backward(self, ptr, idx, error, counts):
        """Add the gradients of the last sample for the loss gradient ``error`` (n_out,) of its logits."""
        last = len(self.u)
        inputs = [(ptr, idx), *zip(self.ptr, self.idx, strict=True)]
        self.history(inputs, counts)
        lif.back_readout(
            *inputs[last], self.weights[last], error, self.grad[last], self.touched[last], self.below, last > 0,
            self.group, counts[last],
        )  # fmt: skip
        if last:
            self.d_s[-1][:] = self.below
        for layer in range(last - 1, -1, -1):
            below = self.d_s[layer - 1] if layer else self.none
            common = (self.grad[layer], self.touched[layer], below, layer > 0)
            if self.masked:
                lif.back_pairs(
                    *inputs[layer], *inputs[layer + 1], self.weights[layer], self.powers, self.thresholds[layer],
                    self.width, self.least, self.u[layer], self.d_s[layer], *common, *self.pairs[layer],
                    self.group, counts[layer],
                )  # fmt: skip
            else:
                lif.back_steps(
                    *inputs[layer], self.weights[layer], self.decay, self.thresholds[layer], self.width, self.least,
                    self.u[layer], self.s[layer], self.d_s[layer], self.d_u[layer], *common,
                    WALKS[self.kind], self.group, counts[layer],
                )  # fmt: skip

    def history(self, inputs, counts):
        """Count what the forward pass had to keep: all membranes and spike bits, or the spikes alone."""
        for layer in range(len(self.u)):
            kept = int(inputs[layer + 1][0][-1]) if self.masked else self.u[layer].size
            if self.masked and layer == 0:
                kept += int(inputs[0][0][-1])
            counts[layer, INDEX["history_writes"]] += kept
            self.most_history[layer] = max(self.most_history[layer], kept)
        if not self.u and self.masked:
            counts[0, INDEX["history_writes"]] += int(inputs[0][0][-1])

    def fired(self) -> list[np.ndarray]:
        """Spikes of every hidden neuron in the last sample."""
        return [s.sum(axis=0, dtype=np.float32) for s in self.s]
