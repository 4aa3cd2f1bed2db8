"""The event engine in numba: from decision to decision, stalls by arithmetic. Equal to `reference.event`."""

from __future__ import annotations

import numpy as np

from neurosim.engine import event_plan as e
from neurosim.engine.event_plan import Environment, EventPlan, EventProgram, EventResult, EventStream
from neurosim.engine.fast import event_neurons as k
from neurosim.engine.fast.compile import inner, kernel
from neurosim.engine.fast.event_neurons import Chip
from neurosim.engine.fast.event_setup import columns_of, lower, result_of

OP_QUEUED, OP_DOES, OP_OVER, OP_FIXED, OP_CLOSING, OP_BACKGROUND, OP_EMPTY = range(7)
EV_OPERATION, EV_NEURON, EV_POST, EV_WEIGHT, EV_NEGATIVE, EV_LEAK, EV_NOT_BEFORE = range(7)
SERVE_HEAD, INPUT, NOTHING = range(3)


@inner
def phases(chip, s, at):
    """Last write cycle of a visit whose read begins at ``at``: the read ends when the port is free."""
    return max(at + chip.read - 1, s[k.PORT_FREE]) + chip.write


@inner
def visit_words(chip, p, s, operation, pre, at):
    """Consolidate; the last cycle."""
    one = chip.ops[operation, OP_OVER] == e.ROW_WORDS
    for row in range(pre if one else 0, pre + 1 if one else chip.neurons):
        for first in range(0, chip.neurons, chip.width):
            end = phases(chip, s, at)
            s[k.SYNAPSE_READS] += end + 1 - at
            s[k.SYNAPSE_WRITES] += chip.write
            for post in range(first, min(first + chip.width, chip.neurons)):
                k.move(chip, p, s, row, post, 1 if p.weights[row, post] >= chip.middle else -1)
            at = end + 1
    return at - 1


