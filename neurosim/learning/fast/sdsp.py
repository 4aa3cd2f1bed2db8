"""Spike-driven plasticity as ODIN has it, event by event on whole numbers: kernel of the learner `sdsp`.

The arithmetic is that of the chip file `odin` (docs/events.md, section 6), for the neurons in use: a test holds
this kernel equal to the event engine, which is held to recordings of the RTL. Each input spike first moves the weights
of its row by one, up or down by the flag that their neuron had before; the neurons then receive the weights from
before. Membranes are 8 bits, never below 0; the flag follows from membrane and calcium after every visit of a neuron.

The teacher is a host that sends events of weight 7, the most an event from outside can carry. Before a sample is shown
for learning it makes the neuron of the label and the strongest wrong one fire, which gives both a calcium of 1 and so
lets them learn (others have 0), and lifts the membrane of the first above the middle: its flag is up, the other's down.
It then shows the sample thinned out: every input spike with a chance of ``SHOW`` in 256.

``chip`` (N_CHIP,) int64, columns named below. State of the neurons (n,) int64: ``v``, ``ca``, ``ca_count``, ``flag``.
Weights (n_in, n) int64, 0 to 7.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.learning.counters import INDEX
from neurosim.learning.fast.random import draw

THRESHOLD, LEAK, MIDDLE, LOW, STOP_DOWN, STOP_UP, CA_LEAK, FIRE, LIFT, SHOW = range(10)
N_CHIP = 10
STATE_MAX, WEIGHT_MAX, CALCIUM_MAX, OPERAND_MAX = 255, 7, 7, 7
ADDS, NEURONS, PRE, POST = (INDEX[n] for n in ("forward_adds", "neuron_updates", "pre_spikes", "post_spikes"))
PAIRS, WRITTEN, WRITTEN_WORDS = INDEX["plastic_pairs"], INDEX["weights_written"], INDEX["written_words"]
TEACHER, LEAKS, TRACES, STEPS = (INDEX[n] for n in ("teacher_events", "leak_events", "trace_updates", "steps"))
AGAIN, AGAIN_ADDS, AGAIN_LEAKS = INDEX["replay_spikes"], INDEX["replay_adds"], INDEX["replay_leaks"]


@njit(cache=True, nogil=True)
def settle(chip, j, value, leaking, v, ca, ca_count, flag):
    """Write a membrane back; True if it fires. A calcium leak and a spike at once leave the calcium as it is."""
    fires = value >= chip[THRESHOLD]
    if fires:
        value = 0
    v[j] = value
    fades = False
    if leaking and chip[CA_LEAK] > 0:
        ca_count[j] += 1
        if ca_count[j] >= chip[CA_LEAK]:
            ca_count[j] = 0
            fades = True
    if fires and not fades:
        ca[j] = min(ca[j] + 1, CALCIUM_MAX)
    elif fades and not fires:
        ca[j] = max(ca[j] - 1, 0)
    above = value >= chip[MIDDLE]
    flag[j] = 0
    if above and chip[LOW] <= ca[j] < chip[STOP_UP]:
        flag[j] = 1
    elif not above and chip[LOW] <= ca[j] < chip[STOP_DOWN]:
        flag[j] = -1
    return fires


@njit(cache=True, nogil=True)
def visit(chip, j, value, leaking, v, ca, ca_count, flag, fired, count):
    """Settle one neuron, and count it."""
    fires = settle(chip, j, value, leaking, v, ca, ca_count, flag)
    fired[j] += fires
    count[POST] += fires
    count[TRACES] += 1
    count[NEURONS] += 1


@njit(cache=True, nogil=True)
def present(ptr, idx, chip, weights, v, ca, ca_count, flag, fired, label, rival, learns, state, group, count):
    """One sample from a neuron memory at rest; spikes of each neuron into ``fired`` (n,).

    A timestep: its input spikes in order, then one leak of every neuron. ``learns``: the teacher speaks before
    the first one, and the plasticity is on; else neither is.
    """
    n = v.size
    v[:], ca[:], ca_count[:], flag[:], fired[:] = 0, 0, 0, 0, 0
    if learns:
        for j in range(n):
            if j != label and j != rival:
                continue
            for _ in range(chip[FIRE] + (chip[LIFT] if j == label else 0)):
                visit(chip, j, min(v[j] + OPERAND_MAX, STATE_MAX), False, v, ca, ca_count, flag, fired, count)
                count[TEACHER] += 1
    for t in range(ptr.size - 1):
        for k in range(ptr[t], ptr[t + 1]):
            if learns and np.int64(draw(state) >> np.uint64(56)) >= chip[SHOW]:
                continue
            row = weights[idx[k]]
            for j in range(n):
                weight = row[j]
                if learns:
                    moved = min(max(weight + flag[j], 0), WEIGHT_MAX)
                    row[j] = moved
                    count[WRITTEN] += moved != weight
                visit(chip, j, min(v[j] + weight, STATE_MAX), False, v, ca, ca_count, flag, fired, count)
            count[AGAIN if learns else PRE] += 1
            count[AGAIN_ADDS if learns else ADDS] += n
            if learns:
                count[PAIRS] += n
                count[WRITTEN_WORDS] += (n + group - 1) // group
        for j in range(n):
            visit(chip, j, max(v[j] - chip[LEAK], 0), True, v, ca, ca_count, flag, fired, count)
        count[AGAIN_LEAKS if learns else LEAKS] += n
        count[STEPS] += 1
