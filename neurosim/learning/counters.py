"""What a learner counts while it runs: one row of counters a layer of weights, the same names for every rule.

A counter is raised where the event happens, by what is touched there. ``bptt-dense`` computes the sums of ``bptt``,
which are the same numbers, and counts every step and weight, zeros included: what a learner that skips nothing
touches. ``bptt-held`` does too, but weight by weight over all timesteps, so that each weight and gradient is fetched
once a sample. A rule leaves at zero what it does not do. The widths of the memories turn accesses into bits (`cost`).
"""

from __future__ import annotations

import numpy as np

DEFINITIONS = {
    "samples": "samples presented",
    "updates_skipped": "samples whose error was too small to learn from, so that nothing below ran for them",
    "pre_spikes": "spikes that reached the layer's weights",
    "post_spikes": "spikes of the layer's neurons",
    "forward_adds": "weights added to an input sum: spikes x fan-out, neurons that are done left out",
    "forward_products": "products on the forward path: a linear PSP evaluates weight x time",
    "neuron_updates": "membranes updated: one a neuron and timestep, or one a neuron and event",
    "history_writes": "values written to the history: a membrane and its spike bit, or a spike with its time",
    "history_reads": "values read back from the history",
    "surrogates": "slopes evaluated: surrogate gradients, or reciprocals of a spike's slope",
    "backward_updates": "gradients of membranes updated, one a neuron and timestep, or one a spike",
    "error_products": "products that carry the error to the layer below; each reads a weight",
    "error_words": "words of weights read for these products; a word holds neighbouring weights of one row",
    "gradient_adds": "additions to a weight's gradient, each a read and a write of its accumulator",
    "gradient_products": "products formed for these additions (decay x error, or time x error)",
    "gradient_words": "words of gradients read and written for these additions",
    "held_reads": "gradients of membranes read again while a weight and its sum stay in registers over all timesteps",
    "weights_written": "weights read, changed and written back",
    "written_words": "words of weights they lie in",
    "threshold_updates": "thresholds moved by homeostasis",
    "trace_updates": "traces and calcium values that decayed or rose, one a trace and timestep or event",
    "plastic_pairs": "synapses that a local rule visited: a trace or flag of one side met the other side",
    "plastic_products": "products formed at these visits (trace x weight, trace x slope x signal)",
    "plastic_words": "words of weights read for these visits, beside those that the forward pass had read",
    "random_draws": "random numbers drawn to round a change of a weight",
    "teacher_events": "inputs of the teacher to single neurons",
    "leak_events": "leaks of single neurons by a time reference",
    "replay_spikes": "input spikes of a sample that is shown again to be learned from",
    "replay_adds": "weights added for these spikes",
    "replay_leaks": "leaks of single neurons meanwhile",
    "steps": "timesteps run",
    "labelled_steps": "timesteps with a target, after which e-prop walks over all weights",
    "active_indices": "indices with an input event, a spike of that hidden neuron or both, summed over the timesteps",
    "late_inputs": "input events on an index that no hidden neuron has",
}
NAMES = tuple(DEFINITIONS)
INDEX = {name: i for i, name in enumerate(NAMES)}


def new_counts(n_layers: int) -> np.ndarray:
    """Zero counters, (n_layers, n_names) int64."""
    return np.zeros((n_layers, len(NAMES)), np.int64)


def as_dict(counts: np.ndarray) -> dict[str, int]:
    """Counters summed over the layers, by name; samples and skipped updates are counted once."""
    total = counts.sum(axis=0)
    return {
        name: int(counts[0, i] if name in ("samples", "updates_skipped") else total[i]) for i, name in enumerate(NAMES)
    }
