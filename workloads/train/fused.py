"""Neurons over all timesteps in one pass of compiled code, forward and backward: the loops that training spends its
time in. Same rule and same roundings as `model.run_neurons`; the integer form is the rule of the simulator's `Lif`."""

from __future__ import annotations

import numba
import numpy as np
import torch


@numba.njit(cache=True)
def _float_forward(current, keep, theta, subtract, spike, distance):
    steps, n = current.shape
    v = np.zeros(n, np.float32)
    for t in range(steps):
        for j in range(n):
            x = keep * v[j] + current[t, j]
            distance[t, j] = x - theta
            fired = x >= theta
            spike[t, j] = np.float32(1) if fired else np.float32(0)
            v[j] = x - theta if fired and subtract else x


@numba.njit(cache=True)
def _float_backward(grad, grad_v, with_v, distance, keep, out):
    steps, n = grad.shape
    carried = np.zeros(n, np.float32)
    zero, one = np.float32(0), np.float32(1)
    for t in range(steps - 1, -1, -1):
        for j in range(n):
            slope = max(zero, one - abs(distance[t, j]))
            g = grad[t, j] * slope + keep * carried[j]
            if with_v:
                g += grad_v[t, j]
            out[t, j] = g
            carried[j] = g


class FloatNeurons(torch.autograd.Function):
    """Currents (timesteps, ...) to spikes and to membranes before the reset less the threshold 1;
    the gradient of a spike is a triangle of half width 1 around the threshold."""

    @staticmethod
    def forward(ctx, currents: torch.Tensor, keep: float, subtract: bool) -> tuple[torch.Tensor, torch.Tensor]:
        flat = currents.contiguous().view(len(currents), -1)
        spike, distance = torch.empty_like(flat), torch.empty_like(flat)
        one = np.float32(1)
        _float_forward(flat.numpy(), np.float32(keep), one, subtract, spike.numpy(), distance.numpy())
        ctx.save_for_backward(distance)
        ctx.keep = keep
        ctx.set_materialize_grads(False)
        return spike.view_as(currents), distance.view_as(currents)

    @staticmethod
    def backward(ctx, grad: torch.Tensor | None, grad_v: torch.Tensor | None) -> tuple:
        (distance,) = ctx.saved_tensors
        shape = (grad_v if grad is None else grad).shape
        out = torch.empty_like(distance)
        g = torch.zeros_like(distance) if grad is None else grad.contiguous().view_as(distance)
        # An absent gradient of the membranes is never read; the other one stands in its place.
        g_v = g if grad_v is None else grad_v.contiguous().view_as(distance)
        keep = np.float32(ctx.keep)
        _float_backward(g.numpy(), g_v.numpy(), grad_v is not None, distance.numpy(), keep, out.numpy())
        return out.view(shape), None, None


@numba.njit(cache=True)
def _integer_forward(drive, theta, shift, low, high, spike, membrane):
    steps, n = drive.shape
    v = np.zeros(n, np.int64)
    channels = theta.size
    for t in range(steps):
        for j in range(n):
            limit = theta[j % channels]
            x = v[j] - (v[j] >> shift) + np.int64(drive[t, j])
            x = min(max(x, low), high)
            membrane[t, j] = np.float32(x)
            fired = x >= limit
            spike[t, j] = np.float32(1) if fired else np.float32(0)
            v[j] = x - limit if fired else x


@numba.njit(cache=True)
def _integer_backward(grad, membrane, theta, keep, middle, least, out, out_theta):
    steps, n = grad.shape
    carried = np.zeros(n, np.float32)
    zero, one = np.float32(0), np.float32(1)
    channels = theta.size
    for t in range(steps - 1, -1, -1):
        for j in range(n):
            channel = j % channels
            limit = np.float32(theta[channel])
            v = membrane[t, j]
            ratio = v / limit
            by_ratio = grad[t, j] * max(zero, one - abs(v + middle - limit) / max(limit, least))
            # Straight through the stops too: spikes near the top of a narrow range could else only be discouraged.
            g = by_ratio + keep * carried[j]
            out[t, j] = g
            out_theta[channel] -= by_ratio * ratio
            carried[j] = g


class IntegerNeurons(torch.autograd.Function):
    """Whole-numbered drive (timesteps, ..., channels) to spikes: leak by a shift, saturating membranes of
    ``bits`` bits, ``theta`` (channels,) whole numbers, reset by subtraction.

    Gradients of drive and theta are those of membrane / threshold, divided by the threshold.
    """

    @staticmethod
    def forward(ctx, drive: torch.Tensor, theta: torch.Tensor, shift: int, bits: int) -> torch.Tensor:
        flat = drive.contiguous().view(len(drive), -1)
        spike, membrane = torch.empty_like(flat), torch.empty_like(flat)
        low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
        whole = theta.detach().numpy().astype(np.int64)
        _integer_forward(flat.numpy(), whole, shift, low, high, spike.numpy(), membrane.numpy())
        ctx.save_for_backward(membrane, theta)
        ctx.keep = 1 - 2.0**-shift
        # In two bits only 1 spikes: the step is between 0 and 1, and a triangle as narrow as the threshold would give
        # silent neurons no gradient.
        ctx.window = (np.float32(0.5), np.float32(2)) if bits == 2 else (np.float32(0), np.float32(1))
        return spike.view_as(drive)

    @staticmethod
    def backward(ctx, grad: torch.Tensor) -> tuple:
        membrane, theta = ctx.saved_tensors
        out, by_theta = torch.empty_like(membrane), torch.zeros_like(theta)
        whole = theta.detach().numpy().astype(np.int64)
        flat = grad.contiguous().view_as(membrane).numpy()
        _integer_backward(
            flat, membrane.numpy(), whole, np.float32(ctx.keep), *ctx.window, out.numpy(),
            by_theta.numpy(),
        )  # fmt: skip
        return out.view_as(grad) / theta, by_theta / theta, None, None
