"""What one integer spike of a population stands for, once a network is quantised: inputs and stateless relays.

A neuron's spike is 1. A graded input in steps of s stands for s times its value. A relay that averaged k inputs sums
them instead, and stands for 1 / k of its value, which goes into the weights behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from neurosim.errors import NeurosimError
from neurosim.snn.codecs import FloatCodec
from neurosim.snn.connectivity import Identity, Pool2d
from neurosim.snn.network import Network, Population, Projection
from neurosim.snn.neuron import Input, Lif, NeuronModel, Relay
from neurosim.snn.trace import Stimulus


@dataclass(frozen=True, eq=False)
class Values:
    """``unit``: the real value of an integer 1 that this population sends; ``low`` and ``high``: the integers it sends.

    ``model`` is its new model; ``into`` its new incoming projections by the identity of the old (relays alone).
    """

    unit: float
    low: int
    high: int
    model: NeuronModel
    into: dict[int, Projection] = field(default_factory=dict)


def source_values(
    network: Network, integer: bool, stimulus: Stimulus | None, input_bits: int | None
) -> dict[str, Values]:
    """`Values` of every population. With ``integer`` false everything stays as it is and every unit is 1."""
    values: dict[str, Values] = {}
    for position in network.update_order:
        p = network.populations[position]
        if isinstance(p.model, Relay):
            values[p.name] = _relay(network, p, values, integer)
        elif isinstance(p.model, Lif):
            values[p.name] = Values(1.0, 0, p.model.max_spikes, p.model)
        else:
            values[p.name] = _input(network, p, integer and not network.is_integer, stimulus, input_bits)
    return values


def _of_input(network: Network, population: Population, stimulus: Stimulus) -> np.ndarray:
    """Values of the spikes of one input population."""
    names = network.input_names
    first = sum(network.population(n).n_neurons for n in names[: names.index(population.name)])
    mine = (stimulus.neuron >= first) & (stimulus.neuron < first + population.n_neurons)
    return np.ones(int(mine.sum())) if stimulus.value is None else stimulus.value[mine].astype(np.float64)


def _input(network, population, convert: bool, stimulus: Stimulus | None, bits: int | None) -> Values:
    model = population.model
    if model.value_bits == 1:
        return Values(1.0, 0, 1, model)
    low, high = -(1 << (model.value_bits - 1)), (1 << model.value_bits) - 1
    if not convert:
        return Values(1.0, low, high, model)
    given = _of_input(network, population, stimulus)
    where = f"quantize: input population {population.name!r}"
    if bits is None:
        if (given != np.floor(given)).any():
            raise NeurosimError(
                f"{where}: its values are fractions; give input_bits (for example 8), and quantize_stimulus to the data"
            )
        return Values(1.0, low, min(high, 2**31 - 1), model)
    if not 2 <= bits <= 16:
        raise NeurosimError(f"quantize.input_bits: got {bits}, expected 2 to 16")
    signed = bool((given < 0).any())
    top = (1 << (bits - signed)) - 1
    largest = float(np.abs(given).max(initial=0.0)) or 1.0
    return Values(largest / top, -top if signed else 0, top, Input(bits))


def _relay(network, population, values: dict[str, Values], integer: bool) -> Values:
    """A relay's sum in a common unit; raises where its inputs have none."""
    where = f"quantize: population {population.name!r}"
    into = [p for p in network.projections if p.target == population.name]
    if not integer:
        made = {id(p): p for p in into}
        return Values(1.0, 0, 1, population.model, made)
    for p in into:
        if not isinstance(p.connectivity, (Identity, Pool2d)):
            raise NeurosimError(f"{where}: a relay fed through weights ({p.name}); put neurons there, or use float32")
        if p.source not in values:
            raise NeurosimError(f"{where}: a loop of relays through {p.source!r} has no unit; put neurons in the loop")
    steps = [_step(p, values) for p in into]
    unit = min((abs(s) for s in steps if s), default=1.0)
    made, low, high = {}, 0, 0
    for p, step in zip(into, steps, strict=True):
        factor = step / unit
        if abs(factor - round(factor)) > 1e-6 * abs(factor):
            raise NeurosimError(
                f"{where}: adds values in steps of {step:.6g} ({p.name}) and {unit:.6g}; a sum of integers needs steps "
                "that divide each other. Sum into neurons instead."
            )
        new, count = _integer_copy(p, round(factor))
        made[id(p)] = new
        ends = [count * values[p.source].low, count * values[p.source].high]
        low, high = low + min(ends), high + max(ends)
    model = population.model
    if not model.graded:
        return Values(1.0, 0, 1, model, made)
    bits = next((b for b in range(1, 33) if (low == 0 and high == 1) or (b > 1 and _fits(low, high, b))), None)
    if bits is None:
        raise NeurosimError(f"{where}: its values reach {low} to {high}, more than 32 bits")
    return Values(unit, low, high, Relay(True, bits), made)


def _fits(low: int, high: int, bits: int) -> bool:
    return -(1 << (bits - 1)) <= low and high <= (1 << bits) - 1


def _step(p: Projection, values: dict[str, Values]) -> float:
    """Real value of what one integer spike of the source adds to a relay."""
    c, unit = p.connectivity, values[p.source].unit * 2.0**p.weight_shift
    if isinstance(c, Identity):
        return float(c.weight) * unit
    return unit / (c.size[0] * c.size[1]) if c.mode == "average" else unit


def _integer_copy(p: Projection, factor: int) -> tuple[Projection, int]:
    """The projection in integers, and how many units one spike of its window can bring together."""
    c = p.connectivity
    if isinstance(c, Identity):
        return replace(p, connectivity=Identity(factor), codec=FloatCodec(), weight_shift=0), factor
    if c.mode == "max":
        return p, 1
    shift = factor.bit_length() - 1
    if factor != 1 << shift:
        raise NeurosimError(f"quantize: projection {p.name}: pools in {factor} units, expected a power of two")
    return replace(p, connectivity=replace(c, mode="sum"), weight_shift=shift), factor * c.size[0] * c.size[1]


def quantize_stimulus(network: Network, stimulus: Stimulus) -> Stimulus:
    """``stimulus`` in the units of a quantised network's inputs (`Population.unit`), rounded and limited to width.

    Binary inputs pass unchanged.
    """
    if stimulus.value is None or all(network.population(name).unit is None for name in network.input_names):
        return stimulus
    value, first = stimulus.value.astype(np.float64), 0
    for name in network.input_names:
        p = network.population(name)
        mine = (stimulus.neuron >= first) & (stimulus.neuron < first + p.n_neurons)
        first += p.n_neurons
        if p.unit is None:
            continue
        # A ternary input's second bit is its sign, whether this data has negative values or not.
        signed = p.model.ternary or bool((value[mine] < 0).any())
        top = (1 << (p.model.value_bits - signed)) - 1
        value[mine] = np.clip(np.rint(value[mine] / p.unit[0]), -top, top)
    rows = np.repeat(np.arange(stimulus.ptr.size - 1), np.diff(stimulus.ptr))
    keep = value != 0
    counts = np.bincount(rows[keep], minlength=stimulus.ptr.size - 1)
    ptr = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
    return replace(stimulus, ptr=ptr, neuron=stimulus.neuron[keep], value=_narrow(value[keep]))


def _narrow(value: np.ndarray) -> np.ndarray:
    """int32 where all values are whole, else float32 (an integer network then refuses them by name)."""
    return value.astype(np.int32 if (value == np.floor(value)).all() else np.float32)
