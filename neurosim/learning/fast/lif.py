"""Leaky integrate-and-fire layers in time steps, forward and backward: kernels of the surrogate-gradient learners.

u[t] = decay * u[t-1] * (1 - s[t-1]) + sum of weights of the inputs that spike at t;  s[t] = u[t] >= threshold.
Backward, the reset path detached: dU[t] = dS[t] * g(u[t]) + decay * (1 - s[t]) * dU[t+1]; dW = sum of dU[t] over the
spikes of the input; dS of the layer below = W dU. `back_steps` walks all steps (dense, or skipping what is zero),
`back_pairs` only pairs of an input spike and the next spike of a neuron: for a surrogate that is zero without a spike
both give the same sums.

Spikes of a layer: ``ptr`` (timesteps + 1,) int64 into ``idx`` int32, by time, ascending. Weights (n_in, n_out).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from neurosim.learning.counters import INDEX

ADDS, NEURONS, PRE, POST = (INDEX[n] for n in ("forward_adds", "neuron_updates", "pre_spikes", "post_spikes"))
READS = INDEX["history_reads"]
SLOPES, BACKWARD = INDEX["surrogates"], INDEX["backward_updates"]
ERRORS, GRADS, PRODUCTS = INDEX["error_products"], INDEX["gradient_adds"], INDEX["gradient_products"]
ERROR_WORDS, GRAD_WORDS = INDEX["error_words"], INDEX["gradient_words"]
HELD_READS = INDEX["held_reads"]
DENSE, SKIP, HELD = 0, 1, 2
"""How `back_steps` walks: every weight at every step; what is not zero; every weight once, over all steps."""
WRITTEN, WRITTEN_WORDS = INDEX["weights_written"], INDEX["written_words"]


@njit(cache=True, nogil=True)
def forward_lif(ptr, idx, weights, decay, threshold, u, s, out_ptr, out_idx, count):
    """Run a layer; fills ``u`` and ``s`` (timesteps, n_out) and the spikes; returns nothing. Raises counters."""
    timesteps, n = u.shape
    used = 0
    out_ptr[0] = 0
    for t in range(timesteps):
        for j in range(n):
            u[t, j] = 0
        for k in range(ptr[t], ptr[t + 1]):
            row = weights[idx[k]]
            for j in range(n):
                u[t, j] += row[j]
            count[ADDS] += n
        if t > 0:
            # The input is summed first, as the chip's engines do: the same additions in the same order.
            for j in range(n):
                u[t, j] = decay * u[t - 1, j] * (1 - s[t - 1, j]) + u[t, j]
        count[NEURONS] += n
        for j in range(n):
            fires = u[t, j] >= threshold[j]
            s[t, j] = fires
            if fires:
                out_idx[used] = j
                used += 1
        out_ptr[t + 1] = used
    count[PRE] += ptr[timesteps] - ptr[0]
    count[POST] += used


@njit(cache=True, nogil=True)
def forward_readout(ptr, idx, weights, step, out, count):
    """Sum the weights of every spike into ``out`` (n_out,): a membrane that neither leaks nor fires. ``step`` (n_out,)
    is scratch: the input of one timestep, added to the membrane as a whole."""
    out[:] = 0
    n = out.size
    for t in range(ptr.size - 1):
        step[:] = 0
        for k in range(ptr[t], ptr[t + 1]):
            row = weights[idx[k]]
            for j in range(n):
                step[j] += row[j]
            count[ADDS] += n
        for j in range(n):
            out[j] += step[j]
        count[NEURONS] += n
    count[PRE] += ptr[ptr.size - 1] - ptr[0]


@njit(cache=True, nogil=True)
def back_readout(ptr, idx, weights, error, grad, touched, below, want_below, group, count):
    """Gradient of the readout's weights; ``below`` (n_in,) is the error of every spike of the layer below."""
    n = error.size
    if want_below:
        below[:] = 0
    for k in range(ptr[0], ptr[ptr.size - 1]):
        i = idx[k]
        for j in range(n):
            grad[i, j] += error[j]
            touched[i, j] = 1
        count[GRADS] += n
        count[GRAD_WORDS] += (n + group - 1) // group
    if want_below:
        for i in range(weights.shape[0]):
            total = below[i]
            for j in range(n):
                total += weights[i, j] * error[j]
            below[i] = total
        count[ERRORS] += weights.shape[0] * n
        count[ERROR_WORDS] += weights.shape[0] * ((n + group - 1) // group)


@njit(cache=True, nogil=True)
def slope(u, s, threshold, width, least):
    """The surrogate: a triangle around the threshold; with ``least`` >= 0 only at spikes, and there at least that."""
    g = max(0.0, 1 - abs(u - threshold) / width) / width
    if least >= 0:
        g = max(least, g) if s else 0.0
    return g


@njit(cache=True, nogil=True)
def back_steps(
    ptr,
    idx,
    weights,
    decay,
    threshold,
    width,
    least,
    u,
    s,
    d_spike,
    d_u,
    grad,
    touched,
    d_below,
    want_below,
    walk,
    group,
    count,
):
    """All timesteps backward. ``d_spike`` (timesteps, n_out) is dS; fills ``d_u`` and, if wanted, ``d_below``
    (timesteps, n_in). ``walk``: SKIP leaves out what is zero, error of silent inputs and gradients of membranes of 0;
    HELD counts what walking weight by weight, each over all steps, touches: a word of weights or gradients once, and
    the gradients of membranes again for each weight. The sums are the same."""
    timesteps, n = u.shape
    n_in = weights.shape[0]
    for t in range(timesteps - 1, -1, -1):
        nonzero, words, last = 0, 0, -1
        for j in range(n):
            g = d_spike[t, j] * slope(u[t, j], s[t, j], threshold[j], width, least)
            if t + 1 < timesteps:
                g += decay * (1 - s[t, j]) * d_u[t + 1, j]
            d_u[t, j] = g
            if g != 0:
                nonzero += 1
                words += j // group != last
                last = j // group
        count[SLOPES] += n
        count[BACKWARD] += n
        count[READS] += n
        for k in range(ptr[t], ptr[t + 1]):
            i = idx[k]
            for j in range(n):
                grad[i, j] += d_u[t, j]
                touched[i, j] |= d_u[t, j] != 0
        full = n_in * ((n + group - 1) // group)
        if walk == HELD:
            # Sum and error of a weight go through its row together.
            count[HELD_READS] += n_in * n
            full = full if t == 0 else 0
        count[GRADS] += (ptr[t + 1] - ptr[t]) * nonzero if walk == SKIP else n_in * n
        count[GRAD_WORDS] += (ptr[t + 1] - ptr[t]) * words if walk == SKIP else full
        if want_below:
            for i in range(n_in):
                total = weights[i, 0] * 0
                for j in range(n):
                    total += weights[i, j] * d_u[t, j]
                d_below[t, i] = total
            count[ERRORS] += n_in * (nonzero if walk == SKIP else n)
            count[ERROR_WORDS] += n_in * words if walk == SKIP else full


@njit(cache=True, nogil=True)
def back_pairs(
    ptr, idx, out_ptr, out_idx, weights, powers, threshold, width, least, u, d_spike, grad, touched, d_below,
    want_below, active, delta, next_time, carried, group, count,
):  # fmt: skip
    """From spike to spike, backward: an input spike meets every neuron that still fires, at the neuron's next spike.

    ``powers`` (timesteps,) are powers of the decay; ``active``, ``delta``, ``next_time``, ``carried`` (n_out,) are
    scratch. Reads ``u`` and ``d_spike`` only at spikes and writes ``d_below`` only at input spikes.
    """
    timesteps = u.shape[0]
    n_active, words = 0, 0
    next_time[:] = -1
    for t in range(timesteps - 1, -1, -1):
        for k in range(out_ptr[t], out_ptr[t + 1]):
            j = out_idx[k]
            if next_time[j] < 0:
                first = j // group * group
                new = 1
                for other in range(first, min(first + group, next_time.size)):
                    if next_time[other] >= 0:
                        new = 0
                words += new
                active[n_active] = j
                n_active += 1
            delta[j] = d_spike[t, j] * slope(u[t, j], 1, threshold[j], width, least)
            next_time[j] = t
        fired = out_ptr[t + 1] - out_ptr[t]
        count[SLOPES] += fired
        count[BACKWARD] += fired
        count[READS] += fired
        if ptr[t + 1] == ptr[t]:
            continue
        for a in range(n_active):
            j = active[a]
            carried[a] = delta[j] * powers[next_time[j] - t]
        for k in range(ptr[t], ptr[t + 1]):
            i = idx[k]
            for a in range(n_active):
                j = active[a]
                grad[i, j] += carried[a]
                touched[i, j] = 1
            if want_below:
                total = weights[i, 0] * 0
                for a in range(n_active):
                    total += weights[i, active[a]] * carried[a]
                d_below[t, i] = total
        pairs = (ptr[t + 1] - ptr[t]) * n_active
        count[GRADS] += pairs
        count[PRODUCTS] += pairs
        count[GRAD_WORDS] += (ptr[t + 1] - ptr[t]) * words
        if want_below:
            count[ERRORS] += pairs
            count[ERROR_WORDS] += (ptr[t + 1] - ptr[t]) * words
    count[READS] += ptr[timesteps] - ptr[0]


@njit(cache=True, nogil=True)
def apply(weights, grad, touched, rate, everything, step, top, state, group, count):
    """w -= rate * gradient, and clear both scratch arrays; only touched weights, or ``everything``.

    ``step`` > 0: weights are multiples of it within ``top`` steps, rounded at random in proportion (``state`` (1,)
    uint64 is the generator, a xorshift); 0: floating point. ``group`` weights lie in a word.
    """
    rows, n = weights.shape
    for i in range(rows):
        last = -1
        for j in range(n):
            if touched[i, j] == 0:
                continue
            if not everything:
                count[WRITTEN] += 1
                count[WRITTEN_WORDS] += j // group != last
                last = j // group
            x = weights[i, j] - rate * grad[i, j]
            if step > 0:
                x /= step
                low = np.floor(x)
                r = state[0]
                r ^= r << np.uint64(13)
                r ^= r >> np.uint64(7)
                r ^= r << np.uint64(17)
                state[0] = r
                x = low + (np.float64(r >> np.uint64(11)) * 1.1102230246251565e-16 < x - low)
                x = min(max(x, -top), top) * step
            weights[i, j] = x
            grad[i, j] = 0
            touched[i, j] = 0
    if everything:
        count[WRITTEN] += rows * n
        count[WRITTEN_WORDS] += rows * ((n + group - 1) // group)