@inner
def visit_row(chip, p, s, queue, log, pre, at):
    """Add a row of weights to all active neurons; the last cycle."""
    word = np.zeros(chip.width, np.int64)
    for neuron in range(p.active):
        end = phases(chip, s, at)
        s[k.NEURON_READS] += end + 1 - at
        slot = neuron % chip.width
        if slot == 0:
            s[k.SYNAPSE_READS] += end + 1 - at
            for post in range(neuron, min(neuron + chip.width, chip.neurons)):
                word[post - neuron] = k.effective(chip, p, pre, post)
                if chip.learns:
                    k.move(chip, p, s, pre, post, p.flag[post])
        if k.add(chip, p, neuron, word[slot]) and not p.disabled[neuron]:
            k.spike(queue, chip, p, s, log, end, neuron)
        if p.controller_output and not chip.output_at_closing and neuron == p.monitored:
            k.send(chip, s, log, end, pre)
        at = end + 1
    s[k.NEURON_WRITES] += p.active * chip.write
    if chip.learns:
        s[k.SYNAPSE_WRITES] += -(-p.active // chip.width) * chip.write
    if p.controller_output and chip.output_at_closing:
        k.send(chip, s, log, at - 1, pre)
    return at - 1


@inner
def visit_all_leak(chip, p, s, queue, log, at):
    """Leak of all active neurons; the last cycle."""
    for neuron in range(p.active):
        end = phases(chip, s, at)
        s[k.NEURON_READS] += end + 1 - at
        if k.leak(chip, p, neuron) and not p.disabled[neuron]:
            k.spike(queue, chip, p, s, log, end, neuron)
        at = end + 1
    s[k.NEURON_WRITES] += p.active * chip.write
    return at - 1


@inner
def visit_one(chip, p, s, queue, log, does, pre, post, weight, leaks, at):
    """An operand, a leak or a single synapse at one neuron; the last cycle."""
    end = phases(chip, s, at)
    s[k.NEURON_READS] += end + 1 - at
    s[k.NEURON_WRITES] += chip.write
    if does == e.ADD_SYNAPSE:
        s[k.SYNAPSE_READS] += end + 1 - at
        weight = k.effective(chip, p, pre, post)
        if chip.learns:
            s[k.SYNAPSE_WRITES] += chip.write
            if p.learn_on_synapse:
                k.move(chip, p, s, pre, post, p.flag[post])
    leaking = does == e.LEAK or (does == e.ADD_OPERAND and leaks)
    fires = k.leak(chip, p, post) if leaking else k.add(chip, p, post, weight)
    if fires and not p.disabled[post]:
        k.spike(queue, chip, p, s, log, end, post)
    return end


@inner
def serve(chip, p, s, queue, log, operation, pre, post, weight, leaks, queued, at):
    """One operation that begins at ``at``; the cycle after its last."""
    does, over = chip.ops[operation, OP_DOES], chip.ops[operation, OP_OVER]
    k.note(log, s, k.STATE, at, e.FIRST_OPERATION + 2 * operation, 0, 0)
    if queued and not chip.release_at_end:
        k.release(queue, chip, s, log, at)
    at += chip.ops[operation, OP_FIXED]
    if does == e.CONSOLIDATE:
        last = visit_words(chip, p, s, operation, pre, at)
    elif does == e.ADD_ROW:
        last = visit_row(chip, p, s, queue, log, pre, at)
    elif over == e.ACTIVE:
        last = visit_all_leak(chip, p, s, queue, log, at)
    else:
        last = visit_one(chip, p, s, queue, log, does, pre, post, weight, leaks, at)
    closing = chip.ops[operation, OP_CLOSING]
    if closing:
        k.note(log, s, k.STATE, last + 1, e.FIRST_OPERATION + 2 * operation + 1, 0, 0)
        last = max(last + closing, s[k.PORT_FREE])
    if queued and chip.release_at_end:
        k.release(queue, chip, s, log, last)
    s[k.PEAK] = max(s[k.PEAK], s[k.LEVEL])
    k.note(log, s, k.DONE, operation, last + 1, s[k.WEIGHT_SUM], 0)
    return last + 1


@inner
def choose(chip, s, requested, background):
    """What the arbiter takes in a cycle in which it may choose."""
    for rule in chip.order:
        if rule == e.QUEUE_FULL and s[k.LEVEL] >= chip.depth:
            return SERVE_HEAD
        if rule == e.QUEUE and s[k.LEVEL] > 0:
            return SERVE_HEAD
        if requested and rule == (e.BACKGROUND if background else e.INPUT):
            return INPUT
    return NOTHING


@kernel
def simulate(chip, p, events, s, queue, requests, log_states, max_cycles):
    """(cycles or -1 where ``max_cycles`` did not suffice, log, states (operations, 3, n), how many of them)."""
    per_operation = 3 * chip.neurons + 16
    log = np.zeros((4 * per_operation, 5), np.int64)
    shots = np.zeros((4 * events.shape[0] if log_states else 0, 3, chip.neurons), np.int64)
    at, number, n_shots, fallen = 0, 0, 0, -chip.gap
    while True:
        if log.shape[0] - s[k.LOGGED] < per_operation:
            grown = np.zeros((2 * log.shape[0], 5), np.int64)
            grown[: s[k.LOGGED]] = log[: s[k.LOGGED]]
            log = grown
        k.note(log, s, k.STATE, at, e.IDLE, 0, 0)
        pending = number < events.shape[0]
        if not pending and s[k.LEVEL] == 0:
            at = max(at, s[k.PORT_FREE])
            return (at if at <= max_cycles else -1), log, shots, n_shots
        operation = events[number, EV_OPERATION] if pending else 0
        rise = max(events[number, EV_NOT_BEFORE], fallen + chip.gap) if pending else 0
        background = pending and chip.ops[operation, OP_BACKGROUND] != 0
        at = max(at + chip.idle - 1, s[k.PORT_FREE])
        choice = choose(chip, s, pending and rise + chip.stages <= at, background)
        if choice == NOTHING:
            # Nothing is queued, so only the next request can end the wait.
            at = max(at, rise + chip.stages)
            choice = INPUT
        if at > max_cycles:
            return -1, log, shots, n_shots
        at += 1
        served = True
        if choice == SERVE_HEAD:
            head = s[k.HEAD]
            operation, neuron, target, weight = queue[head, 0], queue[head, 1], queue[head, 2], queue[head, 3]
            at = serve(chip, p, s, queue, log, operation, neuron, target, weight, queue[head, 4] != 0, True, at)
        else:
            neuron, post, leaks = events[number, EV_NEURON], events[number, EV_POST], events[number, EV_LEAK]
            weight, negative = events[number, EV_WEIGHT], events[number, EV_NEGATIVE]
            means = chip.ops[operation, OP_EMPTY]
            if means >= 0 and weight == 0 and negative == 0 and leaks == 0:
                operation = means
            weight = -weight if negative else weight
            target = post if chip.ops[operation, OP_DOES] == e.ADD_SYNAPSE else neuron
            served = chip.ops[operation, OP_QUEUED] == 0
            if served:
                at = serve(chip, p, s, queue, log, operation, neuron, target, weight, leaks != 0, False, at)
            else:
                k.note(log, s, k.STATE, at, e.ACCEPT, 0, 0)
                at += chip.accept
                k.push(queue, chip, s, log, at - 1, operation, neuron, target, weight, leaks)
                s[k.PEAK] = max(s[k.PEAK], s[k.LEVEL])
            k.note(log, s, k.STATE, at, e.RELEASE, 0, 0)
            down = at + chip.release_delay
            fallen = down + chip.stages + 1
            requests[number, 0], requests[number, 1], requests[number, 2], requests[number, 3] = rise, at, down, fallen
            at = fallen
            number += 1
        if served and log_states:
            if n_shots == shots.shape[0]:
                more = np.zeros((2 * n_shots + 1, 3, chip.neurons), np.int64)
                more[:n_shots] = shots
                shots = more
            shots[n_shots, 0], shots[n_shots, 1], shots[n_shots, 2] = p.membrane, p.calcium, p.calcium_count
            n_shots += 1


def run(
    plan: EventPlan, program: EventProgram, events: EventStream, outside: Environment, log_states: bool,
    max_cycles: int,
) -> EventResult | None:  # fmt: skip
    """The whole stream; None if it is not over after ``max_cycles``."""
    chip: Chip
    chip, loaded, numbers, queue = lower(plan, program, outside)
    requests = np.zeros((events.n_events, 4), np.int64)
    cycles, log, shots, n_shots = simulate(
        chip, loaded, columns_of(events), numbers, queue, requests, log_states, max_cycles
    )
    if cycles < 0:
        return None
    learning = program.learning is not None
    return result_of(cycles, log[: numbers[k.LOGGED]], requests, shots[:n_shots], numbers, loaded, learning)
