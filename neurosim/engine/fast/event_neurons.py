"""Neurons, synapses, queue and output port of the fast event engine: one update, one word, one push, one send.

``s`` is the row of running numbers named below; ``p`` (`Program`) holds the arrays; ``log`` (rows, 5) collects
(kind, four numbers) in the order of time.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from neurosim.engine.fast.compile import inner

PORT_FREE, LEVEL, HEAD, PUSHED, PEAK, DROPPED, BUSY, WEIGHT_SUM, LOGGED = range(9)
NEURON_READS, NEURON_WRITES, SYNAPSE_READS, SYNAPSE_WRITES = range(9, 13)
N_NUMBERS = 13
STATE, SPIKE, OUTPUT, FULL, DONE = range(5)


class Chip(NamedTuple):
    """Numbers of `EventPlan` and `Environment`; ``ops`` (operations, 7) int64, columns as in `event`."""

    neurons: int
    read: int
    write: int
    width: int
    stages: int
    idle: int
    depth: int
    accept: int
    release_at_end: bool
    output_at_closing: bool
    state_min: int
    state_max: int
    weight_min: int
    weight_max: int
    sign_by_row: bool
    calcium_max: int
    learns: bool
    middle: int
    spike_operation: int
    order: np.ndarray
    ops: np.ndarray
    release_delay: int
    gap: int
    ack_delay: int
    ack_release_delay: int


class Program(NamedTuple):
    """`EventProgram` with its learning part filled in where there is none; int64, copies that change during the run."""

    active: int
    closed_loop: bool
    controller_output: bool
    monitored: int
    update_unmapped: bool
    propagate_unmapped: bool
    learn_on_synapse: bool
    weights: np.ndarray
    mapping: np.ndarray
    threshold: np.ndarray
    leak: np.ndarray
    membrane: np.ndarray
    disabled: np.ndarray
    inhibitory: np.ndarray
    leak_enabled: np.ndarray
    calcium_enabled: np.ndarray
    membrane_theta: np.ndarray
    calcium_theta: np.ndarray
    calcium_leak: np.ndarray
    calcium: np.ndarray
    calcium_count: np.ndarray
    flag: np.ndarray


@inner
def note(log, s, kind, a, b, c, d):
    row = s[LOGGED]
    log[row, 0], log[row, 1], log[row, 2], log[row, 3], log[row, 4] = kind, a, b, c, d
    s[LOGGED] = row + 1


@inner
def effective(chip, p, pre, post):
    if not p.mapping[pre, post] and not p.propagate_unmapped:
        return 0
    weight = p.weights[pre, post]
    return -weight if chip.sign_by_row and p.inhibitory[pre] else weight


@inner
def add(chip, p, neuron, weight):
    value = min(max(p.membrane[neuron] + weight, chip.state_min), chip.state_max)
    return settle(chip, p, neuron, value, False)


@inner
def leak(chip, p, neuron):
    value = p.membrane[neuron]
    if p.leak_enabled[neuron]:
        step = p.leak[neuron]
        value = max(value - step, 0) if value > 0 else min(value + step, 0)
    return settle(chip, p, neuron, value, True)


@inner
def settle(chip, p, neuron, value, leaking):
    """Write back; True if the neuron fires. A fading and a spike at once leave the calcium as it is."""
    fires = value >= p.threshold[neuron]
    value = 0 if fires else value
    p.membrane[neuron] = value
    if not p.calcium_enabled[neuron]:
        return fires
    fades = False
    if leaking and p.calcium_leak[neuron] > 0:
        p.calcium_count[neuron] += 1
        if p.calcium_count[neuron] >= p.calcium_leak[neuron]:
            p.calcium_count[neuron] = 0
            fades = True
    calcium = min(max(p.calcium[neuron] + int(fires) - int(fades), 0), chip.calcium_max)
    if fires and fades:
        calcium = p.calcium[neuron]
    p.calcium[neuron] = calcium
    above = value >= p.membrane_theta[neuron]
    low, middle, high = p.calcium_theta[0, neuron], p.calcium_theta[1, neuron], p.calcium_theta[2, neuron]
    p.flag[neuron] = int(above and low <= calcium < high) - int((not above) and low <= calcium < middle)
    return fires


@inner
def move(chip, p, s, pre, post, step):
    if p.mapping[pre, post] or p.update_unmapped:
        before = p.weights[pre, post]
        after = min(max(before + step, chip.weight_min), chip.weight_max)
        p.weights[pre, post] = after
        s[WEIGHT_SUM] += after - before


@inner
def push(queue, chip, s, log, at, operation, neuron, post, weight, leaks):
    """Take a place if there is one in cycle ``at``."""
    level = s[LEVEL]
    if level >= chip.depth:
        s[DROPPED] += 1
        return False
    s[PEAK] = max(s[PEAK], level)
    slot = (s[HEAD] + level) % queue.shape[0]
    queue[slot, 0], queue[slot, 1], queue[slot, 2] = operation, neuron, post
    queue[slot, 3], queue[slot, 4] = weight, leaks
    s[LEVEL], s[PUSHED] = level + 1, at
    if level + 1 == chip.depth:
        note(log, s, FULL, at + 1, 1, 0, 0)
    return True


@inner
def release(queue, chip, s, log, at):
    """The head leaves in cycle ``at``; a push of the same cycle never showed in the level."""
    if s[PUSHED] < at:
        s[PEAK] = max(s[PEAK], s[LEVEL])
    if s[LEVEL] == chip.depth:
        note(log, s, FULL, at + 1, 0, 0, 0)
    s[LEVEL] -= 1
    s[HEAD] = (s[HEAD] + 1) % queue.shape[0]
    s[PEAK] = max(s[PEAK], s[LEVEL])


@inner
def send(chip, s, log, at, address):
    """An address goes into the port in cycle ``at``."""
    rise = at + 1
    acknowledged = rise + chip.ack_delay
    fallen = acknowledged + chip.stages + 1 + chip.ack_release_delay
    note(log, s, OUTPUT, rise, acknowledged, fallen, address)
    s[PORT_FREE] = fallen + chip.stages + 1
    s[BUSY] += s[PORT_FREE] - rise


@inner
def spike(queue, chip, p, s, log, at, neuron):
    queued = p.closed_loop and push(queue, chip, s, log, at, chip.spike_operation, neuron, neuron, 0, 0)
    note(log, s, SPIKE, at, neuron, int(queued), 0)
    if not p.controller_output:
        send(chip, s, log, at, neuron)
