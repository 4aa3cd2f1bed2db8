"""Spike times of ReL-PSP layers, written out: the specification of `fast.timing`."""

from __future__ import annotations

import numpy as np


def spikes(times, weights, threshold, end, most):
    """(neuron, time) of every spike of a layer; ``times`` (n_in,) of its inputs, infinity for a silent one.

    Between two inputs a membrane is a straight line, so the first crossing is looked for line by line.
    """
    found = []
    order = np.argsort(times, kind="stable")
    for j in range(weights.shape[1]):
        fired = 0
        active: list[int] = []
        events = [i for i in order if times[i] <= end]
        for n in range(len(events) + 1):
            until = times[events[n]] if n < len(events) else end
            a = sum(weights[i, j] for i in active)
            b = sum(weights[i, j] * times[i] for i in active)
            if fired < most and a > 0 and a * until - b >= threshold[j]:
                found.append((j, (threshold[j] + b) / a))
                fired, active = fired + 1, []
            if n < len(events):
                active.append(events[n])
    return sorted(found, key=lambda spike: (spike[1], spike[0]))
