"""Spiking modules of snnTorch and SpikingJelly as `Lif` parameters, by class name and without importing either.

The update rules were read in snnTorch 1.0 and SpikingJelly 2.0. snnTorch resets one step late. For Leaky's reset to
zero that clears the membrane before anything else happens, so it is a reset in the same step; Synaptic's reset to zero
drops the input of the next step too (so does RLeaky's), and the subtraction is not decayed: both stay delayed. The
recurrent layers bring back the spikes of the timestep before.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim.snn.neuron import Leak
from neurosim.workload.torch_graph import refused

NEURON_PACKAGES = ("snntorch._neurons", "spikingjelly.activation_based.neuron")
_RESETS = {0: "subtract", 1: "hard", 2: "none"}
_SNNTORCH = ("Leaky", "Synaptic", "RLeaky", "RSynaptic")
_RUN = f"{', '.join(_SNNTORCH)} of snnTorch; IFNode, LIFNode, ParametricLIFNode of SpikingJelly"


def is_neuron(module) -> bool:
    """Whether ``module`` is a neuron layer of one of the frameworks, or a subclass of one."""
    return any(cls.__module__.startswith(NEURON_PACKAGES) for cls in type(module).__mro__)


def is_multi_step(module) -> bool:
    """Whether one call covers all timesteps (SpikingJelly's step_mode 'm')."""
    return getattr(module, "step_mode", "s") == "m"


def clear_state(module) -> None:
    """Membranes as before the first timestep."""
    for name in ("reset_mem", "reset"):
        method = getattr(module, name, None)
        if callable(method):
            method()
            return


def _array(value) -> np.ndarray:
    value = value.detach().cpu().numpy() if hasattr(value, "detach") else value
    return np.asarray(value, np.float32)


def _one(name: str, what: str, value) -> float:
    array = np.unique(_array(value))
    if array.size != 1:
        raise refused(
            name, f"{what} has {array.size} values from {array[0]:g} to {array[-1]:g}; a layer has one. Train one for "
            "the layer, or split it by value",
        )  # fmt: skip
    return float(array[0])


def neuron_fields(module, name: str) -> dict[str, Any]:
    """``lif``: keywords of `Lif`; ``gain``: the value of one spike; ``back``: the layer of its own spikes, if any.

    Raises NeurosimError for other modules.
    """
    cls = type(module)
    if cls.__module__.startswith(NEURON_PACKAGES[0]) and cls.__name__ in _SNNTORCH:
        return _snntorch(module, name)
    readers = {"IFNode": _integrate, "LIFNode": _leaky, "ParametricLIFNode": _parametric}
    if cls.__module__.startswith(NEURON_PACKAGES[1]) and cls.__name__ in readers:
        if getattr(module, "_neuron_precision", None) is not None:
            raise refused(name, "runs with reduced precision; set it to None and compare in float32 first")
        threshold = _one(name, "v_threshold", module.v_threshold)
        rules = {**readers[cls.__name__](module, name), **_sj_reset(module, name)}
        return {"lif": {"threshold": threshold, "compare": ">=", **rules}, "gain": 1.0}
    raise refused(
        name, f"{cls.__name__} is not a neuron that neurosim runs ({_RUN}); train with one of these, or export the "
        "model to NIR if it is one of NIR's",
    )  # fmt: skip


def _snntorch(module, name: str) -> dict[str, Any]:
    if module.inhibition:
        raise refused(name, "inhibition=True lets one neuron win, which no neuron here does; train without it")
    if module.state_quant:
        raise refused(
            name, "state_quant quantises the membrane in floats, which no integer membrane does; train without it"
        )
    kind = type(module).__name__
    reset = _RESETS[int(module.reset_mechanism_val)]
    late = bool(getattr(module, "reset_delay", True))
    if reset == "subtract" and not late:
        raise refused(
            name, "reset_delay=False with reset_mechanism='subtract' holds back the spike after a membrane above twice "
            "the threshold (snnTorch 1.0), which no neuron here does; use reset_delay=True",
        )  # fmt: skip
    if kind == "RSynaptic" and not late:
        raise refused(
            name, "RSynaptic with reset_delay=False keeps the membrane it should reset (snnTorch 1.0); use True"
        )
    delay = late and (reset == "subtract" or (reset == "hard" and kind != "Leaky"))
    lif: dict[str, Any] = {
        "threshold": _array(module.threshold).reshape(-1), "compare": ">", "reset": reset, "reset_delay": delay,
        "leak": Leak("multiply", factor=min(1.0, max(0.0, _one(name, "beta", module.beta)))),
    }  # fmt: skip
    if kind.endswith("Synaptic"):
        lif["current_keep"] = min(1.0, max(0.0, _one(name, "alpha", module.alpha)))
    gain = _one(name, "graded_spikes_factor", getattr(module, "graded_spikes_factor", 1.0))
    return {"lif": lif, "gain": gain, "back": _recurrent(module.recurrent) if kind.startswith("R") else None}


def _recurrent(layer) -> dict[str, Any]:
    """The layer that brings a neuron's own spikes back: ``each`` (n,) or (1,), or a linear layer or convolution."""
    if hasattr(layer, "V"):
        return {"each": _array(layer.V).reshape(-1)}
    fields = {"weight": _array(layer.weight), "bias": None if layer.bias is None else _array(layer.bias)}
    if hasattr(layer, "stride"):
        geometry = ("stride", "padding", "dilation")
        fields |= {key: tuple(getattr(layer, key)) for key in geometry} | {"groups": layer.groups}
    return fields


def _sj_reset(module, name: str) -> dict[str, Any]:
    if module.v_reset is None:
        return {"reset": "subtract"}
    value = _one(name, "v_reset", module.v_reset)
    return {"reset": "hard", "v_reset": value, "v_init": value}


def _integrate(module, name: str) -> dict[str, Any]:
    return {}


def _leak(module, name: str, keep: float) -> dict[str, Any]:
    rest = 0.0 if module.v_reset is None else _one(name, "v_reset", module.v_reset)
    return {"leak": Leak("multiply", factor=keep), "v_rest": rest, "decay_input": bool(module.decay_input)}


def _leaky(module, name: str) -> dict[str, Any]:
    return _leak(module, name, 1 - 1 / _one(name, "tau", module.tau))


def _parametric(module, name: str) -> dict[str, Any]:
    return _leak(module, name, 1 - 1 / (1 + float(np.exp(-_one(name, "w", module.w)))))
