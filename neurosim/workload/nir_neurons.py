"""One neuron of a NIR graph, read with a profile: the parameters of a `Lif`, and the gain of its input.

Euler: ``v <- v (1 - dt/tau) + dt/tau (v_leak + r i)``, so the leak's factor is 1 - dt/tau and the gain of i is
``r dt/tau``. A gain of ``dt/tau`` itself is the Lif's ``decay_input``; any other is left to the weights. A synaptic
current ``c <- c (1 - dt/tau_syn) + dt/tau_syn w_in s`` feeds v in the step it is made, so its gain multiplies in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.snn.neuron import Leak
from neurosim.workload.nir_file import Node
from neurosim.workload.nir_shapes import refuse
from neurosim.workload.profiles import Profile

# Files carry float32 ratios: a gain this close to one is one that was rounded on the way.
ROUNDED = 1e-6
MAX_SPIKES = 255
"""Most spikes of a neuron in one step that counts them: one byte of payload."""


@dataclass(frozen=True, eq=False)
class Neuron:
    """``parameters`` of the `Lif` without its bias; ``gain`` (scalar or node shape, float64) of what arrives."""

    parameters: dict[str, Any]
    gain: np.ndarray
    spiking: bool


def read_neuron(node: Node, shape: tuple[int, ...], profile: Profile) -> Neuron:
    """The neuron ``node`` of ``shape`` under ``profile``. Raises NeurosimError for what a `Lif` cannot be."""
    values = {key: np.asarray(value, np.float64) for key, value in node.fields.items()}
    if node.kind == "Threshold":
        # A membrane that forgets everything is a comparison of the input alone.
        forget = {"leak": Leak("multiply", factor=0.0), "compare": ">", "reset": "none"}
        return Neuron({"threshold": _spread(values["threshold"], shape), **forget}, np.float64(1), True)
    parameters: dict[str, Any] = {"threshold": None}
    gain = _membrane(node, values, profile, parameters)
    if node.kind in ("CubaLI", "CubaLIF"):
        gain = gain * _current(node, values, profile, parameters)
    spiking = "v_threshold" in values
    if spiking:
        _spikes(node, values, shape, profile, parameters)
    parameters["v_floor"] = profile.v_min
    start = {"zero": 0.0, "reset": parameters.get("v_reset", 0.0), "leak": parameters.get("v_rest", 0.0)}
    parameters["v_init"] = start[profile.start]
    return Neuron(parameters, _snapped(gain), spiking)


def _spread(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One number where all are equal, else one a neuron in C order."""
    return values.reshape(-1)[:1] if (values == values.reshape(-1)[0]).all() else np.broadcast_to(values, shape).ravel()


def _one(node: Node, key: str, values: np.ndarray) -> float:
    single = np.unique(values.astype(np.float32))
    if single.size != 1:
        raise refuse(
            node, f"{key}: {single.size} different values from {single[0]:g} to {single[-1]:g}; a population has one. "
            "Split the layer by value, or give all neurons one",
        )  # fmt: skip
    return float(values.reshape(-1)[0])


def _snapped(gain: np.ndarray) -> np.ndarray:
    gain = np.where(np.abs(gain - 1) <= ROUNDED, 1.0, gain)
    return gain.reshape(-1)[0] if gain.size and (gain == gain.reshape(-1)[0]).all() else gain


def _tau(node: Node, key: str, values: dict, profile: Profile) -> np.ndarray:
    tau = values[key] / profile.dt if profile.repair_tau else values[key]
    if (tau <= 0).any():
        raise refuse(node, f"{key}: got {tau.min():g}, expected positive time constants")
    if profile.decay == "euler" and (tau < profile.dt * (1 - ROUNDED)).any():
        raise refuse(
            node, f"{key}: {tau.min():g} is less than dt = {profile.dt:g}, so a step would overshoot; give the dt the "
            f"file was made with (--profile {profile.name}:dt=...)"
            + ("; norse writes tau multiplied by dt: --profile norse:repair_tau=true" * (profile.name == "norse")),
        )  # fmt: skip
    return tau


