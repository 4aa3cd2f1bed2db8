"""What the local rules' counters are made of, in operations and words: the other half of `cost.operations`.

A rule on synapses reads and writes weights in place: no gradient and no history. A random number to round with
is a shift register and a compare: an addition and a compare here. Traces are streams, packed, of the rule's own width.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import ceil

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.learning.counters import INDEX
from neurosim.learning.engine import Learner
from neurosim.learning.phases import PHASE_OF
from neurosim.learning.state import LearningRun

CALCIUM_BITS = 8
"""Of an ODIN neuron: 3 bits of calcium and 5 of the counter of its leak."""
INPUT_TRACE_BITS, OUTPUT_TRACE_BITS = 12, 10
"""Of e-prop, as in ReckOn."""


def stored_traces(run: LearningRun) -> int:
    """Bits of traces and calcium that the rule keeps for its neurons."""
    if run.rule.name == "stdp":
        return run.rule.trace_bits * (run.sizes[0] + run.sizes[1])
    if run.rule.name == "sdsp":
        return CALCIUM_BITS * run.sizes[-1]
    return INPUT_TRACE_BITS * run.sizes[0] + OUTPUT_TRACE_BITS * run.sizes[1] if run.rule.name == "e-prop" else 0


def local_operations(run: LearningRun, counts: np.ndarray, learner: Learner) -> Iterator[tuple[str, str, str, int]]:
    """(phase, event, operation, count) of ``counts`` (layers, counters) of a local rule."""
    # A neuron of sdsp decides at every event, in the visit that adds: two flags and the threshold are three compares.
    by_event = run.rule.name == "sdsp"
    # Words of weights: as counted, or items where a word holds one weight.
    single = learner.group == 1
    if not single and learner.group != run.group:
        raise NeurosimError(
            f"{learner.name}: word_bits {learner.word_bits} over weight_bits {learner.weight_bits} are {learner.group} "
            f"weights a word, but the run counted words of {run.group}; learn with --chip {learner.name}"
        )
    for layer, row in enumerate(counts):
        c = {name: int(row[i]) for name, i in INDEX.items()}

        def packed(items: int, bits: int) -> int:
            return -(-items * bits // learner.word_bits)

        def made_of(event: str, **parts: int) -> Iterator[tuple[str, str, str, int]]:
            yield from ((PHASE_OF[event], event, name, number) for name, number in parts.items() if number)

        row_words = ceil(run.sizes[layer + 1] / learner.group)
        for adds, spikes in (("forward_adds", "pre_spikes"), ("replay_adds", "replay_spikes")):
            state = packed(c[adds], learner.state_bits)
            rows = c[spikes] * row_words
            yield from made_of(adds, add=c[adds], weight_read=rows, state_read=state, state_write=state)
        visits = c["neuron_updates"]
        own = 0 if by_event else packed(visits, learner.state_bits)
        yield from made_of(
            "neuron_updates", multiply=visits if run.rule.name == "e-prop" else 0,
            compare=3 * visits if by_event else visits, state_read=own, state_write=own,
        )  # fmt: skip
        for event in ("leak_events", "teacher_events", "replay_leaks"):
            state = packed(c[event], learner.state_bits)
            yield from made_of(event, add=c[event], state_read=state, state_write=state)
        moved = c["trace_updates"]
        held = 0 if by_event else packed(moved, run.rule.trace_bits)
        yield from made_of(
            "trace_updates", add=moved, multiply=0 if by_event else moved, state_read=held, state_write=held
        )
        yield from made_of("surrogates", compare=4 * c["surrogates"])
        errors = c["error_products"]
        words = errors if single else c["error_words"]
        yield from made_of("error_products", add=errors, multiply=errors, weight_read=words)
        pairs = c["plastic_pairs"]
        # The trace of a row is read with its first word.
        read = pairs if single and c["plastic_words"] else c["plastic_words"]
        traces = 0 if by_event else packed(c["plastic_words"], run.rule.trace_bits)
        yield from made_of("plastic_pairs", add=pairs, compare=pairs, weight_read=read, state_read=traces)
        yield from made_of("plastic_products", multiply=c["plastic_products"])
        yield from made_of("random_draws", add=c["random_draws"], compare=c["random_draws"])
        yield from made_of("weights_written", weight_write=c["weights_written"] if single else c["written_words"])
        held = packed(c["threshold_updates"], learner.state_bits)
        yield from made_of(
            "threshold_updates", add=c["threshold_updates"], compare=c["threshold_updates"], state_read=held,
            state_write=held,
        )  # fmt: skip
