"""Spike-driven plasticity as ODIN has it, event by event on whole numbers: kernel of the learner `sdsp`.

The arithmetic is that of the chip file `odin` (docs/events.md, section 6), for the neurons that are in use: a test holds
this kernel equal to the event engine, which is held to recordings of the RTL. Each input spike first moves the weights
of its row by one, up or down by the flag that their neuron had before; the neurons then receive the weights from
before. Membranes are 8 bits, never below 0; the flag follows from membrane and calcium after every visit of a neuron.

``chip`` (N_CHIP,) int64, columns named below. State of the neurons (n,) int64: ``v``, ``ca``, ``ca_count``, ``flag``.
Weights (n_in, n) int64, 0 to 7.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.learning.counters import INDEX
from neurosim.learning.fast.random import draw

THRESHOLD, LEAK, MIDDLE, LOW, STOP_DOWN, STOP_UP, CA_LEAK, TEACH_UP, TEACH_DOWN, TEACH_CHANCE, DRIFT = range(11)
N_CHIP = 11
CHIP = (156, 3, 36, 1, 1, 7, 1, 31, 2, 58, 0)
STATE_MAX, WEIGHT_MAX, CALCIUM_MAX = 255, 7, 7
OPERAND_MAX, HALF = 7, 4
ADDS, NEURONS, PRE, POST = (INDEX[n] for n in ("forward_adds", "neuron_updates", "pre_spikes", "post_spikes"))
PAIRS, WRITTEN, WRITTEN_WORDS = INDEX["plastic_pairs"], INDEX["weights_written"], INDEX["written_words"]
WORDS, DRIFTS = INDEX["plastic_words"], INDEX["drift_events"]
TEACHER, LEAKS, TRACES, STEPS = (INDEX[n] for n in ("teacher_events", "leak_events", "trace_updates", "steps"))


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
def present(ptr, idx, chip, weights, v, ca, ca_count, flag, fired, label, learns, state, group, count):
    """One sample from a neuron memory at rest; spikes of each neuron into ``fired`` (n,). ``label`` is the teacher's.

    A timestep: the teacher, its input spikes in order, one leak of every neuron. The teacher speaks in ``TEACH_CHANCE`` of
    256 timesteps, drawn with ``state``: ``TEACH_UP`` events of weight 7, the most that an event from outside can carry,
    to the neuron of the label, ``TEACH_DOWN`` of -7 to all others. Without ``learns`` neither teacher nor plasticity runs.
    """
    n = v.size
    v[:], ca[:], ca_count[:], flag[:], fired[:] = 0, 0, 0, 0, 0
    for t in range(ptr.size - 1):
        taught = learns and np.int64(draw(state) >> np.uint64(56)) < chip[TEACH_CHANCE]
        for j in range(n if taught else 0):
            change = OPERAND_MAX if j == label else -OPERAND_MAX
            for _ in range(chip[TEACH_UP] if j == label else chip[TEACH_DOWN]):
                value = min(max(v[j] + change, 0), STATE_MAX)
                fired[j] += settle(chip, j, value, False, v, ca, ca_count, flag)
                count[TEACHER] += 1
                count[TRACES] += 1
                count[NEURONS] += 1
        for k in range(ptr[t], ptr[t + 1]):
            row = weights[idx[k]]
            for j in range(n):
                weight = row[j]
                if learns:
                    moved = min(max(weight + flag[j], 0), WEIGHT_MAX)
                    row[j] = moved
                    count[WRITTEN] += moved != weight
                fired[j] += settle(chip, j, min(v[j] + weight, STATE_MAX), False, v, ca, ca_count, flag)
            count[PRE] += 1
            count[ADDS] += n
            count[TRACES] += n
            count[NEURONS] += n
            if learns:
                count[PAIRS] += n
                count[WRITTEN_WORDS] += (n + group - 1) // group
        for j in range(n):
            fired[j] += settle(chip, j, max(v[j] - chip[LEAK], 0), True, v, ca, ca_count, flag)
        if learns and chip[DRIFT] > 0 and (t + 1) % chip[DRIFT] == 0:
            for i in range(weights.shape[0]):
                for j in range(n):
                    weight = weights[i, j]
                    moved = min(max(weight + (1 if weight >= HALF else -1), 0), WEIGHT_MAX)
                    weights[i, j] = moved
                    count[WRITTEN] += moved != weight
            drifted = weights.shape[0] * ((n + group - 1) // group)
            count[PAIRS] += weights.size
            count[WORDS] += drifted
            count[WRITTEN_WORDS] += drifted
            count[DRIFTS] += 1
        count[LEAKS] += n
        count[TRACES] += n
        count[NEURONS] += n
        count[STEPS] += 1
    for j in range(n):
        count[POST] += fired[j]
