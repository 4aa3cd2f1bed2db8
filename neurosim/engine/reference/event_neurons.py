"""What one update does to a neuron, and one word's worth of learning to its synapses."""

from __future__ import annotations

import numpy as np

from neurosim.engine.event_plan import EventPlan, EventProgram


class Neurons:
    """State of all neurons and synapses, as Python integers in int64 arrays (n,) and (n, n)."""

    def __init__(self, plan: EventPlan, program: EventProgram) -> None:
        self.plan = plan
        self.program = program
        self.learning = program.learning
        self.membrane = program.membrane.astype(np.int64)
        self.weights = program.weights.astype(np.int64)
        self.weight_sum = int(self.weights.sum())
        if self.learning is not None:
            self.calcium = self.learning.calcium.astype(np.int64)
            self.calcium_count = self.learning.calcium_count.astype(np.int64)
            self.up = self.learning.up.astype(bool)
            self.down = self.learning.down.astype(bool)

    def effective(self, pre: int, post: int) -> int:
        """What a spike of ``pre`` adds to ``post``."""
        weight = int(self.weights[pre, post])
        learning = self.learning
        if learning is not None and not learning.mapping[pre, post] and not learning.propagate_unmapped:
            return 0
        return -weight if self.plan.sign_by_row and self.program.inhibitory[pre] else weight

    def add(self, neuron: int, weight: int) -> bool:
        """Saturating add; whether the neuron fires."""
        value = int(self.membrane[neuron]) + weight
        return self._settle(neuron, min(max(value, self.plan.state_min), self.plan.state_max), leaking=False)

    def leak(self, neuron: int) -> bool:
        """One step toward zero and not across it; whether the neuron fires."""
        value, step = int(self.membrane[neuron]), int(self.program.leak[neuron])
        if self.learning is None or self.learning.leak_enabled[neuron]:
            value = max(value - step, 0) if value > 0 else min(value + step, 0)
        return self._settle(neuron, value, leaking=True)

    def _settle(self, neuron: int, value: int, leaking: bool) -> bool:
        fires = value >= self.program.threshold[neuron]
        self.membrane[neuron] = 0 if fires else value
        if self.learning is not None and self.learning.calcium_enabled[neuron]:
            self._calcium(neuron, fires, leaking)
        return bool(fires)

    def _calcium(self, neuron: int, fires: bool, leaking: bool) -> None:
        learning = self.learning
        fades = False
        if leaking and learning.calcium_leak[neuron]:
            self.calcium_count[neuron] += 1
            fades = self.calcium_count[neuron] >= learning.calcium_leak[neuron]
            if fades:
                self.calcium_count[neuron] = 0
        if fires and not fades:
            self.calcium[neuron] = min(self.calcium[neuron] + 1, self.plan.calcium_max)
        elif fades and not fires:
            self.calcium[neuron] = max(self.calcium[neuron] - 1, 0)
        calcium, (low, middle, high) = self.calcium[neuron], learning.calcium_theta[:, neuron]
        above = self.membrane[neuron] >= learning.membrane_theta[neuron]
        self.up[neuron] = above and low <= calcium < high
        self.down[neuron] = not above and low <= calcium < middle

    def learn(self, pre: int, posts: range) -> None:
        """Move the weights of one word by the flags its targets have now."""
        for post in posts:
            self._move(pre, post, int(self.up[post]) - int(self.down[post]))

    def consolidate(self, pre: int, posts: range) -> None:
        """Drift one word of weights to the end it is nearer to."""
        for post in posts:
            self._move(pre, post, 1 if self.weights[pre, post] >= self.plan.middle else -1)

    def _move(self, pre: int, post: int, step: int) -> None:
        if not (self.learning.mapping[pre, post] or self.learning.update_unmapped):
            return
        before = int(self.weights[pre, post])
        after = min(max(before + step, self.plan.weight_min), self.plan.weight_max)
        self.weights[pre, post] = after
        self.weight_sum += after - before