def _keep(tau: np.ndarray, profile: Profile) -> np.ndarray:
    """What a step leaves of the state."""
    return np.maximum(1 - profile.dt / tau, 0.0) if profile.decay == "euler" else np.exp(-profile.dt / tau)


def _membrane(node: Node, values: dict, profile: Profile, parameters: dict) -> np.ndarray:
    r = values["r"]
    if "tau" not in values and "tau_mem" not in values:
        gain = r * profile.dt
        if profile.name == "spikingjelly" and (np.abs(gain - 1) > ROUNDED).any():
            dt = 1 / r.reshape(-1)[0] if r.reshape(-1)[0] else np.inf
            raise refuse(
                node, f"r = {r.reshape(-1)[0]:g} says dt = {dt:g}, the profile has {profile.dt:g}; give --profile "
                f"spikingjelly:dt={dt:g}",
            )  # fmt: skip
        return gain
    key = "tau" if "tau" in values else "tau_mem"
    keep = _keep(_tau(node, key, values, profile), profile)
    factor = _one(node, key, keep)
    parameters["leak"] = Leak("multiply", factor=factor)
    parameters["v_rest"] = _one(node, "v_leak", values["v_leak"])
    removed = (1 - keep) if profile.norm_input else np.ones_like(keep)
    gain = removed * r
    if profile.name == "snntorch" and node.kind == "LIF" and (np.abs(r * profile.dt / values[key] - 1) > 1e-4).any():
        first, resistance = values[key].reshape(-1)[0], r.reshape(-1)[0]
        dt = first / resistance if resistance else np.inf
        raise refuse(
            node, f"tau/r says dt = {dt:g}, the profile has {profile.dt:g}: snnTorch writes r = tau/dt; give "
            f"--profile snntorch:dt={dt:g}, or the profile of the framework that wrote the file",
        )  # fmt: skip
    if profile.norm_input and (np.abs(r - 1) <= ROUNDED).all() and factor < 1 and (np.abs(gain - 1) > ROUNDED).all():
        parameters["decay_input"] = True
        return np.ones_like(gain)
    return gain


def _current(node: Node, values: dict, profile: Profile, parameters: dict) -> np.ndarray:
    if not profile.cuba:
        raise refuse(
            node, f"profile {profile.name} does not say when a synaptic current reaches the membrane; use a LIF, or "
            "--profile nir:dt=... (the new current enters in the same step)",
        )  # fmt: skip
    keep = _keep(_tau(node, "tau_syn", values, profile), profile)
    parameters["current_keep"] = _one(node, "tau_syn", keep)
    w_in = values.get("w_in", np.float64(1))
    return (1 - keep if profile.norm_input else 1.0) * w_in


def _spikes(node: Node, values: dict, shape, profile: Profile, parameters: dict) -> None:
    parameters["threshold"] = _spread(values["v_threshold"], shape)
    parameters["compare"], parameters["reset"] = profile.compare, profile.reset
    parameters["reset_delay"] = profile.reset_delay
    if profile.multi_spike:
        if (values["v_threshold"] <= 0).any():
            raise refuse(node, "v_threshold: several spikes a step need positive thresholds")
        parameters["max_spikes"] = MAX_SPIKES
    if profile.reset == "hard":
        parameters["v_reset"] = _one(node, "v_reset", values.get("v_reset", np.zeros(1)))


def check_dt(delay: np.ndarray, node: Node, profile: Profile) -> np.ndarray:
    """Delays of a Delay node in timesteps, int64; refused where they are no whole number of them."""
    steps = delay / profile.dt
    rounded = np.rint(steps)
    if (np.abs(steps - rounded) > 1e-3).any() or rounded.min() < 0 or rounded.max() > 65535:
        raise refuse(
            node, f"delay: {delay.min():g} to {delay.max():g} is not 0 to 65535 whole timesteps of dt = {profile.dt:g}"
        )
    return rounded.astype(np.int64)
