"""Neuron models: every rule a parameter. The order within one timestep is the meaning, so it is fixed here.

For a population in timestep t (its synaptic input I is the exact sum of the arrived contributions):

1. refractory: a neuron with steps left to wait counts one down; it keeps its membrane and ignores I and the bias
   (and a delayed reset waits with it).
2. leak: ``v <- leak(v)`` towards ``v_rest`` (skipped in timestep 0 if ``leak_first_step`` is false).
3. input: ``v <- (v + I) + bias``; with ``decay_input`` I is scaled in every timestep as the leak scales what it
   removes: by 1 - factor, (2^shift - numerator) / 2^shift, or 2^-shift, rounded like the leak.
   With ``current_keep`` there is a synaptic current: ``c <- (c * current_keep + I) + bias`` in every timestep, the
   refractory ones too, and ``v <- v + c`` (or c as ``decay_input`` scales it).
4. delayed reset of a spike of t-1: ``subtract`` takes the threshold away, ``hard`` replaces v by ``v_reset``.
5. overflow: integer membranes are saturated to, or wrapped at, ``membrane_bits`` (two's complement);
   float membranes are held at or above ``v_floor``.
6. spike: ``v > threshold`` or ``v >= threshold``. With ``max_spikes`` above 1 the spike has a value: how many whole
   thresholds fit, floor(v / threshold), at most ``max_spikes``. A ``ternary`` neuron sends +1 then, and -1 where
   ``v < -threshold`` (or ``<=``).
7. reset (when not delayed): ``hard`` v <- v_reset; ``subtract`` v <- v - threshold (times the spike's value), limited
   again as in 5 (a negative threshold can push v up, and v_reset may lie below the floor); ``none`` leaves v.

Integer leaks round as ``rounding`` says: ``floor`` (arithmetic shift), ``zero`` (towards zero) or ``nearest``
(halves up). Float arithmetic is float32, one rounding an operation, in the order written.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod

import numpy as np

from neurosim.errors import NeurosimError

LEAKS = ("none", "multiply", "shift", "subtract")
RESETS = ("hard", "subtract", "none")
ROUNDINGS = ("floor", "zero", "nearest")
TERNARY_BITS = 2
"""Payload of a spike of +1 or -1, two's complement."""


@dataclass(frozen=True)
class Leak:
    """What a membrane loses in one timestep.

    multiply: ``v_rest + (v - v_rest) * factor``; with integers factor = numerator / 2^shift.
    shift: ``v - ((v - v_rest) >> shift)``. subtract: ``v`` moves by ``amount`` towards v_rest and stops there.
    """

    kind: str = "none"
    factor: float | None = None
    numerator: int | None = None
    shift: int | None = None
    amount: float | None = None
    rounding: str = "floor"

    def __post_init__(self) -> None:
        if self.kind not in LEAKS:
            raise NeurosimError(f"leak.kind: got {self.kind!r}, expected one of {', '.join(LEAKS)}")
        if self.rounding not in ROUNDINGS:
            raise NeurosimError(f"leak.rounding: got {self.rounding!r}, expected one of {', '.join(ROUNDINGS)}")
        if self.kind == "multiply" and self.factor is None and (self.numerator is None or self.shift is None):
            raise NeurosimError("leak: 'multiply' needs factor (float) or numerator and shift (integers)")
        if self.kind == "shift" and self.shift is None:
            raise NeurosimError("leak: 'shift' needs shift")
        if self.shift is not None and not 0 <= self.shift <= 30:
            raise NeurosimError(f"leak.shift: got {self.shift}, expected 0 to 30")
        if self.kind == "subtract" and (self.amount is None or not self.amount >= 0):
            raise NeurosimError(f"leak.amount: got {self.amount}, expected a number of at least 0")
        if self.factor is not None and not np.isfinite(self.factor):
            raise NeurosimError(f"leak.factor: got {self.factor}, expected a finite number")


@dataclass(frozen=True)
class State:
    """One declared state variable of a population: what a chip must store for it."""

    name: str
    width_bits: int
    per: str = "neuron"
    reset_scope: str = "sample"


def _vector(value, dtype) -> np.ndarray:
    array = np.array(value, dtype=dtype, copy=True).reshape(-1)
    array.setflags(write=False)
    return array


