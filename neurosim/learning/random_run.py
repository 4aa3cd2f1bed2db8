"""One learning step on random networks: weights, spikes and errors are drawn, what the rule touches is executed.

Nothing is learned and nothing has an accuracy. It shows what a rule costs at a firing rate and a number of timesteps
that no trained network here has.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX, new_counts
from neurosim.learning.rules import STEPS, find_rule
from neurosim.learning.run import LearningRun, Settings, _adapt, _learner, _update

HALVINGS = 24
SPREAD = 0.5
"""Deviation of what a neuron hears in a step, in thresholds."""
DRIVES = (-4.0, 4.0)
"""Mean of what a neuron hears in a step, in thresholds: searched between these."""


@dataclass(frozen=True, eq=False)
class RandomRun:
    """``run`` and ``counts`` (layers, counters) as `cost_of` takes them, and the rate at which hidden neurons fired."""

    run: LearningRun
    counts: np.ndarray
    input_rate: float
    hidden_rate: float


def random_runs(
    rules: list[str], rate: float, timesteps: int, sizes: tuple[int, ...], samples: int, seed: int, settings: dict
) -> dict[str, RandomRun]:
    """Each rule on the same network and spikes, by name.

    Inputs spike with probability ``rate`` in each step. Weights of a hidden layer are normal; their mean is searched
    until the layer fires at the same rate, as near as these samples allow, so that membranes stay within reach of the
    threshold, as they do in networks that learned. One update a sample. ``settings`` are further fields of `Settings`.
    Raises NeurosimError for a rule on spike times, which has no rate a step, and for a local one.
    """
    wrong = [name for name in rules if find_rule(name).works_on != STEPS]
    wrong += [name for name in rules if find_rule(name).local]
    if wrong:
        raise NeurosimError(
            f"map: rule {wrong[0]!r} is local or works on spike times; take one with gradients in timesteps"
        )
    rng = np.random.default_rng([seed, timesteps, round(rate * 1e9), *sizes])
    spikes = rng.random((samples, timesteps, sizes[0])) < rate
    inputs = [_sparse(sample) for sample in spikes]
    errors = rng.normal(0, 0.3, (samples, sizes[-1])).astype(np.float32)
    # A layer hears rate x inputs spikes in a step: weights that make their sum vary by SPREAD.
    weights = [
        rng.normal(0, SPREAD / (rate * n_in) ** 0.5, (n_in, n)).astype(np.float32) for n_in, n in pairwise(sizes)
    ]
    for layer in range(len(sizes) - 2):
        _drive(rules[0], weights, layer, rate, timesteps, inputs)
    found = {}
    for name in rules:
        run = _network(name, weights, timesteps, settings)
        learner, counts = _learner(run), new_counts(len(weights))
        state = np.array([seed + 1], np.uint64)
        for sample, error in zip(inputs, errors, strict=True):
            learner.forward(*sample, counts)
            learner.backward(*sample, error, counts)
            # A rate of zero: every write-back is counted, and the next sample meets the same network.
            _update(run, learner, 0.0, state, counts)
            if run.rule.homeostasis:
                _adapt(run, learner, counts)
                for threshold in run.thresholds:
                    threshold[:] = 1
        hidden = sum(sizes[1:-1]) * timesteps * samples
        fired = int(counts[:-1, INDEX["post_spikes"]].sum()) / hidden
        run.most_history = learner.most_history
        found[name] = RandomRun(run, counts, float(spikes.mean()), fired)
    return found


def _network(name: str, weights: list[np.ndarray], timesteps: int, settings: dict) -> LearningRun:
    rule = find_rule(name)
    sizes = (weights[0].shape[0], *(w.shape[1] for w in weights))
    return LearningRun(
        rule, Settings(1, rule.rate, timesteps=timesteps, **settings), sizes, "random spikes",
        [w.copy() for w in weights], [np.ones(n, np.float32) for n in sizes[1:-1]], np.zeros(len(weights)),
    )  # fmt: skip


def _drive(name: str, weights: list[np.ndarray], layer: int, rate: float, timesteps: int, inputs: list) -> None:
    """Find by halving the mean weight at which a layer fires at ``rate``; layers above do not matter to it."""
    drawn = weights[layer].copy()
    places = len(inputs) * timesteps * drawn.shape[1]
    low, high = (drive / (rate * drawn.shape[0]) for drive in DRIVES)
    best = (np.inf, 0.0)
    for _ in range(HALVINGS):
        mean = (low + high) / 2
        weights[layer][:] = drawn + np.float32(mean)
        learner = _learner(_network(name, weights, timesteps, {}))
        counts = new_counts(len(weights))
        for sample in inputs:
            learner.forward(*sample, counts)
        fired = counts[layer, INDEX["post_spikes"]] / places
        best = min(best, (abs(fired - rate), mean))
        low, high = (mean, high) if fired < rate else (low, mean)
    weights[layer][:] = drawn + np.float32(best[1])


def _sparse(spikes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(timesteps, n) as (ptr, idx) by timestep."""
    steps, neurons = np.nonzero(spikes)
    ptr = np.searchsorted(steps, np.arange(len(spikes) + 1)).astype(np.int64)
    return ptr, neurons.astype(np.int32)
