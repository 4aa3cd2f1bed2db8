"""Learners with rules local to a synapse, that update while they run: STDP, SDSP and e-prop on rows of a `LearningRun`.

Each has ``learn(ptr, idx, label, rate, count)``, which presents a sample with its teacher and says whether the answer
was right, and ``forward(ptr, idx, count)``, which gives a score a class (n_classes,) and changes nothing.
"""

from __future__ import annotations

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX
from neurosim.learning.fast import eprop, sdsp, stdp

WHOLE_NUMBERS = ("stdp", "sdsp")
SDSP_CHIP = (200, 0, 100, 1, 7, 7, 0, 29, 18, 0)
SDSP_MARGIN = 20
STDP_KEEP = 250
"""Of 256: what a trace of STDP keeps a timestep."""
STDP_THRESHOLD, STDP_FIRST, STDP_RISE, STDP_PUSH = 0.4, (0.2, 0.6), 0.015, 0.15
"""First threshold and rise of a winner's, in mean input spikes at full weight; push after a wrong answer, in rises."""
STDP_MOST_BITS = 16
EPROP_WIDTH, EPROP_FIRST_LABEL = 1.0, 0.0
"""Half width of the staircase, in first thresholds; share of the timesteps before the target is there."""
EPROP_STEP_BITS = 8
"""A weight moves by at most one step of so many bits at once, however fine its own steps are (ReckOn: one step)."""


class _Local:
    """What the three share: counted layers, the generator of the rounding, the most that was kept (nothing)."""

    def __init__(self, run, state: np.ndarray) -> None:
        self.run, self.state, self.group = run, state, run.group
        self.most_history = np.zeros(len(run.weights), np.int64)
        if run.settings.batch != 1:
            raise NeurosimError(
                f"batch: got {run.settings.batch}, but {run.rule.name} changes weights while a sample runs; leave it 1"
            )

    def forward(self, ptr, idx, count) -> np.ndarray:
        count[:, INDEX["samples"]] += 1
        return self.present(ptr, idx, 0, False, count)

    def learn(self, ptr, idx, label: int, rate: float, count) -> bool:
        self.rate = rate
        count[:, INDEX["samples"]] += 1
        return int(self.present(ptr, idx, label, True, count).argmax()) == label


class StdpLearner(_Local):
    """One layer of neurons that learn, each of a class, and a vote that does not."""

    def __init__(self, run, state: np.ndarray, heard: float) -> None:
        super().__init__(run, state)
        bits = run.settings.weight_bits
        if bits is None or bits > STDP_MOST_BITS:
            raise NeurosimError(f"weight_bits: got {bits or 'float32'}, but stdp stores 2 to {STDP_MOST_BITS} bits")
        n_in, n, n_classes = run.sizes
        if n < n_classes:
            raise NeurosimError(f"hidden: got {n} neurons, stdp needs one a class at least ({n_classes})")
        self.top = (1 << (bits - 1)) - 1
        self.full = heard * self.top
        self.v, self.x = np.zeros(n, np.int64), np.zeros(n_in, np.int64)
        self.votes = np.zeros(n_classes, np.int64)
        self.classes = np.arange(n) % n_classes

    def present(self, ptr, idx, label, learns, count) -> np.ndarray:
        rule = self.run.rule
        rate = self.rate if learns else 0.0
        slower = rate / rule.rate
        gain, rise = round(rate * 2**16), round(STDP_RISE * self.full * slower)
        numbers = np.array([STDP_KEEP, gain, self.top, rise, round(STDP_PUSH * rise)], np.int64)
        stdp.present(
            ptr, idx, numbers, self.run.weights[0], self.run.thresholds[0], self.classes, self.v, self.x, self.votes,
            label, learns, self.state, count,
        )  # fmt: skip
        return self.votes


