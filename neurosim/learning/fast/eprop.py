"""E-prop as ReckOn has it, forward in time with traces a neuron: kernel of the learner `e-prop`.

LIF layer and readout of `fast.lif` (float32, one timestep after the other), learned while it runs:

* An input spike adds 1,024 to the input's trace (12 bits), which decays by ``keep`` / 256 a timestep, rounded down. A
  hidden spike adds 64 to the neuron's output trace (10 bits), which does not decay, as the readout does not leak.
* In every timestep from ``first_label`` on the target is there, and gives errors to its class and to the strongest
  other (`rival`); the learning signal L_j = sum over k of error_k * w_jk (the readout's weights); the slope h_j is a
  staircase of five levels, 0 to 4, of the membrane's distance from the threshold.
* Weights move at once: input by - rate * L_j * h_j * x_i, readout by - rate * error_k * z_j, rounded at random to whole
  steps of the weight's grid and limited to ``most`` of them. Rows with a trace of 0 are passed over.

No trace of a synapse is kept, and none is low-pass filtered a second time by the readout's time constant.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.learning.counters import INDEX
from neurosim.learning.fast.random import draw

X_STEP, X_TOP, Z_STEP, Z_TOP = 1024, 4095, 64, 1023
LEVELS = 4
MARGIN = np.float32(2)
ADDS, NEURONS, PRE, POST = (INDEX[n] for n in ("forward_adds", "neuron_updates", "pre_spikes", "post_spikes"))
PAIRS, WORDS, PRODUCTS = INDEX["plastic_pairs"], INDEX["plastic_words"], INDEX["plastic_products"]
WRITTEN, WRITTEN_WORDS, RANDOM = INDEX["weights_written"], INDEX["written_words"], INDEX["random_draws"]
TRACES, SLOPES, STEPS, LABELLED = (INDEX[n] for n in ("trace_updates", "surrogates", "steps", "labelled_steps"))
ERRORS, ERROR_WORDS = INDEX["error_products"], INDEX["error_words"]
ACTIVE, LATE = INDEX["active_indices"], INDEX["late_inputs"]


@njit(cache=True, nogil=True)
def level(distance, width):
    """The staircase: 4 near the threshold, 0 from ``width`` on; four compares."""
    found = 0
    for part in range(1, LEVELS + 1):
        found += distance * np.float32(LEVELS) < width * np.float32(part)
    return found


@njit(cache=True, nogil=True)
def rival(out, label, error):
    """Errors of the readout: the margin (2) less the lead over the strongest other class, within 0 and 1, for that
    class and, with the other sign, for the label's."""
    error[:] = 0
    best = -1
    for k in range(out.size):
        if k != label and (best < 0 or out[k] > out[best]):
            best = k
    if best >= 0:
        missing = min(max(MARGIN + (out[best] - out[label]), np.float32(0)), np.float32(1))
        error[best] = missing
        error[label] = -missing


@njit(cache=True, nogil=True)
def move_row(row, factors, trace, grid, most, top, state, count):
    """Move a row of weights by - factor * trace steps of ``grid`` each."""
    for j in range(row.size):
        if factors[j] == 0:
            continue
        change = -factors[j] * np.float32(trace)
        low = np.floor(change)
        count[PRODUCTS] += 1
        count[RANDOM] += 1
        steps = low + np.float32(np.float64(draw(state) >> np.uint64(11)) * 1.1102230246251565e-16 < change - low)
        steps = min(max(steps, -most), most)
        if steps != 0:
            moved = min(max(row[j] + steps * grid, -top), top)
            count[WRITTEN] += moved != row[j]
            row[j] = moved


@njit(cache=True, nogil=True)
def present(
    ptr, idx, w_in, w_out, decay, thresholds, width, keep, first_label, label, learns, scales, grids, most, tops,
    u, s, given, x, z, seen, out, step, error, factors, out_factors, state, group, count,
):  # fmt: skip
    """One sample; membranes of the readout into ``out`` (n_out,).

    ``scales`` (2,): rate over what one step of the grid and of the trace are; ``grids``, ``tops`` (2,): weight step and
    largest weight, of input and readout. ``given``, ``factors`` (n,), ``seen`` (n_in,), ``step``, ``error``,
    ``out_factors`` (n_out,) are scratch. ``count`` (2, counters).
    """
    n_in, n = w_in.shape
    n_out = out.size
    first, second = count[0], count[1]
    row_words, out_words = (n + group - 1) // group, (n_out + group - 1) // group
    x[:], z[:], seen[:] = 0, 0, -1
    u[:], s[:], out[:] = 0, 0, 0
    for t in range(ptr.size - 1):
        if learns:
            for i in range(n_in):
                x[i] = (x[i] * keep) >> 8
            first[TRACES] += n_in
            second[TRACES] += n
        given[:] = 0
        for k in range(ptr[t], ptr[t + 1]):
            i = idx[k]
            seen[i] = t
            if learns:
                x[i] = min(x[i] + X_STEP, X_TOP)
            row = w_in[i]
            for j in range(n):
                given[j] += row[j]
            first[PRE] += 1
            first[ADDS] += n
            first[ACTIVE] += 1
            first[LATE] += learns and i >= n
        step[:] = 0
        for j in range(n):
            u[j] = given[j] if s[j] or t == 0 else decay * u[j] + given[j]
            s[j] = u[j] >= thresholds[j]
            if s[j]:
                if learns:
                    z[j] = min(z[j] + Z_STEP, Z_TOP)
                row = w_out[j]
                for k in range(n_out):
                    step[k] += row[k]
                first[POST] += 1
                second[PRE] += 1
                second[ADDS] += n_out
                first[ACTIVE] += j >= n_in or seen[j] != t
        for k in range(n_out):
            out[k] += step[k]
        first[NEURONS] += n
        second[NEURONS] += n_out
        first[STEPS] += 1
        if not learns or t < first_label:
            continue
        first[LABELLED] += 1
        rival(out, label, error)
        for k in range(n_out):
            out_factors[k] = error[k] * scales[1]
        for j in range(n):
            total = np.float32(0)
            for k in range(n_out):
                total += error[k] * w_out[j, k]
            slope = level(abs(u[j] - thresholds[j]), width)
            factors[j] = total * np.float32(slope) * scales[0]
        first[ERRORS] += n * n_out
        first[ERROR_WORDS] += n * out_words
        first[SLOPES] += n
        first[PRODUCTS] += 2 * n
        second[PRODUCTS] += n_out
        for i in range(n_in):
            if x[i] > 0:
                move_row(w_in[i], factors, x[i], grids[0], most, tops[0], state, first)
                first[PAIRS] += n
                first[WORDS] += row_words
                first[WRITTEN_WORDS] += row_words
        for j in range(n):
            if z[j] > 0:
                move_row(w_out[j], out_factors, z[j], grids[1], most, tops[1], state, second)
                second[PAIRS] += n_out
                second[WORDS] += out_words
                second[WRITTEN_WORDS] += out_words