@dataclass(frozen=True, eq=False)
class Lif:
    """Leaky (or not) integrate-and-fire.

    ``threshold``, ``bias`` and ``v_init`` are scalars, one value a channel (first axis of the population's shape),
    or one a neuron. ``threshold=None`` never spikes: an integrator for membrane readout. ``membrane_bits=None`` is
    a float32 membrane; ``current_keep``, ``v_floor`` and ``max_spikes`` are for those. ``ternary`` neurons send +1 or
    -1: their thresholds are positive, and their reset comes in the same step.
    """

    threshold: float | np.ndarray | None
    leak: Leak = field(default_factory=Leak)
    decay_input: bool = False
    compare: str = ">="
    reset: str = "subtract"
    v_reset: float = 0
    reset_delay: bool = False
    v_rest: float = 0
    v_init: float | np.ndarray = 0
    bias: float | np.ndarray = 0
    refractory: int = 0
    leak_first_step: bool = True
    membrane_bits: int | None = None
    overflow: str = "saturate"
    current_keep: float | None = None
    v_floor: float | None = None
    max_spikes: int = 1
    ternary: bool = False
    kind = "lif"

    def __post_init__(self) -> None:
        for name, value, allowed in (
            ("compare", self.compare, (">", ">=")),
            ("reset", self.reset, RESETS),
            ("overflow", self.overflow, ("saturate", "wrap")),
        ):
            if value not in allowed:
                raise NeurosimError(f"neuron.{name}: got {value!r}, expected one of {', '.join(allowed)}")
        if self.membrane_bits is not None and not 2 <= self.membrane_bits <= 32:
            raise NeurosimError(f"neuron.membrane_bits: got {self.membrane_bits}, expected 2 to 32 (or none: float32)")
        if not 0 <= self.refractory <= 255:
            raise NeurosimError(f"neuron.refractory: got {self.refractory}, expected 0 to 255 timesteps")
        if self.decay_input and self.leak.kind not in ("multiply", "shift"):
            raise NeurosimError(f"neuron.decay_input: needs a multiply or shift leak, got {self.leak.kind!r}")
        integer = self.membrane_bits is not None
        if integer and self.leak.kind == "multiply" and None in (self.leak.numerator, self.leak.shift):
            raise NeurosimError("neuron.leak: an integer membrane needs numerator and shift, not a float factor")
        if integer and self.leak.kind == "subtract" and not float(self.leak.amount).is_integer():
            raise NeurosimError(f"neuron.leak.amount: got {self.leak.amount}, an integer membrane needs a whole number")
        self._check_float_only(integer)
        self._check_ternary()
        for name in ("threshold", "bias", "v_init", "v_reset", "v_rest", "current_keep", "v_floor"):
            value = getattr(self, name)
            if value is None:
                continue
            array = np.asarray(value)
            if not np.isfinite(array.astype(np.float64)).all():
                raise NeurosimError(f"neuron.{name}: contains NaN or infinity; expected finite numbers")
            if integer:
                if (array != np.floor(array)).any():
                    raise NeurosimError(f"neuron.{name}: an integer membrane needs whole numbers; fold scales first")
                limit = 1 << (self.membrane_bits - 1)
                if (np.abs(array.astype(np.float64)) > limit).any():
                    raise NeurosimError(
                        f"neuron.{name}: magnitude {np.abs(array).max()}, expected at most {limit} "
                        f"({self.membrane_bits}-bit membrane)"
                    )
                if name in ("v_init", "v_reset", "v_rest") and (array == limit).any():
                    raise NeurosimError(f"neuron.{name}: got {limit}, a membrane holds at most {limit - 1}")
            if name in ("threshold", "bias", "v_init"):
                object.__setattr__(self, name, _vector(value, np.int64 if integer else np.float32))

    def _check_float_only(self, integer: bool) -> None:
        for name, asked in (("current_keep", self.current_keep), ("v_floor", self.v_floor)):
            if asked is not None and integer:
                raise NeurosimError(f"neuron.{name}: got {asked}; only float32 membranes have it, leave it out")
        if not 1 <= self.max_spikes <= 255:
            raise NeurosimError(f"neuron.max_spikes: got {self.max_spikes}, expected 1 to 255")
        if self.max_spikes == 1:
            return
        positive = self.threshold is not None and (np.asarray(self.threshold) > 0).all()
        if integer or self.compare != ">=" or self.reset_delay or not positive:
            raise NeurosimError(
                f"neuron.max_spikes: got {self.max_spikes}; several spikes a step need a float32 membrane, compare "
                "'>=', a reset in the same step and positive thresholds"
            )

    def _check_ternary(self) -> None:
        positive = self.threshold is not None and (np.asarray(self.threshold) > 0).all()
        if self.ternary and (self.max_spikes > 1 or self.reset_delay or not positive):
            raise NeurosimError(
                "neuron.ternary: spikes of +1 and -1 need max_spikes 1, a reset in the same step and thresholds above 0"
            )

    def per_neuron(self, name: str, shape: tuple[int, ...], where: str) -> np.ndarray:
        """``threshold``, ``bias`` or ``v_init`` spread over the population, (n,), in C order."""
        self.check_size(name, shape, where)
        value, n = getattr(self, name), prod(shape)
        return np.array(value) if value.size == n else np.repeat(value, n // value.size)

    def check_size(self, name: str, shape: tuple[int, ...], where: str) -> None:
        """Refuse ``threshold``, ``bias`` or ``v_init`` of a size that cannot be spread over the population."""
        size, n = getattr(self, name).size, prod(shape)
        if size not in (1, n, shape[0]):
            raise NeurosimError(f"{where}.{name}: {size} values, expected 1, {shape[0]} (channels) or {n} (neurons)")

    @property
    def states(self) -> tuple[State, ...]:
        states = [State("membrane", self.membrane_bits or 32)]
        if self.refractory:
            states.append(State("refractory", int(self.refractory).bit_length()))
        if self.reset_delay:
            states.append(State("spiked", 1))
        if self.current_keep is not None:
            states.append(State("current", 32))
        return tuple(states)


@dataclass(frozen=True)
class Input:
    """Spikes come from the stimulus. ``value_bits`` 1 is binary; wider values are graded (direct input, MACs).

    ``ternary``: values of +1 and -1 in two bits, which add or subtract a weight and need no multiplier.
    """

    value_bits: int = 1
    ternary: bool = False
    kind = "input"
    states = ()

    def __post_init__(self) -> None:
        if self.ternary and self.value_bits != TERNARY_BITS:
            raise NeurosimError(f"input.value_bits: got {self.value_bits}, ternary spikes carry {TERNARY_BITS} bits")
        if not 1 <= self.value_bits <= 32:
            raise NeurosimError(f"input.value_bits: got {self.value_bits}, expected 1 to 32")


@dataclass(frozen=True)
class Relay:
    """A stateless unit: a spike whenever its input of this timestep is not zero.

    The value is the input itself (``graded``: sum and average pooling), or 1 (``graded=False``: max pooling as OR).
    """

    graded: bool = False
    value_bits: int = 1
    kind = "relay"
    states = ()


NeuronModel = Lif | Input | Relay
