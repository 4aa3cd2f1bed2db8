"""What was counted, in operations and words, cycles and energy.

`operations` says what each counted event is made of; every number in it is an assumption about the hardware, the same
for all rules. Words of weights and gradients were counted where they were touched (`fast`); history and neuron state
are streams, packed. Cycles: a phase takes as long as its busiest resource, the lanes or the one port of a memory, and
phases follow one another.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, log2

import numpy as np

from neurosim.energy.table import EnergyTable, price_activity
from neurosim.errors import NeurosimError
from neurosim.learning.chip_cycles import chip_cycles
from neurosim.learning.cost_local import local_operations, stored_traces
from neurosim.learning.counters import INDEX
from neurosim.learning.engine import MEMORIES, Learner
from neurosim.learning.phases import BACKWARD, FORWARD, PHASE_OF, UPDATE
from neurosim.learning.rules import STEPS
from neurosim.learning.run import LearningRun


@dataclass(frozen=True)
class LearningCost:
    """Cost of the counted samples. ``table`` holds one leaf an operation, phase and event; ``cycles`` by phase."""

    learner: Learner
    samples: int
    table: EnergyTable
    cycles: dict[str, int]

    def by_phase(self) -> dict[str, float]:
        """Energy by phase (``forward``, ``backward``, ``update``) and ``leakage``, in the learner's unit, a sample."""
        sums = self.table.by("place")
        named = {("leakage" if place == "chip" else place): value for (place,), value in sums.items()}
        return {name: value / self.samples for name, value in named.items()}

    @property
    def learning(self) -> float:
        """Energy of backward and update, a sample."""
        phases = self.by_phase()
        return phases.get(BACKWARD, 0.0) + phases.get(UPDATE, 0.0)


def time_bits(run: LearningRun) -> int:
    """Bits of a stored spike time."""
    return 16 if run.rule.works_on != STEPS else max(1, ceil(log2(max(2, run.settings.timesteps))))


def history_bits(run: LearningRun, layer: int, learner: Learner) -> int:
    """Bits of one entry of the history: a membrane and its spike bit, or a spike's address, time and value."""
    if run.rule.name.startswith("bptt"):
        return learner.history_width + 1
    return max(1, ceil(log2(max(2, run.sizes[layer])))) + time_bits(run) + learner.history_width


