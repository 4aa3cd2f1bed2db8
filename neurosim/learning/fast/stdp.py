"""Pair STDP with traces, a winner and a teacher, on whole numbers: kernel of the learner `stdp`.

A layer of integrate-and-fire neurons, each of one class, that do not leak. A spike raises the trace of its neuron to
127 (7 bits); a trace loses its share of (256 - keep) / 256 a timestep, rounded down.

* The first timestep in which neurons fire gives the answer: a vote of these neurons for their classes. The teacher then
  silences all neurons of other classes.
* The first neuron of the sample's class to fire is the winner (of several in one step the one furthest above its
  threshold); if none has fired by the last step, the teacher makes the nearest one fire. It silences all others.
* Winner's spike: every one of its weights moves by gain * (x * (top - w) - (127 - x) * w), x the trace of the input.
* An input spike after it: the weight to the winner moves by - gain * y * w, y the trace of the winner.
* Changes are in units of 2^-23 of a weight step and rounded at random in proportion.
* Thresholds: the winner's rises, those of its class fall by the same in sum; after a wrong answer the class that gave
  it rises and the right one falls, after none only the latter.

``rule`` (N_RULE,) int64, columns named below. Weights (n_in, n) int64, 0 to top.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.learning.counters import INDEX
from neurosim.learning.fast.random import draw

KEEP, GAIN, TOP, RISE, PUSH = range(5)
N_RULE = 5
TRACE_TOP, FRACTION_BITS = 127, 23
ADDS, NEURONS, PRE, POST = (INDEX[n] for n in ("forward_adds", "neuron_updates", "pre_spikes", "post_spikes"))
PAIRS, WORDS, PRODUCTS = INDEX["plastic_pairs"], INDEX["plastic_words"], INDEX["plastic_products"]
WRITTEN, WRITTEN_WORDS, RANDOM = INDEX["weights_written"], INDEX["written_words"], INDEX["random_draws"]
TRACES, TEACHER, THRESHOLDS = INDEX["trace_updates"], INDEX["teacher_events"], INDEX["threshold_updates"]
STEPS = INDEX["steps"]


@njit(cache=True, nogil=True)
def move(weights, i, j, change, top, state, count):
    """One visit of a synapse: ``change`` in units of 2^-FRACTION_BITS, rounded at random."""
    w = weights[i, j]
    part = np.int64(draw(state) >> np.uint64(64 - FRACTION_BITS))
    moved = min(max(w + ((change + part) >> FRACTION_BITS), 0), top)
    weights[i, j] = moved
    count[PAIRS] += 1
    count[PRODUCTS] += 2
    count[RANDOM] += 1
    # A column: every weight of one neuron lies in a word of its own.
    count[WORDS] += 1
    count[WRITTEN] += moved != w
    count[WRITTEN_WORDS] += moved != w


@njit(cache=True, nogil=True)
def present(ptr, idx, rule, weights, thresholds, classes, v, x, votes, label, learns, state, count):
    """One sample; ``votes`` (n_classes,) of the first neurons to fire. ``count`` (2, counters): layer and vote."""
    n, n_in = v.size, x.size
    v[:], x[:], votes[:] = 0, 0, 0
    own, per_class = count[0], 0
    for j in range(n):
        per_class += classes[j] == label
    voted, winner, y = False, -1, 0
    for t in range(ptr.size - 1):
        if learns:
            for i in range(n_in):
                x[i] = (x[i] * rule[KEEP]) >> 8
            y = (y * rule[KEEP]) >> 8
            own[TRACES] += n_in + n
        for k in range(ptr[t], ptr[t + 1]):
            i = idx[k]
            own[PRE] += 1
            if learns:
                x[i] = TRACE_TOP
            if winner >= 0:
                move(weights, i, winner, -rule[GAIN] * y * weights[i, winner], rule[TOP], state, own)
            elif learns and voted:
                for j in range(n):
                    if classes[j] == label:
                        v[j] += weights[i, j]
                own[ADDS] += per_class
            elif not voted:
                for j in range(n):
                    v[j] += weights[i, j]
                own[ADDS] += n
        own[STEPS] += 1
        own[NEURONS] += n
        count[1, NEURONS] += votes.size
        now = False
        if not voted:
            for j in range(n):
                if v[j] >= thresholds[j]:
                    votes[classes[j]] += 1
                    now = True
                    own[POST] += 1
                    count[1, PRE] += 1
                    count[1, ADDS] += votes.size
            voted = now
            if now and learns:
                own[TEACHER] += n - per_class
        if not learns or winner >= 0:
            continue
        best = 0
        for j in range(n):
            if classes[j] == label and (winner < 0 or v[j] - thresholds[j] > best):
                winner, best = j, v[j] - thresholds[j]
        last = t == ptr.size - 2
        if best < 0 and not last:
            winner = -1
            continue
        own[TEACHER] += best < 0
        own[POST] += not now or best < 0
        y = TRACE_TOP
        for i in range(n_in):
            w = weights[i, winner]
            move(weights, i, winner, rule[GAIN] * (x[i] * rule[TOP] - TRACE_TOP * w), rule[TOP], state, own)
    if learns:
        adapt(rule, thresholds, classes, winner, label, votes.argmax() if voted else -1, own)


@njit(cache=True, nogil=True)
def adapt(rule, thresholds, classes, winner, label, answer, count):
    """Thresholds after a sample; none falls below 1."""
    per_class = 0
    for j in range(classes.size):
        per_class += classes[j] == label
    thresholds[winner] += rule[RISE]
    count[THRESHOLDS] += 1
    for j in range(classes.size):
        change = 0
        if classes[j] == label:
            change = -(rule[RISE] // per_class) - (rule[PUSH] if answer != label else 0)
        elif classes[j] == answer:
            change = rule[PUSH]
        else:
            continue
        thresholds[j] = max(thresholds[j] + change, 1)
        count[THRESHOLDS] += classes[j] == label or answer != label