class SdspLearner(_Local):
    """One layer of ODIN's neurons, one a class. A score is what a neuron was given: spikes x threshold + membrane.

    A sample is shown first without plasticity; where the right class leads by less than the margin, the teacher shows
    it again, thinned out (`fast.sdsp`).
    """

    def __init__(self, run, state: np.ndarray) -> None:
        super().__init__(run, state)
        n = run.sizes[-1]
        self.chip = np.array(SDSP_CHIP, np.int64)
        self.v, self.ca, self.ca_count, self.flag, self.fired = (np.zeros(n, np.int64) for _ in range(5))

    def present(self, ptr, idx, label, learns, count) -> np.ndarray:
        scores = self._show(ptr, idx, 0, 0, False, count[0])
        if learns:
            others = np.where(np.arange(scores.size) == label, -1, scores)
            rival = int(others.argmax())
            if scores[label] - others[rival] < SDSP_MARGIN:
                self.chip[sdsp.SHOW] = round(256 * self.rate)
                self._show(ptr, idx, label, rival, True, count[0])
            else:
                count[:, INDEX["updates_skipped"]] += 1
        return scores

    def _show(self, ptr, idx, label, rival, learns, count) -> np.ndarray:
        sdsp.present(
            ptr, idx, self.chip, self.run.weights[0], self.v, self.ca, self.ca_count, self.flag, self.fired, label,
            rival, learns, self.state, self.group, count,
        )  # fmt: skip
        return self.fired * self.chip[sdsp.THRESHOLD] + self.v


class EpropLearner(_Local):
    """A layer of LIF neurons and a readout, trained forward in time."""

    def __init__(self, run, state: np.ndarray) -> None:
        super().__init__(run, state)
        if run.settings.weight_bits is None:
            raise NeurosimError("weight_bits: got float32, but e-prop moves weights by whole steps; give 2 to 24")
        if len(run.sizes) != 3:
            raise NeurosimError(f"hidden: got {len(run.sizes) - 2} layers, e-prop has one")
        f = np.float32
        n_in, n, n_out = run.sizes
        top = (1 << (run.settings.weight_bits - 1)) - 1
        self.grids = run.step.astype(f)
        self.tops = (run.step * top).astype(f)
        self.most = f(max(1, 2 ** (run.settings.weight_bits - EPROP_STEP_BITS)))
        self.keep = round(256 * run.decay)
        self.first_label = int(EPROP_FIRST_LABEL * run.settings.timesteps)
        self.u, self.given, self.factors = np.zeros(n, f), np.zeros(n, f), np.zeros(n, f)
        self.s, self.x, self.z = np.zeros(n, np.uint8), np.zeros(n_in, np.int64), np.zeros(n, np.int64)
        self.seen = np.zeros(n_in, np.int64)
        self.out, self.step, self.error, self.out_factors = (np.zeros(n_out, f) for _ in range(4))
        self.rate = 0.0

    def present(self, ptr, idx, label, learns, count) -> np.ndarray:
        run = self.run
        # What one step of the trace, of the slope and of the weight's grid stand for.
        units = np.array([eprop.X_STEP * eprop.LEVELS, eprop.Z_STEP]) * self.grids.astype(float)
        eprop.present(
            ptr, idx, *run.weights, np.float32(run.decay), run.thresholds[0], np.float32(EPROP_WIDTH), self.keep,
            self.first_label, label, learns, (self.rate / units).astype(np.float32), self.grids, self.most, self.tops,
            self.u, self.s, self.given, self.x, self.z, self.seen, self.out, self.step, self.error, self.factors,
            self.out_factors, self.state, self.group, count,
        )  # fmt: skip
        return self.out


def local_learner(run, state: np.ndarray, heard: float):
    """The learner of ``run.rule``; ``heard`` input spikes a sample come on average."""
    if run.rule.name == "stdp":
        return StdpLearner(run, state, heard)
    return SdspLearner(run, state) if run.rule.name == "sdsp" else EpropLearner(run, state)


def first_local(rule, settings, sizes, heard: float, rng) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """First weights and thresholds of a rule on whole numbers (stdp, sdsp)."""
    if rule.name == "sdsp":
        return [rng.integers(0, sdsp.WEIGHT_MAX + 1, (sizes[0], sizes[-1]))], []
    top = (1 << ((settings.weight_bits or 2) - 1)) - 1
    n_in, n, n_classes = sizes
    low, high = STDP_FIRST
    weights = rng.integers(round(low * top), round(high * top) + 1, (n_in, n))
    vote = (np.arange(n)[:, None] % n_classes == np.arange(n_classes)).astype(np.int64)
    threshold = max(1, round(STDP_THRESHOLD * rule.mean * heard * top))
    return [weights, vote], [np.full(n, threshold, np.int64)]
