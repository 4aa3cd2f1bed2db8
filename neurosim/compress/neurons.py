"""A neuron's numbers in new units: threshold, bias, start, rest and leak as integers of a membrane of given width."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.network import Population
from neurosim.snn.neuron import Leak, Lif

LEAK_BITS = 12
"""Most fraction bits of a leak that becomes a fraction: what Loihi's decay constants have."""


class MembraneTooNarrow(NeurosimError):
    """A refusal that clipping more of the membrane's range may avoid."""


def one_unit_only(population: Population, readout_by_membrane: bool) -> str | None:
    """Why all channels of a population must share one unit, or None when each may have its own."""
    model = population.model
    if readout_by_membrane:
        return "its membranes are compared with each other"
    if model.v_rest or (model.v_reset and model.reset == "hard"):
        return "one resting or reset value holds for all channels"
    if model.leak.kind == "subtract":
        return "one leak amount holds for all channels"
    if model.v_floor:
        return "one floor holds for all channels"
    return None


def check_integer_membrane(population: Population) -> None:
    """Raises NeurosimError for a rule that only float32 membranes have."""
    model, where = population.model, f"quantize: population {population.name!r}"
    asked = (
        ("current_keep", model.current_keep is not None, "a synaptic current"),
        ("v_floor", model.v_floor is not None, "a floor"),
        ("max_spikes", model.max_spikes > 1, "several spikes a step"),
        ("ternary", model.ternary, "ternary spikes when quantised here, after training"),
    )
    for field, used, what in asked:
        if used:
            raise NeurosimError(
                f"{where}.{field}: integer membranes do not have {what}; use membrane_bits=None (float32 membranes) or "
                "train without it"
            )
    if model.decay_input and input_share(model.leak) <= 0:
        raise NeurosimError(f"{where}.decay_input: the leak keeps everything, so no input arrives")


def input_share(leak: Leak) -> float:
    """What ``decay_input`` leaves of an input."""
    if leak.kind == "shift":
        return 2.0**-leak.shift
    keep = leak.numerator / 2**leak.shift if leak.factor is None else leak.factor
    return 1.0 - float(np.float32(keep))


def integer_leak(leak: Leak, unit: float, rounding: str, where: str) -> tuple[Leak, float]:
    """The leak in integers, and the error of its factor (of its amount, in real units, for ``subtract``).

    A factor 1 - 2^-k becomes a shift; another one a fraction of at most `LEAK_BITS` bits.
    """
    if leak.kind == "none":
        return leak, 0.0
    if leak.kind == "subtract":
        amount = float(np.rint(leak.amount / unit))
        if amount == 0 and leak.amount:
            raise MembraneTooNarrow(
                f"{where}.leak.amount: {leak.amount} rounds to 0 steps of {unit:.3g}; widen the membrane"
            )
        return Leak("subtract", amount=amount, rounding=rounding), abs(amount * unit - leak.amount)
    if leak.kind == "shift":
        return replace(leak, rounding=rounding), 0.0
    if leak.numerator is not None:
        return Leak("multiply", numerator=leak.numerator, shift=leak.shift, rounding=rounding), 0.0
    factor = float(leak.factor)
    lost = 1.0 - float(np.float32(factor))
    for k in range(1, 16):
        if abs(lost - 2.0**-k) < 1e-7:
            return Leak("shift", shift=k, rounding=rounding), 0.0
    for shift in range(LEAK_BITS + 1):
        numerator = int(np.rint(factor * 2**shift))
        if abs(numerator / 2**shift - factor) < 1e-7 or shift == LEAK_BITS:
            return Leak("multiply", numerator=numerator, shift=shift, rounding=rounding), numerator / 2**shift - factor
    raise AssertionError("unreachable")


def magnitudes(population: Population, n: int) -> np.ndarray:
    """Largest of |threshold|, |bias|, |v_init|, |v_rest| and |v_reset| of each of ``n`` groups, (n,)."""
    model, where = population.model, f"population {population.name!r}"
    names = ["bias", "v_init"] + ["threshold"] * (model.threshold is not None)
    each = [np.abs(model.per_neuron(name, population.shape, where)).reshape(n, -1).max(axis=1) for name in names]
    reset = abs(model.v_reset) if model.reset == "hard" else 0.0
    return np.maximum(np.max(each, axis=0).astype(np.float64), max(abs(model.v_rest), reset))


def _compact(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """One value, one a channel or one a neuron: the shortest that says the same."""
    if (values == values[0]).all():
        return values[:1]
    by_channel = values.reshape(shape[0], -1)
    return by_channel[:, 0] if (by_channel == by_channel[:, :1]).all() else values


def in_units(population: Population, unit: np.ndarray, bits: int | None, rounding: str | None) -> tuple[Lif, dict]:
    """The model with its membrane counted in ``unit`` (1,) or (channels,), and how far its constants were rounded.

    ``bits`` None keeps float32. ``rounding`` None keeps the leak's own. Raises NeurosimError when a threshold becomes 0
    or cannot be reached.
    """
    model, where = population.model, f"quantize: population {population.name!r}"
    spread = np.repeat(unit, population.n_neurons // unit.size)
    vectors, errors = {}, {}
    for name in ("threshold", "bias", "v_init"):
        if getattr(model, name) is None:
            continue
        real = model.per_neuron(name, population.shape, where).astype(np.float64)
        exact = real / spread
        values = exact if bits is None else np.rint(exact)
        errors[name] = float((np.abs(values - exact) * spread).max())
        if name == "threshold" and bits is not None:
            _check_threshold(model, real, values, bits, where)
        vectors[name] = _compact(values, population.shape)
    scalars = {"v_rest": model.v_rest, "v_reset": model.v_reset if model.reset == "hard" else 0}
    if bits is None:
        scalars["v_floor"] = model.v_floor
    for name, value in scalars.items():
        if value:
            scalars[name] = float(value / unit[0] if bits is None else np.rint(value / unit[0]))
    if bits is None:
        amount = model.leak.amount
        leak = model.leak if amount is None else replace(model.leak, amount=float(amount / unit[0]))
        return replace(model, leak=leak, **vectors, **scalars), {"leak_error": 0.0, **_named(errors)}
    leak, leak_error = integer_leak(model.leak, float(unit[0]), rounding or model.leak.rounding, where)
    made = replace(model, leak=leak, decay_input=False, membrane_bits=bits, overflow="saturate", **vectors, **scalars)
    return made, {"leak_error": leak_error, **_named(errors)}


def _named(errors: dict[str, float]) -> dict[str, float]:
    return {f"{name}_error": errors.get(name, 0.0) for name in ("threshold", "bias")}


def _check_threshold(model: Lif, real: np.ndarray, values: np.ndarray, bits: int, where: str) -> None:
    lost = (values == 0) & (real != 0)
    if lost.any():
        raise MembraneTooNarrow(
            f"{where}.threshold: {real[lost][0]:.4g} rounds to 0 steps of a {bits}-bit membrane; "
            "give the membrane more bits, or allow clipping (clip=0.001)"
        )
    top = (1 << (bits - 1)) - 1 - (model.compare == ">")
    if (values > top).any():
        raise MembraneTooNarrow(
            f"{where}.threshold: {int(values.max())} steps, but a {bits}-bit membrane must pass it at {top} at most; "
            "give the membrane more bits"
        )
