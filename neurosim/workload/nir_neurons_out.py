"""A `Lif` as a NIR neuron, and the one profile that a network's neurons share: the inverse of `nir_neurons`."""

from __future__ import annotations

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.network import Network, Population
from neurosim.snn.neuron import Lif
from neurosim.workload.nir_file import Node
from neurosim.workload.nir_neurons import MAX_SPIKES
from neurosim.workload.profiles import Profile, profile


def _is_comparison(model: Lif) -> bool:
    """Forgets everything, resets nothing: a Threshold node."""
    forgets = model.leak.kind == "multiply" and model.leak.factor == 0 and model.v_rest == 0 and not model.v_init.any()
    plain = model.compare == ">" and model.reset == "none" and model.current_keep is None and not model.refractory
    plain = plain and model.v_floor is None and model.max_spikes == 1
    return model.threshold is not None and forgets and plain and not model.reset_delay and not model.decay_input


def rules(network: Network, dt: float) -> Profile:
    """The profile under which every neuron of ``network`` reads back as it is."""
    neurons = [p for p in network.populations if isinstance(p.model, Lif) and not _is_comparison(p.model)]
    seen: dict[str, tuple[object, str]] = {}
    for p in neurons:
        for key, value in _asked(p).items():
            first = seen.setdefault(key, (value, p.name))
            if first[0] != value:
                raise NeurosimError(
                    f"population {p.name!r}.{key}: {value}, but {first[1]!r} has {first[0]}; a NIR file is read with "
                    "one rule for all, so give both the same"
                )
    chosen = {key: value for key, (value, _) in seen.items()}
    return profile(Profile("nir", dt, **chosen, start=_start(neurons)))


def _asked(population: Population) -> dict[str, object]:
    """What one neuron wants of a profile, by field."""
    model = population.model
    if model.threshold is None:
        return {"v_min": model.v_floor}
    if model.ternary:
        raise NeurosimError(
            f"population {population.name!r}.ternary: NIR has no neuron that sends +1 and -1; keep the native file"
        )
    if model.max_spikes not in (1, MAX_SPIKES):
        raise NeurosimError(
            f"population {population.name!r}.max_spikes: got {model.max_spikes}; a profile has 1 or {MAX_SPIKES}"
        )
    return {
        "v_min": model.v_floor, "compare": model.compare, "reset": model.reset, "reset_delay": model.reset_delay,
        "multi_spike": model.max_spikes > 1,
    }  # fmt: skip


def _start(neurons: list[Population]) -> str:
    """Where all membranes start."""
    for start in ("zero", "reset", "leak"):
        if all((p.model.v_init == _start_of(p.model, start)).all() for p in neurons):
            return start
    raise NeurosimError(
        f"population {neurons[0].name!r}: or another starts at a v_init that is not 0, v_reset or v_rest in all of "
        "them; NIR has no field for it"
    )


def _start_of(model: Lif, start: str) -> np.float32:
    resets = model.threshold is not None and model.reset == "hard"
    return np.float32({"zero": 0, "reset": model.v_reset if resets else 0, "leak": model.v_rest}[start])


def neuron_node(population: Population, shape: tuple[int, ...], rules: Profile) -> Node:
    """The NIR node of a `Lif`, all its fields arrays of ``shape``. Raises NeurosimError for what NIR cannot hold."""
    model, where = population.model, f"population {population.name!r}"
    dt = rules.dt

    def full(value) -> np.ndarray:
        return np.full(shape, value, np.float64)

    def threshold() -> np.ndarray:
        return model.per_neuron("threshold", population.shape, where).reshape(shape).astype(np.float64)

    if model.refractory:
        raise NeurosimError(f"{where}.refractory: got {model.refractory}; NIR has no refractory time")
    if not model.leak_first_step and (model.v_init != np.float32(model.v_rest)).any():
        raise NeurosimError(f"{where}.leak_first_step: false; NIR leaks from the start")
    if _is_comparison(model):
        return Node(population.name, "Threshold", {"threshold": threshold()})
    keep = _factor(model, where)
    fields: dict[str, np.ndarray] = {}
    if keep is None:
        fields["r"] = full(1 / dt)
        kind = "I" if model.threshold is None else "IF"
    else:
        fields["tau"] = full(dt / (1 - keep))
        fields["r"] = full(1 if model.decay_input else 1 / (1 - keep))
        fields["v_leak"] = full(model.v_rest)
        kind = "LI" if model.threshold is None else "LIF"
    if model.current_keep is not None:
        kind = _with_current(model, fields, kind, full, dt, where)
    if model.threshold is not None:
        fields["v_threshold"] = threshold()
        fields["v_reset"] = full(model.v_reset if model.reset == "hard" else 0)
    return Node(population.name, kind, fields)


def _factor(model: Lif, where: str) -> float | None:
    """What a step leaves of the membrane, exactly the float32 that the engines use; None where it keeps all."""
    leak = model.leak
    if leak.kind == "none":
        return None
    if leak.kind != "multiply":
        raise NeurosimError(f"{where}.leak: NIR has no {leak.kind} leak; use multiply")
    factor = float(np.float32(leak.numerator / 2**leak.shift if leak.factor is None else leak.factor))
    if factor == 1 and model.v_rest == 0 and not model.decay_input:
        return None
    if not 0 <= factor < 1:
        raise NeurosimError(f"{where}.leak.factor: got {factor}; NIR's tau can express 0 to less than 1")
    return factor


def _with_current(model: Lif, fields: dict, kind: str, full, dt: float, where: str) -> str:
    """Add the synaptic current; returns CubaLI or CubaLIF."""
    keep = float(np.float32(model.current_keep))
    if not 0 <= keep < 1 or "tau" not in fields:
        raise NeurosimError(f"{where}.current_keep: got {keep}; NIR needs 0 to less than 1, and a leak of the membrane")
    fields["tau_mem"] = fields.pop("tau")
    fields["tau_syn"], fields["w_in"] = full(dt / (1 - keep)), full(1 / (1 - keep))
    return "Cuba" + kind
