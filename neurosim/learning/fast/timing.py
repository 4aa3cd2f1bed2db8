"""Layers that compute with spike times, forward and backward: kernels of STDBP and of the spike-timing learner.

The rectified linear PSP: an input at t_i adds w * (t - t_i) from then on, so with A = sum of w and B = sum of w * t_i a
membrane is V(t) = A * t - B, and with A > 0 it reaches the threshold at t_j = (threshold + B) / A. Derivatives:
dt_j/dw_ij = (t_i - t_j) / A and dt_j/dt_i = w_ij / A for the inputs that came before. Time is continuous; work is done
at events only.

Inputs of a layer: ``idx`` (n_events,) int32 and ``times`` (n_events,), ascending. Weights (n_in, n_out). Spikes that a
layer gives: ``spikes`` (most, 3) int32, neuron and the half-open range of inputs that caused it; ``at`` (most,) its
time and ``slope`` (most,) its A.
"""

from __future__ import annotations

from numba import njit

from neurosim.learning.counters import INDEX

ADDS, PRODUCTS_FORWARD, NEURONS = INDEX["forward_adds"], INDEX["forward_products"], INDEX["neuron_updates"]
PRE, POST, SLOPES, BACKWARD = (INDEX[n] for n in ("pre_spikes", "post_spikes", "surrogates", "backward_updates"))
READS = INDEX["history_reads"]
ERRORS, GRADS, PRODUCTS = INDEX["error_products"], INDEX["gradient_adds"], INDEX["gradient_products"]
ERROR_WORDS, GRAD_WORDS = INDEX["error_words"], INDEX["gradient_words"]


@njit(cache=True, nogil=True)
def forward_timed(idx, times, weights, threshold, end, most, total, moment, began, fired, spikes, at, slope, count):
    """Run a layer until ``end``; returns the number of spikes.

    A neuron fires at most ``most`` times; after a spike it forgets the inputs so far. ``total`` (A), ``moment`` (B),
    ``began`` (first input since the last spike) and ``fired`` (n_out,) are scratch; for a neuron that did not fire at
    the end they say where it stands.
    """
    n = weights.shape[1]
    used = 0
    total[:] = 0
    moment[:] = 0
    began[:] = 0
    fired[:] = 0
    left = n
    for k in range(idx.size + 1):
        last = k == idx.size
        t = end if last else times[k]
        if t > end:
            last, t = True, end
        for j in range(n):
            if total[j] > 0 and total[j] * t - moment[j] >= threshold[j]:
                spikes[used, 0], spikes[used, 1], spikes[used, 2] = j, began[j], k
                at[used] = (threshold[j] + moment[j]) / total[j]
                slope[used] = total[j]
                used += 1
                fired[j] += 1
                left -= fired[j] == most
                total[j] = 0
                moment[j] = 0
                began[j] = k
        if last:
            break
        row = weights[idx[k]]
        for j in range(n):
            # A neuron that is done listens no more.
            w = row[j] if fired[j] < most else row[j] * 0
            total[j] += w
            moment[j] += w * t
        count[ADDS] += left
        count[PRODUCTS_FORWARD] += left
        count[NEURONS] += left
        count[PRE] += 1
    count[POST] += used
    return used


@njit(cache=True, nogil=True)
def back_timed(
    idx, times, weights, spikes, at, slope, error, n_spikes, most_inverse, grad, touched, below, want_below, count
):
    """Gradient of a layer's weights, and ``below`` (n_events,) the error of each input's time, from ``error``
    (n_spikes,) of the times of its spikes. 1 / A is limited to ``most_inverse``. Spikes without error pass."""
    for s in range(n_spikes):
        if error[s] == 0:
            continue
        j = spikes[s, 0]
        scale = error[s] * min(1 / slope[s], most_inverse)
        for k in range(spikes[s, 1], spikes[s, 2]):
            i = idx[k]
            grad[i, j] += scale * (times[k] - at[s])
            touched[i, j] = 1
            if want_below:
                below[k] += scale * weights[i, j]
        pairs = spikes[s, 2] - spikes[s, 1]
        count[SLOPES] += 1
        count[BACKWARD] += 1
        count[READS] += 1 + pairs
        count[GRADS] += pairs
        count[PRODUCTS] += pairs
        # The inputs of one spike lie in as many rows: a word each.
        count[GRAD_WORDS] += pairs
        if want_below:
            count[ERRORS] += pairs
            count[ERROR_WORDS] += pairs


@njit(cache=True, nogil=True)
def push(idx, n_events, j, amount, grad, touched, count):
    """Raise what a silent neuron got: its weights from every input that came; ``amount`` is taken from the gradient."""
    for k in range(n_events):
        grad[idx[k], j] -= amount
        touched[idx[k], j] = 1
    count[GRADS] += n_events
    count[GRAD_WORDS] += n_events


@njit(cache=True, nogil=True)
def forward_ramps(idx, times, weights, end, out, count):
    """Membranes (n_out,) at ``end`` of a readout that never fires: sum of w * (end - t_i)."""
    out[:] = 0
    n = out.size
    for k in range(idx.size):
        ramp = end - times[k]
        row = weights[idx[k]]
        for j in range(n):
            out[j] += row[j] * ramp
        count[ADDS] += n
        count[PRODUCTS_FORWARD] += n
    count[PRE] += idx.size


@njit(cache=True, nogil=True)
def back_ramps(idx, times, weights, end, error, grad, touched, below, group, count):
    """Gradient of such a readout's weights, and ``below`` (n_events,) the error of each input's time."""
    n = error.size
    for k in range(idx.size):
        i, ramp = idx[k], end - times[k]
        total = weights[0, 0] * 0
        for j in range(n):
            grad[i, j] += error[j] * ramp
            touched[i, j] = 1
            total -= weights[i, j] * error[j]
        below[k] = total
        count[GRADS] += n
        count[PRODUCTS] += n
        count[ERRORS] += n
        count[READS] += 1
        count[GRAD_WORDS] += (n + group - 1) // group
        count[ERROR_WORDS] += (n + group - 1) // group
