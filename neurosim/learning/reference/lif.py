"""The step learners written out in numpy, all steps and all weights: what `fast.lif` and its counters must equal."""

from __future__ import annotations

import numpy as np


def run(spikes, weights, thresholds, decay):
    """Membranes and spikes of every hidden layer, (timesteps, n) each, and the logits; ``spikes`` (timesteps, n_in)."""
    membranes, trains = [], [np.asarray(spikes, float)]
    for w, threshold in zip(weights[:-1], thresholds, strict=False):
        u, s = np.zeros((len(spikes), w.shape[1])), np.zeros((len(spikes), w.shape[1]))
        for t in range(len(spikes)):
            if t:
                u[t] = decay * u[t - 1] * (1 - s[t - 1])
            u[t] += trains[-1][t] @ w
            s[t] = u[t] >= threshold
        membranes.append(u)
        trains.append(s)
    return membranes, trains, trains[-1].sum(axis=0) @ weights[-1]


def surrogate(u, s, threshold, width, least):
    """A triangle around the threshold; with ``least`` >= 0 it counts at spikes alone, and there at least that."""
    g = np.maximum(0, 1 - np.abs(u - threshold) / width) / width
    return np.where(s > 0, np.maximum(least, g), 0) if least >= 0 else g


def gradients(spikes, weights, thresholds, decay, width, least, error):
    """Gradients of all weights for the loss gradient ``error`` of the logits, and (timesteps, n) dU of each layer."""
    membranes, trains, _ = run(spikes, weights, thresholds, decay)
    grads = [np.zeros(w.shape) for w in weights]
    grads[-1] = np.outer(trains[-1].sum(axis=0), error)
    d_spike = np.tile(weights[-1] @ error, (len(spikes), 1))
    d_us = []
    for layer in range(len(weights) - 2, -1, -1):
        u, s = membranes[layer], trains[layer + 1]
        d_u = np.zeros(u.shape)
        for t in range(len(u) - 1, -1, -1):
            d_u[t] = d_spike[t] * surrogate(u[t], s[t], thresholds[layer], width, least)
            if t + 1 < len(u):
                d_u[t] += decay * (1 - s[t]) * d_u[t + 1]
        grads[layer] = trains[layer].T @ d_u
        d_spike = d_u @ weights[layer].T
        d_us.insert(0, d_u)
    return grads, d_us


def pairs(before, after) -> int:
    """Pairs of an input spike and a neuron that fires at or after it, by brute force over (timesteps, n) trains."""
    count = 0
    for t in range(before.shape[0]):
        for i in range(before.shape[1]):
            if before[t, i]:
                count += sum(1 for j in range(after.shape[1]) if after[t:, j].any())
    return count
