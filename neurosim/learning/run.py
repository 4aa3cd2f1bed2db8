"""A learning run: epochs over the data, counted as it goes, then the same network asked about the test part."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX, new_counts
from neurosim.learning.data import LearningData, fitted
from neurosim.learning.fast.lif import apply
from neurosim.learning.local_learner import WHOLE_NUMBERS, first_local, local_learner
from neurosim.learning.rules import STEPS, Rule
from neurosim.learning.state import CUTOFF, LearningRun, Settings
from neurosim.learning.step_learner import StepLearner
from neurosim.learning.time_learner import TimeLearner

WINDOW = 1.0
SPAN = 2 / 3
RANGE = 4.0
THRESHOLDS = (0.3, 3.0)


def learn(
    rule: Rule,
    data: LearningData,
    settings: Settings,
    hidden: tuple[int, ...] | None = None,
    progress: Callable[[int, int, float, float], None] | None = None,
) -> LearningRun:
    """Train from random weights; same settings, same bytes. ``progress(epoch, epochs, train, test)`` every epoch."""
    data = as_taken(rule, data, settings)
    sizes = _sizes(rule, data, settings, hidden)
    if rule.weight_bits is not None:
        settings = replace(settings, weight_bits=rule.weight_bits)
    rng = np.random.default_rng([settings.seed, len(sizes), *sizes])
    code = settings.input_code
    if rule.works_on != STEPS and (code.kind != "latency" or code.options["curve"] != "linear"):
        raise NeurosimError(
            f"encoder: got {settings.encoder!r}, but {rule.name} works on spike times; take latency:cutoff=SHARE"
        )
    samples = _samples(rule, data.images, settings)
    tests = _samples(rule, data.test_images, settings)
    heard = float(np.mean([s[1].size if rule.works_on == STEPS else s[0].size for s in samples]))
    state = np.array([0x9E3779B97F4A7C15 ^ (settings.seed + 1)], np.uint64)
    if rule.name in WHOLE_NUMBERS:
        weights, thresholds = first_local(rule, settings, sizes, heard, rng)
        run = LearningRun(rule, settings, sizes, data.name, weights, thresholds, np.ones(len(weights)))
    else:
        weights = _first_weights(rule, sizes, heard, rng)
        firing = sizes[1:] if rule.name == "stdbp" else sizes[1:-1]
        thresholds = [np.ones(n, np.float32) for n in firing]
        run = LearningRun(rule, settings, sizes, data.name, weights, thresholds, np.zeros(len(weights)))
        if settings.weight_bits is not None:
            _round_first(run)
    learner = local_learner(run, state, heard) if rule.local else _learner(run)
    counts = []
    for epoch in range(settings.epochs):
        count = new_counts(len(weights))
        rate = settings.rate * rule.fall**epoch
        hits = _epoch(run, learner, samples, data.labels, rng.permutation(len(samples)), rate, state, count)
        counts.append(count)
        run.train_accuracy.append(hits / len(samples))
        run.test_counts = new_counts(len(weights))
        run.answers = np.array([int(learner.forward(*sample, run.test_counts).argmax()) for sample in tests])
        run.test_accuracy.append(float(np.mean(run.answers == data.test_labels)))
        if progress is not None:
            progress(epoch + 1, settings.epochs, run.train_accuracy[-1], run.test_accuracy[-1])
    run.counts, run.most_history = np.stack(counts), learner.most_history
    return run


def as_taken(rule: Rule, data: LearningData, settings: Settings) -> LearningData:
    """The data as rule and chip take it: averaged down to their inputs, paired where the rule has it so."""
    limits = [most for most in (rule.most_inputs, settings.most_inputs) if most is not None]
    return fitted(data, min(limits, default=None), rule.paired) if limits or rule.paired else data


def _sizes(rule: Rule, data: LearningData, settings: Settings, hidden: tuple[int, ...] | None) -> tuple[int, ...]:
    between = data.hidden if hidden is None else hidden
    if not rule.hidden:
        between = ()
    elif settings.most_hidden is not None:
        between = tuple(min(n, settings.most_hidden) for n in between)
    if rule.local and len(between) != rule.hidden:
        raise NeurosimError(f"hidden: got {len(between)} layers, {rule.name} has {int(rule.hidden)}")
    return data.n_inputs, *between, data.n_classes


def _learner(run: LearningRun):
    if run.rule.works_on == STEPS:
        return StepLearner(
            run.rule.name, run.weights, run.thresholds, run.settings.timesteps, run.decay, group=run.group
        )
    return TimeLearner(run.rule.name, run.weights, run.thresholds, WINDOW, most=1, group=run.group)


def _samples(rule: Rule, images: np.ndarray, settings: Settings) -> list[tuple[np.ndarray, np.ndarray]]:
    """Spikes of every image: (ptr, idx) by timestep, or (idx, times), one a pixel above the cutoff."""
    if rule.works_on == STEPS:
        stimulus = settings.input_code.stimulus(images, settings.timesteps, None, settings.seed)
        t = settings.timesteps
        rows = (stimulus.ptr[i * t : (i + 1) * t + 1] for i in range(len(images)))
        return [(ptr - ptr[0], stimulus.neuron[ptr[0] : ptr[-1]]) for ptr in rows]
    samples = []
    cutoff = settings.input_code.options["cutoff"]
    for image in coded_images(rule, images, cutoff).reshape(len(images), -1):
        idx = np.flatnonzero(image)
        times = (1 - image[idx] / np.float32(255)).astype(np.float32)
        order = np.argsort(times, kind="stable")
        samples.append((idx[order].astype(np.int32), times[order]))
    return samples


def coded_images(rule: Rule, images: np.ndarray, cutoff: float = CUTOFF) -> np.ndarray:
    """Images (n, height, width) uint8 whose latency code is what the rule learned from.

    A rule on spike times has its inputs in the first ``SPAN`` of the window, so that late ones still count; pixels at
    or below the cutoff are 0, which never spikes.
    """
    if rule.works_on == STEPS:
        return images
    early = np.rint(255 - (255 - images.astype(np.float64)) * SPAN).astype(np.uint8)
    return np.where(images > cutoff * 255, early, 0).astype(np.uint8)


def _first_weights(rule: Rule, sizes, heard, rng) -> list[np.ndarray]:
    """Random weights: a layer's mean input is ``rule.mean`` thresholds, so that it neither sleeps nor shouts."""
    steps = rule.works_on == STEPS
    weights = []
    for layer, shape in enumerate(pairwise(sizes)):
        inputs = max(1.0, heard if layer == 0 else shape[0])
        readout = layer == len(sizes) - 2 and rule.name != "stdbp"
        mean = 0.0 if readout else rule.mean / inputs
        spread = inputs**-0.5 if steps or readout else rule.spread * rule.mean / inputs
        weights.append(rng.normal(mean, spread, shape).astype(np.float32))
    return weights


