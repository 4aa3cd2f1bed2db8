"""The local learners written out, one visit and one count at a time: what `fast.stdp`, `fast.sdsp` and `fast.eprop`
must equal, every number and every counter.

Spikes come as (timesteps, n_in) trains of 0 and 1. ``Tally`` counts by name, a visit at a time.
"""

from __future__ import annotations

import math
from collections import Counter

import numpy as np

F = np.float32


class Tally(Counter):
    """Counts by (layer, name)."""

    def add(self, layer: int, *names: str) -> None:
        for name in names:
            self[layer, name] += 1


class Generator:
    """The xorshift of 64 bits, in Python's whole numbers."""

    def __init__(self, state: int) -> None:
        self.state = state

    def draw(self) -> int:
        mask = (1 << 64) - 1
        self.state ^= (self.state << 13) & mask
        self.state ^= self.state >> 7
        self.state ^= (self.state << 17) & mask
        return self.state


def words(n: int, group: int) -> range:
    """The words that a row of ``n`` weights fills."""
    return range(-(-n // group))


class Sdsp:
    """Neurons of ODIN: see `fast.sdsp`. ``chip`` by name as there, in small letters."""

    def __init__(self, chip: dict[str, int], weights: np.ndarray, generator: Generator) -> None:
        self.chip, self.weights, self.generator = chip, weights, generator
        self.rest()

    def rest(self) -> None:
        n = self.weights.shape[1]
        self.v, self.ca, self.ca_count, self.flag, self.fired = ([0] * n for _ in range(5))

    def visit(self, j: int, change: int, tally: Tally, leaking: bool = False) -> None:
        chip = self.chip
        value = min(max(self.v[j] + change, 0), 255)
        fires = value >= chip["threshold"]
        self.v[j] = 0 if fires else value
        fades = False
        if leaking and chip["ca_leak"]:
            self.ca_count[j] = (self.ca_count[j] + 1) % chip["ca_leak"]
            fades = self.ca_count[j] == 0
        if fires != fades:
            self.ca[j] = min(max(self.ca[j] + (1 if fires else -1), 0), 7)
        self.flag[j] = 0
        if self.v[j] >= chip["middle"] and chip["low"] <= self.ca[j] < chip["stop_up"]:
            self.flag[j] = 1
        if self.v[j] < chip["middle"] and chip["low"] <= self.ca[j] < chip["stop_down"]:
            self.flag[j] = -1
        self.fired[j] += fires
        tally.add(0, "neuron_updates", "trace_updates", *(["post_spikes"] if fires else []))

    def present(
        self, spikes: np.ndarray, label: int, rival: int, learns: bool, group: int, tally: Tally
    ) -> list[int]:  # fmt: skip
        """One sample from rest; spikes of each neuron."""
        self.rest()
        n = self.weights.shape[1]
        for j in range(n if learns else 0):
            events = self.chip["fire"] * (j in (label, rival)) + self.chip["lift"] * (j == label)
            for _ in range(events):
                tally.add(0, "teacher_events")
                self.visit(j, 7, tally)
        for train in spikes:
            tally.add(0, "steps")
            for i in np.flatnonzero(train):
                if learns and self.generator.draw() >> 56 >= self.chip["show"]:
                    continue
                tally.add(0, "replay_spikes" if learns else "pre_spikes")
                before = self.weights[i].copy()
                for j in range(n if learns else 0):
                    tally.add(0, "plastic_pairs")
                    self.weights[i, j] = min(max(before[j] + self.flag[j], 0), 7)
                    if self.weights[i, j] != before[j]:
                        tally.add(0, "weights_written")
                for _ in words(n, group) if learns else ():
                    tally.add(0, "written_words")
                for j in range(n):
                    tally.add(0, "replay_adds" if learns else "forward_adds")
                    self.visit(j, int(before[j]), tally)
            for j in range(n):
                tally.add(0, "replay_leaks" if learns else "leak_events")
                self.visit(j, -min(self.chip["leak"], self.v[j]), tally, leaking=True)
        return self.fired


class Stdp:
    """Winner, teacher and traces: see `fast.stdp`. ``rule`` by name as there, in small letters."""

    def __init__(self, rule: dict[str, int], weights, thresholds, classes, n_classes: int, generator) -> None:
        self.rule, self.weights, self.thresholds = rule, weights, thresholds
        self.classes, self.n_classes, self.generator = classes, n_classes, generator

    def move(self, i: int, j: int, change: int, tally: Tally) -> None:
        part = self.generator.draw() >> (64 - 23)
        before = int(self.weights[i, j])
        self.weights[i, j] = min(max(before + (change + part) // 2**23, 0), self.rule["top"])
        tally.add(0, "plastic_pairs", "plastic_words", "random_draws", "plastic_products", "plastic_products")
        if self.weights[i, j] != before:
            tally.add(0, "weights_written", "written_words")

    def present(self, spikes: np.ndarray, label: int, learns: bool, tally: Tally) -> list[int]:
        """One sample; the votes of the first neurons to fire."""
        n_in, n = self.weights.shape
        own = [j for j in range(n) if self.classes[j] == label]
        v, x, y, votes, winner, voted = [0] * n, [0] * n_in, 0, [0] * self.n_classes, None, False
        for t, train in enumerate(spikes):
            if learns:
                x = [trace * self.rule["keep"] // 256 for trace in x]
                y = y * self.rule["keep"] // 256
                for _ in range(n_in + n):
                    tally.add(0, "trace_updates")
            for i in np.flatnonzero(train):
                tally.add(0, "pre_spikes")
                if learns:
                    x[i] = 127
                if winner is not None:
                    self.move(i, winner, -self.rule["gain"] * y * int(self.weights[i, winner]), tally)
                    continue
                for j in own if voted else range(n):
                    if learns or not voted:
                        v[j] += int(self.weights[i, j])
                        tally.add(0, "forward_adds")
            tally.add(0, "steps")
            for _ in range(n):
                tally.add(0, "neuron_updates")
            for _ in range(self.n_classes):
                tally.add(1, "neuron_updates")
            firing = [] if voted else [j for j in range(n) if v[j] >= self.thresholds[j]]
            for j in firing:
                votes[self.classes[j]] += 1
                tally.add(0, "post_spikes")
                tally.add(1, "pre_spikes")
                for _ in range(self.n_classes):
                    tally.add(1, "forward_adds")
            if firing:
                voted = True
                for _ in range(n - len(own) if learns else 0):
                    tally.add(0, "teacher_events")
            if not learns or winner is not None:
                continue
            above = [v[j] - int(self.thresholds[j]) for j in own]
            if max(above) < 0 and t < len(spikes) - 1:
                continue
            winner = own[above.index(max(above))]
            if max(above) < 0:
                tally.add(0, "teacher_events")
            if winner not in firing:
                tally.add(0, "post_spikes")
            y = 127
            for i in range(n_in):
                pull = x[i] * self.rule["top"] - 127 * int(self.weights[i, winner])
                self.move(i, winner, self.rule["gain"] * pull, tally)
        if learns:
            self.adapt(own, winner, label, votes.index(max(votes)) if voted else -1, tally)
        return votes

    def adapt(self, own: list[int], winner: int, label: int, answer: int, tally: Tally) -> None:
        self.thresholds[winner] += self.rule["rise"]
        tally.add(0, "threshold_updates")
        for j in range(len(self.classes)):
            if j in own:
                push = self.rule["push"] if answer != label else 0
                self.thresholds[j] = max(self.thresholds[j] - self.rule["rise"] // len(own) - push, 1)
                tally.add(0, "threshold_updates")
            elif self.classes[j] == answer and answer != label:
                self.thresholds[j] = max(self.thresholds[j] + self.rule["push"], 1)
                tally.add(0, "threshold_updates")


class Eprop:
    """LIF layer and readout with e-prop: see `fast.eprop`; arguments of the same names."""

    def __init__(
        self, weights, thresholds, decay, width, keep, first_label, scales, grids, most, tops, generator
    ) -> None:  # fmt: skip
        self.weights, self.thresholds, self.decay, self.width = weights, thresholds, F(decay), F(width)
        self.keep, self.first_label, self.generator = keep, first_label, generator
        self.scales, self.grids, self.tops, self.most = scales, grids, tops, F(most)

    def slope(self, j: int) -> int:
        distance = F(abs(F(self.u[j] - self.thresholds[j])))
        return sum(F(distance * F(4)) < F(self.width * F(part)) for part in (1, 2, 3, 4))

    def move(self, layer: int, i: int, j: int, factor, trace: int, tally: Tally) -> None:
        tally.add(layer, "plastic_pairs")
        if factor == 0:
            return
        tally.add(layer, "plastic_products", "random_draws")
        change = F(-factor * F(trace))
        low = F(math.floor(change))
        steps = low + F((self.generator.draw() >> 11) * 2.0**-53 < F(change - low))
        steps = min(max(steps, -self.most), self.most)
        before = self.weights[layer][i, j]
        self.weights[layer][i, j] = min(max(F(before + steps * self.grids[layer]), -self.tops[layer]), self.tops[layer])
        if self.weights[layer][i, j] != before:
            tally.add(layer, "weights_written")

    def present(self, spikes: np.ndarray, label: int, learns: bool, group: int, tally: Tally) -> np.ndarray:
        """One sample; the readout's membranes."""
        w_in, w_out = self.weights
        (n_in, n), n_out = w_in.shape, w_out.shape[1]
        x, z = [0] * n_in, [0] * n
        self.u, s, out = np.zeros(n, F), np.zeros(n, bool), np.zeros(n_out, F)
        for t, train in enumerate(spikes):
            for i in range(n_in if learns else 0):
                x[i] = min(x[i] * self.keep // 256 + (1024 if train[i] else 0), 4095)
                tally.add(0, "trace_updates")
            for _ in range(n if learns else 0):
                tally.add(1, "trace_updates")
            given = np.zeros(n, F)
            for i in np.flatnonzero(train):
                tally.add(0, "pre_spikes")
                for j in range(n):
                    given[j] += w_in[i, j]
                    tally.add(0, "forward_adds")
            for i in range(max(n_in, n)):
                if learns and i < n_in and train[i] and i >= n:
                    tally.add(0, "late_inputs")
            step = np.zeros(n_out, F)
            for j in range(n):
                kept = F(0) if t == 0 or s[j] else F(self.decay * self.u[j])
                self.u[j] = F(kept + given[j])
                s[j] = self.u[j] >= self.thresholds[j]
                tally.add(0, "neuron_updates")
                if s[j]:
                    z[j] = min(z[j] + 64, 1023) if learns else 0
                    tally.add(0, "post_spikes")
                    tally.add(1, "pre_spikes")
                    for k in range(n_out):
                        step[k] += w_out[j, k]
                        tally.add(1, "forward_adds")
            for i in range(max(n_in, n)):
                if (i < n_in and train[i]) or (i < n and s[i]):
                    tally.add(0, "active_indices")
            for k in range(n_out):
                out[k] += step[k]
                tally.add(1, "neuron_updates")
            tally.add(0, "steps")
            if learns and t >= self.first_label:
                self.learn(x, z, out, label, group, tally)
        return out

    def learn(self, x, z, out, label: int, group: int, tally: Tally) -> None:
        w_in, w_out = self.weights
        (_n_in, n), n_out = w_in.shape, w_out.shape[1]
        tally.add(0, "labelled_steps")
        error = [F(0)] * n_out
        others = [k for k in range(n_out) if k != label]
        if others:
            best = max(others, key=lambda k: (out[k], -k))
            error[best] = min(max(F(F(2) + F(out[best] - out[label])), F(0)), F(1))
            error[label] = F(-error[best])
        read = [F(e * self.scales[1]) for e in error]
        for _ in range(n_out):
            tally.add(1, "plastic_products")
        factors = []
        for j in range(n):
            total = F(0)
            for k in range(n_out):
                total = F(total + F(error[k] * w_out[j, k]))
                tally.add(0, "error_products")
            for _ in words(n_out, group):
                tally.add(0, "error_words")
            tally.add(0, "surrogates", "plastic_products", "plastic_products")
            factors.append(F(F(total * F(self.slope(j))) * self.scales[0]))
        for layer, traces, by in ((0, x, factors), (1, z, read)):
            for i, trace in enumerate(traces):
                if trace == 0:
                    continue
                for _ in words(len(by), group):
                    tally.add(layer, "plastic_words", "written_words")
                for j, factor in enumerate(by):
                    self.move(layer, i, j, factor, trace, tally)