def operations(run: LearningRun, counts: np.ndarray, learner: Learner) -> Iterator[tuple[str, str, str, int]]:
    """(phase, event, operation, count) of ``counts`` (layers, counters)."""
    steps = run.rule.works_on == STEPS
    wide = ceil(learner.gradient_bits * learner.group / learner.word_bits)
    widest = ceil(learner.gradient_bits / learner.word_bits)
    if run.rule.local:
        yield from local_operations(run, counts, learner)
        return
    for layer, row in enumerate(counts):
        c = {name: int(row[i]) for name, i in INDEX.items()}
        n = run.sizes[layer + 1]

        def packed(items: int, bits: int) -> int:
            return -(-items * bits // learner.word_bits)

        def made_of(event: str, **parts: int) -> Iterator[tuple[str, str, str, int]]:
            yield from ((PHASE_OF[event], event, name, number) for name, number in parts.items() if number)

        state = packed(c["forward_adds"], learner.state_bits) * (1 if steps else 2)
        rows = c["pre_spikes"] * ceil(n / learner.group)
        sums = c["forward_adds"] * (1 if steps else 2)
        yield from made_of("forward_adds", add=sums, weight_read=rows, state_read=state, state_write=state)
        yield from made_of("forward_products", multiply=c["forward_products"])
        visits, own = c["neuron_updates"], packed(c["neuron_updates"], learner.state_bits) if steps else 0
        yield from made_of(
            "neuron_updates", multiply=visits, compare=visits, add=0 if steps else visits, state_read=own,
            state_write=own,
        )  # fmt: skip
        entry = history_bits(run, layer, learner)
        yield from made_of("history_writes", history_write=packed(c["history_writes"], entry))
        yield from made_of("history_reads", history_read=packed(c["history_reads"], entry))
        slopes = c["surrogates"]
        if steps:
            yield from made_of("surrogates", compare=slopes, add=2 * slopes, multiply=slopes)
        else:
            yield from made_of("surrogates", reciprocal=slopes)
        back, kept = c["backward_updates"], packed(c["backward_updates"], learner.state_bits)
        yield from made_of(
            "backward_updates", multiply=2 * back if steps else back, add=back, state_read=kept, state_write=kept
        )
        errors = c["error_products"]
        yield from made_of("error_products", multiply=errors, add=errors, weight_read=_words(run, learner, c, "error"))
        # Gradients of a word of weights move together, unless fewer were asked for.
        words = min(_words(run, learner, c, "gradient") * wide, c["gradient_adds"] * widest)
        yield from made_of("gradient_adds", add=c["gradient_adds"], gradient_read=words, gradient_write=words)
        yield from made_of("held_reads", state_read=packed(c["held_reads"], learner.state_bits))
        yield from made_of("gradient_products", multiply=c["gradient_products"])
        written, lines = c["weights_written"], _words(run, learner, c, "written")
        sums = min(lines * wide, written * widest)
        yield from made_of(
            "weights_written", multiply=written, add=written, weight_read=lines, weight_write=lines,
            gradient_read=sums, gradient_write=sums,
        )  # fmt: skip
        moved, held = c["threshold_updates"], packed(c["threshold_updates"], learner.state_bits)
        yield from made_of("threshold_updates", add=moved, compare=moved, state_read=held, state_write=held)


def _words(run: LearningRun, learner: Learner, c: dict[str, int], what: str) -> int:
    """Words of ``what`` (error, gradient, written) in this learner: as counted, or items where a word holds one weight.

    Raises NeurosimError where a word holds another number of weights than the run counted with.
    """
    if learner.group == run.group:
        return c[f"{what}_words"]
    if learner.group > 1:
        raise NeurosimError(
            f"{learner.name}: word_bits {learner.word_bits} over weight_bits {learner.weight_bits} are {learner.group} "
            f"weights a word, but the run counted words of {run.group}; learn with --chip {learner.name}"
        )
    items = c[{"error": "error_products", "gradient": "gradient_adds", "written": "weights_written"}[what]]
    # Held over all steps, an item is fetched once.
    return items // run.settings.timesteps if c["held_reads"] and what != "written" else items


def cost_of(run: LearningRun, counts: np.ndarray, learner: Learner) -> LearningCost:
    """Price ``counts`` (layers, counters) on ``learner``."""
    samples = max(1, int(counts[0, INDEX["samples"]]))
    learner.check_rule(run.rule.name)
    if learner.events:
        check_words(run, learner)
        totals = counts.sum(axis=0)
        # A visit by a local rule is an update, changed or not.
        again = "weights_written" if run.rule.local and "plastic_pairs" in learner.events else None
        rows = [(PHASE_OF[e], e, e, int(totals[INDEX[e]])) for e in learner.events if totals[INDEX[e]] and e != again]
        cycles = {phase: 0 for phase in (FORWARD, BACKWARD, UPDATE)}
        for phase, event, _, count in rows:
            cycles[phase] += count * learner.events[event].cycles
    else:
        rows = list(operations(run, counts, learner))
        cycles = {phase: _phase_cycles(phase, rows, learner) for phase in (FORWARD, BACKWARD, UPDATE)}
    if learner.cycles_of:
        cycles = chip_cycles(run, counts, learner.cycles_of)
    seconds = sum(cycles.values()) * learner.quantum_ps * 1e-12
    phases, events, names, numbers = zip(*rows, strict=True) if rows else ((), (), (), ())
    table = price_activity(names, phases, events, np.array(numbers, np.int64), learner.prices, learner.leakage, seconds)
    return LearningCost(learner, samples, table, cycles)


def check_words(run: LearningRun, learner: Learner) -> None:
    """Raises NeurosimError where prices are of words that hold another number of weights than the run counted with."""
    priced = [event for event in learner.events if event.endswith("_words")]
    if priced and learner.group != run.group:
        raise NeurosimError(
            f"{learner.name}: prices {priced[0]} of {learner.group} weights, but the run counted words of {run.group}; "
            f"learn with --chip {learner.name}"
        )


def _phase_cycles(phase: str, rows: list[tuple[str, str, str, int]], learner: Learner) -> int:
    totals: dict[str, int] = {}
    for place, _, name, count in rows:
        if place == phase:
            totals[name] = totals.get(name, 0) + count
    # A product and a sum are one pass of a lane.
    passes = max(totals.get("add", 0), totals.get("multiply", 0)) + totals.get("compare", 0)
    passes += totals.get("reciprocal", 0)
    ports = [totals.get(f"{memory}_read", 0) + totals.get(f"{memory}_write", 0) for memory in MEMORIES]
    return max(-(-passes // learner.lanes), *ports)


def memory_bits(run: LearningRun, learner: Learner) -> dict[str, int]:
    """What the rule needs beside what inference needs, by memory: history at its fullest, gradients, thresholds."""
    # The vote of stdp is the number of a class for each neuron.
    learned = run.weights[:1] if run.rule.name == "stdp" else run.weights
    weights = sum(w.size for w in learned)
    history = sum(int(run.most_history[i]) * history_bits(run, i, learner) for i in range(len(run.weights)))
    moving = sum(t.size for t in run.thresholds) if run.rule.homeostasis or run.rule.name == "stdp" else 0
    return {
        "weights": weights * learner.weight_bits,
        "gradients": 0 if run.rule.local else weights * learner.gradient_bits,
        "history": 0 if run.rule.local else history,
        "thresholds": moving * learner.state_bits,
        "traces": stored_traces(run),
    }