def _round_first(run: LearningRun) -> None:
    """Bring the first weights to the grid of the weight memory, which reaches ``RANGE`` times their largest."""
    top = (1 << (run.settings.weight_bits - 1)) - 1
    for layer, w in enumerate(run.weights):
        # A power of two: steps then add exactly in float32.
        step = 2.0 ** np.ceil(np.log2(RANGE * float(np.abs(w).max()) / top))
        run.step[layer] = step
        w[:] = np.clip(np.rint(w / step), -top, top) * step


def _epoch(run, learner, samples, labels, order, rate, state, count) -> int:
    settings, hits, waiting = run.settings, 0, 0
    if run.rule.local:
        return sum(learner.learn(*samples[i], int(labels[i]), rate, count) for i in order)
    for number, i in enumerate(order):
        logits = learner.forward(*samples[i], count)
        hits += int(logits.argmax()) == labels[i]
        error = np.exp(logits - logits.max())
        error /= error.sum()
        error[labels[i]] -= 1
        if np.abs(error).max() < settings.skip_below:
            count[:, INDEX["updates_skipped"]] += 1
        else:
            if run.rule.works_on == STEPS:
                learner.backward(*samples[i], error, count)
            else:
                learner.backward(error, labels[i], count)
            waiting += 1
        if waiting and ((number + 1) % settings.batch == 0 or number + 1 == order.size):
            _update(run, learner, rate / settings.batch, state, count)
            waiting = 0
        if run.rule.homeostasis:
            _adapt(run, learner, count)
    return hits


def _update(run, learner, rate, state, count) -> None:
    top = 0 if run.settings.weight_bits is None else (1 << (run.settings.weight_bits - 1)) - 1
    dense = run.rule.name in ("bptt-dense", "bptt-held") or run.settings.write_all
    for layer, w in enumerate(run.weights):
        apply(
            w, learner.grad[layer], learner.touched[layer], np.float32(rate), dense, run.step[layer], top, state,
            learner.group, count[layer],
        )  # fmt: skip


def _adapt(run, learner, count) -> None:
    """Homeostasis: a threshold rises when its neuron fires more than the target, and falls when it fires less."""
    for layer, (threshold, fired) in enumerate(zip(run.thresholds, learner.fired(), strict=True)):
        threshold += np.float32(run.rule.homeostasis) * (fired - np.float32(run.rule.target))
        np.clip(threshold, *THRESHOLDS, out=threshold)
        count[layer, INDEX["threshold_updates"]] += threshold.size
